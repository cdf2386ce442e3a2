"""Items as the server words them: rows of a listing, and in full."""

from __future__ import annotations

import zlib
from pathlib import Path

from .mp4 import facts
from .nodes import Attrs, Node, Value
from .state import Item, Section

TAG_VERSION = 1_700_000_000
_ELEMENTS = {"movie": "Video", "episode": "Video", "show": "Directory", "season": "Directory"}
_FANART = {"movie": "/:/resources/movie-fanart.jpg", "show": "/:/resources/show-fanart.jpg"}


def container(**attrs: Value | None) -> Node:
    """A `MediaContainer` with what all library answers say."""
    return Node(
        "MediaContainer",
        {
            "size": 0,
            "allowSync": True,
            "identifier": "com.plexapp.plugins.library",
            "mediaTagPrefix": "/system/bundle/media/flags/",
            "mediaTagVersion": TAG_VERSION,
            **attrs,
        },
    )


def bare(**attrs: Value | None) -> Node:
    """A `MediaContainer` that says nothing but what it is given."""
    return Node("MediaContainer", {"size": 0, **attrs})


def of_section(section: Section, **attrs: Value | None) -> Node:
    """A container of items of one library."""
    return container(
        librarySectionID=int(section.key),
        librarySectionTitle=section.title,
        librarySectionUUID=section.uuid,
        **attrs,
    )


def section_node(section: Section) -> Node:
    """A library and its folders."""
    node = Node(
        "Directory",
        {
            "allowSync": True,
            "art": _FANART[section.type],
            "composite": f"/library/sections/{section.key}/composite/{section.scanned_at}",
            "filters": True,
            "refreshing": section.refreshing,
            "thumb": f"/:/resources/{section.type}.png",
            "key": section.key,
            "type": section.type,
            "title": section.title,
            "agent": section.agent,
            "scanner": section.scanner,
            "language": "en-US",
            "uuid": section.uuid,
            "updatedAt": section.scanned_at,
            "createdAt": section.created_at,
            "scannedAt": section.scanned_at,
            "content": True,
            "directory": True,
            "contentChangedAt": section.content_changed_at,
            "hidden": 0,
        },
    )
    return node.add(Node("Location", {"id": int(section.key), "path": str(section.folder)}))


def art(item: Item, kind: str) -> str:
    """A picture's key; the number at its end changes with the item."""
    return f"/library/metadata/{item.key}/{kind}/{item.updated_at}"


def tag_id(kind: str, tag: str) -> int:
    """A stable number for a genre and the like."""
    return zlib.crc32(f"{kind}/{tag}".encode()) % 100_000


def _own(item: Item) -> Attrs:
    show, known = item.show, item.show.known
    children = "/children" if item.type in ("show", "season") else ""
    leaves = item.leaves
    runtime = known.runtime_minutes * 60_000 if known else None
    attrs: Attrs = {
        "ratingKey": str(item.key),
        "key": f"/library/metadata/{item.key}{children}",
        "guid": item.guid,
        "studio": (known.studio or None) if known and item.type != "season" else None,
        "type": item.type,
        "title": item.title,
        "titleSort": item.sort_title if item.sort_title != item.title else None,
        "editionTitle": item.edition or None,
        "originalTitle": item.original_title or None,
        "contentRating": (known.certification or None) if known and item.type != "season" else None,
        "summary": item.summary,
        "index": item.index,
        "rating": known.rating if known and item.type in ("movie", "show") else None,
        "audienceRating": known.rating if known and item.type in ("movie", "show") else None,
        "userRating": item.user_rating,
        "viewCount": item.view_count or None,
        "viewOffset": item.view_offset or None,
        "lastViewedAt": item.last_viewed_at or None,
        "year": item.year,
        "thumb": art(item, "thumb"),
        "art": art(show, "art"),
        "duration": runtime if item.type != "season" else None,
        "originallyAvailableAt": item.air_date
        or (f"{item.year}-01-01" if item.year and item.type != "season" else None),
    }
    if item.type in ("show", "season"):
        attrs |= {"leafCount": len(leaves), "viewedLeafCount": sum(1 for leaf in leaves if leaf.view_count)}
    if item.type == "show":
        attrs["childCount"] = len(item.children)
    return attrs | {"addedAt": item.added_at, "updatedAt": item.updated_at}


def _above(item: Item) -> Attrs:
    attrs: Attrs = {}
    for prefix, above in (("parent", item.parent), ("grandparent", item.parent.parent if item.parent else None)):
        if above is None:
            continue
        attrs |= {
            f"{prefix}RatingKey": str(above.key),
            f"{prefix}Guid": above.guid,
            f"{prefix}Key": f"/library/metadata/{above.key}",
            f"{prefix}Title": above.title,
            f"{prefix}Thumb": art(above, "thumb"),
        }
    if item.parent is not None:
        attrs |= {"parentIndex": item.parent.index, "parentYear": item.show.year}
    if item.type == "episode":
        attrs["grandparentArt"] = art(item.show, "art")
    return attrs


def _resolution(height: int | None) -> str:
    for least, name in ((1600, "4k"), (900, "1080"), (650, "720"), (540, "576"), (400, "480")):
        if (height or 0) >= least:
            return name
    return "sd"


def part_key(item: Item, file: Path) -> str:
    """Where the bytes of an item's file are."""
    return f"/library/parts/{item.key}/{int(file.stat().st_mtime)}/file{file.suffix.lower()}"


def media_node(item: Item, file: Path, *, streams: bool) -> Node:
    """The version of an item with its file, as the server found it."""
    found, box = facts(file), file.suffix.lower().lstrip(".")
    common: Attrs = {"duration": found.duration or None, "container": box}
    media = Node(
        "Media",
        {
            "id": item.key,
            **common,
            "bitrate": file.stat().st_size * 8 // found.duration if found.duration else None,
            "width": found.width,
            "height": found.height,
            "aspectRatio": round(found.width / found.height, 2) if found.width and found.height else None,
            "audioChannels": 1 if found.audio_codec else None,
            "audioCodec": found.audio_codec or None,
            "videoCodec": found.video_codec or None,
            "videoResolution": _resolution(found.height),
            "videoFrameRate": "24p",
            "videoProfile": found.video_profile or None,
        },
    )
    part = Node(
        "Part",
        {
            "id": item.key,
            "key": part_key(item, file),
            **common,
            "file": item.path,
            "size": file.stat().st_size,
            "videoProfile": found.video_profile or None,
        },
    )
    kinds = ((1, found.video_codec), (2, found.audio_codec)) if streams else ()
    for number, codec in kinds:
        if codec:
            size: Attrs = {"width": found.width, "height": found.height} if number == 1 else {"channels": 1}
            base: Attrs = {
                "id": item.key * 10 + number, "streamType": number, "default": True, "codec": codec,
                "index": number - 1, "displayTitle": codec.upper(), "extendedDisplayTitle": codec.upper(),
            }  # fmt: skip
            part.add(Node("Stream", {**base, **size, "selected": True if number == 2 else None}))
    return media.add(part)


def item_node(item: Item, *, full: bool = False, guids: bool = False, leave_out: frozenset[str] = frozenset()) -> Node:
    """An item: a row of a listing, or in full with streams and its library. `leave_out` names elements and fields."""
    attrs = {**_own(item), **_above(item)}
    if full:
        section = item.section
        attrs |= {
            "librarySectionTitle": section.title,
            "librarySectionID": int(section.key),
            "librarySectionKey": f"/library/sections/{section.key}",
        }
    node = Node(_ELEMENTS[item.type], {k: v for k, v in attrs.items() if k not in leave_out})
    if item.file is not None and item.file.exists():
        node.add(media_node(item, item.file, streams=full))
    known = item.known
    for genre in known.genres if known else ():
        number = tag_id("genre", genre)
        filter_: Attrs = {"id": number, "filter": f"genre={number}"} if full else {}
        node.add(Node("Genre", {**filter_, "tag": genre}))
    if full or guids:
        node.add(*(Node("Guid", {"id": guid}) for guid in item.guids))
    node.children = [child for child in node.children if child.tag not in leave_out]
    return node
