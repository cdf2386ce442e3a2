"""Problems as their reporters see them: the dialog that reports one, and the list with the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import get, post
from litestar.params import FromPath, FromQuery

from vaderflix_core.failures import Conflict, Invalid, Missing
from vaderflix_core.problems.models import Problem, ProblemSort, ProblemState
from vaderflix_core.search.refs import ref_for

from ..auth import host_of
from ..cards import title_href
from ..i18n import _
from ..page import Page, Req, go_to, is_htmx, page, text
from ..words.problems import place, problem_chip, sort_choices, sort_words
from .title import known_title

if TYPE_CHECKING:
    from vaderflix_core.search.models import TitlePage

OPT = {"permission": "problems.report"}
SHOWN = 60
FIELDS = ("sort", "season", "episode", "message")


def problem_row(problem: Problem) -> dict[str, Any]:
    """What a list shows of a problem."""
    return {
        "problem": problem,
        "sort": sort_words(problem.sort),
        "place": place(problem),
        "chip": problem_chip(problem),
        "href": title_href(problem.kind, ref_for(problem.kind, problem.ids)),
        "solved": problem.state is ProblemState.SOLVED,
    }


@get("/problems", opt=OPT)
async def my_problems(request: Req, before: FromQuery[int | None] = None) -> Page:
    """What the viewer reported, newest first."""
    found = await host_of(request).problems.list(request.user, scope="mine", limit=SHOWN, before=before)
    return page(
        request,
        "problems.html",
        rows=[problem_row(one) for one in found],
        still_open=sum(1 for one in found if one.state is ProblemState.OPEN),
        older=found[-1].id if len(found) == SHOWN else None,
    )


@post("/problems/{problem_id:int}/reopen", opt=OPT)
async def reopen(request: Req, problem_id: FromPath[int]) -> Page:
    """Say that a problem is still there."""
    try:
        await host_of(request).problems.reopen(request.user, problem_id)
    except Conflict as failure:
        return go_to(request, "/problems", refused=failure.message)
    return go_to(request, "/problems", said=_("It is open again."))


async def _held_title(request: Req, kind: str, ref: str) -> TitlePage:
    found = await known_title(request, kind, ref)
    if not found.hit.held:
        raise Missing("The library has nothing of it.")
    return found


@get("/title/{kind:str}/{ref:str}/problem", opt=OPT)
async def report_form(request: Req, kind: FromPath[str], ref: FromPath[str]) -> Page:
    """The dialog that reports a problem; a page of its own where no script runs."""
    return _form(request, await _held_title(request, kind, ref), ref, {}, {})


def _form(
    request: Req, found: TitlePage, ref: str, sent: dict[str, str], errors: dict[str, str], status: int = 200
) -> Page:
    return page(
        request,
        "parts/problem_dialog.html" if is_htmx(request) else "problem_form.html",
        status=status,
        hit=found.hit,
        base=title_href(found.hit.kind, found.hit.ref or ref),
        seasons=[s for s in found.seasons if s.held],
        sorts=sort_choices(),
        sent={name: sent.get(name, "") for name in FIELDS},
        errors={name: errors.get(name, "") for name in FIELDS},
    )


def _number(value: str) -> int | None:
    """A season or episode as it was typed. Raises `ValueError` for what is no number; None for nothing."""
    value = value.strip()
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 5):
        raise ValueError(value)
    return int(value)


@post("/title/{kind:str}/{ref:str}/problem", opt=OPT)
async def report(request: Req, kind: FromPath[str], ref: FromPath[str]) -> Page:
    """Store the report. Which title it is comes from our own look-up, never from the form."""
    found = await _held_title(request, kind, ref)
    hit, form = found.hit, await request.form()
    sent = {name: text(form, name) for name in FIELDS}
    if sent["sort"] not in set(ProblemSort):
        return _form(request, found, ref, sent, {"sort": _("Choose what is wrong.")}, status=422)
    try:
        season, episode = _number(sent["season"]), _number(sent["episode"])
    except ValueError:
        return _form(request, found, ref, sent, {"episode": _("This number cannot be")}, status=422)
    try:
        _problem, new = await host_of(request).problems.report(
            request.user,
            kind=hit.kind,
            ids=hit.ids,
            title=hit.title,
            sort=ProblemSort(sent["sort"]),
            message=sent["message"],
            season=season,
            episode=episode,
        )
    except Invalid as failure:
        return _form(request, found, ref, sent, failure.fields, status=422)
    said = _("Reported. You hear when it is solved.") if new else _("You reported it already; your words are updated.")
    return go_to(request, "/problems", said=said)


HANDLERS = [my_problems, reopen, report_form, report]
