"""What the mirroring of a library reports."""

from __future__ import annotations

from msgspec import Struct


class SyncReport(Struct, frozen=True, kw_only=True):
    """What a sweep, or the reading of changes, did. `complete`: all was read and the source's own count agrees.

    `error` says for admins what kept it from being complete; nothing was removed then. `pending` counts the titles that
    the source seems to have lost, too many to believe it without an admin.
    """

    instance: str
    complete: bool
    received: int = 0
    total: int | None = None
    added: int = 0
    changed: int = 0
    removed: int = 0
    pending: int = 0
    error: str = ""


class PendingRemoval(Struct, frozen=True, kw_only=True):
    """Titles that a complete sweep no longer found, waiting for an admin: how many of how many, and some by name."""

    instance: str
    count: int
    held: int
    examples: tuple[str, ...]
