"""Several processes on PostgreSQL and Redis: any web answers for all, any worker works, one scheduler at a time."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from vaderflix_core.access.service import Access
from vaderflix_core.access.sessions import Sessions
from vaderflix_core.api import Peer
from vaderflix_core.store.database import Database
from vaderflix_core.store.migrate import migrate
from vaderflix_core.store.users import seed_roles
from vaderflix_core.testing import free_port, served
from vaderflix_core.testing.servers import ProgramMissing, fresh_database, redis
from vaderflix_core.vault import Vault, parse_keys
from vaderflix_plex.simulator import PlexSimulator
from vaderflix_qbittorrent.simulator import QbittorrentSimulator
from vaderflix_radarr.simulator import RadarrSimulator

pytestmark = pytest.mark.anyio

PROGRAM = [sys.executable, "-m", "vaderflix_core.cli"]
KEY = "dmFkZXJmbGl4LXRlc3Qta2V5LW9mLTMyLWJ5dGVzISE="


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    try:
        with redis(tmp_path) as url:
            yield url
    except ProgramMissing as error:
        pytest.skip(str(error))


class Processes:
    """The processes of one installation."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        number = len(self.running)
        data = self.folder / f"process-{number}"
        with open(self.folder / f"process-{number}.log", "wb") as log:
            process = subprocess.Popen(
                [*PROGRAM, *arguments, "--data-dir", str(data)],
                env=os.environ | self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def web(self) -> str:
        port = free_port()
        self.start("serve", "--web", "--port", str(port))
        return f"http://127.0.0.1:{port}"

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("process-*.log")))

    def stop(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill(process)


async def until(read: Callable[[], Awaitable[Any]], good: Callable[[Any], bool], processes: Processes, seconds=60.0):
    deadline = time.monotonic() + seconds
    found: Any = None
    while time.monotonic() < deadline:
        try:
            found = await read()
            if good(found):
                return found
        except httpx.TransportError as error:
            found = error
        await asyncio.sleep(0.2)
    raise AssertionError(f"still {found}\n{processes.logs()[-4000:]}")


async def make_admin(database_url: str) -> str:
    db = Database(database_url)
    migrate(db)
    db.write_sync(seed_roles)

    def clock() -> datetime:
        return datetime.now(UTC)

    sessions = Sessions(db, Vault(parse_keys(KEY, "test")), clock, days=1)
    access = Access(db, sessions, clock)
    user = await access.create_user("mara", secrets.token_urlsafe(16), role="admin")
    key, _ = await sessions.create_key(user, "test")
    db.dispose()
    return key


async def test_a_request_crosses_processes_and_survives_the_death_of_a_worker_and_of_the_scheduler(
    tmp_path: Path, postgres_server: str, redis_url: str
) -> None:
    database_url = fresh_database(postgres_server)
    key = await make_admin(database_url)
    for name in ("radarr", "qbittorrent", "plex", "media"):
        (tmp_path / name).mkdir()
    plex = PlexSimulator(tmp_path / "plex", tmp_path / "media")
    client = QbittorrentSimulator(tmp_path / "qbittorrent", tmp_path / "media")
    client.seconds_per_download = 4
    radarr = RadarrSimulator(tmp_path / "radarr", tmp_path / "media")
    processes = Processes(
        tmp_path,
        {
            "VADERFLIX_DATABASE_URL": database_url,
            "VADERFLIX_REDIS_URL": redis_url,
            "VADERFLIX_KEY": KEY,
        },
    )
    async with AsyncExitStack() as stack:
        urls = {}
        for name, simulator in (("plex", plex), ("qbittorrent", client), ("radarr", radarr)):
            urls[name] = await stack.enter_async_context(served(simulator.app))
        await plex.start(urls["plex"], [])
        await client.start(urls["qbittorrent"], [])
        peers = [
            Peer(plugin=name, instance=name, url=urls[name], credentials=simulator.credentials)
            for name, simulator in (("plex", plex), ("qbittorrent", client))
        ]
        await radarr.start(urls["radarr"], peers)
        stack.callback(processes.stop)
        worker, _ = processes.start("worker"), processes.start("worker")
        first, _ = processes.start("scheduler"), processes.start("scheduler")
        one, two = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"{processes.web()}/api/v1", headers={"X-Api-Key": key}, timeout=20)
            )
            for _ in range(2)
        ]

        async def services(web: httpx.AsyncClient) -> dict[str, str]:
            return {s["id"]: s["state"] for s in (await web.get("/services")).json()}

        await until(lambda: one.get("/me"), lambda answer: answer.status_code == 200, processes)
        for name, simulator in (("plex", plex), ("qbittorrent", client), ("radarr", radarr)):
            values = {"plugin": name, "name": name, "settings": simulator.settings(urls[name])}
            assert (await one.put(f"/services/{name}", json=values)).status_code == 200
        everything = {"plex": "running", "qbittorrent": "running", "radarr": "running"}
        await until(lambda: services(two), lambda found: found == everything, processes)

        asked = (await one.post("/requests", json={"kind": "movie", "ref": "tmdb-19"})).json()

        async def state() -> str:
            return (await two.get(f"/requests/{asked['id']}")).json()["state"]

        await until(state, lambda found: found in ("downloading", "importing"), processes)
        processes.kill(worker)
        processes.kill(first)
        await until(state, lambda found: found == "available", processes, 90)

        added = [path for method, path in radarr.faults.calls if method == "POST" and path == "/api/v3/movie"]
        assert len(added) == 1
        health = await until(
            lambda: two.get("/health"),
            lambda answer: {h["severity"] for h in answer.json()} <= {"ok", "notice"} and len(answer.json()) == 3,
            processes,
        )
        assert all(json.dumps(h["history"]) != "[]" for h in health.json())
