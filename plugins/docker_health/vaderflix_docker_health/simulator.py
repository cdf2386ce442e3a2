"""A Docker Engine of paper: the containers of the demo household, with figures that move as real ones do.

Shaped by what engine 26.1 (API 1.45) answered. It reads and restarts; everything else is “page not found”.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from vaderflix_core.api import Peer, SimulatorSpec
from vaderflix_core.testing import Faults, Refusal

VERSION, API, OLDEST_API = "26.1.5", (1, 45), (1, 24)
CORES = 4
NEVER = "0001-01-01T00:00:00Z"
MB = 2**20


class Simulated(Struct, kw_only=True):
    """One container. Change its fields while it runs: `state`, `health`, `exit_code`, `memory`, `restarts`, `log`."""

    name: str
    image: str
    cpu: float  # percent of one core, around which it swings
    memory: int
    limit: int = 0
    health: str = "healthy"
    state: str = "running"
    exit_code: int = 0
    oom_killed: bool = False
    restarts: int = 0
    log: tuple[str, ...] = ("[Info] Started", "[Info] Listening")
    started: float | None = None  # None: with the engine

    @property
    def id(self) -> str:
        """64 hexadecimal digits that stay."""
        return hashlib.sha256(self.name.encode()).hexdigest()


def household() -> list[Simulated]:
    """The containers that the demo begins with."""
    return [
        Simulated(name="library", image="demo/library:1.40", cpu=12, memory=1430 * MB),
        Simulated(name="films", image="demo/films:5.14", cpu=2, memory=310 * MB, limit=512 * MB),
        Simulated(name="series", image="demo/series:4.0", cpu=3, memory=342 * MB, limit=512 * MB),
        Simulated(name="downloader", image="demo/downloader:4.5", cpu=18, memory=620 * MB, limit=1024 * MB),
        Simulated(name="vpn", image="demo/vpn:3.39", cpu=1, memory=24 * MB, health=""),
    ]


class DockerSimulator:
    """The `Simulator` of an engine; `container(name)` gives one to make trouble with."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._began = clock() - 46 * 60
        self.household = household()
        self.credentials: dict[str, str] = {}
        self.faults = Faults(self._answer, _Wording())
        self.app = self.faults

    def settings(self, url: str) -> dict[str, Any]:
        """Settings of an instance that watches this engine."""
        return {"address": f"tcp://{urlsplit(url).netloc}"}

    async def start(self, url: str, peers: list[Peer]) -> None:
        """Nothing moves in the background: all figures follow from the time."""

    async def stop(self) -> None:
        """Nothing to end."""

    def container(self, name: str) -> Simulated:
        """The container of that name. Raises `KeyError`."""
        return {one.name: one for one in self.household}[name]

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
        status, kind, body = self._respond(scope["method"], scope["path"], query)
        headers = [
            (b"content-type", kind.encode()),
            (b"api-version", f"{API[0]}.{API[1]}".encode()),
            (b"server", f"Docker/{VERSION} (linux)".encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _respond(self, method: str, path: str, query: dict[str, str]) -> tuple[int, str, bytes]:
        versioned = re.match(r"/v(\d+)\.(\d+)(/.*)", path)
        if versioned:
            asked = (int(versioned[1]), int(versioned[2]))
            path = versioned[3]
            if asked > API:
                newest = f"Maximum supported API version is {_dotted(API)}"
                return _error(400, f"client version {_dotted(asked)} is too new. {newest}")
            if asked < OLDEST_API:
                oldest = f"Minimum supported API version is {_dotted(OLDEST_API)}, please upgrade your client"
                return _error(400, f"client version {_dotted(asked)} is too old. {oldest} to a newer version")
        if method == "POST" and (found := re.fullmatch(r"/containers/([\w.-]+)/restart", path)):
            return self._restart(found[1])
        if method != "GET":
            return _error(404, "page not found")
        if path == "/_ping":
            return 200, "text/plain; charset=utf-8", b"OK"
        if path == "/version":
            return _json(_version())
        if path == "/info":
            return _json({"Containers": len(self.household), "ServerVersion": VERSION, "NCPU": CORES, "Name": "house"})
        if path == "/containers/json":
            return _json([self._summary(c) for c in self.household if query.get("all") or c.state == "running"])
        found = re.fullmatch(r"/containers/([\w.-]+)/(json|stats|logs)", path)
        if not found:
            return _error(404, "page not found")
        one = self._named(found[1])
        if one is None:
            return _error(404, f"No such container: {found[1]}")
        if found[2] == "logs":
            stamped = self._since(one) if query.get("timestamps") == "true" else None
            frames = _framed(one, int(query.get("tail", "100")), stamped)
            return 200, "application/vnd.docker.multiplexed-stream", frames
        return _json(self._inspect(one) if found[2] == "json" else self._stats(one))

    def _named(self, wanted: str) -> Simulated | None:
        return next((one for one in self.household if one.name == wanted or one.id.startswith(wanted)), None)

    def _since(self, one: Simulated) -> float:
        return self._began if one.started is None else one.started

    def _restart(self, wanted: str) -> tuple[int, str, bytes]:
        """As the engine does it: a restart by hand starts the count of restarts anew."""
        one = self._named(wanted)
        if one is None:
            return _error(404, f"No such container: {wanted}")
        one.state, one.exit_code, one.oom_killed, one.restarts = "running", 0, False, 0
        one.started = self._clock()
        one.log = (*one.log[-100:], "[Info] Started", "[Info] Listening")
        return 204, "application/json", b""

    def _summary(self, one: Simulated) -> dict[str, Any]:
        health = f" ({'health: starting' if one.health == 'starting' else one.health})" if one.health else ""
        words = {
            "running": f"Up {int((self._clock() - self._since(one)) / 60)} minutes{health}",
            "exited": f"Exited ({one.exit_code}) 2 minutes ago",
            "restarting": f"Restarting ({one.exit_code}) 5 seconds ago",
        }
        return {
            "Id": one.id,
            "Names": [f"/{one.name}"],
            "Image": one.image,
            "ImageID": f"sha256:{one.id}",
            "Command": "/init",
            "Created": int(self._began),
            "Ports": [],
            "Labels": {"com.docker.compose.project": "media", "com.docker.compose.service": one.name},
            "State": one.state,
            "Status": words.get(one.state, one.state.capitalize()),
            "HostConfig": {"NetworkMode": "media"},
            "NetworkSettings": {"Networks": {}},
            "Mounts": [],
        }

    def _inspect(self, one: Simulated) -> dict[str, Any]:
        running = one.state == "running"
        state: dict[str, Any] = {
            "Status": one.state,
            "Running": running,
            "Paused": one.state == "paused",
            "Restarting": one.state == "restarting",
            "OOMKilled": one.oom_killed,
            "Dead": False,
            "Pid": 4000 if running else 0,
            "ExitCode": one.exit_code,
            "Error": "",
            "StartedAt": _iso(self._since(one)),
            "FinishedAt": NEVER if running else _iso(self._clock() - 120),
        }
        if one.health:
            bad = one.health == "unhealthy"
            probe = {"ExitCode": int(bad), "Output": "Connection refused\n" if bad else "ok\n"}
            state["Health"] = {"Status": one.health, "FailingStreak": 3 * bad, "Log": [probe]}
        return {
            "Id": one.id,
            "Created": _iso(self._began),
            "Name": f"/{one.name}",
            "RestartCount": one.restarts,
            "State": state,
            "HostConfig": {"Memory": one.limit, "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}},
            "Config": {
                "Image": one.image,
                "Tty": False,
                "Env": ["PATH=/usr/bin", "API_KEY=not-for-others"],
                "Labels": {},
            },
            "Mounts": [],
        }

    def _stats(self, one: Simulated) -> dict[str, Any]:
        empty = {"cpu_usage": {"total_usage": 0}, "throttling_data": {}}
        head = {"name": f"/{one.name}", "id": one.id, "preread": NEVER, "precpu_stats": empty}
        if one.state not in ("running", "paused"):
            return {**head, "read": NEVER, "cpu_stats": empty, "memory_stats": {}}
        age, period = self._clock() - self._began, 20 + len(one.name)
        # the integral of cpu * (1 + 0.4 sin(2 pi t / period)), so that the rate swings and the counter only grows
        swing = 0.4 * period / (2 * math.pi) * (1 - math.cos(2 * math.pi * age / period))
        usage = int(one.memory * (1 + 0.03 * math.sin(age / 7)))
        return {
            **head,
            "read": _iso(self._clock()),
            "pids_stats": {"current": 12},
            "cpu_stats": {
                "cpu_usage": {"total_usage": int(one.cpu / 100 * (age + swing) * 1e9)},
                "system_cpu_usage": int((100_000 + age) * CORES * 1e9),
                "online_cpus": CORES,
            },
            "memory_stats": {
                "usage": usage + 40 * MB,
                "stats": {"inactive_file": 40 * MB, "active_file": 0, "anon": usage},
                "limit": one.limit or 16384 * MB,
            },
        }


class _Wording:
    """The engine's failures."""

    def refusal(self, status: int) -> Refusal:
        """As engines and their proxies say it."""
        said = {401: "authorization denied", 429: "too many requests"}.get(status, "driver failed")
        return Refusal(status=status, content_type="application/json", body=json.dumps({"message": said}).encode())

    def empty(self, method: str, path: str) -> Refusal:
        """Nothing in it."""
        body = b"[]" if path.endswith("containers/json") else b"{}"
        return Refusal(status=200, content_type="application/json", body=body)


def _version() -> dict[str, Any]:
    return {
        "Platform": {"Name": ""},
        "Components": [{"Name": "Engine", "Version": VERSION, "Details": {"ApiVersion": _dotted(API)}}],
        "Version": VERSION,
        "ApiVersion": _dotted(API),
        "MinAPIVersion": _dotted(OLDEST_API),
        "Os": "linux",
        "Arch": "amd64",
    }


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def _json(value: Any) -> tuple[int, str, bytes]:
    return 200, "application/json", json.dumps(value).encode()


def _error(status: int, message: str) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps({"message": message}).encode()


def _framed(one: Simulated, tail: int, started: float | None) -> bytes:
    said = one.log[-tail:]
    times = [f"{_iso(started + at / 10)} " if started is not None else "" for at in range(len(said))]
    lines = [f"{time}{line}\n".encode() for time, line in zip(times, said, strict=True)]
    return b"".join(struct.pack(">BxxxI", 1, len(line)) + line for line in lines)


def _make(folder: Path, media: Path) -> DockerSimulator:
    return DockerSimulator()


SPEC = SimulatorSpec(instance="docker", name="Docker", make=_make)
