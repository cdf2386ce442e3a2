"""Hints of changes: the server's event stream, and the webhooks of Plex Pass."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import httpx
import msgspec

from vaderflix_core.api import Cause, Hint, HintScope, Rejected, Unavailable

from . import wire
from .client import PlexClient

SETTLE = 1.5  # seconds in which what comes is one burst: a scan writes thousands of lines
MANY = 50  # items in one burst above which all is read again
SILENCE = 90.0  # seconds without even a ping after which the connection counts as dead
_LIBRARY = "com.plexapp.plugins.library"
_FILM, _EPISODE = 1, 4
_READY, _REMOVED = 5, 9
ALL = ""


def refs_in(data: str) -> set[str]:
    """The keys of titles that a live message says have changed; `ALL` stands for any. Unknown messages say nothing."""
    try:
        message = msgspec.json.decode(data, type=wire.Notification, strict=False)
    except msgspec.MsgspecError:
        return set()
    message = message.container or message
    refs = set()
    for entry in wire.many(message.timeline):
        kind = entry.type or 0
        if entry.state not in (_READY, _REMOVED) or not _FILM <= kind <= _EPISODE:
            continue
        if entry.identifier not in ("", _LIBRARY):
            continue
        # Seasons and episodes are part of a show, whose key is what others know
        ref = str(entry.rootItemID if kind > 2 else entry.itemID)
        refs.add(ref if ref.isdigit() and int(ref) > 0 else ALL)
    for status in wire.many(message.status):
        if "scan complete" in status.title.lower():
            refs.add(ALL)
    return refs


async def messages(response: httpx.Response) -> AsyncIterator[str]:
    """The data of each event of an event stream."""
    data: list[str] = []
    async for line in response.aiter_lines():
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []


class Ear:
    """Live and WebhookReceiver of one server."""

    def __init__(self, client: PlexClient) -> None:
        self.client = client
        self.settle = SETTLE
        self.silence = SILENCE

    async def hints(self) -> AsyncIterator[Hint]:
        """What to read again: everything once connected, then as it happens, bursts put together.

        Raises when the connection ends.
        """
        changed: set[str] = set()
        news = asyncio.Event()
        reader = asyncio.create_task(self._read(changed, news))
        try:
            while True:
                waiting = asyncio.create_task(news.wait())
                try:
                    await asyncio.wait({waiting, reader}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waiting.cancel()
                if news.is_set():
                    if not reader.done():
                        await asyncio.wait({reader}, timeout=self.settle)
                    burst = set(changed)
                    changed.clear()
                    news.clear()
                    for hint in self._hints(burst):
                        yield hint
                elif reader.done():
                    reader.result()
                    raise Unavailable(f"{self.client.url} ended its event stream.", cause=Cause.BROKEN)
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await reader

    def _hints(self, burst: set[str]) -> list[Hint]:
        everything = ALL in burst or len(burst) > MANY
        named = sorted(burst - {ALL}, key=int) if len(burst) <= MANY else []
        return [Hint(scope=HintScope.LIBRARY, ref=ref) for ref in [*named, *([None] if everything else [])]]

    async def _read(self, changed: set[str], news: asyncio.Event) -> None:
        http = await self.client.authorised()
        async with http.stream(
            "GET",
            "/:/eventsource/notifications",
            params={"filters": "timeline,status"},
            headers={"Accept": "text/event-stream"},
            timeout=httpx.Timeout(self.client.timeout, read=self.silence),
            check=False,
        ) as response:
            if response.status_code >= 400:
                await response.aread()
                self.client.check(response)
            kind = response.headers.get("Content-Type", "")
            if not kind.startswith("text/event-stream"):
                raise Unavailable(f"{self.client.url} has no event stream ({kind or 'no type'}).", cause=Cause.BROKEN)
            # The stream begins now: what happened while nobody listened has to be read
            changed.add(ALL)
            news.set()
            async for data in messages(response):
                if refs := refs_in(data):
                    changed |= refs
                    news.set()

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[Hint]:
        """What a webhook says to read again: `library.new` and `library.on.deck` name an item, all others nothing."""
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        try:
            hook = msgspec.json.decode(_payload(kind, body), type=wire.Hook, strict=False)
        except msgspec.MsgspecError:
            raise Rejected("This is no webhook of Plex.") from None
        if hook.event not in ("library.new", "library.on.deck"):
            return []
        item = hook.metadata or wire.HookMetadata()
        if item.library_section_type not in ("", "movie", "show"):
            return []
        key = (
            item.grandparent_rating_key or (item.parent_rating_key if item.type == "season" else "") or item.rating_key
        )
        return [Hint(scope=HintScope.LIBRARY, ref=str(key) if str(key).isdigit() else None)]


def _payload(content_type: str, body: bytes) -> bytes:
    """The field `payload` of a form, beside which a picture may come; or the body, when it is JSON itself."""
    if not content_type.lower().startswith("multipart/"):
        return body
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    for part in form.iter_parts() if form.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "payload":
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else b""
    return b""
