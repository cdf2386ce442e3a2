"""For all tests, those of the plugins and libraries too."""

from __future__ import annotations

from hypothesis import settings

# how long one example takes says something about the machine only
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
