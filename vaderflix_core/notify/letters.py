"""What the mails of this house say: one template for each kind, its first line the title. Plain text: notifiers make
HTML of it themselves, and escape it. Foreign words stand on one line, in quotes: nobody writes in our name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..api.models import Notification, Severity

# what each kind needs to know; a `path` is the page of this house that its link leads to
KINDS: dict[str, frozenset[str]] = {
    "access_received": frozenset({"name", "email", "message", "path"}),
    "access_approved": frozenset({"name", "note", "until", "path"}),
    "access_rejected": frozenset({"name", "reason"}),
    "invitation": frozenset({"inviter", "note", "until", "path"}),
    "password_reset": frozenset({"name", "until", "path"}),
    "email_change": frozenset({"name", "until", "path"}),
    "email_changing": frozenset({"name", "email"}),
    "password_removed": frozenset({"name"}),
    "new_sign_in": frozenset({"name", "device", "ip", "at", "path"}),
    "log_broken": frozenset({"name", "found"}),
}
TITLES = {
    "access_received": "Somebody asks for access",
    "access_approved": "Access was given",
    "access_rejected": "Access was not given",
    "invitation": "An invitation",
    "password_reset": "A new password",
    "email_change": "A new email address",
    "email_changing": "The email address is being changed",
    "password_removed": "A password was removed",
    "new_sign_in": "A sign-in from a new device",
    "log_broken": "The activity log was changed",
}
SAMPLES: dict[str, dict[str, str]] = {
    "access_received": {
        "name": "Noor",
        "email": "noor@example.org",
        "message": "Edith told me about your films. May I watch too?",
        "path": "/admin/access",
    },
    "access_approved": {"name": "Noor", "note": "Welcome.", "until": "1 December 2026", "path": "/invite/a-sample"},
    "access_rejected": {"name": "Noor", "reason": "The house is full at the moment."},
    "invitation": {
        "inviter": "Mara",
        "note": "This is our film cupboard. Ask for anything you miss.",
        "until": "1 December 2026",
        "path": "/invite/a-sample",
    },
    "password_reset": {"name": "Noor", "until": "20:40", "path": "/reset/a-sample"},
    "email_change": {"name": "Noor", "until": "20:40", "path": "/email/a-sample"},
    "email_changing": {"name": "Noor", "email": "noor.new@example.org"},
    "password_removed": {"name": "Noor"},
    "new_sign_in": {
        "name": "Noor",
        "device": "Firefox on Linux",
        "ip": "192.0.2.7",
        "at": "24 November 2026, 20:14 UTC",
        "path": "/you/devices",
    },
    "log_broken": {"name": "Mara", "found": "The end of the log was cut off in the database, past this program."},
}
SEVERE = {"new_sign_in": Severity.NOTICE, "log_broken": Severity.ERROR}
LONGEST = 1000
# "=?" would begin an encoded word, which may hold line ends
_ADDRESS = re.compile(r"^(?!.*=\?)[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+$")


def one_line(text: str) -> str:
    """Foreign words on one line, without control characters, at most a thousand characters."""
    return "".join(sign for sign in " ".join(str(text).split()) if sign.isprintable())[:LONGEST]


def looks_like_address(text: str) -> bool:
    """Whether a mail can be written to it. Only a mail that arrives proves more."""
    return len(text) <= 254 and text.isprintable() and bool(_ADDRESS.fullmatch(text))


_TEMPLATES = Environment(
    loader=PackageLoader("vaderflix_core.notify"),
    # plain text: there is nothing to escape, and every value passes `one_line`
    autoescape=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=one_line,
)


def write(kind: str, data: Mapping[str, str], base_url: str | None) -> Notification:
    """The mail of a kind, without recipients. `url` is None where the house does not know its public address.

    Raises `ValueError` when the kind is unknown or a value is missing.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no mail of the kind {kind}")
    missing = KINDS[kind] - set(data)
    if missing:
        raise ValueError(f"a mail of the kind {kind} also needs {', '.join(sorted(missing))}")
    title, _, text = _TEMPLATES.get_template(f"{kind}.txt").render(data).partition("\n")
    path = data.get("path", "")
    url = f"{base_url.rstrip('/')}{path}" if base_url and path.startswith("/") else None
    return Notification(id=kind, title=title, text=text.strip(), url=url, severity=SEVERE.get(kind, Severity.OK))
