"""How far a request is, from what the service says of the title, its queue, its history and its health. Pure.

What the readings mean was seen on live services: while the downloader is down the queue is empty and answers 200, a
torrent removed by hand leaves nothing but its grab in the history, and an import is proved by a file or by history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from vaderflix_core.api import Progress, Reason, Season, Stage

from .history import Grab, Story, tell
from .transfers import Phase, Transfer, transfers
from .wire import Command, HealthRow, HistoryRecord, QueueRecord

QUEUE_LAG = timedelta(minutes=3)  # the queue refreshes once a minute; a fresh grab may not be in it
ABSENCE = timedelta(seconds=90)  # health names a dead downloader some seconds after the queue is empty, and later still
# after a restart of the service: a shorter absence from the queue says nothing
SEARCH_LAG = timedelta(seconds=30)  # between the end of a search and the grab it leads to
HARD = (Reason.DISK_FULL, Reason.PATH_MISMATCH, Reason.IMPORT_BLOCKED)  # need a person, whatever else moves
DOWNLOADER_CHECKS = {"downloadclientcheck", "downloadclientstatuscheck"}
INDEXER_CHECKS = {"indexersearchcheck", "indexerstatuscheck", "indexerlongtermstatuscheck", "indexercheck"}


class Title(Struct, frozen=True, kw_only=True):
    """What a title's own resource says, in files: a film is one, a series its asked episodes that have aired."""

    wanted: int
    held: int
    film: bool
    monitored: bool = True
    released: bool = True
    searched_at: datetime | None = None
    seasons: tuple[Season, ...] = ()


def progress(
    title: Title,
    *,
    queue: Sequence[QueueRecord],
    history: Sequence[HistoryRecord],
    health: Sequence[HealthRow],
    searches: Sequence[Command],
    absent_since: datetime | None,
    now: datetime,
) -> Progress:
    """How far the title is. `queue`, `history` and `searches` hold its own rows only, `health` the service's.

    `absent_since`: since when, as far as we have seen, the title was not in the queue of a healthy downloader.
    """
    story = tell(history)
    held = 1 if title.film and story.in_place else title.held
    if 0 < title.wanted <= held:
        return Progress(stage=Stage.IMPORTED, percent=100.0, seasons=title.seasons)
    moving = transfers(queue, now)
    found = _from_queue(moving) if moving else _without_queue(title, story, health, searches, absent_since, now)
    stage = Stage.PARTLY if held > 0 else found.stage
    return replace(found, stage=stage, seasons=title.seasons)


def _from_queue(rows: Sequence[Transfer]) -> Progress:
    phases = {row.phase for row in rows}
    if phases & {Phase.MOVING, Phase.HALTED}:
        stage = Stage.DOWNLOADING
    elif phases & {Phase.DONE, Phase.BLOCKED}:
        stage = Stage.IMPORTING
    else:
        stage = Stage.SEARCHING
    cause = _cause(rows, phases)
    counted = [row for row in rows if row.phase not in (Phase.WAITING, Phase.FAILED)]
    size, left = sum(row.size for row in counted), sum(row.left for row in counted)
    etas = [row.eta_seconds for row in counted if row.eta_seconds is not None]
    return Progress(
        stage=stage,
        percent=round(100 * (size - left) / size, 1) if size else None,
        size=size or None,
        left=left if size else None,
        eta_seconds=max(etas) if etas else None,
        download_ids=tuple(sorted(row.id for row in rows if row.id)),
        reason=cause.reason if cause else None,
        evidence=cause.evidence if cause else next((row.evidence for row in rows if row.evidence), ""),
    )


def _cause(rows: Sequence[Transfer], phases: set[Phase]) -> Transfer | None:
    for reason in HARD:
        for row in rows:
            if row.reason is reason:
                return row
    if phases & {Phase.MOVING, Phase.DONE}:
        return None  # one that halts does not hold up those that go on
    return next((row for row in rows if row.reason is not None), None)


def _without_queue(
    title: Title,
    story: Story,
    health: Sequence[HealthRow],
    searches: Sequence[Command],
    absent_since: datetime | None,
    now: datetime,
) -> Progress:
    down = downloader_trouble(health)
    ended = [c for c in searches if c.ended is not None and c.status.lower() == "completed"]
    last = max(ended, key=lambda c: c.ended or now, default=None)
    searched_at = max((at for at in (title.searched_at, last.ended if last else None) if at), default=None)
    open_grabs = [g for g in story.open if searched_at is None or searched_at - g.at < QUEUE_LAG]
    if open_grabs:
        return _after_grab(open_grabs, down, absent_since, now)
    if any(c.status.lower() in ("queued", "started") for c in searches):
        return Progress(stage=Stage.SEARCHING)
    if not title.released:
        return Progress(stage=Stage.SEARCHING, reason=Reason.NOT_RELEASED)
    if down:
        return Progress(stage=Stage.SEARCHING, reason=Reason.DOWNLOADER_DOWN, evidence=down)
    if story.failure:
        return Progress(stage=Stage.SEARCHING, evidence=story.failure)
    indexers = next((row.message for row in health if row.source.lower() in INDEXER_CHECKS), "")
    unmonitored = "" if title.monitored else "The service does not monitor this title any more."
    if searched_at is not None and now - searched_at > SEARCH_LAG:
        words = (last.message or "") if last and last.ended == searched_at else ""
        return Progress(stage=Stage.SEARCHING, reason=Reason.NO_RELEASE, evidence=indexers or words or unmonitored)
    return Progress(stage=Stage.SEARCHING, evidence=indexers or unmonitored)


def _after_grab(grabs: Sequence[Grab], down: str, absent_since: datetime | None, now: datetime) -> Progress:
    newest = max(grabs, key=lambda grab: grab.at)
    ids = tuple(sorted(g.download_id for g in grabs if g.download_id))
    if down:
        return Progress(stage=Stage.DOWNLOADING, reason=Reason.DOWNLOADER_DOWN, evidence=down, download_ids=ids)
    if now - newest.at < QUEUE_LAG or absent_since is None or now - absent_since < ABSENCE:
        return Progress(stage=Stage.DOWNLOADING, download_ids=ids)
    return Progress(
        stage=Stage.SEARCHING,
        reason=Reason.REMOVED_BY_HAND,
        evidence=f"{newest.name} was sent to the downloader, and is not there any more." if newest.name else "",
        download_ids=ids,
    )


def downloader_trouble(health: Sequence[HealthRow]) -> str:
    """What the service says of a downloader it cannot use; empty while all is well."""
    for row in health:
        if row.source.lower() in DOWNLOADER_CHECKS and row.type.lower() not in ("ok", "notice"):
            return row.message or "The download client does not answer."
    return ""
