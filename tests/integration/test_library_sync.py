"""Mirroring on both databases: what a source holds is in the index, and absence is believed late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from vaderflix_core.api import (
    AuthFailed,
    Availability,
    BadAnswer,
    Cause,
    ExternalIds,
    LibraryItem,
    LibraryPage,
    MediaKind,
    NotFound,
    Season,
    Unavailable,
)
from vaderflix_core.library.index import Library
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.pool import Binding, Pool
from vaderflix_core.testing.fakes import FakeMediaSource

pytestmark = pytest.mark.anyio


def film(number, **more):
    return LibraryItem(
        kind=MediaKind.MOVIE, key=str(number), title=f"Film {number}", ids=ExternalIds(tmdb=number), **more
    )


def series(number, *seasons, **more):
    return LibraryItem(
        kind=MediaKind.SERIES,
        key=f"s{number}",
        title=f"Series {number}",
        ids=ExternalIds(tvdb=number),
        seasons=seasons,
        **more,
    )


class Bare(FakeMediaSource):
    """Sends series without their seasons, as a listing does."""

    async def browse(self, cursor):
        page = await super().browse(cursor)
        return replace(page, items=tuple(replace(item, seasons=()) for item in page.items))

    async def changes(self, since):
        return [replace(item, seasons=()) for item in await super().changes(since)]


class World:
    def __init__(self, db, clock, source=None):
        self.source = source or FakeMediaSource([film(n) for n in range(1, 201)])
        self.pool = Pool()
        self.pool.publish("home", [self.bound("home", self.source)])
        self.guard = Guard(clock=clock)
        self.events = []
        self.library = Library(db, self.pool, self.guard, clock, on_change=self.events.append)

    @staticmethod
    def bound(instance, source):
        return Binding(plugin="fake", instance=instance, name=instance.title(), role="MediaSource", provider=source)

    async def keys(self):
        films, _ = await self.library.browse(MediaKind.MOVIE, limit=1000)
        return {held.item.key for held in films}


@pytest.fixture
def world(db, clock):
    return World(db, clock)


async def test_a_sweep_brings_everything_and_a_second_changes_nothing(world):
    report = await world.library.sweep("home")
    assert (report.complete, report.received, report.total, report.added) == (True, 200, 200, 200)
    again = await world.library.sweep("home")
    assert (again.complete, again.added, again.changed, again.removed) == (True, 0, 0, 0)
    assert len(world.events) == 1


async def test_a_title_that_the_source_lost_is_removed_after_a_complete_sweep(world):
    await world.library.sweep("home")
    del world.source.items[3:6]
    report = await world.library.sweep("home")
    assert (report.complete, report.removed) == (True, 3)
    assert len(await world.keys()) == 197
    assert world.events[-1].removed == 3


async def test_more_than_a_few_percent_gone_at_once_waits_for_an_admin(world):
    await world.library.sweep("home")
    del world.source.items[:20]
    report = await world.library.sweep("home")
    assert (report.complete, report.removed, report.pending) == (True, 0, 20)
    assert "20 of 200" in report.error
    assert len(await world.keys()) == 200
    [pending] = await world.library.pending_removals()
    assert (pending.instance, pending.count, pending.held) == ("home", 20, 200)
    assert pending.examples[0] == "Film 1"
    assert await world.library.confirm_removals("home") == 20
    assert len(await world.keys()) == 180
    assert await world.library.pending_removals() == []
    assert await world.library.confirm_removals("home") == 0


async def test_a_pending_removal_ends_when_the_titles_are_back(world):
    await world.library.sweep("home")
    gone, world.source.items[:] = world.source.items[:20], world.source.items[20:]
    await world.library.sweep("home")
    world.source.items[:0] = gone
    await world.library.sweep("home")
    assert await world.library.pending_removals() == []
    assert len(await world.keys()) == 200


async def test_what_an_admin_confirms_spares_what_came_back_meanwhile(world):
    await world.library.sweep("home")
    gone, world.source.items[:] = world.source.items[:20], world.source.items[20:]
    await world.library.sweep("home")
    world.source.items += gone[:5]
    await world.library.refresh_item("home", "1")
    assert await world.library.confirm_removals("home") == 19


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("down", cause=Cause.REFUSED),
        BadAnswer("garbage"),
        AuthFailed("401"),
        NotFound("404"),
        RuntimeError("a bug"),
    ],
)
async def test_a_failed_sweep_removes_nothing_and_says_why(world, error):
    await world.library.sweep("home")
    world.source.items = []
    world.source.fail(error)
    report = await world.library.sweep("home")
    assert not report.complete
    assert report.error
    assert len(await world.keys()) == 200
    [state] = await world.library.sweeps()
    assert state.error == report.error


async def test_an_empty_answer_removes_nothing(world):
    await world.library.sweep("home")
    world.source.lie(LibraryPage(items=(), total=0), "browse")
    world.source.fail(NotFound("nothing here"), "item")
    report = await world.library.sweep("home")
    assert report.removed == 0
    assert report.pending == 200
    assert len(await world.keys()) == 200


async def test_an_empty_answer_removes_nothing_of_a_small_library_either(db, clock):
    world = World(db, clock, FakeMediaSource([film(n) for n in range(1, 4)]))
    await world.library.sweep("home")
    world.source.lie(LibraryPage(items=(), total=0), "browse")
    world.source.fail(NotFound("nothing here"), "item")
    assert (await world.library.sweep("home")).pending == 3
    assert len(await world.keys()) == 3


async def test_fewer_titles_than_the_source_counts_remove_nothing(world):
    await world.library.sweep("home")
    world.source.lie(LibraryPage(items=tuple(world.source.items[:198]), total=200), "browse")
    report = await world.library.sweep("home")
    assert not report.complete
    assert report.error == "198 of 200 titles came; nothing was removed."
    assert len(await world.keys()) == 200


async def test_without_the_sources_count_nothing_is_concluded(world):
    await world.library.sweep("home")
    world.source.lie(LibraryPage(items=tuple(world.source.items[:198])), "browse")
    report = await world.library.sweep("home")
    assert report.removed == 0
    assert len(await world.keys()) == 200


async def test_a_title_that_slipped_between_two_pages_is_kept(world):
    await world.library.sweep("home")
    # the source counts 199, because one was deleted while a new one came; another was missed between pages
    missed = world.source.items[100]
    page = [*world.source.items[1:100], *world.source.items[101:], film(300)]
    world.source.lie(LibraryPage(items=tuple(page), total=199), "browse")
    del world.source.items[0]
    report = await world.library.sweep("home")
    assert report.removed == 1
    keys = await world.keys()
    assert missed.key in keys
    assert "1" not in keys


async def test_a_source_that_sends_the_same_page_for_ever_ends_the_sweep(world):
    world.source.lie(LibraryPage(items=(film(1),), next="0", total=1), "browse")
    report = await world.library.sweep("home")
    assert not report.complete
    assert "same page" in report.error


async def test_changes_are_read_from_ten_minutes_before_the_last_time(world, clock):
    await world.library.sync_changes("home")
    swept = clock.now
    clock.forward(hours=1)
    world.source.items.append(film(500, added_at=clock.now))
    report = await world.library.sync_changes("home")
    assert (report.added, report.removed) == (1, 0)
    assert world.source.calls[-1] == ("changes", (swept - timedelta(minutes=10),))
    clock.forward(minutes=5)
    await world.library.sync_changes("home")
    assert world.source.calls[-1] == ("changes", (clock.now - timedelta(minutes=15),))


async def test_failed_changes_are_read_again_from_the_same_time(world, clock):
    await world.library.sweep("home")
    swept = clock.now
    clock.forward(hours=1)
    world.source.fail(Unavailable("down"), "changes")
    assert not (await world.library.sync_changes("home")).complete
    world.source.work()
    clock.forward(hours=1)
    await world.library.sync_changes("home")
    assert world.source.calls[-1] == ("changes", (swept - timedelta(minutes=10),))


async def test_keeping_up_sweeps_from_time_to_time(world, clock):
    await world.library.keep_up("home")
    clock.forward(minutes=2)
    world.source.calls.clear()
    await world.library.keep_up("home")
    assert {method for method, _ in world.source.calls} == {"changes"}
    clock.forward(hours=7)
    world.source.calls.clear()
    await world.library.keep_up("home")
    assert "browse" in {method for method, _ in world.source.calls}


async def test_series_get_their_seasons_though_listings_lack_them(db, clock):
    world = World(db, clock, Bare([series(1, Season(number=1, available=3))]))
    await world.library.sweep("home")
    held = await world.library.by_key("home", "s1")
    assert held.item.seasons[0].available == 3
    clock.forward(minutes=30)
    world.source.items = [series(1, Season(number=1, available=4), updated_at=clock.now)]
    await world.library.sync_changes("home")
    held = await world.library.by_key("home", "s1")
    assert held.item.seasons[0].available == 4
    world.source.calls.clear()
    assert (await world.library.sweep("home")).changed == 0
    assert [method for method, _ in world.source.calls] == ["browse"]


async def test_a_hint_updates_one_title(world):
    await world.library.sweep("home")
    world.source.items[0] = replace(world.source.items[0], title="Renamed")
    await world.library.refresh_item("home", "1")
    assert (await world.library.by_key("home", "1")).item.title == "Renamed"


async def test_a_title_is_removed_after_a_hint_only_when_two_answers_agree(world):
    await world.library.sweep("home")
    one = world.source.items.pop(0)
    world.source.fail(Unavailable("down"), "locate")
    await world.library.refresh_item("home", "1")
    assert await world.library.by_key("home", "1")
    world.source.work()
    world.source.lie(Availability(items=(one,)), "locate")
    await world.library.refresh_item("home", "1")
    assert await world.library.by_key("home", "1")
    world.source.work()
    await world.library.refresh_item("home", "1")
    assert await world.library.by_key("home", "1") is None


async def test_after_an_import_the_title_is_located_in_every_source(world):
    await world.library.sweep("home")
    attic = FakeMediaSource([film(900)])
    world.pool.publish("attic", [World.bound("attic", attic)])
    await world.library.refresh_ids(MediaKind.MOVIE, ExternalIds(tmdb=900))
    assert [h.instance for h in await world.library.find(MediaKind.MOVIE, ExternalIds(tmdb=900))] == ["attic"]


async def test_a_failed_locate_removes_nothing(world):
    await world.library.sweep("home")
    world.source.fail(Unavailable("down"))
    await world.library.refresh_ids(MediaKind.MOVIE, ExternalIds(tmdb=1))
    assert await world.library.find(MediaKind.MOVIE, ExternalIds(tmdb=1))


async def test_the_same_key_of_two_sources_is_two_items(world):
    world.pool.publish("attic", [World.bound("attic", FakeMediaSource([film(1)]))])
    await world.library.sweep("home")
    await world.library.sweep("attic")
    assert len(await world.library.find(MediaKind.MOVIE, ExternalIds(tmdb=1))) == 2
    assert await world.library.forget("attic") == 1
    assert len(await world.library.find(MediaKind.MOVIE, ExternalIds(tmdb=1))) == 1


async def test_the_library_is_complete_only_when_every_source_was_read_in_full(world, db, clock):
    assert not await world.library.complete()
    await world.library.sweep("home")
    assert await world.library.complete()
    world.pool.publish("attic", [World.bound("attic", FakeMediaSource())])
    assert not await world.library.complete()
    world.pool.withdraw("attic")
    world.pool.withdraw("home")
    assert await world.library.complete()
    expecting = Library(db, world.pool, world.guard, clock, expected=lambda: ["cellar"])
    assert not await expecting.complete()


async def test_a_source_that_does_not_run_is_said_to_be_so(world):
    report = await world.library.sweep("nowhere")
    assert not report.complete
    assert report.error == "The service is not running."
