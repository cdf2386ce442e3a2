"""Playback: the files of an item, their bytes with ranges, and the item's place in Plex's web app."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

import httpx

from vaderflix_core.api import BadAnswer, Instance, Playable, Rejected, ServiceError

from .client import PlexClient
from .files import Ref, parse_ref, playables
from .settings import PlexSettings

PASSED = ("Content-Type", "Content-Length", "Content-Range", "Accept-Ranges", "ETag", "Last-Modified")
DECISION_LIFE = 300.0  # seconds for which the server is taken to remember that it let us play
CHUNK = 64 * 1024
_RANGE = re.compile(r"bytes=(?:[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})")
_PROFILE = (
    "add-direct-play-profile(type=videoProfile&container=mp4,m4v,mov&videoCodec=h264,vp9,av1&audioCodec=aac,mp3,opus,flac)"
    "+add-direct-play-profile(type=videoProfile&container=webm&videoCodec=vp8,vp9,av1&audioCodec=opus,vorbis)"
)


class PartStream:
    """A file, or a range of it, on its way."""

    def __init__(self, response: httpx.Response, opened: AbstractAsyncContextManager[httpx.Response]) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name: response.headers[name] for name in PASSED if name in response.headers}
        self._response = response
        self._opened = opened
        self._open = True

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, in order. Raises `Unavailable` when the server breaks off."""
        try:
            async for chunk in self._response.aiter_raw(CHUNK):
                yield chunk
        except httpx.HTTPError as error:
            # The client's own context knows how to say what went wrong
            self._open = False
            await self._opened.__aexit__(type(error), error, error.__traceback__)
            raise
        finally:
            await self.close()

    async def close(self) -> None:
        """End the transfer."""
        if self._open:
            self._open = False
            await self._opened.__aexit__(None, None, None)


class Player:
    """Playback of one server, straight from its files."""

    def __init__(self, instance: Instance[PlexSettings], client: PlexClient) -> None:
        self.instance = instance
        self.client = client
        self._decided: dict[str, float] = {}

    async def playables(self, key: str) -> list[Playable]:
        """The files of a film or an episode, those that browsers play first."""
        return playables(await self.client.one(key))

    async def open(self, ref: str, range_header: str | None) -> PartStream:
        """The bytes of a file. A range that is not a single one is left out, which servers may do."""
        wanted = parse_ref(ref)
        asked = range_header.strip() if range_header else ""
        headers = self.client.headers({"Range": asked} if _RANGE.fullmatch(asked) else {})
        await self._decide(wanted)
        http = await self.client.authorised()
        opened = http.stream(
            "GET",
            wanted.path,
            headers=headers,
            check=False,
            timeout=httpx.Timeout(self.client.timeout, read=4 * self.client.timeout),
        )
        response = await opened.__aenter__()
        try:
            if response.status_code not in (200, 206, 416):
                self._decided.pop(ref_key(wanted), None)
                await response.aread()
                self.client.check(response)
                raise Rejected(f"{self.client.url} answered a file with HTTP {response.status_code}.")
            kind = response.headers.get("Content-Type", "")
            if kind.startswith(("text/", "application/json")) and response.status_code != 416:
                raise BadAnswer(f"{self.client.url} answered a file with {kind}.")
        except BaseException as error:
            await opened.__aexit__(type(error), error, error.__traceback__)
            raise
        return PartStream(response, opened)

    async def _decide(self, ref: Ref) -> None:
        """Announce the playback: some servers hand out no file before. Its failure is not ours, the file will tell."""
        now = self.instance.now().timestamp()
        if now - self._decided.get(ref_key(ref), 0.0) < DECISION_LIFE:
            return
        params = {
            "path": f"/library/metadata/{ref.item}",
            "mediaIndex": ref.media,
            "partIndex": ref.part,
            "protocol": "http",
            "directPlay": 1,
            "directStream": 0,
            "hasMDE": 1,
            "session": str(uuid.uuid4()),
            "X-Plex-Client-Profile-Name": "Generic",
            "X-Plex-Client-Profile-Extra": _PROFILE,
        }
        http = await self.client.authorised()
        try:
            await http.request(
                "GET", "/video/:/transcode/universal/decision", params=params, timeout=self.client.timeout / 3
            )
        except ServiceError as error:
            self.instance.log.info("plex.decision_failed", error=error.message)
            return
        self._decided = {key: when for key, when in self._decided.items() if now - when < DECISION_LIFE}
        self._decided[ref_key(ref)] = now

    async def link(self, key: str) -> str:
        """The item's page in Plex's web app, which finds the server by itself."""
        if not key.isascii() or not key.isdigit():
            raise Rejected("This is no item of this library.")
        path = quote(f"/library/metadata/{key}", safe="")
        return f"https://app.plex.tv/desktop/#!/server/{await self.client.machine()}/details?key={path}"


def ref_key(ref: Ref) -> str:
    """What a decision is about: a version of an item."""
    return f"{ref.item}:{ref.media}:{ref.part}"
