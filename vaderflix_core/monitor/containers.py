"""The containers that services see: what they are, what they write, and how one is restarted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..access.activity import Activity
from ..access.models import Permission, User
from ..api.models import Container, LogLine
from ..api.roles import Containers as SeesContainers
from ..api.roles import Logs, Restart
from ..failures import Missing, NotAllowed, SourceFailed
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Binding, Pool

MOST_LINES = 500
RESTART_TIMEOUT = 100.0  # seconds: a container may take its time to stop


class ContainersReport(Struct, frozen=True, kw_only=True):
    """The containers that one service sees. Without an answer there are none here, and `error` says why."""

    instance: str
    name: str
    outcome: Outcome
    error: str
    containers: tuple[Container, ...]
    has_logs: bool
    can_restart: bool


class Containers:
    """The containers of the house."""

    def __init__(self, pool: Pool, guard: Guard, activity: Activity, clean: Callable[[str], str]) -> None:
        self._pool = pool
        self._guard = guard
        self._activity = activity
        self._clean = clean

    async def reports(self, viewer: User) -> list[ContainersReport]:
        """What every service that sees containers says now. Raises `NotAllowed`."""
        _allow(viewer, Permission.CONTAINERS, "Your account cannot see containers.")
        return list(await asyncio.gather(*(self._report(one) for one in self._pool.bindings(SeesContainers))))

    async def get(self, viewer: User, instance: str, container_id: str) -> tuple[ContainersReport, Container]:
        """One container. Raises `NotAllowed`, `Missing` and, when that is not known now, `SourceFailed`."""
        _allow(viewer, Permission.CONTAINERS, "Your account cannot see containers.")
        return await self._find(instance, container_id)

    async def logs(self, viewer: User, instance: str, container_id: str, lines: int = 200) -> list[LogLine]:
        """The last lines of a container, oldest first, 500 at most, without the secrets that this house knows.

        Raises `NotAllowed`, `Missing` and `SourceFailed`.
        """
        _allow(viewer, Permission.VIEW_LOGS, "Your account cannot read logs.")
        answer = await self._guard.call(self._one(Logs, instance), "logs", container_id, max(1, min(lines, MOST_LINES)))
        found: Sequence[LogLine] = _value(answer)
        return [replace(line, text=self._clean(line.text)) for line in found[-MOST_LINES:]]

    async def restart(self, actor: User, instance: str, container_id: str) -> Container:
        """Restart a container, and note who did; gives it as it was before.

        Raises `NotAllowed`, `Missing` and `SourceFailed`. A restart that nobody confirmed is noted as such.
        """
        _allow(actor, Permission.RESTART_CONTAINERS, "Your account cannot restart containers.")
        binding = self._one(Restart, instance)
        report, container = await self._find(instance, container_id)
        answer = await self._guard.call(binding, "restart", container.id, timeout=RESTART_TIMEOUT)
        unsure = answer.outcome is Outcome.TIMEOUT
        if answer.outcome is Outcome.OK or unsure:
            after = {"at": report.name, "result": "not confirmed" if unsure else "done"}
            await self._activity.log(actor, "container.restarted", container.name, after=after)
        if unsure:
            raise SourceFailed(
                f"{answer.name} did not say in time that “{container.name}” was restarted. It may still happen."
            )
        _value(answer)
        return container

    async def _report(self, binding: Binding) -> ContainersReport:
        answer = await self._guard.call(binding, "containers")
        return ContainersReport(
            instance=answer.instance,
            name=answer.name,
            outcome=answer.outcome,
            error=answer.error,
            containers=tuple(answer.value or ()),
            has_logs=bool(self._pool.bindings(Logs, instance=binding.instance)),
            can_restart=bool(self._pool.bindings(Restart, instance=binding.instance)),
        )

    async def _find(self, instance: str, container_id: str) -> tuple[ContainersReport, Container]:
        report = await self._report(self._one(SeesContainers, instance))
        if report.outcome is not Outcome.OK:
            raise SourceFailed(f"{report.name}: {report.error}")
        for container in report.containers:
            if container.id == container_id:
                return report, container
        raise Missing("There is no such container.")

    def _one(self, ability: type, instance: str) -> Binding:
        bindings = self._pool.bindings(ability, instance=instance)
        if not bindings:
            raise Missing("There is no such container.")
        return bindings[0]


def _allow(user: User, permission: Permission, refusal: str) -> None:
    if not user.may(permission):
        raise NotAllowed(refusal)


def _value(answer: Answer[Any]) -> Any:
    if answer.outcome is Outcome.NOT_FOUND:
        raise Missing("There is no such container.")
    if answer.outcome is not Outcome.OK:
        raise SourceFailed(f"{answer.name}: {answer.error}")
    return answer.value
