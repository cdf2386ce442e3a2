"""Writes the mails: one for each recipient, as text and as HTML, with nothing in it that the sender did not mean."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from vaderflix_core.api import Notification, Recipient, Severity

from .settings import ADDRESS_PATTERN, EmailSettings

SUBJECT_LENGTH = 200
_ADDRESS = re.compile(ADDRESS_PATTERN)
_COLOURS = {Severity.OK: "#1f7a3d", Severity.NOTICE: "#2b5fa8", Severity.WARNING: "#9a6200", Severity.ERROR: "#b3261e"}
_TEMPLATES = Environment(
    loader=PackageLoader("vaderflix_email"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def addressable(recipient: Recipient) -> bool:
    """Whether the recipient has an address that can stand in a mail's head and in the SMTP dialogue."""
    return bool(recipient.email and len(recipient.email) <= 254 and _ADDRESS.fullmatch(recipient.email))


def compose(
    notification: Notification, recipient: Recipient, settings: EmailSettings, now: datetime, *, greet: bool = True
) -> EmailMessage:
    """The mail for one recipient, who must be `addressable`. The same notification gives the same Message-ID.

    `greet` says that it is news, which have no greeting of their own; a letter may be for somebody without an account.
    """
    title = one_line(notification.title)[:SUBJECT_LENGTH] or "News"
    values = {
        "title": title,
        "greeting": f"Hello {one_line(recipient.name)}," if greet and one_line(recipient.name) else "",
        "news": greet,
        "paragraphs": [part for part in re.split(r"\n\s*\n", printable(notification.text).strip()) if part],
        "url": notification.url if notification.url and re.match(r"https?://[^\s]+$", notification.url) else None,
        "name": one_line(recipient.name),
        "sender": one_line(settings.from_name) or settings.from_address,
        "colour": _COLOURS[notification.severity],
    }
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(settings.from_name, settings.from_address)
    message["To"] = _address(recipient.name, recipient.email or "")
    message["Subject"] = title
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(notification, recipient, settings)
    # RFC 3834: nobody's holiday responder answers to this
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEMPLATES.get_template("message.txt").render(values))
    message.add_alternative(_TEMPLATES.get_template("message.html").render(values), subtype="html")
    return message


def message_id(notification: Notification, recipient: Recipient, settings: EmailSettings) -> str:
    """A Message-ID that stays over retries, so that a mail which was sent twice can be seen as one."""
    digest = hashlib.sha256(f"{notification.id}\n{recipient.email}".encode()).hexdigest()[:32]
    domain = settings.from_address.rpartition("@")[2]
    return f"<{digest}@{domain if domain.isascii() else 'vaderflix.invalid'}>"


def _address(name: str, email: str) -> Address:
    # in two parts, because the parser of whole addresses stumbles over some that are in use, such as a..b@example.org
    local, _, domain = email.rpartition("@")
    return Address(display_name=one_line(name), username=local, domain=domain)


def printable(text: str) -> str:
    """The text without control characters; line ends stay, as `\\n`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in text if sign == "\n" or sign.isprintable())


def one_line(text: str) -> str:
    """The text fit for a mail header: no line ends, no control characters, and none in disguise."""
    # email decodes encoded words (RFC 2047) of what it is given, line ends too, and Python before 3.11.10 writes them
    return printable(" ".join(text.split())).replace("=?", "= ?")
