"""Routes of playback: files, pictures, decisions, and what was watched."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .browsing import windowed
from .http import Answer, Call, Reply, Routes, nothing, refuse
from .nodes import Attrs, Node
from .render import bare, container, item_node, part_key
from .state import Item

if TYPE_CHECKING:
    from . import PlexSimulator

routes = Routes()
_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mkv": "video/x-matroska", ".webm": "video/webm"}
_PICTURE = re.compile(r"/library/metadata/(\d+)/(thumb|art)(?:/\d+)?")
WATCHED = 0.9


def _png(seed: int) -> bytes:
    """A picture of one colour, 2 by 3, for items that nobody drew a poster for."""
    row = b"\x00" + bytes([seed * 37 % 200, seed * 59 % 200, seed * 83 % 200]) * 2

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 2, 3, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * 3)) + chunk(b"IEND", b"")


def _item(sim: PlexSimulator, key: str) -> Item | None:
    key = key.rpartition("/")[2]
    return sim.state.items.get(int(key)) if key.isdigit() else None


@routes.on(r"/library/parts/(\d+)/(\d+)/file(\.\w+)")
def part(sim: PlexSimulator, call: Call, key: str, stamp: str, suffix: str) -> Answer:
    """The bytes of a file. A server that wants a decision first answers 503 without one."""
    item = _item(sim, key)
    if item is None or item.file is None or not item.file.exists() or part_key(item, item.file) != call.path:
        return refuse(404)
    if sim.require_decision and key not in sim.decided:
        return refuse(503)
    headers = {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "ETag": f'"{key}-{stamp}"', "X-Plex-Secret": "no"}
    return Reply(file=item.file, content_type=_TYPES.get(suffix, "application/octet-stream"), headers=headers)


@routes.on(r"/library/parts/(\d+)", "PUT")
def choose_streams(sim: PlexSimulator, call: Call, key: str) -> Answer:
    """Choose sound and subtitles: files here have one of each at most, so nothing changes."""
    return nothing() if _item(sim, key) else refuse(404)


@routes.on(r"/library/metadata/(\d+)/(thumb|art)(?:/\d+)?")
def picture(sim: PlexSimulator, call: Call, key: str, kind: str) -> Answer:
    """A poster, a still or a backdrop."""
    item = _item(sim, key)
    if item is None:
        return refuse(404)
    known = item.show.known
    wide = kind == "art" or item.type == "episode"
    file: Path | None = (known.still if wide else known.poster) if known else None
    if file is None or not file.exists():
        return Reply(body=_png(item.key), content_type="image/png")
    return Reply(body=file.read_bytes(), content_type="image/jpeg")


@routes.on(r"/photo/:/transcode")
def photo(sim: PlexSimulator, call: Call) -> Answer:
    """A picture through the resizer, which here keeps the size it has."""
    found = _PICTURE.fullmatch(urlsplit(call.query.get("url", "")).path)
    if not call.query.get("width", "").isdigit() or not call.query.get("height", "").isdigit():
        return refuse(400)
    if found is None or "://" in call.query.get("url", ""):
        return refuse(404)
    return picture(sim, call, found[1], found[2])


@routes.on(r"/video/:/transcode/universal/decision")
def decision(sim: PlexSimulator, call: Call) -> Answer:
    """Whether an item can be played as it is: all files of this world can."""
    item = _item(sim, call.query.get("path", ""))
    if item is None:
        return refuse(404)
    if not call.query.get("X-Plex-Client-Profile-Name"):
        return refuse(400)
    sim.decided.add(str(item.key))
    node = container(
        size=1,
        generalDecisionCode=1000,
        generalDecisionText="Direct play OK.",
        directPlayDecisionCode=1000,
        directPlayDecisionText="Direct play OK.",
        mdeDecisionCode=1000,
        mdeDecisionText="Direct play OK.",
    )
    return node.add(item_node(item, full=True))


@routes.on(r"/:/(scrobble|unscrobble)", "GET", "PUT")
def scrobble(sim: PlexSimulator, call: Call, verb: str) -> Answer:
    """Mark an item, and all below it, as watched or not. This writes no history."""
    item = _item(sim, call.query.get("key", ""))
    if item is None:
        return refuse(404)
    for each in item.leaves if item.children else [item]:
        each.view_count = each.view_count + 1 if verb == "scrobble" else 0
        each.view_offset = 0
        each.last_viewed_at = sim.clock() if verb == "scrobble" else 0
    return nothing()


@routes.on(r"/:/rate", "GET", "PUT")
def rate(sim: PlexSimulator, call: Call) -> Answer:
    """Rate an item, 0 to 10; -1 takes the rating away."""
    item = _item(sim, call.query.get("key", ""))
    if item is None:
        return refuse(404)
    rating = float(call.query.get("rating", "-1"))
    item.user_rating = rating if rating >= 0 else None
    return nothing()


@routes.on(r"/:/(?:timeline|progress)", "GET", "POST", "PUT")
def timeline(sim: PlexSimulator, call: Call) -> Answer:
    """How far a player is: this makes the session, remembers the place, and marks what is nearly seen as watched."""
    item = _item(sim, call.query.get("ratingKey") or call.query.get("key", ""))
    if item is None:
        return refuse(404)
    at, length = int(call.query.get("time", 0)), int(call.query.get("duration") or 0)
    if length and at > length:
        return refuse(400)
    state = call.query.get("state", "playing")
    player = call.said("X-Plex-Client-Identifier", "unknown")
    if at:
        item.view_offset, item.last_viewed_at = at, sim.clock()
    sim.sessions[player] = (item, state, at)
    if state == "stopped":
        del sim.sessions[player]
        if length and at >= WATCHED * length:
            item.view_count, item.view_offset = item.view_count + 1, 0
            sim.state.history.insert(0, (sim.clock(), item))
    payload = {"sessionKey": "1", "ratingKey": str(item.key), "viewOffset": at, "state": state, "guid": ""}
    sim.events.publish("playing", "PlaySessionStateNotification", payload)
    return bare()


@routes.on(r"/status/sessions")
def sessions(sim: PlexSimulator, call: Call) -> Answer:
    """What is being watched now."""
    node = bare(size=len(sim.sessions))
    for number, (player, (item, state, at)) in enumerate(sim.sessions.items(), 1):
        row = item_node(item, full=True)
        row.attrs |= {"sessionKey": str(number), "viewOffset": at}
        row.add(
            Node("User", {"id": "1", "thumb": "", "title": "owner"}),
            Node("Player", {"address": "127.0.0.1", "machineIdentifier": player, "local": True, "state": state,
                            "product": "Simulated", "title": player, "userID": 1, "platform": "Python"}),
            Node("Session", {"id": player, "bandwidth": 2000, "location": "lan"}),
        )  # fmt: skip
        node.add(row)
    return node


@routes.on(r"/status/sessions/terminate", "GET", "POST")
def terminate(sim: PlexSimulator, call: Call) -> Answer:
    """End a session."""
    return nothing() if sim.sessions.pop(call.query.get("sessionId", ""), None) else refuse(404)


@routes.on(r"/status/sessions/history/all")
def history(sim: PlexSimulator, call: Call) -> Answer:
    """What was watched to its end, newest first."""
    whens = iter(sim.state.history)

    def row(item: Item) -> Node:
        when, _ = next(whens)
        whole = item_node(item).attrs
        kept = ("ratingKey", "key", "parentRatingKey", "grandparentRatingKey", "title", "type", "thumb",
                "grandparentTitle", "index", "parentIndex", "originallyAvailableAt")  # fmt: skip
        attrs: Attrs = {name: whole[name] for name in kept if whole.get(name) is not None}
        more: Attrs = {"librarySectionID": item.section.key, "viewedAt": when, "accountID": 1, "deviceID": 1}
        return Node("Video", {"historyKey": f"/status/sessions/history/{when}", **attrs, **more})

    return windowed(sim, call, bare(), [item for _, item in sim.state.history], row)


@routes.on(r"/playQueues", "POST")
def play_queue(sim: PlexSimulator, call: Call) -> Answer:
    """A queue of one item."""
    item = _item(sim, call.query.get("uri", ""))
    if item is None:
        return refuse(404)
    node = container(
        size=1,
        playQueueID=1,
        playQueueSelectedItemID=1,
        playQueueSelectedItemOffset=0,
        playQueueSelectedMetadataItemID=str(item.key),
        playQueueShuffled=False,
        playQueueSourceURI=call.query.get("uri"),
        playQueueTotalCount=1,
        playQueueVersion=1,
    )
    row = item_node(item, full=True)
    row.attrs["playQueueItemID"] = 1
    return node.add(row)
