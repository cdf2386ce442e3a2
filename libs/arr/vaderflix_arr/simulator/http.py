"""The HTTP face that both products share: requests, routes, answers, and the words of their errors."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct, field

from vaderflix_core.testing.faults import Receive, Scope, Send

Row = dict[str, Any]
JSON = "application/json; charset=utf-8"
PIPELINE = "application/json"  # what leaves their exception handler names no charset and no version
PROBLEM = "application/problem+json; charset=utf-8"
RFC = "https://tools.ietf.org/html/rfc9110#section-15.5."


class Reply(Struct, kw_only=True):
    """An answer. `body` is JSON, or bytes as they are, or None for an empty one."""

    status: int = 200
    body: Any = None
    content_type: str | None = JSON
    headers: dict[str, str] = {}
    versioned: bool = True  # whether it carries X-Application-Version


class Stream(Struct, kw_only=True):
    """An endless answer of server-sent events."""

    lines: AsyncIterator[bytes]


class Refused(Exception):
    """Ends a handler with the answer it holds."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def failure(status: int, message: str, kind: str = "System.InvalidOperationException") -> Refused:
    """The object that their exception handler sends: a message, and a description that begins like a stack trace."""
    body = {"message": message, "description": f"{kind}: {message}\n   at {kind.split('.')[0]}"}
    return Refused(Reply(status=status, body=body, content_type=PIPELINE, versioned=False))


def conflict(column: str) -> Refused:
    """409 of a unique column that a racing add broke."""
    return failure(409, f"constraint failed\nUNIQUE constraint failed: {column}", "code = Constraint (19), message")


def not_found_message() -> Refused:
    """404 with a message only, as for queue items that are gone."""
    return Refused(Reply(status=404, body={"message": "NotFound"}, content_type=PIPELINE, versioned=False))


def problem(status: int, title: str, errors: dict[str, list[str]] | None = None, content_type: str = JSON) -> Refused:
    """ASP.NET's ProblemDetails."""
    body: Row = {"type": f"{RFC}{1 if status == 400 else 5}", "title": title, "status": status}
    if errors is not None:
        body["errors"] = errors
    body["traceId"] = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    return Refused(Reply(status=status, body=body, content_type=content_type))


def spaced(name: str) -> str:
    """A property's name as their validators print it: QualityProfileId is "Quality Profile Id"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def complaint(prop: str, message: str, attempted: Any = None, code: str = "", **values: Any) -> Row:
    """One element of a validation answer."""
    row: Row = {"propertyName": prop, "errorMessage": message}
    if attempted is not None:
        row["attemptedValue"] = attempted
    row["severity"] = "error"
    if code:
        row["errorCode"] = code
        row["formattedMessageArguments"] = []
        row["formattedMessagePlaceholderValues"] = {**values, "propertyName": spaced(prop), "propertyValue": attempted}
    return row


def invalid(rows: list[Row]) -> Refused:
    """400 with the array of complaints."""
    return Refused(Reply(status=400, body=rows, content_type=PIPELINE, versioned=False))


class Request(Struct, kw_only=True):
    """One call. Query names are kept in lower case; repeated ones stay lists."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    headers: dict[str, str]
    params: dict[str, int] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query argument."""
        return (self.query.get(name.lower()) or [default])[0]

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean query argument."""
        value = self.one(name)
        return value.lower() == "true" if value else default

    def number(self, name: str, default: int = 0) -> int:
        """An integer query argument; ProblemDetails when it is no integer."""
        value = self.one(name)
        if not value:
            return default
        try:
            return int(value)
        except ValueError:
            errors = {name: [f"The value '{value}' is not valid."]}
            raise problem(400, "One or more validation errors occurred.", errors) from None

    def numbers(self, name: str) -> list[int]:
        """All values of a repeated integer argument, also comma separated."""
        parts = [part for value in self.query.get(name.lower(), []) for part in value.split(",")]
        return [int(part) for part in parts if part.lstrip("-").isdigit()]

    def json(self, types: dict[str, type] | None = None) -> Row:
        """The body as an object, its names in camelCase. `types` are checked as their deserialiser does."""
        try:
            value = _camel(json.loads(self.body or b"{}"))
        except ValueError:
            text = self.body.decode(errors="replace").lstrip("{ ")[:1]
            errors = {"$": [f"'{text}' is an invalid start of a property name. Path: $ | LineNumber: 0."]}
            raise problem(400, "One or more validation errors occurred.", errors) from None
        if not isinstance(value, dict):
            raise problem(400, "One or more validation errors occurred.", {"$": ["The JSON value is no object."]})
        for name, wanted in (types or {}).items():
            given = value.get(name)
            if given is not None and (not isinstance(given, wanted) or (wanted is int and isinstance(given, bool))):
                kind = {int: "System.Int32", bool: "System.Boolean", str: "System.String"}.get(wanted, wanted.__name__)
                errors = {f"$.{name}": [f"The JSON value could not be converted to {kind}. Path: $.{name}"]}
                raise problem(400, "One or more validation errors occurred.", errors)
        return value


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel(item) for key, item in value.items()}
    return value


Handler = Callable[[Request], Awaitable[Reply | Stream]]


class Router:
    """Paths to handlers. `{name}` in a pattern is an integer, `{name:text}` is anything up to the next slash."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """Serve a path; of two that match, the one added first wins."""
        regex = re.sub(r"\{\w+:text\}", r"([^/]+)", pattern)
        regex = re.sub(r"\{(\w+)\}", r"(?P<\1>-?\\d+)", regex)
        self._routes.append((method, re.compile(regex + "$", re.IGNORECASE), handler))

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, int]] | None:
        """The handler of a call and its path parameters; raises 405 for a known path with another verb."""
        known = False
        for verb, regex, handler in self._routes:
            if match := regex.match(path):
                if verb == method:
                    return handler, {name: int(value) for name, value in match.groupdict().items()}
                known = True
        if known:
            raise Refused(Reply(status=405, content_type=None))
        return None


async def read(scope: Scope, receive: Receive) -> Request:
    """The whole request."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    query = parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True)
    lowered: dict[str, list[str]] = {}
    for name, values in query.items():
        lowered.setdefault(name.lower(), []).extend(values)
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    return Request(method=scope["method"], path=scope["path"], query=lowered, body=body, headers=headers)


async def write(send: Send, reply: Reply, version: str) -> None:
    """Send an answer."""
    body = (
        reply.body if isinstance(reply.body, bytes) else b"" if reply.body is None else msgspec.json.encode(reply.body)
    )
    headers = dict(reply.headers)
    if reply.content_type and body:
        headers["Content-Type"] = reply.content_type
    headers["Content-Length"] = str(len(body))
    if reply.versioned:
        headers["X-Application-Version"] = version
    if reply.status != 401:
        headers.setdefault("Cache-Control", "no-cache, no-store")
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def stream(send: Send, receive: Receive, source: Stream) -> None:
    """Send events until the reader leaves."""
    import asyncio

    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache, no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    watcher = asyncio.create_task(gone())
    pump = asyncio.create_task(_pump(send, source.lines))
    try:
        await asyncio.wait({watcher, pump}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (watcher, pump):
            task.cancel()
        await asyncio.gather(watcher, pump, return_exceptions=True)
    await send({"type": "http.response.body", "body": b""})


async def _pump(send: Send, lines: AsyncIterator[bytes]) -> None:
    async for line in lines:
        await send({"type": "http.response.body", "body": line, "more_body": True})
