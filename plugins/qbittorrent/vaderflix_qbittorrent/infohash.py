"""Infohashes: worked out of a magnet link or a .torrent file, because qBittorrent before 5.2 does not tell them."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from vaderflix_core.api import NewDownload, Rejected

HASH = re.compile(r"[0-9a-f]{40}")
MULTIHASH_SHA256 = "1220"  # how a v2 hash begins in a magnet link: sha2-256, 32 bytes
MAX_DEPTH = 100


class NotTorrent(Exception):
    """These bytes are no .torrent file."""


def is_id(text: str) -> bool:
    """Whether this is a torrent id in lower case. Nothing else may reach a call that also understands "all"."""
    return HASH.fullmatch(text) is not None


def _number(data: bytes, start: int, end: bytes) -> tuple[int, int]:
    stop = data.find(end, start, start + 21)
    digits = data[start:stop]
    if stop < 0 or not re.fullmatch(rb"-?\d+", digits):
        raise NotTorrent
    return int(digits), stop + 1


def _value(data: bytes, at: int, spans: dict[bytes, tuple[int, int]] | None = None, depth: int = 0) -> tuple[Any, int]:
    """One bencoded value and where it ends. `spans` collects where the values of the outermost dictionary stand."""
    kind = data[at : at + 1]
    if depth > MAX_DEPTH:
        raise NotTorrent
    if kind == b"i":
        return _number(data, at + 1, b"e")
    if kind.isdigit():
        length, start = _number(data, at, b":")
        if start + length > len(data):
            raise NotTorrent
        return data[start : start + length], start + length
    if kind not in (b"d", b"l"):
        raise NotTorrent
    at += 1
    items: list[Any] = []
    while data[at : at + 1] != b"e":
        start = at
        item, at = _value(data, at, None, depth + 1)
        if kind == b"d":
            is_key = len(items) % 2 == 0
            if is_key and not isinstance(item, bytes):
                raise NotTorrent
            if spans is not None and not is_key:
                spans[items[-1]] = (start, at)
        items.append(item)
    if kind == b"l":
        return items, at + 1
    if len(items) % 2:
        raise NotTorrent
    return dict(zip(items[::2], items[1::2], strict=True)), at + 1


def read_torrent(data: bytes) -> tuple[dict[bytes, Any], bytes]:
    """The metainfo of a .torrent file, and its `info` dictionary as it is written there. Raises `NotTorrent`."""
    spans: dict[bytes, tuple[int, int]] = {}
    meta, _ = _value(data, 0, spans)
    if not isinstance(meta, dict) or not isinstance(meta.get(b"info"), dict):
        raise NotTorrent
    start, stop = spans[b"info"]
    return meta, data[start:stop]


def torrent_hashes(data: bytes) -> tuple[str, ...]:
    """The ids that qBittorrent may give to a .torrent file, the one it prefers first. Raises `NotTorrent`."""
    meta, raw = read_torrent(data)
    found = []
    if meta[b"info"].get(b"meta version") == 2:
        found.append(hashlib.sha256(raw).hexdigest()[:40])
    if b"pieces" in meta[b"info"]:
        found.append(hashlib.sha1(raw).hexdigest())
    if not found:
        raise NotTorrent
    return tuple(found)


def magnet_hashes(magnet: str) -> tuple[str, ...]:
    """The ids that qBittorrent may give to a magnet link, the one it prefers first; none for any other text."""
    parts = urlsplit(magnet.strip())
    if parts.scheme.lower() != "magnet":
        return ()
    new, old = [], []
    for topic in parse_qs(parts.query).get("xt", []):
        scheme, _, digest = topic.rpartition(":")
        digest = digest.lower()
        if scheme.lower() == "urn:btih":
            if len(digest) == 32 and re.fullmatch(r"[a-z2-7]{32}", digest):
                digest = base64.b32decode(digest.upper()).hex()
            if is_id(digest):
                old.append(digest)
        elif scheme.lower() == "urn:btmh" and digest.startswith(MULTIHASH_SHA256) and is_id(digest[4:44]):
            new.append(digest[4:44])
    return (*new, *old)


def hashes_of(download: NewDownload) -> tuple[str, ...]:
    """The ids a new download may get, the likeliest first. Raises `Rejected` when there is none."""
    if (download.magnet is None) == (download.torrent is None):
        raise Rejected("A download needs either a magnet link or a .torrent file.")
    if download.torrent is not None:
        try:
            return torrent_hashes(download.torrent)
        except NotTorrent:
            raise Rejected("This is not a .torrent file.") from None
    found = magnet_hashes(download.magnet or "")
    if not found:
        raise Rejected("This is not a magnet link with an infohash.")
    return found
