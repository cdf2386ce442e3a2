"""The Web API's outer shell: requests, answers, sessions, and the refusals that every call may meet."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import multipart  # type: ignore[import-untyped]
from msgspec import Struct, field

from vaderflix_core.testing.faults import Receive, Scope, Send

from .sync import SyncSession
from .world import World

TEXT = "text/plain; charset=UTF-8"
JSON = "application/json"
MAX_FAILURES = 5
BAN_SECONDS = 3600.0
BANNED = "Your IP address has been banned after too many failed authentication attempts."
PREFIX = "/api/v2/"
PAGE = b"<!DOCTYPE html><html lang='en'><title>qBittorrent Web UI</title><p>This is a simulated qBittorrent.</p></html>"


class Problem(Exception):
    """A call that is refused, with the text the daemon gives."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def bad_request(text: str = "Bad Request") -> Problem:
    """400."""
    return Problem(400, text)


def not_found(text: str = "Not Found") -> Problem:
    """404."""
    return Problem(404, text)


def conflict(text: str) -> Problem:
    """409."""
    return Problem(409, text)


class Answer(Struct, kw_only=True):
    """What is sent back."""

    status: int = 200
    content_type: str = TEXT
    body: bytes = b""
    headers: dict[str, str] = {}


class Call(Struct, kw_only=True):
    """One request, as the handlers see it."""

    world: World
    sync: SyncSession
    params: dict[str, str]
    files: list[tuple[str, bytes]] = field(default_factory=list)

    def need(self, *names: str) -> list[str]:
        """The values of parameters that must be there."""
        if not all(name in self.params for name in names):
            raise bad_request()
        return [self.params[name] for name in names]

    def flag(self, name: str) -> bool | None:
        """A yes or no, as the daemon reads it."""
        value = self.params.get(name, "").lower()
        return True if value in ("true", "1") else False if value in ("false", "0") else None

    def number(self, name: str, default: int = 0) -> int:
        """A whole number."""
        try:
            return int(self.params.get(name, default))
        except ValueError:
            return default


Handler = Callable[[Call], Any]


class Route(Struct, frozen=True, kw_only=True):
    """A handler and when it is there. `only` names the versions: "stops" for 5.0 and later, "pauses" for before."""

    run: Handler
    post: bool = False
    only: str = ""

    def exists(self, world: World) -> bool:
        """Whether this version has the call."""
        return not self.only or (self.only == "stops") == world.dialect.stops


class WebApi:
    """The ASGI application. `failures` counts bad logins; `sessions` are the open ones."""

    def __init__(self, world: World, routes: dict[str, Route], credentials: dict[str, str]) -> None:
        self.world = world
        self.routes = routes
        self.credentials = credentials
        self.api_key = ""
        self.sessions: dict[str, SyncSession] = {}
        self.failures = 0
        self.banned_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            answer = self._answer(scope, headers, body)
        except Problem as problem:
            answer = Answer(status=problem.status, body=problem.text.encode())
        sent = [(b"content-type", answer.content_type.encode())]
        if answer.status != 204:
            sent.append((b"content-length", str(len(answer.body)).encode()))
        sent += [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": sent})
        await send({"type": "http.response.body", "body": answer.body})

    def _answer(self, scope: Scope, headers: dict[str, str], body: bytes) -> Answer:
        origin = headers.get("origin") or headers.get("referer") or ""
        if origin and urlsplit(origin).netloc != headers.get("host"):
            raise Problem(401, "Unauthorized")
        path: str = scope["path"]
        if path == "/":
            return Answer(content_type="text/html", body=PAGE)
        if not path.startswith(PREFIX):
            raise not_found()
        name, port = path.removeprefix(PREFIX), (scope.get("server") or ("", 0))[1]
        session = self._session(headers, self.world.dialect.cookie(port))
        if session is None and name != "auth/login":
            raise Problem(403, "Forbidden")
        self.world.advance()
        params, files = read_params(scope, headers, body)
        if name in ("auth/login", "auth/logout"):
            if scope["method"] != "POST":
                raise Problem(405, "Method Not Allowed")
            cookie = self.world.dialect.cookie(port)
            return self._login(params, cookie, session) if name == "auth/login" else self._logout(headers, cookie)
        route = self.routes.get(name)
        # a call that went away in this version is still known by its verb
        if route is not None and route.post and scope["method"] != "POST":
            raise Problem(405, "Method Not Allowed")
        if route is None or not route.exists(self.world) or session is None:
            raise not_found()
        return self._written(route.run(Call(world=self.world, sync=session, params=params, files=files)))

    def _written(self, result: Any) -> Answer:
        if isinstance(result, Answer):
            return result
        if result is None or result == "":
            return Answer(status=204 if self.world.dialect.modern else 200)
        if isinstance(result, str):
            return Answer(body=result.encode())
        return Answer(content_type=JSON, body=msgspec.json.encode(result, order="sorted"))

    def _session(self, headers: dict[str, str], cookie: str) -> SyncSession | None:
        if self.api_key and headers.get("authorization") == f"Bearer {self.api_key}":
            return SyncSession()
        sent = SimpleCookie(headers.get("cookie", "")).get(cookie)
        return self.sessions.get(sent.value) if sent else None

    def _login(self, params: dict[str, str], cookie: str, session: SyncSession | None) -> Answer:
        modern = self.world.dialect.modern
        good = Answer(status=204) if modern else Answer(body=b"Ok.")
        if session is not None:
            return good
        if time.monotonic() < self.banned_until:
            raise Problem(403, BANNED)
        given = {"username": params.get("username", ""), "password": params.get("password", "")}
        if given != {name: self.credentials[name] for name in given}:
            self.failures += 1
            if self.failures >= MAX_FAILURES:
                self.banned_until = time.monotonic() + BAN_SECONDS
            return Answer(status=401, body=b"Unauthorized") if modern else Answer(body=b"Fails.")
        self.failures = 0
        name = base64.b64encode(os.urandom(24)).decode()
        self.sessions[name] = SyncSession()
        good.headers = {"set-cookie": f"{cookie}={name}; HttpOnly; path=/; SameSite=Strict"}
        return good

    def _logout(self, headers: dict[str, str], cookie: str) -> Answer:
        sent = SimpleCookie(headers.get("cookie", "")).get(cookie)
        if sent:
            self.sessions.pop(sent.value, None)
        answer = self._written(None)
        answer.headers = {"set-cookie": f"{cookie}=; expires=Thu, 01-Jan-1970 00:00:00 GMT; path=/"}
        return answer


def read_params(scope: Scope, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
    """The parameters of a call, and its uploaded files as (file name, bytes)."""
    if scope["method"] != "POST":
        return dict(parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True)), []
    kind = headers.get("content-type", "")
    if not body or not kind:
        return {}, []
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    try:
        form, uploads = multipart.parse_form_data(environ, strict=False)
    except multipart.MultipartError:
        raise bad_request() from None
    files = [(part.filename or "", part.raw) for name in uploads for part in uploads.getall(name)]
    return {name: form[name] for name in form}, files
