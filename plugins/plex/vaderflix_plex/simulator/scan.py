"""Scanning: files that turned up under a library's folder become items, files that went take theirs along."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from pathlib import Path

from vaderflix_core.api import MediaKind
from vaderflix_core.testing import CatalogueEpisode, Title

from .events import Events
from .state import TYPES, Item, Section, State

VIDEOS = {".mp4", ".m4v", ".mkv", ".webm", ".avi", ".mov"}
_FOLDER = re.compile(r"(?P<title>.+?)\s*\((?P<year>\d{4})\)")
_EPISODE = re.compile(r"S(\d{1,2})((?:[-. ]?E\d{1,3})+)", re.IGNORECASE)
_STATES = (0, 1, 2, 3, 4, 5)


def _plain(title: str) -> str:
    return "".join(c for c in title.casefold() if c.isalnum())


def match(titles: tuple[Title, ...], kind: MediaKind, folder: str) -> Title | None:
    """The title a folder is named after: by name, and by year where the folder has one."""
    found = _FOLDER.match(folder)
    name, year = (found["title"], int(found["year"])) if found else (folder, None)
    for title in titles:
        if title.kind is kind and _plain(title.title) == _plain(name) and year in (None, title.year):
            return title
    return None


def episodes_in(title: Title, name: str) -> list[tuple[int, CatalogueEpisode]]:
    """The episodes that a file name says it holds, as (season, episode)."""
    found = _EPISODE.search(name)
    if not found:
        return []
    number = int(found[1])
    wanted = {int(each) for each in re.findall(r"\d+", found[2])}
    known = {e.number: e for season in title.seasons if season.number == number for e in season.episodes}
    return [(number, known.get(n) or CatalogueEpisode(number=n, title=f"Episode {n}")) for n in sorted(wanted)]


class Scanner:
    """Runs one scan at a time per library, and says so to all who listen."""

    def __init__(self, state: State, events: Events) -> None:
        self.state = state
        self.events = events
        self.seconds = 0.3
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def scan(self, section: Section, path: str | None) -> None:
        """Begin to scan a library, or one folder of it; a scan under way is waited for."""
        before = self._tasks.get(section.key)
        section.refreshing = True
        self._tasks[section.key] = asyncio.create_task(self._scan(section, path, before))

    def cancel(self, section: Section) -> None:
        """End a library's scan."""
        if task := self._tasks.pop(section.key, None):
            task.cancel()
        section.refreshing = False

    async def stop(self) -> None:
        """End all scans."""
        for section in self.state.sections:
            self.cancel(section)

    async def _scan(self, section: Section, path: str | None, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        name = str(uuid.uuid4())
        self.events.activity("started", name, section, 0)
        await asyncio.sleep(self.seconds)
        folder = Path(path) if path else section.folder
        if folder == section.folder or section.folder in folder.parents:
            self._remove_missing(section, folder)
            self._add_found(section, folder, int(time.time()))
        section.scanned_at = int(time.time())
        section.refreshing = self._tasks.get(section.key) is not asyncio.current_task()
        self.events.activity("ended", name, section, 100)
        self.events.status("Library scan complete")

    def take_stock(self) -> None:
        """Find at once what earlier runs have left in the folders, as old as its files are."""
        for section in self.state.sections:
            self._add_found(section, section.folder, None)

    def _add_found(self, section: Section, folder: Path, now: int | None) -> None:
        known = {item.path: item for item in self.state.items.values() if item.path}
        for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEOS and p.is_file()):
            item = known.get(str(file))
            added = [item] if item else self._add(section, file, int(file.stat().st_mtime) if now is None else now)
            for each in added:
                each.file, each.scanned = file, True
                if item is None:
                    self._tell(each, _STATES)

    def _add(self, section: Section, file: Path, now: int) -> list[Item]:
        top = file.relative_to(section.folder).parts[0]
        if section.type == "movie":
            title = match(self.state.titles, MediaKind.MOVIE, top if file.parent != section.folder else file.stem)
            if title is None:
                return [self.state.add_unknown(section, Path(top).stem, file, str(file), now)]
            held = next((i for i in self.state.items.values() if i.type == "movie" and i.known == title), None)
            if held is not None:
                if not held.scanned:
                    held.path = str(file)  # the same film, found where it really is
                return [held] if held.path == str(file) else []
            return [self.state.add_film(title, file, str(file), now)]
        title = match(self.state.titles, MediaKind.SERIES, top)
        if title is None:
            return []
        found = []
        for season, episode in episodes_in(title, file.name):
            item = self._held_episode(title, season, episode.number)
            if item is None:
                item = self.state.add_episode(title, season, episode, file, str(file), now)
            item.path = str(file)
            found.append(item)
        return found

    def _held_episode(self, title: Title, season: int, number: int) -> Item | None:
        for item in self.state.items.values():
            place = (item.parent.index, item.index) if item.type == "episode" and item.parent else None
            if place == (season, number) and item.show.known == title:
                return item
        return None

    def _remove_missing(self, section: Section, folder: Path) -> None:
        for item in list(self.state.items.values()):
            inside = item.scanned and item.section is section and folder in Path(item.path).parents
            if inside and not Path(item.path).exists():
                for gone in self.state.remove(item):
                    self._tell(gone, (9,))

    def _tell(self, item: Item, states: tuple[int, ...]) -> None:
        for state in states:
            self.events.timeline(item, TYPES[item.type], state)
        if item.type == "episode" and states[-1] == 5:
            self.events.timeline(item.show, TYPES["show"], 5)
