from __future__ import annotations

import re

import httpx
import pytest

from vaderflix_core.api import AuthFailed, BadAnswer, Cause, ServiceError, Unavailable, WrongService
from vaderflix_core.testing import Fault
from vaderflix_docker_health import view
from vaderflix_docker_health.health import DockerHealth
from vaderflix_docker_health.panel import containers_panel
from vaderflix_docker_health.simulator import MB, DockerSimulator

pytestmark = pytest.mark.anyio

Simulated = tuple[DockerSimulator, DockerHealth]


async def test_the_household_is_seen(simulated: Simulated) -> None:
    _, health = simulated
    assert [one.name for one in await health.containers()] == ["downloader", "films", "library", "series", "vpn"]
    assert await health.check() == []
    info = await health.test()
    assert (info.product, info.version, info.detail) == ("Docker", "26.1.5", "5 containers")


async def test_figures_move_around_what_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from vaderflix_core.testing import served

    from .conftest import an_instance

    monkeypatch.setattr(view, "FRESH", 0)
    now = [1_800_000_000.0]
    simulator = DockerSimulator(clock=lambda: now[0])
    async with served(simulator.app) as url:
        instance = an_instance(**simulator.settings(url))
        health = DockerHealth(instance)
        seen = []
        for _ in range(30):
            seen.append({one.name: one for one in await health.containers()}["downloader"])
            now[0] += 5
        await instance.close()
    assert seen[0].cpu_percent is None
    cpu = [one.cpu_percent for one in seen[1:]]
    assert 17 < sum(cpu) / len(cpu) < 19
    assert max(cpu) - min(cpu) > 5
    assert len({one.memory for one in seen}) > 20
    assert all(580 * MB < one.memory < 660 * MB for one in seen)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"health": "unhealthy"}, "unhealthy:films"),
        ({"state": "exited", "exit_code": 1}, "exited:films"),
        ({"state": "exited", "exit_code": 137, "oom_killed": True}, "oom:films"),
        ({"state": "restarting", "exit_code": 3, "restarts": 4}, "restart_loop:films"),
        ({"memory": 510 * MB}, "memory:films"),
    ],
)
async def test_each_trouble_is_reported(simulated: Simulated, changes: dict[str, object], code: str) -> None:
    simulator, health = simulated
    for name, value in changes.items():
        setattr(simulator.container("films"), name, value)
    assert [report.code for report in await health.check()] == [code]


@pytest.mark.parametrize(
    ("fault", "error", "cause"),
    [
        (Fault.UNAUTHORIZED, AuthFailed, None),
        (Fault.RATE_LIMITED, Unavailable, Cause.RATE_LIMITED),
        (Fault.SERVER_ERROR, Unavailable, Cause.SERVER_ERROR),
        (Fault.GARBAGE, (WrongService, BadAnswer), None),
        (Fault.HALF, Unavailable, Cause.BROKEN),
        (Fault.GONE, Unavailable, Cause.BROKEN),
        (Fault.EMPTY, BadAnswer, None),
    ],
)
async def test_each_fault_is_the_right_error(
    simulated: Simulated, fault: Fault, error: type[ServiceError], cause: Cause | None
) -> None:
    simulator, health = simulated
    await health.test()
    simulator.faults.set(fault, path="/containers" if fault is not Fault.EMPTY else "v1.45")
    with pytest.raises(error) as caught:
        await health.check()
    if cause:
        assert caught.value.cause is cause
    simulator.faults.clear()
    assert await health.check() == []


async def test_an_engine_that_hangs_is_a_timeout() -> None:
    from vaderflix_core.testing import served
    from vaderflix_docker_health.engine import Engine

    from .conftest import an_instance

    simulator = DockerSimulator()
    simulator.faults.set(Fault.HANG)
    async with served(simulator.app) as url:
        instance = an_instance(**simulator.settings(url))
        with pytest.raises(Unavailable) as caught:
            await Engine(instance, timeout=0.3).version()
        await instance.close()
    assert caught.value.cause is Cause.TIMEOUT


async def test_another_product_at_the_address_is_named(simulated: Simulated) -> None:
    simulator, health = simulated
    simulator.faults.set(Fault.GARBAGE)
    with pytest.raises(WrongService, match="not a Docker Engine"):
        await health.test()


async def test_it_refuses_to_do_anything_but_a_restart(simulated: Simulated) -> None:
    simulator, health = simulated
    await health.test()
    async with httpx.AsyncClient(base_url=health._instance.settings.address.replace("tcp", "http")) as client:
        film = simulator.container("films").id
        assert (await client.post(f"/v1.45/containers/{film}/stop")).status_code == 404
        too_new = (await client.get("/v1.99/containers/json")).json()["message"]
        assert too_new.startswith("client version 1.99 is too new")
        assert (await client.get("/v1.3/containers/json")).status_code == 400
    assert simulator.container("films").state == "running"


async def test_the_panel_shows_trouble_first_with_its_last_words(simulated: Simulated) -> None:
    simulator, health = simulated
    series = simulator.container("series")
    series.state, series.exit_code, series.log = "exited", 1, ("one", "two", "disk <full>")
    rows = await containers_panel(health).data()
    assert [row.name for row in rows] == ["series", "downloader", "films", "library", "vpn"]
    assert (rows[0].chip.word, rows[0].chip.tint) == ("Stopped", "bad")
    assert rows[0].lines == ("one", "two", "disk <full>")
    assert rows[1].lines == ()
    assert (rows[4].chip.word, rows[1].chip.word) == ("Running", "Healthy")


async def test_the_panel_is_a_plain_table_with_everything_escaped(simulated: Simulated) -> None:
    simulator, health = simulated
    film = simulator.container("films")
    film.health, film.log, film.image = "unhealthy", ("<script>alert(1)</script>",), '"><img src=x>'
    html = render(await containers_panel(health).data())
    assert html.count("<tr") == 6
    assert "<script>" not in html
    assert "<img" not in html
    assert "Unhealthy" in html
    assert "&lt;script&gt;" in html
    assert re.search(r'<table class="table tight containers">', html)
    assert "it has no containers" in render([])


def render(data: object) -> str:
    from pathlib import Path

    import jinja2

    import vaderflix_docker_health

    folder = Path(vaderflix_docker_health.__file__).parent / "templates"
    macros = '{% macro chip(c) %}<span class="chip {{ c.tint }}">{{ c.word }}</span>{% endmacro %}'
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder), jinja2.DictLoader({"macros.html": macros})])
    env = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    env.filters.update(bytes=str, percent=str)
    env.globals["spark"] = lambda values, label: ""
    return env.get_template("containers.html").render(data=data, instance=None)
