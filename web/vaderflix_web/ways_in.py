"""The ways in that a visitor can choose from, on the sign-in page and on an invitation.

Each way is offered by one small function; adding one here puts it on both pages. With an invitation, the way leads to
making an account; without, to signing in to one that is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from vaderflix_core.store.invites import Invite

from .i18n import _

if TYPE_CHECKING:
    from vaderflix_core.host import Host


class WayIn(Struct, frozen=True, kw_only=True):
    """One button: its words, its icon, and the page of ours that it leads to. With `sent` the button sends that there
    as a form, for ways that begin something. `only_for` says who it is for, when that is not everybody. With a `site`
    it needs passkeys: only a browser that has them there shows it."""

    label: str
    icon: str
    href: str
    sent: dict[str, str] | None = None
    only_for: str = ""
    site: str = ""


class Invited(Struct, frozen=True):
    """An invitation, its code, and the origin that it was opened at."""

    code: str
    invite: Invite
    site: str


Offer = Callable[["Host", Invited | None], Awaitable[list[WayIn]]]


async def _password(host: Host, invited: Invited | None) -> list[WayIn]:
    if invited is None:
        return []  # the sign-in page has the fields themselves
    return [WayIn(label=_("Use a password"), icon="lock", href=f"/invite/{invited.code}/password")]


async def _passkey(host: Host, invited: Invited | None) -> list[WayIn]:
    if invited is None:
        return []  # the sign-in page has a button of its own
    return [WayIn(label=_("Use a passkey"), icon="key", href=f"/invite/{invited.code}/passkey", site=invited.site)]


async def _outside(host: Host, invited: Invited | None) -> list[WayIn]:
    found = []
    for way in await host.identities.ways():
        # a source lets in whom it is shared with, or is going to be by this invitation
        barred = invited is not None and way.waits and not invited.invite.libraries.get(way.id)
        only_for = _("For people who can see this house's %(name)s already.") % {"name": way.name} if barred else ""
        found.append(
            WayIn(
                label=_("Sign in with %(name)s") % {"name": way.name},
                icon="user",
                href=f"/signin/with/{way.id}",
                sent={"code": invited.code} if invited else {},
                only_for=only_for,
            )
        )
    return found


# in the order of the buttons
OFFERS: tuple[Offer, ...] = (_outside, _password, _passkey)


async def ways_in(host: Host, invited: Invited | None = None) -> list[WayIn]:
    """The ways that are open now, with an invitation or for signing in; those that are not for everybody come last."""
    ways = [way for offer in OFFERS for way in await offer(host, invited)]
    return sorted(ways, key=lambda way: bool(way.only_for))
