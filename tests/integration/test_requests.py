"""A request from asked to available, and every way in which a service can stand in its way."""

from __future__ import annotations

import pytest
from houses import RequestHouse

from vaderflix_core.access.models import User
from vaderflix_core.api.errors import AuthFailed, BadAnswer, Rejected, Unavailable
from vaderflix_core.api.events import RequestChanged
from vaderflix_core.api.models import (
    Candidate,
    ExternalIds,
    MediaKind,
    Progress,
    Reason,
    Season,
    Stage,
)
from vaderflix_core.failures import Conflict, Invalid, Missing, NotAllowed
from vaderflix_core.notify.service import Notify
from vaderflix_core.requests.models import RequestState as S
from vaderflix_core.requests.service import AlreadyRequested
from vaderflix_core.requests.submit import ATTEMPTS
from vaderflix_core.testing.fakes import FakeNotifier, FakeRequester

pytestmark = pytest.mark.anyio

IDS = ExternalIds(tmdb=19, imdb="tt0017136")
FILM = Candidate(kind=MediaKind.MOVIE, title="Metropolis", year=1927, ids=IDS)
SHOW_IDS = ExternalIds(tvdb=71)
SHOW = Candidate(kind=MediaKind.SERIES, title="One Step Beyond", year=1959, ids=SHOW_IDS)


class House(RequestHouse):
    """One requester for everything, and mail."""

    def __init__(self, db, clock) -> None:
        super().__init__(db, clock)
        self.requester, self.notifier = FakeRequester([FILM, SHOW]), FakeNotifier()
        self.offer("films", self.requester, "Requester")
        self.offer("mail", self.notifier, "Notifier")
        self.notify = Notify(
            db, self.bus, self.pool, self.guard, self.runner, clock, base_url=lambda: "https://flix.example"
        )

    async def person(self, name="jonas", role="requester") -> User:
        return await self.access.create_user(name, None, role=role, email=f"{name}@household.example")

    async def ask(self, user, candidate=FILM, seasons=()):
        return await super().ask(user, candidate, seasons=seasons)

    async def follow(self, **later) -> None:
        self.clock.forward(**(later or {"minutes": 1}))
        await self.follower.round()

    def says(self, **progress) -> None:
        self.requester.states["1"] = Progress(**progress)

    def mails(self, user) -> list[str]:
        return [n.title for n in self.notifier.sent if n.recipients[0].email == user.email]


@pytest.fixture
def house(db, clock) -> House:
    return House(db, clock)


async def types(house, user, request) -> list[str]:
    return [entry.type for entry in await house.requests.timeline(user, request.id)]


async def test_the_whole_way_from_asked_to_available(house):
    mara, jonas = await house.person("mara", "admin"), await house.person()
    request = await house.ask(jonas)
    assert request.state is S.PENDING
    await house.work()
    assert house.mails(mara) == ["Jonas asks for Metropolis (1927)".replace("Jonas", jonas.display_name)]

    await house.requests.approve(mara, request.id)
    await house.work()
    assert (await house.requests.get(jonas, request.id)).state is S.SENT
    assert house.requester.added == ["1"]

    house.says(stage=Stage.DOWNLOADING, percent=43.0, size=100, left=57, eta_seconds=60, download_ids=("ab" * 20,))
    await house.follow()
    now = await house.requests.get(jonas, request.id)
    assert (now.state, now.percent, now.eta_seconds) == (S.DOWNLOADING, 43.0, 60)

    house.says(stage=Stage.IMPORTED)
    await house.follow()
    assert (await house.requests.get(jonas, request.id)).state is S.IMPORTING, "nobody can play it yet"

    house.holds(FILM, None)
    await house.follow()
    assert (await house.requests.get(jonas, request.id)).state is S.AVAILABLE
    await house.work()
    assert house.mails(jonas) == ["Metropolis (1927) was approved", "Metropolis (1927) is ready"]
    assert await types(house, jonas, request) == [
        "asked", "approved", "sent", "downloading", "importing", "available",
    ]  # fmt: skip
    ready = house.notifier.sent[-1]
    assert ready.url == f"https://flix.example/requests/{request.id}"


async def test_an_account_that_may_is_approved_at_once(house):
    mara = await house.person("mara", "admin")
    request = await house.ask(mara)
    assert request.state is S.APPROVED
    await house.work()
    assert house.requester.added == ["1"]


async def test_a_viewer_cannot_request(house):
    with pytest.raises(NotAllowed):
        await house.ask(await house.person("edith", "viewer"))


async def test_the_same_title_is_one_request(house):
    jonas, noor = await house.person(), await house.person("noor")
    first = await house.ask(jonas)
    with pytest.raises(AlreadyRequested) as refused:
        await house.ask(noor)
    assert refused.value.request.id == first.id


async def test_other_seasons_of_a_series_are_another_request(house):
    jonas = await house.person()
    first = await house.ask(jonas, SHOW, (1, 2))
    with pytest.raises(AlreadyRequested):
        await house.ask(jonas, SHOW, (2,))
    assert (await house.ask(jonas, SHOW, (3,))).id != first.id


async def test_a_film_and_a_series_of_one_number_are_two_titles(house):
    jonas = await house.person()
    film = await house.ask(jonas, Candidate(kind=MediaKind.MOVIE, title="A", ids=ExternalIds(tmdb=5)))
    show = await house.ask(jonas, Candidate(kind=MediaKind.SERIES, title="B", ids=ExternalIds(tmdb=5)))
    assert film.id != show.id


async def test_declining_needs_a_reason_and_the_asker_reads_it(house):
    mara, jonas = await house.person("mara", "admin"), await house.person()
    request = await house.ask(jonas)
    with pytest.raises(Invalid):
        await house.requests.decline(mara, request.id, "  ")
    declined = await house.requests.decline(mara, request.id, "We have it on disc")
    assert declined.state is S.DECLINED
    await house.work()
    assert [n.text for n in house.notifier.sent if "declined" in n.title] == ["We have it on disc"]
    assert house.requester.added == []


async def test_a_decision_is_taken_once(house):
    mara, jonas = await house.person("mara", "admin"), await house.person()
    request = await house.ask(jonas)
    await house.requests.approve(mara, request.id)
    with pytest.raises(Conflict):
        await house.requests.approve(mara, request.id)


async def test_only_managers_decide_and_see_the_requests_of_others(house):
    jonas, noor = await house.person(), await house.person("noor")
    request = await house.ask(jonas)
    with pytest.raises(NotAllowed):
        await house.requests.approve(noor, request.id)
    with pytest.raises(Missing):
        await house.requests.get(noor, request.id)
    with pytest.raises(Missing):
        await house.requests.cancel(noor, request.id)
    assert await house.requests.list(noor, scope="all") == []


@pytest.mark.parametrize("error", [Unavailable("it sleeps"), BadAnswer("garbage"), AuthFailed("refused")])
async def test_a_request_waits_for_a_service_that_cannot_take_it(house, error):
    mara = await house.person("mara", "admin")
    house.requester.fail(error, "submit")
    request = await house.ask(mara)
    await house.work()
    waiting = await house.requests.get(mara, request.id)
    assert (waiting.state, waiting.reason) == (S.APPROVED, Reason.SERVICE_DOWN)
    assert str(error) in waiting.evidence
    house.requester.work()
    house.guard.reset("films")
    house.clock.forward(minutes=20)
    await house.work()
    assert (await house.requests.get(mara, request.id)).state is S.SENT
    assert house.requester.added == ["1"]
    assert await types(house, mara, request) == ["asked", "approved", "waiting", "sent"]


async def test_an_answer_that_got_lost_adds_nothing_twice(house):
    mara = await house.person("mara", "admin")
    request = await house.ask(mara)
    # the add arrives, and its answer does not
    await house.requester.submit(request.as_media_request(), "lost")
    await house.work()
    assert house.requester.added == ["1"]
    assert (await house.requests.get(mara, request.id)).state is S.SENT


async def test_a_refusal_fails_the_request_and_it_can_be_sent_again(house):
    mara = await house.person("mara", "admin")
    house.requester.fail(Rejected("There is no such profile."), "submit")
    request = await house.ask(mara)
    await house.work()
    failed = await house.requests.get(mara, request.id)
    assert failed.state is S.FAILED
    assert "There is no such profile." in failed.evidence
    house.requester.work()
    await house.requests.retry(mara, request.id)
    await house.work()
    assert (await house.requests.get(mara, request.id)).state is S.SENT


async def test_a_used_up_budget_ends_where_an_admin_sees_it(house):
    mara = await house.person("mara", "admin")
    house.requester.fail(Unavailable("it sleeps"), "submit")
    request = await house.ask(mara)
    for _ in range(ATTEMPTS):
        house.guard.reset("films")
        await house.work()
        house.clock.forward(minutes=20)
    assert (await house.requests.get(mara, request.id)).state is S.FAILED
    await house.work()
    assert any("could not be sent" in title for title in house.mails(mara))


async def test_no_service_for_a_kind_keeps_the_request_waiting(house):
    mara = await house.person("mara", "admin")
    house.pool.withdraw("films")
    request = await house.ask(mara)
    await house.work()
    waiting = await house.requests.get(mara, request.id)
    assert waiting.state is S.APPROVED
    assert "Add one under Services" in waiting.evidence


async def test_the_admins_order_decides_and_the_trail_says_why(house):
    mara = await house.person("mara", "admin")
    picky, second = FakeRequester([FILM], accepts=False), FakeRequester([FILM])
    house.offer("picky", picky, "Requester", priority=10)
    house.offer("second", second, "Requester", priority=20)
    request = await house.ask(mara)
    await house.work()
    sent = await house.requests.get(mara, request.id)
    assert sent.instance == "second"
    assert [line.split(" ")[0] for line in sent.routing] == ["Picky", "Second"]
    assert house.requester.added == []


@pytest.mark.parametrize("error", [Unavailable("down"), BadAnswer("garbage"), AuthFailed("401"), Rejected("400")])
async def test_what_cannot_be_known_changes_no_state(house, error):
    mara = await house.person("mara", "admin")
    request = await house.ask(mara)
    await house.work()
    house.says(stage=Stage.DOWNLOADING, percent=43.0, download_ids=("ab" * 20,))
    await house.follow()
    house.requester.fail(error, "progress")
    for _ in range(5):
        await house.follow()
    held = await house.requests.get(mara, request.id)
    assert (held.state, held.percent, held.reason) == (S.DOWNLOADING, 43.0, Reason.SERVICE_DOWN)
    house.requester.work()
    house.guard.reset("films")
    await house.follow()
    assert (await house.requests.get(mara, request.id)).reason is None
    assert (await types(house, mara, request))[-2:] == ["stuck", "goes_on"]


async def test_a_stall_is_told_only_when_it_lasts(house):
    mara = await house.person("mara", "admin")
    request = await house.ask(mara)
    await house.work()
    house.says(stage=Stage.DOWNLOADING, reason=Reason.STALLED, evidence="no connections")
    await house.follow(seconds=10)
    assert (await house.requests.get(mara, request.id)).reason is None
    await house.follow(minutes=3)
    assert (await house.requests.get(mara, request.id)).reason is Reason.STALLED


async def test_a_series_is_partly_available_until_every_asked_episode_is_held(house):
    mara = await house.person("mara", "admin")
    request = await house.ask(mara, SHOW, (2,))
    await house.work()
    house.says(stage=Stage.PARTLY, seasons=(Season(number=2, episodes=10, aired=10, available=4),))
    house.holds(SHOW, None, seasons=(Season(number=2, episodes=10, available=4),))
    await house.follow()
    assert (await house.requests.get(mara, request.id)).state is S.PARTLY_AVAILABLE
    house.says(stage=Stage.IMPORTED, seasons=(Season(number=2, episodes=10, aired=10, available=10),))
    house.holds(SHOW, None, seasons=(Season(number=2, episodes=10, available=10),))
    await house.follow(minutes=2)
    assert (await house.requests.get(mara, request.id)).state is S.AVAILABLE


async def test_what_is_imported_and_not_in_the_library_is_told_once_a_scan_had_its_time(house):
    mara = await house.person("mara", "admin")
    film, show = await house.ask(mara), await house.ask(mara, SHOW, (2,))
    await house.work()
    half = (Season(number=2, episodes=10, aired=10, available=10),)
    house.holds(SHOW, None, seasons=(Season(number=2, episodes=10, available=4),))
    house.requester.states = {number: Progress(stage=Stage.IMPORTED, seasons=half) for number in ("1", "2")}
    for minutes, reason in ((1, None), (11, Reason.NOT_IN_LIBRARY)):
        await house.follow(minutes=minutes)
        waiting, partly = [await house.requests.get(mara, request.id) for request in (film, show)]
        assert (waiting.state, waiting.reason) == (S.IMPORTING, reason)
        assert (partly.state, partly.reason) == (S.PARTLY_AVAILABLE, reason)
    assert waiting.evidence == "Films has imported it, and the library does not hold all of it."
    house.holds(FILM, None)
    await house.follow()
    ready = await house.requests.get(mara, film.id)
    assert (ready.state, ready.reason) == (S.AVAILABLE, None)


async def test_a_title_removed_by_hand_fails_and_can_be_sent_again(house):
    mara = await house.person("mara", "admin")
    request = await house.ask(mara)
    await house.work()
    house.says(stage=Stage.GONE, reason=Reason.REMOVED_BY_HAND)
    await house.follow()
    assert (await house.requests.get(mara, request.id)).state is S.FAILED
    await house.requests.retry(mara, request.id)
    assert (await house.requests.get(mara, request.id)).state is S.APPROVED


async def test_a_hint_reads_the_request_again_at_once(house):
    mara = await house.person("mara", "admin")
    request = await house.ask(mara)
    await house.work()
    await house.follow()
    house.says(stage=Stage.DOWNLOADING, percent=1.0)
    await house.follower.round()
    assert (await house.requests.get(mara, request.id)).state is S.SEARCHING
    house.follower.hint("films", "1")
    await house.follower.round()
    assert (await house.requests.get(mara, request.id)).state is S.DOWNLOADING


async def test_every_move_is_an_event(house):
    mara = await house.person("mara", "admin")
    async with house.bus.subscribe(RequestChanged) as events:
        await house.ask(mara)
        await house.work()
        house.says(stage=Stage.DOWNLOADING)
        await house.follow()
        heard = [(await events.next()).state for _ in range(3)]
    assert heard == ["approved", "sent", "downloading"]


async def test_a_channel_that_is_down_gets_its_message_later_and_once(house):
    mara, jonas = await house.person("mara", "admin"), await house.person()
    request = await house.ask(jonas)
    house.notifier.fail(Unavailable("no mail today"))
    await house.requests.decline(mara, request.id, "no")
    await house.work()
    assert house.notifier.sent == []
    house.notifier.work()
    house.guard.reset("mail")
    house.clock.forward(minutes=20)
    await house.work()
    assert house.mails(jonas) == ["Metropolis (1927) was declined"]
    states = {d.state for d in await house.notify.deliveries()}
    assert states == {"delivered"}


async def test_a_refused_message_is_visible_to_admins(house):
    mara, jonas = await house.person("mara", "admin"), await house.person()
    request = await house.ask(jonas)
    house.notifier.fail(Rejected("no such mailbox"))
    await house.requests.decline(mara, request.id, "no")
    await house.work()
    found = await house.notify.deliveries()
    assert {(d.state, d.detail) for d in found} == {("refused", "no such mailbox")}
    assert (await house.requests.get(jonas, request.id)).state is S.DECLINED


async def test_cancelling_stops_the_following(house):
    mara = await house.person("mara", "admin")
    request = await house.ask(mara)
    await house.work()
    await house.requests.cancel(mara, request.id)
    house.says(stage=Stage.DOWNLOADING)
    await house.follow()
    assert (await house.requests.get(mara, request.id)).state is S.CANCELLED
