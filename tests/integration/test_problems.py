"""A problem from reported to solved: whose it is, who hears of it, and what the log keeps."""

from __future__ import annotations

import asyncio

import pytest
from houses import work

from vaderflix_core.access.activity import Activity, ActivityFilter
from vaderflix_core.access.models import User
from vaderflix_core.access.own_data import OwnData
from vaderflix_core.access.service import Access
from vaderflix_core.access.sessions import Sessions
from vaderflix_core.api.errors import Unavailable
from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.bus import Bus
from vaderflix_core.failures import Conflict, Invalid, Missing, NotAllowed
from vaderflix_core.jobs.broker import Jobs
from vaderflix_core.jobs.runner import Runner
from vaderflix_core.notify import reach
from vaderflix_core.notify.service import Notify
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.pool import Binding, Pool
from vaderflix_core.problems.models import Problem, ProblemSort, ProblemState
from vaderflix_core.problems.service import Problems
from vaderflix_core.store import activity as activity_store
from vaderflix_core.store import own_data
from vaderflix_core.store import users as user_store
from vaderflix_core.testing.fakes import FakeNotifier
from vaderflix_core.vault import Vault

pytestmark = pytest.mark.anyio

FILM = {"kind": MediaKind.MOVIE, "ids": ExternalIds(tmdb=19, imdb="tt0017136"), "title": "Metropolis"}
SHOW = {"kind": MediaKind.SERIES, "ids": ExternalIds(tvdb=71), "title": "One Step Beyond"}


class House:
    """The parts that carry a problem, around a channel in memory."""

    def __init__(self, db, clock) -> None:
        self.db, self.clock = db, clock
        db.write_sync(user_store.seed_roles)
        pool, guard = Pool(), Guard(clock=clock, timeout=2)
        self.notifier = FakeNotifier()
        pool.publish(
            "mail",
            [
                Binding(
                    plugin="mail", instance="mail", name="Mail", role="Notifier", provider=self.notifier, priority=50
                )
            ],
        )
        self.guard = guard
        self.access = Access(db, Sessions(db, Vault([bytes(32)]), clock, days=30), clock)
        self.runner = Runner(db, clock)
        self.problems = Problems(db, Jobs(db, self.runner, clock), clock)
        self.activity = Activity(db, clock)
        self.notify = Notify(db, Bus(), pool, guard, self.runner, clock, base_url=lambda: "https://flix.example/")

    async def person(self, name="jonas", role="viewer") -> User:
        return await self.access.create_user(name, None, role=role, email=f"{name}@household.example")

    async def given(self, user: User, *permissions: str) -> User:
        self.db.write_sync(lambda conn: user_store.change(conn, user.id, granted=permissions))
        return self.db.read_sync(lambda conn: user_store.get(conn, user.id))

    async def report(self, user: User, title=FILM, sort=ProblemSort.SOUND, **more) -> Problem:
        problem, _new = await self.problems.report(user, sort=sort, **title, **more)
        return problem

    async def work(self) -> None:
        await work(self.db, self.runner, self.clock)

    def told(self, user: User) -> list[tuple[str, str]]:
        return [(n.title, n.text) for n in self.notifier.sent if n.recipients[0].email == user.email]


@pytest.fixture
def house(db, clock) -> House:
    return House(db, clock)


async def test_a_problem_is_reported_solved_and_opened_again_and_people_hear_of_it(house):
    mara, jonas = await house.person("mara", "admin"), await house.person()
    problem = await house.report(jonas, SHOW, message="  No voices  ", season=2, episode=5)
    assert (problem.state, problem.message, problem.username) == (ProblemState.OPEN, "No voices", "jonas")
    await house.work()
    about = "the sound of One Step Beyond, season 2, episode 5"
    assert house.told(mara) == [(f"jonas reports a problem with {about}", "No voices")]
    assert house.notifier.sent[-1].url == "https://flix.example/admin/problems"
    assert house.told(jonas) == []

    house.clock.forward(hours=1)
    solved = await house.problems.solve(mara, problem.id, "A better copy is there")
    assert (solved.state, solved.answer, solved.solved_by) == (ProblemState.SOLVED, "A better copy is there", "mara")
    await house.work()
    assert house.told(jonas) == [(f"The problem with {about} is solved", "A better copy is there")]
    assert house.notifier.sent[-1].url == "https://flix.example/problems"
    with pytest.raises(Conflict):
        await house.problems.solve(mara, problem.id)

    house.clock.forward(hours=1)
    again = await house.problems.reopen(jonas, problem.id)
    assert (again.state, again.solved_by, again.answer) == (ProblemState.OPEN, "", "A better copy is there")
    await house.work()
    assert len(house.told(mara)) == 2
    with pytest.raises(Conflict):
        await house.problems.reopen(jonas, problem.id)

    entries = await house.activity.find(ActivityFilter(action="problem"))
    deeds = [(e.actor, e.action, e.subject) for e in reversed(entries)]
    assert deeds == [
        ("jonas", "problem.reported", "One Step Beyond"),
        ("mara", "problem.solved", "One Step Beyond"),
        ("jonas", "problem.reopened", "One Step Beyond"),
    ]
    assert entries[1].after["by"] == "jonas"
    assert (await house.db.read(lambda conn: activity_store.follow(conn, activity_store.START)))[1] is None


async def test_a_persons_open_problem_of_one_title_and_sort_is_one(house):
    mara, jonas, noor = await house.person("mara", "admin"), await house.person(), await house.person("noor")
    first = await house.report(jonas, message="Too quiet")
    by_other_id = {**FILM, "ids": ExternalIds(imdb="tt0017136")}
    again, new = await house.problems.report(jonas, sort=ProblemSort.SOUND, **by_other_id, message="Too loud")
    assert (again.id, again.message, new) == (first.id, "Too loud", False)
    assert (await house.report(jonas)).message == "Too loud", "saying nothing takes nothing back"
    assert (await house.report(jonas, sort=ProblemSort.PICTURE)).id != first.id
    assert (await house.report(noor)).id != first.id
    series = {**FILM, "kind": MediaKind.SERIES}
    assert (await house.report(jonas, series)).id != first.id
    assert (await house.report(jonas, series, season=1)).id != (await house.report(jonas, series, season=2)).id
    await house.work()
    assert sum("Metropolis" in title and "jonas" in title for title, _ in house.told(mara)) == 5

    await house.problems.solve(mara, first.id)
    fresh = await house.report(jonas, message="Again")
    assert fresh.id != first.id
    with pytest.raises(Conflict):
        await house.problems.reopen(jonas, first.id)


async def test_two_reports_at_once_are_one_problem(house):
    jonas = await house.person()
    made = await asyncio.gather(*(house.report(jonas, message=f"{n}") for n in range(6)))
    assert len({problem.id for problem in made}) == 1


async def test_titles_without_ids_are_told_apart_by_name(house):
    jonas = await house.person()
    home = {"kind": MediaKind.MOVIE, "ids": ExternalIds(), "title": "Summer 1988"}
    other = {**home, "title": "Winter 1989"}
    assert (await house.report(jonas, home)).id == (await house.report(jonas, home)).id
    assert (await house.report(jonas, home)).id != (await house.report(jonas, other)).id


async def test_what_is_not_sensible_is_refused(house):
    jonas = await house.person()
    for sort, more, field in (
        (ProblemSort.OTHER, {"message": "  "}, "message"),
        (ProblemSort.SOUND, {"episode": 3}, "season"),
        (ProblemSort.SOUND, {"season": -1}, "season"),
        (ProblemSort.SOUND, {"season": 1, "episode": 10**12}, "episode"),
    ):
        with pytest.raises(Invalid) as refused:
            await house.report(jonas, SHOW, sort, **more)
        assert set(refused.value.fields) == {field}
    film = await house.report(jonas, season=1, episode=2)
    assert (film.season, film.episode) == (None, None)
    long = await house.report(jonas, SHOW, message="x" * 5000)
    assert len(long.message) == 1000


async def test_each_permission_opens_its_own_door(house):
    jonas, noor = await house.person(), await house.person("noor")
    problem = await house.report(jonas)
    with pytest.raises(Missing):
        await house.problems.get(noor, problem.id)
    with pytest.raises(Missing):
        await house.problems.reopen(noor, problem.id)
    with pytest.raises(NotAllowed):
        await house.problems.solve(jonas, problem.id)
    assert await house.problems.list(noor, scope="all") == []
    assert await house.problems.open_count(noor) == 0
    assert [p.id for p in await house.problems.list(jonas, scope="all")] == [problem.id]

    noor = await house.given(noor, "problems.view")
    assert (await house.problems.get(noor, problem.id)).id == problem.id
    assert [p.id for p in await house.problems.list(noor, scope="all", state=ProblemState.OPEN)] == [problem.id]
    assert await house.problems.list(noor) == []
    with pytest.raises(NotAllowed):
        await house.problems.solve(noor, problem.id)

    noor = await house.given(noor, "problems.manage")
    assert noor.may("problems.view")
    await house.problems.solve(noor, problem.id)
    with pytest.raises(Missing):
        await house.problems.solve(noor, 999)

    mute = await house.person("mute")
    house.db.write_sync(lambda conn: user_store.change(conn, mute.id, withheld=("problems.report",)))
    mute = house.db.read_sync(lambda conn: user_store.get(conn, mute.id))
    with pytest.raises(NotAllowed):
        await house.report(mute)


async def test_nobody_is_told_of_what_they_did_or_do_not_want(house):
    mara, jonas = await house.person("mara", "admin"), await house.person()
    own = await house.report(mara)
    await house.problems.solve(mara, own.id)
    await house.work()
    assert house.notifier.sent == []
    house.db.write_sync(lambda conn: user_store.change(conn, mara.id, muted=("problem_reported",)))
    house.db.write_sync(lambda conn: user_store.change(conn, jonas.id, muted=("problem_solved",)))
    problem = await house.report(jonas)
    await house.problems.solve(mara, problem.id)
    await house.work()
    assert house.notifier.sent == []


async def test_problems_are_taken_along_and_go_with_the_account(house):
    jonas = await house.person()
    problem = await house.report(jonas, message="It hums")
    data = OwnData(house.db, house.activity, house.clock)
    exported = b"".join([part async for part in data.export(jonas)]).decode()
    assert '"problems":[{' in exported
    assert "It hums" in exported
    mara = await house.person("mara", "admin")
    house.db.write_sync(lambda conn: own_data.remove(conn, jonas.id))
    with pytest.raises(Missing):
        await house.problems.get(mara, problem.id)


async def test_news_that_waited_are_not_sent_to_people_who_were_closed_out_or_removed_meanwhile(house):
    mara, tomas = await house.person("mara", "admin"), await house.person("tomas", "admin")
    jonas = await house.person()
    house.notifier.fail(Unavailable("the mail server sleeps"))
    await house.report(jonas)
    await house.work()
    house.notifier.work()
    house.db.write_sync(lambda conn: user_store.change(conn, mara.id, disabled=True))
    house.db.write_sync(lambda conn: own_data.forget_deliveries(conn, tomas))
    house.db.write_sync(lambda conn: own_data.remove(conn, tomas.id))
    house.clock.forward(minutes=15)
    await house.work()
    assert house.told(mara) == house.told(tomas) == []
    found = {(one.recipient, one.state, one.detail) for one in await house.notify.deliveries()}
    assert found == {(mara.email, "dropped", reach.CLOSED), ("A former member", "dropped", reach.REMOVED)}


async def test_news_that_wait_for_a_channel_are_delivered_soon_once_it_is_back(house):
    mara, jonas = await house.person("mara", "admin"), await house.person()
    house.notifier.fail(Unavailable("the mail server sleeps"))
    await house.report(jonas)
    for _try in range(8):
        await house.work()
        house.clock.forward(minutes=15)
    await house.work()
    house.notifier.work()
    house.guard.reset("mail")
    house.db.write_sync(lambda conn: house.notify.hurry(conn, "another"))
    house.clock.forward(seconds=6)
    await house.work()
    assert house.told(mara) == []
    house.db.write_sync(lambda conn: house.notify.hurry(conn, "mail"))
    house.clock.forward(seconds=6)
    await house.work()
    assert len(house.told(mara)) == 1
