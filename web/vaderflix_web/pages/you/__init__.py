"""One's own account, one module for each section."""

from . import activity, data, devices, keys, news, overview, profile, security

HANDLERS = [
    *activity.HANDLERS,
    *data.HANDLERS,
    *devices.HANDLERS,
    *keys.HANDLERS,
    *news.HANDLERS,
    *overview.HANDLERS,
    *profile.HANDLERS,
    *security.HANDLERS,
]
