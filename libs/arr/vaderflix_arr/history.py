"""What a title's history tells: which grabs are still open, and whether a file was put in place.

History is the only proof of an import besides the file itself; that a row left the queue proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from .wire import HistoryRecord

IMPORTS = {"downloadfolderimported", "moviefolderimported", "seriesfolderimported"}
DELETIONS = {"moviefiledeleted", "episodefiledeleted"}
ENDS = {"downloadfailed", "downloadignored"}


class Grab(Struct):
    """A release that was sent to the downloader and has not ended yet."""

    download_id: str  # lower case, empty when the service did not note one
    name: str
    at: datetime
    parts: set[int]  # ids of the films or episodes it is for


class Story(Struct):
    """A title's history, folded. `failure` is the service's words when the newest event is a failed download."""

    open: list[Grab]
    in_place: bool = False
    failure: str = ""


def tell(history: Iterable[HistoryRecord]) -> Story:
    """Fold the rows, in any order, into what still holds."""
    story = Story(open=[])
    for row in sorted(history, key=lambda r: (r.date, r.id)):
        event = row.event_type.lower()
        key = (row.download_id or "").lower()
        part = row.episode_id or row.movie_id or 0
        if event == "grabbed":
            _grab(story, row, key, part)
            story.failure = ""
        elif event in IMPORTS:
            # a hybrid torrent is grabbed under one hash and imported under another: the part itself joins them
            story.open = [g for g in story.open if not (key and g.download_id == key)]
            for grab in story.open:
                grab.parts.discard(part)
            story.open = [g for g in story.open if g.parts]
            story.in_place = True
            story.failure = ""
        elif event in DELETIONS and row.data.get("reason") != "Upgrade":
            story.in_place = False
        elif event in ENDS:
            story.open = [g for g in story.open if g.download_id != key]
            if event == "downloadfailed":
                story.failure = row.data.get("message") or "The download failed."
    return story


def _grab(story: Story, row: HistoryRecord, key: str, part: int) -> None:
    for grab in story.open:
        if key and grab.download_id == key:
            grab.parts.add(part)
            grab.at = max(grab.at, row.date)
            return
    story.open.append(Grab(download_id=key, name=row.source_title or "", at=row.date, parts={part}))
