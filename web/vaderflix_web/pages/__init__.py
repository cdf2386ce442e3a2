"""The pages, one module each."""

from . import account, browse, doors, home, hooks, media, player, requests, search, title
from .admin import HANDLERS as ADMIN_HANDLERS

HANDLERS = [
    *account.HANDLERS,
    *browse.HANDLERS,
    *doors.HANDLERS,
    *home.HANDLERS,
    *hooks.HANDLERS,
    *media.HANDLERS,
    *player.HANDLERS,
    *requests.HANDLERS,
    *search.HANDLERS,
    *title.HANDLERS,
    *ADMIN_HANDLERS,
]
