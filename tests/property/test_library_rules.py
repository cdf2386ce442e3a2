"""Whatever goes wrong, and in whatever order: a title that its source still holds is never removed from the index."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaderflix_core.api import (
    Availability,
    BadAnswer,
    ExternalIds,
    LibraryItem,
    LibraryPage,
    MediaKind,
    NotFound,
    Unavailable,
)
from vaderflix_core.library.index import Library
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.pool import Binding, Pool
from vaderflix_core.store.database import Database
from vaderflix_core.store.migrate import migrate

NUMBERS = st.integers(1, 12)
FAULTS = st.sampled_from(
    ["fine", "fine", "down", "garbage", "bug", "empty", "half", "short", "shift", "no total", "loop", "hide"]
)
STEPS = st.one_of(
    st.tuples(st.just("add"), NUMBERS),
    st.tuples(st.just("delete"), NUMBERS),
    st.tuples(st.just("sweep"), st.lists(FAULTS, min_size=1, max_size=5)),
    st.tuples(st.just("changes"), st.lists(FAULTS, min_size=1, max_size=2)),
    st.tuples(st.just("hint"), NUMBERS, st.lists(FAULTS, min_size=1, max_size=3)),
    st.tuples(st.just("import"), NUMBERS, st.lists(FAULTS, min_size=1, max_size=3)),
)


def film(number):
    return LibraryItem(kind=MediaKind.MOVIE, key=str(number), title=f"Film {number}", ids=ExternalIds(tmdb=number))


class Fickle:
    """Holds `numbers`, in pages of three. Each call takes the next fault; what it holds is never “not found”."""

    def __init__(self):
        self.numbers = set(range(1, 9))
        self.hidden = set()
        self.faults = []

    def _fault(self):
        fault = self.faults.pop(0) if self.faults else "fine"
        if fault == "down":
            raise Unavailable("down")
        if fault == "garbage":
            raise BadAnswer("garbage")
        if fault == "bug":
            raise KeyError("bug")
        return fault

    async def browse(self, cursor):
        fault = self._fault()
        if cursor is None:
            self.hidden = set(sorted(self.numbers)[:2]) if fault == "hide" else set()
        begin, held = int(cursor or 0), sorted(self.numbers - self.hidden)
        page, total, end = held[begin : begin + 3], len(held), begin + 3
        following = str(end) if end < len(held) else None
        if fault == "empty":
            return LibraryPage(items=(), total=0)
        if fault == "half":
            page = page[:1]
        if fault == "short":  # its own count is as wrong as its list
            return LibraryPage(items=tuple(map(film, page)), total=begin + len(page))
        if fault == "shift":
            page = held[begin + 1 : begin + 4]
        if fault == "no total":
            total = None
        if fault == "loop":
            following = "0"
        return LibraryPage(items=tuple(map(film, page)), next=following, total=total)

    async def item(self, key):
        if self._fault() in ("fine", "short", "shift", "no total", "loop", "hide") or int(key) in self.numbers:
            if int(key) not in self.numbers:
                raise NotFound("gone")
            return film(int(key))
        raise Unavailable("half an answer")

    async def locate(self, kind, ids):
        if self._fault() != "fine" or ids.tmdb not in self.numbers:
            return Availability()
        return Availability(items=(film(ids.tmdb),))

    async def changes(self, since):
        return [] if self._fault() == "empty" else [film(number) for number in sorted(self.numbers)]

    async def search(self, query, limit):
        return []

    async def episodes(self, key, season):
        return []

    async def recently_added(self, limit):
        return []


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "empty.db"
    db = Database(f"sqlite:///{path}")
    migrate(db)
    db.dispose()
    return path


async def play(path, steps):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    db, pool, source = Database(f"sqlite:///{path}"), Pool(), Fickle()
    pool.publish("home", [Binding(plugin="fake", instance="home", name="Home", role="MediaSource", provider=source)])
    guard = Guard(clock=lambda: now)
    library = Library(db, pool, guard, lambda: now)

    async def indexed():
        films, _ = await library.browse(MediaKind.MOVIE, limit=100)
        return {int(held.item.key) for held in films}

    try:
        await library.sweep("home")
        for step, *arguments in steps:
            before = await indexed()
            now += timedelta(minutes=7)
            source.faults = list(arguments.pop()) if step not in ("add", "delete") else []
            if step == "add":
                source.numbers.add(arguments[0])
            elif step == "delete":
                source.numbers.discard(arguments[0])
            elif step == "sweep":
                await library.sweep("home")
            elif step == "changes":
                await library.sync_changes("home")
            elif step == "hint":
                await library.refresh_item("home", str(arguments[0]))
            else:
                await library.refresh_ids(MediaKind.MOVIE, ExternalIds(tmdb=arguments[0]))
            lost = (before & source.numbers) - await indexed()
            assert not lost, f"{step} removed {lost}, which the source holds"
        source.faults = []
        guard.reset("home")
        report = await library.sweep("home")
        assert report.complete
        assert source.numbers <= await indexed()
        if not report.pending:
            assert source.numbers == await indexed()
    finally:
        db.dispose()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=12))
def test_a_title_that_its_source_holds_is_never_removed(empty_database, tmp_path, steps):
    path = tmp_path / "library.db"
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"library.db{suffix}").unlink(missing_ok=True)
    shutil.copy(empty_database, path)
    asyncio.run(play(path, steps))
