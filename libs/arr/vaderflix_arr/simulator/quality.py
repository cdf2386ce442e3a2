"""Qualities, quality profiles, and what a release name says: facts that both products spell a little differently."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from .http import Row


class Quality(Struct, frozen=True, kw_only=True):
    """One quality. Equal weights are one group, as WEBDL and WEBRip of one resolution. Sonarr knows no modifier."""

    id: int
    name: str
    source: str
    resolution: int
    weight: int
    modifier: str | None = None

    def resource(self) -> Row:
        """As their API names it."""
        row: Row = {"id": self.id, "name": self.name, "source": self.source, "resolution": self.resolution}
        if self.modifier is not None:
            row["modifier"] = self.modifier
        return row

    def model(self) -> Row:
        """With a revision, as files, releases and history carry it."""
        return {"quality": self.resource(), "revision": {"version": 1, "real": 0, "isRepack": False}}


class ParsedName(Struct, frozen=True, kw_only=True):
    """What a release name says about itself."""

    quality: Quality
    group: str


class Qualities:
    """A product's qualities in the order of its own ranking, and its six profiles."""

    def __init__(self, rows: tuple[Quality, ...], *, sized: bool, language: bool) -> None:
        self.rows = rows
        self.sized = sized  # Sonarr 5 keeps the size limits in the profile's items
        self.language = language  # Radarr's profiles name a language
        self.by_name = {quality.name: quality for quality in rows}

    @property
    def unknown(self) -> Quality:
        """The quality of what says nothing."""
        return self.rows[0]

    def parse(self, name: str) -> ParsedName:
        """Read a release name, e.g. Metropolis.1927.1080p.WEB.H264-LAB."""
        found = re.search(r"\b(480|576|720|1080|2160)p\b", name, re.IGNORECASE)
        resolution = found[1] if found else ""
        sources = {"bluray": "Bluray", "web[ .-]?rip": "WEBRip", "web": "WEBDL", "hdtv": "HDTV"}
        source = next((kind for mark, kind in sources.items() if re.search(rf"\b{mark}\b", name, re.I)), "HDTV")
        quality = self.by_name.get(f"{source}-{resolution}p", self.unknown)
        if re.search(r"\bdvd(rip)?\b", name, re.IGNORECASE):
            quality = self.by_name["DVD"]
        group = re.search(r"-(\w+)(?:\.\w{2,4})?$", name)
        return ParsedName(quality=quality, group=group[1] if group else "")

    def definitions(self) -> list[Row]:
        """GET qualitydefinition."""
        rows = []
        for number, quality in enumerate(self.rows, 1):
            row: Row = {"quality": quality.resource(), "title": quality.name, "weight": quality.weight}
            if not self.sized:
                row |= {"minSize": 0, "maxSize": 100, "preferredSize": 95}
            rows.append({**row, "id": number})
        return rows

    def profiles(self) -> list[Row]:
        """GET qualityprofile: the six that a new installation has."""

        def at(*heights: int) -> Callable[[Quality], bool]:
            return lambda q: q.resolution in heights and q.name != "Raw-HD"

        def any_known(quality: Quality) -> bool:
            return quality.name not in ("Unknown", "Raw-HD")

        def sd(quality: Quality) -> bool:
            return 0 < quality.resolution <= 576 or quality.name == "DVD"

        wanted: list[tuple[str, str, Callable[[Quality], bool]]] = [
            ("Any", self.rows[1].name, any_known),
            ("SD", "DVD", sd),
            ("HD-720p", "Bluray-720p", at(720)),
            ("HD-1080p", "Bluray-1080p", at(1080)),
            ("Ultra-HD", "Bluray-2160p", at(2160)),
            ("HD - 720p/1080p", "Bluray-720p", at(720, 1080)),
        ]
        return [self._profile(number, *profile) for number, profile in enumerate(wanted, 1)]

    def _profile(self, number: int, name: str, cutoff: str, allowed: Callable[[Quality], bool]) -> Row:
        items: list[Row] = []
        group = 1000
        for weight in sorted({quality.weight for quality in self.rows}):
            members = [quality for quality in self.rows if quality.weight == weight]
            rows = [self._item(quality, allowed(quality)) for quality in members]
            if len(rows) == 1:
                items += rows
                continue
            title = f"WEB {members[0].resolution}p"
            items.append({"name": title, "items": rows, "allowed": allowed(members[0]), "id": group})
            group += 1
        row: Row = {"name": name, "upgradeAllowed": False, "cutoff": self.by_name[cutoff].id, "items": items}
        row |= {"minFormatScore": 0, "cutoffFormatScore": 0, "minUpgradeFormatScore": 1, "formatItems": []}
        if self.language:
            row["language"] = {"id": -2, "name": "Original"}
        return {**row, "id": number}

    def _item(self, quality: Quality, allowed: bool) -> Row:
        row: Row = {"quality": quality.resource(), "items": [], "allowed": allowed}
        if self.sized:
            row |= {"minSize": 2, "maxSize": 199.9, "preferredSize": 95}
        return row

    def weight_of(self, model: Row) -> int:
        """The rank of a quality model, to compare two."""
        quality = self.by_name.get(model["quality"]["name"], self.unknown)
        return quality.weight


ENGLISH = {"id": 1, "name": "English"}
UNKNOWN_LANGUAGE = {"id": 0, "name": "Unknown"}


def media_info(codec: str = "h264") -> Row:
    """What they read out of our small clips."""
    return {
        "audioBitrate": 0,
        "audioChannels": 1,
        "audioCodec": "AAC",
        "audioLanguages": "eng",
        "audioStreamCount": 1,
        "videoBitDepth": 8,
        "videoBitrate": 0,
        "videoCodec": codec,
        "videoFps": 24,
        "videoDynamicRange": "",
        "videoDynamicRangeType": "",
        "resolution": "1280x720",
        "runTime": "2:05",
        "scanType": "Progressive",
        "subtitles": "",
    }


def hook_media_info(codec: str = "h264") -> Row:
    """The same as webhooks word it."""
    return {
        "audioChannels": 1.0,
        "audioCodec": "AAC",
        "audioLanguages": ["eng"],
        "height": 720,
        "width": 1280,
        "subtitles": [],
        "videoCodec": codec,
        "videoDynamicRange": "",
        "videoDynamicRangeType": "",
    }
