"""The state of a request as a chip: an icon, a word, a tint. The word alone is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from vaderflix_core.api import Reason

from ..formats import percent
from ..i18n import _

if TYPE_CHECKING:
    from vaderflix_core.requests.models import Request


class Chip(Struct, frozen=True):
    """A pill with an icon and a word; `figure` follows in tabular digits."""

    word: str
    icon: str = "check"
    tint: str = ""
    figure: str = ""


def stuck_words(reason: Reason) -> str:
    """Why it does not move, in two or three words."""
    return {
        Reason.NOT_RELEASED: _("Not released yet"),
        Reason.NO_RELEASE: _("nothing found yet"),
        Reason.STALLED: _("nobody shares it"),
        Reason.PAUSED: _("paused"),
        Reason.IMPORT_BLOCKED: _("cannot be added"),
        Reason.PATH_MISMATCH: _("cannot be added"),
        Reason.DISK_FULL: _("the disk is full"),
        Reason.DOWNLOADER_DOWN: _("a service is down"),
        Reason.SERVICE_DOWN: _("a service is down"),
        Reason.REMOVED_BY_HAND: _("removed by hand"),
        Reason.NOT_IN_LIBRARY: _("not in the library"),
    }[reason]


def chip_of(request: Request) -> Chip:
    """The chip of a request."""
    state = str(request.state)
    if request.reason is Reason.NOT_RELEASED and state in ("sent", "searching"):
        return Chip(_("Not released yet"), "cal")
    if request.reason is not None and state in ("sent", "searching", "downloading", "importing"):
        return Chip(_("Stuck: %(why)s") % {"why": stuck_words(request.reason)}, "warn", "warn")
    if state == "downloading":
        return Chip(_("Downloading"), "down", "busy", percent(request.percent) if request.percent is not None else "")
    return {
        "pending": Chip(_("Waiting for approval"), "clock"),
        "approved": Chip(_("Approved"), "check"),
        "declined": Chip(_("Declined"), "x"),
        "sent": Chip(_("On its way"), "check"),
        "searching": Chip(_("Searching"), "search", "busy"),
        "importing": Chip(_("Adding to library"), "inbox", "busy"),
        "available": Chip(_("Available"), "check", "ok"),
        "partly_available": Chip(_("Partly available"), "half", "ok"),
        "failed": Chip(_("Failed"), "x", "bad"),
        "cancelled": Chip(_("Cancelled"), "x"),
    }.get(state, Chip(state))


AVAILABILITY = {
    "available": ("In the library", "check", "ok"),
    "partly": ("Partly available", "half", "ok"),
    "absent": ("Not in the library yet", "circle", ""),
    "unknown": ("Not known right now", "info", ""),
}


def availability_chip(availability: str) -> Chip:
    """The chip of a title."""
    word, icon, tint = AVAILABILITY.get(availability, AVAILABILITY["unknown"])
    return Chip(_(word), icon, tint)


def health_chip(severity: str | None) -> Chip:
    """The chip of a service."""
    return {
        "ok": Chip(_("Up"), "check", "ok"),
        "notice": Chip(_("Up"), "check", "ok"),
        "warning": Chip(_("Warning"), "warn", "warn"),
        "error": Chip(_("Down"), "x", "bad"),
    }.get(severity or "", Chip(_("Not known"), "info"))


def instance_chip(state: str) -> Chip:
    """The chip of an instance in the list of services."""
    return {
        "running": Chip(_("Running"), "check", "ok"),
        "starting": Chip(_("Starting"), "spin", "busy"),
        "retrying": Chip(_("Trying again"), "warn", "warn"),
        "needs_attention": Chip(_("Needs you"), "warn", "warn"),
        "failed": Chip(_("Failed"), "x", "bad"),
        "disabled": Chip(_("Off"), "circle"),
        "stopped": Chip(_("Stopped"), "circle"),
    }.get(state, Chip(state, "info"))


def service_chip(state: str, severity: str | None) -> Chip:
    """The one chip of a service: how it runs, or what its last check found when it runs and is not well."""
    return health_chip(severity) if state == "running" and severity in ("warning", "error") else instance_chip(state)


def download_chip(state: str) -> Chip:
    """The chip of a download, for admins."""
    return {
        "queued": Chip(_("Queued"), "clock"),
        "downloading": Chip(_("Downloading"), "down", "busy"),
        "stalled": Chip(_("Stalled"), "warn", "warn"),
        "paused": Chip(_("Paused"), "pause"),
        "checking": Chip(_("Checking"), "search", "busy"),
        "moving": Chip(_("Moving"), "inbox", "busy"),
        "complete": Chip(_("Complete"), "check", "ok"),
        "failed": Chip(_("Failed"), "x", "bad"),
    }.get(state, Chip(_("Not known"), "info"))


def outcome_words(outcome: str) -> str:
    """How a source that did not answer failed, in words a viewer understands."""
    return {
        "timeout": _("no answer in time"),
        "skipped": _("not asked, it failed before"),
        "auth_failed": _("refused to answer"),
    }.get(outcome, _("no answer"))


def container_chip(state: str, health: str) -> Chip:
    """The chip of a container."""
    if state == "running":
        return {
            "healthy": Chip(_("Healthy"), "check", "ok"),
            "starting": Chip(_("Starting"), "spin", "busy"),
            "unhealthy": Chip(_("Unhealthy"), "warn", "bad"),
        }.get(health, Chip(_("Running"), "check", "ok"))
    return {
        "paused": Chip(_("Paused"), "pause", "warn"),
        "restarting": Chip(_("Restarting"), "refresh", "bad"),
        "created": Chip(_("Never started"), "circle"),
        "exited": Chip(_("Stopped"), "stop"),
        "dead": Chip(_("Dead"), "x", "bad"),
    }.get(state, Chip(_("Not known"), "info"))
