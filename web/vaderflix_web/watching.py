"""How far a viewer is with what they watch, as the pages need it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from vaderflix_core.playback.service import begun
from vaderflix_core.search.button import Position as Stopped

from .cards import Card, held_card, held_href
from .formats import duration
from .i18n import _

if TYPE_CHECKING:
    from vaderflix_core.access.models import User
    from vaderflix_core.host import Host
    from vaderflix_core.search.models import Held, Hit
    from vaderflix_core.store.positions import Position


class Watched(Struct, frozen=True, kw_only=True):
    """Where a viewer goes on, and how far they are."""

    href: str
    position: Stopped


class Going(Struct, frozen=True, kw_only=True):
    """Something begun: its card, the title's page, and where it goes on."""

    card: Card
    details: str
    overview: str
    watched: Watched


_EPISODE = re.compile(r"^S(\d+) E(\d+)")


def watch_href(held: Held, label: str = "") -> str:
    """The player for a film, for an episode named by a position's label, or for a series at its next episode."""
    match = _EPISODE.match(label)
    return f"/watch/{held.id}/{match[1]}/{match[2]}" if match else f"/watch/{held.id}"


def episode_label(season: int, number: int, title: str = "") -> str:
    """`S1 E5 Twelve Hours to Live`: how positions and pages name an episode."""
    return f"S{season} E{number} {title}".strip()


def episode_of(label: str) -> str:
    """`S1 E5` of a position's label; empty for a film's."""
    match = _EPISODE.match(label)
    return match[0] if match else ""


def watched_from(held: Held, position: Position) -> Watched:
    """A position as the button takes it."""
    return Watched(
        href=watch_href(held, position.label),
        position=Stopped(
            left_seconds=max(0.0, position.duration - position.seconds),
            percent=100 * position.seconds / position.duration if position.duration else None,
            episode=episode_of(position.label),
        ),
    )


async def watched_of(host: Host, viewer: User, hit: Hit) -> tuple[str, Watched | None]:
    """Where to play a title of the library, and where its viewer stopped."""
    held = hit.held[0]
    if "play" not in viewer.permissions:
        return watch_href(held), None
    for position in await host.playback.positions(viewer, held):
        if begun(position):
            return watch_href(held), watched_from(held, position)
    return watch_href(held), None


async def going_on(host: Host, viewer: User) -> list[Going]:
    """What the viewer has begun, newest first."""
    if "play" not in viewer.permissions:
        return []
    found = []
    for entry in await host.playback.continue_watching(viewer):
        held, position = entry.held, entry.position
        watched = watched_from(held, position)
        stopped = watched.position
        left = _("%(time)s left") % {"time": duration(stopped.left_seconds)}
        card = msgspec.structs.replace(
            held_card(host, held),
            href=watched.href,
            meta=f"{stopped.episode} · {left}" if stopped.episode else left,
            watched=stopped.percent,
        )
        found.append(Going(card=card, details=held_href(held), overview=_short(held.item.overview), watched=watched))
    return found


def _short(text: str, limit: int = 160) -> str:
    """The first sentences of a text, whole words."""
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0].rstrip(",;:") + "…"
