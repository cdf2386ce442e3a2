"""The words, the look and the address of the one honest button. What it is, `vaderflix_core.search.button` decides."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from vaderflix_core.search import button as core
from vaderflix_core.search.button import ButtonKind, Target

from ..formats import duration, percent
from ..i18n import _


class Button(Struct, frozen=True, kw_only=True):
    """`look` is primary, plain, skeleton or denied; `fill` is a percentage drawn inside the button."""

    label: str = ""
    look: str = "plain"
    icon: str = ""
    figure: str = ""
    href: str = ""
    fill: float | None = None
    fill_label: str = ""
    dialog: bool = False  # the address gives a dialog that opens on this page


SKELETON = Button(look="skeleton")


def _worn(kind: ButtonKind) -> tuple[str, str, str]:
    """The word, the icon and the look of a kind."""
    return {
        ButtonKind.PLAY: (_("Play"), "play", "primary"),
        ButtonKind.RESUME: (_("Resume"), "play", "primary"),
        ButtonKind.DOWNLOADING: (_("Downloading"), "down", "plain"),
        ButtonKind.ADDING: (_("Adding to library"), "inbox", "plain"),
        ButtonKind.REQUESTED: (_("Requested"), "clock", "plain"),
        ButtonKind.FAILED: (_("Did not work"), "warn", "plain"),
        ButtonKind.REQUEST: (_("Request"), "plus", "primary"),
        ButtonKind.NOT_OFFERED: (_("Cannot be requested now"), "lock", "denied"),
        ButtonKind.DENIED: (_("Not for this account"), "lock", "denied"),
        ButtonKind.UNKNOWN: ("", "", "skeleton"),
    }[kind]


def dressed(button: core.Button, *, player: str = "", request: str = "", ask: str = "") -> Button:
    """A decided button, with the addresses of what it may lead to."""
    label, icon, look = _worn(button.kind)
    if button.kind is ButtonKind.RESUME and button.episode:
        label = _("Resume %(episode)s") % {"episode": button.episode}
    figure = percent(button.percent) if button.kind is ButtonKind.DOWNLOADING and button.percent is not None else ""
    return Button(
        label=label,
        icon=icon,
        look=look,
        figure=duration(button.left_seconds) if button.left_seconds else figure,
        href={Target.PLAYER: player, Target.REQUEST: request, Target.ASK: ask, Target.NOWHERE: ""}[button.target],
        fill=button.percent,
        fill_label=_("Downloaded") if button.kind is ButtonKind.DOWNLOADING else _("Watched"),
        dialog=button.target is Target.ASK,
    )


def plain(button: Button) -> Button:
    """The same button in a list where another one is the primary."""
    return msgspec.structs.replace(button, look="plain") if button.look == "primary" else button
