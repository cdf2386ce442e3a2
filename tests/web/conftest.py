"""A running household for the pages, and browsers without a window to visit it."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser

sys.path.insert(0, str(Path(__file__).parent))

from world import PASSWORD, Household, running

from vaderflix_core.host import Host
from vaderflix_core.testing import served

from ..chromium import chromium

TOKEN = re.compile(r'name="_csrf_token" value="(\w+)"')


class Visitor:
    """Somebody with cookies: gets pages, sends forms with their token."""

    def __init__(self, app: Any) -> None:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://vaderflix.test")

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def token(self) -> str:
        """The token of this browser's forms."""
        for path in ("/signin", "/you/profile", "/setup"):
            found = TOKEN.search((await self.http.get(path)).text)
            if found:
                return found[1]
        raise AssertionError("no form with a token")

    async def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        form = {"_csrf_token": await self.token(), **(data or {})}
        return await self.http.post(path, data=form, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/signin", {"username": name, "password": password})


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
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started
