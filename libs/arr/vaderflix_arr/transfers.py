"""The queue of one title, read as transfers: rows of one download are one transfer, however many episodes it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum

from msgspec import Struct

from vaderflix_core.api import Reason

from .wire import QueueRecord

STALL_GRACE = timedelta(minutes=5)  # a healthy torrent says “stalled” for its first seconds
PENDING = {"delay", "downloadclientunavailable", "fallback"}  # found, and not yet with the downloader
PATH_WORDS = ("remote path mapping", "not a valid local path", "path does not exist or is not accessible")
DISK_WORDS = ("no space left", "not enough free space", "not enough disk space", "disk is full", "disk full")
TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d+):(\d+):(\d+)(?:\.\d+)?")


class Phase(Enum):
    """What a transfer does."""

    WAITING = 1  # not yet with the downloader
    MOVING = 2
    HALTED = 3
    DONE = 4  # all bytes are there, the import follows
    BLOCKED = 5  # all bytes are there, the import needs a person
    FAILED = 6


class Transfer(Struct, frozen=True, kw_only=True):
    """One download. `id` is the infohash in lower case, empty while there is none."""

    id: str
    name: str
    phase: Phase
    size: int
    left: int
    eta_seconds: int | None = None
    reason: Reason | None = None
    evidence: str = ""


def seconds(timespan: str | None) -> int | None:
    """The length of a .NET time span such as `1.02:03:04`; None when it is none."""
    found = TIMESPAN.fullmatch(timespan or "")
    if found is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def transfers(queue: Iterable[QueueRecord], now: datetime) -> list[Transfer]:
    """The downloads behind a title's queue rows."""
    groups: dict[str, list[QueueRecord]] = {}
    for row in queue:
        groups.setdefault((row.download_id or "").lower() or f"row {row.id}", []).append(row)
    return [_transfer(rows, now) for rows in groups.values()]


def _transfer(rows: Sequence[QueueRecord], now: datetime) -> Transfer:
    size = max(round(max(row.size, 0)) for row in rows)
    left = min(size, max(round(max(row.sizeleft, 0)) for row in rows))
    words = _words(rows)
    phase, reason = _phase(rows, words.lower(), now)
    etas = [eta for row in rows if (eta := seconds(row.timeleft)) is not None]
    return Transfer(
        id=(rows[0].download_id or "").lower(),
        name=rows[0].title or "",
        phase=phase,
        size=size,
        left=left,
        eta_seconds=max(etas) if etas and left and phase is Phase.MOVING else None,
        reason=reason,
        evidence=words,
    )


def _words(rows: Sequence[QueueRecord]) -> str:
    said: list[str] = []
    for row in rows:
        said += [words for message in row.status_messages for words in message.messages]
        if row.error_message:
            said.append(row.error_message)
    return "; ".join(dict.fromkeys(said))


def _phase(rows: Sequence[QueueRecord], words: str, now: datetime) -> tuple[Phase, Reason | None]:
    statuses = {row.status.lower() for row in rows}
    verdicts = {(row.tracked_download_status or "").lower() for row in rows}
    states = {(row.tracked_download_state or "").lower() for row in rows}
    full = Reason.DISK_FULL if any(mark in words for mark in DISK_WORDS) else None
    if statuses & PENDING:
        return Phase.WAITING, Reason.DOWNLOADER_DOWN if "downloadclientunavailable" in statuses else None
    if "failed" in statuses or states & {"failed", "failedpending"}:
        return Phase.FAILED, full
    # the same trouble is called importBlocked by one and importPending with a warning by the other
    if "importblocked" in states or ("completed" in statuses and verdicts & {"warning", "error"}):
        path = Reason.PATH_MISMATCH if any(mark in words for mark in PATH_WORDS) else None
        return Phase.BLOCKED, full or path or Reason.IMPORT_BLOCKED
    if "completed" in statuses:
        return Phase.DONE, None
    if "paused" in statuses:
        return Phase.HALTED, full or Reason.PAUSED
    if "warning" in statuses:
        return _warning(rows, words, full, now)
    return Phase.MOVING, full


def _warning(
    rows: Sequence[QueueRecord], words: str, full: Reason | None, now: datetime
) -> tuple[Phase, Reason | None]:
    if full is None and "stalled" in words:
        added = [row.added for row in rows if row.added is not None]
        if added and now - max(added) < STALL_GRACE:
            return Phase.MOVING, None
        return Phase.HALTED, Reason.STALLED
    path = Reason.PATH_MISMATCH if any(mark in words for mark in PATH_WORDS) else None
    return Phase.HALTED, full or path
