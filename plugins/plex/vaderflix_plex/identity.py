"""Signing in with a Plex account, and whether it has access to this very server."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from msgspec import Struct, field

from vaderflix_core.api import (
    AuthFailed,
    BadAnswer,
    Instance,
    NotFound,
    PendingSignIn,
    Person,
    Rejected,
    ServiceError,
    Unavailable,
)

from .account import PlexTv
from .client import PlexClient
from .settings import PlexSettings
from .wire import Id

POLL_GAP = 1.0  # seconds


class _Pin(Struct, frozen=True, rename="camel"):
    id: int
    code: str
    client_identifier: str
    auth_token: str | None = None


class _User(Struct, frozen=True, rename="camel"):
    id: int
    username: str | None = None
    title: str | None = None
    email: str | None = None


class _Resource(Struct, frozen=True, rename="camel"):
    provides: str = ""
    client_identifier: str = field(default="")
    id: Id = ""


class SignIn:
    """The ability `Identity`. A token that a sign-in brings is used for the two questions below, then given back."""

    def __init__(self, instance: Instance[PlexSettings], client: PlexClient, account: PlexTv) -> None:
        self.instance = instance
        self.client = client
        self.account = account
        self._polled: dict[str, float] = {}

    async def begin(self, return_to: str) -> PendingSignIn:
        """A PIN of our own at plex.tv, and the page where the person confirms it."""
        self.account.count_pin()
        answer = await self.account.at_the_door("POST", "/api/v2/pins", params={"strong": "true"})
        pin = self.account.owner.decode(answer, _Pin)
        if not pin.code or pin.client_identifier != self.account.client_id:
            raise BadAnswer(f"{self.account.url} began a sign-in for somebody else.")
        said = {
            "clientID": self.account.client_id,
            "code": pin.code,
            "context[device][product]": self.account.product,
            "forwardUrl": return_to,
        }
        url = f"{self.account.sign_in_page}#?{urlencode(said)}"
        return PendingSignIn(url=url, state=f"{pin.id}:{pin.code}")

    async def poll(self, state: str) -> Person | None:
        """Who confirmed the PIN, once they have, and whether their own account lists our server."""
        pin_id, _, code = state.partition(":")
        if not pin_id.isdigit() or not code:
            raise NotFound("This sign-in was not begun here.")
        if not self._due(state):
            return None
        try:
            answer = await self.account.at_the_door("GET", f"/api/v2/pins/{pin_id}")
        except Rejected as error:
            raise NotFound("This sign-in is over. Begin again.") from error
        pin = self.account.owner.decode(answer, _Pin)
        if pin.client_identifier != self.account.client_id or pin.code != code or str(pin.id) != pin_id:
            raise NotFound("This sign-in was not begun here.")
        if not pin.auth_token:
            return None
        try:
            person = await self._checked(pin.auth_token)
        except (Unavailable, BadAnswer):
            raise  # asked again with the next poll, so the token is needed until then
        except ServiceError:
            await self._give_back(pin.auth_token)
            raise
        await self._give_back(pin.auth_token)
        return person

    def _due(self, state: str) -> bool:
        now = time.monotonic()
        if now - self._polled.get(state, float("-inf")) < POLL_GAP:
            return False
        if len(self._polled) > 1000:
            self._polled = {key: at for key, at in self._polled.items() if now - at < 60}
        self._polled[state] = now
        return True

    async def _checked(self, token: str) -> Person:
        """The person of a token."""
        machine = await self.client.machine()
        try:
            answer = await self.account.at_the_door("GET", "/api/v2/user", token=token)
            user = self.account.owner.decode(answer, _User)
            listed = await self.account.at_the_door("GET", "/api/v2/resources", token=token)
        except (AuthFailed, Rejected) as error:
            raise NotFound("This sign-in is over. Begin again.") from error
        if user.id <= 0:
            raise BadAnswer(f"{self.account.url} does not say who signed in.")
        resources = self.account.owner.decode(listed, list[_Resource])
        ours = any(r.client_identifier == machine and "server" in r.provides.split(",") for r in resources)
        if not resources:
            # everybody who signs in has this sign-in's own device at least: an empty list is no answer
            raise Unavailable(f"{self.account.url} lists nothing for this account now.")
        name = user.title or user.username or str(user.id)
        return Person(subject=str(user.id), name=name, email=user.email or None, has_access=ours)

    async def _give_back(self, token: str) -> None:
        """Make the token invalid: nobody needs it any more. It is not needed for anything, so a failure only logs."""
        try:
            await self.account.at_the_door("DELETE", "/api/v2/users/signout", token=token)
        except ServiceError as error:
            self.instance.log.info("a sign-in's token could not be given back", error=error.message)
