"""Releases of the simulated world: a real .torrent file (BEP 3) over one file, so that a real client can fetch it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from msgspec import Struct

PIECE = 64 * 1024


class Release(Struct, frozen=True, kw_only=True):
    """One file that somebody shares. `source` holds its bytes; in the torrent it is called `file_name`."""

    name: str
    file_name: str
    source: Path
    torrent: bytes
    infohash: str  # lower case

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.source.stat().st_size


def _bencode(value: Any) -> bytes:
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(_bencode, value)) + b"e"
    return b"d" + b"".join(_bencode(k) + _bencode(v) for k, v in sorted(value.items())) + b"e"


def make_release(name: str, source: Path, *, suffix: str | None = None, tracker: str | None = None) -> Release:
    """Share `source` under a release name. The same name and bytes give the same infohash."""
    data = source.read_bytes()
    file_name = name + (suffix or source.suffix)
    pieces = b"".join(hashlib.sha1(data[i : i + PIECE]).digest() for i in range(0, len(data), PIECE))
    info = {"name": file_name, "length": len(data), "piece length": PIECE, "pieces": pieces}
    torrent: dict[str, Any] = {"info": info, "created by": "Vader Flix simulator"}
    if tracker:
        torrent["announce"] = tracker
    return Release(
        name=name,
        file_name=file_name,
        source=source,
        torrent=_bencode(torrent),
        infohash=hashlib.sha1(_bencode(info)).hexdigest(),
    )
