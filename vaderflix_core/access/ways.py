"""The ways into an account. Whatever removes one goes through here, so that nobody locks themselves out."""

from __future__ import annotations

from sqlalchemy import Connection

from ..failures import Conflict
from ..store import ways as store


def keep_one(conn: Connection, user_id: int) -> None:
    """Call it in the transaction that removed a way in: raises `Conflict`, which undoes it, when none is left."""
    store.lock(conn, user_id)
    if store.of_user(conn, user_id).count == 0:
        raise Conflict(
            "This is the only way into your account. Set a password or add a passkey first, then remove it.",
            code="last_way_in",
        )
