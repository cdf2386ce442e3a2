"""The calls that change torrents, categories and tags."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .calls_read import torrent_of
from .http import Call, Route, bad_request, conflict
from .torrent import SimTorrent

QUEUEING_OFF = "Torrent queueing must be enabled"
NO_CATEGORY = "Incorrect category name"


def _each(change: Callable[[Call, SimTorrent], object], *needs: str, only: str = "") -> Route:
    """A call that does one thing to each torrent of `hashes`; unknown ones are passed over in silence."""

    def run(call: Call) -> None:
        hashes, *_ = call.need("hashes", *needs)
        for torrent in call.world.pick(hashes):
            change(call, torrent)
        call.world.save()

    return Route(run=run, post=True, only=only)


def _set(name: str, read: Callable[[Call], Any], *needs: str) -> Route:
    return _each(lambda call, torrent: setattr(torrent, name, read(call)), *needs)


def _pause(call: Call, torrent: SimTorrent) -> None:
    torrent.paused, torrent.forced = True, False


def _resume(call: Call, torrent: SimTorrent) -> None:
    torrent.paused = torrent.errored = False


def _force(call: Call, torrent: SimTorrent) -> None:
    torrent.forced = bool(call.flag("value"))
    if torrent.forced:
        torrent.paused = torrent.queued = False


def _delete(call: Call) -> None:
    hashes, _ = call.need("hashes", "deleteFiles")
    call.world.remove(call.world.pick(hashes), with_files=bool(call.flag("deleteFiles")))


def _order(*, top: bool) -> Route:
    def run(call: Call) -> None:
        (hashes,) = call.need("hashes")
        if not call.world.queueing:
            raise conflict(QUEUEING_OFF)
        call.world.reorder(hashes, top=top)

    return Route(run=run, post=True)


def _move(call: Call) -> None:
    hashes, location = call.need("hashes", "location")
    if not location.strip():
        raise bad_request("Save path cannot be empty")
    for torrent in call.world.pick(hashes):
        call.world.relocate(torrent, Path(location.strip()))
    call.world.save()


def _rename(call: Call) -> None:
    _, name = call.need("hash", "name")
    torrent = torrent_of(call)
    if not name.strip():
        raise conflict("Incorrect torrent name")
    torrent.name = name.strip()
    call.world.save()


def _create_category(call: Call) -> None:
    (name,) = call.need("category")
    if not name or name.startswith("/") or name.endswith("/") or "//" in name or "\\" in name:
        raise conflict(NO_CATEGORY)
    if name in call.world.categories:
        raise conflict("Unable to create category")
    call.world.categories[name] = call.params.get("savePath", "")
    call.world.save()


def _edit_category(call: Call) -> None:
    name, path = call.need("category", "savePath")
    if name not in call.world.categories:
        raise conflict("Unable to edit category")
    call.world.categories[name] = path
    call.world.save()


def _remove_categories(call: Call) -> None:
    (names,) = call.need("categories")
    for name in names.splitlines():
        call.world.categories.pop(name, None)
        for torrent in call.world.torrents.values():
            if torrent.category == name:
                torrent.category = ""
    call.world.save()


def _set_category(call: Call) -> None:
    hashes, name = call.need("hashes", "category")
    if name and name not in call.world.categories:
        raise conflict(NO_CATEGORY)
    for torrent in call.world.pick(hashes):
        torrent.category = name
    call.world.save()


def _names(text: str) -> set[str]:
    return {name.strip() for name in text.split(",") if name.strip()}


def _add_tags(call: Call) -> None:
    hashes, tags = call.need("hashes", "tags")
    call.world.tags = sorted({*call.world.tags, *_names(tags)})
    for torrent in call.world.pick(hashes):
        torrent.tags = sorted({*torrent.tags, *_names(tags)})
    call.world.save()


def _remove_tags(call: Call) -> None:
    (hashes,) = call.need("hashes")
    tags = _names(call.params.get("tags", ""))
    for torrent in call.world.pick(hashes):
        torrent.tags = sorted(set(torrent.tags) - tags) if tags else []
    call.world.save()


def _create_tags(call: Call) -> None:
    (tags,) = call.need("tags")
    call.world.tags = sorted({*call.world.tags, *_names(tags)})
    call.world.save()


def _delete_tags(call: Call) -> None:
    (tags,) = call.need("tags")
    call.world.tags = [tag for tag in call.world.tags if tag not in _names(tags)]
    for torrent in call.world.torrents.values():
        torrent.tags = [tag for tag in torrent.tags if tag in call.world.tags]
    call.world.save()


def _add_peers(call: Call) -> dict[str, Any]:
    hashes, peers = call.need("hashes", "peers")
    good = [peer for peer in peers.split("|") if peer.rpartition(":")[2].isdigit() and "." in peer]
    if not good:
        raise bad_request("No valid peers were specified")
    figures = {"added": len(good), "failed": len(peers.split("|")) - len(good)}
    return {torrent.hash: figures for torrent in call.world.pick(hashes)}


ROUTES: dict[str, Route] = {
    "torrents/pause": _each(_pause, only="pauses"),
    "torrents/resume": _each(_resume, only="pauses"),
    "torrents/stop": _each(_pause, only="stops"),
    "torrents/start": _each(_resume, only="stops"),
    "torrents/setForceStart": _each(_force, "value"),
    "torrents/recheck": _each(lambda call, torrent: call.world.recheck(torrent)),
    "torrents/reannounce": _each(lambda call, torrent: None),
    "torrents/delete": Route(run=_delete, post=True),
    "torrents/topPrio": _order(top=True),
    "torrents/bottomPrio": _order(top=False),
    "torrents/setLocation": Route(run=_move, post=True),
    "torrents/rename": Route(run=_rename, post=True),
    "torrents/setDownloadLimit": _set("dl_limit", lambda call: max(0, call.number("limit")), "limit"),
    "torrents/setUploadLimit": _set("up_limit", lambda call: max(0, call.number("limit")), "limit"),
    "torrents/setAutoManagement": _set("auto_tmm", lambda call: bool(call.flag("enable")), "enable"),
    "torrents/createCategory": Route(run=_create_category, post=True),
    "torrents/editCategory": Route(run=_edit_category, post=True),
    "torrents/removeCategories": Route(run=_remove_categories, post=True),
    "torrents/setCategory": Route(run=_set_category, post=True),
    "torrents/addTags": Route(run=_add_tags, post=True),
    "torrents/removeTags": Route(run=_remove_tags, post=True),
    "torrents/createTags": Route(run=_create_tags, post=True),
    "torrents/deleteTags": Route(run=_delete_tags, post=True),
    "torrents/addPeers": Route(run=_add_peers, post=True),
}
