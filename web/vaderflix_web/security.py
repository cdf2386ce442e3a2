"""Headers that every answer carries: only our own files, no frames, no sniffing, no addresses handed on."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from litestar.datastructures import MutableScopeHeaders

from .auth import is_https_scope

if TYPE_CHECKING:
    from litestar.types import Message, Scope

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    # pages of a signed-in person stay out of shared and disk caches; pictures and static files say otherwise
    "cache-control": "no-store",
}

NONCE = "csp_nonce"

# not for names below ours: a household's other services may have no certificate
ONE_YEAR = "max-age=31536000"


def nonce_of(scope: Scope) -> str:
    """The word by which this answer's own scripts are known: those that somebody got into the page lack it."""
    nonce: str = scope["state"].setdefault(NONCE, secrets.token_urlsafe(16))
    return nonce


def _policy(scope: Scope) -> str:
    nonce = scope.get("state", {}).get(NONCE)
    source = f"nonce-{nonce}" if nonce else "none"
    return f"{POLICY}; script-src '{source}'"


async def add_headers(message: Message, scope: Scope) -> None:
    """Add the headers to an answer that does not set them itself. A `before_send` hook, because middleware does not
    run for addresses that lead nowhere."""
    if message["type"] == "http.response.start":
        message.setdefault("headers", [])
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("content-security-policy", _policy(scope))
        if is_https_scope(scope):
            headers.setdefault("strict-transport-security", ONE_YEAR)
            # the token's cookie is made by a part that knows the configuration only, not the connection
            message["headers"] = [
                (name, value + b"; Secure")
                if name.lower() == b"set-cookie" and b"; secure" not in value.lower()
                else (name, value)
                for name, value in message["headers"]
            ]
