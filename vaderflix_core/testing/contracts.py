"""What every plugin must hold to, as test classes to inherit from: one class for each role that the plugin fills.

class TestGotify(NotifierContract):
    plugin = "gotify"                                      # its entry point, or its module
    settings = {"url": "http://gotify.test", "token": "a-long-token"}

    def service(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": 1})         # the service, well behaved

The kit adds the faults itself: refused and cut connections, time-outs, 401, 429, 500, garbage, a hang. A service that
cannot tell one of them better says so in `expected`; one that cannot have it leaves it out of `faults`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from msgspec import structs

from ..api.errors import NotFound, Rejected
from ..api.models import (
    DownloadAction,
    ExternalIds,
    HealthReport,
    MediaKind,
    MediaRequest,
    NewDownload,
    Notification,
    Recipient,
    Severity,
    Ticket,
)
from ..api.roles import Downloader, HealthCheck, MediaSource, Notifier, Requester
from ..plugins.validation import conform, declared
from .provider_contract import EXPECTED, Call, ProviderContract
from .wire import texts

__all__ = [
    "EXPECTED",
    "DownloaderContract",
    "HealthCheckContract",
    "MediaSourceContract",
    "NotifierContract",
    "ProviderContract",
    "RequesterContract",
]

MAX_PAGES = 1000
MAGNET = "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a"


class MediaSourceContract(ProviderContract):
    """For plugins with `media_sources`. `kind`, `ids` and `key` name one title that `service` holds."""

    role = MediaSource
    query: ClassVar[str] = "a"
    kind: ClassVar[MediaKind] = MediaKind.MOVIE
    ids: ClassVar[ExternalIds] = ExternalIds(tmdb=1)
    key: ClassVar[str] = "1"
    unknown_key: ClassVar[str] = "999999999"

    def calls(self) -> list[Call]:
        """Every method, `episodes` only for a series."""
        calls: list[Call] = [
            ("search", (self.query, 5)),
            ("locate", (self.kind, self.ids)),
            ("item", (self.key,)),
            ("recently_added", (5,)),
            ("browse", (None,)),
            ("changes", (datetime(2020, 1, 1, tzinfo=UTC),)),
        ]
        return calls + ([("episodes", (self.key, 1))] if self.kind is MediaKind.SERIES else [])

    async def test_a_sweep_comes_to_its_end_and_holds_what_it_vouched_for(self) -> None:
        """`browse` ends, names no item twice, and its `total` is the number of items."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                source: Any = binding.provider
                keys: list[str] = []
                page = await source.browse(None)
                for _ in range(MAX_PAGES):
                    keys += [item.key for item in page.items]
                    if page.next is None:
                        break
                    page = await source.browse(page.next)
                assert page.next is None, "the sweep does not end"
                assert len(keys) == len(set(keys)), "an item came twice"
                assert page.total in (None, len(keys)), f"total is {page.total}, but {len(keys)} items came"

    async def test_an_unknown_key_is_not_found(self) -> None:
        """`item` raises `NotFound`; `service` must answer `unknown_key` as its product does."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                source: Any = binding.provider
                with pytest.raises(NotFound):
                    await source.item(self.unknown_key)


class RequesterContract(ProviderContract):
    """For plugins with `requesters`. `kind`, `ids` and `title` name one title that `service` can get."""

    role = Requester
    query: ClassVar[str] = "a"
    kind: ClassVar[MediaKind] = MediaKind.MOVIE
    ids: ClassVar[ExternalIds] = ExternalIds(tmdb=1)
    title: ClassVar[str] = "A title"
    remote_id: ClassVar[str] = "1"

    @property
    def request(self) -> MediaRequest:
        """A person's request for the title."""
        return MediaRequest(id=1, kind=self.kind, ids=self.ids, title=self.title, requested_by="leia")

    def calls(self) -> list[Call]:
        """Every method."""
        return [
            ("search", (self.query, self.kind)),
            ("lookup", (self.kind, self.ids)),
            ("consider", (self.request,)),
            ("submit", (self.request, "contract-key")),
            ("progress", (Ticket(remote_id=self.remote_id), self.request)),
        ]

    async def test_its_kinds_are_kinds(self) -> None:
        """`kinds` is a set of `MediaKind` with the tested one in it."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                requester: Any = binding.provider
                assert self.kind in requester.kinds
                assert all(isinstance(kind, MediaKind) for kind in requester.kinds)

    async def test_the_same_key_twice_gives_the_same_ticket(self) -> None:
        """Submitting is repeated after a crash, and must not add a title twice."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                requester: Any = binding.provider
                first = await requester.submit(self.request, "contract-key")
                second = await requester.submit(self.request, "contract-key")
                assert first.remote_id == second.remote_id


class DownloaderContract(ProviderContract):
    """For plugins with `downloaders`. `download_id` names a transfer that `service` has."""

    role = Downloader
    download_id: ClassVar[str] = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
    unknown_id: ClassVar[str] = "0" * 40
    new: ClassVar[NewDownload] = NewDownload(magnet=MAGNET)

    def calls(self) -> list[Call]:
        """Every method."""
        return [("downloads", ()), ("act", (self.download_id, DownloadAction.PAUSE)), ("add", (self.new,))]

    async def test_ids_are_lower_case_and_progress_is_a_share(self) -> None:
        """Requests are joined by these ids; `progress` runs from 0 to 1."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                downloader: Any = binding.provider
                for download in await downloader.downloads():
                    assert download.id == download.id.lower()
                    assert 0 <= download.progress <= 1

    async def test_an_unknown_transfer_is_not_found(self) -> None:
        """`act` raises `NotFound` even where the service says nothing."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                downloader: Any = binding.provider
                with pytest.raises(NotFound):
                    await downloader.act(self.unknown_id, DownloadAction.PAUSE)


class NotifierContract(ProviderContract):
    """For plugins with `notifiers`. The notification is as odd as real ones: any letters, several lines."""

    role = Notifier
    notification: ClassVar[Notification] = Notification(
        id="contract-1",
        title="„L’Été“ (映画) is ready",
        text="It arrived a minute ago – at last.\n\nYou can watch it now, Jérôme’s subtitles included.",
        url="https://films.example.org/title/movie/tmdb-653",
        recipients=(Recipient(name="Léa", email="lea@example.org"),),
    )

    def calls(self) -> list[Call]:
        """Its one method."""
        return [("send", (self.notification,))]

    async def test_the_message_reaches_the_service(self) -> None:
        """The title goes over the wire, in a body, a header or a query, however it is encoded there."""
        if not self.faults:
            return
        async with self.running() as running:
            for binding in running.bindings(self.role):
                notifier: Any = binding.provider
                await notifier.send(self.notification)
            sent = [text for request in running.requests for text in texts(request)]
            assert any(self.notification.title in text for text in sent), "the title was not sent"

    @pytest.mark.parametrize("odd", [{"url": None}, {"severity": Severity.ERROR}, {"recipients": ()}])
    async def test_what_a_notification_need_not_have(self, odd: dict[str, Any]) -> None:
        """The link may be missing, and every severity comes. Without recipients `Rejected` is right as well."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                try:
                    value = await binding.provider.send(structs.replace(self.notification, **odd))  # type: ignore[attr-defined]
                except Rejected:
                    assert "recipients" in odd, f"a notification with {odd} must be sent"
                else:
                    conform(value, declared(Notifier, "send"))


class HealthCheckContract(ProviderContract):
    """For plugins with `health_checks`. A check may report its failing service instead of raising."""

    role = HealthCheck

    def calls(self) -> list[Call]:
        """Its one method."""
        return [("check", ())]

    def may_answer(self, fault: str, method: str, value: Any) -> bool:
        """A report of trouble is an honest answer; an empty list would say that all is well."""
        return any(
            isinstance(report, HealthReport) and report.severity in (Severity.WARNING, Severity.ERROR)
            for report in value or ()
        )

    async def test_codes_are_stable(self) -> None:
        """The same trouble has the same code, so that an incident opens once."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                checker: Any = binding.provider
                first = {report.code for report in await checker.check()}
                second = {report.code for report in await checker.check()}
                assert first == second
                assert "" not in first
