"""What an invitation gives and how it stands, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaderflix_core.access.models import Permission as P

from ..i18n import _, ngettext
from .states import Chip

if TYPE_CHECKING:
    from collections.abc import Collection

    from vaderflix_core.access.promises import Promise
    from vaderflix_core.store.invites import Invite


def shared(promise: Promise) -> str:
    """The libraries of one source: `Films, Series`, or how many there are while their names are not known."""
    names = list(promise.titles)
    if promise.unnamed:
        more = ngettext("%(n)s library", "%(n)s libraries", promise.unnamed)
        if names:
            more = ngettext("%(n)s library more", "%(n)s libraries more", promise.unnamed)
        names.append(more % {"n": promise.unnamed})
    return ", ".join(names)


def gifts(permissions: Collection[P], promises: Collection[Promise] = ()) -> list[tuple[str, str, str]]:
    """What somebody with these rights, and with these libraries elsewhere, gets: an icon, what, and how."""
    found = [("film", _("Films and series"), _("All that are here, to search and to play in the browser"))]
    found += [
        (
            "tv",
            _("%(libraries)s in %(name)s") % {"libraries": shared(promise), "name": promise.name},
            _("Shared with your own account there, for its apps"),
        )
        for promise in promises
    ]
    if P.REQUEST_MOVIE in permissions or P.REQUEST_SERIES in permissions:
        kinds = {
            (True, True): _("Films and series that are missing"),
            (True, False): _("Films that are missing"),
        }.get((P.REQUEST_MOVIE in permissions, P.REQUEST_SERIES in permissions), _("Series that are missing"))
        found.append(("plus", _("Ask for more"), kinds))
    if {P.MANAGE_REQUESTS, P.MANAGE_USERS, P.SETTINGS} & set(permissions):
        found.append(("pulse", _("Look after the house"), _("With the pages for admins")))
    found.append(("lock", _("Your own place"), _("Only admins can see what is playing")))
    return found


def invite_chip(state: str) -> Chip:
    """The chip of an invitation's state."""
    return {
        "open": Chip(_("Open"), "check", "ok"),
        "resting": Chip(_("Rests"), "pause"),
        "used": Chip(_("Used up"), "users"),
        "revoked": Chip(_("Revoked"), "x"),
        "expired": Chip(_("Expired"), "clock"),
        "lapsed": Chip(_("Its maker may not give this any more"), "x"),
    }[state]


def request_chip(state: str) -> Chip:
    """The chip of a request for access."""
    return {
        "pending": Chip(_("Waits for an answer"), "clock", "warn"),
        "approved": Chip(_("Approved"), "check", "ok"),
        "rejected": Chip(_("Rejected"), "x"),
    }[state]


def uses_left(invite: Invite) -> str:
    """How often the link still works: `Works once`, `2 of 5 uses left`."""
    left = invite.uses - invite.used
    if invite.uses == 1:
        return _("Works once")
    return ngettext("%(n)s of %(all)s use left", "%(n)s of %(all)s uses left", left) % {"n": left, "all": invite.uses}
