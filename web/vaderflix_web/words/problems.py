"""Problems in words: what is wrong, where in a title, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaderflix_core.problems.models import ProblemSort, ProblemState

from ..i18n import _
from .states import Chip

if TYPE_CHECKING:
    from vaderflix_core.problems.models import Problem


def sort_words(sort: ProblemSort) -> str:
    """What is wrong: `Picture`, `Sound`, `Subtitles`, `Something else`."""
    return {
        ProblemSort.PICTURE: _("Picture"),
        ProblemSort.SOUND: _("Sound"),
        ProblemSort.SUBTITLES: _("Subtitles"),
        ProblemSort.OTHER: _("Something else"),
    }[sort]


def sort_choices() -> list[tuple[str, str, str]]:
    """The sorts for a form: value, name, and what belongs there."""
    hints = {
        ProblemSort.PICTURE: _("Blurred, dark, cut off, or it stops."),
        ProblemSort.SOUND: _("None, too quiet, the wrong language, or out of step."),
        ProblemSort.SUBTITLES: _("Missing, wrong, or out of step."),
        ProblemSort.OTHER: _("Another film or episode, or only a part of it."),
    }
    return [(str(sort), sort_words(sort), hint) for sort, hint in hints.items()]


def place(problem: Problem) -> str:
    """Where in a series: `Season 2, episode 5`; empty where it is all of the title."""
    if problem.season is None:
        return ""
    season = _("Specials") if problem.season == 0 else _("Season %(n)s") % {"n": problem.season}
    if problem.episode is None:
        return season
    return _("%(season)s, episode %(n)s") % {"season": season, "n": problem.episode}


def problem_chip(problem: Problem) -> Chip:
    """How it stands."""
    if problem.state is ProblemState.SOLVED:
        return Chip(_("Solved"), "check", "ok")
    return Chip(_("Open"), "clock", "warn")
