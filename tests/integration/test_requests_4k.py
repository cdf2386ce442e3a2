"""Requests in 4K: beside standard ones, got by who says so, and ready only when a 4K copy is there."""

from __future__ import annotations

import msgspec
import pytest
from houses import RequestHouse

from vaderflix_core.access.activity import ActivityFilter
from vaderflix_core.access.models import ROLES, Permission, effective
from vaderflix_core.api.errors import Unavailable
from vaderflix_core.api.models import (
    Candidate,
    Episode,
    ExternalIds,
    MediaKind,
    Progress,
    Quality,
    Reason,
    Season,
    Stage,
)
from vaderflix_core.failures import NotAllowed
from vaderflix_core.notify.words import request_news
from vaderflix_core.requests.models import RequestState as S
from vaderflix_core.requests.service import AlreadyRequested
from vaderflix_core.testing.fakes import FakeRequester

pytestmark = pytest.mark.anyio

STANDARD, FOUR_K = Quality.STANDARD, Quality.FOUR_K
MOVIE, SERIES = MediaKind.MOVIE, MediaKind.SERIES
FILM = Candidate(kind=MOVIE, title="Metropolis", year=1927, ids=ExternalIds(tmdb=19))
SHOW = Candidate(kind=SERIES, title="One Step Beyond", year=1959, ids=ExternalIds(tvdb=71))


class House(RequestHouse):
    """A requester for standard copies, and one for 4K."""

    def __init__(self, db, clock) -> None:
        super().__init__(db, clock)
        self.standard, self.big = FakeRequester([FILM, SHOW]), FakeRequester([FILM, SHOW], qualities=[FOUR_K])
        self.offer("films", self.standard, "Requester", "Qualities")
        self.offer("films-4k", self.big, "Requester", "Qualities")

    async def ask(self, user, candidate=FILM, quality=FOUR_K, seasons=()):
        return await super().ask(user, candidate, quality, seasons)

    async def follow(self, **progress) -> None:
        self.standard.states["1"] = self.big.states["1"] = Progress(**progress)
        self.clock.forward(minutes=2)
        await self.follower.round()

    async def state(self, viewer, request) -> S:
        return (await self.requests.get(viewer, request.id)).state


@pytest.fixture
def house(db, clock) -> House:
    return House(db, clock)


@pytest.fixture
async def mara(house):
    return await house.access.create_user("mara", None, role="admin")


async def test_the_right_to_request_does_not_bring_the_right_to_4k(house, mara):
    jonas = await house.access.create_user("jonas", None, role="requester")
    for candidate in (FILM, SHOW):
        with pytest.raises(NotAllowed, match="in 4K"):
            await house.ask(jonas, candidate)
        assert (await house.ask(jonas, candidate, STANDARD)).quality is STANDARD
        assert (await house.ask(mara, candidate)).quality is FOUR_K
    assert not any("4k" in permission for permission in ROLES["requester"])


@pytest.mark.parametrize("candidate", [FILM, SHOW], ids=["film", "series"])
@pytest.mark.parametrize("auto", [True, False])
async def test_approval_in_4k_is_a_right_of_its_own_for_each_kind(house, candidate, auto):
    role = f"{candidate.kind}-lover"
    rights = {f"request.4k.{candidate.kind}", f"request.auto_approve.{candidate.kind}"}
    if auto:
        rights.add(f"request.auto_approve.4k.{candidate.kind}")
    user = await house.access.create_user(role, None, role="viewer")
    user = msgspec.structs.replace(user, permissions=effective("viewer", ["browse"], rights, ()))
    assert user.may(Permission.REQUEST)
    assert (await house.ask(user, candidate)).state is (S.APPROVED if auto else S.PENDING)
    with pytest.raises(NotAllowed):
        await house.ask(user, FILM if candidate is SHOW else SHOW)


async def test_a_standard_and_a_4k_request_of_one_title_are_two(house, mara):
    standard, big = await house.ask(mara, quality=STANDARD), await house.ask(mara)
    assert standard.id != big.id
    for quality, first in ((STANDARD, standard), (FOUR_K, big)):
        with pytest.raises(AlreadyRequested) as refused:
            await house.ask(mara, quality=quality)
        assert refused.value.request.id == first.id
        assert (await house.requests.open_for(MOVIE, FILM.ids, quality)).id == first.id
    assert [r.id for r in await house.requests.for_title(MOVIE, FILM.ids)] == [big.id, standard.id]


async def test_each_request_goes_to_who_gets_such_copies_and_says_which(house, mara):
    standard, big = await house.ask(mara, quality=STANDARD), await house.ask(mara)
    await house.work()
    assert (await house.requests.get(mara, standard.id)).instance == "films"
    assert (await house.requests.get(mara, big.id)).instance == "films-4k"
    submitted = [args[0].quality for method, args in house.big.calls if method == "submit"]
    assert submitted == [FOUR_K]


async def test_a_requester_that_does_not_say_which_copies_it_gets_is_not_asked_for_4k(house, mara):
    house.pool.withdraw("films-4k")
    house.offer("films", house.standard, "Requester")
    assert house.requests.offers(MOVIE)
    assert not house.requests.offers(MOVIE, FOUR_K)
    request = await house.ask(mara)
    await house.work()
    waiting = await house.requests.get(mara, request.id)
    assert (waiting.state, house.standard.added) == (S.APPROVED, [])
    assert "in 4K" in waiting.evidence
    house.offer("films-4k", house.big, "Requester", "Qualities")
    house.clock.forward(hours=1)
    await house.work()
    assert await house.state(mara, request) is S.SENT


async def test_4k_is_offered_for_the_kinds_of_who_gets_it(house):
    assert house.requests.offers(SERIES, FOUR_K)
    house.big.kinds = frozenset({MOVIE})
    assert house.requests.offers(MOVIE, FOUR_K)
    assert not house.requests.offers(SERIES, FOUR_K)


@pytest.mark.parametrize("height", [None, 1080, 1999])
async def test_a_lesser_copy_of_a_film_never_fulfils_a_request_in_4k(house, mara, height):
    request = await house.ask(mara)
    await house.work()
    house.holds(FILM, height)
    await house.follow(stage=Stage.IMPORTED)
    assert await house.state(mara, request) is S.IMPORTING
    house.big.fail(Unavailable("down"), "progress")
    await house.follow(stage=Stage.IMPORTED)
    assert await house.state(mara, request) is S.IMPORTING
    house.big.work()
    house.guard.reset("films-4k")
    for _ in range(6):
        await house.follow(stage=Stage.IMPORTED)
    lacking = await house.requests.get(mara, request.id)
    assert lacking.reason is Reason.NOT_IN_LIBRARY
    assert lacking.evidence == "Films-4k has imported it, and the library does not hold all of it in 4K."
    house.holds(FILM, height, 2160)
    await house.follow(stage=Stage.IMPORTED)
    assert await house.state(mara, request) is S.AVAILABLE


async def test_a_4k_copy_fulfils_a_standard_request(house, mara):
    request = await house.ask(mara, quality=STANDARD)
    await house.work()
    house.holds(FILM, 2160)
    await house.follow(stage=Stage.IMPORTED)
    assert await house.state(mara, request) is S.AVAILABLE


def episodes(*heights: int | None) -> list[Episode]:
    return [Episode(key=str(n), season=1, number=n, height=height) for n, height in enumerate(heights, 1)]


async def test_a_series_in_4k_is_ready_as_its_episodes_are(house, mara):
    request = await house.ask(mara, SHOW, seasons=(1,))
    await house.work()
    known = (Season(number=1, episodes=2, aired=2, available=2),)
    house.holds(SHOW, None, seasons=known)
    seen = []
    for heights in ((1080, None), (2160, 1080), (2160, 2160)):
        house.source.held_episodes = episodes(*heights)
        await house.follow(stage=Stage.IMPORTED, seasons=known)
        seen.append(await house.state(mara, request))
    assert seen == [S.IMPORTING, S.PARTLY_AVAILABLE, S.AVAILABLE]


async def test_a_source_that_does_not_say_what_it_has_in_4k_takes_nothing_back(house, mara):
    request = await house.ask(mara, SHOW, seasons=(1,))
    await house.work()
    known = (Season(number=1, episodes=2, aired=2, available=2),)
    house.holds(SHOW, None, seasons=known)
    house.source.held_episodes = episodes(2160, 1080)
    await house.follow(stage=Stage.PARTLY, seasons=known)
    house.source.fail(Unavailable("down"), "episodes")
    for _ in range(2):  # it is told once it lasts
        await house.follow(stage=Stage.PARTLY, seasons=known)
    kept = await house.requests.get(mara, request.id)
    assert (kept.state, kept.reason) == (S.PARTLY_AVAILABLE, Reason.SERVICE_DOWN)
    assert kept.evidence.startswith("Library: ")


async def test_news_and_the_log_tell_the_copies_apart(house, mara):
    request = await house.ask(mara)
    assert request_news(request, "available")[0] == "Metropolis (1927) in 4K is ready"
    entry = (await house.activity.find(ActivityFilter(action="request.asked")))[0]
    assert entry.subject == "Metropolis (1927) in 4K"
