"""What the dashboard says first: how many things need an admin, and which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from ..i18n import _, ngettext

if TYPE_CHECKING:
    from vaderflix_core.library.models import PendingRemoval
    from vaderflix_core.monitor.service import InstanceHealth
    from vaderflix_core.plugins.records import PluginRecord
    from vaderflix_core.store.incidents import Incident

NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


class Need(Struct, frozen=True, kw_only=True):
    """One thing that needs somebody: what, why, and the page that helps. `urgent` ones count in the headline."""

    title: str
    text: str = ""
    tint: str = "warn"
    since: datetime | None = None
    href: str = ""
    action: str = ""
    retry: str = ""  # an instance to try again at once
    removals: str = ""  # a library that waits for a word before titles are taken out


def headline(needs: Sequence[Need], services: int) -> str:
    """“One thing needs you. The rest works.”"""
    if not services and not needs:
        return _("Connect your first service.")
    if not needs:
        return _("Everything works.")
    word = _(NUMBERS[len(needs)]) if len(needs) < len(NUMBERS) else str(len(needs))
    return ngettext("%(n)s thing needs you. The rest works.", "%(n)s things need you. The rest works.", len(needs)) % {
        "n": word
    }


def instance_needs(health: Iterable[InstanceHealth]) -> list[Need]:
    """The services in trouble."""
    found = []
    for one in health:
        if one.severity not in ("warning", "error"):
            continue
        bad = one.severity == "error"
        said = _("“%(name)s” does not work") if bad else _("“%(name)s” reports a problem")
        found.append(
            Need(
                title=said % {"name": one.name},
                text=one.message,
                tint="bad" if bad else "warn",
                since=one.since,
                href=f"/admin/services/{one.instance}",
                action=_("Look"),
                retry=one.instance if bad else "",
            )
        )
    return sorted(found, key=lambda n: n.tint)


def plugin_needs(plugins: Iterable[PluginRecord]) -> list[Need]:
    """The plugins that could not be loaded."""
    return [
        Need(
            title=_("The plugin “%(name)s” could not be loaded") % {"name": p.info.name if p.info else p.id},
            text=p.error,
            href="/admin/services#plugins",
            action=_("See why"),
        )
        for p in plugins
        if p.state in ("failed", "incompatible")
    ]


def removal_needs(pending: Iterable[PendingRemoval], names: Mapping[str, str]) -> list[Need]:
    """The libraries that seem to have lost too much to be believed."""
    needs = []
    for one in pending:
        said = _("“%(name)s” no longer shows %(count)s of %(held)s titles")
        why = _("They stay here until you say that they are gone: %(examples)s …")
        needs.append(
            Need(
                title=said % {"name": names.get(one.instance, one.instance), "count": one.count, "held": one.held},
                text=why % {"examples": ", ".join(one.examples)},
                removals=one.instance,
            )
        )
    return needs


def log_need(alarm: Incident | None) -> list[Need]:
    """What was found to be wrong with the activity log."""
    if alarm is None:
        return []
    return [
        Need(
            title=_("The activity log was changed"),
            text=_(alarm.message),
            tint="bad",
            since=alarm.opened_at,
            href="/admin/activity",
            action=_("Look"),
        )
    ]


def access_need(waiting: int) -> list[Need]:
    """The strangers who ask to come in."""
    if not waiting:
        return []
    said = ngettext("%(n)s person asks for access", "%(n)s people ask for access", waiting)
    return [Need(title=said % {"n": waiting}, tint="", href="/admin/access", action=_("Answer"))]


def share_need(given_up: int) -> list[Need]:
    """The shares of libraries that were tried until they were given up."""
    if not given_up:
        return []
    said = ngettext("%(n)s share was given up", "%(n)s shares were given up", given_up)
    return [Need(title=said % {"n": given_up}, href="/admin/sharing", action=_("Look"))]


def share_end_need(given_up: int) -> list[Need]:
    """The shares of removed accounts that could not be ended."""
    if not given_up:
        return []
    said = ngettext(
        "%(n)s share of a removed account could not be ended",
        "%(n)s shares of removed accounts could not be ended",
        given_up,
    )
    return [Need(title=said % {"n": given_up}, href="/admin/sharing", action=_("Look"))]


def problem_need(still_open: int) -> list[Need]:
    """The problems that people reported and nobody solved yet."""
    if not still_open:
        return []
    said = ngettext("%(n)s reported problem is open", "%(n)s reported problems are open", still_open)
    return [Need(title=said % {"n": still_open}, tint="", href="/admin/problems", action=_("Look"))]


def request_need(waiting: int, stuck: int) -> list[Need]:
    """The requests that wait for an admin."""
    needs = []
    if waiting:
        said = ngettext("%(n)s request waits for an answer", "%(n)s requests wait for an answer", waiting)
        needs.append(
            Need(title=said % {"n": waiting}, tint="", href="/admin/requests?show=waiting", action=_("Answer"))
        )
    if stuck:
        said = ngettext("%(n)s request is stuck", "%(n)s requests are stuck", stuck)
        needs.append(Need(title=said % {"n": stuck}, href="/admin/requests?show=stuck", action=_("Look")))
    return needs
