"""Connections to services: a name is looked up once, every answer is judged, the connection goes to what was judged.

Services of a household stand on loopback and private addresses, and an admin types their address, so those are
allowed. Refused, whoever asks and by whatever name: link-local addresses, and the places where clouds answer with
credentials of the machine; addresses of no machine (unspecified, multicast, broadcast); and those that hide one of
these inside IPv6.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeVar

import httpcore
import httpx

T = TypeVar("T")
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

# where clouds hand the machine's own credentials and settings to whoever asks from inside
METADATA = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
# with the IPv4 address last: RFC 6052, RFC 8215 at its usual length, RFC 2765
EMBEDDING = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96")))
_COMPATIBLE = IPv6Network("::/96")
_THIS_NETWORK = IPv4Network("0.0.0.0/8")


class RefusedAddress(Exception):
    """The address may not be connected to; the text says which and why."""


def inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it does; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in EMBEDDING) or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def why_refused(text: str) -> str | None:
    """Why this address may not be connected to, in a few words; None when it may."""
    address = ip_address(text.partition("%")[0])
    meant = inner(address)
    if meant in METADATA or meant.is_link_local:
        return "it is link-local or a metadata address, where no service of a household runs"
    if (isinstance(meant, IPv4Address) and meant in _THIS_NETWORK) or meant.is_unspecified:
        return "it is no address of a machine"
    if meant.is_multicast or str(meant) == "255.255.255.255":
        return "it is no address of a single machine"
    return None


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system gives them. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_facts, place in found))


async def judged(host: str, port: int, resolve: Resolve = look_up) -> list[str]:
    """The addresses of a name, each allowed. Raises `RefusedAddress` when any of them is refused: a name that leads to
    two such different places is not to be trusted. Raises `OSError` when the name is not known."""
    try:
        addresses = await resolve(host, port)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"no name can be like this ({error})") from error
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "no address belongs to the name")
    for address in addresses:
        if reason := why_refused(address):
            raise RefusedAddress(f"{host} leads to {address}: {reason}.")
    return addresses


async def first_that_answers(
    addresses: list[str],
    ends: float | None,
    attempt: Callable[[str, float | None], Awaitable[T]],
    failures: tuple[type[Exception], ...],
) -> T:
    """What `attempt` makes of the first address that answers, or the last failure."""
    loop = asyncio.get_running_loop()
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        # a silent address gets its part of the time, so that the next one has some left
        seconds = None if ends is None else max(0.01, (ends - loop.time()) / left)
        try:
            return await attempt(address, seconds)
        except failures:
            if left == 1:
                raise
    raise ValueError("No address to try.")


async def open_socket(host: str, port: int, timeout: float, resolve: Resolve = look_up) -> socket.socket:
    """A connected socket, to the first address of the name that answers. Raises `RefusedAddress` and `OSError`."""
    loop = asyncio.get_running_loop()

    async def attempt(address: str, seconds: float | None) -> socket.socket:
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            async with asyncio.timeout(seconds):
                await loop.sock_connect(made, (address, port))
        except BaseException:
            made.close()
            raise
        return made

    ends = loop.time() + timeout
    async with asyncio.timeout(timeout):
        addresses = await judged(host, port, resolve)
    return await first_that_answers(addresses, ends, attempt, (OSError,))


class Outbound(httpcore.AsyncNetworkBackend):
    """Opens connections only to judged addresses. TLS still checks the name that was asked for."""

    def __init__(self, resolve: Resolve = look_up) -> None:
        self._resolve = resolve
        self._network: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that answers. Raises httpcore's errors, and `RefusedAddress`."""
        loop = asyncio.get_running_loop()
        ends = None if timeout is None else loop.time() + timeout
        try:
            async with asyncio.timeout(timeout):
                addresses = await judged(host, port, self._resolve)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("The name was not found in time.") from error
        except OSError as error:
            raise httpcore.ConnectError(f"getaddrinfo: {error}") from error

        async def attempt(address: str, seconds: float | None) -> httpcore.AsyncNetworkStream:
            return await self._network.connect_tcp(address, port, seconds, local_address, socket_options)

        return await first_that_answers(addresses, ends, attempt, (httpcore.ConnectError, httpcore.ConnectTimeout))

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """A connection to a socket on this machine."""
        return await self._network.connect_unix_socket(path, timeout, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@functools.cache
def trusted(verify: bool) -> ssl.SSLContext:
    """What connections trust, the same for all: reading the known authorities takes 50 ms and 0.8 MB."""
    return httpx.create_ssl_context(verify=verify)


class OutboundTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over `Outbound`. Proxies of the environment are not used: they would choose the address."""

    def __init__(self, *, verify: bool, limits: httpx.Limits, resolve: Resolve = look_up) -> None:
        context = trusted(verify)
        super().__init__(verify=context, limits=limits)
        # httpx has no argument for the network; this is its own pool, with ours
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=Outbound(resolve),
        )
