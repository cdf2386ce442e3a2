"""The ways in that a visitor can choose from, on the sign-in page and on an invitation.

Each way is offered by one small function; adding one here puts it on both pages. With an invitation's code, the way
leads to making an account; without, to signing in to one that is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from .i18n import _

if TYPE_CHECKING:
    from vaderflix_core.host import Host


class WayIn(Struct, frozen=True, kw_only=True):
    """One button: its words, its icon, and the page of ours that it leads to. With `sent` the button sends that there
    as a form, for ways that begin something."""

    label: str
    icon: str
    href: str
    sent: dict[str, str] | None = None


Offer = Callable[["Host", str], Awaitable[list[WayIn]]]


async def _password(host: Host, code: str) -> list[WayIn]:
    if not code:
        return []  # the sign-in page has the fields themselves
    return [WayIn(label=_("Use a password"), icon="mail", href=f"/invite/{code}/password")]


async def _outside(host: Host, code: str) -> list[WayIn]:
    return [
        WayIn(
            label=_("Sign in with %(name)s") % {"name": way.name},
            icon="user",
            href=f"/signin/with/{way.id}",
            sent={"code": code} if code else {},
        )
        for way in await host.identities.ways()
    ]


# in the order of the buttons
OFFERS: tuple[Offer, ...] = (_outside, _password)


async def ways_in(host: Host, code: str = "") -> list[WayIn]:
    """The ways that are open now; `code` is an invitation's, or empty for signing in."""
    return [way for offer in OFFERS for way in await offer(host, code)]
