"""The one honest button of a title: what will happen, or what is happening."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ..formats import duration, percent
from ..i18n import _

if TYPE_CHECKING:
    from vaderflix_core.requests.models import Request


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


class Watched(Struct, frozen=True, kw_only=True):
    """How far the viewer is: where to go on, how long is left, and which episode it is."""

    href: str
    left_seconds: float | None = None
    percent: float | None = None
    label: str = ""  # "S1 E5" for an episode


SKELETON = Button(look="skeleton")


def request_button(request: Request, href: str = "") -> Button:
    """The button of a title that somebody asked for: it leads to the request, or where `href` says."""
    href = href or f"/requests/{request.id}"
    state = str(request.state)
    if state == "downloading":
        figure = percent(request.percent) if request.percent is not None else ""
        return Button(
            label=_("Downloading"),
            icon="down",
            href=href,
            figure=figure,
            fill=request.percent,
            fill_label=_("Downloaded"),
        )
    words = {"importing": (_("Adding to library"), "inbox"), "failed": (_("Did not work"), "warn")}
    label, icon = words.get(state, (_("Requested"), "clock"))
    return Button(label=label, icon=icon, href=href)


def button_of(
    *,
    availability: str,
    ref: str,
    kind: str,
    may: Collection[str],
    play_href: str = "",
    watched: Watched | None = None,
) -> Button:
    """The button of a title that nobody waits for. `availability` is available, partly, absent or unknown."""
    if availability in ("available", "partly") and (play_href or watched):
        if "play" not in may:
            return Button(label=_("Not for this account"), look="denied", icon="lock")
        if watched is not None:
            label = _("Resume %(episode)s") % {"episode": watched.label} if watched.label else _("Resume")
            return Button(
                label=label,
                look="primary",
                icon="play",
                href=watched.href,
                figure=duration(watched.left_seconds) if watched.left_seconds else "",
                fill=watched.percent,
                fill_label=_("Watched"),
            )
        return Button(label=_("Play"), look="primary", icon="play", href=play_href)
    if availability == "absent":
        if f"request.{kind}" not in may:
            return Button(label=_("Not for this account"), look="denied", icon="lock")
        return Button(label=_("Request"), look="primary", icon="plus", href=f"/title/{kind}/{ref}/request", dialog=True)
    if availability == "available" or availability == "partly":
        return Button(label=_("Details"), icon="info", href=f"/title/{kind}/{ref}")
    return SKELETON


def plain(button: Button) -> Button:
    """The same button in a list where another one is the primary."""
    return msgspec.structs.replace(button, look="plain") if button.look == "primary" else button
