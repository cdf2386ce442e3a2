"""Calls of abilities that speak to another service than their instance does, such as the one that keeps accounts."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from .answers import Answer
from .guard import Guard
from .pool import Binding


class Apart:
    """The guard with a breaker for each ability, so that a failing account service takes no library away."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._known: dict[str, object] = {}

    async def call(
        self, binding: Binding, method: str, *args: Any, timeout: float | None = None, anew: bool = False
    ) -> Answer[Any]:
        """As `Guard.call`. `anew` lets the call through whatever was before: a person asked for it."""
        key = f"{binding.instance}/{binding.role}"
        if self._known.get(key) is not binding.provider:
            self._guard.forget(key)  # what was known of it was about other settings
            self._known[key] = binding.provider
        elif anew:
            self._guard.reset(key)
        return await self._guard.call(structs.replace(binding, instance=key), method, *args, timeout=timeout)
