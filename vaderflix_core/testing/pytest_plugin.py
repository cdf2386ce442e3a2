"""Fixtures for plugin authors, registered with pytest when Vader Flix is installed. Imports lazily, so that coverage
of the product stays true."""

from __future__ import annotations

import pytest

for name in ("contracts", "provider_contract"):
    pytest.register_assert_rewrite(f"vaderflix_core.testing.{name}")


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does."""
    return "asyncio"
