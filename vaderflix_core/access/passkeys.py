"""Passkeys (WebAuthn): keys in people's devices that sign in without a name or a password.

Each ceremony begins with a challenge. It travels sealed in a cookie of the browser that asked, so it is good in that
browser only, for five minutes, for one purpose, and once.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection

from ..failures import Conflict, Invalid, Missing, NotAllowed
from ..store import links as link_store
from ..store import passkeys as store
from ..store import users as user_store
from ..store.database import Database
from ..store.passkeys import Passkey
from ..vault import Vault, VaultError
from . import ways
from .activity import Activity
from .models import User
from .sessions import digest

log = structlog.get_logger("access")

LONGEST = timedelta(minutes=5)
MOST = 20  # passkeys of one account
NAME_LENGTH = 60
SEAL = "passkey-challenge"
SIGN_IN = "sign-in"


class Site(Struct, frozen=True):
    """Where the ceremony takes place: the origin that the browser will name, and the host that keys belong to."""

    origin: str

    @property
    def host(self) -> str:
        """The relying party's id."""
        return urlsplit(self.origin).hostname or ""


class _Challenge(Struct, frozen=True, kw_only=True):
    value: bytes
    origin: str
    expires_at: datetime
    told: dict[str, str]  # what whoever began it wants to know at its end


class Begun(Struct, frozen=True, kw_only=True):
    """`options` is JSON for the browser's `navigator.credentials`; `state` comes back with its answer."""

    options: str
    state: str


class Made(Struct, frozen=True, kw_only=True):
    """A new key that its device has proved. `keep` keeps it for an account, in the caller's transaction, and uses the
    challenge up: it raises `Refused` when that was used before, `Conflict` when the key is known."""

    told: dict[str, str]
    keep: Callable[[Connection, User], Passkey]


class Refused(NotAllowed):
    """The answer does not fit: to this challenge, this site, or any key that we know."""

    code = "passkey_refused"

    def __init__(self) -> None:
        super().__init__("This passkey was not accepted. Try again, or sign in another way.")


class Passkeys:
    """Registers passkeys and signs people in with them."""

    def __init__(self, db: Database, vault: Vault, activity: Activity, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._vault = vault
        self._activity = activity
        self._clock = clock

    # -- keeping -------------------------------------------------------------------------------------------------

    async def of_user(self, user: User) -> list[Passkey]:
        """The passkeys of an account, oldest first."""
        return await self._db.read(lambda conn: store.of_user(conn, user.id))

    async def begin_adding(self, user: User, site: Site) -> Begun:
        """Options for making a new key. The caller has made sure that it is the owner who asks."""
        known = await self.of_user(user)
        if len(known) >= MOST:
            raise Conflict(f"An account holds {MOST} passkeys at most. Remove one first.")
        handle = self._vault.sign("passkey-user", str(user.id)).encode()
        return self.begin_making(
            _adding(user), site, handle=handle, name=user.username, shown=user.display_name, known=known
        )

    async def add(self, user: User, state: str, answer: dict[str, Any], name: str) -> Passkey:
        """Keep the key that a device has made. Raises `Refused`, `Conflict` when it is known already."""
        made = await self.made(_adding(user), state, answer, name)
        return await self._db.write(lambda conn: made.keep(conn, user))

    def begin_making(
        self,
        purpose: str,
        site: Site,
        *,
        handle: bytes,
        name: str,
        shown: str,
        known: Sequence[Passkey] = (),
        told: Mapping[str, str] | None = None,
    ) -> Begun:
        """Options for a new key of an account, which may not be there yet: the device knows it by its `handle`.

        A device that holds a `known` key makes no other. `told` comes back, unread by others, when the key is `made`.
        """
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        challenge = secrets.token_bytes(32)
        options = generate_registration_options(
            rp_id=site.host,
            rp_name="Vader Flix",
            user_id=handle,
            user_name=name,
            user_display_name=shown,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in known],
        )
        return Begun(options=options_to_json(options), state=self._seal(challenge, site, purpose, told))

    async def made(self, purpose: str, state: str, answer: dict[str, Any], name: str) -> Made:
        """The key that a device has made for `purpose`; nothing is kept yet. Raises `Refused`, `Invalid`."""
        from webauthn import verify_registration_response

        name = _named(name)
        challenge = self._open(state, purpose)
        try:
            found = await asyncio.to_thread(
                verify_registration_response,
                credential=answer,
                expected_challenge=challenge.value,
                expected_rp_id=Site(challenge.origin).host,
                expected_origin=challenge.origin,
                require_user_verification=True,
            )
        except Exception as error:  # the library's own errors, and whatever garbage makes it raise
            log.info("a passkey was refused", error=str(error))
            raise Refused from error

        def keep(conn: Connection, user: User) -> Passkey:
            self._spend(conn, challenge)
            key = Passkey(
                id=0,
                user_id=user.id,
                credential_id=found.credential_id,
                public_key=found.credential_public_key,
                sign_count=found.sign_count,
                name=name,
                created_at=self._clock(),
                last_used_at=None,
            )
            kept = store.add(conn, key)
            self._activity.note(conn, user, "passkey.added", name)
            return kept

        return Made(told=challenge.told, keep=keep)

    async def rename(self, user: User, key_id: int, name: str) -> None:
        """Give a key another name. Raises `Missing`."""
        name = _named(name)

        def write(conn: Connection) -> None:
            before = store.rename(conn, key_id, name, owner=user.id)
            if before is None:
                raise Missing("There is no such passkey.")
            self._activity.note(conn, user, "passkey.renamed", name, before={"name": before}, after={"name": name})

        await self._db.write(write)

    async def remove(self, user: User, key_id: int) -> None:
        """Forget a key. Raises `Missing`, and `Conflict` when it is the only way into the account."""

        def write(conn: Connection) -> None:
            removed = store.remove(conn, key_id, owner=user.id)
            if removed is None:
                raise Missing("There is no such passkey.")
            ways.keep_one(conn, user.id)
            self._activity.note(conn, user, "passkey.removed", removed.name)

        await self._db.write(write)

    # -- signing in ----------------------------------------------------------------------------------------------

    def begin_signing_in(self, site: Site) -> Begun:
        """Options for signing in; the device knows whose key it holds."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        challenge = secrets.token_bytes(32)
        options = generate_authentication_options(
            rp_id=site.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
        )
        return Begun(options=options_to_json(options), state=self._seal(challenge, site, SIGN_IN))

    async def sign_in(self, state: str, answer: dict[str, Any]) -> User:
        """Whose key it is that answered. Raises `Refused`."""
        from webauthn import verify_authentication_response
        from webauthn.helpers import base64url_to_bytes

        challenge = self._open(state, SIGN_IN)
        try:
            credential_id = base64url_to_bytes(str(answer["id"]))
        except (KeyError, ValueError) as error:
            raise Refused from error
        key = await self._db.read(lambda conn: store.by_credential(conn, credential_id))
        if key is None:
            raise Refused
        try:
            found = await asyncio.to_thread(
                verify_authentication_response,
                credential=answer,
                expected_challenge=challenge.value,
                expected_rp_id=Site(challenge.origin).host,
                expected_origin=challenge.origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=key.sign_count,
                require_user_verification=True,
            )
        except Exception as error:
            log.warning("a passkey was refused", passkey=key.id, error=str(error))
            raise Refused from error

        def write(conn: Connection) -> User:
            self._spend(conn, challenge)
            user = user_store.get(conn, key.user_id)
            if user is None or user.disabled or not store.used(conn, key.id, found.new_sign_count, self._clock()):
                raise Refused
            return user

        return await self._db.write(write)

    # -- challenges ----------------------------------------------------------------------------------------------

    def _seal(self, value: bytes, site: Site, purpose: str, told: Mapping[str, str] | None = None) -> str:
        challenge = _Challenge(
            value=value,
            origin=site.origin,
            expires_at=self._clock().astimezone(UTC) + LONGEST,
            told=dict(told or {}),
        )
        sealed = self._vault.seal(msgspec.json.encode(challenge), f"{SEAL}:{purpose}")
        return base64.urlsafe_b64encode(sealed).decode()

    def _open(self, state: str, purpose: str) -> _Challenge:
        try:
            sealed = base64.urlsafe_b64decode(state.encode())
            challenge = msgspec.json.decode(self._vault.open(sealed, f"{SEAL}:{purpose}"), type=_Challenge)
        except (ValueError, VaultError) as error:
            raise Refused from error
        if challenge.expires_at <= self._clock():
            raise Refused
        return challenge

    def _spend(self, conn: Connection, challenge: _Challenge) -> None:
        value = digest(base64.b64encode(challenge.value).decode())
        if not link_store.spend(conn, value, self._clock(), challenge.expires_at):
            raise Refused


def _adding(user: User) -> str:
    return f"add:{user.id}"


def _named(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LENGTH:
        raise Invalid("Give it a name.", {"name": f"Write a name of 1 to {NAME_LENGTH} letters"})
    return name
