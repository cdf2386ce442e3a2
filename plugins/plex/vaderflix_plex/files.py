"""Which of Plex's files today's browsers play as they are, and in words why the others do not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from vaderflix_core.api import Playable, Rejected

from . import wire

_REF = re.compile(
    r"([0-9]{1,18}):([0-9]{1,3}):([0-9]{1,3}):(/library/parts/[0-9]+/[0-9]+/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9]+)?)"
)

VIDEO = {"h264": "H.264", "avc": "H.264", "avc1": "H.264", "vp8": "VP8", "vp9": "VP9", "av1": "AV1"}
AUDIO = {"aac", "mp3", "opus", "vorbis", "flac"}
# What each container may hold for a browser to take it
CONTAINERS = {
    "mp4": ({"h264", "avc", "avc1", "vp9", "av1"}, {"aac", "mp3", "opus", "flac"}),
    "m4v": ({"h264", "avc", "avc1", "vp9", "av1"}, {"aac", "mp3", "opus", "flac"}),
    "mov": ({"h264", "avc", "avc1"}, {"aac", "mp3"}),
    "webm": ({"vp8", "vp9", "av1"}, {"opus", "vorbis"}),
}
_NAMES = {
    "mkv": "Matroska", "avi": "AVI", "mpegts": "MPEG-TS", "wmv": "Windows Media",
    "hevc": "HEVC", "h265": "HEVC", "mpeg4": "MPEG-4 ASP", "mpeg2video": "MPEG-2", "vc1": "VC-1",
    "ac3": "Dolby Digital", "eac3": "Dolby Digital Plus", "dca": "DTS", "dts": "DTS", "truehd": "Dolby TrueHD",
}  # fmt: skip


class Ref(NamedTuple):
    """One file: the item it belongs to, which version and which part of it, and where its bytes are."""

    item: str
    media: int
    part: int
    path: str


def parse_ref(ref: str) -> Ref:
    """A reference that `playables` gave out. Raises `Rejected` for any other text."""
    found = _REF.fullmatch(ref)
    if not found:
        raise Rejected("This is no file of this library.")
    return Ref(found[1], int(found[2]), int(found[3]), found[4])


def named(code: str) -> str:
    """A container's or codec's name as people write it."""
    return _NAMES.get(code) or VIDEO.get(code) or code.upper()


def container_of(media: wire.Media, part: wire.Part | None) -> str:
    """The container of a version, in lower case."""
    return (media.container or (part.container if part else "")).lower()


def obstacle(media: wire.Media, parts: tuple[wire.Part, ...]) -> str:
    """Why a browser cannot play a version as it is; empty when nothing is known against it."""
    if not parts or not parts[0].key:
        return "Plex names no file for it."
    if any(part.exists is False or part.accessible is False for part in parts):
        return "Plex cannot reach the file now."
    if len(parts) > 1:
        return f"It is split into {len(parts)} files."
    container = container_of(media, parts[0])
    video, audio = media.video_codec.lower(), media.audio_codec.lower()
    if container not in CONTAINERS:
        return (
            f"Browsers do not open {named(container)} files." if container else "Plex has not looked into the file yet."
        )
    videos, audios = CONTAINERS[container]
    if not video:
        return "Plex has not looked into the file yet."
    if video not in videos:
        return f"Browsers do not play {named(video)} pictures in this kind of file."
    profile = media.video_profile.lower()
    if VIDEO[video] == "H.264" and ("10" in profile or "4:2:2" in profile or "4:4:4" in profile):
        return f"Browsers do not play H.264 pictures of the profile {media.video_profile}."
    if audio and audio not in audios:
        return f"Browsers do not play {named(audio)} sound."
    return ""


def playables(item: wire.Metadata) -> list[Playable]:
    """All versions of an item: those that play as they are first, the largest first, Plex's own small ones last."""
    found = []
    for number, media in enumerate(wire.many(item.media)):
        parts = wire.many(media.part)
        why_not = "Its file is gone from the disk." if item.deleted_at else obstacle(media, parts)
        milliseconds = media.duration or (parts[0].duration if parts else None) or item.duration
        playable = Playable(
            ref=f"{item.key}:{number}:0:{parts[0].key if parts else ''}",
            container=container_of(media, parts[0] if parts else None),
            video_codec=media.video_codec,
            audio_codec=media.audio_codec,
            width=media.width,
            height=media.height,
            duration=milliseconds / 1000 if milliseconds else None,
            size=_size(parts),
            direct=not why_not,
            why_not=why_not,
        )
        found.append((bool(why_not), media.optimised, -(media.height or 0), playable))
    found.sort(key=lambda each: each[:3])
    return [each[3] for each in found]


def _size(parts: Iterable[wire.Part]) -> int | None:
    """The bytes of all parts together, unless one is unknown."""
    sizes = [part.size for part in parts]
    return sum(size for size in sizes if size is not None) if sizes and None not in sizes else None
