"""What people did, as the activity log says it, to an admin and to themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..i18n import _
from .permissions import permission_words

if TYPE_CHECKING:
    from vaderflix_core.store.activity import Entry

DEEDS: dict[str, str] = {
    "access.approved": "Let somebody in who asked",
    "access.rejected": "Rejected a request for access",
    "container.restarted": "Restarted a container",
    "data.exported": "Took a copy of the account's data",
    "device.all_signed_out": "Signed all other devices out",
    "device.signed_out": "Signed a device out",
    "download.delete": "Removed a download",
    "download.delete_with_files": "Removed a download and its files",
    "download.pause": "Paused a download",
    "download.recheck": "Had a download checked",
    "download.resume": "Resumed a download",
    "email.change_cancelled": "Took back a change of the email address",
    "email.change_asked": "Asked for another email address",
    "email.changed": "Changed the email address",
    "house.changed": "Changed the house settings",
    "identity.linked": "Linked a sign-in",
    "identity.unlinked": "Unlinked a sign-in",
    "invite.created": "Made an invitation",
    "invite.reissued": "Made a new link for an invitation",
    "invite.revoked": "Revoked an invitation",
    "invite.used": "Came in by an invitation",
    "key.made": "Made an API key",
    "key.revoked": "Revoked an API key",
    "log.accepted": "Accepted a change of the log",
    "mail.sent_again": "Had a mail sent again",
    "mail.tested": "Sent a test mail",
    "news.chosen": "Chose which news to get",
    "passkey.added": "Added a passkey",
    "passkey.removed": "Removed a passkey",
    "passkey.renamed": "Renamed a passkey",
    "password.changed": "Changed the password",
    "password.link_made": "Made a link for a new password",
    "password.link_sent": "A link for a new password was sent",
    "password.removed": "Removed the password",
    "password.reset": "Set a new password with a link",
    "password.set": "Set a password",
    "plugin.switched_off": "Switched a plugin off",
    "plugin.switched_on": "Switched a plugin on",
    "problem.reopened": "Opened a problem again",
    "problem.reported": "Reported a problem",
    "problem.solved": "Solved a problem",
    "profile.changed": "Changed the profile",
    "request.approved": "Approved a request",
    "request.asked": "Asked for a title",
    "request.cancelled": "Cancelled a request",
    "request.declined": "Declined a request",
    "request.retried": "Sent a request again",
    "role.changed": "Changed a role",
    "role.created": "Defined a role",
    "role.removed": "Removed a role",
    "second_factor.codes_renewed": "Made new recovery codes",
    "second_factor.off": "Switched the second factor off",
    "second_factor.on": "Switched the second factor on",
    "second_factor.recovery_code_used": "Signed in with a recovery code",
    "second_factor.reset": "Took a second factor away",
    "service.added": "Added a service",
    "service.changed": "Changed a service",
    "service.message_tested": "Sent a test message",
    "service.removed": "Removed a service",
    "session.ended": "Signed out",
    "session.started": "Signed in",
    "session.token_reused": "Signed a device out whose sign-in was used twice",
    "share.changed": "Changed shared libraries",
    "share.end_confirmed": "Confirmed that many shares were meant to end",
    "share.end_given_up": "Could not end the sharing of libraries",
    "share.end_left": "Left the sharing of libraries as it is",
    "share.end_not_needed": "Found that libraries were not shared any more",
    "share.end_taken_over": "Left the sharing of libraries to a newer account",
    "share.end_tried_again": "Had the end of sharing tried again",
    "share.ended_there": "Sharing of libraries was ended at its source",
    "share.forgotten": "Forgot an ended share",
    "share.given_up": "Gave the sharing of libraries up",
    "share.invited": "Shared libraries",
    "share.removed": "Ended the sharing of libraries",
    "share.restored": "Restored the sharing of libraries",
    "share.suspended": "Suspended the sharing of libraries",
    "user.changed": "Changed an account",
    "user.created": "Made an account",
    "user.removed": "Removed an account",
    "user.signed_out": "Signed an account out everywhere",
    "way_in.added": "Added a way in",
    "way_in.changed": "Changed a way in",
    "way_in.newcomers": "Changed who may come in by a way",
    "way_in.removed": "Removed a way in",
}
GROUPS: dict[str, str] = {
    "access": "Access requests",
    "container": "Containers",
    "data": "Copies of data",
    "device": "Devices",
    "download": "Downloads",
    "email": "Addresses",
    "house": "House",
    "identity": "Linked sign-ins",
    "invite": "Invitations",
    "key": "API keys",
    "log": "Activity log",
    "mail": "Mails",
    "news": "News",
    "passkey": "Passkeys",
    "password": "Passwords",
    "plugin": "Plugins",
    "problem": "Problems",
    "profile": "Profiles",
    "request": "Requests",
    "role": "Roles",
    "second_factor": "Second factor",
    "service": "Services",
    "session": "Sign-ins",
    "share": "Shared libraries",
    "user": "Accounts",
    "way_in": "Ways in",
}

# the icon of each group in one's own activity
_ICONS = {
    "device": "out",
    "email": "mail",
    "identity": "link",
    "invite": "link",
    "key": "key",
    "news": "bell",
    "passkey": "key",
    "password": "lock",
    "problem": "flag",
    "profile": "user",
    "request": "film",
    "second_factor": "shield",
    "session": "screen",
    "user": "users",
}
# deeds to oneself: their subject is oneself, so these values say which one it was
_TO_ONESELF = frozenset({"data", "device", "email", "key", "news", "password", "profile", "second_factor", "session"})
_TELLING = ("name", "device", "address", "display_name", "time_zone", "muted", "devices", "email")
_RIGHTS = frozenset({"granted", "withheld", "permissions", "scopes"})
# how the log's values are called where their own name does not say it
_NAMES = {
    "at": "At",
    "by": "Asked for by",
    "closed": "Account closed",
    "display_name": "Name",
    "email": "Email address",
    "enabled": "Switched on",
    "granted": "Given beside the role",
    "muted": "News not wanted",
    "permissions": "Rights",
    "priority": "Order",
    "scopes": "May do",
    "withheld": "Taken from the role",
}


def deed_words(action: str) -> str:
    """An action in words; one that this list does not know is said as it is kept."""
    words = DEEDS.get(action)
    return _(words) if words else action.replace(".", ": ").replace("_", " ").capitalize()


def group_choices(actions: Iterable[str]) -> list[tuple[str, str]]:
    """The groups of these actions, for a filter."""
    names = {action.partition(".")[0] for action in actions}
    return sorted(((n, _(GROUPS[n]) if n in GROUPS else n.capitalize()) for n in names), key=lambda one: one[1])


def subject_words(entry: Entry) -> str:
    """What an entry was about; invitations are kept by their number alone."""
    thing, _space, number = entry.subject.partition(" ")
    if thing == "invitation" and number.isdigit():
        return _("Invitation %(n)s") % {"n": number}
    return entry.subject


def changes(entry: Entry) -> list[tuple[str, str, str]]:
    """What was what before and after: the name of each value, and both; empty where there was none."""
    names = [*entry.before, *(n for n in entry.after if n not in entry.before)]
    found = [(_name(n), _value(n, entry.before.get(n, "")), _value(n, entry.after.get(n, ""))) for n in names]
    return [one for one in found if one[1] or one[2]]


def _name(name: str) -> str:
    return _(_NAMES[name]) if name in _NAMES else name.replace("_", " ").capitalize()


def _value(name: str, text: str) -> str:
    """A kept value in words."""
    if name in _RIGHTS:
        return ", ".join(permission_words(one.strip()) for one in text.split(",") if one.strip())
    if name == "muted":
        return ", ".join(_(one.strip().replace("_", " ")) for one in text.split(","))
    if name == "state":
        return _(text.replace("_", " "))
    return {"True": _("Yes"), "False": _("No"), "true": _("Yes"), "false": _("No")}.get(text, text)


def icon_of(entry: Entry) -> str:
    """The icon of an entry in one's own activity."""
    return _ICONS.get(entry.action.partition(".")[0], "info")


def about(entry: Entry) -> str:
    """Which thing one's own deed was about; empty when the deed says it all."""
    if entry.action == "invite.used":
        return ""
    if entry.action.partition(".")[0] not in _TO_ONESELF:
        return subject_words(entry)
    values = {**entry.before, **entry.after}
    return ", ".join(values[name] for name in _TELLING if values.get(name))
