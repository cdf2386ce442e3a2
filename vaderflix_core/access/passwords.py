"""Passwords: changing one, getting a new one when it is forgotten, and changing the address that such help goes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from ..failures import Conflict, Invalid, NotAllowed
from ..jobs.broker import Jobs
from ..jobs.runner import After
from ..notify.letters import looks_like_address
from ..store import jobs as job_store
from ..store import links as link_store
from ..store import users as user_store
from ..store import ways as store
from ..store.database import Database
from ..store.jobs import Job
from ..store.links import Link
from .activity import Activity
from .links import EMAIL, LIFETIMES, RESET, LinkEnded, Links
from .models import PasswordProof, User
from .policy import weakness
from .rights import check_above, check_not_own
from .service import Access
from .sessions import CHANGED, digest

log = structlog.get_logger("access")

FORGOTTEN = "forgotten_password"
ATTEMPTS = 5
MAILS_AT_MOST = 3  # in the time that a link works
RECENT = timedelta(minutes=15)


class QueueMail(Protocol):
    """Puts a mail into the outbox, in the caller's transaction."""

    def __call__(
        self, conn: Connection, kind: str, to: str, data: Mapping[str, str], *, user_id: int | None = None
    ) -> object:
        """Queue it, for an account if one is named; the result is the mail's id."""


class Passwords:
    """Changes passwords and addresses, for people who prove that they may."""

    def __init__(
        self,
        db: Database,
        access: Access,
        links: Links,
        activity: Activity,
        jobs: Jobs,
        mail: QueueMail,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._access = access
        self._links = links
        self._activity = activity
        self._jobs = jobs
        self._mail = mail
        self._clock = clock
        jobs.runner.register(FORGOTTEN, self._send_reset, attempts=ATTEMPTS)

    async def has_password(self, user_id: int) -> bool:
        """Whether the account has a password at all."""
        return await self._db.read(lambda conn: store.password_of(conn, user_id)) is not None

    async def prove(self, user: User, password: str, session_id: int | None) -> PasswordProof | None:
        """Make sure that whoever asks is the owner, and not somebody at a screen that was left open.

        With a password that is asked for, and proved; without one the session must be new. Raises `Invalid`, or
        `Conflict`.
        """
        if await self.has_password(user.id):
            proof = await self._access.authenticate(user.username, password, familiar=True)
            if proof is None:
                raise Invalid("That is not your password.", {"password": "That is not your password"})
            return proof
        if session_id is None:
            raise NotAllowed("This needs a person who is signed in, not a key.")
        began = await self._db.read(lambda conn: store.session_began(conn, session_id))
        if began is None or self._clock() - began > RECENT:
            raise Conflict("Sign out and in again first: it is too long ago that you did.", code="sign_in_again")
        return None

    # -- changing ------------------------------------------------------------------------------------------------

    async def change(self, user: User, old: str, new: str, session_id: int | None) -> None:
        """Set another password, or a first one; ends all other sessions. Raises `Invalid` with what is wrong."""
        before = await self._db.read(lambda conn: store.password_of(conn, user.id))
        try:
            await self.prove(user, old, session_id)
        except Invalid as wrong:
            raise Invalid(wrong.message, {"old": wrong.fields["password"]}) from None
        if problem := weakness(new, user.username):
            raise Invalid("Choose another password.", {"new": problem})
        if new == old:
            raise Invalid("Choose another password.", {"new": "This is the password that you have"})
        hashed = await self._access.hash_password(new)

        def write(conn: Connection) -> None:
            store.lock(conn, user.id)
            if store.password_of(conn, user.id) != before:
                raise Conflict(CHANGED)
            store.set_password(conn, user.id, hashed)
            self._links.revoke(conn, user.id)
            self._activity.note(conn, user, "password.changed" if before else "password.set", user.username)

        await self._db.write(write)
        await self._access.sessions.end_all(user.id, but=session_id)

    async def end_sessions(self, user_id: int) -> None:
        """Sign all devices of an account out."""
        await self._access.sessions.end_all(user_id)

    # -- forgotten -----------------------------------------------------------------------------------------------

    async def forgot(self, name: str) -> None:
        """Mail a link to whoever has this address or user name.

        Only a job is stored here, whatever the name is, so neither the answer nor its time tells who has an account.
        """
        name, now = name.strip()[:254], self._clock()
        key = f"{FORGOTTEN}:{digest(name.casefold()).hex()[:32]}:{int(now.timestamp() // 60)}"
        payload = {"name": name}
        await self._db.write(lambda conn: job_store.enqueue(conn, key=key, kind=FORGOTTEN, payload=payload, now=now))
        self._jobs.wake()

    async def _send_reset(self, job: Job) -> Callable[[Connection], After | None]:
        def write(conn: Connection) -> After:
            now = self._clock()
            for user_id in store.reached_by(conn, job.payload["name"]):
                user = user_store.get(conn, user_id)
                hour = now - timedelta(hours=1)
                address = user.email if user is not None else None
                if user is None or address is None or not looks_like_address(address):
                    continue
                if link_store.made_since(conn, user_id, RESET, hour) >= MAILS_AT_MOST:
                    continue
                token = self._links.make(conn, RESET, user_id)
                data = {"name": user.display_name, "until": _until(user, now + LIFETIMES[RESET])}
                self._mail(conn, "password_reset", address, data | {"path": f"/reset/{token}"}, user_id=user_id)
                self._activity.note(conn, None, "password.link_sent", user.username)
            return self._jobs.wake

        return write

    async def link_for(self, by: User, user_id: int) -> str:
        """The token of a reset link that an admin hands over in person, where there is no mail."""
        user = await self._access.user(user_id)
        check_not_own(by, user)
        check_above(by, user)

        def write(conn: Connection) -> str:
            self._activity.note(conn, by, "password.link_made", user.username, after={"name": user.display_name})
            return self._links.make(conn, RESET, user_id)

        return await self._db.write(write)

    async def reset(self, token: str, new: str) -> User:
        """Set a new password with a link; ends all sessions. Raises `LinkEnded`, or `Invalid` for a weak password."""
        link = await self._links.look(RESET, token)
        user = await self._access.user(link.user_id)
        if user.disabled:
            raise LinkEnded
        if problem := weakness(new, user.username):
            raise Invalid("Choose another password.", {"new": problem})
        hashed = await self._access.hash_password(new)

        def write(conn: Connection) -> None:
            self._links.use(conn, RESET, token)
            self._links.revoke(conn, user.id)
            store.set_password(conn, user.id, hashed)
            self._activity.note(conn, user, "password.reset", user.username)

        await self._db.write(write)
        await self._access.sessions.end_all(user.id)
        return user

    # -- the address ---------------------------------------------------------------------------------------------

    async def ask_email(self, user: User, address: str, password: str, session_id: int | None) -> None:
        """Mail a link to the new address; nothing changes until it is followed. The old address is told of it."""
        address = address.strip()
        if not looks_like_address(address):
            raise Invalid("This is not an email address.", {"email": "This is not an email address"})
        await self.prove(user, password, session_id)
        now = self._clock()

        def write(conn: Connection) -> None:
            if link_store.made_since(conn, user.id, EMAIL, now - timedelta(hours=1)) >= MAILS_AT_MOST:
                raise Conflict("Some links were sent already. Look for them, or try again in an hour.")
            token = self._links.make(conn, EMAIL, user.id, {"email": address, "old": user.email or ""})
            data = {"name": user.display_name, "until": _until(user, now + LIFETIMES[EMAIL])}
            self._mail(conn, "email_change", address, data | {"path": f"/email/{token}"}, user_id=user.id)
            if user.email and looks_like_address(user.email) and user.email.casefold() != address.casefold():
                told = {"name": user.display_name, "email": address}
                self._mail(conn, "email_changing", user.email, told, user_id=user.id)
            self._activity.note(conn, user, "email.change_asked", user.username, after={"email": address})

        await self._db.write(write)
        self._jobs.wake()

    async def awaited_email(self, user: User) -> Link | None:
        """The link that waits to be followed at a new address; `data["email"]` is the address."""
        link = await self._db.read(lambda conn: link_store.newest(conn, user.id, EMAIL, self._clock()))
        return link if link is not None and link.data["old"] == (user.email or "") else None

    async def cancel_email(self, user: User) -> None:
        """Let no link that was sent to a new address work any more."""
        now = self._clock()

        def write(conn: Connection) -> None:
            link = link_store.newest(conn, user.id, EMAIL, now)
            if link is not None:
                link_store.revoke(conn, user.id, EMAIL, now)
                before = {"email": link.data["email"]}
                self._activity.note(conn, user, "email.change_cancelled", user.username, before=before)

        await self._db.write(write)

    async def confirm_email(self, token: str) -> User:
        """Take the new address that a link was sent to. Raises `LinkEnded`."""

        def write(conn: Connection) -> int:
            link = self._links.use(conn, EMAIL, token)
            user = user_store.get(conn, link.user_id)
            if user is None or user.disabled:
                raise LinkEnded
            before, after = user.email, link.data["email"]
            if (before or "") != link.data["old"]:
                raise LinkEnded  # it was to replace another address
            user_store.change(conn, user.id, email=after)
            self._links.revoke(conn, user.id)
            self._activity.note(
                conn, user, "email.changed", user.username, before={"email": before}, after={"email": after}
            )
            return user.id

        user_id = await self._db.write(write)
        self._access.sessions.forget(user_id)
        return await self._access.user(user_id)


def _until(user: User, at: datetime) -> str:
    """A time in the words of a mail, in the person's zone if it is known."""
    zone = ZoneInfo(user.time_zone) if user.time_zone else UTC
    return f"{at.astimezone(zone):%-d %B, %H:%M} {'' if user.time_zone else 'UTC'}".strip()
