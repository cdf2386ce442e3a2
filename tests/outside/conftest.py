"""A running house with accounts elsewhere: a simulated media server with its account service, and OpenID providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from oidc_provider_mock import run_server_in_thread

from vaderflix_core.access.share_watch import ShareWatch
from vaderflix_core.config import load_config
from vaderflix_core.host import Host
from vaderflix_core.store import identities as identity_store
from vaderflix_core.testing import served
from vaderflix_plex.simulator import PlexSimulator

from ..visitor import PASSWORD, Visitor

FILMS, SERIES = "7000001", "7000002"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[PlexSimulator, str]]:
    simulator = PlexSimulator(tmp_path / "plex", tmp_path / "media")
    async with served(simulator.app) as url:
        yield simulator, url
        await simulator.stop()


@pytest.fixture
async def host(tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    monkeypatch.setattr("vaderflix_plex.account.GAP", 0.0)
    monkeypatch.setattr("vaderflix_plex.identity.POLL_GAP", 0.0)
    simulator, url = world
    host = Host(load_config(None, {"VADERFLIX_DATA_DIR": str(tmp_path / "house")}, {}))
    # looks at shares are the tests' to take
    monkeypatch.setattr(host.share_watch, "look", _nothing)
    await host.start()
    for name, role in (("mara", "admin"), ("edith", "requester")):
        await host.access.create_user(name, PASSWORD, role=role)
    settings = simulator.settings(url)
    await host.instances.save(id="plex", plugin="plex", name="Plex", settings=settings, new=True)
    yield host
    await host.stop()


async def _nothing() -> None:
    pass


@pytest.fixture
async def mara(host: Host) -> Any:
    return next(user for user in await host.access.list_users() if user.username == "mara")


@pytest.fixture
async def edith(host: Host) -> Any:
    return next(user for user in await host.access.list_users() if user.username == "edith")


class Clock:
    """A time of its own for what is known of shares."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(host: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for part in (host.sharing, host.share_watch):
        monkeypatch.setattr(part, "_clock", clock)
    return clock


async def look(host: Any) -> None:
    await ShareWatch.look(host.share_watch)


async def kept(host: Any, user: Any) -> Any:
    return ((await host.sharing.by_user()).get(user.id) or [None])[0]


async def link(host: Any, user: Any, subject: str) -> None:
    def work(conn: Any) -> None:
        identity_store.link(conn, user.id, "plex:plex", subject, "linked", host.clock())

    await host.db.write(work)


@pytest.fixture
def app(host: Host, built_app: Callable[[Host], Any]) -> Any:
    return built_app(host)


@pytest.fixture
def visitor(app: Any) -> Callable[[], Visitor]:
    return lambda: Visitor(app)


@pytest.fixture
def visit(app: Any) -> Callable[[str], Any]:
    async def signed_in(name: str) -> Visitor:
        visitor = Visitor(app)
        answer = await visitor.sign_in(name)
        assert answer.status_code == 303, answer.text
        return visitor

    return signed_in


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A real OpenID provider on loopback."""
    with run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"
