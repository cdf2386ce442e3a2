"""Search results as rows: each with its one honest button."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from vaderflix_core.access.models import Permission
from vaderflix_core.api import Quality
from vaderflix_core.failures import Failure
from vaderflix_core.requests.service import may_ask
from vaderflix_core.search.button import button as decide
from vaderflix_core.search.models import Availability

from .auth import host_of
from .cards import hit_meta, title_href
from .i18n import _
from .watching import watched_of
from .words.buttons import Button, dressed, plain

if TYPE_CHECKING:
    from litestar import Request as HttpRequest

    from vaderflix_core.access.models import User
    from vaderflix_core.host import Host
    from vaderflix_core.requests.models import Request
    from vaderflix_core.search.models import Hit


class Row(Struct, frozen=True, kw_only=True):
    """One result. `said` is the line that tells how it stands."""

    ref: str
    title: str
    href: str
    poster: str | None
    meta: str
    said: str
    button: Button


def owned(viewer: User, request: Request) -> bool:
    """Whether this person may open the request's page."""
    return request.user_id == viewer.id or "requests.manage" in viewer.permissions


async def open_request(host: Host, hit: Hit, quality: Quality = Quality.STANDARD) -> Request | None:
    """The request under way for such a copy of a title; None as well when its ids are not enough to tell."""
    try:
        return await host.requests.open_for(hit.kind, hit.ids, quality)
    except Failure:
        return None


async def hit_button(host: Host, viewer: User, hit: Hit) -> tuple[Button, Request | None]:
    """The button of a title, and the request under way for it, where that is what it speaks of.

    It is about the standard copy: a request in 4K never stands in its way.
    """
    here = hit.availability in (Availability.AVAILABLE, Availability.PARTLY)
    player, watched = await watched_of(host, viewer, hit) if here else ("", None)
    request = None if here else await open_request(host, hit)
    title = title_href(hit.kind, hit.ref)
    decided = decide(
        availability=hit.availability,
        may_play=viewer.may(Permission.PLAY),
        may_request=may_ask(viewer, hit.kind),
        known=hit.requestable and host.requests.offers(hit.kind),
        position=watched.position if watched else None,
        request=request.state if request else None,
        percent=request.percent if request else None,
    )
    button = dressed(
        decided,
        player=watched.href if watched else player,
        request=f"/requests/{request.id}" if request and owned(viewer, request) else title,
        ask=f"{title}/request",
    )
    return button, request


def _said(hit: Hit, request: Request | None, viewer: User) -> str:
    if request is not None:
        if request.user_id == viewer.id:
            return _("You asked for it")
        return _("Already on its way: %(name)s asked for it") % {"name": request.username}
    return {
        "available": _("In the library"),
        "partly": _("Partly in the library"),
        "absent": _("Not in the library yet"),
    }.get(str(hit.availability), _("Not known yet whether the library has it"))


async def rows(http: HttpRequest[Any, Any, Any], hits: Sequence[Hit], *, first_primary: bool = True) -> list[Row]:
    """The hits as rows; only the first may carry the primary button."""
    host, viewer = host_of(http), http.user
    buttons = await asyncio.gather(*(hit_button(host, viewer, hit) for hit in hits))
    made = []
    for place, (hit, (button, request)) in enumerate(zip(hits, buttons, strict=True)):
        made.append(
            Row(
                ref=hit.ref,
                title=hit.title,
                href=title_href(hit.kind, hit.ref),
                poster=hit.poster,
                meta=hit_meta(hit),
                said=_said(hit, request, viewer),
                button=button if place == 0 and first_primary else plain(button),
            )
        )
    return made
