"""The admin pages: what runs, who is here, what is connected."""

from . import dashboard, downloads, instance, panels, people, requests, services

HANDLERS = [
    *dashboard.HANDLERS,
    *downloads.HANDLERS,
    *instance.HANDLERS,
    *panels.HANDLERS,
    *people.HANDLERS,
    *requests.HANDLERS,
    *services.HANDLERS,
]
