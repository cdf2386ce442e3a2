"""The home page: go on where you stopped, what is new, what you asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from litestar import get

from vaderflix_core.access.models import Permission
from vaderflix_core.search.button import button as decide
from vaderflix_core.search.models import Availability

from ..auth import host_of
from ..cards import held_card
from ..page import Page, Req, page
from ..watching import Going, going_on
from ..words.buttons import Button, dressed
from .requests import request_row

if TYPE_CHECKING:
    from vaderflix_core.requests.models import Request
    from vaderflix_core.search.models import Held

SHELF, MINE = 24, 6


@get("/", opt={"permission": "browse"})
async def home(request: Req) -> Page:
    """The home page. The first thing to go on with is the hero; without one, the newest title is."""
    host, viewer = host_of(request), request.user
    recent, going, mine = await asyncio.gather(host.library.recent(SHELF), going_on(host, viewer), _mine(request))
    hero = going[0] if going else None
    newest = recent[0] if recent and hero is None else None
    rest: list[Going] = going[1:]
    return page(
        request,
        "home.html",
        hero=hero,
        newest=newest,
        newest_card=held_card(host, newest) if newest else None,
        going=[g.card for g in rest],
        recent=[held_card(host, held) for held in recent],
        mine=[request_row(request, r) for r in mine],
        empty=not recent,
        hero_button=_hero_button(request, hero, newest),
    )


def _hero_button(request: Req, hero: Going | None, newest: Held | None) -> Button | None:
    """The button of the hero: to go on with it, or to begin."""
    if hero is None and newest is None:
        return None
    decided = decide(
        availability=Availability.AVAILABLE,
        may_play=request.user.may(Permission.PLAY),
        may_request=False,
        known=False,
        position=hero.watched.position if hero else None,
    )
    return dressed(decided, player=hero.watched.href if hero else f"/watch/{newest.id}" if newest else "")


async def _mine(request: Req) -> list[Request]:
    viewer = request.user
    if "request" not in viewer.permissions:
        return []
    found = await host_of(request).requests.list(viewer, scope="mine", limit=MINE)
    return [r for r in found if r.state != "cancelled"]


HANDLERS = [home]
