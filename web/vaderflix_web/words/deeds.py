"""What people did, as the activity log says it to an admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..i18n import _

if TYPE_CHECKING:
    from vaderflix_core.store.activity import Entry

DEEDS: dict[str, str] = {
    "access.approved": "Let somebody in who asked",
    "access.rejected": "Rejected a request for access",
    "account.removed": "Removed an account",
    "download.delete": "Removed a download",
    "download.delete_with_files": "Removed a download and its files",
    "download.pause": "Paused a download",
    "download.recheck": "Had a download checked",
    "download.resume": "Resumed a download",
    "house.changed": "Changed the house settings",
    "invite.created": "Made an invitation",
    "invite.reissued": "Made a new link for an invitation",
    "invite.revoked": "Revoked an invitation",
    "invite.used": "Came in by an invitation",
    "mail.sent_again": "Had a mail sent again",
    "mail.tested": "Sent a test mail",
    "plugin.switched_off": "Switched a plugin off",
    "plugin.switched_on": "Switched a plugin on",
    "request.approved": "Approved a request",
    "request.asked": "Asked for a title",
    "request.cancelled": "Cancelled a request",
    "request.declined": "Declined a request",
    "request.retried": "Sent a request again",
    "role.changed": "Changed a role",
    "role.created": "Defined a role",
    "role.removed": "Removed a role",
    "service.added": "Added a service",
    "service.changed": "Changed a service",
    "service.removed": "Removed a service",
    "session.ended": "Signed out",
    "session.started": "Signed in",
    "user.changed": "Changed an account",
    "user.created": "Made an account",
    "user.removed": "Removed an account",
    "user.signed_out": "Signed an account out everywhere",
}
GROUPS: dict[str, str] = {
    "access": "Access requests",
    "account": "Removed accounts",
    "device": "Devices",
    "download": "Downloads",
    "email": "Addresses",
    "house": "House",
    "identity": "Linked sign-ins",
    "invite": "Invitations",
    "key": "API keys",
    "mail": "Mails",
    "passkey": "Passkeys",
    "password": "Passwords",
    "plugin": "Plugins",
    "profile": "Profiles",
    "request": "Requests",
    "role": "Roles",
    "service": "Services",
    "session": "Sign-ins",
    "share": "Shared libraries",
    "totp": "Second factor",
    "user": "Accounts",
}


def deed_words(action: str) -> str:
    """An action in words; one that this list does not know is said as it is kept."""
    words = DEEDS.get(action)
    return _(words) if words else action.replace(".", ": ").replace("_", " ").capitalize()


def group_choices(actions: Iterable[str]) -> list[tuple[str, str]]:
    """The groups of these actions, for a filter."""
    names = {action.partition(".")[0] for action in actions}
    return sorted(((n, _(GROUPS[n]) if n in GROUPS else n.capitalize()) for n in names), key=lambda one: one[1])


def changes(entry: Entry) -> list[tuple[str, str, str]]:
    """What was what before and after: the name of each value, and both; empty where there was none."""
    names = [*entry.before, *(n for n in entry.after if n not in entry.before)]
    found = [(n.replace("_", " "), entry.before.get(n, ""), entry.after.get(n, "")) for n in names]
    return [one for one in found if one[1] or one[2]]
