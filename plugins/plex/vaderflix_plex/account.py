"""Speaks to plex.tv, where people's accounts and the shares are: paced, both encodings, both generations of its API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import httpx
from defusedxml.common import DefusedXmlException

from vaderflix_core.api import AuthFailed, BadAnswer, Cause, Instance, Rejected, ServiceClient, Unavailable

from .settings import PlexSettings

GAP = 0.2  # seconds between two calls
PINS_A_MINUTE = 60
LONGEST_WAIT = 600.0  # seconds that we keep quiet when plex.tv asks for it
USUAL_WAIT = 30.0


def explain(response: httpx.Response) -> str | None:
    """plex.tv's own words of an error, from either encoding."""
    try:
        if "json" in response.headers.get("Content-Type", ""):
            return str(response.json()["errors"][0]["message"])[:200]
        error = defusedxml.ElementTree.fromstring(response.content).find("error")
        return error.get("message", "")[:200] or None if error is not None else None
    except (ValueError, KeyError, IndexError, TypeError, ParseError, DefusedXmlException):
        return None


class PlexTv:
    """plex.tv in two names: as this installation with the owner's token, and as the client that people sign in to.

    They have client identifiers of their own: plex.tv keeps one token per account and client, so that an owner who
    signs in here would else lose the token of the settings.
    """

    def __init__(
        self, instance: Instance[PlexSettings], *, timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        settings = instance.settings
        self.url = settings.account_url.rstrip("/")
        self.client_id = f"{instance.install_id}-{instance.id}-sign-in"
        self.product = "Vader Flix"
        self._clock = clock
        common = {
            "Accept": "application/json",
            "X-Plex-Product": self.product,
            "X-Plex-Version": version("vaderflix-plex"),
            "X-Plex-Platform": "Python",
        }
        self._owner = instance.http(
            self.url,
            headers={
                **common,
                "X-Plex-Client-Identifier": instance.install_id,
                "X-Plex-Token": settings.token.reveal(),
            },
            timeout=timeout,
            explain=explain,
        )
        self._door = instance.http(
            self.url,
            headers={**common, "X-Plex-Client-Identifier": self.client_id},
            timeout=timeout,
            explain=explain,
        )
        self.refused = False  # whether the owner's token was refused when it was used last
        self._turn = asyncio.Lock()
        self._last = float("-inf")
        self._quiet_until = float("-inf")
        self._pins: list[float] = []

    @property
    def owner(self) -> ServiceClient:
        """To decode with."""
        return self._owner

    @property
    def sign_in_page(self) -> str:
        """Where people sign in: a host of its own at the real plex.tv."""
        return "https://app.plex.tv/auth" if self.url == "https://plex.tv" else f"{self.url}/auth"

    def count_pin(self) -> None:
        """Raise `Unavailable` when too many sign-ins were begun in the last minute."""
        now = self._clock()
        self._pins = [at for at in self._pins if now - at < 60]
        if len(self._pins) >= PINS_A_MINUTE:
            raise Unavailable("Too many sign-ins were begun.", cause=Cause.RATE_LIMITED, retry_after=60)
        self._pins.append(now)

    async def _call(self, http: ServiceClient, method: str, path: str, **options: Any) -> httpx.Response:
        async with self._turn:
            now = self._clock()
            if now < self._quiet_until:
                raise Unavailable(
                    f"{self.url} asks us to slow down.",
                    cause=Cause.RATE_LIMITED,
                    retry_after=self._quiet_until - now,
                )
            await asyncio.sleep(max(0.0, self._last + GAP - now))
            self._last = self._clock()
        try:
            response = await http.request(method, path, check=False, **options)
            if response.status_code == 403 and method != "GET":
                # about this person or this deed; a token that may do nothing is refused when it reads
                raise Rejected(f"{self.url} forbids this: {explain(response) or 'HTTP 403'}", status=403)
            if response.status_code >= 400:
                http.raise_for_status(response)
            return response
        except Unavailable as error:
            if error.cause is Cause.RATE_LIMITED:
                wait = min(error.retry_after or USUAL_WAIT, LONGEST_WAIT)
                self._quiet_until = self._clock() + wait
                raise Unavailable(error.message, cause=error.cause, retry_after=wait) from error
            raise

    async def as_owner(self, method: str, path: str, *, xml: bool = False, **options: Any) -> httpx.Response:
        """A call with the owner's token."""
        if xml:
            options["headers"] = {"Accept": "application/xml", **options.get("headers", {})}
        try:
            response = await self._call(self._owner, method, path, **options)
        except AuthFailed:
            self.refused = True
            raise
        self.refused = False
        return response

    async def at_the_door(self, method: str, path: str, *, token: str = "", **options: Any) -> httpx.Response:
        """A call of the client that people sign in to, with the token of one of them or with none."""
        if token:
            options["headers"] = {"X-Plex-Token": token}
        return await self._call(self._door, method, path, **options)

    def document(self, response: httpx.Response) -> Element:
        """The XML of an answer, entities refused. Raises `BadAnswer`."""
        try:
            found: Element = defusedxml.ElementTree.fromstring(response.content)
        except (ParseError, DefusedXmlException, ValueError) as error:
            raise BadAnswer(f"{self.url}: {response.request.url.path} is not the document it should be.") from error
        return found


def moved(error: Rejected) -> bool:
    """Whether a refusal may be about the form of a call rather than its sense: the other generation is worth a try."""
    return error.status in (404, 405, 410)
