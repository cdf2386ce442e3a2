"""The live channel: SignalR's JSON protocol over server-sent events, as both products speak it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import msgspec

from .http import PIPELINE, Refused, Reply, Request, Router, Row, Stream

END = b"\x1e"


class Hub:
    """Everybody who listens. A message is sent once per API version in `versions`; None sends it unnumbered."""

    keep_alive_seconds = 15.0

    def __init__(self, version: str, versions: tuple[int | None, ...] = (None,)) -> None:
        self.version = version
        self.versions = versions
        self.sent: list[tuple[str, str]] = []  # (name, action) of everything that was announced
        self._connections: dict[str, asyncio.Queue[bytes | None]] = {}
        self._ready: set[str] = set()  # the tokens whose handshake is done

    def routes(self, router: Router) -> None:
        """Serve the hub."""
        router.add("POST", "/signalr/messages/negotiate", self._negotiate)
        router.add("GET", "/signalr/messages", self._listen)
        router.add("POST", "/signalr/messages", self._handshake)

    def send(self, name: str, action: str, resource: Row | None = None) -> None:
        """Announce a change to all listeners."""
        self.sent.append((name, action))
        body: Row = {"action": action} if resource is None else {"resource": resource, "action": action}
        for version in self.versions:
            argument: Row = {"body": body, "name": name}
            if version is not None:
                argument["version"] = version
            self._push(argument)

    def sync(self, *names: str) -> None:
        """Announce that lists should be read again."""
        for name in names:
            self.send(name, "sync")

    def drop(self) -> None:
        """Forget all connections; their streams end."""
        for queue in self._connections.values():
            queue.put_nowait(None)
        self._connections.clear()

    def _push(self, argument: Row) -> None:
        message = {"type": 1, "target": "receiveMessage", "arguments": [argument]}
        for token, queue in self._connections.items():
            if token in self._ready:
                queue.put_nowait(msgspec.json.encode(message) + END)

    async def _negotiate(self, request: Request) -> Reply:
        token = secrets.token_urlsafe(16)
        self._connections[token] = asyncio.Queue()
        both = ["Text", "Binary"]
        transports = [
            {"transport": "WebSockets", "transferFormats": both},
            {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
            {"transport": "LongPolling", "transferFormats": both},
        ]
        body = {
            "negotiateVersion": 1,
            "connectionId": secrets.token_urlsafe(16),
            "connectionToken": token,
            "availableTransports": transports,
        }
        return Reply(body=body, content_type=PIPELINE, versioned=False)

    def _queue(self, request: Request) -> asyncio.Queue[bytes | None]:
        queue = self._connections.get(request.one("id"))
        if queue is None:
            text = b"No Connection with that ID"
            raise Refused(Reply(status=404, body=text, content_type="text/plain", versioned=False))
        return queue

    async def _listen(self, request: Request) -> Stream:
        return Stream(lines=self._lines(request.one("id"), self._queue(request)))

    async def _lines(self, token: str, queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
        yield b":\r\n"
        try:
            while True:
                try:
                    async with asyncio.timeout(self.keep_alive_seconds):
                        message = await queue.get()
                except TimeoutError:
                    message = msgspec.json.encode({"type": 6}) + END
                line = b""
                while message is not None:
                    line += message
                    if queue.empty():
                        break
                    message = queue.get_nowait()
                if line:
                    yield b"data: " + line + b"\r\n\r\n"
                if message is None:
                    return
        finally:
            self._connections.pop(token, None)
            self._ready.discard(token)

    async def _handshake(self, request: Request) -> Reply:
        queue = self._queue(request)
        for part in request.body.split(END):
            asked = msgspec.json.decode(part) if part.strip() else {}
            if asked.get("protocol") == "json":
                self._ready.add(request.one("id"))
                queue.put_nowait(b"{}" + END)
                version = {"body": {"version": self.version}, "name": "version"}
                message = {"type": 1, "target": "receiveMessage", "arguments": [version]}
                queue.put_nowait(msgspec.json.encode(message) + END)
        return Reply(content_type=None, versioned=False)
