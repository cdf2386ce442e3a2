"""Links that prove who follows them: signed, good for one use and a short time, kept as hashes only."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ..failures import Missing
from ..store import links as store
from ..store.database import Database
from ..store.links import Link
from ..vault import Vault
from .sessions import digest

RESET, EMAIL, SECOND_FACTOR = "reset", "email", "second_factor"
OF_PASSWORD = (RESET, EMAIL, SECOND_FACTOR)  # worth nothing once there is another password
LIFETIMES = {RESET: timedelta(hours=1), EMAIL: timedelta(hours=24), SECOND_FACTOR: timedelta(minutes=5)}


class LinkEnded(Missing):
    """The link was used, has expired, was replaced by a newer one, or was never ours."""

    code = "link_ended"

    def __init__(self) -> None:
        super().__init__("This link no longer works: it was used, is too old, or a newer one was sent.")


class Links:
    """Makes links and uses them up."""

    def __init__(self, db: Database, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    def make(
        self, conn: Connection, kind: str, user_id: int, data: dict[str, str] | None = None, *, alone: bool = True
    ) -> str:
        """The token of a new link; with `alone` the older ones of this kind stop working."""
        now, secret = self._clock(), secrets.token_urlsafe(32)
        if alone:
            store.revoke(conn, user_id, kind, now)
        link = Link(kind=kind, user_id=user_id, data=data or {}, created_at=now, expires_at=now + LIFETIMES[kind])
        store.add(conn, link, digest(secret))
        return f"{secret}.{self._vault.sign(f'link:{kind}', secret)}"

    def revoke(self, conn: Connection, user_id: int) -> None:
        """End all that were asked for with a password or an address that has changed meanwhile."""
        for kind in OF_PASSWORD:
            store.revoke(conn, user_id, kind, self._clock())

    def hash_of(self, kind: str, token: str) -> bytes | None:
        """What is kept of a token; None when its signature is not ours."""
        secret, _, signature = token.partition(".")
        return digest(secret) if self._vault.signed(f"link:{kind}", secret, signature) else None

    async def look(self, kind: str, token: str) -> Link:
        """A link that still works, without using it. Raises `LinkEnded`."""
        kept, now = self.hash_of(kind, token), self._clock()
        link = await self._db.read(lambda conn: store.get(conn, kept, kind, now)) if kept is not None else None
        if link is None:
            raise LinkEnded
        return link

    def use(self, conn: Connection, kind: str, token: str) -> Link:
        """Use a link up. Of several at once one gets it, the others get `LinkEnded`."""
        kept = self.hash_of(kind, token)
        link = store.use(conn, kept, kind, self._clock()) if kept is not None else None
        if link is None:
            raise LinkEnded
        return link
