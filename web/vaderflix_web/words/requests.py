"""A request in sentences: the verdict first, then what happened, then what is still to come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from vaderflix_core.api import Quality, Reason
from vaderflix_core.requests.verdicts import WORDS

from ..formats import size
from ..i18n import _, ngettext

if TYPE_CHECKING:
    from vaderflix_core.requests.models import Request, TimelineEntry

MOVING = ("approved", "sent", "searching", "downloading", "importing")


class Verdict(Struct, frozen=True):
    """The answer to “how is it going?”: one sentence, and what it means for the reader."""

    said: str
    why: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """One line of the timeline; `todo` is a step that has not come yet."""

    icon: str
    title: str
    tint: str = ""
    at: datetime | None = None
    text: str = ""
    evidence: str = ""
    todo: bool = False


def what(request: Request) -> str:
    """The title with the asked copy and seasons: `One Step Beyond in 4K, season 2`."""
    in_4k = request.quality is Quality.FOUR_K
    title = _("%(title)s in 4K") % {"title": request.title} if in_4k else request.title
    if not request.seasons:
        return title
    seasons = ngettext("season %(list)s", "seasons %(list)s", len(request.seasons)) % {
        "list": season_list(request.seasons)
    }
    return f"{title}, {seasons}"


def season_list(numbers: Sequence[int]) -> str:
    """`1 to 3 and 5`: runs of seasons together."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = []
    for run in runs:
        if len(run) > 2:
            parts.append(_("%(first)s to %(last)s") % {"first": run[0], "last": run[-1]})
        else:
            parts.extend(str(n) for n in run)
    if len(parts) < 2:
        return "".join(parts)
    return _("%(first)s and %(last)s") % {"first": ", ".join(parts[:-1]), "last": parts[-1]}


def verdict(request: Request, ready: str) -> Verdict:
    """How it is going. `ready` is the clock time at which it should be there, or empty."""
    state = str(request.state)
    need_nothing = _("You need not do anything; we will tell you when it can be played.")
    if request.reason is not None and state in MOVING:
        words = WORDS[request.reason]
        later = "" if words.stuck else need_nothing
        return Verdict(_(words.viewer), later)
    if state == "downloading":
        if ready:
            return Verdict(
                _("It is downloading and should be ready at about %(time)s.") % {"time": ready}, need_nothing
            )
        return Verdict(_("It is downloading. How long it takes is not known yet."), need_nothing)
    if state == "declined":
        return Verdict(_("It was declined."), request.decline_reason and f"“{request.decline_reason}”")
    said, why = {
        "pending": (
            _("It waits for approval."),
            _("An admin of this house will look at it. You will hear either way."),
        ),
        "approved": (_("It is approved and on its way."), need_nothing),
        "sent": (_("It is being looked for."), need_nothing),
        "searching": (_("It is being looked for."), need_nothing),
        "importing": (_("It is downloaded and being added to the library."), need_nothing),
        "available": (_("It is ready to play."), ""),
        "partly_available": (_("A part of it is ready to play."), _("The rest is still being looked for.")),
        "failed": (_("It did not work out."), _("An admin can see why, and send it again.")),
        "cancelled": (_("It was cancelled."), _("Request it again if you change your mind.")),
    }.get(state, (state, ""))
    return Verdict(said, why)


def card_line(request: Request, ready: str) -> str:
    """One short line for a card."""
    state = str(request.state)
    if request.reason is not None and state in MOVING:
        return _(WORDS[request.reason].viewer)
    if state == "downloading":
        return _("Ready at about %(time)s") % {"time": ready} if ready else _("Downloading")
    if state == "declined":
        return request.decline_reason
    return verdict(request, ready).said


def steps(request: Request, entries: Sequence[TimelineEntry], viewer_id: int) -> list[Step]:
    """What happened, oldest first, and what is still to come."""
    told = [_step(entry, request, viewer_id) for entry in entries]
    return told + _to_come(request)


def _step(entry: TimelineEntry, request: Request, viewer_id: int) -> Step:
    data, by = entry.data, entry.actor
    mine = request.user_id == viewer_id
    reason = _reason(data.get("reason", ""))
    evidence = data.get("evidence", "")
    loaded = int(data["size"]) if data.get("size", "").isdigit() else None
    if entry.type == "asked":
        title = _("You asked for it") if mine else _("%(name)s asked for it") % {"name": by or request.username}
        return Step(icon="plus", title=title, at=entry.at)
    if entry.type == "approved":
        return Step(icon="check", tint="ok", title=_("Approved"), at=entry.at, text=_by(by))
    if entry.type == "retried":
        return Step(icon="refresh", title=_("Sent again"), at=entry.at, text=_by(by))
    if entry.type == "declined":
        return Step(icon="x", title=_("Declined"), at=entry.at, text=data.get("reason", ""))
    if entry.type == "cancelled":
        return Step(icon="x", title=_("Cancelled"), at=entry.at, text=_by(by))
    if entry.type == "sent":
        adopted = _("It was on its way already, so this request joined it.") if data.get("adopted") else ""
        return Step(icon="out", tint="ok", title=_("Looking for it"), at=entry.at, text=adopted, evidence=_sent(data))
    if entry.type in ("stuck", "waiting"):
        words = WORDS[reason].viewer if reason else ""
        tint = "warn" if entry.type == "stuck" else ""
        icon = "warn" if entry.type == "stuck" else "clock"
        title = _("It stood still") if entry.type == "stuck" else _("Waiting")
        return Step(icon=icon, tint=tint, title=title, at=entry.at, text=_(words) if words else "", evidence=evidence)
    if entry.type == "goes_on":
        return Step(icon="check", tint="ok", title=_("It goes on"), at=entry.at)
    icon, tint, title = {
        "searching": ("search", "busy", _("Searching")),
        "downloading": ("down", "busy", _("Downloading")),
        "importing": ("inbox", "busy", _("Downloaded, being added to the library")),
        "available": ("play", "ok", _("Ready to play")),
        "partly_available": ("half", "ok", _("Partly ready to play")),
        "failed": ("x", "warn", _("It did not work out")),
    }.get(entry.type, ("info", "", entry.type.replace("_", " ").capitalize()))
    text = size(loaded) if loaded and entry.type == "downloading" else ""
    return Step(icon=icon, tint=tint, title=title, at=entry.at, text=text, evidence=evidence)


def _by(name: str) -> str:
    return _("By %(name)s") % {"name": name} if name else ""


def _sent(data: dict[str, str]) -> str:
    service, detail = data.get("service", ""), data.get("detail", "")
    return ": ".join(p for p in (service, detail) if p)


def _reason(text: str) -> Reason | None:
    try:
        return Reason(text)
    except ValueError:
        return None


def _to_come(request: Request) -> list[Step]:
    order = ["pending", "approved", "sent", "searching", "downloading", "importing"]
    state = str(request.state)
    if state not in order:
        return []
    place = order.index(state)
    later = [
        (1, "check", _("Approved")),
        (4, "down", _("Downloaded")),
        (5, "inbox", _("Added to the library")),
        (6, "play", _("Ready to play")),
    ]
    return [Step(icon=icon, title=title, todo=True) for at, icon, title in later if at > place]
