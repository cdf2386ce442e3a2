"""Watching: which file of a title a browser can play, its bytes through us, and how far each person is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec import Struct

from ..access.models import Permission, User
from ..api.models import Episode, MediaKind, Playable
from ..api.roles import ByteStream, MediaSource, Playback
from ..failures import Missing, NotAllowed, SourceFailed
from ..library.index import Library
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Binding, Pool
from ..search.models import Held
from ..store import positions as store
from ..store.database import Database
from ..store.positions import Position
from ..vault import Vault

BEGUN_SECONDS = 20.0  # less is "looked in", not "begun"
WATCHED_PART = 0.93


class Watching(Struct, frozen=True, kw_only=True):
    """What a player needs: the files (with opaque tokens for their streams), where to start, where else to watch."""

    instance: str
    key: str
    title: str
    files: tuple[tuple[str, Playable], ...]  # (stream token, file), best first
    start: float
    link: str | None
    source: str  # the media source's name


class Continue(Struct, frozen=True, kw_only=True):
    """A film or series that somebody has begun."""

    held: Held
    position: Position


def begun(position: Position) -> bool:
    """Whether a position is worth resuming: more than looked in, less than watched."""
    return position.seconds >= BEGUN_SECONDS and position.seconds < position.duration * WATCHED_PART


class Watch:
    """Playback for people."""

    def __init__(
        self,
        db: Database,
        pool: Pool,
        guard: Guard,
        library: Library,
        vault: Vault,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._pool = pool
        self._guard = guard
        self._library = library
        self._vault = vault
        self._clock = clock

    def _binding(self, role: type, instance: str) -> Binding:
        bindings = self._pool.bindings(role, instance=instance)
        if not bindings:
            # switched off or not started yet: what it holds is not gone
            raise SourceFailed("The library that holds it does not answer. Try again in a moment.")
        return bindings[0]

    @staticmethod
    def _need(user: User) -> None:
        if not user.may(Permission.PLAY):
            raise NotAllowed("Your account cannot play titles. Ask an admin of this house.")

    @staticmethod
    def _value(answer: Answer[object]) -> object:
        if answer.outcome is Outcome.NOT_FOUND:
            raise Missing("It is no longer in the library.")
        if answer.outcome is not Outcome.OK:
            raise SourceFailed(f"“{answer.name}” did not answer. Try again in a moment.", evidence=answer.error)
        return answer.value

    async def episodes(self, held: Held, season: int) -> list[Episode]:
        """The episodes held of a season. Raises `Missing`, `SourceFailed`."""
        answer = await self._guard.call(self._binding(MediaSource, held.instance), "episodes", held.item.key, season)
        return msgspec.convert(self._value(answer), list[Episode])

    async def episode(self, held: Held, key: str) -> Episode:
        """The episode of a series that has this key. Raises `Missing` for any other: a source holds more than it shows.

        Raises `SourceFailed`.
        """
        seasons = [season.number for season in held.item.seasons if season.available] or [1]
        for number in seasons if held.item.kind == MediaKind.SERIES else ():
            for one in await self.episodes(held, number):
                if one.key == key:
                    return one
        raise Missing("The library does not have this episode.")

    async def watching(self, user: User, instance: str, key: str, title: str) -> Watching:
        """What a player needs for a film's or an episode's key. Raises `Missing`, `NotAllowed`, `SourceFailed`."""
        self._need(user)
        binding = self._binding(Playback, instance)
        files = msgspec.convert(self._value(await self._guard.call(binding, "playables", key)), list[Playable])
        link = await self._guard.call(binding, "link", key)
        position = await self.position(user, instance, key)
        return Watching(
            instance=instance,
            key=key,
            title=title,
            files=tuple((self._token(instance, file.ref), file) for file in files),
            start=position.seconds if position is not None and begun(position) else 0.0,
            link=link.value if link.outcome is Outcome.OK else None,
            source=binding.name,
        )

    def _token(self, instance: str, ref: str) -> str:
        return self._vault.opaque(f"{instance}\0{ref}", "stream")

    async def open(self, user: User, token: str, range_header: str | None) -> ByteStream:
        """The bytes behind a stream token, or a range of them. Raises `Missing`, `NotAllowed`, `SourceFailed`."""
        self._need(user)
        known = self._vault.reveal_opaque(token, "stream")
        if known is None:
            raise Missing("There is no such stream.")
        instance, _, ref = known.partition("\0")
        answer = await self._guard.call(self._binding(Playback, instance), "open", ref, range_header)
        stream: ByteStream = self._value(answer)  # type: ignore[assignment]
        return stream

    # -- positions -----------------------------------------------------------------------------------------------

    async def report(
        self,
        user: User,
        *,
        instance: str,
        key: str,
        item_key: str,
        seconds: float,
        duration: float,
        label: str = "",
    ) -> None:
        """Remember how far somebody is in a film or an episode."""
        self._need(user)
        position = Position(
            instance=instance,
            key=key,
            item_key=item_key,
            label=label,
            seconds=max(0.0, min(seconds, duration)),
            duration=duration,
            updated_at=self._clock(),
        )
        await self._db.write(lambda conn: store.put(conn, user.id, position))

    async def position(self, user: User, instance: str, key: str) -> Position | None:
        """How far somebody is in a film or an episode."""
        return await self._db.read(lambda conn: store.get(conn, user.id, instance, key))

    async def positions(self, user: User, held: Held) -> list[Position]:
        """Somebody's positions in a film or in the episodes of a series, newest first."""
        return await self._db.read(lambda conn: store.of_item(conn, user.id, held.instance, held.item.key))

    async def continue_watching(self, user: User, limit: int = 12) -> list[Continue]:
        """What somebody has begun and can resume, newest first."""
        newest = await self._db.read(lambda conn: store.newest(conn, user.id, limit * 2))
        found = []
        for position in newest:
            if not begun(position):
                continue
            held = await self._library.by_key(position.instance, position.item_key)
            if held is not None:
                found.append(Continue(held=held, position=position))
        return found[:limit]
