"""What stands before everything else: who the client really is behind proxies, and which addresses of ours are good.

Only proxies that the configuration trusts may say who the client is, by which scheme it came and which name it asked
for. Of `X-Forwarded-For` the rightmost address that is no trusted proxy counts: what stands left of it is hearsay.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import structlog
from litestar.enums import ScopeType

from vaderflix_core.failures import Failure

from .i18n import _

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

log = structlog.get_logger("web")

# names that nobody can register in the public DNS: a foreign page cannot make one of them lead to us
PRIVATE_NAMES = (".localhost", ".local", ".lan", ".home", ".home.arpa", ".internal", ".intranet", ".localdomain")
TEST_NAMES = (".test", ".example")
_HOST = re.compile(r"^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:[0-9]{1,5})?$", re.I)
_FORWARDING = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-real-ip")
REMEMBERED = 100
# as of common proxies; the framework remembers what it made of the last thousand of each
LONGEST_ADDRESS, LONGEST_HEAD, MOST_COOKIES = 8 * 1024, 32 * 1024, 200
BODY_SECONDS = 30.0  # a body is at most a form

Address = IPv4Address | IPv6Address


def address_in(text: str) -> Address | None:
    """The address of one entry of `X-Forwarded-For`, with or without a port; None when it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


class Proxies:
    """The proxies that are trusted, as addresses and networks."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = [ip_network(one, strict=False) for one in trusted]

    def trusts(self, address: Address | None) -> bool:
        """Whether what comes from here may speak for others."""
        return address is not None and any(address in network for network in self._networks)

    def client(self, peer: Address, forwarded: Sequence[str]) -> Address:
        """Who asks, by the peer of the connection and the chain that it reports, nearest last."""
        here = peer
        for entry in reversed(forwarded):
            if not self.trusts(here):
                break
            before = address_in(entry)
            if before is None:
                break
            here = before
        return here


class Names:
    """The names by which this installation may be asked for.

    With `allowed` only those (`*.example.org` for all below it, `*` for any), the public address's and loopback.
    Without it also every IP address and every name that is private by its form. A foreign page that lets its own name
    lead to us (DNS rebinding) brings that name along, and is refused.
    """

    def __init__(self, allowed: Iterable[str], base_url: str | None) -> None:
        self._allowed = {name.lower().rstrip(".") for name in allowed}
        self._strict = bool(self._allowed)
        public = urlsplit(base_url).hostname if base_url else None
        self._known = {"localhost", "127.0.0.1", "::1", *([public] if public else [])}

    def allows(self, host: str) -> bool:
        """Whether a `Host` header names us. Without one no browser asks."""
        if not host:
            return True
        if not _HOST.match(host):
            return False
        name = (host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]).lower().rstrip(".")
        if name in self._known or name in self._allowed or "*" in self._allowed:
            return True
        if any(one.startswith("*.") and name.endswith(one[1:]) for one in self._allowed):
            return True
        return not self._strict and _is_private_name(name)


def _is_private_name(name: str) -> bool:
    return "." not in name or name.endswith((*PRIVATE_NAMES, *TEST_NAMES)) or address_in(name) is not None


class TooSlow(Failure):
    """A body did not arrive in time."""

    code = "too_slow"
    status = 408


def in_time(receive: Receive, seconds: float) -> Receive:
    """The same, with an end for bodies that never end; what comes after them may take as long as it likes."""
    ends: float | None = asyncio.get_running_loop().time() + seconds

    async def receive_in_time() -> Any:
        nonlocal ends
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError as error:
            raise TooSlow(_("The rest of it did not arrive. Send it again.")) from error
        if message["type"] != "http.request" or not message.get("more_body"):
            ends = None
        return message

    return receive_in_time


class Front:
    """ASGI application around the product's: corrects what proxies hide, refuses names that are not ours."""

    def __init__(self, app: ASGIApp, proxies: Proxies, names: Names) -> None:
        self._app = app
        self._proxies = proxies
        self._names = names
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] not in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            await self._app(scope, receive, send)
            return
        if status := _too_long(scope):
            await _refuse(scope, send, status, "too_long", _("The address or the headers of this call are too long."))
            return
        self._unwrap(scope)
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) > 1 or not self._names.allows(hosts[0] if hosts else ""):
            self._tell("asked by a name that is not ours; see allowed_hosts", ", ".join(hosts)[:200])
            said = _("Vader Flix is not known by this name. An admin can add it to allowed_hosts, or set base_url.")
            await _refuse(scope, send, 421, "unknown_host", said)
            return
        await self._app(scope, in_time(receive, BODY_SECONDS), send)

    def _unwrap(self, scope: Scope) -> None:
        headers = scope["headers"]
        said = {name: [v.decode("latin-1") for n, v in headers if n == name] for name in _FORWARDING}
        if not any(said.values()):
            return
        # whoever reads headers further in must not mistake them for facts
        kept = [(name, value) for name, value in headers if name not in _FORWARDING]
        connected = scope.get("client")
        peer = address_in(connected[0]) if connected else None
        if peer is None or not self._proxies.trusts(peer):
            if peer is not None and peer.is_private:
                self._tell("a proxy forwards for others and is not trusted; see trusted_proxies", str(peer))
            scope["headers"] = kept
            return
        chain = [entry for line in said[b"x-forwarded-for"] for entry in line.split(",")]
        scope["client"] = (str(self._proxies.client(peer, chain)), 0)
        proto = _last(said[b"x-forwarded-proto"]).lower()
        if proto in ("http", "https") and scope["type"] == ScopeType.HTTP:
            scope["scheme"] = proto
        if host := _last(said[b"x-forwarded-host"]):
            kept = [(name, value) for name, value in kept if name != b"host"] + [(b"host", host.encode("latin-1"))]
        scope["headers"] = kept

    def _tell(self, what: str, whom: str) -> None:
        if whom not in self._told and len(self._told) < REMEMBERED:
            self._told.add(whom)
            log.warning(what, name=whom)


def _last(lines: list[str]) -> str:
    return lines[-1].rpartition(",")[2].strip() if lines else ""


def _too_long(scope: Scope) -> int:
    """The status for an address or headers that no browser sends; 0 for all others."""
    if len(scope.get("raw_path") or scope["path"]) + len(scope.get("query_string", b"")) > LONGEST_ADDRESS:
        return 414
    headers = scope["headers"]
    cookies = sum(value.count(b";") + 1 for name, value in headers if name == b"cookie")
    return 431 if sum(len(n) + len(v) + 4 for n, v in headers) > LONGEST_HEAD or cookies > MOST_COOKIES else 0


async def _refuse(scope: Scope, send: Send, status: int, code: str, message: str) -> None:
    if scope["path"].startswith("/api/"):
        kind, body = "application/json", msgspec.json.encode({"error": {"code": code, "message": message}})
    else:
        kind, body = "text/plain; charset=utf-8", f"{message}\n".encode()
    headers: list[tuple[bytes, bytes]] = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
    start: Any = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    last: Any = {
        "type": "http.response.body",
        "body": b"" if scope.get("method") == "HEAD" else body,
        "more_body": False,
    }
    await send(last)
