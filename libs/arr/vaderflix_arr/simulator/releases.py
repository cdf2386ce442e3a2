"""The indexer stand-in: what a search finds, the 30-minute cache, and the grab."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from vaderflix_core.testing import Release, Title, make_release

from .http import Refused, Reply, Request, Row, failure
from .quality import ENGLISH
from .store import moment, stamp
from .torrents import ClientError

if TYPE_CHECKING:
    from .engine import ArrSimulator

INDEXER = "lab"


class Offer(Struct, kw_only=True):
    """One release that a search found for an item, and the episodes it holds."""

    release: Release
    item: int
    slug: str
    episodes: list[int]
    season: int | None = None
    pack: bool = False
    seeders: int = 12
    published: datetime
    found: float  # monotonic

    @property
    def guid(self) -> str:
        """Its name at the indexer; the download URL is the same."""
        return f"http://indexer.invalid/dl/{self.release.name}.torrent"


class Wanted(Struct, kw_only=True):
    """A release name that the indexer should have for an item."""

    name: str
    episodes: list[int] = []
    season: int | None = None
    pack: bool = False
    seeders: int = 12


class Releases:
    """Searches and grabs of one simulator."""

    cache_seconds = 1800.0

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim
        self._cache: dict[tuple[int, str], Offer] = {}
        self._made: dict[tuple[str, Path], Release] = {}

    async def make(self, name: str, title: Title) -> Release:
        """The release of this name, made once; `sim.releases` keeps it by infohash."""
        source = self.sim.release_for(name, title)
        release = self._made.get((name, source))
        if release is None:
            release = await asyncio.to_thread(make_release, name, source, tracker=self.sim.tracker)
            self._made[(name, source)] = release
            self.sim.releases[release.infohash] = release
        return release

    async def search(self, item: Row, wanted: Iterable[Wanted]) -> list[Offer]:
        """All releases for an item, best first, remembered for a later grab."""
        await asyncio.sleep(self.sim.search_seconds)
        title = self.sim.title_of(item)
        if not self.sim.indexers() or title is None or not title.released or title.slug in self.sim.no_release:
            return []
        offers = []
        for want in wanted:
            stalled = title.slug in self.sim.stalled
            name = want.name.rsplit("-", 1)[0] + "-STALL" if stalled else want.name
            offer = Offer(
                release=await self.make(name, title),
                item=item["id"],
                slug=title.slug,
                episodes=want.episodes,
                season=want.season,
                pack=want.pack,
                seeders=want.seeders,
                published=datetime.now(UTC) - timedelta(days=2),
                found=time.monotonic(),
            )
            self._cache[(1, offer.guid)] = offer
            offers.append(offer)
        parse, rank = self.sim.qualities.parse, self.sim.qualities.weight_of
        return sorted(offers, key=lambda o: (o.pack, rank(parse(o.release.name).quality.model())), reverse=True)

    def rejections(self, offer: Offer) -> list[str]:
        """Why the automatic search would not take it."""
        reasons = [
            "Release is blocklisted"
            for row in self.sim.store.rows("blocklist")
            if row["sourceTitle"] == offer.release.name
        ][:1]
        if offer.seeders < 1:
            reasons.append(f"Not enough seeders: {offer.seeders}. Minimum seeders: 1")
        return reasons + self.sim.rejections(offer)

    def resource(self, offer: Offer) -> Row:
        """The part of a release that both products show."""
        parsed = self.sim.qualities.parse(offer.release.name)
        age = datetime.now(UTC) - offer.published
        hours = age.total_seconds() / 3600
        reasons = self.rejections(offer)
        return {
            "guid": offer.guid,
            "quality": parsed.quality.model(),
            "customFormats": [],
            "customFormatScore": 0,
            "qualityWeight": parsed.quality.weight * 100 + 1,
            "age": age.days,
            "ageHours": hours,
            "ageMinutes": hours * 60,
            "size": offer.release.size,
            "indexerId": 1,
            "indexer": INDEXER,
            "releaseGroup": parsed.group,
            "releaseHash": "",
            "title": offer.release.name,
            "sceneSource": False,
            "languages": [ENGLISH],
            "approved": not reasons,
            "temporarilyRejected": False,
            "rejected": bool(reasons),
            "rejections": reasons,
            "publishDate": stamp(offer.published),
            "downloadUrl": offer.guid,
            "downloadAllowed": True,
            "releaseWeight": 0,
            "magnetUrl": "",
            "infoHash": "",
            "seeders": offer.seeders,
            "leechers": 2,
            "protocol": "torrent",
        }

    def cached(self, request: Row) -> Offer:
        """The release that a grab names; 404 when no search found it in the last 30 minutes."""
        offer = self._cache.get((request.get("indexerId") or 0, str(request.get("guid"))))
        if offer is None or time.monotonic() - offer.found > self.cache_seconds:
            message = "Couldn't find requested release in cache, try searching again"
            raise failure(404, message, "NzbDrone.Core.Exceptions.NzbDroneClientException")
        return offer

    async def grab_route(self, request: Request) -> Reply:
        """POST release: grab one from the cache, for another item if the body overrides it."""
        body = request.json({"guid": str, "indexerId": int})
        offer = self.cached(body)
        target = body.get("movieId") or body.get("seriesId")
        item = int(target) if body.get("shouldOverride") and target else offer.item
        episodes = list(body.get("episodeIds") or offer.episodes)
        if self.sim.store.get(self.sim.table, item) is None:
            raise failure(404, f"Unable to find matching {self.sim.table}", "NzbDroneClientException")
        await self.grab(offer, "InteractiveSearch", item=item, episodes=episodes, quality=body.get("quality"))
        return Reply(body=self.sim.grab_echo(body))

    async def grab(
        self,
        offer: Offer,
        source: str,
        *,
        item: int | None = None,
        episodes: list[int] | None = None,
        quality: Row | None = None,
    ) -> Row:
        """Send a release to the download client and remember it; Refused when the client does not take it."""
        sim = self.sim
        if offer.slug in sim.unfetchable:
            raise failure(
                409, "Getting release from indexer failed", "NzbDrone.Core.Exceptions.ReleaseDownloadException"
            )
        await asyncio.to_thread(self._share, offer)
        client = sim.client
        kind = "NzbDrone.Core.Download.Clients.DownloadClientUnavailableException"
        if client is None:
            raise failure(500, "Torrent Download client isn't configured yet", kind)
        try:
            await sim.reached(client.add(offer.release, sim.category))
        except ClientError as error:
            raise failure(500, "All 'Torrent' download clients failed", kind) from error
        parsed = sim.qualities.parse(offer.release.name)
        row = {
            "downloadId": offer.release.infohash.upper(),
            "itemId": offer.item if item is None else item,
            "episodeIds": offer.episodes if episodes is None else episodes,
            "name": offer.release.name,
            "fileName": offer.release.file_name,
            "quality": quality or parsed.quality.model(),
            "languages": [ENGLISH],
            "group": parsed.group,
            "size": offer.release.size,
            "pack": offer.pack,
            "slug": offer.slug,
            "overridden": item is not None and item != offer.item,
            "guid": offer.guid,
            "published": stamp(offer.published),
            "added": stamp(),
            "state": "downloading",
            "messages": [],
            "notified": False,
        }
        sim.store.remove("grabs", lambda old: old["downloadId"] == row["downloadId"])
        sim.store.add("grabs", row)
        sim.record_grab(row, source)
        sim.announce_grab(row)
        sim.downloads.soon()
        return row

    def _share(self, offer: Offer) -> None:
        """Put the bytes where a simulated client fetches them; a stalled release has nobody who seeds it."""
        if offer.slug in self.sim.stalled:
            return
        folder = self.sim.media.parent / "swarm"
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / offer.release.infohash
        if not target.exists():  # a copy, so that nothing done to the swarm can reach the source
            shutil.copyfile(offer.release.source, target)

    async def automatic(self, item: Row, wanted: Iterable[Wanted], source: str) -> int:
        """Search and grab the best release for every part of an item that nothing is on its way for."""
        taken = 0
        for offer in await self.search(item, wanted):
            if self.rejections(offer) or not self._needed(offer):
                continue
            try:
                await self.grab(offer, source)
            except Refused:
                continue
            taken += 1
        return taken

    def _needed(self, offer: Offer) -> bool:
        coming = [
            grab
            for grab in self.sim.store.where("grabs", itemId=offer.item)
            if grab["state"] in ("downloading", "importPending", "importBlocked", "importing")
        ]
        if not offer.episodes:
            return not coming
        busy = {episode for grab in coming for episode in grab["episodeIds"]}
        return not busy & set(offer.episodes)

    def expire(self) -> None:
        """Forget what was found more than 30 minutes ago, as time does."""
        self._cache.clear()


def place(source: Path, target: Path) -> None:
    """Hard-link a file, or copy it where that cannot be; what was there is replaced."""
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:
        shutil.copyfile(source, part)
    os.replace(part, target)


def age_of(grab: Row) -> float:
    """Seconds since a grab."""
    return (datetime.now(UTC) - moment(grab["added"])).total_seconds()
