"""Coming in by an invitation with a passkey: the account is made once the key is proved, and has no password.

What the visitor wants to be called is checked before the device makes the key, and sealed into the challenge: nobody
keeps a key for an account that could not be made, and what was checked is what is made.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection

from .invites import Invites
from .models import User
from .passkeys import Begun, Passkeys, Site
from .sessions import digest

HANDLE_BYTES = 32  # how the device tells accounts apart; the new one has no id yet


class Joining:
    """Makes accounts of visitors who bring an invitation and a device."""

    def __init__(self, invites: Invites, passkeys: Passkeys) -> None:
        self._invites = invites
        self._passkeys = passkeys

    async def begin(
        self, code: str, site: Site, *, username: str, display_name: str = "", email: str | None = None
    ) -> Begun:
        """Options for making the key. Raises what `Invites.accept` would raise for this account now."""
        await self._invites.check(code, username=username, display_name=display_name, email=email)
        username, display_name = username.strip(), display_name.strip()
        return self._passkeys.begin_making(
            _for(code),
            site,
            handle=secrets.token_bytes(HANDLE_BYTES),
            name=username,
            shown=display_name or username,
            told={"username": username, "display_name": display_name, "email": email or ""},
        )

    async def finish(self, code: str, state: str, answer: dict[str, Any], name: str) -> User:
        """Make the account that was begun, with the key, under its `name`, as the only way into it.

        Raises `Refused` for a key that was not made for this invitation here and now, and what `Invites.accept` raises.
        """
        made = await self._passkeys.made(_for(code), state, answer, name)

        def keep(conn: Connection, user: User) -> None:
            made.keep(conn, user)

        told = made.told
        return await self._invites.accept(
            code, username=told["username"], display_name=told["display_name"], email=told["email"], also=keep
        )


def _for(code: str) -> str:
    """The purpose of a challenge: a new account by this invitation."""
    return f"invitation:{digest(code).hex()}"
