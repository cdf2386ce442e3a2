"""The dashboard's table of containers: those in trouble first, with their last words."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from vaderflix_core.api import NotFound, Panel, ServiceError

from .health import DockerHealth
from .view import Seen

LINES = 5
LISTENED_TO = 4  # containers whose log is read for one refresh


class Chip(Struct, frozen=True, kw_only=True):
    """A state as an icon of the product's set, a word and a tint (ok, busy, warn, bad or none)."""

    word: str
    icon: str
    tint: str = ""
    figure: str = ""


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table. `lines` are the last of its log, for a container in trouble."""

    name: str
    image: str
    status: str
    chip: Chip
    cpu: float | None
    memory: int | None
    limit: int | None
    restarts: int
    cpu_history: tuple[float, ...]
    memory_history: tuple[int, ...]
    lines: tuple[str, ...] = ()


def containers_panel(health: DockerHealth) -> Panel:
    """The panel of one engine."""

    async def data() -> list[Row]:
        seen = await health.view.read()
        rows = [(one, chip(one)) for one in seen]
        troubled = [one for one, shown in rows if shown.tint == "bad"][:LISTENED_TO]
        said = await asyncio.gather(*(_last_words(health, one) for one in troubled))
        words = {one.container.id: lines for one, lines in zip(troubled, said, strict=True)}
        order = {"bad": 0, "warn": 1}
        rows.sort(key=lambda pair: order.get(pair[1].tint, 2))
        return [_row(one, shown, words.get(one.container.id, ())) for one, shown in rows]

    return Panel(id="containers", title="Containers", template="containers.html", data=data, wide=True)


def chip(seen: Seen) -> Chip:
    """A container's state in one or two words."""
    container, state = seen.container, seen.record.state
    if state.oom_killed and state.status != "running":
        return Chip(word="Out of memory", icon="x", tint="bad")
    if seen.looping:
        return Chip(word="Restarting", icon="refresh", tint="bad")
    if container.state == "paused":
        return Chip(word="Paused", icon="pause", tint="warn")
    if container.state == "created":
        return Chip(word="Never started", icon="circle")
    if container.state != "running":
        return Chip(word="Stopped", icon="stop", tint="bad" if state.exit_code not in (0, 130, 137, 143) else "")
    by_health = {
        "healthy": Chip(word="Healthy", icon="check", tint="ok"),
        "starting": Chip(word="Starting", icon="spin", tint="busy"),
        "unhealthy": Chip(word="Unhealthy", icon="warn", tint="bad"),
    }
    return by_health.get(container.health, Chip(word="Running", icon="check", tint="ok"))


async def _last_words(health: DockerHealth, seen: Seen) -> tuple[str, ...]:
    try:
        return tuple(line.text for line in await health.view.engine.logs(seen.record, LINES))
    except NotFound:
        return ()
    except ServiceError as error:
        return (error.message,)


def _row(seen: Seen, shown: Chip, lines: tuple[str, ...]) -> Row:
    container = seen.container
    return Row(
        name=container.name,
        image=container.image,
        status=container.status,
        chip=shown,
        cpu=container.cpu_percent,
        memory=container.memory,
        limit=container.memory_limit,
        restarts=container.restarts,
        cpu_history=seen.cpu,
        memory_history=seen.memory,
        lines=lines,
    )
