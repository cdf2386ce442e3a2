"""Whether a message that waited may still go to its person: accounts are removed and closed in the meantime."""

from __future__ import annotations

from sqlalchemy import Connection

from ..store import users as user_store

REMOVED = "Not sent: the account was removed before its turn came."
CLOSED = "Not sent: the account was closed before its turn came."
NO_NAME = "A former member"  # in the log of what was for an account that is gone


def why_not(conn: Connection, user_id: int) -> str:
    """Why nothing is sent to an account any more; empty when it may be."""
    user = user_store.get(conn, user_id)
    if user is None:
        return REMOVED
    return CLOSED if user.disabled else ""
