"""The library index on both databases: what is typed, and what is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vaderflix_core.api import ExternalIds, LibraryItem, MediaKind, Season
from vaderflix_core.library.index import Library
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.pool import Pool
from vaderflix_core.store import library as store

pytestmark = pytest.mark.anyio


def film(key, title, year=None, **more):
    return LibraryItem(
        kind=MediaKind.MOVIE, key=key, title=title, year=year, ids=more.pop("ids", ExternalIds()), **more
    )


ITEMS = [
    film("1", "His Girl Friday", 1940, ids=ExternalIds(tmdb=3085, imdb="tt0032599")),
    film("2", "D.O.A.", 1949),
    film("3", "Le Fabuleux Destin d'Amélie Poulain", 2001, alternate_titles=("Amélie",)),
    film("4", "Metropolis", 1927, added_at=datetime(2024, 1, 1, tzinfo=UTC)),
    film("5", "Metropolis", 2001, original_title="メトロポリス", added_at=datetime(2024, 1, 2, tzinfo=UTC)),
    film("6", "Nosferatu", 1922, original_title="Nosferatu, eine Symphonie des Grauens"),
    film("7", "The Girl with All the Gifts", 2016),
    film("8", "Schindler's List", 1993),
    film("9", "Spider-Man", 2002),
    film("10", "It", 1990),
    *(film(f"it{n}", f"Italian Nights {n}", 2010 + n % 10) for n in range(150)),
    film("11", "千と千尋の神隠し", 2001),
    film("12", "2001: A Space Odyssey", 1968),
    LibraryItem(
        kind=MediaKind.SERIES,
        key="s1",
        title="One Step Beyond",
        year=1959,
        ids=ExternalIds(tvdb=74071, tmdb=3085),
        seasons=(Season(number=1, available=22),),
    ),
]


@pytest.fixture
def library(db, clock):
    db.write_sync(lambda conn: store.upsert(conn, "home", ITEMS, 1))
    return Library(db, Pool(), Guard(clock=clock), clock)


async def keys(library, query, **how):
    return [held.item.key for held in await library.search(query, **how)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("his girl firday", "1"),
        ("his girl firda", "1"),
        ("girl fri", "1"),
        ("HIS GÏRL", "1"),
        ("doa", "2"),
        ("d.o.a", "2"),
        ("amelie", "3"),
        ("poulain", "3"),
        ("poulian", "3"),
        ("destin fabuleux", "3"),
        ("metropolis 1927", "4"),
        ("metropolis", "5"),
        ("メトロ", "5"),
        ("metroplis 1927", "4"),
        ("nosfaretu", "6"),
        ("symphonie", "6"),
        ("girl with", "7"),
        ("schindlers list", "8"),
        ("schindler's", "8"),
        ("spiderman", "9"),
        ("spider man", "9"),
        ("it", "10"),
        ("神隠し", "11"),
        ("2001", "12"),
        ("one step", "s1"),
        ("hsi girl friday", "1"),
    ],
)
async def test_what_is_typed_finds_the_title(library, query, first):
    assert (await keys(library, query))[:1] == [first]


@pytest.mark.parametrize(
    "query", ["", "   ", "...", "'\"*", "zzzzzz", "%", "_", "a" * 5000, "\x00", "' OR 1=1 --", "NOT", "&|!:*"]
)
async def test_odd_queries_harm_nothing(library, query):
    assert all(isinstance(key, str) for key in await keys(library, query))
    assert await library.count() == {MediaKind.MOVIE: 162, MediaKind.SERIES: 1}


async def test_a_blank_query_finds_nothing(library):
    assert await library.search(" … ") == []


async def test_every_step_of_typing_finds_the_title(library):
    title = "nosferatu"
    for length in range(2, len(title) + 1):
        assert "6" in await keys(library, title[:length]), title[:length]


async def test_an_exact_title_comes_first_among_many_that_begin_with_it(library):
    found = await keys(library, "it", limit=20)
    assert found[0] == "10"
    assert len(found) == 20


async def test_only_the_wanted_kind_is_found(library):
    assert await keys(library, "one step", kind=MediaKind.MOVIE) == []
    assert await keys(library, "one step", kind=MediaKind.SERIES) == ["s1"]


async def test_titles_are_found_by_any_shared_id_within_their_kind(library):
    assert [h.item.key for h in await library.find(MediaKind.MOVIE, ExternalIds(tmdb=3085))] == ["1"]
    assert [h.item.key for h in await library.find(MediaKind.SERIES, ExternalIds(tmdb=3085))] == ["s1"]
    assert [h.item.key for h in await library.find(MediaKind.MOVIE, ExternalIds(imdb="tt0032599", tmdb=1))] == ["1"]
    assert await library.find(MediaKind.MOVIE, ExternalIds()) == []


async def test_a_renamed_title_is_found_by_its_new_name_only(library, db):
    await db.write(lambda conn: store.upsert(conn, "home", [film("6", "Häxan", 1922)], 2))
    assert await keys(library, "nosferatu") == []
    assert await keys(library, "haxan") == ["6"]


async def test_a_removed_title_is_found_no_more_by_anything(library, db):
    held = await library.by_key("home", "1")
    assert await db.write(lambda conn: store.remove(conn, [held.id, 99999])) == 1
    assert await keys(library, "his girl friday") == []
    assert await library.find(MediaKind.MOVIE, ExternalIds(tmdb=3085)) == []
    assert await library.get(held.id) is None


async def test_the_search_index_can_be_made_anew(library):
    before = await keys(library, "his girl firday")
    assert await library.rebuild_search() == 163
    assert await keys(library, "his girl firday") == before == ["1"]


async def test_recent_titles_come_newest_first_and_only_those_with_a_date(library):
    assert [h.item.key for h in await library.recent()] == ["5", "4"]


async def test_browsing_is_in_alphabetical_order_and_complete(library):
    seen = []
    while True:
        page, total = await library.browse(MediaKind.MOVIE, offset=len(seen), limit=50)
        if not page:
            break
        seen += page
    assert len({h.id for h in seen}) == len(seen) == total == 162
    assert [h.item.key for h in seen[:2]] == ["12", "2"]


async def test_seasons_and_ids_stay_when_a_page_of_a_sweep_does_not_have_them(library, db):
    bare = LibraryItem(kind=MediaKind.SERIES, key="s1", title="One Step Beyond", year=1959, ids=ExternalIds())
    done = await db.write(lambda conn: store.upsert(conn, "home", [bare], 2))
    held = await library.by_key("home", "s1")
    assert done.changed == done.added == 0
    assert held.item.seasons[0].available == 22
    assert held.item.ids.tvdb == 74071


async def test_ids_that_a_source_corrects_replace_the_wrong_ones(library, db):
    await db.write(lambda conn: store.upsert(conn, "home", [film("1", "His Girl Friday", ids=ExternalIds(tmdb=9))], 2))
    assert await library.find(MediaKind.MOVIE, ExternalIds(tmdb=3085)) == []
    assert [h.item.key for h in await library.find(MediaKind.MOVIE, ExternalIds(tmdb=9))] == ["1"]
