"""Sonarr as a requester: it gets series, season by season."""

from __future__ import annotations

import asyncio
from typing import Any

from vaderflix_arr.progress import progress
from vaderflix_arr.service import ArrService
from vaderflix_arr.submit import add_or_adopt, same_title, still_managed, unknown_not_gone
from vaderflix_arr.wire import HistoryRecord
from vaderflix_core.api import (
    Candidate,
    ExternalIds,
    MediaKind,
    MediaRequest,
    NotFound,
    Progress,
    Rejected,
    Stage,
    Ticket,
    Unavailable,
    Verdict,
)

from . import seasons, titles
from .settings import SonarrSettings
from .wire import EpisodeRow, Series

MOST_REREAD = 12  # rows of a search that are in the library; lookups count no files, so these are read again


class Sonarr(ArrService[SonarrSettings]):
    """One Sonarr."""

    product = "Sonarr"
    kinds = frozenset({MediaKind.SERIES})

    async def search(self, query: str, kind: MediaKind) -> list[Candidate]:
        """Series whose title fits, best first."""
        term = query.strip().lstrip("/\\")  # Sonarr refuses a term that is a path
        if kind is not MediaKind.SERIES or not term:
            return []
        rows = await self._lookup(term)
        held = [row for row in rows if row.id][:MOST_REREAD]
        stored = dict(zip((row.id for row in held), await asyncio.gather(*map(self._stored, held)), strict=True))
        return [titles.candidate(stored.get(row.id, row)) for row in rows]

    async def lookup(self, kind: MediaKind, ids: ExternalIds) -> Candidate | None:
        """The series with these ids and its seasons, counted by episodes when it is in the library."""
        if kind is not MediaKind.SERIES:
            return None
        known = await self._known(ids)
        if known is None or not known.id:
            return titles.candidate(known) if known else None
        series, episodes = await asyncio.gather(
            self.client.get(f"/series/{known.id}", Series),
            self.client.get("/episode", list[EpisodeRow], seriesId=known.id),
        )
        return titles.candidate(series, titles.seasons(series, episodes, self.instance.now()))

    async def consider(self, request: MediaRequest) -> Verdict:
        """Whether the seasons could be had with these settings."""
        if request.kind is not MediaKind.SERIES:
            return Verdict(accepts=False, reason="Sonarr gets series only.")
        if (refusal := self.other_copies(request)) is not None:
            return refusal
        known = await self._known(request.ids)
        if known is None:
            await self.vouched()
            return Verdict(accepts=False, reason="Sonarr does not know this series.")
        missing = seasons.unknown(known, request.seasons)
        if missing:
            return Verdict(accepts=False, reason=f"Sonarr does not list {seasons.label(missing)} of this series.")
        if known.id:
            return Verdict(accepts=True, reason="Sonarr has this series in its library.")
        try:
            await self.lists.profile_id()
            await self.lists.root_path()
        except Rejected as error:
            await self.vouched()
            return Verdict(accepts=False, reason=error.message)
        return Verdict(accepts=True, reason="Sonarr can add this series.")

    async def submit(self, request: MediaRequest, key: str) -> Ticket:
        """Add the series, or join it and have the asked seasons monitored; the same request adds nothing twice."""
        if request.kind is not MediaKind.SERIES:
            raise Rejected("Sonarr gets series only.")
        tvdb = await self._tvdb(request.ids)
        if tvdb is None:
            await self.vouched()
            raise Rejected("Sonarr does not know this series.")
        async with self.locks.of(tvdb):
            found = await self._find(tvdb)
            if found is None:
                body, detail = await self._new(request, tvdb)
                found, adopted = await add_or_adopt(self.client, "/series", body, Series, lambda: self._find(tvdb))
                if not adopted:
                    self.snapshots.forget()
                    return Ticket(remote_id=str(found.id), detail=detail)
            return await self._adopt(found, request)

    async def progress(self, ticket: Ticket, request: MediaRequest) -> Progress:
        """How far the asked seasons are, with the counts of each."""
        series = await self._managed(ticket, request)
        if series is None:
            return Progress(stage=Stage.GONE)
        wanted = titles.wanted_seasons(series, request)
        one = {"seasonNumber": next(iter(wanted))} if len(wanted) == 1 else {}
        with unknown_not_gone():
            episodes, snapshot, history = await asyncio.gather(
                self.client.get("/episode", list[EpisodeRow], seriesId=series.id),
                self.snapshots.read(),
                self.client.get("/history/series", list[HistoryRecord], seriesId=series.id, **one),
            )
        now = self.instance.now()
        own = {e.id for e in episodes if e.season_number in wanted}
        rows = [r for r in snapshot.queue if r.series_id == series.id and r.season_number in {None, *wanted}]
        found = progress(
            titles.title(series, episodes, wanted, now),
            queue=rows,
            history=[row for row in history if row.episode_id in own],
            health=snapshot.health,
            searches=[c for c in snapshot.commands if seasons.searches(c, series.id, own, wanted)],
            absent_since=self.absent_since(f"{ticket.remote_id} {sorted(wanted)}", rows, snapshot),
            now=now,
        )
        if found.download_ids:
            await self.snapshots.nudge()
        return found

    async def _lookup(self, term: str) -> list[Series]:
        return await self.client.get("/series/lookup", list[Series], term=term)

    async def _stored(self, row: Series) -> Series:
        """The series as the library has it; the row itself when it has just been taken out."""
        try:
            return await self.client.get(f"/series/{row.id}", Series)
        except NotFound:
            return row

    async def _known(self, ids: ExternalIds) -> Series | None:
        """The series by its ids, tvdb first as Sonarr does; only a row that bears one of the ids counts."""
        terms = (("tvdb", ids.tvdb), ("tmdb", ids.tmdb), ("imdb", ids.imdb))
        for catalogue, value in terms:
            for series in await self._lookup(f"{catalogue}:{value}") if value else []:
                if series.ids.shares(ids) and series.tvdb_id:
                    return series
        return None

    async def _tvdb(self, ids: ExternalIds) -> int | None:
        if ids.tvdb:
            return ids.tvdb
        known = await self._known(ids)
        return known.tvdb_id if known else None

    async def _find(self, tvdb: int) -> Series | None:
        """The series in Sonarr's library."""
        found = await self.client.get("/series", list[Series], tvdbId=tvdb)
        return next((s for s in found if s.id and s.tvdb_id == tvdb), None)

    async def _new(self, request: MediaRequest, tvdb: int) -> tuple[dict[str, Any], str]:
        """The body of an add, and what the ticket says of it."""
        known = await self._known(ExternalIds(tvdb=tvdb))
        if known is None:
            await self.vouched()
            raise Rejected("Sonarr does not know this series.")
        missing = seasons.unknown(known, request.seasons)
        if request.seasons and len(missing) == len(set(request.seasons)):
            raise Rejected(f"Sonarr does not list {seasons.label(missing)} of this series.")
        body = seasons.new_body(
            known,
            titles.wanted_seasons(known, request),
            whole=not request.seasons,
            profile=await self.lists.profile_id(),
            root=await self.lists.root_path(),
            tags=await self.lists.tag_ids(),
            season_folders=self.settings.season_folders,
            search=self.settings.search_on_add,
        )
        return body, f"Added, without {seasons.label(missing)}, which Sonarr does not list." if missing else "Added."

    async def _adopt(self, series: Series, request: MediaRequest) -> Ticket:
        """Join a series of the library: have the asked seasons monitored and, when idle, searched for."""
        wanted = titles.wanted_seasons(series, request)
        await seasons.monitor(self.client, series.id, wanted, await self.lists.tag_ids(), whole=not request.seasons)
        episodes = await seasons.monitor_episodes(self.client, series.id, wanted)
        self.snapshots.forget()
        # Sonarr searches by itself once it has made the episodes of a series that was just added
        if self.settings.search_on_add and series.add_options is None:
            snapshot = await self.snapshots.read()
            for number in seasons.seasons_to_search(
                series.id, episodes, wanted, snapshot.queue, snapshot.commands, self.instance.now()
            ):
                await self.client.command("SeasonSearch", seriesId=series.id, seasonNumber=number)
        return Ticket(remote_id=str(series.id), adopted=True, detail="It was in the library already.")

    async def _managed(self, ticket: Ticket, request: MediaRequest) -> Series | None:
        async def find() -> Series | None:
            tvdb = await self._tvdb(request.ids)
            if tvdb is None:
                raise Unavailable("Sonarr cannot say now whether it has this series.")
            return await self._find(tvdb)

        return await still_managed(
            lambda: self.client.get(f"/series/{int(ticket.remote_id)}", Series),
            lambda series: same_title(series.ids, request.ids),
            find,
        )
