"""Sign-ins: each is noted in the activity log, and one from a device that an account was not seen on before is mailed.

What is known of a device is little: the kind of browser and system that it names, and the network it comes from. Both
can be forged, and a phone changes networks; so the mail says what was seen, and nothing is refused because of it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ..notify.letters import looks_like_address
from ..notify.wishes import News, wants
from ..store import activity as store
from ..store.sessions import Session
from .activity import Activity
from .agents import agent_of
from .models import User

if TYPE_CHECKING:
    from .passwords import QueueMail

SIGNED_IN = "session.started"


def network_of(ip: str) -> str:
    """The network that an address belongs to, as wide as a household's or a provider's small block."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


class Arrivals:
    """Takes note of sign-ins."""

    def __init__(self, activity: Activity, queue_mail: QueueMail, clock: Callable[[], datetime]) -> None:
        self._activity = activity
        self._queue = queue_mail
        self._clock = clock

    def started(self, conn: Connection, user: User, session: Session) -> None:
        """Note a session in the transaction that starts it; queue a mail when its device is new to the account."""
        seen = {"device": agent_of(session.user_agent).words, "network": network_of(session.ip)}
        before = store.known(conn, actor_id=user.id, action=SIGNED_IN)
        if before and seen not in before and looks_like_address(user.email or "") and wants(user, News.NEW_SIGN_IN):
            data = {
                "name": user.display_name,
                "device": seen["device"],
                "ip": session.ip or "unknown",
                "at": f"{session.created_at:%-d %B %Y, %H:%M} UTC",
                "path": "/you/devices",
            }
            self._queue(conn, "new_sign_in", user.email or "", data, user_id=user.id)
        self._activity.note(conn, user, SIGNED_IN, session.method, after=seen, ip=session.ip)
