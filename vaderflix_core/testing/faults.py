"""Fault switches of simulators: the ways a real service fails, to be turned on while the product looks on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Fault(StrEnum):
    """One way to fail."""

    SLOW = "slow"  # answers rightly, after `seconds`
    UNAUTHORIZED = "401"
    RATE_LIMITED = "429"
    SERVER_ERROR = "500"
    GARBAGE = "garbage"  # 200 with a body that is no document at all
    HALF = "half"  # the connection ends in the middle of the body
    HANG = "hang"  # never answers; those who wait are dropped when it is cleared
    EMPTY = "empty"  # 200 with a well-formed answer that holds nothing
    GONE = "gone"  # the connection is closed without an answer


class Refusal(Struct, frozen=True, kw_only=True):
    """How a product words a refusal."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = {}


class Wording(Protocol):
    """What differs from product to product: its error bodies and its empty answers."""

    def refusal(self, status: int) -> Refusal:
        """The product's own 401, 429 or 500."""

    def empty(self, method: str, path: str) -> Refusal:
        """A well-formed answer to this call that holds nothing."""


class Faults:
    """ASGI middleware around a simulator. `set()` turns a fault on for paths that hold `path`; `clear()` ends it.
    With `method` it hits calls of that verb only: HALF then does what a POST asks for and loses the answer.

    The same is offered over HTTP for tests in another process: `POST /_simulator/faults` with
    `{"fault": "slow", "seconds": 2, "path": "/queue"}`, and `DELETE /_simulator/faults`. `calls` records every
    request as (method, path with query).
    """

    def __init__(self, app: App, wording: Wording) -> None:
        self.app = app
        self.wording = wording
        self.fault: Fault | None = None
        self.path = self.method = ""
        self.seconds = 2.0
        self._over = asyncio.Event()
        self.calls: list[tuple[str, str]] = []

    def set(self, fault: Fault, *, path: str = "", method: str = "", seconds: float = 2.0) -> None:
        """Fail from now on, for calls whose path contains `path`."""
        self._let_go()
        self.fault, self.path, self.method, self.seconds = fault, path, method, seconds

    def clear(self) -> None:
        """Work again."""
        self._let_go()
        self.fault = None

    def _let_go(self) -> None:
        self._over.set()
        self._over = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, rightly or as the fault says."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path == "/_simulator/faults":
            await self._control(scope, receive, send)
            return
        query = scope.get("query_string", b"").decode()
        self.calls.append((scope["method"], f"{path}?{query}" if query else path))
        if self.fault is None or self.path not in path or self.method not in ("", scope["method"]):
            await self.app(scope, receive, send)
            return
        await self._fail(self.fault, scope, receive, send)

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault is Fault.SLOW:
            await asyncio.sleep(self.seconds)
            await self.app(scope, receive, send)
        elif fault is Fault.HANG:
            await self._hang(receive, send)
        elif fault is Fault.GONE:
            # uvicorn keeps the transport in no public place; an answer that breaks off before its first
            # body byte is the nearest that ASGI allows, and clients report it as a broken connection
            await _broken(send, 200, b"")
        elif fault is Fault.GARBAGE:
            await _answer(
                send, Refusal(status=200, content_type="text/html", body=b"\x00\xff<html><p>not what you asked")
            )
        elif fault is Fault.EMPTY:
            await _answer(send, self.wording.empty(scope["method"], scope["path"]))
        elif fault is Fault.HALF:
            await self._half(scope, receive, send)
        else:
            await _answer(send, self.wording.refusal(int(fault.value)))

    async def _hang(self, receive: Receive, send: Send) -> None:
        async def left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        over = self._over
        endings = {asyncio.create_task(left()), asyncio.create_task(over.wait())}
        try:
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in endings:
                task.cancel()
        if over.is_set():
            await _broken(send, 200, b"")

    async def _half(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        status, content_type = 200, b""

        async def collect(message: Message) -> None:
            nonlocal status, content_type
            if message["type"] == "http.response.start":
                status, content_type = message["status"], dict(message["headers"]).get(b"content-type", b"")
            else:
                body.extend(message.get("body", b""))

        await self.app(scope, receive, collect)
        await _broken(send, status, bytes(body[: len(body) // 2]), announced=len(body) + 1, content_type=content_type)

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        import msgspec

        if scope["method"] == "DELETE":
            self.clear()
        else:
            body = b""
            while True:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            asked = msgspec.json.decode(body)
            self.set(Fault(asked["fault"]), path=asked.get("path", ""), seconds=asked.get("seconds", 2.0))
        await _answer(send, Refusal(status=204, content_type="text/plain", body=b""))


async def _answer(send: Send, answer: Refusal) -> None:
    headers = [(b"content-type", answer.content_type.encode())]
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class ConnectionEnded(Exception):
    """Raised to make the server drop the connection with less body than it announced."""


async def _broken(
    send: Send, status: int, body: bytes, announced: int = 1, content_type: bytes = b"application/octet-stream"
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(announced).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    raise ConnectionEnded
