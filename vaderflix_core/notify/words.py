"""What notifications say. Plain, short, of the house; no service names, no codes."""

from __future__ import annotations

from ..api.models import Quality
from ..problems.models import Problem, ProblemSort
from ..requests.models import Request

_SORTS = {
    ProblemSort.PICTURE: "the picture",
    ProblemSort.SOUND: "the sound",
    ProblemSort.SUBTITLES: "the subtitles",
}


def _title(request: Request) -> str:
    title = f"{request.title} ({request.year})" if request.year else request.title
    if request.quality is Quality.FOUR_K:
        title += " in 4K"
    if not request.seasons:
        return title
    numbers = ", ".join(str(n) for n in request.seasons)
    return f"{title}, season{'s' if len(request.seasons) > 1 else ''} {numbers}"


def request_news(request: Request, what: str) -> tuple[str, str]:
    """The title and text of one piece of news: at most a few sentences, without greeting."""
    title = _title(request)
    texts = {
        "asked": (f"{request.username} asks for {title}", "Approve or decline it on the requests page."),
        "approved": (f"{title} was approved", "It is being looked for. We tell you when you can watch it."),
        "declined": (f"{title} was declined", request.decline_reason or "No reason was given."),
        "available": (f"{title} is ready", "You can watch it now."),
        "partly": (f"{title} is partly ready", "You can watch the first episodes now. The rest follows."),
        "failed": (f"{title} could not be sent", f"{request.evidence} Try it again on the request's page."),
    }
    return texts[what]


def problem_news(problem: Problem, what: str) -> tuple[str, str]:
    """The title and text of one piece of news about a problem."""
    place = problem.title
    if problem.season is not None:
        place += f", season {problem.season}"
    if problem.episode is not None:
        place += f", episode {problem.episode}"
    part = _SORTS.get(problem.sort)
    about = f"{part} of {place}" if part else place
    texts = {
        "problem_reported": (
            f"{problem.username} reports a problem with {about}",
            problem.message or "Nothing more was said.",
        ),
        "problem_solved": (f"The problem with {about} is solved", problem.answer or "No more was said."),
    }
    return texts[what]
