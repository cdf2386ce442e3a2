"""Asks a Docker Engine, and restarts containers: a fixed list of calls is all that leaves this module.

Whoever may write to the engine's socket owns the host, even when the socket is mounted read-only. So every call goes
through one gate that knows six reading ones and the restart of one container; see also the README on socket proxies.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import msgspec

from vaderflix_core.api import (
    AuthFailed,
    BadAnswer,
    Cause,
    Instance,
    LogLine,
    NotFound,
    Rejected,
    ServiceClient,
    ServiceError,
    Unavailable,
    WrongService,
)

from .log import LogReader
from .settings import DockerSettings
from .wire import Info, Inspect, Stats, Summary, Version

T = TypeVar("T")

_ID = "[0-9a-f]{12,64}"
ALLOWED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("GET", re.compile(r"/version")),
    ("GET", re.compile(r"/info")),
    ("GET", re.compile(r"/containers/json")),
    ("GET", re.compile(rf"/containers/{_ID}/json")),
    ("GET", re.compile(rf"/containers/{_ID}/stats")),
    ("GET", re.compile(rf"/containers/{_ID}/logs")),
    ("POST", re.compile(rf"/containers/{_ID}/restart")),
)
NEWEST = (1, 51)  # the newest API version whose specification was read
OLDEST = (1, 25)
MOST_LOG = 8 * 2**20  # bytes of a log that are read
RESTART_TIMEOUT = 90.0  # seconds: a container may take its time to stop; 10 unless it says otherwise
ONE_SHOT = (1, 41)  # since then, stats come at once instead of after the engine's next sample


class Forbidden(Exception):
    """A call that is not on the list: a fault in this plugin, never the engine's."""


def is_id(container_id: str) -> bool:
    """Whether this can be the id of a container."""
    return re.fullmatch(_ID, container_id) is not None


def check_allowed(method: str, path: str) -> None:
    """Raise `Forbidden` unless the call is one of those on the list. `path` is without an API version."""
    if not any(method == verb and pattern.fullmatch(path) for verb, pattern in ALLOWED):
        raise Forbidden(f"{method} {path} is not a call that this plugin makes.")


def explain(response: httpx.Response) -> str | None:
    """The engine's own words: JSON with a message; plain text from old engines and from proxies."""
    try:
        said = msgspec.json.decode(response.content, type=dict[str, Any]).get("message")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = response.content[:300].decode("utf-8", "replace")
    return " ".join(str(said).split()) or None


class Engine:
    """One engine over a unix socket or TCP. Every method raises `vaderflix_core.api` errors only."""

    def __init__(self, instance: Instance[DockerSettings], *, timeout: float = 10.0) -> None:
        address = instance.settings.address
        self._socket = address.removeprefix("unix://") if address.startswith("unix://") else None
        base_url = "http://docker" if self._socket else re.sub("^tcp://", "http://", address)
        self._http: ServiceClient = instance.http(base_url, timeout=timeout, explain=explain, uds=self._socket)
        self._negotiated: tuple[int, int] | None = None

    async def version(self) -> Version:
        """Who answers. Raises `WrongService` when it is no engine, or speaks no version of the API that we do."""
        version = await self._ask("/version", Version)
        engine, oldest = _number(version.api_version), _number(version.min_api_version or "1.0")
        if engine is None or oldest is None:
            raise WrongService("What answers at this address is not a Docker Engine.")
        if engine < OLDEST:
            raise WrongService(f"Docker {version.version} is too old: it speaks API {version.api_version}.")
        if oldest > NEWEST:
            raise WrongService(
                f"Docker {version.version} is too new for this plugin: it wants API {oldest[0]}.{oldest[1]}."
            )
        self._negotiated = min(engine, NEWEST)
        return version

    async def containers(self) -> list[Summary]:
        """All containers, running or not. Raises `BadAnswer` for an empty list that the engine's own count denies."""
        found = await self._call("/containers/json", list[Summary], all="true")
        if not found and (count := (await self._call("/info", Info)).containers):
            raise BadAnswer(f"The engine lists no containers, and counts {count}.")
        return found

    async def inspect(self, container_id: str) -> Inspect:
        """One container in full. Raises `NotFound`."""
        return await self._call(f"/containers/{container_id}/json", Inspect)

    async def stats(self, container_id: str) -> Stats:
        """What one container uses now. Raises `NotFound`."""
        if await self._api() < ONE_SHOT:
            return await self._call(f"/containers/{container_id}/stats", Stats, stream="false")
        return await self._call(f"/containers/{container_id}/stats", Stats, stream="false", **{"one-shot": "true"})

    async def logs(self, container: Inspect, lines: int) -> list[LogLine]:
        """The last lines a container wrote, both streams in order. Raises `NotFound`.

        Fewer than asked for when they are more than 8 MB.
        """
        while True:
            reader = LogReader(terminal=container.config.tty, lines=lines)
            if await self._pour(container, lines, reader) or lines == 1:
                return reader.lines()
            lines = max(1, lines // 10)

    async def restart(self, container_id: str) -> None:
        """Restart one container, or start it. Raises `NotFound`, and `Rejected` where a proxy lets us look only."""
        path = f"/containers/{container_id}/restart"
        try:
            await self._request(path, method="POST", versioned=True, timeout=RESTART_TIMEOUT)
        except AuthFailed as error:
            said = "This engine lets us look only. A socket proxy has to allow POST for restarts of containers."
            raise Rejected(said) from error

    async def _pour(self, container: Inspect, lines: int, reader: LogReader) -> bool:
        """Feed a log to the reader; False when it was cut because it is too long."""
        wanted = {"stdout": "true", "stderr": "true", "timestamps": "true", "tail": str(lines)}
        size = 0
        where = await self._checked("GET", f"/containers/{container.id}/logs", versioned=True)
        async with self._explaining(), self._http.stream("GET", where, params=wanted) as response:
            async for part in response.aiter_bytes():
                reader.feed(part)
                size += len(part)
                if size > MOST_LOG:
                    return False
        return True

    async def _api(self) -> tuple[int, int]:
        if self._negotiated is None:
            await self.version()
        assert self._negotiated is not None
        return self._negotiated

    async def _call(self, path: str, kind: type[T], **params: str) -> T:
        return self._http.decode(await self._request(path, versioned=True, params=params), kind)

    async def _ask(self, path: str, kind: type[T]) -> T:
        try:
            return self._http.decode(await self._request(path, versioned=False), kind)
        except (BadAnswer, NotFound):
            raise WrongService("What answers at this address is not a Docker Engine.") from None

    async def _request(self, path: str, *, versioned: bool, method: str = "GET", **options: Any) -> httpx.Response:
        where = await self._checked(method, path, versioned=versioned)
        async with self._explaining():
            return await self._http.request(method, where, **options)

    async def _checked(self, method: str, path: str, *, versioned: bool) -> str:
        """Where a call goes that may be made. Everything that leaves passes here."""
        check_allowed(method, path)
        if not versioned:
            return path
        major, minor = await self._api()
        return f"/v{major}.{minor}{path}"

    @asynccontextmanager
    async def _explaining(self) -> AsyncIterator[None]:
        try:
            yield
        except NotFound:
            raise
        except ServiceError as error:
            self._negotiated = None  # it may be another engine when it is back
            raise await self._explained(error) from error

    async def _explained(self, error: ServiceError) -> ServiceError:
        if isinstance(error, AuthFailed):
            return AuthFailed(f"{error.message} A socket proxy has to allow CONTAINERS, INFO and VERSION.")
        if isinstance(error, Unavailable) and error.cause is Cause.REFUSED and self._socket:
            return await asyncio.to_thread(_socket_trouble, self._socket)
        if isinstance(error, Rejected) and not isinstance(error, NotFound) and "version" in error.message:
            return Unavailable(f"{error.message} It is asked for its version again.")
        return error


def _socket_trouble(path: str) -> ServiceError:
    if not os.path.exists(path):
        return Unavailable(
            f"There is no socket at {path}. Does Docker run, and is the socket mounted here?", cause=Cause.REFUSED
        )
    if not os.access(path, os.R_OK | os.W_OK):
        return AuthFailed(f"The socket {path} may not be opened by this user. Add the user to the socket's group.")
    return Unavailable(f"Nothing answers at the socket {path}. Does Docker run?", cause=Cause.REFUSED)


def _number(version: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", version)
    return (int(found[1]), int(found[2])) if found else None
