"""Radarr as a requester: it gets films."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from vaderflix_arr.progress import Title, progress
from vaderflix_arr.service import ArrService
from vaderflix_arr.submit import add_or_adopt, same_title, still_managed, unknown_not_gone
from vaderflix_arr.wire import Command, HistoryRecord
from vaderflix_core.api import (
    Candidate,
    ExternalIds,
    MediaKind,
    MediaRequest,
    Progress,
    Rejected,
    Stage,
    Ticket,
    Unavailable,
    Verdict,
)

from .settings import RadarrSettings
from .wire import Movie, candidate

SEARCHED_LATELY = timedelta(minutes=10)


class Radarr(ArrService[RadarrSettings]):
    """One Radarr."""

    product = "Radarr"
    kinds = frozenset({MediaKind.MOVIE})

    async def search(self, query: str, kind: MediaKind) -> list[Candidate]:
        """Films whose title fits, best first."""
        term = query.strip().lstrip("/\\")  # Radarr refuses a term that is a path
        if kind is not MediaKind.MOVIE or not term:
            return []
        return [candidate(m) for m in await self._lookup(term)]

    async def lookup(self, kind: MediaKind, ids: ExternalIds) -> Candidate | None:
        """The film with these ids, as the library knows it when it is there."""
        if kind is not MediaKind.MOVIE:
            return None
        movie = await self._known(ids)
        if movie is None:
            return None
        return candidate(await self._find(movie.tmdb_id) or movie if movie.id else movie)

    async def consider(self, request: MediaRequest) -> Verdict:
        """Whether the film could be added with these settings."""
        if request.kind is not MediaKind.MOVIE:
            return Verdict(accepts=False, reason="Radarr gets films only.")
        if (refusal := self.other_copies(request)) is not None:
            return refusal
        movie = await self._known(request.ids)
        if movie is None:
            await self.vouched()
            return Verdict(accepts=False, reason="Radarr does not know this film.")
        if movie.id:
            return Verdict(accepts=True, reason="Radarr has this film in its library.")
        try:
            await self.lists.profile_id()
            await self.lists.root_path()
        except Rejected as error:
            await self.vouched()
            return Verdict(accepts=False, reason=error.message)
        return Verdict(accepts=True, reason="Radarr can add this film.")

    async def submit(self, request: MediaRequest, key: str) -> Ticket:
        """Add the film, or join it where it is; the film itself is the key, so the same request adds nothing twice."""
        if request.kind is not MediaKind.MOVIE:
            raise Rejected("Radarr gets films only.")
        tmdb = await self._tmdb(request.ids)
        if tmdb is None:
            await self.vouched()
            raise Rejected("Radarr does not know this film.")
        async with self.locks.of(tmdb):
            found = await self._find(tmdb)
            if found is None:
                body = await self._new(request, tmdb)
                found, adopted = await add_or_adopt(self.client, "/movie", body, Movie, lambda: self._find(tmdb))
                if not adopted:
                    self.snapshots.forget()
                    return Ticket(remote_id=str(found.id), detail="Added.")
            return await self._adopt(found)

    async def progress(self, ticket: Ticket, request: MediaRequest) -> Progress:
        """How far the film is."""
        movie = await self._managed(ticket, request)
        if movie is None:
            return Progress(stage=Stage.GONE)
        with unknown_not_gone():
            snapshot, history = await asyncio.gather(
                self.snapshots.read(), self.client.get("/history/movie", list[HistoryRecord], movieId=movie.id)
            )
        rows = [row for row in snapshot.queue if row.movie_id == movie.id]
        found = progress(
            Title(
                wanted=1,
                held=int(movie.held),
                film=True,
                monitored=movie.monitored,
                released=movie.is_available,
                searched_at=movie.last_search_time,
            ),
            queue=rows,
            history=history,
            health=snapshot.health,
            searches=[c for c in snapshot.commands if _searches(c, movie.id)],
            absent_since=self.absent_since(ticket.remote_id, rows, snapshot),
            now=self.instance.now(),
        )
        if found.download_ids:
            await self.snapshots.nudge()
        return found

    async def _lookup(self, term: str) -> list[Movie]:
        return await self.client.get("/movie/lookup", list[Movie], term=term)

    async def _known(self, ids: ExternalIds) -> Movie | None:
        """The film by its ids, as Radarr's catalogue knows it; only a row that bears one of the ids counts."""
        for term in (f"tmdb:{ids.tmdb}" if ids.tmdb else "", f"imdb:{ids.imdb}" if ids.imdb else ""):
            for movie in await self._lookup(term) if term else []:
                if movie.ids.shares(ids):
                    return movie
        return None

    async def _tmdb(self, ids: ExternalIds) -> int | None:
        if ids.tmdb:
            return ids.tmdb
        movie = await self._known(ids)
        return movie.tmdb_id or None if movie else None

    async def _find(self, tmdb: int) -> Movie | None:
        """The film in Radarr's library."""
        found = await self.client.get("/movie", list[Movie], tmdbId=tmdb)
        return next((m for m in found if m.id and m.tmdb_id == tmdb), None)

    async def _new(self, request: MediaRequest, tmdb: int) -> dict[str, Any]:
        """The body of an add. `searchForMovie` searches for what is out only; a search command would take a CAM."""
        return {
            "title": request.title,
            "tmdbId": tmdb,
            "qualityProfileId": await self.lists.profile_id(),
            "rootFolderPath": await self.lists.root_path(),
            "minimumAvailability": self.settings.minimum_availability,
            "monitored": True,
            "tags": await self.lists.tag_ids(),
            "addOptions": {"searchForMovie": self.settings.search_on_add, "monitor": "movieOnly"},
        }

    async def _adopt(self, movie: Movie) -> Ticket:
        """Join a film of the library: have it monitored, tagged and, when nothing is under way, searched for."""
        ticket = Ticket(remote_id=str(movie.id), adopted=True, detail="It was in the library already.")
        if movie.held:
            return ticket
        tags = set(await self.lists.tag_ids()) | set(movie.tags)
        if not movie.monitored or tags != set(movie.tags):
            whole = await self.client.get(f"/movie/{movie.id}", dict[str, Any])
            whole |= {"monitored": True, "tags": sorted(tags)}
            await self.client.send("PUT", f"/movie/{movie.id}", dict[str, Any], whole)
        self.snapshots.forget()
        if self.settings.search_on_add and movie.is_available and not await self._under_way(movie):
            await self.client.command("MoviesSearch", movieIds=[movie.id])
        return ticket

    async def _under_way(self, movie: Movie) -> bool:
        """Whether a search is about to run, runs, has just run, or a download is there."""
        if movie.add_options is not None:
            return True
        if movie.last_search_time and self.instance.now() - movie.last_search_time < SEARCHED_LATELY:
            return True
        snapshot = await self.snapshots.read()
        return any(row.movie_id == movie.id for row in snapshot.queue) or any(
            _searches(c, movie.id) and c.status in ("queued", "started") for c in snapshot.commands
        )

    async def _managed(self, ticket: Ticket, request: MediaRequest) -> Movie | None:
        async def find() -> Movie | None:
            tmdb = await self._tmdb(request.ids)
            if tmdb is None:
                raise Unavailable("Radarr cannot say now whether it has this film.")
            return await self._find(tmdb)

        return await still_managed(
            lambda: self.client.get(f"/movie/{int(ticket.remote_id)}", Movie),
            lambda movie: same_title(movie.ids, request.ids),
            find,
        )


def _searches(command: Command, movie_id: int) -> bool:
    """Whether a task searches for this film."""
    wanted = command.body.get("movieIds")
    return command.name.lower() == "moviessearch" and isinstance(wanted, list) and movie_id in wanted
