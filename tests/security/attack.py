"""A household to attack: the real host and application, everybody who may knock, and every route they may try."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct
from world import PASSWORD, Household, running

from vaderflix_core.access.models import Permission, User
from vaderflix_core.host import Host
from vaderflix_web.app import create_app
from vaderflix_web.limits import Limiter

BASE = "http://localhost"
TOKEN = re.compile(r'name="_csrf_token" value="(\w+)"')
PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
SAFE = {"GET", "HEAD"}


class Endless:
    """Counts nothing: these suites ask more often than any person."""

    async def add(self, keys: Sequence[str], seconds: float, calls: int = 1) -> list[tuple[int, float]]:
        return [(0, 0.0) for _ in keys]

    async def close(self) -> None:
        pass


class Route(Struct, frozen=True):
    """One method of one path of the application."""

    method: str
    path: str
    permission: str
    handler: Any

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return PARAMETER.findall(self.path)

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")

    @property
    def is_stream(self) -> bool:
        return self.path.startswith("/live/") or self.path == "/api/v1/events"

    def filled(
        self, value: Callable[[str, str], str] = lambda name, kind: "999999" if kind == "int" else "nothing"
    ) -> str:
        return PARAMETER.sub(lambda found: value(found[1], found[2]), self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(app: Any) -> list[Route]:
    """Every route, but Litestar's own answers to OPTIONS."""
    return [
        Route(method, route.path, handler.opt.get("permission", ""), handler)
        for route in app.routes
        for handler in route.route_handlers
        for method in sorted(handler.http_methods)
        if method != "OPTIONS"
    ]


class Person:
    """Somebody with a browser or a program. `record` is told every answer."""

    def __init__(self, app: Any, name: str, *, headers: dict[str, str] | None = None, base: str = BASE) -> None:
        self.name = name
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url=base, headers=headers, timeout=20)
        self.token = ""

    async def arrive(self) -> Person:
        """Get the cookie and the token that forms need."""
        for path in ("/signin", "/you/profile", "/setup", "/you"):
            if found := TOKEN.search((await self.http.get(path)).text):
                self.token = found[1]
                return self
        return self

    async def sign_in(self, username: str, password: str = PASSWORD) -> Person:
        await self.arrive()
        answer = await self.form("/signin", {"username": username, "password": password})
        assert answer.status_code == 303, answer.text
        return await self.arrive()

    def lend(self, other: Person) -> None:
        """Use the cookies of another, and the token of their forms."""
        self.http.cookies, self.token = other.http.cookies, other.token

    async def form(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        return await self.http.post(path, data={"_csrf_token": self.token, **(data or {})}, **options)

    async def ask(self, route: Route, path: str | None = None, **options: Any) -> httpx.Response:
        """One call of a route, with what keeps forgers out, so that only the person's rights decide."""
        headers = {"X-Vaderflix": "1", "X-CSRFToken": self.token, **options.pop("headers", {})}
        return await self.http.request(route.method, path or route.filled(), headers=headers, **options)


class Besieged:
    """The house, its application and its routes."""

    def __init__(self, host: Host, app: Any, household: Household, folder: Path) -> None:
        self.host = host
        self.app = app
        self.household = household
        self.folder = folder
        self.routes = routes_of(app)
        self.users: dict[str, User] = {}

    async def person(self, username: str, *, app: Any = None) -> Person:
        """Somebody signed in, in a browser of their own."""
        return await Person(app or self.app, username).sign_in(username)

    async def stranger(self, *, app: Any = None) -> Person:
        return await Person(app or self.app, "a stranger").arrive()

    async def program(self, username: str, scopes: frozenset[Permission] | None, *, app: Any = None) -> Person:
        """A program with an API key of that account."""
        label = "all" if scopes is None else "+".join(sorted(scopes)) or "none"
        key, _made = await self.host.sessions.create_key(self.users[username], f"key {label}", scopes)
        return Person(app or self.app, f"a key of {username} for {label}", headers={"X-Api-Key": key})

    def pages(self) -> Iterator[Route]:
        """Routes that show something and end."""
        return (route for route in self.routes if route.method == "GET" and not route.is_stream)


@asynccontextmanager
async def besieged(folder: Path, household: Household | None = None, **options: Any) -> AsyncIterator[Besieged]:
    """A running house with a viewer, two requesters and an admin."""
    household = household or Household()
    async with running(folder, household) as host:
        house = Besieged(
            host, create_app(host, manage_host=False, limiter=Limiter(Endless()), **options), household, folder
        )
        await host.access.create_user("otto", PASSWORD, role="requester", display_name="Otto")
        house.users = {user.username: user for user in await host.access.list_users()}
        yield house
