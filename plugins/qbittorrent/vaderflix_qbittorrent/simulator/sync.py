"""`sync/maindata`: everything once per session, from then on what changed since the answer the client had."""

from __future__ import annotations

from typing import Any

from . import rows
from .world import World

State = dict[str, Any]
MAPS = ("categories", "torrents", "trackers")
LAST_RID = 1_000_000


def state(world: World) -> State:
    """All that `sync/maindata` tells."""
    torrents: State = {}
    trackers: dict[str, list[str]] = {}
    for torrent in world.torrents.values():
        row = rows.info(world, torrent)
        torrents[row.pop("hash")] = row
        for url in torrent.trackers:
            trackers.setdefault(url, []).append(torrent.hash)
    return {
        "categories": {name: {"name": name, "savePath": path} for name, path in world.categories.items()},
        "server_state": rows.server_state(world),
        "tags": list(world.tags),
        "torrents": torrents,
        "trackers": trackers,
    }


def difference(before: State, after: State) -> State:
    """What changed, in the daemon's form: changed keys of maps, and lists of what is gone."""
    changes: State = {}
    for name in MAPS:
        changed = {}
        for key, value in after[name].items():
            old = before[name].get(key)
            if isinstance(value, dict) and isinstance(old, dict):
                part = {k: v for k, v in value.items() if k not in old or old[k] != v}
                if part:
                    changed[key] = part
            elif old != value:
                changed[key] = value
        changes[name] = changed
        changes[f"{name}_removed"] = [key for key in before[name] if key not in after[name]]
    changes["tags"] = [tag for tag in after["tags"] if tag not in before["tags"]]
    changes["tags_removed"] = [tag for tag in before["tags"] if tag not in after["tags"]]
    changes["server_state"] = {k: v for k, v in after["server_state"].items() if before["server_state"].get(k) != v}
    return {name: value for name, value in changes.items() if value}


class SyncSession:
    """What one client session has been told. The answer before the last is kept: it may have been lost on its way."""

    def __init__(self) -> None:
        self._last: tuple[int, State | None] = (0, None)
        self._accepted: tuple[int, State | None] = (0, None)

    def answer(self, world: World, rid: int) -> State:
        """The next answer to a client whose last one was `rid`."""
        now = state(world)
        base = None
        if rid and rid == self._last[0]:
            self._accepted, base = self._last, self._last[1]
        elif rid and rid == self._accepted[0]:
            base = self._accepted[1]
        number = self._last[0] % LAST_RID + 1
        self._last = (number, now)
        if base is not None:
            return {"rid": number, **difference(base, now)}
        full = {"rid": number, "full_update": True, **now}
        if world.dialect.stops:
            full = {name: value for name, value in full.items() if value or name not in ("torrents", "trackers")}
        return full
