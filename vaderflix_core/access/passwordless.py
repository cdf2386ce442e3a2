"""Doing without a password: for people who sign in with a passkey or an account elsewhere.

The second factor belongs to the password and goes with it. A link for a new one, or one's own page, brings another.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from ..failures import Conflict
from ..jobs.broker import Jobs
from ..notify.letters import looks_like_address
from ..store import links as link_store
from ..store import second_factor as factor_store
from ..store import ways as store
from ..store.database import Database
from .activity import Activity
from .links import OF_PASSWORD
from .models import User
from .passwords import Passwords, QueueMail
from .sessions import CHANGED, Sessions
from .totp import SecondFactor
from .ways import keep_one


class Passwordless:
    """Takes a password away from its owner, who asks for it."""

    def __init__(
        self,
        db: Database,
        sessions: Sessions,
        passwords: Passwords,
        second_factor: SecondFactor,
        activity: Activity,
        jobs: Jobs,
        mail: QueueMail,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._sessions = sessions
        self._passwords = passwords
        self._second_factor = second_factor
        self._activity = activity
        self._jobs = jobs
        self._mail = mail
        self._clock = clock

    async def remove(self, user: User, password: str, code: str, session_id: int | None) -> None:
        """Remove the password and the second factor; ends all other sessions.

        Asks for the password, and with a second factor for a code. Raises `Invalid`, `WrongCode`, and `Conflict` when
        there is no password or no other way in.
        """
        before = await self._db.read(lambda conn: store.password_of(conn, user.id))
        if before is None:
            raise Conflict("Your account has no password.")

        def write(conn: Connection) -> None:
            store.lock(conn, user.id)
            if store.password_of(conn, user.id) != before:
                raise Conflict(CHANGED)
            store.set_password(conn, user.id, None)
            keep_one(conn, user.id)
            had_factor = factor_store.clear(conn, user.id)
            for kind in OF_PASSWORD:
                link_store.revoke(conn, user.id, kind, self._clock())
            if user.email and looks_like_address(user.email):
                self._mail(conn, "password_removed", user.email, {"name": user.display_name})
            values = {"second_factor": "on"} if had_factor else {}
            self._activity.note(conn, user, "password.removed", user.username, before=values)

        if (await self._second_factor.state(user.id)).on:
            await self._second_factor.with_code(user, password, code, write)
        else:
            await self._passwords.prove(user, password, session_id)
            await self._db.write(write)
        await self._sessions.end_all(user.id, but=session_id)
        self._jobs.wake()
