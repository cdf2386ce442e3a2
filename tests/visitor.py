"""Somebody at the pages, without a browser."""

from __future__ import annotations

from typing import Any

import httpx

from vaderflix_web.app import CSRF_COOKIE

PASSWORD = "correct horse battery"


class Visitor:
    """Somebody with cookies: gets pages, sends forms with their token."""

    def __init__(self, app: Any) -> None:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://vaderflix.test")

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def token(self) -> str:
        """The token of this browser's forms, which its cookie holds from the first page on."""
        if CSRF_COOKIE not in self.http.cookies:
            await self.http.get("/signin", follow_redirects=True)
        return self.http.cookies[CSRF_COOKIE]

    async def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        form = {"_csrf_token": await self.token(), **(data or {})}
        return await self.http.post(path, data=form, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/signin", {"username": name, "password": password})

    async def name(self) -> str | None:
        """Who is signed in."""
        answer = await self.http.get("/api/v1/me")
        return answer.json()["username"] if answer.status_code == 200 else None
