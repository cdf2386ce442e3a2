"""A reported problem, as pages and the API see it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from ..api.models import ExternalIds, MediaKind


class ProblemSort(StrEnum):
    """What is wrong with a title."""

    PICTURE = "picture"
    SOUND = "sound"
    SUBTITLES = "subtitles"
    OTHER = "other"


class ProblemState(StrEnum):
    """Whether somebody still has to look at it."""

    OPEN = "open"
    SOLVED = "solved"


class Problem(Struct, frozen=True, kw_only=True):
    """What somebody reported. `season` and `episode` say where in a series; None where it is all of it.

    `answer` is what the reporter reads when it is solved, `solved_by` the name of who solved it; both may be empty.
    """

    id: int
    user_id: int
    username: str
    kind: MediaKind
    ids: ExternalIds
    title: str
    season: int | None
    episode: int | None
    sort: ProblemSort
    message: str
    state: ProblemState
    answer: str
    solved_by: str
    created_at: datetime
    updated_at: datetime
