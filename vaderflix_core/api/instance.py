"""One configured service of a plugin, as the plugin's hooks receive it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import httpx

from .errors import Cause, Rejected, Unavailable
from .http import Explain, ServiceClient
from .outbound import RefusedAddress, Resolve, look_up, open_socket, trusted
from .settings import Settings

S = TypeVar("S", bound=Settings)
T = TypeVar("T")


class Instance(Generic[S]):
    """What a provider may know of its place: who it is, its settings, its connections, its log, the time."""

    def __init__(
        self,
        *,
        id: str,
        plugin: str,
        name: str,
        settings: S,
        install_id: str,
        log: Any,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        resolve: Resolve = look_up,
    ) -> None:
        self.id = id
        self.plugin = plugin
        self.name = name
        self.settings = settings
        self.install_id = install_id  # the same for all instances of one installation, for client identifiers
        self.log = log  # a structlog logger bound to this instance: log.info("event", key=value)
        self.now = now
        self._transport = transport
        self._resolve = resolve
        self._shared: dict[Any, Any] = {}
        self._clients: list[ServiceClient] = []

    def http(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 15.0,
        verify: bool = True,
        explain: Explain | None = None,
        uds: str | None = None,
    ) -> ServiceClient:
        """A client for one service; the core closes it. `explain` reads the service's own words out of an error body,
        and may fail: then there are none. `uds` is the path of a unix socket to speak over."""
        transport: httpx.AsyncBaseTransport | None = None
        if self._transport is not None:
            transport = self._transport()
        elif uds is not None:
            transport = httpx.AsyncHTTPTransport(uds=uds, verify=trusted(True))
        client = ServiceClient(
            base_url,
            headers=headers,
            timeout=timeout,
            verify=verify,
            explain=explain,
            transport=transport,
            resolve=self._resolve,
        )
        self._clients.append(client)
        return client

    async def connect(self, host: str, port: int, *, timeout: float = 15.0) -> socket.socket:
        """An open connection for a service that does not speak HTTP, to be closed by the caller. Its name is looked up
        once and judged as for `http`. It is not encrypted yet: give the configured name, not the address that answered,
        to whatever begins TLS on it. Raises `Rejected` for an address that is refused, and `Unavailable`."""
        where = f"{host}:{port}"
        try:
            return await open_socket(host, port, timeout, self._resolve)
        except RefusedAddress as error:
            raise Rejected(f"{where} is not connected to: {error}") from error
        except socket.gaierror as error:
            raise Unavailable(f"{where}: no such host. Check the name.", cause=Cause.DNS) from error
        except TimeoutError as error:
            raise Unavailable(f"{where} did not answer in time. Check the port.", cause=Cause.TIMEOUT) from error
        except OSError as error:
            raise Unavailable(
                f"{where}: nothing answers there. Check the port, and that the service runs.", cause=Cause.REFUSED
            ) from error

    def shared(self, make: Callable[[Instance[S]], T]) -> T:
        """The one object that `make` builds for this instance, however many hooks ask for it."""
        if make not in self._shared:
            self._shared[make] = make(self)
        made: T = self._shared[make]
        return made

    async def close(self) -> None:
        """Close every client that was made here."""
        for client in self._clients:
            await client.close()
