"""Problems with titles: reporting them, and solving them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from vaderflix_core.access.models import Permission
from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.failures import Missing
from vaderflix_core.problems.models import Problem, ProblemSort, ProblemState

from ..auth import host_of
from ..guards import key_needs
from ..page import Req
from .shapes import Input

SIGNED_IN = {"permission": "browse"}
Number = Annotated[int, Meta(ge=0, le=10_000)]
Words = Annotated[str, Meta(max_length=1000)]


class NewProblem(Input, frozen=True, kw_only=True):
    """What is wrong with a title of the library: by `ref`, as a search gives it. `other` needs a message."""

    kind: MediaKind
    ref: Annotated[str, Meta(min_length=1, max_length=80)]
    sort: ProblemSort
    message: Words = ""
    season: Number | None = None
    episode: Number | None = None


class Solution(Input, frozen=True, kw_only=True):
    """What the reporter reads when the problem is solved."""

    answer: Words = ""


class ProblemOut(Struct, frozen=True, kw_only=True):
    """A reported problem. `season` and `episode` say where in a series, null where it is all of it."""

    id: int
    kind: MediaKind
    title: str
    ids: ExternalIds
    season: int | None
    episode: int | None
    sort: ProblemSort
    message: str
    state: ProblemState
    answer: str
    reported_by: str
    user_id: int
    solved_by: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, problem: Problem) -> ProblemOut:
        """From the domain's."""
        same = {name: getattr(problem, name) for name in cls.__struct_fields__ if name != "reported_by"}
        return cls(reported_by=problem.username, **same)


@post("/problems", opt={"permission": "problems.report"})
async def report(request: Req, data: JSONBody[NewProblem]) -> ProblemOut:
    """Report a problem with a title of the library. Reported again while it is open, it stays the same problem."""
    host = host_of(request)
    page = await host.titles.get(data.kind, data.ref)
    if page is None or not page.hit.held:
        raise Missing("The library has no such title.")
    problem, _new = await host.problems.report(
        request.user,
        kind=data.kind,
        ids=page.hit.ids,
        title=page.hit.title,
        sort=data.sort,
        message=data.message,
        season=data.season,
        episode=data.episode,
    )
    return ProblemOut.of(problem)


@get("/problems", opt=SIGNED_IN)
async def listing(
    request: Req,
    whose: Annotated[str, QueryParameter(name="scope")] = "mine",
    standing: Annotated[ProblemState | None, QueryParameter(name="state")] = None,
    limit: FromQuery[int] = 50,
    before: FromQuery[int | None] = None,
) -> list[ProblemOut]:
    """Problems, newest first. `scope` is mine or all, `state` keeps only those, `before` is the last id of a page."""
    found = await host_of(request).problems.list(
        request.user, scope=whose, state=standing, limit=max(1, min(limit, 200)), before=before
    )
    return [ProblemOut.of(one) for one in found]


@get("/problems/{problem_id:int}", opt=SIGNED_IN)
async def one(request: Req, problem_id: FromPath[int]) -> ProblemOut:
    """One problem."""
    return ProblemOut.of(await host_of(request).problems.get(request.user, problem_id))


@post("/problems/{problem_id:int}/solve", opt={"permission": "problems.manage"}, status_code=200)
async def solve(request: Req, problem_id: FromPath[int], data: JSONBody[Solution]) -> ProblemOut:
    """Say that a problem is solved. 409 when it is already."""
    return ProblemOut.of(await host_of(request).problems.solve(request.user, problem_id, data.answer))


@post("/problems/{problem_id:int}/reopen", opt=SIGNED_IN, status_code=200)
async def reopen(request: Req, problem_id: FromPath[int]) -> ProblemOut:
    """Open a solved problem again: one's own, or any for those who manage them. 409 when it is open. A key needs the
    right to report problems, or to manage them."""
    key_needs(request, Permission.REPORT_PROBLEMS, Permission.MANAGE_PROBLEMS)
    return ProblemOut.of(await host_of(request).problems.reopen(request.user, problem_id))


HANDLERS = [report, listing, one, solve, reopen]
