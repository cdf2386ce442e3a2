"""What happens, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import get
from litestar.response import ServerSentEvent

from vaderflix_core.access.models import Permission
from vaderflix_core.api.events import Event, LibraryChanged, RequestChanged, RequestProgressed

from ..auth import host_of
from ..live import event_stream
from ..page import Req


@get("/events", opt={"permission": "browse"})
async def events(request: Req) -> ServerSentEvent:
    """Server-sent events: the name is the event's kind, the data its fields as JSON.

    Managers hear everything; others hear of their own requests and of the library.
    """
    return event_stream(request, _events(request))


async def _events(request: Req) -> AsyncIterator[tuple[str, str]]:
    user = request.user
    async with host_of(request).bus.subscribe() as subscription:
        async for event in subscription:
            if _may_hear(user, event):
                yield type(event).__name__, msgspec.json.encode(event).decode()


def _may_hear(user: Any, event: Event) -> bool:
    if isinstance(event, RequestChanged | RequestProgressed):
        return bool(event.user_id == user.id or user.may(Permission.MANAGE_REQUESTS))
    return isinstance(event, LibraryChanged) or bool(user.may(Permission.DASHBOARD))


HANDLERS = [events]
