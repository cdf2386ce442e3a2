"""The pages, one module each."""

from . import browse, doors, home, hooks, media, player, recovery, requests, search, title
from .admin import HANDLERS as ADMIN_HANDLERS
from .you import HANDLERS as YOU_HANDLERS

HANDLERS = [
    *browse.HANDLERS,
    *doors.HANDLERS,
    *home.HANDLERS,
    *hooks.HANDLERS,
    *media.HANDLERS,
    *player.HANDLERS,
    *recovery.HANDLERS,
    *requests.HANDLERS,
    *search.HANDLERS,
    *title.HANDLERS,
    *ADMIN_HANDLERS,
    *YOU_HANDLERS,
]
