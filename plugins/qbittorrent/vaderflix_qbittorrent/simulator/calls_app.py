"""The calls about the daemon itself: app, transfer, log and sync."""

from __future__ import annotations

from typing import Any

import msgspec

from . import rows
from .http import Call, Route, bad_request, not_found


def _preferences(call: Call) -> dict[str, Any]:
    return call.world.all_preferences()


def _set_preferences(call: Call) -> None:
    (text,) = call.need("json")
    try:
        wanted = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise bad_request() from None
    known = call.world.all_preferences()
    call.world.preferences.update({name: value for name, value in wanted.items() if name in known})
    call.world.save_path.mkdir(parents=True, exist_ok=True)
    call.world.save()


def _build_info(call: Call) -> dict[str, Any]:
    built: dict[str, Any] = {
        "bitness": 64,
        "boost": "1.74.0",
        "libtorrent": "2.0.8.0",
        "openssl": "3.0.19",
        "qt": "5.15.8",
        "zlib": "1.2.13",
    }
    return {**built, "platform": "linux"} if call.world.dialect.stops else built


def _limit(name: str) -> tuple[Route, Route]:
    """Reading and setting one of the two speed limits, in bytes per second."""

    def read(call: Call) -> str:
        return str(call.world.preferences.get(name, 0))

    def write(call: Call) -> None:
        call.need("limit")
        call.world.preferences[name] = max(0, call.number("limit"))
        call.world.save()

    return Route(run=read), Route(run=write, post=True)


def _toggle(call: Call) -> None:
    call.world.alternative_limits = not call.world.alternative_limits


def _peers(call: Call) -> dict[str, Any]:
    (name,) = call.need("hash")
    torrent = call.world.torrents.get(name.lower())
    if torrent is None:
        raise not_found()
    peers = {}
    if torrent.speed:
        peers["127.0.0.1:38301"] = {
            "client": "qBittorrent/4.5.2",
            "connection": "BT",
            "country": "N/A",
            "country_code": "",
            "dl_speed": int(torrent.speed),
            "downloaded": int(torrent.done),
            "files": "",
            "flags": "D E",
            "flags_desc": "D = Interested (local) and unchoked (peer)\nE = Encrypted traffic",
            "ip": "127.0.0.1",
            "peer_id_client": "-qB4520-",
            "port": 38301,
            "progress": 1,
            "relevance": 1,
            "up_speed": 0,
            "uploaded": 0,
        }
    return {"full_update": True, "peers": peers, "rid": 1, "show_flags": True}


_DOWN, _SET_DOWN = _limit("dl_limit")
_UP, _SET_UP = _limit("up_limit")

ROUTES: dict[str, Route] = {
    "app/version": Route(run=lambda call: call.world.dialect.app),
    "app/webapiVersion": Route(run=lambda call: call.world.dialect.api),
    "app/buildInfo": Route(run=_build_info),
    "app/preferences": Route(run=_preferences),
    "app/setPreferences": Route(run=_set_preferences, post=True),
    "app/defaultSavePath": Route(run=lambda call: str(call.world.save_path)),
    "app/networkInterfaceList": Route(run=lambda call: [{"name": "lo", "value": "lo"}]),
    "transfer/info": Route(run=lambda call: rows.transfer(call.world)),
    "transfer/speedLimitsMode": Route(run=lambda call: str(int(call.world.alternative_limits))),
    "transfer/toggleSpeedLimitsMode": Route(run=_toggle, post=True),
    "transfer/downloadLimit": _DOWN,
    "transfer/setDownloadLimit": _SET_DOWN,
    "transfer/uploadLimit": _UP,
    "transfer/setUploadLimit": _SET_UP,
    "log/main": Route(run=lambda call: rows.log_rows(call.world, call.number("last_known_id", -1))),
    "log/peers": Route(run=lambda call: []),
    "sync/maindata": Route(run=lambda call: call.sync.answer(call.world, call.number("rid"))),
    "sync/torrentPeers": Route(run=_peers),
}
