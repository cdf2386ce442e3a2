"""`torrents/add`: files and magnet links, in the old and the new way of answering."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import msgspec

from ..infohash import NotTorrent, magnet_hashes
from .http import JSON, Answer, Call, Problem, Route, conflict
from .torrent import SimTorrent
from .world import parse_torrent


def _magnet(link: str, save_path: str) -> SimTorrent | None:
    """A magnet link as a torrent whose content is not known yet."""
    names = magnet_hashes(link)
    if not names:
        return None
    query = parse_qs(urlsplit(link).query)
    return SimTorrent(
        hash=names[0],
        infohash_v1=names[-1],
        name=query.get("dn", [names[0]])[0],
        magnet=link,
        trackers=query.get("tr", []),
        save_path=save_path,
        added_on=int(time.time()),
        last_activity=int(time.time()),
    )


def _save_path(call: Call) -> str:
    """Where the content goes: as asked, or where the category says when management is automatic."""
    of_category = call.world.categories.get(call.params.get("category", ""), "")
    if call.flag("autoTMM") and of_category:
        return of_category
    return call.params.get("savepath") or str(call.world.save_path)


def _prepare(call: Call, torrent: SimTorrent) -> SimTorrent:
    params = call.params
    torrent.category = params.get("category", "")
    torrent.tags = sorted(tag.strip() for tag in params.get("tags", "").split(",") if tag.strip())
    torrent.paused = bool(call.flag("stopped" if call.world.dialect.stops else "paused"))
    torrent.auto_tmm = bool(call.flag("autoTMM"))
    torrent.sequential = bool(call.flag("sequentialDownload"))
    torrent.first_last = bool(call.flag("firstLastPiecePrio"))
    torrent.dl_limit, torrent.up_limit = call.number("dlLimit"), call.number("upLimit")
    if params.get("rename"):
        torrent.name = params["rename"]
    return torrent


def _add(call: Call) -> object:
    path, offered = _save_path(call), list[SimTorrent]()
    pending = failed = 0
    for name, data in call.files:
        try:
            offered.append(parse_torrent(data, save_path=path))
        except NotTorrent:
            raise Problem(415, f"Error: '{name}' is not a valid torrent file.") from None
    for link in call.params.get("urls", "").splitlines():
        torrent = _magnet(link.strip(), path)
        if torrent is not None:
            offered.append(torrent)
        elif link.strip().startswith(("http://", "https://")):
            pending += 1  # fetched later; nobody is told when that fails
        elif link.strip():
            failed += 1
    added = []
    for torrent in offered:
        if call.world.add(_prepare(call, torrent), skip_checking=bool(call.flag("skip_checking"))):
            added.append(torrent.hash)
        else:
            failed += 1
    if not call.world.dialect.modern:
        return "Ok." if added or pending else "Fails."
    if not added and not pending:
        raise conflict("No torrent was added")
    counts = {"success_count": len(added), "failure_count": failed, "pending_count": pending}
    body = msgspec.json.encode({**counts, "added_torrent_ids": added}, order="sorted")
    return Answer(status=202 if pending else 200, content_type=JSON, body=body)


ROUTES: dict[str, Route] = {"torrents/add": Route(run=_add, post=True)}
