"""What a request says, in plain text, whichever way its plugin encoded it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any
from urllib.parse import unquote_plus

import httpx


def texts(request: httpx.Request) -> Iterator[str]:
    """Every text of a request: its query, its headers (RFC 2047 too), its body as it is, as a form and as JSON."""
    yield unquote_plus(str(request.url))
    for value in request.headers.values():
        yield value
        yield unquote_plus(value)
        try:
            yield str(make_header(decode_header(value)))
        except (HeaderParseError, LookupError, UnicodeError):
            pass
    body = request.content.decode("utf-8", "replace")
    yield body
    yield unquote_plus(body)
    try:
        yield from _strings(json.loads(body))
    except ValueError:
        pass


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _strings(list(value.values()))
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
