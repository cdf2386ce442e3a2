"""The ASGI application: URL base, key, dialects, and the way to a handler."""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING

from vaderflix_core.testing.faults import Receive, Scope, Send

from .covers import cover
from .http import PIPELINE, Refused, Reply, Request, Stream, read, stream, write

if TYPE_CHECKING:
    from .engine import ArrSimulator

_OPEN = ("/ping", "/_simulator/images/")
log = logging.getLogger(__name__)


class Server:
    """Answers every request of one simulator."""

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve HTTP; lifespan is acknowledged, WebSockets are refused (clients fall back to events)."""
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                if message["type"] == "lifespan.startup":
                    await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        request = await read(scope, receive)
        try:
            answer = await self._answer(request)
        except Refused as refusal:
            answer = refusal.reply
        except Exception as error:  # as their exception handler, which answers with the message whatever it is
            log.exception("the simulator failed at %s %s", request.method, request.path)
            body = {"message": str(error), "description": f"System.Exception: {error}\n   at System"}
            answer = Reply(status=500, body=body, content_type=PIPELINE, versioned=False)
        if isinstance(answer, Stream):
            await stream(send, receive, answer)
            return
        if request.method == "HEAD":
            answer.body = None
        await write(send, answer, self.sim.version)

    async def _answer(self, request: Request) -> Reply | Stream:
        base = self.sim.url_base
        if base and request.path != base and not request.path.startswith(f"{base}/"):
            pairs = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values)
            location = f"{base}{request.path}{'?' + pairs if pairs else ''}"
            return Reply(status=307, content_type=None, headers={"Location": location})
        path = request.path[len(base) :].rstrip("/") or "/"
        if not path.startswith(_OPEN) and not self._allowed(request, path):
            return Reply(status=401, content_type=None, versioned=False)
        art = cover(self.sim, path)
        if art is not None:
            return art
        return await self._route(request, path)

    def _allowed(self, request: Request, path: str) -> bool:
        given = request.one("apikey")
        if not given and path.startswith("/signalr/"):
            given = request.one("access_token")
        if not given:
            given = request.headers.get("x-api-key", "") or request.headers.get("authorization", "")
        return hmac.compare_digest(given.removeprefix("Bearer ").encode(), self.sim.api_key.encode())

    async def _route(self, request: Request, path: str) -> Reply | Stream:
        found = self.sim.router.find(request.method, path)
        fifth = path.startswith("/api/v5/")
        if fifth and not self.sim.five:
            found = None
        elif fifth and found is None:
            older = path.replace("/api/v5/", "/api/v3/", 1).replace("/connection", "/notification", 1)
            found = self.sim.router.find(request.method, older)
        if found is None:
            return Reply(status=404, content_type=None)
        handler, request.params = found
        answer = await handler(request)
        if fifth and request.method == "DELETE" and isinstance(answer, Reply):
            return Reply(status=204, content_type=None)
        return answer
