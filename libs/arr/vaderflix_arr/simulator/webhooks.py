"""Webhooks ("Connect"): a live test before saving, then one POST per event, never repeated."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx

from .http import Refused, Row, complaint, failure, invalid


def field_value(row: Row, name: str) -> object:
    """The value of a provider's field; None when it has none."""
    return next((field.get("value") for field in row.get("fields", []) if field.get("name") == name), None)


class Webhooks:
    """Delivers events to the notifications that want them, in order, from one background task."""

    def __init__(self, app_name: str, version: str) -> None:
        self.app_name = app_name
        self.user_agent = f"{app_name}/{version} (debian 12)"
        self.delivered: list[Row] = []  # the payloads that were answered with 2xx
        self.waiting: asyncio.Queue[tuple[Row, Row]] = asyncio.Queue()
        self._http: httpx.AsyncClient | None = None

    def payload(self, event: str, body: Row) -> Row:
        """An event with what every payload ends with."""
        end = {"eventType": event, "instanceName": self.app_name}
        return {**body, **end} if event == "HealthRestored" else {**body, **end, "applicationUrl": ""}

    def fire(self, notifications: list[Row], flag: str, event: str, body: Row, tags: list[int] | None = None) -> None:
        """Queue an event for every notification with this flag whose tags, if it has any, meet the item's."""
        for row in notifications:
            wanted = set(row.get("tags") or [])
            if row.get(flag) and (not wanted or wanted & set(tags or [])):
                self.waiting.put_nowait((row, self.payload(event, body)))

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            row, payload = await self.waiting.get()
            with suppress(httpx.HTTPError):  # a failed delivery is lost, as with the real ones
                answer = await self._post(row, payload)
                if answer.is_success:
                    self.delivered.append(payload)

    async def close(self) -> None:
        """Let go of connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def test(self, row: Row, body: Row) -> None:
        """Send the test event now; Refused as the products word a failure."""
        try:
            answer = await self._post(row, self.payload("Test", body))
        except httpx.HTTPError as error:
            address = httpx.URL(str(field_value(row, "url"))).netloc.decode()
            raise failure(500, f"Connection refused ({address})", "System.Net.Http.HttpRequestException") from error
        if not answer.is_success:
            message = f"Unable to send test message: HTTP request failed: [{answer.status_code}]"
            raise _refusal("Url", message)

    async def _post(self, row: Row, payload: Row) -> httpx.Response:
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=10, trust_env=False)
        headers = {"User-Agent": self.user_agent}
        given = field_value(row, "headers")
        for pair in given if isinstance(given, list) else []:
            headers[str(pair["key"])] = str(pair["value"])
        username = field_value(row, "username")
        auth = httpx.BasicAuth(str(username), str(field_value(row, "password") or "")) if username else None
        method = "PUT" if field_value(row, "method") == 2 else "POST"
        url = str(field_value(row, "url"))
        return await self._http.request(method, url, json=payload, headers=headers, auth=auth)


def _refusal(prop: str, message: str, detail: str | None = None) -> Refused:
    row = complaint(prop, message)
    return invalid([{"isWarning": False, **({"detailedDescription": detail} if detail else {}), **row}])


def provider_refusal(prop: str, message: str, detail: str) -> Refused:
    """400 of a provider's test."""
    return _refusal(prop, message, detail)
