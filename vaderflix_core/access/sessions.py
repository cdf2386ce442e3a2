"""Signed-in devices: short-lived access tokens (JWT), rotating refresh tokens, and the end of both.

An access token is good for ten minutes at most and only while its session lives; ending a session is felt within
`FRESH` seconds. A refresh token works once. If it comes back later it was stolen, from us or by us, and the session
ends for both: each token names its session and is signed, so that it is known for as long as the session lives,
though only the last ones are kept.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from ..failures import Conflict
from ..store import sessions as store
from ..store import ways
from ..store.database import Database
from ..store.sessions import ApiKey, Session
from ..vault import Vault
from .activity import note
from .agents import kept
from .models import Permission, User, whole

log = structlog.get_logger("access")

ACCESS = timedelta(minutes=10)
TOUCH_EVERY = timedelta(minutes=1)
FRESH = 2.0  # seconds for which a session that was seen alive is not looked up again
ALGORITHM = "HS256"
CHANGED = "The password was changed just now, somewhere else. Sign in again."
REFRESH = "refresh-token"  # what its signature is for


class Tokens(Struct, frozen=True, kw_only=True):
    """What a device gets."""

    access: str
    access_expires: datetime
    refresh: str
    session: Session


class SignedIn(Struct, frozen=True, kw_only=True):
    """Who asks, and through what: a session, or an API key."""

    user: User
    session_id: int | None = None
    key: ApiKey | None = None


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


class Sessions:
    """All sessions and keys."""

    def __init__(self, db: Database, vault: Vault, clock: Callable[[], datetime], *, days: int) -> None:
        self._db = db
        self._clock = clock
        self._length = timedelta(days=days)
        self._vault = vault
        self._secret = vault.sign("access-token", "signing key").encode()
        self._alive: dict[int, tuple[float, User]] = {}
        # told in the transaction that starts a session
        self.on_start: list[Callable[[Connection, User, Session], None]] = []

    # -- tokens --------------------------------------------------------------------------------------------------

    def _access(self, session: Session, now: datetime) -> tuple[str, datetime]:
        import jwt  # at the first sign-in: 9 MB, as it brings the ciphers of every algorithm along

        expires = min(now + ACCESS, session.expires_at)
        claims = {"sub": str(session.user_id), "sid": session.id, "iat": now, "exp": expires}
        return jwt.encode(claims | {"jti": secrets.token_hex(8)}, self._secret, ALGORITHM), expires

    def _session_of(self, access: str) -> int | None:
        import jwt

        try:
            # our own clock judges the times below
            claims = jwt.decode(
                access,
                self._secret,
                [ALGORITHM],
                options={"require": ["sub", "sid", "iat", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None
        alive = claims["exp"] > self._clock().timestamp()
        return int(claims["sid"]) if alive and isinstance(claims["sid"], int) else None

    def _refresh(self, conn: Connection, session: Session, now: datetime) -> str:
        """A new refresh token of a session: its number, chance, and our signature."""
        named = f"{session.id}.{secrets.token_urlsafe(32)}"
        token = f"{named}.{self._vault.sign(REFRESH, named)}"
        store.add_token(conn, session.id, digest(token), now)
        return token

    def _once_of(self, refresh: str) -> int | None:
        """The session that a refresh token was made for, be it over or not; None when we did not make it."""
        named, _, signature = refresh.rpartition(".")
        if not refresh.isascii() or not self._vault.signed(REFRESH, named, signature):
            return None
        return int(named.partition(".")[0])

    async def start(
        self, user: User, *, method: str, user_agent: str, ip: str, password: bytes | None = None
    ) -> Tokens:
        """Sign a device in; by a `PasswordProof.password` only while it is the account's, else raises `Conflict`."""
        now = self._clock()
        new = Session(
            id=0,
            user_id=user.id,
            method=method,
            user_agent=kept(user_agent),
            ip=ip,
            created_at=now,
            last_seen_at=now,
            expires_at=now + self._length,
        )

        def work(conn: Connection) -> tuple[Session, str]:
            ways.lock(conn, user.id)
            if password is not None and password != digest(ways.password_of(conn, user.id) or ""):
                raise Conflict(CHANGED)
            opened = store.open_session(conn, new)
            for told in self.on_start:
                told(conn, user, opened)
            return opened, self._refresh(conn, opened, now)

        session, refresh = await self._db.write(work)
        access, expires = self._access(session, now)
        return Tokens(access=access, access_expires=expires, refresh=refresh, session=session)

    async def by_access(self, access: str, ip: str = "") -> SignedIn | None:
        """Who an access token belongs to; None when it is not ours, has expired, or its session has ended."""
        session_id = self._session_of(access)
        if session_id is None:
            return None
        user = await self.user_of(session_id, ip)
        return SignedIn(user=user, session_id=session_id) if user is not None else None

    async def user_of(self, session_id: int, ip: str = "") -> User | None:
        """Whose session it is while it lives."""
        known = self._alive.get(session_id)
        if known is not None and time.monotonic() - known[0] < FRESH:
            return known[1]
        now = self._clock()
        found = await self._db.read(lambda conn: store.user_of_session(conn, session_id, now))
        if found is None or found[0].disabled:
            self._alive.pop(session_id, None)
            return None
        user, seen = found
        if now - seen > TOUCH_EVERY:
            await self._db.write(lambda conn: store.touch(conn, session_id, user.id, now, ip))
        if len(self._alive) > 10_000:
            self._alive.clear()
        self._alive[session_id] = (time.monotonic(), user)
        return user

    async def refresh(self, token: str, *, grace: timedelta = timedelta(0)) -> Tokens | None:
        """Rotate a refresh token; None when it is unknown, or was used before: then its session has ended.

        Within `grace` of its first use, and while nobody has used what it was rotated to, it is rotated again.
        """
        now = self._clock()

        def rotate(conn: Connection) -> tuple[Session, str] | None:
            used = store.use_token(conn, digest(token), now)
            if used is not None and (used[1] is None or abs(now - used[1]) < grace):
                return used[0], self._refresh(conn, used[0], now)
            session_id = self._once_of(token) if used is None else used[0].id
            if session_id is not None:
                self._stolen(conn, session_id, now)
            return None

        rotated = await self._db.write(rotate)
        if rotated is None:
            return None
        session, refresh = rotated
        if await self.user_of(session.id) is None:
            return None
        access, expires = self._access(session, now)
        return Tokens(access=access, access_expires=expires, refresh=refresh, session=session)

    def _stolen(self, conn: Connection, session_id: int, now: datetime) -> None:
        found = store.user_of_session(conn, session_id, now)
        if found is None or not store.close(conn, session_id):
            return
        self._alive.pop(session_id, None)
        note(conn, now, None, "session.token_reused", found[0].username)
        log.warning("a used refresh token came back; its session was ended", session=session_id)

    # -- devices -------------------------------------------------------------------------------------------------

    async def devices(self, user: User) -> list[Session]:
        """The signed-in devices of an account, the one used last first."""
        now = self._clock()
        return await self._db.read(lambda conn: store.of_user(conn, user.id, now))

    async def end(self, session_id: int, *, owner: int | None = None) -> bool:
        """Sign a device out; with `owner`, only if it is that account's."""
        ended = await self._db.write(lambda conn: store.close(conn, session_id, owner=owner))
        self._alive.pop(session_id, None)
        return ended

    async def end_all(self, user_id: int, *, but: int | None = None) -> None:
        """Sign all devices of an account out, but one."""
        for session_id in await self._db.write(lambda conn: store.close_all(conn, user_id, but=but)):
            self._alive.pop(session_id, None)

    def forget(self, user_id: int) -> None:
        """Look an account up again at its next call: its rights changed."""
        self._alive = {sid: known for sid, known in self._alive.items() if known[1].id != user_id}

    # -- API keys ------------------------------------------------------------------------------------------------

    async def create_key(
        self, user: User, name: str, scopes: frozenset[Permission] | None = None
    ) -> tuple[str, ApiKey]:
        """A new key, shown this once. `scopes` narrow what it may do; without them it may what the account may."""
        key = "vf_" + secrets.token_urlsafe(32)
        new = ApiKey(
            id=0,
            user_id=user.id,
            name=name,
            prefix=key[:9],
            scopes=tuple(sorted(scopes if scopes is not None else user.permissions)),
            created_at=self._clock(),
            last_used_at=None,
        )
        return key, await self._db.write(lambda conn: store.add_key(conn, new, digest(key)))

    async def by_key(self, key: str) -> SignedIn | None:
        """Who an API key belongs to, with the rights that both the key and the account have."""
        found = await self._db.read(lambda conn: store.user_of_key(conn, digest(key)))
        if found is None or found[0].disabled:
            return None
        user, api_key = found
        now = self._clock()
        if api_key.last_used_at is None or now - api_key.last_used_at > TOUCH_EVERY:
            await self._db.write(lambda conn: store.touch_key(conn, api_key.id, now))
        return SignedIn(user=_narrowed(user, api_key), key=api_key)

    async def user_of_key(self, key: ApiKey) -> User | None:
        """Whose key it is, with the rights that it opens now; None when it opens nothing any more."""
        user = await self._db.read(lambda conn: store.user_of_key_id(conn, key.id))
        return _narrowed(user, key) if user is not None and not user.disabled else None

    async def keys(self, user: User) -> list[ApiKey]:
        """The keys of an account, newest first."""
        return await self._db.read(lambda conn: store.keys_of(conn, user.id))

    async def revoke_key(self, user: User, key_id: int) -> bool:
        """Revoke a key of the account."""
        return await self._db.write(lambda conn: store.remove_key(conn, key_id, owner=user.id))


def _narrowed(user: User, key: ApiKey) -> User:
    scopes = whole(Permission(name) for name in key.scopes if name in set(Permission))
    return replace(user, permissions=user.permissions & scopes)
