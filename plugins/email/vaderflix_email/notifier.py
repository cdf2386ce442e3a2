"""Sends notifications by mail, and says whether the mail server can be reached."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from vaderflix_core.api import (
    HealthReport,
    Instance,
    Notification,
    Receipt,
    Recipient,
    Rejected,
    ServiceInfo,
    Severity,
    Unavailable,
)

from .client import conversation
from .message import addressable, compose
from .settings import EmailSettings

REMEMBERED = 1000


class EmailNotifier:
    """A `Notifier`, `PrivateNotifier`, `HealthCheck` and `Connectable` over one account."""

    def __init__(self, instance: Instance[EmailSettings]) -> None:
        self._instance = instance
        self._settings = instance.settings
        self._sent: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def send(self, notification: Notification) -> Receipt:
        """One mail to each recipient with an address; nobody sees another's.

        Raises `Rejected` when no mail can ever arrive, and `Unavailable` when some may later: the retry then leaves
        out those who have theirs.
        """
        return await self._deliver(notification, greet=True)

    async def send_private(self, notification: Notification) -> Receipt:
        """One mail, which only its recipient gets. Its text is a whole letter already."""
        return await self._deliver(notification, greet=False)

    async def _deliver(self, notification: Notification, *, greet: bool) -> Receipt:
        people = [person for person in notification.recipients if addressable(person)]
        if not people:
            raise Rejected("None of the recipients has an email address that can be written to.")
        waiting = [person for person in people if (notification.id, person.email or "") not in self._sent]
        refused: list[tuple[Recipient, Rejected]] = []
        later: Unavailable | None = None
        said = ""
        if waiting:
            async with conversation(self._instance) as server:
                for person in waiting:
                    message = compose(notification, person, self._settings, self._instance.now(), greet=greet)
                    try:
                        said = await server.hand_over(message, self._settings.from_address, person.email or "")
                    except Rejected as error:
                        if error.field:  # the sender is refused: that is so for everybody
                            raise
                        refused.append((person, error))
                    except Unavailable as error:
                        later = error
                    else:
                        self._remember(notification.id, person.email or "")
        if later is not None:
            raise later
        if len(refused) == len(people):
            raise refused[0][1]
        return Receipt(detail=_words(len(people) - len(refused), len(notification.recipients), refused, said))

    def _remember(self, notification_id: str, address: str) -> None:
        self._sent[notification_id, address] = None
        while len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    async def test(self) -> ServiceInfo:
        """Connect, encrypt and sign in; sends nothing."""
        async with conversation(self._instance) as server:
            encryption = {"tls": "TLS", "starttls": "STARTTLS", "none": "no encryption"}[self._settings.security]
            signed_in = f"signed in as {self._settings.username}" if self._settings.username else "not signed in"
            return ServiceInfo(product="SMTP", version="", detail=f"{server.banner} ({encryption}, {signed_in})")

    async def check(self) -> list[HealthReport]:
        """Whether the server can be reached. Does not sign in: providers lock accounts that do so all day."""
        async with conversation(self._instance, sign_in=False):
            pass
        if self._settings.security == "none" and self._settings.password and not _is_private(self._settings.host):
            return [
                HealthReport(
                    severity=Severity.WARNING,
                    code="no_encryption",
                    message="The password goes to the mail server unprotected. Choose STARTTLS or TLS in the settings.",
                )
            ]
        return []


def _words(sent: int, asked: int, refused: list[tuple[Recipient, Rejected]], said: str) -> str:
    detail = f"Sent to {sent} of {asked}." + (f" The server says: {said}" if said else "")
    for person, error in refused:
        detail += f" {person.name}: {error.message}"
    return detail


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host
