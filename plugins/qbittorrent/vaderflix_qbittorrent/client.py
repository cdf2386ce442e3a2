"""qBittorrent's Web API over one session: logging in, its versions' different ways, and the synchronised torrents."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, TypeVar

import httpx
import msgspec

from vaderflix_core.api import (
    AuthFailed,
    BadAnswer,
    Instance,
    NotFound,
    Rejected,
    ServiceClient,
    WrongService,
)

from .inventory import Inventory, OutOfStep, Snapshot
from .settings import QbittorrentSettings
from .wire import MainData, Torrent

T = TypeVar("T")

TIMEOUT = 15.0
REFUSED_FOR = 300.0  # seconds: a wrong password is not tried again sooner, for five of them lock us out for an hour
STOP_AND_START = (2, 11)  # the Web API that renamed pause and resume (qBittorrent 5.0)
API = "api/v2"
VERSION = re.compile(r"v?(\d+(?:\.\d+)+\S*)")

WRONG_PASSWORD = (
    "qBittorrent does not accept this user name and password. Enter those of its Web UI; "
    "after five wrong ones it locks this server out for an hour."
)
WRONG_KEY = "qBittorrent does not accept this API key. Copy it again from Options, Web UI."
BANNED = (
    "qBittorrent has locked this server out after too many wrong passwords, for an hour unless set otherwise. "
    "Restart qBittorrent to lift that, then check user name and password."
)
FORBIDDEN = "qBittorrent accepts the login, but refuses the call after it ({said})."
UNAUTHORISED = (
    "qBittorrent refuses to talk to us ({said}). Check user name and password, and the host names that it "
    "allows under Options, Web UI, Server domains."
)
NOT_IT = "Something answers at {url}, but it is not qBittorrent's Web UI. Check address, port and path."


def explain(response: httpx.Response) -> str | None:
    """qBittorrent's own words: its errors are one line of plain text."""
    if not response.headers.get("Content-Type", "").startswith("text/plain"):
        return None
    return " ".join(response.text[:200].split()) or None


class QbittorrentClient:
    """One instance's session. All roles of the instance share it, so that there is one login and one inventory."""

    def __init__(self, instance: Instance[QbittorrentSettings]) -> None:
        self._settings = instance.settings
        self._log = instance.log
        key = instance.settings.api_key.reveal()
        self._http: ServiceClient = instance.http(
            instance.settings.url,
            headers={"Authorization": f"Bearer {key}"} if key else None,
            timeout=TIMEOUT,
            verify=instance.settings.verify_tls,
            explain=explain,
        )
        self._logging_in = asyncio.Lock()
        self._session = 0  # which login this is; 0 before the first
        self._refusal: tuple[str, float] | None = None  # what we were told, and when
        self._api_version: tuple[int, ...] | None = None
        self._syncing = asyncio.Lock()
        self._inventory = Inventory()

    async def login(self, *, after: int, retry_refused: bool = False) -> None:
        """Open a session, unless a newer one than `after` is there already.

        Raises `AuthFailed`; `retry_refused` tries a password again that was refused a moment ago.
        """
        if self._settings.api_key:
            return
        async with self._logging_in:
            if self._session > after:
                return
            if self._refusal is not None and not retry_refused:
                words, at = self._refusal
                if time.monotonic() - at < REFUSED_FOR:
                    raise AuthFailed(words)
            self._refusal = None
            response = await self._http.request(
                "POST",
                f"{API}/auth/login",
                check=False,
                data={"username": self._settings.username, "password": self._settings.password.reveal()},
            )
            self._check_login(response)
            self._session += 1
            self._api_version = None
            self._inventory.rid = 0

    def _check_login(self, response: httpx.Response) -> None:
        said = explain(response) or ""
        if response.status_code == 204 or (response.status_code == 200 and said == "Ok."):
            return
        if response.status_code == 200 and said == "Fails.":
            raise self._refused(WRONG_PASSWORD)
        if response.status_code == 401:
            # until 5.1 this is about the host name, from 5.2 on about the password: nothing tells them apart
            raise self._refused(UNAUTHORISED.format(said=said or "HTTP 401"))
        if response.status_code == 403:
            raise AuthFailed(BANNED if "banned" in said else UNAUTHORISED.format(said=said or "HTTP 403"))
        if response.status_code in (200, 404, 405):
            raise self._not_it()
        self._http.raise_for_status(response)
        raise self._not_it()

    def _refused(self, words: str) -> AuthFailed:
        self._refusal = (words, time.monotonic())
        return AuthFailed(words)

    @property
    def where(self) -> str:
        """The address without what a secret may stand in."""
        url = httpx.URL(self._settings.url)
        return f"{url.scheme}://{url.netloc.decode()}"

    def _not_it(self) -> WrongService:
        return WrongService(NOT_IT.format(url=self.where))

    async def call(self, method: str, name: str, **options: Any) -> httpx.Response:
        """One call, such as `torrents/info`, logged in. Options are httpx's. Raises the errors of `ServiceClient`."""
        session = self._session
        if session == 0:
            await self.login(after=0)
            session = self._session
        response = await self._send(method, name, options)
        if response.status_code == 403 and not self._settings.api_key:
            await self.login(after=session)
            response = await self._send(method, name, options)
            if response.status_code == 403:
                raise AuthFailed(FORBIDDEN.format(said=explain(response) or "HTTP 403"))
        if response.status_code in (401, 403):
            words = UNAUTHORISED.format(said=explain(response) or f"HTTP {response.status_code}")
            raise AuthFailed(WRONG_KEY if self._settings.api_key else words)
        if response.status_code >= 400:
            self._http.raise_for_status(response)
        return response

    async def _send(self, method: str, name: str, options: dict[str, Any]) -> httpx.Response:
        return await self._http.request(method, f"{API}/{name}", check=False, **options)

    async def read(self, name: str, kind: type[T], **params: str) -> T:
        """The JSON answer to a GET."""
        return self._http.decode(await self.call("GET", name, params=params), kind)

    def decode(self, response: httpx.Response, kind: type[T]) -> T:
        """A response's JSON as `kind`. Raises `BadAnswer`."""
        return self._http.decode(response, kind)

    async def command(self, name: str, **form: str) -> None:
        """Have something done. qBittorrent answers 200 or 204, and says nothing."""
        response = await self.call("POST", name, data=form)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise BadAnswer(f"{self.where} answered {name} with a web page.")

    async def _version(self, name: str) -> str:
        try:
            text = (await self.call("GET", name)).text.strip()
        except NotFound:
            raise self._not_it() from None
        found = VERSION.fullmatch(text)
        if found is None:
            raise self._not_it()
        return found[1]

    async def api_version(self) -> tuple[int, ...]:
        """The version of the Web API, read once per session. Raises `WrongService` when it is none."""
        if self._api_version is None:
            text = await self._version("app/webapiVersion")
            self._api_version = tuple(int(part) for part in re.findall(r"\d+", text))
        return self._api_version

    async def versions(self) -> tuple[str, str]:
        """The daemon's version and that of its Web API, read now with a session made now where one is needed."""
        self._api_version = None
        if not self._settings.api_key:
            await self.login(after=self._session, retry_refused=True)
        await self.api_version()
        return await self._version("app/version"), await self._version("app/webapiVersion")

    async def renamed(self, before: str, since: str, **form: str) -> None:
        """A command that is called `before` until qBittorrent 4.6 and `since` from 5.0 on."""
        name = since if await self.api_version() >= STOP_AND_START else before
        try:
            await self.command(name, **form)
        except NotFound:
            # it was updated in the middle of our session
            self._api_version = None
            name = since if await self.api_version() >= STOP_AND_START else before
            try:
                await self.command(name, **form)
            except NotFound as error:
                raise Rejected(f"qBittorrent does not know the command {name}.", status=404) from error

    async def torrents(self, *hashes: str) -> tuple[Torrent, ...]:
        """The torrents of these ids that it has, as they are now."""
        return await self.read("torrents/info", tuple[Torrent, ...], hashes="|".join(hashes))

    async def sync(self) -> Snapshot:
        """All torrents and the daemon's state; only what changed travels. May be one refresh interval old."""
        async with self._syncing:
            try:
                self._inventory.merge(await self._maindata())
            except OutOfStep:
                self._inventory.rid = 0
                data = await self._maindata()
                if not data.full_update:
                    raise BadAnswer(f"{self.where} sends changes only, and never the whole.") from None
                self._inventory.merge(data)
            try:
                return self._inventory.snapshot()
            except msgspec.ValidationError as error:
                self._inventory = Inventory()
                raise BadAnswer(f"{self.where}: sync/maindata says what its API does not allow ({error}).") from error

    async def _maindata(self) -> MainData:
        if self._session == 0:
            await self.login(after=0)
        return await self.read("sync/maindata", MainData, rid=str(self._inventory.rid))
