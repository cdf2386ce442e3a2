"""The lists a service keeps: quality profiles, root folders and tags, by the names people know them by."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from vaderflix_core.api import Choice, Rejected

from .client import ArrClient
from .settings import ArrSettings
from .wire import QualityProfile, RootFolder, Tag

T = TypeVar("T")

FRESH = timedelta(minutes=5)
TAG_PATTERN = re.compile(r"[a-z0-9-]+")  # what both accept as a label


class _Cached(Generic[T]):
    """One list, read again when it is old or when something looked for is not in it."""

    def __init__(self, read: Callable[[], Awaitable[list[T]]], now: Callable[[], datetime]) -> None:
        self._read = read
        self._now = now
        self._rows: list[T] = []
        self._at: datetime | None = None
        self._lock = asyncio.Lock()

    async def rows(self, *, fresh: bool = False) -> list[T]:
        async with self._lock:
            if fresh or self._at is None or self._now() - self._at > FRESH:
                self._rows = await self._read()
                self._at = self._now()
            return self._rows

    async def find(self, match: Callable[[T], bool]) -> T | None:
        for fresh in (False, True):
            for row in await self.rows(fresh=fresh):
                if match(row):
                    return row
        return None


def _not_chosen(what: str, wanted: str, offered: list[str], field: str) -> Rejected:
    """Why no row could be used, and what the admin may do."""
    names = ", ".join(f"“{name}”" for name in offered)
    if not offered:
        said = f"The service has no {what} yet. Add one in its own settings."
    elif wanted:
        said = f"The service has no {what} “{wanted}”. Choose one of {names}."
    else:
        said = f"The service has more than one {what}, and none is chosen. Choose one of {names}."
    return Rejected(said, field=field)


def _path(text: str) -> str:
    return text.rstrip("/\\") or text


class Lists:
    """Profiles, root folders and tags of one service, remembered for five minutes."""

    def __init__(self, client: ArrClient, settings: ArrSettings, now: Callable[[], datetime]) -> None:
        self._client = client
        self._settings = settings
        self._profiles = _Cached(lambda: client.get("/qualityprofile", list[QualityProfile]), now)
        self._roots = _Cached(lambda: client.get("/rootfolder", list[RootFolder]), now)
        self._tags = _Cached(lambda: client.get("/tag", list[Tag]), now)
        self._tagging = asyncio.Lock()

    async def root_folders(self) -> list[RootFolder]:
        """All root folders, read now."""
        return await self._roots.rows(fresh=True)

    async def choices(self) -> dict[str, list[Choice]]:
        """What the settings form may offer, read now."""
        profiles = await self._profiles.rows(fresh=True)
        roots = await self._roots.rows(fresh=True)
        return {
            "quality_profile": [Choice(value=p.name, label=p.name) for p in profiles],
            "root_folder": [Choice(value=r.path, label=r.path) for r in roots],
        }

    async def unchosen_profile(self) -> str:
        """The quality profile that is used although nobody has chosen it among several; empty when there is no such."""
        rows = await self._profiles.rows()
        return rows[0].name if not self._settings.quality_profile and len(rows) > 1 else ""

    async def profile_id(self) -> int:
        """The chosen quality profile, or the first one while none is chosen. Raises `Rejected` naming the setting."""
        wanted = self._settings.quality_profile
        rows = await self._profiles.rows()
        if not wanted and rows:
            return rows[0].id
        found = await self._profiles.find(lambda p: p.name.casefold() == wanted.casefold())
        if found is not None:
            return found.id
        raise _not_chosen("quality profile", wanted, [p.name for p in rows], "quality_profile")

    async def root_path(self) -> str:
        """The chosen root folder, as the service writes it. Raises `Rejected` naming the setting."""
        wanted = self._settings.root_folder
        if wanted:
            found = await self._roots.find(lambda r: _path(r.path) == _path(wanted))
            if found is not None:
                return found.path
        rows = await self._roots.rows()
        if not wanted and len(rows) == 1:
            return rows[0].path
        raise _not_chosen("root folder", wanted, [r.path for r in rows], "root_folder")

    async def tag_ids(self) -> list[int]:
        """The ids of the chosen tags, made where missing: an unknown id would be dropped without a word."""
        ids = []
        for wanted in self._settings.tags:
            label = re.sub(r"[\s_]+", "-", wanted.strip().lower())
            if not TAG_PATTERN.fullmatch(label):
                raise Rejected(f"“{wanted}” cannot be a tag. Letters, digits and hyphens can.", field="tags")
            ids.append(await self._tag_id(label))
        return list(dict.fromkeys(ids))

    async def _tag_id(self, label: str) -> int:
        def same(tag: Tag) -> bool:
            return tag.label.lower() == label

        async with self._tagging:
            found = await self._tags.find(same)
            if found is None:
                found = await self._client.send("POST", "/tag", Tag, {"label": label})
                await self._tags.rows(fresh=True)
            return found.id
