"""For all tests, those of the plugins and libraries too."""

from __future__ import annotations

import pytest
from hypothesis import settings

# how long one example takes says something about the machine only
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does; what lives for a module or longer may be async too."""
    return "asyncio"
