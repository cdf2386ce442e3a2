"""What a list of a source says about the shares that are kept here."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from ..api.people import Share, ShareState
from ..store.shares import Kept

MOST_GONE = 0.05  # of an instance's shares at once
LIVE = (ShareState.PENDING, ShareState.ACCEPTED)
WANTED = ("wanted", "given_up", "refused")  # what is kept is more than the source has


def match(kept: Kept, there: Sequence[Share]) -> Share | None:
    """The share that is this account's: by the share's own id, else by the person's. Never by an address."""
    by_id = next((share for share in there if kept.remote_id and share.id == kept.remote_id), None)
    return by_id or next((share for share in there if kept.subject and share.subject == kept.subject), None)


def covers(share: Share, libraries: Sequence[str]) -> bool:
    """Whether a share holds these libraries."""
    return share.everything or set(libraries) <= set(share.libraries)


def as_there(kept: Kept, share: Share) -> Kept:
    """What is known of a share once the source has said so."""
    return structs.replace(
        kept,
        person=share.name or kept.person,
        subject=share.subject or kept.subject,
        remote_id=share.id,
        libraries=share.libraries or kept.libraries,
        state=str(share.state),
        detail="",
        tries=0,
        retry_at=None,
    )


def too_many(gone: Sequence[Kept], kept: Sequence[Kept]) -> bool:
    """Whether so many vanished at once that an admin is asked; one alone is no mass."""
    live = sum(1 for one in kept if one.state in LIVE)
    return len(gone) > 1 and len(gone) > live * MOST_GONE
