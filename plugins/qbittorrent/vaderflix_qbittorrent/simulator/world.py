"""The simulated daemon: its torrents, how they move as time passes, and what it remembers over a restart."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from ..infohash import read_torrent, torrent_hashes
from .dialects import Dialect
from .torrent import CHECKING_SECONDS, MOVING_SECONDS, ContentFile, SimTorrent

METADATA_SECONDS = 1.5
RAMP = 0.3  # the part of a download during which its speed still grows
START = 0.2  # how fast it starts, against its full speed
PIECE = 64 * 1024
SAVE_EVERY = 5.0


class Saved(Struct):
    """What is in the file."""

    torrents: list[SimTorrent] = field(default_factory=list)
    categories: dict[str, str] = field(default_factory=dict)  # name -> save path
    tags: list[str] = field(default_factory=list)
    preferences: dict[str, Any] = field(default_factory=dict)  # those that were set
    downloaded: int = 0


class World:
    """All that the daemon knows. `advance()` moves everything to now; it is called before each answer."""

    def __init__(self, folder: Path, swarm: Path, dialect: Dialect) -> None:
        self.dialect = dialect
        self.swarm = swarm
        self.seconds_per_download = 25.0
        self.connection_status = "connected"
        self.free_space: int | None = None  # None: what the disk says
        self.alternative_limits = False
        self.session_downloaded = 0.0
        self.log: list[tuple[int, str]] = [(int(time.time()), f"qBittorrent {dialect.app} started")]
        self._file = folder / "state.json"
        self._at = self._saved_at = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        saved = msgspec.json.decode(self._file.read_bytes(), type=Saved) if self._file.exists() else Saved()
        self.torrents = {torrent.hash: torrent for torrent in saved.torrents}  # in the order of the queue
        self.categories, self.tags, self.preferences = saved.categories, saved.tags, saved.preferences
        self.preferences.setdefault("save_path", str(folder / "downloads"))
        self.alltime_downloaded = saved.downloaded
        self.save_path.mkdir(parents=True, exist_ok=True)
        for torrent in self.torrents.values():
            torrent.missing = torrent.completion_on is not None and not torrent.on_disk()

    @property
    def save_path(self) -> Path:
        """The default save path."""
        return Path(self.preferences["save_path"])

    def all_preferences(self) -> dict[str, Any]:
        """Every preference."""
        return {**self.dialect.load_preferences(), "queueing_enabled": False, **self.preferences}

    @property
    def queueing(self) -> bool:
        """Whether only so many torrents may be active at once."""
        return bool(self.preferences.get("queueing_enabled", False))

    def free(self) -> int:
        """Free bytes of the default save path."""
        return shutil.disk_usage(self.save_path).free if self.free_space is None else self.free_space

    def save(self) -> None:
        """Write everything to the file."""
        saved = Saved(
            torrents=list(self.torrents.values()),
            categories=self.categories,
            tags=self.tags,
            preferences=self.preferences,
            downloaded=self.alltime_downloaded,
        )
        part = self._file.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(saved))
        part.replace(self._file)
        self._saved_at = time.monotonic()

    def pick(self, hashes: str) -> list[SimTorrent]:
        """The torrents of a `hashes` parameter; unknown ones are passed over, as the daemon does."""
        if hashes == "all":
            return list(self.torrents.values())
        return [self.torrents[h] for h in hashes.lower().split("|") if h in self.torrents]

    def shared(self, torrent: SimTorrent) -> Path | None:
        """The file that somebody shares for it, if anybody does."""
        path = self.swarm / torrent.hash
        if not path.is_file():
            return None
        return path if not torrent.has_metadata or path.stat().st_size == torrent.total_size else None

    def advance(self) -> None:
        """Let everything happen that would have happened since the last call."""
        now = time.monotonic()
        passed, self._at = now - self._at, now
        self._queue()
        for torrent in self.torrents.values():
            self._move(torrent, passed)
        if now - self._saved_at > SAVE_EVERY:
            self.save()

    def _queue(self) -> None:
        waiting = [t for t in self.torrents.values() if t.has_metadata and not t.complete and not t.forced]
        allowed = int(self.all_preferences()["max_active_downloads"]) if self.queueing else len(waiting)
        for torrent in waiting:
            torrent.queued = not torrent.paused and allowed <= 0
            allowed -= not torrent.paused

    def _move(self, torrent: SimTorrent, passed: float) -> None:
        torrent.speed = 0.0
        if torrent.moving:
            torrent.moving = max(0.0, torrent.moving - passed)
        elif torrent.checking:
            torrent.checking = max(0.0, torrent.checking - passed)
            if not torrent.checking:
                torrent.done = torrent.size if torrent.on_disk() else 0
                torrent.active = 0.0
                if torrent.complete and torrent.completion_on is None:
                    torrent.completion_on = int(time.time())
        elif not torrent.running:
            return
        elif torrent.complete:
            torrent.seeding += passed
        else:
            shared = self.shared(torrent)
            if shared is not None:
                torrent.active += passed
                self._receive(torrent, shared, passed)

    def _receive(self, torrent: SimTorrent, shared: Path, passed: float) -> None:
        torrent.last_activity = int(time.time())
        if not torrent.has_metadata:
            if torrent.active >= min(METADATA_SECONDS, self.seconds_per_download / 5):
                torrent.files = [ContentFile(torrent.name, shared.stat().st_size)]
                torrent.piece_size = PIECE
                torrent.active = 0.0
            return
        grown = min(1.0, START + torrent.active / self.seconds_per_download / RAMP)
        # the last part only makes the figure tremble as a real one does; it evens out
        full = torrent.size / self.seconds_per_download / (1 - RAMP * (1 - START) ** 2 / 2)
        torrent.speed = full * grown * (1 + 0.12 * math.sin(torrent.active * 1.9))
        if torrent.dl_limit:
            torrent.speed = min(torrent.speed, torrent.dl_limit)
        arrived = min(torrent.speed * passed, torrent.size - torrent.done)
        torrent.done += arrived
        self.session_downloaded += arrived
        self.alltime_downloaded += int(arrived)
        if torrent.size - torrent.done < 1:
            torrent.write(shared)
            torrent.done, torrent.speed = float(torrent.size), 0.0
            torrent.completion_on = int(time.time())
            self.save()

    def add(self, torrent: SimTorrent, *, skip_checking: bool = False) -> bool:
        """Take a new torrent. False when it is there already."""
        if torrent.hash in self.torrents:
            return False
        if torrent.on_disk():
            if skip_checking:
                torrent.done, torrent.completion_on = float(torrent.size), int(time.time())
            else:
                torrent.checking = CHECKING_SECONDS
        self.torrents[torrent.hash] = torrent
        if torrent.category:
            self.categories.setdefault(torrent.category, "")
        self.tags = sorted({*self.tags, *torrent.tags})
        self.log.append((int(time.time()), f'Added new torrent. Torrent: "{torrent.name}"'))
        self.save()
        return True

    def remove(self, torrents: Iterable[SimTorrent], *, with_files: bool) -> None:
        """Forget torrents."""
        for torrent in torrents:
            del self.torrents[torrent.hash]
            if with_files:
                torrent.erase()
        self.save()

    def recheck(self, torrent: SimTorrent) -> None:
        """Look at its files again."""
        torrent.missing = torrent.errored = False
        torrent.done, torrent.checking = 0.0, CHECKING_SECONDS

    def relocate(self, torrent: SimTorrent, folder: Path) -> None:
        """Move its files to another folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in torrent.files:
            source = Path(torrent.save_path) / file.path
            if source.is_file() and folder != Path(torrent.save_path):
                (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(source, folder / file.path)
        torrent.save_path, torrent.moving = str(folder), MOVING_SECONDS

    def reorder(self, hashes: str, *, top: bool) -> None:
        """Move torrents to one end of the queue, keeping their order."""
        chosen = {torrent.hash: torrent for torrent in self.pick(hashes)}
        others = {key: value for key, value in self.torrents.items() if key not in chosen}
        self.torrents = {**chosen, **others} if top else {**others, **chosen}
        self.save()


def parse_torrent(data: bytes, *, save_path: str) -> SimTorrent:
    """A .torrent file as a torrent. Raises `NotTorrent`."""
    meta, _ = read_torrent(data)
    names = torrent_hashes(data)
    info = meta[b"info"]
    name = info[b"name"].decode(errors="replace")
    if b"files" in info:
        parts = [("/".join(p.decode(errors="replace") for p in f[b"path"]), f[b"length"]) for f in info[b"files"]]
        files = [ContentFile(f"{name}/{path}", size) for path, size in parts]
    else:
        files = [ContentFile(name, info.get(b"length", 0))]
    tiers = meta.get(b"announce-list") or ([[meta[b"announce"]]] if b"announce" in meta else [])
    return SimTorrent(
        hash=names[0],
        infohash_v1=names[-1],
        name=name,
        files=files,
        folder=name if b"files" in info else "",
        piece_size=info[b"piece length"],
        private=info.get(b"private") == 1,
        comment=meta.get(b"comment", b"").decode(errors="replace"),
        created_by=meta.get(b"created by", b"").decode(errors="replace"),
        creation_date=meta.get(b"creation date", -1),
        trackers=[url.decode(errors="replace") for tier in tiers for url in tier],
        save_path=save_path,
        added_on=int(time.time()),
        last_activity=int(time.time()),
    )
