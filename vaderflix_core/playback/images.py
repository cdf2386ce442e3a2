"""Pictures of the services under opaque ids, kept on disk. Only ids that were given out here are ever looked up."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from ..api.models import Image
from ..failures import Missing, SourceFailed
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Pool
from ..vault import Vault
from .picture_cache import PictureCache

WIDTHS = (200, 400, 800, 1600)
CAP = 512 * 2**20  # bytes on disk
LARGEST = 20 * 2**20  # bytes of one picture
FRESH = 7 * 86_400.0  # seconds until a picture is read again; references mostly change with the picture
TIMEOUT = 15.0
WAIT_AFTER_FAILURE, WAIT_WHEN_MISSING = 30.0, 600.0  # seconds without asking again
MOST_FAILURES = 5000
LONGEST_ID = 4096
PURPOSE = "image"

# the first bytes tell; what a service says of a picture's type is not believed
_TYPES: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("image/jpeg", lambda head: head.startswith(b"\xff\xd8\xff")),
    ("image/png", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    ("image/gif", lambda head: head.startswith((b"GIF87a", b"GIF89a"))),
    ("image/webp", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    ("image/avif", lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis", b"mif1")),
)


class Images:
    """Gives out ids for pictures, and the pictures for the ids. `now` is the time in unix seconds."""

    def __init__(
        self,
        pool: Pool,
        guard: Guard,
        vault: Vault,
        folder: Path,
        *,
        cap: int = CAP,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._guard = guard
        self._vault = vault
        self._cache = PictureCache(folder, cap, now)
        self._now = now
        self._flights: dict[str, asyncio.Task[Image]] = {}
        self._failures: dict[str, tuple[float, bool]] = {}  # until when, and whether it is known to be missing

    def id_for(self, instance: str, ref: str | None) -> str | None:
        """The opaque id of an instance's picture, always the same; None without a picture."""
        return self._vault.opaque(f"{instance}\0{ref}", PURPOSE) if ref else None

    async def fetch(self, image_id: str, width: int) -> Image:
        """The picture, at the nearest width of `WIDTHS` that is enough. An old copy serves while its source is down.

        Raises `Missing` for an id that was not given out and for a picture that is not there, `SourceFailed` when it
        cannot be had now.
        """
        revealed = self._vault.reveal_opaque(image_id, PURPOSE) if len(image_id) <= LONGEST_ID else None
        instance, separator, ref = (revealed or "").partition("\0")
        if not separator:
            raise Missing("There is no such picture.")
        bucket = next((size for size in WIDTHS if size >= width), WIDTHS[-1])
        name = hashlib.sha256(f"{revealed}\0{bucket}".encode()).hexdigest()
        return await self._shared(name, lambda: self._get(name, instance, ref, bucket))

    async def _shared(self, name: str, work: Callable[[], Coroutine[Any, Any, Image]]) -> Image:
        """One reading of a picture serves all who want it now, and goes on when one of them leaves."""
        task = self._flights.get(name)
        if task is None:
            task = self._flights[name] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._landed(name, done))
        return await asyncio.shield(task)

    def _landed(self, name: str, task: asyncio.Task[Image]) -> None:
        self._flights.pop(name, None)
        if not task.cancelled():
            task.exception()  # seen by those who waited; without any, it is of no interest

    async def _get(self, name: str, instance: str, ref: str, width: int) -> Image:
        kept = await asyncio.to_thread(self._cache.read, name)
        if kept is not None and self._now() - kept.fetched_at < FRESH:
            return kept.image
        until, missing = self._failures.get(name, (0.0, False))
        if until > self._now():
            if kept is not None:
                return kept.image
            raise _failure(missing)
        binding = next(iter(self._pool.bindings("Images", instance=instance)), None)
        if binding is not None:
            answer: Answer[Image] = await self._guard.call(binding, "image", ref, width, timeout=TIMEOUT)
            image = _accepted(answer.value)
            if image is not None:
                self._failures.pop(name, None)
                await asyncio.to_thread(self._cache.write, name, image)
                return image
            missing = answer.outcome in (Outcome.NOT_FOUND, Outcome.REJECTED) or answer.ok
            self._failed(name, missing)
            if answer.outcome is Outcome.NOT_FOUND:
                await asyncio.to_thread(self._cache.remove, name)
                raise _failure(missing)
        if kept is not None:
            return kept.image
        raise _failure(missing)

    def _failed(self, name: str, missing: bool) -> None:
        while len(self._failures) >= MOST_FAILURES:
            del self._failures[next(iter(self._failures))]
        wait = WAIT_WHEN_MISSING if missing else WAIT_AFTER_FAILURE
        self._failures[name] = (self._now() + wait, missing)


def _accepted(image: Image | None) -> Image | None:
    """The picture under its true type; None when it is no picture that a browser may be given."""
    if image is None or len(image.data) > LARGEST:
        return None
    head = image.data[:16]
    found = next((name for name, is_it in _TYPES if is_it(head)), None)
    return Image(content_type=found, data=image.data) if found else None


def _failure(missing: bool) -> Missing | SourceFailed:
    if missing:
        return Missing("There is no such picture.")
    return SourceFailed("The picture cannot be had right now.")
