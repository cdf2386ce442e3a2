"""How the house is: health, containers, disks, deliveries, jobs that were given up."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath, FromQuery

from vaderflix_core.api.models import LogLine
from vaderflix_core.api.roles import Storage
from vaderflix_core.failures import Missing
from vaderflix_core.monitor.containers import ContainersReport
from vaderflix_core.monitor.service import InstanceHealth
from vaderflix_core.store.deliveries import Delivery
from vaderflix_core.store.incidents import Incident

from ..auth import host_of
from ..page import Req

DASHBOARD = {"permission": "dashboard"}


@get("/health", opt=DASHBOARD)
async def health(request: Req) -> list[InstanceHealth]:
    """Every service: how it is, since when, and its last checks."""
    return host_of(request).monitor.status()


@post("/health/{instance:str}/check", opt=DASHBOARD, status_code=204)
async def check(request: Req, instance: FromPath[str]) -> None:
    """Check a service now."""
    await host_of(request).monitor.check_now(instance)


@get("/incidents", opt=DASHBOARD)
async def incidents(request: Req) -> list[Incident]:
    """The troubles of the last 30 days, newest first; `closed_at` is null while one lasts."""
    return await host_of(request).monitor.incidents()


@get("/containers", opt={"permission": "containers.view"})
async def containers(request: Req) -> list[ContainersReport]:
    """The containers that each service sees, and whether it answered."""
    return await host_of(request).containers.reports(request.user)


@get("/containers/{instance:str}/{container_id:str}/logs", opt={"permission": "logs.view"})
async def logs(
    request: Req, instance: FromPath[str], container_id: FromPath[str], lines: FromQuery[int] = 200
) -> list[LogLine]:
    """The last lines of a container, oldest first, at most 500; `at` is null where no time is known."""
    return await host_of(request).containers.logs(request.user, instance, container_id, lines)


@post(
    "/containers/{instance:str}/{container_id:str}/restart", opt={"permission": "containers.restart"}, status_code=204
)
async def restart(request: Req, instance: FromPath[str], container_id: FromPath[str]) -> None:
    """Restart a container, or start one that does not run. A 502 may mean that it is not known whether it was done."""
    await host_of(request).containers.restart(request.user, instance, container_id)


@get("/storage", opt=DASHBOARD)
async def storage(request: Req) -> list[dict[str, Any]]:
    """The disks that each service writes to, and whether it answered."""
    return await _asked(request, Storage, "volumes")


@get("/deliveries", opt={"permission": "settings"})
async def deliveries(request: Req) -> list[Delivery]:
    """The newest notifications and how they ended."""
    return await host_of(request).notify.deliveries()


@get("/jobs/dead", opt={"permission": "settings"})
async def dead_jobs(request: Req) -> list[dict[str, Any]]:
    """Work that was given up, with why."""
    found = await host_of(request).jobs.given_up()
    return [{"id": id, "kind": kind, "error": error, "created_at": at} for id, kind, error, at in found]


@post("/jobs/{job_id:int}/revive", opt={"permission": "settings"}, status_code=204)
async def revive(request: Req, job_id: FromPath[int]) -> None:
    """Give such work another try."""
    if not await host_of(request).jobs.revive(job_id):
        raise Missing("There is no such work waiting.")


async def _asked(request: Req, ability: type, method: str) -> list[dict[str, Any]]:
    answers = await host_of(request).fanout.all(ability, method)
    return [
        {"instance": a.instance, "name": a.name, "outcome": a.outcome, "error": a.error, method: a.value or []}
        for a in answers
    ]


HANDLERS = [health, check, incidents, containers, logs, restart, storage, deliveries, dead_jobs, revive]
