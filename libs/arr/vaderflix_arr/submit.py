"""Taking a request without ever adding a title twice: look up, then add or adopt.

Seen with eight equal adds at once: one 201, the others 409 or 400 with any of five codes. So after every refusal the
title is looked up again before it counts as one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import httpx

from vaderflix_core.api import BadAnswer, Cause, ExternalIds, NotFound, Rejected, ServiceError, Unavailable

from .client import ArrClient, complaints, explain
from .wire import Managed

W = TypeVar("W", bound=Managed)

FIELDS = {  # the setting to mend, by the property a refusal names
    "qualityprofileid": "quality_profile",
    "rootfolderpath": "root_folder",
    "tags": "tags",
}


class TitleLocks:
    """One lock per title, so that two requests for it do not read and write over each other."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, title: object) -> asyncio.Lock:
        """The lock of a title; it lives as long as somebody holds it."""
        return self._locks.setdefault(str(title), asyncio.Lock())


async def add_or_adopt(
    client: ArrClient, path: str, body: dict[str, Any], kind: type[W], find: Callable[[], Awaitable[W | None]]
) -> tuple[W, bool]:
    """Add a title; gives it, and whether it was there already. Raises `Rejected` naming the setting to mend."""
    try:
        response = await client.attempt("POST", path, body)
        if response.status_code < 400:
            made = client.http.decode(response, kind)
            if not made.id:
                raise BadAnswer("The service answered an add with a title that has no number.")
            return made, False
    except (Unavailable, BadAnswer):
        # it may have been added before the answer was lost
        found = await _found_now(find)
        if found is None:
            raise
        return found, True
    found = await find()
    if found is None:
        raise refusal(response)
    return found, True


async def _found_now(find: Callable[[], Awaitable[W | None]]) -> W | None:
    try:
        return await find()
    except ServiceError:
        return None


def refusal(response: httpx.Response) -> ServiceError:
    """What a 400 or 409 means, when the title is not there."""
    said = explain(response) or f"HTTP {response.status_code}"
    if response.status_code == 409:
        return Unavailable(f"The service was busy with the same title ({said}).", cause=Cause.SERVER_ERROR)
    named = (FIELDS.get(c.property_name.replace(" ", "").lower()) for c in complaints(response))
    return Rejected(
        f"The service refused the title: {said.rstrip('.')}.",
        status=response.status_code,
        field=next((field for field in named if field), None),
    )


def same_title(one: ExternalIds, other: ExternalIds) -> bool:
    """Whether nothing speaks against both being one title: an id in common, or no catalogue that names both."""
    return one.shares(other) or {name for name, _ in one.pairs()}.isdisjoint(name for name, _ in other.pairs())


async def still_managed(
    read: Callable[[], Awaitable[W]], same: Callable[[W], bool], find: Callable[[], Awaitable[W | None]]
) -> W | None:
    """A title by its remembered id, or by its catalogue ids when that id is unknown or names another title by now.

    None only when the service itself answered both times.
    """
    try:
        title = await read()
        if not title.id:
            raise BadAnswer("The service answered with a title that has no number.")
        if same(title):
            return title
    except NotFound:
        pass
    with unknown_not_gone():
        return await find()


@contextmanager
def unknown_not_gone() -> Iterator[None]:
    """Around readings of a title's surroundings: that one of these is not found says nothing of the title."""
    try:
        yield
    except NotFound as error:
        raise Unavailable(f"The service could not be read in full: {error.message}") from error
