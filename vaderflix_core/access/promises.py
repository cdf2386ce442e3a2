"""What an invitation shares, by name. Invitations keep the sources' ids; names are asked for when they are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from ..api.roles import Sharing as SharingRole
from ..plugins.apart import Apart
from ..plugins.pool import Binding, Pool

LAST = timedelta(minutes=1)
WAIT = 3.0  # seconds: a person waits for the page


class Promise(Struct, frozen=True, kw_only=True):
    """Libraries of one source, by name. `unnamed` counts those whose title is not known now."""

    instance: str
    name: str
    titles: tuple[str, ...]
    unnamed: int


class Promises:
    """Names the libraries of invitations. Each source is asked once a minute at most, however many open a link."""

    def __init__(self, pool: Pool, apart: Apart, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._apart = apart
        self._clock = clock
        self._titles: dict[str, dict[str, str]] = {}
        self._asked: dict[str, datetime] = {}

    async def of(self, libraries: Mapping[str, Sequence[str]]) -> list[Promise]:
        """The libraries of an invitation, source by source."""
        found = []
        for instance, ids in libraries.items():
            binding = next(iter(self._pool.bindings(SharingRole, instance=instance)), None)
            known = await self._known(binding) if binding is not None else {}
            titles = tuple(known[id] for id in ids if id in known)
            name = binding.name if binding is not None else instance
            found.append(Promise(instance=instance, name=name, titles=titles, unnamed=len(ids) - len(titles)))
        return found

    async def _known(self, binding: Binding) -> Mapping[str, str]:
        now, before = self._clock(), self._asked.get(binding.instance)
        if before is None or now - before >= LAST:
            self._asked[binding.instance] = now
            answer = await self._apart.call(binding, "libraries", timeout=WAIT)
            if answer.ok:
                self._titles[binding.instance] = {one.id: one.title for one in answer.value or ()}
        return self._titles.get(binding.instance, {})
