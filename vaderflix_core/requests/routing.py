"""Which requester takes a request: the admin's order, each one's own word, and a trail of why. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ..api.models import Verdict


class Considered(Struct, frozen=True, kw_only=True):
    """What one instance said. `verdict` is None when it did not answer; `error` says why."""

    instance: str
    name: str
    verdict: Verdict | None
    error: str = ""


class Route(Struct, frozen=True, kw_only=True):
    """The choice and its reasons, one line for each instance. `wait` means: none can take it now, one may later."""

    instance: str | None
    wait: bool
    trail: tuple[str, ...]


def choose(considered: Sequence[Considered], asked: str = "this kind of title") -> Route:
    """The first instance, in the given order, that accepts.

    One that did not answer is not passed over for a later one: the order is the admin's, and a film must not land in
    another library because a service was restarting. `asked` says what nobody takes, when there is nobody to ask.
    """
    trail: list[str] = []
    for index, one in enumerate(considered):
        if one.verdict is None:
            trail.append(f"{one.name} did not answer: {one.error}")
            return Route(instance=None, wait=True, trail=tuple(trail))
        if one.verdict.accepts:
            trail.append(f"{one.name} takes it: {one.verdict.reason}")
            trail += [f"{later.name} was not needed" for later in considered[index + 1 :]]
            return Route(instance=one.instance, wait=False, trail=tuple(trail))
        trail.append(f"{one.name} does not take it: {one.verdict.reason}")
    if not considered:
        trail.append(f"No service takes {asked}. Add one under Services.")
    return Route(instance=None, wait=not considered, trail=tuple(trail))
