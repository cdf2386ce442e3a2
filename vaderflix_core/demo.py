"""The demo household: every simulator that the installed plugins bring, wired together, and people to sign in as.

It is the real product on real HTTP; only the services behind it are stand-ins. What it makes is kept in its data
folder, so that a second start goes on where the first ended.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from .access.models import User
from .api.models import MediaKind
from .api.roles import Playback
from .api.simulator import Peer, Simulator, SimulatorSpec
from .config import Config
from .host import Host
from .log import Redactor, configure_logging
from .plugins.records import PluginRecord

log = structlog.get_logger("demo")

BEGUN = 4  # films that somebody is in the middle of
PEOPLE = (("mara", "Mara", "admin"), ("jonas", "Jonas", "requester"), ("edith", "Edith", "viewer"))
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "iris", "kelp", "maple", "olive", "quartz")


class Account(Struct, frozen=True, kw_only=True):
    """Somebody of the household."""

    username: str
    password: str
    role: str


class Service(Struct, frozen=True, kw_only=True):
    """A service of the demo, as other programs can reach it."""

    instance: str
    plugin: str
    url: str
    credentials: dict[str, str]


class Announcement(Struct, frozen=True, kw_only=True):
    """What `demo --json` prints."""

    url: str
    accounts: tuple[Account, ...]
    api_key: str
    services: tuple[Service, ...]


class _Kept(Struct, frozen=True, kw_only=True):
    accounts: tuple[Account, ...]
    api_key: str


class Running(Struct, frozen=True, kw_only=True):
    """One simulator that runs."""

    spec: SimulatorSpec
    simulator: Any
    service: Service


@asynccontextmanager
async def simulated(
    plugins: dict[str, PluginRecord], folder: Path, *, replace: dict[str, Peer] | None = None
) -> AsyncIterator[dict[str, Running]]:
    """All simulators of these plugins, served on loopback and configured with each other, by plugin id.

    `replace` names real services that stand in a simulator's place, by plugin id.
    """
    from .testing.serving import served

    media = folder / "media"
    for kind in ("movies", "series"):
        (media / kind).mkdir(parents=True, exist_ok=True)
    running: dict[str, Running] = {}
    peers = dict(replace or {})
    async with AsyncExitStack() as stack:
        for plugin_id, record in plugins.items():
            spec = record.call("simulator") if plugin_id not in peers else None
            if not isinstance(spec, SimulatorSpec):
                continue
            own = folder / plugin_id
            own.mkdir(parents=True, exist_ok=True)
            simulator: Simulator = spec.make(own, media)
            url = await stack.enter_async_context(served(simulator.app))
            service = Service(
                instance=spec.instance, plugin=plugin_id, url=url, credentials=dict(simulator.credentials)
            )
            running[plugin_id] = Running(spec=spec, simulator=simulator, service=service)
            peers[plugin_id] = Peer(
                plugin=plugin_id, instance=spec.instance, url=url, credentials=dict(simulator.credentials)
            )
        for plugin_id, one in running.items():
            others = [peer for name, peer in peers.items() if name != plugin_id]
            await one.simulator.start(one.service.url, others)
            stack.push_async_callback(one.simulator.stop)
        yield running


async def furnish(host: Host, running: dict[str, Running]) -> None:
    """Configure an instance for every simulator. Their ports differ from start to start, so this is done each time."""
    for one in running.values():
        await host.instances.store(
            id=one.spec.instance,
            plugin=one.service.plugin,
            name=one.spec.name,
            settings=one.simulator.settings(one.service.url),
        )


async def people(host: Host, folder: Path) -> tuple[tuple[Account, ...], str, User]:
    """The household's accounts, with passwords made at the first start, and the admin's API key."""
    file = folder / "accounts.json"
    users = {user.username: user for user in await host.access.list_users()}
    if file.exists() and users:
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
        return kept.accounts, kept.api_key, users[PEOPLE[0][0]]
    accounts = []
    for username, display_name, role in PEOPLE:
        password = "-".join(secrets.choice(WORDS) for _ in range(5))
        users[username] = await host.access.create_user(
            username, password, role=role, display_name=display_name, email=f"{username}@household.example"
        )
        accounts.append(Account(username=username, password=password, role=role))
    admin = users[PEOPLE[0][0]]
    kept = _Kept(accounts=tuple(accounts), api_key=(await host.sessions.create_key(admin, "demo"))[0])
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(msgspec.json.encode(kept))
    return kept.accounts, kept.api_key, admin


async def move_in(host: Host, user: User) -> None:
    """At the first start, somebody has watched a little: wait for the library, then leave their bookmarks."""
    while len(films := (await host.library.browse(MediaKind.MOVIE, limit=200))[0]) < BEGUN:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    for number, held in enumerate(films[:: max(1, len(films) // BEGUN)][:BEGUN]):
        answer = await host.guard.call(
            host.pool.bindings(Playback, instance=held.instance)[0], "playables", held.item.key
        )
        length = next((file.duration for file in answer.value or () if file.duration), None)
        if length is not None:
            await host.playback.report(
                user,
                instance=held.instance,
                key=held.item.key,
                item_key=held.item.key,
                seconds=length * (0.35 + 0.1 * number),
                duration=length,
            )


async def run_demo(config: Config, *, as_json: bool) -> None:
    """Serve the demo until a signal ends it."""
    from .cli import serve
    from .testing.serving import free_port

    folder = config.make_data_dir()
    redactor = Redactor()
    configure_logging(redactor, level="warning", format=config.log_format)
    shown = None
    if config.base_url is None:
        # mails carry links, so the address must be known before anything listens on it
        port = config.port or free_port()
        # by name where that is this machine: a passkey belongs to no figures
        name = "localhost" if config.host in ("127.0.0.1", "0.0.0.0", "::1", "::") else config.host
        shown = f"http://{name}:{port}"
        config = msgspec.structs.replace(config, port=port, base_url=shown)
    host = Host(config, redactor=redactor)
    first = await host.access.needs_setup()
    accounts, api_key, admin = await people(host, folder)
    async with simulated(host.plugins, folder / "world") as running:
        await furnish(host, running)

        moving = asyncio.create_task(move_in(host, admin)) if first else None

        async def ready(url: str) -> None:
            note = Announcement(
                url=shown or url,
                accounts=accounts,
                api_key=api_key,
                services=tuple(one.service for one in running.values()),
            )
            if as_json:
                print(msgspec.json.encode(note).decode(), flush=True)  # noqa: T201
            else:
                print(_for_people(note), flush=True)  # noqa: T201

        try:
            await serve(host, ready=ready)
        finally:
            if moving is not None:
                moving.cancel()


def _for_people(note: Announcement) -> str:
    lines = ["", f"Vader Flix is at {note.url}", "", "Sign in as"]
    lines += [f"  {a.username:<8} {a.password:<36} {a.role}" for a in note.accounts]
    lines += ["", "Behind it"]
    lines += [f"  {s.instance:<14} {s.url}" for s in note.services]
    lines += ["", "Ctrl-C ends it; what you did is kept.", ""]
    return "\n".join(lines)
