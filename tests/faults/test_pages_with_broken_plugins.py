"""Plugins broken in every way, all in one house: each page answers, and the list of services names each with why."""

from __future__ import annotations

import asyncio
import functools
import html
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from siege import PATIENCE, House, besieged, words

import vaderflix_core.host
from vaderflix_core.api import (
    API_VERSION,
    Candidate,
    ExternalIds,
    LibraryItem,
    MediaKind,
    Panel,
    PluginInfo,
    Unavailable,
)
from vaderflix_core.plugins.loader import load_plugins
from vaderflix_core.testing.fakes import FakeDownloader, FakeHealthCheck, FakeMediaSource, FakeRequester
from vaderflix_core.testing.modules import MemoryEntryPoint, memory_plugin, plugin_module

pytestmark = pytest.mark.anyio

IDS = ExternalIds(tmdb=961)
HELD = LibraryItem(kind=MediaKind.MOVIE, title="The General", ids=IDS, key="1", year=1926)
FOUND = Candidate(kind=MediaKind.MOVIE, title="The Stranger", ids=ExternalIds(tmdb=20246), year=1946)


def forever(*_: Any) -> Any:
    threading.Event().wait()


def raising(error: BaseException) -> Any:
    def hook(*_: Any) -> Any:
        raise error

    return hook


async def for_ever() -> Any:
    await asyncio.Event().wait()


async def bursts() -> Any:
    raise ZeroDivisionError("no figures")


def info(**changes: Any) -> Any:
    return lambda: PluginInfo(**({"name": "Odd", "summary": "s", "api": API_VERSION} | changes))


LOADING: dict[str, tuple[Any, str]] = {
    "import-fails": (raising(ModuleNotFoundError("No module named 'nowhere'")), "No module named 'nowhere'"),
    "import-exits": (lambda: sys.exit(3), "While importing, it called sys.exit(3)"),
    "import-hangs": (forever, "It did not finish importing in 0.3 s"),
    "no-module": (lambda: 42, "must name a module"),
    "unknown-hook": (lambda: plugin_module("odd", media_source=lambda instance: []), "unknown hook 'media_source'"),
    "another-api": (lambda: plugin_module("odd", info=info(api=99)), "written for version 99 of the plugin API"),
    "info-raises": (lambda: plugin_module("odd", info=raising(KeyError("oh"))), "While calling plugin(): KeyError"),
    "info-hangs": (lambda: plugin_module("odd", info=forever), "did not finish calling plugin() in 0.3 s"),
}


class StartFails(FakeRequester):
    async def start(self) -> None:
        raise KeyError("start")


class StartDown(FakeRequester):
    async def start(self) -> None:
        raise Unavailable("Nothing answers there.")


class NoSearch(FakeRequester):
    search = None


STARTING: dict[str, tuple[Any, str]] = {
    "hook-raises": (raising(ValueError("boom")), "ValueError: boom"),
    "hook-exits": (raising(SystemExit(2)), "called sys.exit(2)"),
    "hook-gives-a-stranger": (lambda instance: [object()], "object has no method"),
    "lacks-a-method": (lambda instance: [NoSearch()], "NoSearch has no method search()"),
    "start-raises": (lambda instance: [StartFails()], "KeyError: 'start'"),
    "start-finds-nobody": (lambda instance: [StartDown()], "Nothing answers there."),
}


class Bursts(FakeRequester):
    async def search(self, query: str, kind: MediaKind) -> Any:
        raise ZeroDivisionError("division by zero")

    lookup = search


class Hangs(FakeRequester):
    async def search(self, query: str, kind: MediaKind) -> Any:
        await asyncio.Event().wait()

    lookup = search


class Lies(FakeRequester):
    async def search(self, query: str, kind: MediaKind) -> Any:
        return [object()]

    async def lookup(self, kind: MediaKind, ids: ExternalIds) -> Any:
        return "three"


class Exits(FakeRequester):
    async def search(self, query: str, kind: MediaKind) -> Any:
        sys.exit(6)

    lookup = search


CALLING = {"bursts": Bursts, "hangs": Hangs, "lies": Lies, "exits": Exits}


class BurstingDownloader(FakeDownloader):
    async def downloads(self) -> Any:
        raise ZeroDivisionError("division by zero")


class BurstingCheck(FakeHealthCheck):
    async def check(self) -> Any:
        raise ZeroDivisionError("division by zero")


def panels(instance: Any) -> list[Panel]:
    return [
        Panel(id="bursts", title="Bursts", template="none.html", data=bursts),
        Panel(id="hangs", title="Hangs", template="none.html", data=for_ever),
        Panel(id="lost", title="Lost", template="none.html", data=functools.partial(asyncio.sleep, 0, {})),
    ]


def giving(make: Any) -> Any:
    return lambda instance: [make()]


def plugins() -> list[MemoryEntryPoint]:
    return [
        memory_plugin("shelf", media_sources=lambda instance: [FakeMediaSource([HELD])]),
        memory_plugin("finder", requesters=lambda instance: [FakeRequester([FOUND])]),
        *(MemoryEntryPoint(name, load) for name, (load, _) in LOADING.items()),
        *(memory_plugin(name, requesters=hook) for name, (hook, _) in STARTING.items()),
        *(memory_plugin(name, requesters=giving(make)) for name, make in CALLING.items()),
        memory_plugin(
            "dashboard",
            downloaders=lambda instance: [BurstingDownloader()],
            health_checks=lambda instance: [BurstingCheck()],
            panels=panels,
        ),
    ]


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        hurried = functools.partial(load_plugins, import_seconds=0.3, hook_seconds=0.3)
        patch.setattr(vaderflix_core.host, "load_plugins", hurried)
        async with besieged(tmp_path_factory.mktemp("house"), plugins=plugins()) as house:
            house.hung |= {"hangs", "dashboard"}
            host = house.host
            for name in ("shelf", "finder", "dashboard", *STARTING, *CALLING):
                await host.instances.store(id=name, plugin=name, name=name.replace("-", " ").title(), settings={})
            await host.instances.reconcile()
            assert (await host.library.sweep("shelf")).complete
            await host.downloads.refresh()
            await host.monitor.check_now("dashboard")
            yield house


async def test_the_list_of_services_names_every_broken_plugin_with_its_reason(house: House) -> None:
    page = html.unescape((await house.mara.http.get("/admin/services")).text)
    records = {record["id"]: record for record in (await house.mara.http.get("/api/v1/plugins")).json()}
    for name, (_, reason) in LOADING.items():
        assert reason in page, name
        assert reason in records[name]["error"]
        assert records[name]["state"] in ("failed", "incompatible")
    services = {service["id"]: service for service in await house.mara.json("/services")}
    for name, (_, reason) in STARTING.items():
        assert reason in page, name
        assert reason in services[name]["error"]
        said = await house.mara.http.get(f"/admin/services/{name}")
        assert said.status_code == 200
        assert reason in html.unescape(said.text)
    assert all(services[name]["state"] == "running" for name in ("finder", "shelf", *CALLING))
    assert "ZeroDivisionError" in page  # the check that bursts


async def test_every_page_and_every_call_without_parameters_answers(house: House) -> None:
    """Traces are for the author of a plugin, on the pages of admins; nobody else is shown one."""
    needed = {"/search": "?q=the", "/api/v1/search": "?q=the", "/api/v1/search/library": "?q=the"}
    needed |= {"/api/v1/library": "?kind=movie", "/live/search": "?q=the"}
    paths = {
        route.path + needed.get(route.path, "")
        for route in house.app.routes
        if "GET" in getattr(route, "methods", ()) and "{" not in route.path
        if not route.path.startswith("/live/") or route.path == "/live/search"
    } - {"/api/v1/events"}
    assert len(paths) > 25
    for path in sorted(paths):
        answer = await house.mara.http.get(path)
        assert answer.status_code < 400 or path == "/setup", f"{path}: {answer.status_code} {answer.text}"
        for visitor in (house.jonas, house.edith):
            answer = await visitor.get(path)
            assert answer.status_code in (200, 303, 401, 403) or path == "/setup", (
                f"{path}: {answer.status_code} {answer.text}"
            )


async def test_the_others_are_searched_and_each_broken_one_has_its_chip(house: House) -> None:
    page = words((await house.jonas.get("/live/search?q=stranger")).text.split("event: elsewhere")[-1])
    assert "The Stranger" in page
    assert "Finder: 1 found" in page
    for name in CALLING:
        assert f"“{name.title()}” did not answer." in page
    title = await house.jonas.read("/title/movie/tmdb-961")
    assert "In the library" in title
    assert "Play" in title
    for name in CALLING:
        assert f"“{name.title()}” did not answer." in title


@pytest.mark.parametrize(
    ("panel", "reason"),
    [
        ("bursts", "ZeroDivisionError"),
        ("hangs", f"It did not answer in {PATIENCE:g} s."),
        ("lost", "Its template could not be shown."),
    ],
)
async def test_a_broken_panel_is_a_card_that_says_why(house: House, panel: str, reason: str) -> None:
    card = await house.mara.read(f"/admin/panels/dashboard/{panel}")
    assert "This panel did not answer" in card
    assert reason in card


async def test_the_dashboard_says_what_needs_somebody(house: House) -> None:
    page = await house.mara.read("/admin")
    assert "“Dashboard” does not work" in page
    assert "“Dashboard” does not answer." in page  # its downloads
    assert "The plugin “import-fails” could not be loaded" in page
    assert "“Start Finds Nobody” does not work" in page
