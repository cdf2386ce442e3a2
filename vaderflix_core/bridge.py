"""The bus of several processes: events travel through Redis. A lost one costs latency; the truth is in the database."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import Any, Union

import msgspec
import structlog
from msgspec import Struct

from .api.events import EVENTS, Event
from .bus import Bus

log = structlog.get_logger("bus")

CHANNEL = "vaderflix:events"
WAITING = 1000  # events kept while Redis is away; of more, the oldest are dropped
AGAIN = 2.0


class Carried(Struct, frozen=True):
    """An event on its way, with the process that it happened in."""

    origin: str
    event: Any


class Bridge:
    """Carries this process's events to the others, and theirs to it. `more` are events beside the plugin API's."""

    def __init__(self, bus: Bus, redis_url: str, more: tuple[type[Event], ...] = ()) -> None:
        self._bus = bus
        self._url = redis_url
        self._origin = secrets.token_hex(8)
        kinds: Any = Union[(*EVENTS, *more)]
        self._decoder = msgspec.json.Decoder(kinds)
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(WAITING)
        self._away = False
        bus.carry = self._take

    def _take(self, event: Event) -> None:
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(event)

    async def run(self) -> None:
        """Carry for ever, connecting again when Redis was away; cancel to stop."""
        from redis.asyncio import Redis

        while True:
            client: Any = Redis.from_url(self._url, socket_connect_timeout=5, health_check_interval=15)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._send(client))
                    group.create_task(self._receive(client))
            except* Exception as errors:  # noqa: BLE001 - whatever ends the connection, it is made again
                if not self._away:
                    log.warning("events do not reach the other processes", error=str(errors.exceptions[0]))
                self._away = True
            finally:
                with contextlib.suppress(Exception):
                    await client.aclose()
            await asyncio.sleep(AGAIN)

    async def _send(self, client: Any) -> None:
        while True:
            event = await self._waiting.get()
            await client.publish(CHANNEL, msgspec.json.encode(Carried(self._origin, event)))

    async def _receive(self, client: Any) -> None:
        async with client.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            if self._away:
                self._away = False
                log.info("events reach the other processes again")
            while True:
                message = await subscription.get_message(ignore_subscribe_messages=True, timeout=30)
                if message is not None:
                    self._deliver(message["data"])

    def _deliver(self, data: bytes) -> None:
        try:
            carried = msgspec.json.decode(data, type=Carried)
            if carried.origin != self._origin:
                self._bus.deliver(self._decoder.decode(msgspec.json.encode(carried.event)))
        except msgspec.MsgspecError as error:
            # another version's event during an upgrade
            log.debug("an event was not understood", error=str(error))
