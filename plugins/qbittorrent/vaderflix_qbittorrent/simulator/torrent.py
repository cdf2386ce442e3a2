"""One simulated torrent: what it is, how far it is, and where its bytes go."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field

CHECKING_SECONDS = 0.4
MOVING_SECONDS = 0.3


class ContentFile(Struct):
    """One file of the content. `path` starts with the torrent's root folder when there is one."""

    path: str
    size: int
    priority: int = 1


class SimTorrent(Struct, kw_only=True):
    """A torrent and its progress; sizes in bytes, times in Unix seconds, speeds in bytes per second."""

    hash: str
    infohash_v1: str
    infohash_v2: str = ""
    name: str
    magnet: str = ""
    files: list[ContentFile] = field(default_factory=list)  # empty until a magnet's metadata is there
    folder: str = ""  # the root folder of a torrent of several files
    piece_size: int = -1
    private: bool = False
    comment: str = ""
    created_by: str = ""
    creation_date: int = -1
    trackers: list[str] = field(default_factory=list)
    save_path: str
    category: str = ""
    tags: list[str] = field(default_factory=list)
    added_on: int
    completion_on: int | None = None
    last_activity: int = 0
    done: float = 0.0
    uploaded: int = 0
    speed: float = 0.0
    active: float = 0.0  # seconds spent downloading
    seeding: float = 0.0  # seconds spent complete and running
    paused: bool = False
    forced: bool = False
    queued: bool = False
    auto_tmm: bool = False
    sequential: bool = False
    first_last: bool = False
    dl_limit: int = 0
    up_limit: int = 0
    ratio_limit: float = -2
    seeding_time_limit: int = -2
    missing: bool = False
    errored: bool = False
    checking: float = 0.0  # seconds of it that are left
    moving: float = 0.0

    @property
    def has_metadata(self) -> bool:
        """Whether it is known what there is to download."""
        return bool(self.files)

    @property
    def total_size(self) -> int:
        """The size of all files."""
        return sum(file.size for file in self.files)

    @property
    def size(self) -> int:
        """The size of the files that are wanted."""
        return sum(file.size for file in self.files if file.priority)

    @property
    def complete(self) -> bool:
        """Whether all wanted bytes are there."""
        return self.has_metadata and int(self.done) >= self.size

    @property
    def progress(self) -> float:
        """From 0 to 1; while checking, how far that is."""
        if self.checking:
            return round(1 - self.checking / CHECKING_SECONDS, 6)
        return round(min(self.done / self.size, 1.0), 6) if self.size else 0.0

    @property
    def content_path(self) -> str:
        """The file, or the root folder of several; empty while it is not known."""
        if not self.has_metadata:
            return ""
        return str(Path(self.save_path) / (self.folder or self.files[0].path))

    @property
    def pieces(self) -> int:
        """How many pieces there are, -1 while that is not known."""
        return -(-self.total_size // self.piece_size) if self.has_metadata and self.piece_size > 0 else -1

    @property
    def state(self) -> str:
        """What it does, in the words of 4.x."""
        if self.errored:
            return "error"
        if self.missing:
            return "missingFiles"
        if self.moving:
            return "moving"
        if self.checking:
            return "checkingUP" if self.completion_on is not None else "checkingDL"
        if self.complete:
            return "pausedUP" if self.paused else "forcedUP" if self.forced else "stalledUP"
        if self.paused:
            return "pausedDL"
        if not self.has_metadata:
            return "forcedMetaDL" if self.forced else "metaDL"
        if self.forced:
            return "forcedDL"
        if self.queued:
            return "queuedDL"
        return "downloading" if self.speed else "stalledDL"

    @property
    def running(self) -> bool:
        """Whether it would move if somebody shared it."""
        stopped = self.paused or self.missing or self.errored or self.queued
        return not (stopped or self.checking or self.moving)

    def on_disk(self) -> bool:
        """Whether all its wanted files are where they should be, in full length."""
        return self.has_metadata and all(
            (Path(self.save_path) / file.path).is_file()
            and (Path(self.save_path) / file.path).stat().st_size == file.size
            for file in self.files
            if file.priority
        )

    def write(self, shared: Path) -> None:
        """Put the bytes of `shared`, one file after the other, where they belong."""
        with shared.open("rb") as source:
            for file in self.files:
                target = Path(self.save_path) / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                part = target.with_name(target.name + ".!qB")
                part.write_bytes(source.read(file.size))
                part.replace(target)

    def erase(self) -> None:
        """Delete its files, and its root folder when nothing else is in it."""
        for file in self.files:
            (Path(self.save_path) / file.path).unlink(missing_ok=True)
        folder = Path(self.save_path) / self.folder
        if self.folder and folder.is_dir():
            for below in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
                if not any(below.iterdir()):
                    below.rmdir()
            if not any(folder.iterdir()):
                folder.rmdir()
