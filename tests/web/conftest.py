"""A running household for the pages, and browsers without a window to visit it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

sys.path.insert(0, str(Path(__file__).parent))

from world import Household, running

from vaderflix_core.host import Host
from vaderflix_core.testing import served

from ..chromium import fresh
from ..visitor import Visitor


@pytest.fixture
def household() -> Household:
    return Household()


@pytest.fixture
async def host(tmp_path: Path, household: Household) -> AsyncIterator[Host]:
    """A furnished, running host."""
    async with running(tmp_path, household) as host:
        yield host


@pytest.fixture
async def bare_host(tmp_path: Path) -> AsyncIterator[Host]:
    """A host at its first start."""
    async with running(tmp_path, bare=True) as host:
        yield host


@pytest.fixture
def app(host: Host, built_app: Callable[[Host], Any]) -> Any:
    return built_app(host)


@pytest.fixture
def stranger(app: Any) -> Visitor:
    return Visitor(app)


@pytest.fixture
def visit(app: Any) -> Callable[[str], Any]:
    """`await visit("mara")`: a browser in which that person is signed in."""

    async def signed_in(name: str) -> Visitor:
        visitor = Visitor(app)
        answer = await visitor.sign_in(name)
        assert answer.status_code == 303, answer.text
        return visitor

    return signed_in


@pytest.fixture
async def address(app: Any) -> AsyncIterator[str]:
    """The product, served on loopback."""
    async with served(app) as url:
        yield url


@pytest.fixture
async def browser(started_browser: Browser, address: str) -> AsyncIterator[Browser]:
    """A real Chromium with nothing open; what a test opens is closed before the product ends."""
    async with fresh(started_browser):
        yield started_browser
