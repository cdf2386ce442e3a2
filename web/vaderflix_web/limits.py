"""How often somebody may ask: per class of route, per account and per client address; wrong passwords apart.

A route names its class in `opt={"limit": ...}`. Without one, what strangers may send (public, and it changes
something) counts as `sign_in`, all else as `default`. Windows are fixed and begin with the first call in them. One
process counts in memory; with Redis all processes count together, exactly.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from msgspec import Struct

from vaderflix_core.failures import TooMany

from .auth import Connection, address_of, viewer_of
from .i18n import _

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler
    from litestar.routes import BaseRoute

log = structlog.get_logger("limits")


class Limit(Struct, frozen=True):
    """Calls in one window: for one account, for one client address, and the window's seconds."""

    account: int
    address: int
    seconds: float = 60.0


# an address may be a whole household behind one router, so it may do more than one account
CLASSES: dict[str, Limit | None] = {
    "default": Limit(account=1800, address=6000),
    "search": Limit(account=240, address=600),  # a search asks every service; typing makes about four in a second
    "media": Limit(account=12_000, address=24_000),  # a page of posters is a hundred calls
    "sign_in": Limit(account=60, address=60),
    "links": Limit(account=30, address=30),
    "webhooks": Limit(account=600, address=600),
    "none": None,  # files of ours that cost nothing
}
GUESS_WINDOW = 15 * 60.0
WRONG_FOR_PAIR = 10  # wrong answers for one account from one address
WRONG_FROM_ADDRESS = 30
WRONG_FOR_ACCOUNT = 20  # from anywhere: beyond it each further try waits, the right one too, and none is refused
LONGEST_WAIT = 2.0


class Counter(Protocol):
    """Counts calls in windows."""

    async def add(self, keys: Sequence[str], seconds: float, calls: int = 1) -> list[tuple[int, float]]:
        """Count `calls` more under each key; gives each count in its window, and the seconds until that ends."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class MemoryCounter:
    """Counts for one process. `now` is a clock in seconds that never goes back."""

    LARGEST = 50_000

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._windows: dict[str, tuple[int, float]] = {}

    async def add(self, keys: Sequence[str], seconds: float, calls: int = 1) -> list[tuple[int, float]]:
        """See `Counter`."""
        now, found = self._now(), []
        if len(self._windows) > self.LARGEST:
            self._windows = {key: one for key, one in self._windows.items() if one[1] > now}
            if len(self._windows) > self.LARGEST:
                self._windows.clear()
        for key in keys:
            count, ends = self._windows.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + seconds
            count = max(0, count + calls)
            found.append((count, ends - now))
            if count:
                self._windows[key] = (count, ends)
            else:  # tries that were refused leave nothing: else made-up names would push out what counts
                self._windows.pop(key, None)
        return found

    async def close(self) -> None:
        """See `Counter`."""


class RedisCounter:
    """Counts for all processes, in one round trip; for this process alone while Redis does not answer."""

    SCRIPT = """
    local found = {}
    for _, key in ipairs(KEYS) do
      local count = redis.call('INCRBY', key, ARGV[2])
      if count < 0 then count = 0; redis.call('SET', key, 0, 'KEEPTTL') end
      local left = redis.call('PTTL', key)
      if left < 0 then left = tonumber(ARGV[1]); redis.call('PEXPIRE', key, left) end
      found[#found + 1] = count
      found[#found + 1] = left
    end
    return found
    """
    PREFIX = "vf:limit:"
    AGAIN = 5.0

    def __init__(self, url: str, now: Callable[[], float] = time.monotonic) -> None:
        from redis.asyncio import Redis

        self._redis = Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._script = self._redis.register_script(self.SCRIPT)
        self._alone = MemoryCounter(now)
        self._now = now
        self._silent_until = 0.0  # not 0 from the first failure until it answers again

    async def add(self, keys: Sequence[str], seconds: float, calls: int = 1) -> list[tuple[int, float]]:
        """See `Counter`."""
        from redis.exceptions import RedisError

        if self._now() >= self._silent_until:
            try:
                named = [self.PREFIX + key for key in keys]
                told = await self._script(keys=named, args=[math.ceil(seconds * 1000), calls])
                if self._silent_until:
                    self._silent_until = 0.0
                    log.info("redis answers again; limits count for all processes")
                return [(int(told[i]), int(told[i + 1]) / 1000) for i in range(0, len(told), 2)]
            except (RedisError, OSError) as error:
                if not self._silent_until:
                    why = type(error).__name__
                    log.warning("redis does not answer; limits count for this process alone", error=why)
                self._silent_until = self._now() + self.AGAIN
                # the others lead to the server that went: each would fail once more, after it is back
                with suppress(RedisError, OSError):
                    await self._redis.connection_pool.disconnect(inuse_connections=False)
        return await self._alone.add(keys, seconds, calls)

    async def close(self) -> None:
        """See `Counter`."""
        await self._redis.aclose()


class Attempt:
    """One try of a secret; set `right` when it was."""

    right = False


class Limiter:
    """The limits of one application."""

    def __init__(self, counter: Counter, sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep) -> None:
        self._counter = counter
        self._sleep = sleep

    async def close(self) -> None:
        """Let go of connections."""
        await self._counter.close()

    async def take(self, name: str, *, account: int | None, address: str) -> None:
        """Count one call of a class. Raises `TooMany`."""
        limit = CLASSES[name]
        if limit is None:
            return
        keys, most = [f"{name}:from:{client_key(address)}"], [limit.address]
        if account is not None:
            keys.append(f"{name}:by:{account}")
            most.append(limit.account)
        counts = await self._counter.add(keys, limit.seconds)
        _refuse_above(counts, most)

    @asynccontextmanager
    async def attempt(self, subject: str, address: str, *, familiar: bool = False) -> AsyncIterator[Attempt]:
        """Around one try of a password or code for `subject` (a name as it was typed). Raises `TooMany`.

        Many wrong ones for an account from one address close the door for that pair, many for any accounts that for
        the address: nobody can lock somebody else out. From many addresses together they make every further try for
        the account wait a little. Who comes from where the account was signed in to before (`familiar`) feels only
        the wrong ones for it from there: a household is one address.
        """
        who, where = hashlib.sha256(subject.strip().casefold().encode()).hexdigest()[:24], client_key(address)
        keys = [f"wrong:{who}:{where}", f"wrong:from:{where}", f"wrong:for:{who}"]
        # counted before it is judged, so that many tries at once do not all pass
        counts = await self._counter.add(keys, GUESS_WINDOW)
        try:
            if familiar:
                _refuse_above(counts[:1], [WRONG_FOR_PAIR])
            else:
                _refuse_above(counts[:2], [WRONG_FOR_PAIR, WRONG_FROM_ADDRESS])
        except TooMany:
            await self._counter.add(keys, GUESS_WINDOW, -1)
            raise
        over = counts[2][0] - WRONG_FOR_ACCOUNT
        if over > 0 and not familiar:
            await self._sleep(min(LONGEST_WAIT, 0.1 * 2 ** min(over, 10)))
        one = Attempt()
        try:
            yield one
        except BaseException:
            await self._counter.add(keys, GUESS_WINDOW, -1)
            raise
        if one.right:
            await self._counter.add(keys, GUESS_WINDOW, -1)


def client_key(address: str) -> str:
    """What an address counts under: IPv6 by its /64, because one line has that many addresses."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64] or "unknown"
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped) if found.ipv4_mapped else f"{found.exploded[:19]}::/64"
    return str(found)


def _refuse_above(counts: Sequence[tuple[int, float]], most: Sequence[int]) -> None:
    waits = [left for (count, left), top in zip(counts, most, strict=True) if count > top]
    if waits:
        raise TooMany(_("That was too often in a short time."), retry_after=max(1, math.ceil(max(waits))))


def make_limiter(redis_url: str | None) -> Limiter:
    """The limiter that fits the configuration."""
    return Limiter(RedisCounter(redis_url) if redis_url else MemoryCounter())


def limiter_of(connection: Connection) -> Limiter:
    """The limits of this application."""
    limiter: Limiter = connection.app.state.limiter
    return limiter


def class_of(connection: Connection, handler: BaseRouteHandler) -> str:
    """The class that a route counts in."""
    named: str | None = handler.opt.get("limit")
    if named is not None:
        return named
    changes = connection.scope.get("method") not in ("GET", "HEAD", "OPTIONS")
    return "sign_in" if changes and handler.opt.get("permission") == "public" else "default"


def check_limits(routes: Iterable[BaseRoute]) -> None:
    """Raise `ValueError` when a route names a class that does not exist."""
    for route in routes:
        for handler in getattr(route, "route_handlers", ()):
            if handler.opt.get("limit", "default") not in CLASSES:
                raise ValueError(f"{route.path} names a class of limits that does not exist: {handler.opt['limit']}")


async def limited(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard of the whole application. Raises `TooMany`."""
    viewer = viewer_of(connection)
    account = viewer.id if viewer is not None else None
    await limiter_of(connection).take(class_of(connection, handler), account=account, address=address_of(connection))


def guessing(connection: Connection, subject: str, *, familiar: bool = False) -> Any:
    """`async with guessing(request, name) as attempt:` around each check of a password or a code. Raises `TooMany`."""
    return limiter_of(connection).attempt(subject, address_of(connection), familiar=familiar)
