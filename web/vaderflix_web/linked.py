"""Accounts elsewhere that a person signs in with, as their security page shows them.

Each kind is shown by one small function; adding one here puts it on the page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from msgspec import Struct

from .auth import host_of
from .i18n import _

Req = Request[Any, Any, Any]


class LinkedAccount(Struct, frozen=True, kw_only=True):
    """A linked account: where it is, and its name there. A POST of `sent` to `unlink`, a path of ours, takes
    it away."""

    title: str
    label: str
    unlink: str
    sent: dict[str, str] = {}
    icon: str = "link"


class Linkable(Struct, frozen=True, kw_only=True):
    """A button that begins to link one; `href` is a path of ours."""

    label: str
    href: str
    icon: str = "link"


class Links(Struct, frozen=True, kw_only=True):
    """What the person has linked, and what they may link."""

    linked: list[LinkedAccount] = []
    linkable: list[Linkable] = []


async def _outside(request: Req) -> Links:
    identities = host_of(request).identities
    ways, linked = await identities.ways(), await identities.linked(request.user)
    names = {way.provider: way.name for way in ways}
    return Links(
        linked=[
            LinkedAccount(
                title=names.get(one.provider) or one.provider.rpartition(":")[2],
                label=one.label,
                unlink="/you/security/unlink",
                sent={"provider": one.provider, "subject": one.subject},
            )
            for one in linked
        ],
        linkable=[
            Linkable(label=_("Link %(name)s") % {"name": way.name}, href=f"/you/security/link/{way.id}") for way in ways
        ],
    )


SHOWN: tuple[Callable[[Req], Awaitable[Links]], ...] = (_outside,)


async def links_of(request: Req) -> Links:
    """All kinds together, for the person who is signed in."""
    found = [await show(request) for show in SHOWN]
    return Links(
        linked=[one for links in found for one in links.linked],
        linkable=[one for links in found for one in links.linkable],
    )
