"""The calls that read torrents: lists, details, categories, tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import rows
from .http import Call, Route, not_found
from .torrent import SimTorrent

Test = Callable[[SimTorrent], bool]

CHECKING = {"checkingUP", "checkingDL", "checkingResumeData"}
ACTIVE = {"downloading", "forcedDL", "metaDL", "forcedMetaDL", "uploading", "forcedUP"}

FILTERS: dict[str, Test] = {
    "downloading": lambda t: not t.complete,
    "seeding": lambda t: t.complete and not t.paused,
    "completed": lambda t: t.complete,
    "active": lambda t: t.state in ACTIVE,
    "inactive": lambda t: t.state not in ACTIVE,
    "stalled": lambda t: t.state in {"stalledUP", "stalledDL"},
    "stalled_uploading": lambda t: t.state == "stalledUP",
    "stalled_downloading": lambda t: t.state == "stalledDL",
    "checking": lambda t: t.state in CHECKING,
    "moving": lambda t: t.state == "moving",
    "errored": lambda t: t.state in {"error", "missingFiles"},
}
PAUSE_FILTERS: dict[bool, dict[str, Test]] = {
    False: {"paused": lambda t: t.paused, "resumed": lambda t: not t.paused},
    True: {"stopped": lambda t: t.paused, "running": lambda t: not t.paused},
}


def torrent_of(call: Call) -> SimTorrent:
    """The torrent of a `hash` parameter."""
    (name,) = call.need("hash")
    torrent = call.world.torrents.get(name.lower())
    if torrent is None:
        raise not_found()
    return torrent


def _chosen(call: Call) -> list[SimTorrent]:
    """The torrents of the parameters; an unknown filter passes everything, as the daemon's does."""
    params, world = call.params, call.world
    wanted = params.get("filter", "")
    passes = {**FILTERS, **PAUSE_FILTERS[world.dialect.stops]}.get(wanted)
    hashes = params.get("hashes", "")
    torrents = world.pick(hashes) if hashes else list(world.torrents.values())
    return [
        torrent
        for torrent in torrents
        if (passes is None or passes(torrent))
        and ("category" not in params or torrent.category == params["category"])
        and ("tag" not in params or (params["tag"] in torrent.tags if params["tag"] else not torrent.tags))
    ]


def _info(call: Call) -> list[rows.Row]:
    found = [rows.info(call.world, torrent) for torrent in _chosen(call)]
    key = call.params.get("sort", "")
    if found and key in found[0]:
        found.sort(key=lambda row: (row[key] is not None, row[key]))
    if call.flag("reverse"):
        found.reverse()
    offset, limit = call.number("offset"), call.number("limit")
    if offset < 0:
        offset = max(0, len(found) + offset)
    return found[offset : offset + limit] if limit > 0 else found[offset:]


def _categories(call: Call) -> dict[str, Any]:
    return {name: {"name": name, "savePath": path} for name, path in call.world.categories.items()}


def _shared(call: Call, torrent: SimTorrent) -> bool:
    return call.world.shared(torrent) is not None


def _files(call: Call) -> list[rows.Row]:
    torrent = torrent_of(call)
    return rows.files(torrent, _shared(call, torrent))


def _trackers(call: Call) -> list[rows.Row]:
    torrent = torrent_of(call)
    return rows.trackers(torrent, _shared(call, torrent))


def _web_seeds(call: Call) -> list[rows.Row]:
    torrent_of(call)
    return []


def _limits(name: str) -> Route:
    def run(call: Call) -> dict[str, int]:
        (hashes,) = call.need("hashes")
        return {torrent.hash: getattr(torrent, name) for torrent in call.world.pick(hashes)}

    return Route(run=run)


ROUTES: dict[str, Route] = {
    "torrents/info": Route(run=_info),
    "torrents/count": Route(run=lambda call: str(len(call.world.torrents)), only="stops"),
    "torrents/properties": Route(run=lambda call: rows.properties(call.world, torrent_of(call))),
    "torrents/files": Route(run=_files),
    "torrents/trackers": Route(run=_trackers),
    "torrents/webseeds": Route(run=_web_seeds),
    "torrents/pieceStates": Route(run=lambda call: rows.piece_states(torrent_of(call))),
    "torrents/categories": Route(run=_categories),
    "torrents/tags": Route(run=lambda call: call.world.tags),
    "torrents/downloadLimit": _limits("dl_limit"),
    "torrents/uploadLimit": _limits("up_limit"),
}
