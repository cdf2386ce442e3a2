"""Torrents and the daemon's state, written as the Web API writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..wire import ETA_UNKNOWN
from .torrent import SimTorrent
from .world import World

Row = dict[str, Any]

ROUTES = ("** [DHT] **", "** [PeX] **", "** [LSD] **")
WORKING, NOT_CONTACTED, DISABLED = 2, 1, 0
DONE_PIECE, MISSING_PIECE = 2, 0


def number(value: float) -> float | int:
    """A figure as the daemon's JSON has it: whole ones without a fraction."""
    return int(value) if float(value).is_integer() else value


def _eta(torrent: SimTorrent) -> int:
    left = torrent.size - torrent.done
    return min(int(left / torrent.speed), ETA_UNKNOWN) if torrent.speed and left > 0 else ETA_UNKNOWN


def magnet_uri(world: World, torrent: SimTorrent) -> str:
    """The magnet link of a torrent."""
    uri = f"magnet:?xt=urn:btih:{torrent.hash}&dn={quote(torrent.name)}"
    if world.dialect.stops and torrent.has_metadata:
        uri += f"&xl={torrent.total_size}"
    for tracker in torrent.trackers:
        text = quote(tracker, safe="")
        uri += "&tr=" + (text if world.dialect.stops else text.lower())
    return uri


def _place(world: World, torrent: SimTorrent) -> int:
    """Its place in the queue from 1, 0 for what does not queue."""
    if not world.queueing or torrent.complete:
        return 0
    return 1 + [t.hash for t in world.torrents.values() if not t.complete].index(torrent.hash)


def info(world: World, torrent: SimTorrent) -> Row:
    """A row of `torrents/info`."""
    dialect, shared = world.dialect, world.shared(torrent) is not None
    left = max(0, torrent.size - int(torrent.done))
    finished = torrent.completion_on if torrent.completion_on is not None else dialect.never
    tracker = torrent.trackers[0] if torrent.trackers and (shared or dialect.stops) else ""
    row: Row = {
        "added_on": torrent.added_on,
        "amount_left": left,
        "auto_tmm": torrent.auto_tmm,
        "availability": -1 if torrent.complete or torrent.paused else int(shared),
        "category": torrent.category,
        "completed": int(torrent.done),
        "completion_on": finished,
        "content_path": torrent.content_path,
        "dl_limit": torrent.dl_limit,
        "dlspeed": int(torrent.speed),
        "download_path": "",
        "downloaded": int(torrent.done),
        "downloaded_session": int(torrent.done),
        "eta": _eta(torrent),
        "f_l_piece_prio": torrent.first_last,
        "force_start": torrent.forced,
        "hash": torrent.hash,
        "infohash_v1": torrent.infohash_v1,
        "infohash_v2": torrent.infohash_v2,
        "last_activity": torrent.last_activity,
        "magnet_uri": magnet_uri(world, torrent),
        "max_ratio": -1,
        "max_seeding_time": -1,
        "name": torrent.name,
        "num_complete": int(shared and not torrent.complete),
        "num_incomplete": 0,
        "num_leechs": 0,
        "num_seeds": int(torrent.speed > 0),
        "priority": _place(world, torrent),
        "progress": number(torrent.progress),
        "ratio": number(torrent.uploaded / torrent.size) if torrent.size else 0,
        "ratio_limit": number(torrent.ratio_limit),
        "save_path": torrent.save_path,
        "seeding_time": int(torrent.seeding),
        "seeding_time_limit": torrent.seeding_time_limit,
        "seen_complete": torrent.last_activity if shared else dialect.never,
        "seq_dl": torrent.sequential,
        "size": torrent.size,
        "state": dialect.word(torrent.state),
        "super_seeding": False,
        "tags": ", ".join(torrent.tags),
        "time_active": int(torrent.active + torrent.seeding),
        "total_size": torrent.total_size if torrent.has_metadata else -1,
        "tracker": tracker,
        "trackers_count": len(torrent.trackers),
        "up_limit": torrent.up_limit,
        "uploaded": torrent.uploaded,
        "uploaded_session": torrent.uploaded,
        "upspeed": 0,
    }
    if dialect.stops:
        row |= {
            "comment": torrent.comment,
            "has_metadata": torrent.has_metadata,
            "inactive_seeding_time_limit": -2,
            "max_inactive_seeding_time": -1,
            "popularity": 0,
            "private": torrent.private if torrent.has_metadata else None,
            "reannounce": 0,
            "root_path": str(Path(torrent.save_path) / torrent.folder) if torrent.folder else "",
        }
    return row


def properties(world: World, torrent: SimTorrent) -> Row:
    """The answer of `torrents/properties`."""
    shared = world.shared(torrent) is not None
    elapsed = int(torrent.active + torrent.seeding)
    row: Row = {
        "addition_date": torrent.added_on,
        "comment": torrent.comment,
        "completion_date": torrent.completion_on if torrent.completion_on is not None else -1,
        "created_by": torrent.created_by,
        "creation_date": torrent.creation_date,
        "dl_limit": torrent.dl_limit or -1,
        "dl_speed": int(torrent.speed),
        "dl_speed_avg": int(torrent.done / torrent.active) if torrent.active >= 1 else 0,
        "download_path": "",
        "eta": _eta(torrent),
        "hash": torrent.hash,
        "infohash_v1": torrent.infohash_v1,
        "infohash_v2": torrent.infohash_v2,
        "is_private": torrent.private,
        "last_seen": torrent.last_activity if shared else -1,
        "name": torrent.name,
        "nb_connections": int(torrent.speed > 0),
        "nb_connections_limit": 100,
        "peers": 0,
        "peers_total": 0,
        "piece_size": torrent.piece_size,
        "pieces_have": sum(state == DONE_PIECE for state in piece_states(torrent)),
        "pieces_num": torrent.pieces,
        "reannounce": 0,
        "save_path": torrent.save_path,
        "seeding_time": int(torrent.seeding),
        "seeds": int(torrent.speed > 0),
        "seeds_total": int(shared),
        "share_ratio": number(torrent.uploaded / torrent.size) if torrent.size else 0,
        "time_elapsed": elapsed,
        "total_downloaded": int(torrent.done),
        "total_downloaded_session": int(torrent.done),
        "total_size": torrent.total_size if torrent.has_metadata else -1,
        "total_uploaded": torrent.uploaded,
        "total_uploaded_session": torrent.uploaded,
        "total_wasted": 0,
        "up_limit": torrent.up_limit or -1,
        "up_speed": 0,
        "up_speed_avg": 0,
    }
    if world.dialect.stops:
        row |= {
            "has_metadata": torrent.has_metadata,
            "popularity": 0,
            "private": torrent.private if torrent.has_metadata else None,
            "progress": number(torrent.progress),
        }
    return row


def piece_states(torrent: SimTorrent) -> list[int]:
    """The answer of `torrents/pieceStates`."""
    if torrent.pieces < 0:
        return []
    have = int(torrent.progress * torrent.pieces)
    return [DONE_PIECE] * have + [MISSING_PIECE] * (torrent.pieces - have)


def files(torrent: SimTorrent, shared: bool) -> list[Row]:
    """The answer of `torrents/files`."""
    rows, start = [], 0
    for index, file in enumerate(torrent.files):
        last = max(start, start + file.size - 1)
        rows.append(
            {
                "availability": -1 if torrent.complete else int(shared),
                "index": index,
                "is_seed": torrent.complete,
                "name": file.path,
                "piece_range": [start // torrent.piece_size, last // torrent.piece_size],
                "priority": file.priority,
                "progress": number(torrent.progress),
                "size": file.size,
            }
        )
        if index:
            del rows[-1]["is_seed"]
        start += file.size
    return rows


def trackers(torrent: SimTorrent, shared: bool) -> list[Row]:
    """The answer of `torrents/trackers`: three sources of peers that are no trackers come first."""
    known = dict.fromkeys(("num_downloaded", "num_leeches", "num_peers", "num_seeds"), 0)
    rows: list[Row] = [{"msg": "", **known, "status": DISABLED, "tier": -1, "url": url} for url in ROUTES]
    for tier, url in enumerate(torrent.trackers):
        figures = {**known, "num_seeds": 1} if shared else dict.fromkeys(known, -1)
        rows.append({"msg": "", **figures, "status": WORKING if shared else NOT_CONTACTED, "tier": tier, "url": url})
    return rows


def transfer(world: World) -> Row:
    """The answer of `transfer/info`."""
    row: Row = {
        "connection_status": world.connection_status,
        "dht_nodes": 0,
        "dl_info_data": int(world.session_downloaded),
        "dl_info_speed": int(sum(torrent.speed for torrent in world.torrents.values())),
        "dl_rate_limit": world.preferences.get("dl_limit", 0),
        "up_info_data": 0,
        "up_info_speed": 0,
        "up_rate_limit": world.preferences.get("up_limit", 0),
    }
    if world.dialect.stops:
        row |= {"last_external_address_v4": "", "last_external_address_v6": ""}
    return row


def server_state(world: World) -> Row:
    """The `server_state` of `sync/maindata`."""
    row = {
        **transfer(world),
        "alltime_dl": world.alltime_downloaded,
        "alltime_ul": 0,
        "average_time_queue": 0,
        "free_space_on_disk": world.free(),
        "global_ratio": "0.00" if world.alltime_downloaded else "-",
        "queued_io_jobs": 0,
        "queueing": world.queueing,
        "read_cache_hits": "0",
        "read_cache_overload": "0",
        "refresh_interval": world.all_preferences()["refresh_interval"],
        "total_buffers_size": 0,
        "total_peer_connections": sum(torrent.speed > 0 for torrent in world.torrents.values()),
        "total_queued_size": 0,
        "total_wasted_session": 0,
        "use_alt_speed_limits": world.alternative_limits,
        "write_cache_overload": "0",
    }
    if world.dialect.stops:
        row["use_subcategories"] = False
    return row


def log_rows(world: World, after: int) -> list[Row]:
    """The answer of `log/main`."""
    entries = enumerate(world.log)
    return [{"id": i, "message": text, "timestamp": at, "type": 1} for i, (at, text) in entries if i > after]
