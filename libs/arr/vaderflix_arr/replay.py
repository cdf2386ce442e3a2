"""Recorded exchanges of the services, played back to a provider: for tests of the plugins, without a network."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from vaderflix_core.api import Instance, Settings

S = TypeVar("S", bound=Settings)
Answer = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]

RECORDED_AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # shortly after the exchanges in our tests were recorded


def recording(file: Path) -> Any:
    """The content of a recorded exchange: `{method, path, request, status, headers, response}`, or a list of frames."""
    return msgspec.json.decode(file.read_bytes())


def played(exchange: dict[str, Any]) -> httpx.Response:
    """The answer of a recorded exchange, as it was on the wire."""
    body = exchange.get("response")
    headers = {k: v for k, v in exchange.get("headers", {}).items() if k.lower() != "content-length"}
    return httpx.Response(
        exchange.get("status", 200), headers=headers, content=b"" if body is None else msgspec.json.encode(body)
    )


class Replay(httpx.AsyncBaseTransport):
    """Answers calls from a table and notes each as (method, path with query). A call nobody planned fails the test."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.requests: list[httpx.Request] = []
        self._answers: dict[tuple[str, str], Answer] = {}

    def on(self, method: str, path: str, answer: Any = None, *, status: int = 200) -> None:
        """Answer `path` (with or without its query) with JSON, a response, or what a function makes of the request."""
        if callable(answer):
            self._answers[method, path] = answer
        elif isinstance(answer, httpx.Response):
            headers, content, code = answer.headers, answer.content, answer.status_code
            self._answers[method, path] = lambda _: httpx.Response(code, headers=headers, content=content)
        else:
            self._answers[method, path] = lambda _: httpx.Response(status, json=answer)

    def play(self, exchange: dict[str, Any], path: str | None = None) -> None:
        """Answer a recorded exchange's own path, or another one, with its recorded answer."""
        self.on(exchange["method"], path or exchange["path"], played(exchange))

    def sent(self, method: str, path: str) -> list[Any]:
        """The JSON bodies sent so far with this method to this path."""
        return [
            msgspec.json.decode(r.content)
            for r in self.requests
            if r.method == method and r.url.path == path and r.content
        ]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one call."""
        await request.aread()
        full = request.url.raw_path.decode()
        self.calls.append((request.method, full))
        self.requests.append(request)
        answer = self._answers.get((request.method, full)) or self._answers.get((request.method, request.url.path))
        assert answer is not None, f"nothing is planned for {request.method} {full}"
        made = answer(request)
        return made if isinstance(made, httpx.Response) else await made


def instance(settings: S, replay: Replay, now: Callable[[], datetime] = lambda: RECORDED_AT) -> Instance[S]:
    """An instance of a plugin whose every call goes to the replay."""
    return Instance(
        id="arr-test",
        plugin="arr",
        name="Test",
        settings=settings,
        install_id="test-installation",
        log=logging.getLogger("vaderflix.arr"),
        now=now,
        transport=lambda: replay,
    )
