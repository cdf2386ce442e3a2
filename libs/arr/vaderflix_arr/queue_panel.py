"""The dashboard's card of a service's queue: what needs a person first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from vaderflix_core.api import Panel, Reason

from .service import ArrService
from .transfers import Phase, Transfer, transfers

MOST = 8
ORDER = (Phase.BLOCKED, Phase.FAILED, Phase.HALTED, Phase.DONE, Phase.MOVING, Phase.WAITING)
HALTS = {Reason.PAUSED: "Paused", Reason.STALLED: "Stalled", Reason.DISK_FULL: "Disk full"}


class Chip(Struct, frozen=True, kw_only=True):
    """What a row says of its state: a word, an icon, a tint and perhaps a figure."""

    word: str
    icon: str
    tint: str = ""
    figure: str = ""


class Row(Struct, frozen=True, kw_only=True):
    """One download."""

    name: str
    chip: Chip
    left: int
    evidence: str


class Queue(Struct, frozen=True, kw_only=True):
    """The rows shown, and how many more there are."""

    rows: list[Row]
    more: int


def chip(transfer: Transfer) -> Chip:
    """A download's state in a word."""
    if transfer.phase is Phase.MOVING:
        done = 100 * (transfer.size - transfer.left) / transfer.size if transfer.size else 0
        return Chip(word="Downloading", icon="down", tint="busy", figure=f"{done:.0f}\u00a0%")
    if transfer.phase is Phase.DONE:
        return Chip(word="Importing", icon="spin", tint="busy")
    if transfer.phase is Phase.BLOCKED:
        return Chip(word="Import blocked", icon="warn", tint="warn")
    if transfer.phase is Phase.FAILED:
        return Chip(word="Failed", icon="warn", tint="bad")
    if transfer.phase is Phase.HALTED:
        word = HALTS.get(transfer.reason, "Halted") if transfer.reason else "Halted"
        return Chip(word=word, icon="pause" if transfer.reason is Reason.PAUSED else "warn", tint="warn")
    return Chip(word="Waiting", icon="clock")


def queue_panel(service: ArrService[Any]) -> Panel:
    """The card of a service; its template is `queue.html` of the plugin."""
    return Panel(
        id="queue", title=f"Queue of {service.instance.name}", template="queue.html", data=_reader(service), every=15.0
    )


def _reader(service: ArrService[Any]) -> Callable[[], Awaitable[Queue]]:
    async def read() -> Queue:
        snapshot = await service.snapshots.read()
        found = sorted(transfers(snapshot.queue, service.instance.now()), key=lambda t: (ORDER.index(t.phase), t.name))
        rows = [Row(name=t.name, chip=chip(t), left=t.left, evidence=t.evidence) for t in found[:MOST]]
        return Queue(rows=rows, more=max(0, len(found) - MOST))

    return read
