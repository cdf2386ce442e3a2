"""Problems: reported by those who watch, answered and solved by those who look after the house."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from ..access.activity import note
from ..access.models import Permission, User
from ..api.models import ExternalIds, MediaKind
from ..failures import Conflict, Invalid, Missing, NotAllowed
from ..jobs.broker import Jobs
from ..notify.queue import queue_problem_news
from ..store import problems as store
from ..store.database import Database
from .models import Problem, ProblemSort, ProblemState

LONGEST = 1000  # characters of a message or an answer
HIGHEST = 10_000  # the highest season or episode number that is believed

# the method `list` hides the type of that name inside the class
Found = list[Problem]


class Problems:
    """The life of a problem: reported, solved, perhaps open again."""

    def __init__(self, db: Database, jobs: Jobs, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._jobs = jobs
        self._clock = clock

    # -- reporting -----------------------------------------------------------------------------------------------

    async def report(
        self,
        user: User,
        *,
        kind: MediaKind,
        ids: ExternalIds,
        title: str,
        sort: ProblemSort,
        message: str = "",
        season: int | None = None,
        episode: int | None = None,
    ) -> tuple[Problem, bool]:
        """Report what is wrong with a title; gives the problem, and whether it is a new one.

        Somebody's open problem of the same sort at the same place of a title is one: a second report puts its words
        in place of the first's, and tells nobody again. Raises `NotAllowed`, `Invalid`.
        """
        if not user.may(Permission.REPORT_PROBLEMS):
            raise NotAllowed("Your account cannot report problems. Ask an admin of this house.")
        words = message.strip()[:LONGEST]
        if kind is MediaKind.MOVIE:
            season = episode = None
        _check(sort, words, season, episode)
        now = self._clock()

        def work(conn: Connection) -> tuple[Problem, bool]:
            store.lock_reporter(conn, user.id)
            known = store.open_one(
                conn, user_id=user.id, kind=kind, ids=ids, title=title, season=season, episode=episode, sort=sort
            )
            if known is not None:
                if words and words != known.message:
                    store.change(conn, known.id, ProblemState.OPEN, message=words, updated_at=now)
                return self._found(conn, known.id), False
            problem_id = store.add(
                conn,
                user_id=user.id,
                kind=kind,
                ids=ids,
                title=title,
                season=season,
                episode=episode,
                sort=sort,
                message=words,
                now=now,
            )
            made = self._found(conn, problem_id)
            _note(conn, user, "reported", made, now, message=words)
            queue_problem_news(conn, problem_id, "problem_reported", now)
            return made, True

        problem, new = await self._db.write(work)
        self._jobs.wake()
        return problem, new

    async def reopen(self, actor: User, problem_id: int) -> Problem:
        """Open a solved problem again: its reporter, or whoever manages problems. The answer is kept.

        Raises `Missing`, `NotAllowed`, and `Conflict` when it is open, or was reported anew meanwhile.
        """
        now = self._clock()

        def work(conn: Connection) -> Problem:
            before = self._found(conn, problem_id, self._owner_filter(actor))
            manages = actor.may(Permission.MANAGE_PROBLEMS)
            if not manages and (before.user_id != actor.id or not actor.may(Permission.REPORT_PROBLEMS)):
                raise NotAllowed("Your account cannot open this problem again.")
            store.lock_reporter(conn, before.user_id)
            again = store.open_one(
                conn,
                user_id=before.user_id,
                kind=before.kind,
                ids=before.ids,
                title=before.title,
                season=before.season,
                episode=before.episode,
                sort=before.sort,
            )
            if again is not None and again.id != problem_id:
                raise Conflict("The same problem has been reported again already.")
            values = {"state": ProblemState.OPEN, "solved_by": "", "updated_at": now}
            if not store.change(conn, problem_id, ProblemState.SOLVED, **values):
                raise Conflict("This problem is open already.")
            after = self._found(conn, problem_id)
            _note(conn, actor, "reopened", after, now)
            if after.user_id == actor.id:
                queue_problem_news(conn, problem_id, "problem_reported", now)
            return after

        problem = await self._db.write(work)
        self._jobs.wake()
        return problem

    # -- solving -------------------------------------------------------------------------------------------------

    async def solve(self, actor: User, problem_id: int, answer: str = "") -> Problem:
        """Say that a problem is solved, with an answer that its reporter reads. Raises `Missing`, `Conflict`."""
        if not actor.may(Permission.MANAGE_PROBLEMS):
            raise NotAllowed("Your account cannot solve problems.")
        words = answer.strip()[:LONGEST]
        now = self._clock()

        def work(conn: Connection) -> Problem:
            before = self._found(conn, problem_id)
            done = store.change(
                conn,
                problem_id,
                ProblemState.OPEN,
                state=ProblemState.SOLVED,
                answer=words,
                solved_by=actor.display_name,
                updated_at=now,
            )
            if not done:
                raise Conflict("Somebody solved this problem already.")
            after = self._found(conn, problem_id)
            _note(conn, actor, "solved", after, now, by=before.username, answer=words)
            if before.user_id != actor.id:
                queue_problem_news(conn, problem_id, "problem_solved", now)
            return after

        problem = await self._db.write(work)
        self._jobs.wake()
        return problem

    # -- reading -------------------------------------------------------------------------------------------------

    @staticmethod
    def _owner_filter(viewer: User) -> int | None:
        return None if viewer.may(Permission.VIEW_PROBLEMS) else viewer.id

    @staticmethod
    def _found(conn: Connection, problem_id: int, owner: int | None = None) -> Problem:
        problem = store.get(conn, problem_id, owner=owner)
        if problem is None:
            raise Missing("There is no such problem.")
        return problem

    async def get(self, viewer: User, problem_id: int) -> Problem:
        """One problem: the viewer's own, or any for those who see everybody's. Raises `Missing`."""
        return await self._db.read(lambda conn: self._found(conn, problem_id, self._owner_filter(viewer)))

    async def list(
        self,
        viewer: User,
        *,
        scope: str = "mine",
        state: ProblemState | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> Found:
        """Problems, newest first: `mine`, or `all` (for those who do not see everybody's, all are theirs)."""
        owner = viewer.id if scope == "mine" else self._owner_filter(viewer)
        return await self._db.read(
            lambda conn: store.find(conn, owner=owner, state=state, limit=min(limit, 200), before=before)
        )

    async def open_count(self, viewer: User) -> int:
        """How many open problems the viewer may see."""
        owner = self._owner_filter(viewer)
        return await self._db.read(lambda conn: store.count_open(conn, owner))


def _check(sort: ProblemSort, words: str, season: int | None, episode: int | None) -> None:
    if sort is ProblemSort.OTHER and not words:
        raise Invalid("Say what is wrong.", {"message": "A few words are needed"})
    if episode is not None and season is None:
        raise Invalid("Say which season the episode is of.", {"season": "A season is needed"})
    for name, number in (("season", season), ("episode", episode)):
        if number is not None and not 0 <= number <= HIGHEST:
            raise Invalid("There is no such episode.", {name: "This number cannot be"})


def _note(conn: Connection, actor: User, deed: str, problem: Problem, now: datetime, **more: str) -> None:
    place = {"season": problem.season, "episode": problem.episode}
    known = {name: number for name, number in place.items() if number is not None}
    after = {"problem": problem.id, "sort": problem.sort, **known, "state": problem.state, **more}
    note(conn, now, actor, f"problem.{deed}", problem.title, after=after)
