"""The second factor of password accounts: time-based codes (RFC 6238) and recovery codes, each good for one use.

Signing in with a password then takes two steps. The first gives a ticket, a link of five minutes with five tries; the
second brings it back with a code.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection

from ..failures import Conflict, Invalid, NotAllowed
from ..store import links as link_store
from ..store import second_factor as store
from ..store import users as user_store
from ..store import ways
from ..store.database import Database
from ..vault import Vault
from .activity import Activity
from .links import SECOND_FACTOR, Links
from .models import PasswordProof, User
from .passwords import RECENT, Passwords
from .rights import check_above, check_not_own
from .sessions import CHANGED, digest

ISSUER = "Vader Flix"
STEP = 30  # seconds
WINDOW = (0, -1, 1)  # steps: the clock of a phone may be off by that much
TRIES = 5  # per ticket
TRIES_LATELY, LATELY = 20, timedelta(minutes=15)  # per account, over all its tickets
CODES = 10
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0 or 1: codes are copied by hand
CODE_LENGTH = 16  # 80 bits


class FactorState(Struct, frozen=True, kw_only=True):
    """Whether an account has a second factor, since when, and how many recovery codes are left."""

    since: datetime | None
    codes_left: int

    @property
    def on(self) -> bool:
        """Whether signing in with the password needs a code."""
        return self.since is not None


class Offer(Struct, frozen=True, kw_only=True):
    """A secret for the person's app: `uri` goes into the QR code, `secret` is for typing."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "Offer(...)"


class WrongCode(Invalid):
    """The code is wrong, was used before, or is too old."""

    code = "wrong_code"

    def __init__(self) -> None:
        words = "That code did not match. Each code works once; wait for the next one"
        super().__init__(f"{words}.", {"code": words})


class TicketEnded(NotAllowed):
    """The first step was too long ago, or too many codes were wrong."""

    code = "ticket_ended"

    def __init__(self) -> None:
        super().__init__("Too many tries, or too long ago. Sign in with your password again, in a few minutes.")


class SecondFactor:
    """Sets second factors up, checks their codes, and takes them away."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        links: Links,
        passwords: Passwords,
        activity: Activity,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._vault = vault
        self._links = links
        self._passwords = passwords
        self._activity = activity
        self._clock = clock

    async def state(self, user_id: int) -> FactorState:
        """What the account has."""

        def read(conn: Connection) -> FactorState:
            factor = store.get(conn, user_id)
            return FactorState(since=factor.totp_confirmed_at, codes_left=store.codes_left(conn, user_id))

        return await self._db.read(read)

    # -- setting up and taking away ------------------------------------------------------------------------------

    async def begin(self, user: User, password: str) -> Offer:
        """Offer a new secret; it counts once a code of it was entered. Raises `Conflict` when there is a factor."""
        if not await self._passwords.has_password(user.id):
            raise Conflict("Codes protect a password. Your account has none, so it needs none.")
        await self._passwords.prove(user, password, None)
        import pyotp  # loaded by those who use it

        secret = pyotp.random_base32()
        sealed = self._vault.seal(f"{secret}.{int(self._clock().timestamp())}".encode(), _context(user.id))
        if not await self._db.write(lambda conn: store.offer(conn, user.id, sealed)):
            raise Conflict("There is a second factor already. Turn it off first.")
        return _offer(user, secret)

    async def offered(self, user: User) -> Offer | None:
        """The secret that waits for its first code."""
        factor = await self._db.read(lambda conn: store.get(conn, user.id))
        if factor.totp is None or factor.totp_confirmed_at is not None or not self._fresh(factor.totp, user.id):
            return None
        return _offer(user, self._secret(factor.totp, user.id))

    async def confirm(self, user: User, code: str) -> list[str]:
        """Turn the offered factor on; gives the recovery codes, shown this once. Raises `WrongCode`."""
        codes, now = _new_codes(), self._clock()

        def write(conn: Connection) -> bool:
            factor = store.get(conn, user.id)
            offered = factor.totp is not None and factor.totp_confirmed_at is None
            if factor.totp is None or not offered or not self._fresh(factor.totp, user.id):
                raise Conflict("There is nothing to confirm. Begin again.")
            if not self._takes_totp(conn, user.id, factor.totp, code):
                return False
            if not store.confirm(conn, user.id, factor.totp, now):
                raise Conflict("There is nothing to confirm. Begin again.")
            store.put_codes(conn, user.id, map(_code_hash, codes))
            self._activity.note(conn, user, "second_factor.on", user.username)
            return True

        if not await self._db.write(write):
            raise WrongCode
        return codes

    async def renew_codes(self, user: User, password: str, code: str) -> list[str]:
        """New recovery codes; the old ones stop working. Raises `WrongCode`."""
        codes = _new_codes()

        def write(conn: Connection) -> None:
            store.put_codes(conn, user.id, map(_code_hash, codes))
            self._activity.note(conn, user, "second_factor.codes_renewed", user.username)

        await self.with_code(user, password, code, write)
        return codes

    async def off(self, user: User, password: str, code: str) -> None:
        """Turn it off, with the password and a code. Raises `WrongCode`."""

        def write(conn: Connection) -> None:
            store.clear(conn, user.id)
            self._activity.note(conn, user, "second_factor.off", user.username)

        await self.with_code(user, password, code, write)

    async def reset(self, by: User, user_id: int) -> None:
        """Take it from somebody who has lost it; ends their sessions."""

        def write(conn: Connection) -> bool:
            user = user_store.get(conn, user_id)
            if user is None or not store.clear(conn, user_id):
                return False
            check_not_own(by, user)
            check_above(by, user)
            self._activity.note(conn, by, "second_factor.reset", user.username, after={"name": user.display_name})
            return True

        if not await self._db.write(write):
            raise Conflict("This account has no second factor.")
        await self._passwords.end_sessions(user_id)

    async def with_code(self, user: User, password: str, code: str, write: Callable[[Connection], None]) -> None:
        """Do something that needs the password and a code; wrong codes are counted as at the door."""
        proof = await self._passwords.prove(user, password, None)
        ticket = await self.ticket(proof) if proof is not None else None
        if ticket is None:
            raise Conflict("There is no second factor.")
        await self.finish(ticket, code, write)

    # -- signing in ----------------------------------------------------------------------------------------------

    async def ticket(self, proof: PasswordProof) -> str | None:
        """What a person whose password was right brings back with a code; None when no code is needed.

        Raises `Conflict` when there is another password meanwhile; it ends the tickets made before.
        """
        user = proof.user
        factor = await self._db.read(lambda conn: store.get(conn, user.id))
        if factor.totp_confirmed_at is None:
            return None

        def write(conn: Connection) -> str:
            ways.lock(conn, user.id)
            if _password(conn, user) != proof.password:
                raise Conflict(CHANGED)
            return self._links.make(conn, SECOND_FACTOR, user.id, alone=False)

        return await self._db.write(write)

    async def finish(self, ticket: str, code: str, then: Callable[[Connection], None] | None = None) -> PasswordProof:
        """The account that a ticket and a code open, by the password that the ticket was had for.

        Raises `WrongCode`, and `TicketEnded` after too many of them.
        """
        kept = self._links.hash_of(SECOND_FACTOR, ticket)
        if kept is None:
            raise TicketEnded

        def write(conn: Connection) -> PasswordProof | None:
            now = self._clock()
            link = link_store.count_try(conn, kept, SECOND_FACTOR, now, TRIES)
            user = user_store.get(conn, link.user_id) if link is not None else None
            if user is None or user.disabled:
                raise TicketEnded
            if link_store.tries_since(conn, user.id, SECOND_FACTOR, now - LATELY) > TRIES_LATELY:
                raise TicketEnded
            if not self._takes(conn, user, code):
                return None
            self._links.use(conn, SECOND_FACTOR, ticket)
            proof = PasswordProof(user=user, password=_password(conn, user))
            if then is not None:
                then(conn)
            return proof

        proof = await self._db.write(write)
        if proof is None:
            raise WrongCode
        return proof

    def _takes(self, conn: Connection, user: User, code: str) -> bool:
        factor = store.get(conn, user.id)
        if factor.totp is None or factor.totp_confirmed_at is None:
            return False
        if self._takes_totp(conn, user.id, factor.totp, code):
            return True
        if not store.use_code(conn, user.id, _code_hash(code), self._clock()):
            return False
        left = store.codes_left(conn, user.id)
        self._activity.note(conn, user, "second_factor.recovery_code_used", user.username, after={"left": left})
        return True

    def _takes_totp(self, conn: Connection, user_id: int, sealed: bytes, code: str) -> bool:
        """Whether it is a code of now that was not used before; then it is used now."""
        import pyotp

        plain = re.sub(r"[\s-]", "", code)
        if not re.fullmatch(r"[0-9]{6}", plain):
            return False
        totp = pyotp.TOTP(self._secret(sealed, user_id))
        now = int(self._clock().timestamp()) // STEP
        for step in (now + offset for offset in WINDOW):
            if hmac.compare_digest(totp.at(step * STEP), plain):
                return store.take_step(conn, user_id, step)
        return False

    def _secret(self, sealed: bytes, user_id: int) -> str:
        return self._kept(sealed, user_id)[0]

    def _fresh(self, sealed: bytes, user_id: int) -> bool:
        """Whether whoever confirms an offer is still taken for whoever proved the password for it."""
        at = self._kept(sealed, user_id)[2]
        return bool(at) and self._clock().timestamp() - int(at) < RECENT.total_seconds()

    def _kept(self, sealed: bytes, user_id: int) -> tuple[str, str, str]:
        """The secret, and behind a dot when it was offered."""
        return self._vault.open(sealed, _context(user_id)).decode().partition(".")


def _password(conn: Connection, user: User) -> bytes:
    return digest(ways.password_of(conn, user.id) or "")


def _context(user_id: int) -> str:
    return f"user:{user_id}:totp"


def _offer(user: User, secret: str) -> Offer:
    import pyotp

    return Offer(secret=secret, uri=pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=ISSUER))


def _new_codes() -> list[str]:
    made = ("".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES))
    return ["-".join(one[i : i + 4] for i in range(0, CODE_LENGTH, 4)) for one in made]


def _code_hash(code: str) -> bytes:
    return digest(re.sub(r"[\s-]", "", code).lower())
