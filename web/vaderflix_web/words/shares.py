"""How far a share is, as a chip."""

from __future__ import annotations

from ..i18n import _
from .states import Chip


def share_chip(state: str) -> Chip:
    """The chip of a share's state."""
    known = {
        "wanted": ("clock", _("Waiting to be shared"), ""),
        "given_up": ("warn", _("Given up"), "warn"),
        "refused": ("warn", _("Refused there"), "warn"),
        "pending": ("mail", _("Invited, not accepted yet"), "busy"),
        "accepted": ("check", _("Shared"), "ok"),
        "suspended": ("pause", _("Suspended"), "warn"),
        "removed": ("x", _("Ended there"), "bad"),
    }
    icon, word, tint = known.get(state, ("info", _("Not known"), ""))
    return Chip(icon=icon, word=word, tint=tint)
