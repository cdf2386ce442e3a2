"""Pictures on disk: bounded, the longest unused going first. All methods block; call them in a thread."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from ..api.models import Image

KEEP = 0.9  # of the cap, after making room


class Kept(Struct, frozen=True):
    """A picture from the cache, and when it was read from its source (unix seconds)."""

    image: Image
    fetched_at: float


class _Header(Struct, array_like=True):
    content_type: str
    fetched_at: float
    size: int


class PictureCache:
    """Files in one folder: a line that describes the picture, then its bytes. A file's time is that of its last use."""

    def __init__(self, folder: Path, cap: int, now: Callable[[], float]) -> None:
        self._folder = folder
        self._cap = cap
        self._now = now
        self._lock = threading.Lock()
        self._size: int | None = None

    def read(self, name: str) -> Kept | None:
        """A kept picture; None when there is none, or a damaged one."""
        path = self._path(name)
        try:
            head, _, data = path.read_bytes().partition(b"\n")
            header = msgspec.json.decode(head, type=_Header)
        except (OSError, msgspec.MsgspecError):
            return None
        if len(data) != header.size:
            return None
        with contextlib.suppress(OSError):
            os.utime(path, (self._now(), self._now()))
        return Kept(Image(content_type=header.content_type, data=data), header.fetched_at)

    def write(self, name: str, image: Image) -> None:
        """Keep a picture. A full disk is no error: it is read from its source the next time."""
        path = self._path(name)
        header = msgspec.json.encode(_Header(image.content_type, self._now(), len(image.data)))
        with self._lock, contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.stat().st_size if path.exists() else 0
            part = path.with_suffix(f".{os.getpid()}.part")
            try:
                part.write_bytes(header + b"\n" + image.data)
                os.utime(part, (self._now(), self._now()))
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            if self._size is None:
                self._size = sum(size for _, size, _ in self._files())
            else:
                self._size += len(header) + 1 + len(image.data) - before
            if self._size > self._cap:
                self._make_room()

    def remove(self, name: str) -> None:
        """Drop a picture."""
        with contextlib.suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _files(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
        return sorted(found)

    def _make_room(self) -> None:
        files = self._files()
        self._size = sum(size for _, size, _ in files)
        for _, size, path in files:
            if self._size <= self._cap * KEEP:
                break
            path.unlink(missing_ok=True)
            self._size -= size
