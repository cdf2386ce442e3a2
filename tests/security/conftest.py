"""One household for each module of attacks, and people with and without rights at its doors."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "web")]

from attack import Besieged, besieged  # noqa: E402


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Besieged]:
    """A furnished household with its people; tests of one module share it, and change nothing that others need."""
    async with besieged(tmp_path_factory.mktemp("house")) as house:
        yield house
