"""What a provider for Radarr or Sonarr can do, whichever of the two it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from vaderflix_core.api import (
    BadAnswer,
    Choice,
    HealthReport,
    Hint,
    Image,
    Instance,
    MediaRequest,
    NotFound,
    Quality,
    Rejected,
    ServiceInfo,
    Severity,
    Unavailable,
    Verdict,
    Volume,
    WrongService,
)

from . import health, images, live, webhook
from .client import ArrClient, ForeignAnswer
from .lists import Lists
from .progress import downloader_trouble
from .settings import ArrSettings
from .snapshot import Snapshot, Snapshots
from .submit import TitleLocks
from .wire import DiskSpace, HealthRow, QueueRecord, SystemStatus

S = TypeVar("S", bound=ArrSettings)


class ArrService(Generic[S]):
    """Connection, choices, disks, pictures, live hints, webhooks and health of one service."""

    product: ClassVar[str]  # as the service calls itself
    oldest: ClassVar[int] = 4  # the first major version whose v3 API we speak

    def __init__(self, instance: Instance[S]) -> None:
        self.instance = instance
        self.settings: S = instance.settings
        self.qualities = frozenset({Quality(instance.settings.quality)})
        self.client = ArrClient(instance)
        self.lists = Lists(self.client, instance.settings, instance.now)
        self.snapshots = Snapshots(self.client, instance.now)
        self.locks = TitleLocks()
        self._absent: dict[str, datetime] = {}

    async def test(self) -> ServiceInfo:
        """Reach the service; says when another product, or a version too old, answers."""
        try:
            status = await self.client.get("/system/status", SystemStatus)
        except (NotFound, BadAnswer, ForeignAnswer) as error:
            raise WrongService(
                f"What answers there is not {self.product}. Check the address, the port and the URL base."
            ) from error
        if status.app_name.lower() != self.product.lower():
            raise WrongService(f"{status.app_name or 'Another product'} answers there, not {self.product}.")
        major = status.version.partition(".")[0]
        if major.isdigit() and int(major) < self.oldest:
            raise WrongService(f"{self.product} {status.version} is too old; {self.oldest} or later is needed.")
        name = status.instance_name
        return ServiceInfo(
            product=status.app_name, version=status.version, detail="" if name == status.app_name else name
        )

    async def vouched(self) -> None:
        """Raise unless the service can say who it is, before “there is none” of it is taken for a no.

        One that starts, or whose proxy answers for it, gives empty lists for everything.
        """
        status = await self.client.get("/system/status", SystemStatus)
        if status.app_name.lower() != self.product.lower():
            raise BadAnswer(f"{self.product} answers without saying anything, not even who it is.")

    def other_copies(self, request: MediaRequest) -> Verdict | None:
        """The refusal of a request for copies that this service is not there for; None for those it gets."""
        if request.quality in self.qualities:
            return None
        gets = "4K copies" if Quality.FOUR_K in self.qualities else "standard copies"
        return Verdict(accepts=False, reason=f"{self.instance.name} gets {gets} only.")

    async def choices(self) -> dict[str, list[Choice]]:
        """The quality profiles and root folders the service has."""
        return await self.lists.choices()

    async def volumes(self) -> list[Volume]:
        """The disks the service sees."""
        rows = await self.client.get("/diskspace", list[DiskSpace])
        return [Volume(path=r.path, free=r.free_space, total=r.total_space or None, label=r.label or "") for r in rows]

    async def image(self, ref: str, width: int) -> Image:
        """A poster or backdrop of a title."""
        return await images.fetch(self.client, ref, width)

    async def hints(self) -> AsyncIterator[Hint]:
        """What to read again, as the service says it."""
        async with aclosing(live.listen(self.client, self.snapshots.forget)) as heard:
            async for hint in heard:
                yield hint

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[Hint]:
        """What to read again after a call of the service."""
        found = webhook.hints(body)
        if found:
            self.snapshots.forget()
        return found

    async def check(self) -> list[HealthReport]:
        """The service's own findings, its root folders, and whether our settings still fit it."""
        rows, disks = await asyncio.gather(
            self.client.get("/health", list[HealthRow]), self.client.get("/diskspace", list[DiskSpace])
        )
        reports = health.service_reports(rows)
        try:
            reports += health.folder_reports(await self.lists.root_folders(), disks)
        except Unavailable as error:
            return [
                *reports,
                HealthReport(
                    severity=Severity.WARNING,
                    code="root_folders_unread",
                    message=f"The root folders could not be read: {error.message}",
                ),
            ]
        return [*reports, *await self._settings_reports()]

    async def _settings_reports(self) -> list[HealthReport]:
        reports = []
        for choose in (self.lists.profile_id, self.lists.root_path):
            try:
                await choose()
            except Rejected as error:
                reports.append(
                    HealthReport(severity=Severity.WARNING, code=f"setting:{error.field}", message=error.message)
                )
        unchosen = await self.lists.unchosen_profile()
        if unchosen:
            reports.append(
                HealthReport(
                    severity=Severity.NOTICE,
                    code="setting:quality_profile",
                    message=f"No quality profile is chosen: requests use “{unchosen}”, the first one.",
                )
            )
        return reports

    def absent_since(self, remote_id: str, rows: Sequence[QueueRecord], snapshot: Snapshot) -> datetime | None:
        """Since when a title has been missing from the queue of a healthy downloader, as far as we have seen."""
        if rows or downloader_trouble(snapshot.health):
            self._absent.pop(remote_id, None)
            return None
        return self._absent.setdefault(remote_id, snapshot.at)
