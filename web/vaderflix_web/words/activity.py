"""What somebody did, as a line of the activity log says it to themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..i18n import _

if TYPE_CHECKING:
    from vaderflix_core.store.activity import Entry

_DEEDS: dict[str, tuple[str, str]] = {
    "session.started": ("screen", "You signed in"),
    "device.signed_out": ("out", "You signed a device out"),
    "device.all_signed_out": ("out", "You signed all other devices out"),
    "profile.changed": ("user", "You changed your profile"),
    "news.chosen": ("bell", "You chose which news you want"),
    "key.made": ("key", "You made an API key"),
    "key.revoked": ("key", "You revoked an API key"),
    "data.exported": ("down", "You took a copy of your data"),
    "password.changed": ("lock", "You changed your password"),
    "password.set": ("lock", "You set a password"),
    "password.reset": ("lock", "You set a new password with a link"),
    "email.change_asked": ("mail", "You asked for another email address"),
    "email.changed": ("mail", "Your email address was changed"),
    "second_factor.on": ("shield", "You switched the second factor on"),
    "second_factor.off": ("shield", "You switched the second factor off"),
    "second_factor.codes_renewed": ("shield", "You made new recovery codes"),
    "second_factor.recovery_code_used": ("shield", "You signed in with a recovery code"),
    "passkey.added": ("key", "You added a passkey"),
    "passkey.renamed": ("key", "You renamed a passkey"),
    "passkey.removed": ("key", "You removed a passkey"),
    "invite.created": ("link", "You made an invitation"),
    "invite.revoked": ("link", "You took an invitation back"),
    "invite.reissued": ("link", "You made an invitation's link anew"),
    "invite.used": ("link", "You came in by invitation"),
    "user.created": ("users", "You added an account"),
    "user.changed": ("users", "You changed an account"),
    "user.signed_out": ("users", "You signed an account out"),
    "user.removed": ("users", "You removed an account"),
}
# deeds to oneself, whose subject says nothing new
_OWN = ("profile", "news", "key", "data", "password", "email", "second_factor", "session", "device")
# the values that say which one it was, in the order in which they are told
_TOLD = ("name", "device", "address", "display_name", "time_zone", "muted", "devices", "email")


def deed(entry: Entry) -> tuple[str, str]:
    """An icon and a sentence. What this list does not know is said as it is kept: `thing.deed`."""
    icon, words = _DEEDS.get(entry.action, ("info", ""))
    return icon, _(words) if words else entry.action.replace(".", ": ").replace("_", " ").capitalize()


def details(entry: Entry) -> str:
    """What it was about: names, devices, what came of it."""
    values = {**entry.before, **entry.after}
    told = [values[name] for name in _TOLD if values.get(name)]
    if entry.action.partition(".")[0] not in _OWN:
        return entry.subject
    return ", ".join(told)
