"""The simulated server's HTTP: routes, the token, the two encodings, pages, ranges and streams, as plain ASGI."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .nodes import Node, to_json, to_xml
from .wording import page

if TYPE_CHECKING:
    from . import PlexSimulator

CHUNK = 64 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass
class Call:
    """One request. Query arguments and headers of the same name are one thing to the server."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def said(self, name: str, default: str = "") -> str:
        """An `X-Plex-*` value, from the header or the query."""
        return self.headers.get(name.lower()) or self.query.get(name) or default

    def number(self, name: str) -> int | None:
        """The same as a number; None when it is missing or none."""
        value = self.said(name)
        return int(value) if value.isdigit() else None


@dataclass
class Reply:
    """An answer that is no document: a status, a body or a file, or a stream."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)
    file: Path | None = None
    stream: AsyncIterator[bytes] | None = None


Answer = Node | Reply
Handler = Callable[..., Answer]
Route = tuple[frozenset[str], re.Pattern[str], Handler]


def refuse(status: int) -> Reply:
    """An error page of the server's own."""
    return Reply(status=status, body=page(status))


def nothing() -> Reply:
    """The empty answer of an action."""
    return Reply()


class Routes:
    """Handlers by method and path; the groups of a pattern become arguments."""

    def __init__(self) -> None:
        self.table: list[Route] = []

    def on(self, pattern: str, *methods: str) -> Callable[[Handler], Handler]:
        """Answer these methods (GET when none is named) of all paths that match."""

        def register(handler: Handler) -> Handler:
            self.table.append((frozenset(methods or ("GET",)), re.compile(pattern), handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Handler, tuple[str, ...]] | int:
        """The handler and its arguments, or the status that says why there is none."""
        status = 404
        for methods, pattern, handler in self.table:
            if found := pattern.fullmatch(path):
                if method in methods or (method == "HEAD" and "GET" in methods):
                    return handler, found.groups()
                status = 405
        return status


class PlexApp:
    """The ASGI application."""

    def __init__(self, simulator: PlexSimulator, routes: Routes) -> None:
        self.simulator = simulator
        self.routes = routes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        body = await _body(receive) if scope["method"] in ("POST", "PUT") else b""
        call = Call(scope["method"], scope["path"], query, headers, body)
        await self._send(call, self.answer(call), receive, send)

    def answer(self, call: Call) -> Answer:
        """What the server says to a call."""
        if not self.simulator.open_to_all(call.path) and call.said("X-Plex-Token") != self.simulator.token:
            return refuse(401)
        found = self.routes.find(call.method, call.path)
        if isinstance(found, int):
            return refuse(found)
        handler, arguments = found
        try:
            return handler(self.simulator, call, *arguments)
        except ValueError:
            return refuse(400)

    async def _send(self, call: Call, answer: Answer, receive: Any, send: Any) -> None:
        headers = {"X-Plex-Protocol": "1.0", "Cache-Control": "no-cache"}
        if isinstance(answer, Node):
            wants_json = "application/json" in call.headers.get("accept", "")
            sim = self.simulator
            body = (
                to_json(answer, numbers_as_text=sim.numbers_as_text, single_objects=sim.single_objects)
                if wants_json
                else to_xml(answer)
            )
            for name, attribute in (("X-Plex-Container-Start", "offset"), ("X-Plex-Container-Total-Size", "totalSize")):
                if attribute in answer.attrs:
                    headers[name] = str(answer.attrs[attribute])
            kind = "application/json" if wants_json else "text/xml;charset=utf-8"
            answer = Reply(body=body, content_type=kind, headers=headers)
        else:
            answer.headers = {**headers, **answer.headers}
        if answer.file is not None:
            await _send_file(call, answer.file, answer, send)
        elif answer.stream is not None:
            await _send_stream(answer, receive, send)
        else:
            answer.headers["Content-Length"] = str(len(answer.body))
            await _start(send, answer)
            await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else answer.body})


async def _body(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _start(send: Any, reply: Reply) -> None:
    headers = {"Content-Type": reply.content_type, **reply.headers}
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})


def _window(call: Call, file: Path, reply: Reply) -> tuple[int, int]:
    """The first byte to send and how many: all, or the one range that was asked for (RFC 9110)."""
    size = file.stat().st_size
    first, last = 0, size - 1
    found = _RANGE.fullmatch(call.headers.get("range", "").strip())
    if found and (found[1] or found[2]):
        if found[1]:
            first, last = int(found[1]), min(int(found[2] or last), last)
        else:
            first = max(0, size - int(found[2]))
        if first > last:
            reply.status, reply.headers["Content-Range"] = 416, f"bytes */{size}"
            return 0, 0
        reply.status, reply.headers["Content-Range"] = 206, f"bytes {first}-{last}/{size}"
    reply.headers["Accept-Ranges"] = "bytes"
    return first, last - first + 1


def _pieces(file: Path, first: int, length: int) -> Iterator[bytes]:
    with file.open("rb") as source:
        source.seek(first)
        while length > 0 and (chunk := source.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk


async def _send_file(call: Call, file: Path, reply: Reply, send: Any) -> None:
    first, length = _window(call, file, reply)
    reply.headers["Content-Length"] = str(length)
    await _start(send, reply)
    for chunk in _pieces(file, first, 0 if call.method == "HEAD" else length):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _send_stream(reply: Reply, receive: Any, send: Any) -> None:
    """A stream, until it ends or the client goes."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def pump() -> None:
        assert reply.stream is not None
        async for chunk in reply.stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    await _start(send, reply)
    tasks = {asyncio.create_task(gone()), asyncio.create_task(pump())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
