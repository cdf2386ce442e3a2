"""Containers: who may see, read and restart them, and what a hostile or a silent one does to the pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from world import HOSTILE, Household, until

from vaderflix_core.access.models import Permission
from vaderflix_core.api import Cause, Container, LogLine, NoSettings, NotFound, PluginInfo, Rejected, Unavailable
from vaderflix_core.api.hookspecs import API_VERSION
from vaderflix_core.failures import Missing, NotAllowed, SourceFailed
from vaderflix_core.testing.modules import memory_plugin

pytestmark = pytest.mark.anyio

ID, OTHER = "a" * 64, "b" * 64
LOGS, RESTART = f"/admin/containers/engine/{ID}/logs", f"/admin/containers/engine/{ID}/restart"
API = "/api/v1/containers"
SECRET = "sesame-films"


class Engine:
    """A provider with two containers, that does what a test says."""

    def __init__(self) -> None:
        self.restarted: list[str] = []
        self.asked: list[int] = []
        self.error: Exception | None = None
        self.started = datetime.now(UTC) - timedelta(hours=2)
        self.lines = [LogLine(at=self.started, stream="stdout", text="[Info] Started")]

    async def check(self) -> list[Any]:
        return []

    async def containers(self) -> list[Container]:
        return [
            Container(
                id=ID, name="films", image="demo/films:5", state="running", status="Up", health="healthy",
                cpu_percent=12.4, memory=310_000_000, memory_limit=512_000_000, restarts=2, started_at=self.started,
            ),
            Container(id=OTHER, name=HOSTILE, image=HOSTILE, state="exited", status="Exited (1)"),
        ]  # fmt: skip

    async def logs(self, container_id: str, lines: int) -> list[LogLine]:
        self.asked.append(lines)
        if self.error:
            raise self.error
        if container_id not in (ID, OTHER):
            raise NotFound("No such container")
        return self.lines

    async def restart(self, container_id: str) -> None:
        if self.error:
            raise self.error
        self.restarted.append(container_id)


class Watcher:
    """Sees containers and can do nothing else."""

    async def check(self) -> list[Any]:
        return []

    async def containers(self) -> list[Container]:
        raise Unavailable("Nothing answers at the socket.", cause=Cause.REFUSED)


class Hull(Household):
    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine()

    def plugins(self) -> Any:
        def info(name: str) -> Any:
            return lambda: PluginInfo(name=name, summary="Sees containers.", api=API_VERSION, settings=NoSettings)

        return [
            *super().plugins(),
            memory_plugin("engine", info=info("Engine"), health_checks=lambda instance: [self.engine]),
            memory_plugin("watcher", info=info("Watcher"), health_checks=lambda instance: [Watcher()]),
        ]


@pytest.fixture
def household() -> Hull:
    return Hull()


@pytest.fixture
async def engine(host: Any, household: Hull) -> Engine:
    await host.instances.save(id="engine", plugin="engine", name="Engine", settings={}, new=True)
    await until(lambda: host.pool.bindings("Containers", instance="engine"))
    return household.engine


async def with_rights(host: Any, *rights: Permission) -> None:
    """Let Noor do just this besides watching."""
    mara, noor = await account(host, "mara"), await account(host, "noor")
    await host.people.change(mara, noor.id, granted=[str(right) for right in rights])


async def account(host: Any, name: str) -> Any:
    return next(user for user in await host.access.list_users() if user.username == name)


async def test_the_list_says_how_each_container_is(engine: Engine, visit: Any) -> None:
    mara = await visit("mara")
    page = (await mara.get("/admin/containers")).text
    assert "films" in page
    assert "Healthy" in page
    assert "310" in page
    assert "2 restarts" in page
    assert "<script>alert" not in page
    assert 'href="/admin/containers" aria-current="page"' in page
    part = (await mara.get("/admin/containers", hx_request="true")).text
    assert "<html" not in part
    assert f'href="{LOGS}"' in part


async def test_a_silent_service_says_so_and_is_no_empty_list(engine: Engine, host: Any, visit: Any) -> None:
    await host.instances.save(id="watcher", plugin="watcher", name="Watcher", settings={}, new=True)
    await until(lambda: host.pool.bindings("Containers", instance="watcher"))
    page = (await (await visit("mara")).get("/admin/containers")).text
    assert "“Watcher” does not answer." in page
    assert "it has no containers" not in page
    assert "films" in page


async def test_without_a_service_that_sees_containers_the_page_says_how_to_get_one(visit: Any) -> None:
    assert "No service sees containers" in (await (await visit("mara")).get("/admin/containers")).text


async def test_each_right_opens_just_its_part(engine: Engine, host: Any, visit: Any) -> None:
    noor = await visit("noor")
    for path in ("/admin/containers", LOGS, RESTART):
        assert (await noor.get(path)).status_code == 403
    await with_rights(host, Permission.CONTAINERS)
    noor = await visit("noor")
    page = (await noor.get("/admin/containers")).text
    assert "films" in page
    assert LOGS not in page
    assert RESTART not in page
    await with_rights(host, Permission.VIEW_LOGS)
    noor = await visit("noor")
    assert LOGS in (await noor.get("/admin/containers")).text
    assert (await noor.get(LOGS)).status_code == 200
    assert (await noor.post(RESTART)).status_code == 403
    await with_rights(host, Permission.RESTART_CONTAINERS)
    noor = await visit("noor")
    assert (await noor.get(LOGS)).status_code == 403
    assert (await noor.get(RESTART)).status_code == 200
    assert engine.restarted == []


async def test_the_service_itself_asks_for_the_right(engine: Engine, host: Any) -> None:
    noor = await account(host, "noor")
    for call in (
        host.containers.reports(noor),
        host.containers.get(noor, "engine", ID),
        host.containers.logs(noor, "engine", ID),
        host.containers.restart(noor, "engine", ID),
    ):
        with pytest.raises(NotAllowed):
            await call
    assert (engine.restarted, engine.asked) == ([], [])


async def test_hostile_lines_are_text(engine: Engine, visit: Any) -> None:
    engine.lines = [
        LogLine(at=engine.started, stream="stderr", text=HOSTILE),
        LogLine(at=None, stream="stdout", text='" onmouseover="x" {{ 7*7 }}'),
    ]
    page = (await (await visit("mara")).get(LOGS)).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'role="log"' in page
    assert "{{ 7*7 }}" in page
    assert '<span class="from">stderr</span>' in page


async def test_secrets_of_the_house_are_hidden_in_logs(engine: Engine, host: Any, visit: Any) -> None:
    engine.lines = [LogLine(at=None, stream="stdout", text=f"GET /queue with key {SECRET}")]
    mara = await visit("mara")
    assert SECRET not in (await mara.get(LOGS)).text
    assert SECRET not in (await mara.get(f"{API}/engine/{ID}/logs")).text


async def test_an_open_log_is_read_again_and_changes_only_when_something_was_written(
    engine: Engine, visit: Any
) -> None:
    mara = await visit("mara")
    page = (await mara.get(LOGS)).text
    again = page.partition('<ol hx-get="')[2].partition('"')[0]
    assert again.startswith(f"{LOGS}?mark=")
    assert (await mara.get(again, hx_request="true")).status_code == 204
    engine.lines = [*engine.lines, LogLine(at=engine.started, stream="stdout", text="more")]
    part = await mara.get(again, hx_request="true")
    assert part.text.startswith("<ol hx-get=")
    assert "more" in part.text
    assert "hx-get" not in (await mara.get(LOGS + "?follow=no")).text.partition('role="log"')[2]


async def test_a_log_that_cannot_be_read_now_says_so_and_comes_back(engine: Engine, visit: Any) -> None:
    mara = await visit("mara")
    engine.error = Unavailable("The connection ended.", cause=Cause.BROKEN)
    page = await mara.get(LOGS)
    assert page.status_code == 200
    assert "The connection ended." in page.text
    assert "has written nothing" not in page.text
    engine.error = None
    part = await mara.get(f"{LOGS}?mark=", hx_request="true")
    assert "[Info] Started" in part.text


async def test_a_restart_asks_first_naming_the_container_and_is_noted(engine: Engine, host: Any, visit: Any) -> None:
    mara = await visit("mara")
    dialog = (await mara.get(RESTART, hx_request="true")).text
    assert "Restart “films”?" in dialog
    assert engine.restarted == []
    answer = await mara.post(RESTART)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/containers")
    assert engine.restarted == [ID]
    entry = (await host.activity.find())[0]
    assert (entry.action, entry.subject, entry.actor) == ("container.restarted", "films", "mara")
    assert entry.after == {"at": "Engine", "result": "done"}
    assert "Restarted a container" in (await mara.get("/admin/activity")).text


async def test_a_refused_restart_says_why_and_is_not_noted(engine: Engine, host: Any) -> None:
    mara = await account(host, "mara")
    engine.error = Rejected("This engine lets us look only.")
    with pytest.raises(SourceFailed, match="look only"):
        await host.containers.restart(mara, "engine", ID)
    assert not [one for one in await host.activity.find() if one.action == "container.restarted"]


async def test_a_restart_that_nobody_confirmed_is_noted_as_such(engine: Engine, host: Any) -> None:
    mara = await account(host, "mara")
    engine.error = Unavailable("It did not answer in time.", cause=Cause.TIMEOUT)
    with pytest.raises(SourceFailed, match="may still happen"):
        await host.containers.restart(mara, "engine", ID)
    assert (await host.activity.find())[0].after == {"at": "Engine", "result": "not confirmed"}


@pytest.mark.parametrize(("instance", "container"), [("engine", "c" * 64), ("engine", "..%2Fimages"), ("nobody", ID)])
async def test_what_is_not_there_is_missing(
    engine: Engine, host: Any, visit: Any, instance: str, container: str
) -> None:
    mara = await visit("mara")
    assert (await mara.get(f"/admin/containers/{instance}/{container}/logs")).status_code == 404
    assert (await mara.get(f"{API}/{instance}/{container}/logs")).status_code == 404
    with pytest.raises(Missing):
        await host.containers.restart(await account(host, "mara"), instance, container)
    assert engine.restarted == []


async def test_the_api_lists_reads_and_restarts(engine: Engine, host: Any, app: Any, visit: Any) -> None:
    mara = await visit("mara")
    [found] = (await mara.get(API)).json()
    assert (found["instance"], found["outcome"], found["has_logs"], found["can_restart"]) == (
        "engine",
        "ok",
        True,
        True,
    )
    assert [one["name"] for one in found["containers"]] == ["films", HOSTILE]
    lines = (await mara.get(f"{API}/engine/{ID}/logs?lines=9999")).json()
    assert lines[0]["text"] == "[Info] Started"
    assert engine.asked == [500]
    assert (await mara.get(f"{API}/engine/{ID}/logs?lines=many")).status_code == 400
    forged = await mara.http.post(f"{API}/engine/{ID}/restart")
    assert forged.status_code == 403
    done = await mara.http.post(f"{API}/engine/{ID}/restart", headers={"X-Vaderflix": "1"})
    assert done.status_code == 204
    assert engine.restarted == [ID]
