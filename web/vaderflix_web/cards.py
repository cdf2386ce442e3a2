"""Titles as cards: what a shelf, a grid or a row of results shows of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from vaderflix_core.api import MediaKind
from vaderflix_core.search.refs import ref_for

from .formats import runtime
from .i18n import _, ngettext
from .words.states import Chip

if TYPE_CHECKING:
    from vaderflix_core.host import Host
    from vaderflix_core.search.models import Held, Hit

KINDS = {"movie": MediaKind.MOVIE, "series": MediaKind.SERIES}


class Card(Struct, frozen=True, kw_only=True):
    """One title on a shelf. `watched` is a percentage; pictures are opaque image ids."""

    title: str
    href: str
    meta: str = ""
    poster: str | None = None
    still: str | None = None
    watched: float | None = None
    corner: Chip | None = None


def title_href(kind: MediaKind | str, ref: str) -> str:
    """The page of a title."""
    return f"/title/{kind}/{ref}" if ref else ""


def held_href(held: Held) -> str:
    """The page of a title in the library."""
    return title_href(held.item.kind, ref_for(held.item.kind, held.item.ids, held.id))


def kind_word(kind: MediaKind | str) -> str:
    """Film or series."""
    return _("Film") if kind == "movie" else _("Series")


def held_card(host: Host, held: Held) -> Card:
    """A title of the library as a card."""
    item = held.item
    parts = [str(item.year) if item.year else "", kind_word(item.kind)]
    return Card(
        title=item.title,
        href=held_href(held),
        meta=" · ".join(p for p in parts if p),
        poster=host.images.id_for(held.instance, item.poster),
        still=host.images.id_for(held.instance, item.backdrop),
    )


def hit_meta(hit: Hit) -> str:
    """The line under a result: year, kind, genre, length."""
    known = hit.held[0].item if hit.held else hit.candidates[0][1] if hit.candidates else None
    parts = [str(hit.year) if hit.year else "", kind_word(hit.kind)]
    if known is not None:
        parts.append(known.genres[0] if known.genres else "")
        if hit.kind == "movie":
            parts.append(runtime(known.runtime_minutes))
        elif known.seasons:
            count = sum(1 for s in known.seasons if s.number > 0)
            parts.append(ngettext("%(n)s season", "%(n)s seasons", count) % {"n": count})
    return " · ".join(p for p in parts if p)
