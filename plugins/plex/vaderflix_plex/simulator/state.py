"""What the simulated server knows: libraries, items, and what its owner has watched."""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vaderflix_core.api import MediaKind
from vaderflix_core.testing import CatalogueEpisode, Title

TYPES = {"movie": 1, "show": 2, "season": 3, "episode": 4}
DAY = 86_400


@dataclass
class Section:
    """A library and the folder it watches."""

    key: str
    type: str
    title: str
    agent: str
    scanner: str
    folder: Path
    uuid: str
    created_at: int
    scanned_at: int
    content_changed_at: int = 1
    refreshing: bool = False


@dataclass
class Item:
    """A film, show, season or episode. `file` holds the bytes, `path` is where the server says that they are."""

    key: int
    type: str
    title: str
    guid: str
    section: Section
    added_at: int
    updated_at: int
    guids: tuple[str, ...] = ()
    known: Title | None = None
    year: int | None = None
    index: int | None = None
    summary: str = ""
    original_title: str = ""
    edition: str = ""
    air_date: str = ""
    parent: Item | None = None
    children: list[Item] = field(default_factory=list)
    file: Path | None = None
    path: str = ""
    scanned: bool = False  # found by a scan, so a later scan may miss it
    view_count: int = 0
    view_offset: int = 0
    last_viewed_at: int = 0
    user_rating: float | None = None

    @property
    def show(self) -> Item:
        """The show of a season or an episode; any other item itself."""
        return self.parent.show if self.parent else self

    @property
    def leaves(self) -> list[Item]:
        """All episodes below, in order."""
        if self.type == "episode":
            return [self]
        return [leaf for child in sorted(self.children, key=lambda c: c.index or 0) for leaf in child.leaves]

    @property
    def sort_title(self) -> str:
        """The title without its article."""
        first, _, rest = self.title.partition(" ")
        return rest if first.lower() in ("the", "a", "an") and rest else self.title


def _hex(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


class State:
    """Everything the server remembers."""

    def __init__(self, titles: Iterable[Title], media: Path, now: int) -> None:
        self.titles = tuple(titles)
        self.now = now
        self.machine = _hex("vader flix simulated plex")[:40]
        self.items: dict[int, Item] = {}
        self.history: list[tuple[int, Item]] = []
        self._numbered = False
        self.sections = [
            self._section("1", "movie", "Films", "tv.plex.agents.movie", "Plex Movie", media / "movies"),
            self._section("2", "show", "Series", "tv.plex.agents.series", "Plex TV Series", media / "series"),
        ]
        for title in self.titles:
            if title.held:
                self._hold(title)
        self._numbered = True

    def _section(self, key: str, type: str, title: str, agent: str, scanner: str, folder: Path) -> Section:
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.machine}/{key}"))
        return Section(key, type, title, agent, scanner, folder, name, self.now - 400 * DAY, self.now - DAY)

    def _hold(self, title: Title) -> None:
        added = self.now - title.added_days_ago * DAY
        if title.kind is MediaKind.MOVIE:
            folder = self.sections[0].folder / f"{title.title} ({title.year})"
            self.add_film(title, title.clip, str(folder / f"{title.title} ({title.year}).mp4"), added)
            return
        for season in title.seasons:
            for episode in season.episodes if season.number in title.held_seasons else ():
                code = f"S{season.number:02}E{episode.number:02}"
                folder = self.sections[1].folder / title.title / f"Season {season.number:02}"
                path = str(folder / f"{title.title} - {code} - {episode.title}.mp4")
                self.add_episode(title, season.number, episode, title.clip, path, added)

    def _new(self, type: str, title: str, guid: str, section: Section, added: int) -> Item:
        item = Item(self._key(guid), type, title, guid, section, added, added)
        self.items[item.key] = item
        section.content_changed_at += 1
        return item

    def _key(self, guid: str) -> int:
        """A key that is free: in order for what is there from the start, else the same for a title in every run."""
        key = 10_000 + zlib.crc32(guid.encode()) % 900_000 if self._numbered else len(self.items) + 1
        while key in self.items:
            key += 1
        return key

    def _describe(self, item: Item, title: Title) -> None:
        ids = title.ids
        pairs = (("imdb", ids.imdb), ("tmdb", ids.tmdb), ("tvdb", ids.tvdb))
        item.guids = tuple(f"{name}://{value}" for name, value in pairs if value is not None)
        item.known, item.year, item.summary = title, title.year, title.overview

    def add_film(self, title: Title, file: Path, path: str, added: int) -> Item:
        """A film of the catalogue, with its file."""
        item = self._new("movie", title.title, f"plex://movie/{_hex(title.slug)[:24]}", self.sections[0], added)
        self._describe(item, title)
        item.file, item.path = file, path
        return item

    def add_unknown(self, section: Section, name: str, file: Path, path: str, added: int) -> Item:
        """A film that no catalogue knows: it has no external id."""
        item = self._new("movie", name, f"local://{_hex(path)[:12]}", section, added)
        item.file, item.path = file, path
        return item

    def show_of(self, title: Title, added: int) -> Item:
        """The show, made when it is not there."""
        for item in self.items.values():
            if item.type == "show" and item.known == title:
                return item
        show = self._new("show", title.title, f"plex://show/{_hex(title.slug)[:24]}", self.sections[1], added)
        self._describe(show, title)
        show.index = 1
        return show

    def add_episode(
        self, title: Title, number: int, episode: CatalogueEpisode, file: Path, path: str, added: int
    ) -> Item:
        """An episode, with the show and season above it."""
        show = self.show_of(title, added)
        season = next((s for s in show.children if s.index == number), None)
        if season is None:
            name = f"Season {number}" if number else "Specials"
            guid = f"plex://season/{_hex(title.slug, number)[:24]}"
            season = self._new("season", name, guid, show.section, added)
            season.parent, season.index = show, number
            show.children.append(season)
        guid = f"plex://episode/{_hex(title.slug, number, episode.number)[:24]}"
        item = self._new("episode", episode.title, guid, show.section, added)
        item.parent, item.index, item.air_date = season, episode.number, episode.air_date
        item.file, item.path, item.year = file, path, title.year
        season.children.append(item)
        season.updated_at = show.updated_at = added
        return item

    def remove(self, item: Item) -> list[Item]:
        """Take an item away, and what then holds nothing; gives all that went."""
        gone = [item]
        self.items.pop(item.key, None)
        parent = item.parent
        if parent is not None:
            parent.children.remove(item)
            if not parent.children:
                gone += self.remove(parent)
        item.section.content_changed_at += 1
        return gone

    def of(self, section: Section, type: str | None = None) -> list[Item]:
        """The items of a library, of one type: films or shows unless told."""
        return [item for item in self.items.values() if item.section is section and item.type == (type or section.type)]

    def section(self, key: str) -> Section | None:
        """A library by its key."""
        return next((section for section in self.sections if section.key == key), None)

    def films_and_shows(self) -> Iterator[Item]:
        """What has a title of its own."""
        return (item for item in self.items.values() if item.type in ("movie", "show"))
