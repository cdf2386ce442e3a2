"""The HTTP client of providers: every failure comes out as one of `api.errors`, every body as a typed Struct."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import msgspec

from .errors import AuthFailed, BadAnswer, Cause, NotFound, Rejected, Unavailable, WrongService
from .outbound import OutboundTransport, RefusedAddress, Resolve, look_up

T = TypeVar("T")
Explain = Callable[[httpx.Response], str | None]

MAX_BODY = 64 * 1024 * 1024
MAX_REDIRECTS = 3
# seconds that a connection is kept for: servers close theirs after five, and who asks just then gets no answer
IDLE = 3.0
_WHOLE = re.compile(r"[a-z][a-z0-9+.-]*:|//|\\", re.I)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110: of these signs, a header's value may hold a tab only


def _encoded(headers: Mapping[str, str | bytes]) -> dict[bytes, bytes]:
    """Headers as they go over the wire: text in UTF-8. Raises `Rejected` naming the header, never its value."""
    for name, value in headers.items():
        if isinstance(value, str) and _CONTROL.search(value):
            raise Rejected(f"The header {name} cannot hold a line break or another control character.")
    return {name.encode(): value.encode() if isinstance(value, str) else value for name, value in headers.items()}


def _retry_after(response: httpx.Response) -> float | None:
    """What RFC 9110 allows: seconds, or a date, which is counted from the service's own clock where it says."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(response.headers["Date"]) if "Date" in response.headers else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _connect_error(error: httpx.TransportError, origin: str) -> Unavailable:
    """Tell DNS, refused and TLS apart: httpx keeps the reason only in the chain of causes and its text."""
    cause: BaseException | None = error
    text = str(error)
    while cause is not None:
        if isinstance(cause, ssl.SSLError) or "CERTIFICATE" in str(cause) or "SSL" in str(cause):
            return Unavailable(f"{origin}: the TLS handshake failed ({cause}).", cause=Cause.TLS)
        text = f"{text} {cause}"
        cause = cause.__cause__ or cause.__context__
    if any(
        mark in text for mark in ("Name or service not known", "nodename nor servname", "getaddrinfo", "No address")
    ):
        return Unavailable(f"{origin}: no such host. Check the name.", cause=Cause.DNS)
    if isinstance(error, httpx.ConnectError):
        return Unavailable(
            f"{origin}: nothing answers there. Check the port, and that the service runs.", cause=Cause.REFUSED
        )
    return Unavailable(f"{origin}: the connection ended in the middle of an answer.", cause=Cause.BROKEN)


class ServiceClient:
    """One service over HTTP. Made by `Instance.http`; closed by the core when the instance stops.

    Credentials go in `headers`, never in a URL. Headers may hold any letters, which go as UTF-8; a line break or
    another control character in one is `Rejected`. Requests go to the origin of `base_url` only: whole addresses are
    refused as paths, redirects are followed on the same origin, and `outbound` judges where its name leads to.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 15.0,
        verify: bool = True,
        explain: Explain | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        resolve: Resolve = look_up,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._explain = explain
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=IDLE)
        self._http = httpx.AsyncClient(
            headers=_encoded({"User-Agent": "VaderFlix", **(headers or {})}),
            timeout=timeout,
            transport=transport or OutboundTransport(verify=verify, limits=limits, resolve=resolve),
            follow_redirects=False,
        )

    @property
    def cookies(self) -> httpx.Cookies:
        """The session cookies that the service has set."""
        return self._http.cookies

    @property
    def _origin(self) -> str:
        url = httpx.URL(self.base_url)
        return f"{url.scheme}://{url.netloc.decode()}"

    def _url(self, path: str) -> str:
        if _WHOLE.match(path):
            raise Rejected(f"{self._origin} was asked for an address elsewhere, which is not done.")
        return f"{self.base_url}/{path.lstrip('/')}"

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        check: bool = True,
        timeout: httpx.Timeout | float | None = None,
        **options: Any,
    ) -> AsyncIterator[httpx.Response]:
        """An open response, for bodies that are read in pieces. `check` raises for error statuses first."""
        url = self._url(path)
        if isinstance(options.get("headers"), Mapping):
            options["headers"] = _encoded(options["headers"])
        if timeout is not None:
            options["timeout"] = timeout
        try:
            for _ in range(MAX_REDIRECTS + 1):
                async with self._http.stream(method, url, **options) as response:
                    if response.is_redirect:
                        target = response.url.join(response.headers.get("Location", ""))
                        if (target.scheme, target.host, target.port) != (
                            response.url.scheme, response.url.host, response.url.port,
                        ):  # fmt: skip
                            raise WrongService(
                                f"{self._origin} sends us to another address ({target.scheme}://{target.host}). "
                                "Enter the address that answers without a redirect."
                            )
                        if response.status_code in (301, 302, 303) and method != "GET":
                            raise WrongService(f"{self._origin} redirects {method} {path}: check the address.")
                        url = str(target)
                        options.pop("params", None)
                        continue
                    if check and response.status_code >= 400:
                        await self._read(response)
                        self.raise_for_status(response)
                    yield response
                    return
            raise WrongService(f"{self._origin} redirects in a circle: check the address.")
        except httpx.TimeoutException as error:
            raise Unavailable(f"{self._origin} did not answer in time.", cause=Cause.TIMEOUT) from error
        except RefusedAddress as error:
            raise Rejected(f"{self._origin} is not connected to: {error}") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Rejected(f"{self.base_url} is not a web address.") from error
        except httpx.TransportError as error:
            raise _connect_error(error, self._origin) from error
        except httpx.DecodingError as error:
            raise BadAnswer(f"{self._origin} answered with a body that cannot be unpacked.") from error

    async def _read(self, response: httpx.Response) -> bytes:
        parts, size = [], 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > MAX_BODY:
                raise BadAnswer(f"{self._origin} answered with more than {MAX_BODY // 2**20} MB.")
            parts.append(part)
        response._content = b"".join(parts)
        return response._content

    def _said(self, response: httpx.Response) -> str | None:
        if self._explain is None:
            return None
        try:
            return self._explain(response)
        except Exception:  # noqa: BLE001 - an error body is whatever a proxy in between made of it
            return None

    def raise_for_status(self, response: httpx.Response) -> None:
        """Raise what an error status means. The body must have been read."""
        status = response.status_code
        said = self._said(response) or f"HTTP {status}"
        if status in (401, 403):
            raise AuthFailed(
                f"{self._origin} refused our credentials ({said}). Check the key or token in the settings."
            )
        if status == 404:
            raise NotFound(f"{self._origin}: {said}", status=status)
        if status == 429:
            raise Unavailable(
                f"{self._origin} asks us to slow down.", cause=Cause.RATE_LIMITED, retry_after=_retry_after(response)
            )
        if status == 503:
            raise Unavailable(f"{self._origin}: {said}", cause=Cause.STARTING, retry_after=_retry_after(response))
        if status >= 500:
            raise Unavailable(f"{self._origin} has an error of its own ({said}).", cause=Cause.SERVER_ERROR)
        raise Rejected(f"{self._origin}: {said}", status=status)

    async def request(self, method: str, path: str, *, check: bool = True, **options: Any) -> httpx.Response:
        """A whole response, its body read. Options are httpx's: params, json, data, content, files, headers."""
        async with self.stream(method, path, check=check, **options) as response:
            await self._read(response)
            return response

    async def get(self, path: str, kind: type[T], **options: Any) -> T:
        """The JSON body of a GET as `kind`."""
        return self.decode(await self.request("GET", path, **options), kind)

    async def send(self, method: str, path: str, kind: type[T], **options: Any) -> T:
        """The JSON answer to any other verb as `kind`."""
        return self.decode(await self.request(method, path, **options), kind)

    def decode(self, response: httpx.Response, kind: type[T]) -> T:
        """A response's JSON as `kind`. Raises `BadAnswer` naming what does not fit."""
        try:
            return msgspec.json.decode(response.content, type=kind, strict=False)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadAnswer(
                f"{self._origin}: {response.request.url.path} answered what its API does not allow ({error})."
            ) from error

    async def close(self) -> None:
        """Close all connections; safe to call twice."""
        await self._http.aclose()
