"""What an MP4 file holds, read from its boxes (ISO/IEC 14496-12), so that the server tells the truth of its files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_CODECS = {b"avc1": "h264", b"hvc1": "hevc", b"hev1": "hevc", b"av01": "av1", b"vp09": "vp9", b"mp4a": "aac"}
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high 10"}
_NESTED = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}


@dataclass(frozen=True)
class Facts:
    """What Plex finds out about a file when it scans it."""

    duration: int = 0  # milliseconds
    width: int | None = None
    height: int | None = None
    video_codec: str = ""
    video_profile: str = ""
    audio_codec: str = ""


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and start + 16 <= end:
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        size = end - start if size == 0 else size
        if size < head:
            return
        yield kind, start + head, min(start + size, end)
        if kind in _NESTED:
            yield from _boxes(data, start + head, min(start + size, end))
        start += size


@lru_cache(maxsize=256)
def _facts(path: Path, size: int, modified: int) -> Facts:
    data = path.read_bytes()
    duration, width, height = 0, None, None
    video, profile, audio = "", "", ""
    try:
        for kind, start, end in _boxes(data, 0, len(data)):
            if kind == b"mvhd":
                wide = data[start] == 1
                scale, length = struct.unpack_from(">IQ" if wide else ">II", data, start + (20 if wide else 12))
                duration = length * 1000 // scale if scale else 0
            elif kind == b"stsd":
                fourcc = bytes(data[start + 12 : start + 16])
                codec = _CODECS.get(fourcc, "")
                if codec == "aac":
                    audio = codec
                elif codec:
                    video = codec
                    width, height = struct.unpack_from(">HH", data, start + 40)
                    found = data.find(b"avcC", start, end)
                    profile = _PROFILES.get(data[found + 5], "") if found > 0 else ""
    except (struct.error, IndexError):
        return Facts()
    return Facts(duration, width, height, video, profile, audio)


def facts(path: Path) -> Facts:
    """What a file holds; all unknown when it is no MP4."""
    stat = path.stat()
    return _facts(path, stat.st_size, stat.st_mtime_ns)
