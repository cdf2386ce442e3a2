"""The ordered list of bindings that all work walks: which provider fills which role, for which instance."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct


class Binding(Struct, frozen=True, eq=False, kw_only=True):
    """One provider in one role. `role` is the name of a Protocol of `api.roles`, a role or an ability."""

    plugin: str
    instance: str  # the instance's id
    name: str  # the instance's name, for people
    role: str
    provider: object
    priority: int = 50


class Pool:
    """What can be called now. Only instances that have started are in it; `revision` grows with every change."""

    def __init__(self) -> None:
        self.revision = 0
        self._by_instance: dict[str, tuple[Binding, ...]] = {}
        self._by_role: dict[str, tuple[Binding, ...]] = {}

    def bindings(self, role: str | type, *, instance: str | None = None) -> tuple[Binding, ...]:
        """The bindings of a role, by priority and then by instance id; those of one instance when it is named."""
        found = self._by_role.get(role if isinstance(role, str) else role.__name__, ())
        return found if instance is None else tuple(b for b in found if b.instance == instance)

    def publish(self, instance: str, bindings: Iterable[Binding]) -> None:
        """Put an instance's bindings in place of those it had."""
        self._by_instance[instance] = tuple(bindings)
        self._index()

    def withdraw(self, instance: str) -> None:
        """Take an instance out; calls under way go on with the provider they hold."""
        if self._by_instance.pop(instance, None) is not None:
            self._index()

    def _index(self) -> None:
        by_role: dict[str, list[Binding]] = {}
        for bindings in self._by_instance.values():
            for binding in bindings:
                by_role.setdefault(binding.role, []).append(binding)
        self._by_role = {
            role: tuple(sorted(found, key=lambda b: (b.priority, b.instance))) for role, found in by_role.items()
        }
        self.revision += 1
