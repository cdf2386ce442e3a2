"""Search and title pages: the library first, the others as they answer, silence never taken for absence."""

from __future__ import annotations

import asyncio

import pytest

from vaderflix_core.api import (
    Candidate,
    ExternalIds,
    LibraryItem,
    MediaKind,
    Season,
    Unavailable,
)
from vaderflix_core.failures import SourceFailed
from vaderflix_core.library.index import Library
from vaderflix_core.playback.images import Images
from vaderflix_core.plugins.fanout import Fanout
from vaderflix_core.plugins.guard import Guard, Outcome
from vaderflix_core.plugins.pool import Binding, Pool
from vaderflix_core.search import titles as titles_module
from vaderflix_core.search.models import Availability
from vaderflix_core.search.search import Search
from vaderflix_core.search.titles import Titles
from vaderflix_core.testing.fakes import FakeMediaSource, FakeRequester
from vaderflix_core.vault import Vault

pytestmark = pytest.mark.anyio

MOVIE, SERIES = MediaKind.MOVIE, MediaKind.SERIES

METROPOLIS = LibraryItem(
    kind=MOVIE, key="1", title="Metropolis", year=1927, ids=ExternalIds(tmdb=19, imdb="tt0017136"), poster="/thumb/1"
)
BEYOND = LibraryItem(
    kind=SERIES,
    key="2",
    title="One Step Beyond",
    year=1959,
    ids=ExternalIds(tvdb=74071),
    seasons=(Season(number=1, available=22, episodes=22), Season(number=2, available=10, episodes=10)),
)
FILMS = [
    Candidate(kind=MOVIE, title="Metropolis", year=1927, ids=ExternalIds(tmdb=19), overview="A city."),
    Candidate(kind=MOVIE, title="Metropolis", year=2001, ids=ExternalIds(tmdb=9606), poster="p"),
]
SHOWS = [
    Candidate(
        kind=SERIES,
        title="One Step Beyond",
        year=1959,
        ids=ExternalIds(tvdb=74071, tmdb=19),
        seasons=(
            Season(number=0, episodes=2, aired=2),
            Season(number=1, episodes=22, aired=22),
            Season(number=2, episodes=38, aired=38),
            Season(number=3, episodes=37, aired=37),
        ),
    ),
    Candidate(kind=SERIES, title="Metropolis Nights", year=2020, ids=ExternalIds(tvdb=5)),
]


class House:
    def __init__(self, db, clock, folder):
        self.time = 0.0
        self.pool = Pool()
        self.source = FakeMediaSource([METROPOLIS, BEYOND])
        self.films = FakeRequester(FILMS, kinds=[MOVIE])
        self.shows = FakeRequester(SHOWS, kinds=[SERIES])
        self.bind("home", "MediaSource", self.source)
        self.bind("films", "Requester", self.films)
        self.bind("shows", "Requester", self.shows)
        guard = Guard(clock=clock)
        fanout = Fanout(self.pool, guard)
        self.library = Library(db, self.pool, guard, clock)
        self.images = Images(self.pool, guard, Vault([b"k" * 32]), folder)
        self.search = Search(self.library, self.pool, fanout, self.images, now=lambda: self.time)
        self.titles = Titles(self.library, self.pool, fanout, self.images)

    def bind(self, instance, role, provider, priority=50):
        self.pool.publish(
            instance,
            [
                Binding(
                    plugin="fake",
                    instance=instance,
                    name=instance.title(),
                    role=role,
                    provider=provider,
                    priority=priority,
                )
            ],
        )


@pytest.fixture
async def house(db, clock, tmp_path):
    made = House(db, clock, tmp_path)
    await made.library.sweep("home")
    made.source.calls.clear()
    return made


async def test_the_library_answers_without_calling_anybody(house):
    [hit] = await house.search.library("metrop")
    assert (hit.title, hit.ref, hit.availability) == ("Metropolis", "tmdb-19", Availability.AVAILABLE)
    assert hit.poster == house.images.id_for("home", "/thumb/1")
    assert house.source.calls == house.films.calls == []


@pytest.mark.parametrize("query", ["", "   ", "?!"])
async def test_a_blank_query_finds_nothing_and_calls_nobody(house, query):
    assert await house.search.library(query) == []
    assert [found async for found in house.search.elsewhere(query)] == []
    report = await house.search.report(query)
    assert (report.hits, report.sources) == ((), ())
    assert house.films.calls == house.shows.calls == house.source.calls == []


async def test_a_report_merges_everything_once_in_order(house):
    report = await house.search.report("metropolis")
    assert [(hit.kind, hit.year, hit.availability) for hit in report.hits] == [
        (MOVIE, 1927, Availability.AVAILABLE),
        (MOVIE, 2001, Availability.ABSENT),
        (SERIES, 2020, Availability.ABSENT),
    ]
    first = report.hits[0]
    assert [h.instance for h in first.held] == ["home"]
    assert [instance for instance, _ in first.candidates] == ["films"]
    assert first.overview == "A city."
    assert [(s.instance, s.outcome, s.count) for s in report.sources] == [
        ("films", Outcome.OK, 2),
        ("shows", Outcome.OK, 1),
    ]


async def test_a_requester_is_asked_only_for_its_kinds(house):
    await house.search.report("metropolis")
    assert house.films.calls == [("search", ("metropolis", MOVIE))]
    assert house.shows.calls == [("search", ("metropolis", SERIES))]
    assert [s.instance for s in (await house.search.report("nosferatu", SERIES)).sources] == ["shows"]


async def test_a_candidate_that_the_library_holds_under_another_name_is_available(house):
    house.films.candidates = [Candidate(kind=MOVIE, title="Die Stadt", year=1927, ids=ExternalIds(imdb="tt0017136"))]
    [(_, hits)] = [found async for found in house.search.elsewhere("stadt", MOVIE)]
    assert [(h.availability, h.ref) for h in hits] == [(Availability.AVAILABLE, "tmdb-19")]


async def test_each_requester_is_reported_when_it_answers_and_a_slow_one_holds_nobody_up(house):
    house.shows.hang("search")
    stream = house.search.elsewhere("metropolis")
    outcome, hits = await asyncio.wait_for(anext(stream), 60)
    assert (outcome.instance, outcome.ok, len(hits)) == ("films", True, 2)
    await stream.aclose()
    async with asyncio.timeout(60):
        while house.shows.hanging:
            await asyncio.sleep(0)


async def test_one_that_fails_is_named_and_the_others_results_stand(house):
    house.shows.fail(Unavailable("connection refused"))
    report = await house.search.report("metropolis")
    assert len(report.hits) == 2
    [silent] = [source for source in report.sources if not source.ok]
    assert (silent.name, silent.outcome, silent.count) == ("Shows", Outcome.UNAVAILABLE, 0)
    assert "connection refused" in silent.error


async def test_the_same_query_is_asked_once_in_a_while(house):
    await house.search.report("metropolis")
    await house.search.report(" Metropolis ")
    assert len(house.films.calls) == 1
    house.time += 31
    await house.search.report("metropolis")
    assert len(house.films.calls) == 2


async def test_what_is_remembered_is_forgotten_when_the_services_change(house):
    await house.search.report("metropolis")
    house.bind("films-4k", "Requester", FakeRequester(FILMS, kinds=[MOVIE]))
    report = await house.search.report("metropolis")
    assert len(house.films.calls) == 2
    assert [instance for instance, _ in report.hits[0].candidates] == ["films", "films-4k"]


async def test_a_failure_is_not_remembered(house):
    house.films.fail(Unavailable("down"))
    await house.search.report("metropolis", MOVIE)
    house.films.work()
    assert len((await house.search.report("metropolis", MOVIE)).hits) == 2


async def test_while_a_library_was_never_read_nothing_is_said_to_be_absent(house):
    house.bind("attic", "MediaSource", FakeMediaSource())
    report = await house.search.report("metropolis")
    assert [hit.availability for hit in report.hits] == [
        Availability.AVAILABLE,
        Availability.UNKNOWN,
        Availability.UNKNOWN,
    ]
    assert (await house.titles.get(MOVIE, "tmdb-9606")).hit.availability is Availability.UNKNOWN


async def test_copies_in_two_libraries_are_one_hit(house):
    house.bind("attic", "MediaSource", FakeMediaSource([METROPOLIS]), priority=10)
    await house.library.sweep("attic")
    [hit] = await house.search.library("metropolis")
    assert [h.instance for h in hit.held] == ["attic", "home"]


async def test_a_title_page_joins_the_library_and_the_requesters(house):
    page = await house.titles.get(SERIES, "tvdb-74071")
    assert page.hit.availability is Availability.PARTLY
    assert page.requesters == ("shows",)
    assert [(s.number, s.held, s.aired, s.availability) for s in page.seasons] == [
        (0, 0, 2, Availability.ABSENT),
        (1, 22, 22, Availability.AVAILABLE),
        (2, 10, 38, Availability.PARTLY),
        (3, 0, 37, Availability.ABSENT),
    ]
    assert [(s.instance, s.ok) for s in page.sources] == [("shows", True)]


async def test_a_title_page_without_its_requester_says_so_and_guesses_nothing(house):
    house.shows.fail(Unavailable("down"))
    page = await house.titles.get(SERIES, "tvdb-74071")
    assert page.hit.availability is Availability.AVAILABLE
    assert [(s.number, s.held, s.aired, s.known) for s in page.seasons] == [(1, 22, None, None), (2, 10, None, None)]
    assert page.requesters == ()
    assert [s.outcome for s in page.sources] == [Outcome.UNAVAILABLE]


async def test_a_title_page_waits_for_a_slow_requester_only_so_long(house, monkeypatch):
    monkeypatch.setattr(titles_module, "PATIENCE", 0.05)
    house.films.hang("lookup")
    page = await asyncio.wait_for(house.titles.get(MOVIE, "tmdb-19"), 5)
    assert page.hit.availability is Availability.AVAILABLE
    assert [s.outcome for s in page.sources] == [Outcome.TIMEOUT]


@pytest.mark.parametrize("ref", ["tmdb-19", "imdb-tt0017136"])
async def test_every_ref_of_a_title_leads_to_it(house, ref):
    page = await house.titles.get(MOVIE, ref)
    assert page.hit.ref == "tmdb-19"
    assert page.hit.held
    item = await house.titles.get(MOVIE, f"item-{page.hit.held[0].id}")
    assert item.hit == page.hit


async def test_a_number_of_another_kind_is_another_title(house):
    assert (await house.titles.get(SERIES, "tmdb-19")).hit.title == "One Step Beyond"
    held = await house.library.by_key("home", "1")
    assert await house.titles.get(SERIES, f"item-{held.id}") is None


async def test_a_title_nobody_knows_is_not_there_only_when_all_answered(house):
    assert await house.titles.get(MOVIE, "tmdb-4711") is None
    assert await house.titles.get(MOVIE, "nonsense") is None
    house.films.fail(Unavailable("down"))
    with pytest.raises(SourceFailed, match="Films"):
        await house.titles.get(MOVIE, "tmdb-4711")


async def test_a_requester_that_answers_with_another_title_is_not_believed(house):
    house.films.lie(FILMS[1], "lookup")
    page = await house.titles.get(MOVIE, "tmdb-19")
    assert page.hit.title == "Metropolis"
    assert page.hit.year == 1927
    assert page.requesters == ()
