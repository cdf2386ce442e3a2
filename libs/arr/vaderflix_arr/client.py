"""The v3 API of one Radarr or Sonarr, and the sense of its error bodies."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import httpx
import msgspec

from vaderflix_core.api import Cause, Instance, ServiceClient, Unavailable

from .settings import ArrSettings
from .wire import Wire

T = TypeVar("T")

API = "/api/v3"
LONGEST = 300


class Complaint(Wire, frozen=True, kw_only=True):
    """One reason of a refusal: the property it is about, a stable code where there is one, and the words."""

    property_name: str = ""
    error_code: str = ""
    error_message: str = ""


def _clip(text: str) -> str:
    """One line, without a stack trace (which .NET starts with `   at Namespace.Method`), of bearable length."""
    text = re.split(r"\s+at [\w.`<>+\[\]]+\(|\s+at … |\n\s+at ", text, maxsplit=1)[0]
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _text(value: Any) -> str:
    return _clip(value) if isinstance(value, str) else ""


def complaints(response: httpx.Response) -> list[Complaint]:
    """The reasons in an error body, whatever its shape.

    Seen: an array of validation errors, an object with `message`, a problem document (RFC 9457) with `errors`, an empty
    body, and the HTML of a proxy; the last two give an empty list. `description` holds a stack trace and is not read.
    """
    try:
        body = msgspec.json.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    if isinstance(body, list):
        return [
            Complaint(
                property_name=_text(row.get("propertyName")),
                error_code=_text(row.get("errorCode")),
                error_message=_text(row.get("errorMessage")),
            )
            for row in body
            if isinstance(row, dict)
        ]
    if not isinstance(body, dict):
        return []
    errors = body.get("errors")
    if isinstance(errors, dict):
        return [
            Complaint(property_name=str(name).removeprefix("$."), error_message=_text(words))
            for name, said in errors.items()
            for words in (said if isinstance(said, list) else [said])
        ]
    words = next((_text(body[name]) for name in ("message", "errorMessage", "title") if _text(body.get(name))), "")
    return [Complaint(error_message=words)] if words else []


def explain(response: httpx.Response) -> str | None:
    """The service's own words in an error body, on one line; None where it has none."""
    said = [c.error_message for c in complaints(response) if c.error_message]
    return _clip("; ".join(dict.fromkeys(said))) or None


class ForeignAnswer(Unavailable):
    """A refusal that is not the service's own: a proxy's page, while the service behind it is away or moved."""


def _own(response: httpx.Response) -> bool:
    """Whether a refusal comes from the service: it names its version, or answers JSON."""
    return "x-application-version" in response.headers or "json" in response.headers.get("Content-Type", "").lower()


class ArrClient:
    """Speaks v3 to one service. Its key travels in a header, never in an address."""

    def __init__(self, instance: Instance[Any]) -> None:
        settings: ArrSettings = instance.settings
        self.base_path = httpx.URL(settings.url).path.rstrip("/")
        self.http: ServiceClient = instance.http(
            settings.url, headers={"X-Api-Key": settings.api_key.reveal()}, timeout=30.0, explain=explain
        )

    async def get(self, path: str, kind: type[T], **params: Any) -> T:
        """A resource as `kind`."""
        return self.http.decode(await self._call("GET", path, params=params or None), kind)

    async def send(self, method: str, path: str, kind: type[T], body: Any) -> T:
        """The answer to a change as `kind`; raises for a refusal."""
        return self.http.decode(await self._call(method, path, json=body), kind)

    async def attempt(self, method: str, path: str, body: Any) -> httpx.Response:
        """The answer to a change, for callers that look into refusals (400, 409) themselves; other failures raise."""
        return await self._call(method, path, pass_on=(400, 409), json=body)

    async def _call(self, method: str, path: str, *, pass_on: tuple[int, ...] = (), **options: Any) -> httpx.Response:
        response = await self.http.request(method, API + path, check=False, **options)
        status = response.status_code
        if status < 400:
            return response
        if status < 500 and status not in (401, 403, 429) and not _own(response):
            # a proxy says 404 for all while the service restarts: taken as the service's no, it would end a request
            raise ForeignAnswer(
                f"{self.http.base_url} answered {status} with a page that is not the service's own.", cause=Cause.BROKEN
            )
        if status not in pass_on:
            self.http.raise_for_status(response)
        return response

    async def command(self, name: str, **body: Any) -> None:
        """Have the service begin a task of its own; it goes on after this returns."""
        await self.send("POST", "/command", dict[str, Any], {"name": name, **body})
