"""The pages, one module each."""

from . import (
    ask,
    browse,
    doors,
    doors_outside,
    home,
    hooks,
    invite,
    media,
    player,
    problems,
    recovery,
    requests,
    search,
    title,
)
from .admin import HANDLERS as ADMIN_HANDLERS
from .you import HANDLERS as YOU_HANDLERS

HANDLERS = [
    *ask.HANDLERS,
    *browse.HANDLERS,
    *doors.HANDLERS,
    *doors_outside.HANDLERS,
    *home.HANDLERS,
    *hooks.HANDLERS,
    *invite.HANDLERS,
    *media.HANDLERS,
    *player.HANDLERS,
    *problems.HANDLERS,
    *recovery.HANDLERS,
    *requests.HANDLERS,
    *search.HANDLERS,
    *title.HANDLERS,
    *ADMIN_HANDLERS,
    *YOU_HANDLERS,
]
