"""The services' own live channel: SignalR over Server-Sent Events, which needs nothing but HTTP.

Seen on both (2026-11): negotiate, open the stream, post the handshake; then each `data:` line holds one or more JSON
messages, each ended by the record separator; a keep-alive comes every 15 s. The key is accepted in the header.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
from msgspec import field

from vaderflix_core.api import BadAnswer, Cause, Hint, HintScope, Unavailable

from .client import ArrClient
from .wire import Wire

HUB = "/signalr/messages"
SEPARATOR = "\x1e"
SILENCE = 30.0  # seconds without a byte: two keep-alives were missed
MAX_PENDING = 8 * 1024 * 1024
CLOSE = 7  # the hub protocol's message type for “no more”
DEAF_COMMANDS = {  # housekeeping, and what we ask for ourselves: hearing these would have us ask again
    "refreshmonitoreddownloads",
    "processmonitoreddownloads",
    "messagingcleanup",
    "housekeeping",
    "checkhealth",
    "backup",
    "importlistsync",
    "updatescenemapping",
    "applicationupdatecheck",
    "applicationcheckupdate",
    "cleanuprecyclebin",
}


class Negotiation(Wire, frozen=True, kw_only=True):
    """The answer to negotiate. The token names the connection; it is worth nothing without the key."""

    connection_token: str


class Change(Wire, frozen=True, kw_only=True):
    """What changed: the kind of action and the resource, if the service sends it along."""

    action: str | None = None
    resource: dict[str, Any] = field(default_factory=dict)


class Argument(Wire, frozen=True, kw_only=True):
    """One named change. Sonarr 5 sends each twice, for version 3 and 5 of its API."""

    name: str = ""
    body: Change = Change()
    version: int | None = None


class Message(Wire, frozen=True, kw_only=True):
    """One message of the hub."""

    type: int = 0
    arguments: tuple[Argument, ...] = ()
    error: str | None = None


async def listen(client: ArrClient, heard: Callable[[], None]) -> AsyncGenerator[Hint, None]:
    """Hints as long as the channel lives; raises `Unavailable` when it ends or falls silent for 30 s.

    `heard` is called before each batch of hints, so that nothing read earlier answers what the hint asks for.
    """
    http = client.http
    token = (await http.send("POST", f"{HUB}/negotiate", Negotiation, params={"negotiateVersion": 1})).connection_token
    async with http.stream(
        "GET",
        HUB,
        params={"id": token},
        headers={"Accept": "text/event-stream"},
        timeout=httpx.Timeout(10.0, read=SILENCE),
    ) as response:
        if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise BadAnswer("The live channel answered with something that is no event stream.")
        await http.request(
            "POST",
            HUB,
            params={"id": token},
            content='{"protocol":"json","version":1}' + SEPARATOR,
            headers={"Content-Type": "text/plain;charset=UTF-8"},
        )
        async for batch in _batches(response):
            hints = [hint for message in batch for hint in _hints(message)]
            if hints:
                heard()
            for hint in dict.fromkeys(hints):
                yield hint
    raise Unavailable("The live channel ended.", cause=Cause.BROKEN)


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """The stream's lines. httpx's own `aiter_lines` takes the record separator for a line's end, so it cannot serve."""
    pending = b""
    async for part in response.aiter_bytes():
        *whole, pending = (pending + part).split(b"\n")
        if len(pending) > MAX_PENDING:
            raise BadAnswer("The live channel sent a message without an end.")
        for line in whole:
            yield line.decode(errors="replace").removesuffix("\r")


async def _batches(response: httpx.Response) -> AsyncIterator[list[Message]]:
    """The messages of each line of data, in order."""
    async for line in _lines(response):
        if line.startswith("data:"):
            yield [_message(text) for text in line.removeprefix("data:").strip(" ").split(SEPARATOR) if text]


def _message(text: str) -> Message:
    try:
        message = msgspec.json.decode(text, type=Message, strict=False)
    except msgspec.MsgspecError as error:
        raise BadAnswer(f"The live channel sent what its protocol does not allow ({error}).") from error
    if message.type == CLOSE or message.error:
        raise Unavailable("The service closed the live channel.", cause=Cause.BROKEN)
    return message


def _hints(message: Message) -> list[Hint]:
    found = (_hint(a) for a in message.arguments if a.version in (None, 3))
    return [hint for hint in found if hint is not None]


def _hint(argument: Argument) -> Hint | None:
    name, resource = argument.name.lower(), argument.body.resource
    if name == "health":
        return Hint(scope=HintScope.HEALTH)
    if name in ("queue", "queue/details", "queue/status", "history"):
        return Hint(scope=HintScope.REQUESTS)
    if name in ("movie", "series"):
        return Hint(scope=HintScope.REQUESTS, ref=_ref(resource.get("id")))
    if name in ("episode", "episodefile", "moviefile"):
        return Hint(scope=HintScope.REQUESTS, ref=_ref(resource.get("seriesId") or resource.get("movieId")))
    if name == "command":
        return _command(resource)
    return None


def _command(resource: dict[str, Any]) -> Hint | None:
    body = resource.get("body")
    body = body if isinstance(body, dict) else {}
    if str(resource.get("name", "")).lower() in DEAF_COMMANDS or body.get("trigger") == "scheduled":
        return None
    movies = body.get("movieIds")
    one = movies[0] if isinstance(movies, list) and len(movies) == 1 else None
    return Hint(scope=HintScope.REQUESTS, ref=_ref(one or body.get("seriesId") or body.get("movieId")))


def _ref(value: Any) -> str | None:
    return str(value) if isinstance(value, int) and value > 0 else None
