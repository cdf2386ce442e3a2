"""The author's kit: a third party's whole plugin passes it in a few lines, and each broken promise is caught."""

import asyncio
import pydoc
from email.header import Header
from types import ModuleType
from typing import Annotated, Any, ClassVar

import httpx
import pytest
from msgspec import Struct

import vaderflix_core.testing
from vaderflix_core.api import (
    AuthFailed,
    Download,
    DownloadState,
    HealthReport,
    Instance,
    Notification,
    Receipt,
    Rejected,
    Secret,
    ServiceInfo,
    Settings,
    Severity,
    Unavailable,
    setting,
)
from vaderflix_core.testing import HealthCheckContract, NotifierContract
from vaderflix_core.testing.contracts import DownloaderContract, MediaSourceContract, RequesterContract
from vaderflix_core.testing.fakes import FakeDownloader, FakeMediaSource, FakeRequester
from vaderflix_core.testing.modules import plugin_module

TOKEN = "correct-horse"


class GotifySettings(Settings, frozen=True, kw_only=True):
    url: Annotated[str, setting("Server URL", pattern=r"^https?://")]
    token: Annotated[Secret, setting("App token")]


class Message(Struct):
    id: int


class Version(Struct):
    version: str


class Gotify:
    """Sends notifications to one Gotify server."""

    def __init__(self, instance: Instance[GotifySettings]) -> None:
        self.http = instance.http(instance.settings.url, headers={"X-Gotify-Key": instance.settings.token.reveal()})
        self.instance = instance

    async def send(self, notification: Notification) -> Receipt:
        sent = await self.http.send(
            "POST", "/message", Message, json={"title": notification.title, "message": notification.text}
        )
        return Receipt(detail=f"message {sent.id}")

    async def test(self) -> ServiceInfo:
        return ServiceInfo(product="Gotify", version=(await self.http.get("/version", Version)).version)


def module(provider: Any = Gotify) -> ModuleType:
    return plugin_module("gotify", settings=GotifySettings, notifiers=lambda instance: [instance.shared(provider)])


class GotifyContract(NotifierContract):
    plugin = module()
    settings: ClassVar = {"url": "http://gotify.test", "token": TOKEN}

    def service(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["X-Gotify-Key"] == TOKEN
        return httpx.Response(200, json={"version": "2.5"} if request.url.path == "/version" else {"id": 1})


class TestGotify(GotifyContract):
    pass


class Checks(Gotify):
    async def check(self) -> list[HealthReport]:
        await self.test()
        return [HealthReport(severity=Severity.OK, code="well", message="well")]


class TestGotifyHealth(HealthCheckContract):
    plugin = plugin_module("gotify", settings=GotifySettings, health_checks=lambda instance: [instance.shared(Checks)])
    settings = GotifyContract.settings
    service = GotifyContract.service


class TestFakeMediaSource(MediaSourceContract):
    plugin = plugin_module("source", media_sources=lambda instance: [FakeMediaSource()])
    faults = ()

    def calls(self):
        return [call for call in super().calls() if call[0] != "item"]


class TestFakeRequester(RequesterContract):
    plugin = plugin_module("requester", requesters=lambda instance: [requester()])
    faults = ()


def requester() -> FakeRequester:
    from vaderflix_core.api import Candidate

    contract = RequesterContract
    return FakeRequester([Candidate(kind=contract.kind, title=contract.title, ids=contract.ids)])


class TestFakeDownloader(DownloaderContract):
    plugin = plugin_module("downloader", downloaders=lambda instance: [downloader()])
    faults = ()


def downloader() -> FakeDownloader:
    held = Download(id=DownloaderContract.download_id, name="x", state=DownloadState.DOWNLOADING, progress=0.5)
    return FakeDownloader([held])


# what the kit must catch


class SwallowsErrors(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        try:
            return await super().send(notification)
        except Exception:
            return Receipt(detail="sent")


class RaisesItsLibrarysErrors(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        try:
            return await super().send(notification)
        except Exception as error:
            raise RuntimeError("it failed") from error


class ForgetsRetryAfter(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        try:
            return await super().send(notification)
        except Unavailable as error:
            raise Unavailable(error.message, cause=error.cause) from error


class TellsTheToken(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        try:
            return await super().send(notification)
        except AuthFailed as error:
            raise AuthFailed(f"{TOKEN} was refused") from error


class LogsTheToken(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        self.instance.log.info("sending", header=TOKEN)
        return await super().send(notification)


class PutsTheTokenInTheUrl(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        await self.http.request("GET", "/version", params={"token": TOKEN})
        return await super().send(notification)


class ShowsTheToken(Gotify):
    def __repr__(self) -> str:
        return f"Gotify({TOKEN})"


class SendsNothing(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        return Receipt()


class ReturnsText(Gotify):
    async def send(self, notification: Notification) -> Any:
        await super().send(notification)
        return "sent"


class StopsOnce(Gotify):
    stopped = False

    async def stop(self) -> None:
        assert not self.stopped
        self.stopped = True


class BreaksAfterAHang(Gotify):
    broken = False

    async def send(self, notification: Notification) -> Receipt:
        assert not self.broken
        try:
            return await super().send(notification)
        except asyncio.CancelledError:
            self.broken = True
            raise


class PutsTheTextInAHeader(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        await self.http.request("POST", "/message", headers={"X-Text": notification.text})
        return await super().send(notification)


class NeedsALink(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        if notification.url is None:
            raise Rejected("no link")
        return await super().send(notification)


class SpeaksLatin(Gotify):
    async def test(self) -> ServiceInfo:
        self.instance.settings.token.reveal().encode("latin-1")
        return await super().test()


class HasNoTest(Gotify):
    test = None


class NamesNobody(Gotify):
    async def test(self) -> ServiceInfo:
        return ServiceInfo(product="", version="")


BROKEN = [
    (SwallowsErrors, "test_a_fault_of_the_service_becomes_the_right_error", "500"),
    (RaisesItsLibrarysErrors, "test_a_fault_of_the_service_becomes_the_right_error", "refused"),
    (ForgetsRetryAfter, "test_a_fault_of_the_service_becomes_the_right_error", "429"),
    (TellsTheToken, "test_secrets_stay_out_of_urls_logs_errors_and_reprs", None),
    (LogsTheToken, "test_secrets_stay_out_of_urls_logs_errors_and_reprs", None),
    (PutsTheTokenInTheUrl, "test_secrets_stay_out_of_urls_logs_errors_and_reprs", None),
    (ShowsTheToken, "test_secrets_stay_out_of_urls_logs_errors_and_reprs", None),
    (SendsNothing, "test_the_message_reaches_the_service", None),
    (ReturnsText, "test_values_are_what_the_role_declares", None),
    (StopsOnce, "test_stop_is_safe_to_call_twice", None),
    (BreaksAfterAHang, "test_a_hang_can_be_cut_off_and_leaves_the_provider_usable", None),
    (PutsTheTextInAHeader, "test_values_are_what_the_role_declares", None),
    (SpeaksLatin, "test_a_secret_may_hold_any_letters", None),
    (HasNoTest, "test_the_connection_test_names_who_answers", None),
    (NamesNobody, "test_the_connection_test_names_who_answers", None),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("provider", "test", "fault"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
async def test_a_broken_promise_is_caught(provider: type, test: str, fault: str | None) -> None:
    contract = type("Contract", (GotifyContract,), {"plugin": module(provider)})()
    with pytest.raises(Exception) as caught:
        await getattr(contract, test)(*([fault] if fault else []))
    assert isinstance(caught.value, (AssertionError, Rejected, UnicodeError)) or "WrongAnswer" in repr(caught.type)
    assert TOKEN not in str(caught.value)


@pytest.mark.anyio
async def test_a_notifier_that_needs_a_link_is_caught() -> None:
    contract = type("Contract", (GotifyContract,), {"plugin": module(NeedsALink)})()
    with pytest.raises(AssertionError, match="must be sent"):
        await contract.test_what_a_notification_need_not_have({"url": None})


class Ntfy(Gotify):
    """Its title goes in a header, encoded as RFC 2047 says."""

    async def send(self, notification: Notification) -> Receipt:
        title = Header(notification.title, "utf-8", maxlinelen=10_000).encode()
        content = notification.text.encode()
        await self.http.send("POST", "/message", Message, content=content, headers={"Title": title})
        return Receipt()


class Form(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        await self.http.send("POST", "/message", Message, data={"title": notification.title})
        return Receipt()


class Raw(Gotify):
    async def send(self, notification: Notification) -> Receipt:
        await self.http.send("POST", "/message", Message, headers={"Title": notification.title})
        return Receipt()


@pytest.mark.anyio
@pytest.mark.parametrize("provider", [Ntfy, Form, Raw])
async def test_a_title_is_found_however_it_was_encoded(provider: type) -> None:
    contract = type("Contract", (GotifyContract,), {"plugin": module(provider)})()
    await contract.test_the_message_reaches_the_service()


def test_the_kit_shows_its_contracts() -> None:
    assert "NotifierContract" in dir(vaderflix_core.testing)
    assert "class NotifierContract" in pydoc.plain(pydoc.render_doc("vaderflix_core.testing"))


def test_a_plugin_that_does_not_load_is_named_with_its_reason() -> None:
    contract = type("Contract", (GotifyContract,), {"plugin": plugin_module("gotify", notifier=lambda instance: [])})()
    with pytest.raises(AssertionError, match="unknown hook"):
        contract.test_the_plugin_loads()
