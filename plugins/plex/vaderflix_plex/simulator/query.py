"""Filters, orders and pages of a listing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from .render import tag_id
from .state import Item

_FIELD = re.compile(r"(?:(?P<type>movie|show|season|episode)\.)?(?P<name>[A-Za-z]+)(?P<operator>[!<>=]{0,2})")
_AGO = re.compile(r"-(\d+)(s|mon|m|h|d|w|y)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mon": 2_592_000, "y": 31_536_000}

FIELDS: dict[str, Callable[[Item], Any]] = {
    "title": lambda i: i.title,
    "titleSort": lambda i: i.sort_title.casefold(),
    "year": lambda i: i.year or 0,
    "addedAt": lambda i: i.added_at,
    "updatedAt": lambda i: i.updated_at,
    "lastViewedAt": lambda i: i.last_viewed_at,
    "originallyAvailableAt": lambda i: i.air_date or str(i.year or ""),
    "rating": lambda i: i.known.rating if i.known else 0.0,
    "audienceRating": lambda i: i.known.rating if i.known else 0.0,
    "userRating": lambda i: i.user_rating or 0.0,
    "duration": lambda i: i.known.runtime_minutes if i.known else 0,
    "viewCount": lambda i: i.view_count,
    "index": lambda i: (i.parent.index or 0 if i.parent else 0, i.index or 0),
    "id": lambda i: i.key,
    "guid": lambda i: i.guid,
    "studio": lambda i: i.show.known.studio if i.show.known else "",
    "contentRating": lambda i: i.show.known.certification if i.show.known else "",
}
_DATES = {"addedAt", "updatedAt", "lastViewedAt"}


def _moment(value: str) -> int:
    if found := _AGO.fullmatch(value):
        return int(time.time()) - int(found[1]) * _UNITS[found[2]]
    return int(value)


def _text_matches(operator: str, have: str, want: str) -> bool:
    have, want = have.casefold(), want.casefold()
    return {
        "": want in have,
        "!": want not in have,
        "=": have == want,
        "!=": have != want,
        "<": have.startswith(want),
        ">": have.endswith(want),
    }.get(operator, True)


def _matches(item: Item, name: str, operator: str, value: str) -> bool:
    if name == "unwatched":
        return (item.view_count == 0) == (value != "0") if not operator else True
    if name == "genre":
        have = {str(tag_id("genre", genre)) for genre in (item.show.known.genres if item.show.known else ())}
        return have.isdisjoint(value.split(",")) == (operator == "!")
    if name not in FIELDS:
        return True
    have = FIELDS[name](item)
    if name in ("title", "titleSort", "studio"):
        return _text_matches(operator, item.title if name != "studio" else have, value)
    if name == "guid":
        return have == value or value in item.guids
    want: Any = _moment(value) if name in _DATES else type(have)(value)
    # The last sign of an operator is the `=` between key and value
    comparisons: dict[str, bool] = {
        "": have == want,
        "!": have != want,
        ">>": have > want,
        "<<": have < want,
        ">": have >= want,
        "<": have <= want,
    }
    return comparisons.get(operator, True)


def filtered(items: list[Item], query: Mapping[str, str]) -> list[Item]:
    """The items that all filters of a query let through; what is no filter is passed over. Raises `ValueError`."""
    for key, value in query.items():
        if found := _FIELD.fullmatch(key):
            items = [item for item in items if _matches(item, found["name"], found["operator"], value)]
    return items


def ordered(items: list[Item], sort: str) -> list[Item]:
    """The items in a query's order, by title when it asks for none."""
    items = sorted(items, key=FIELDS["titleSort"])
    for part in reversed(sort.split(",") if sort else []):
        name, _, direction = part.partition(":")
        if read := FIELDS.get(name.rpartition(".")[2]):
            items.sort(key=read, reverse=direction.startswith("desc"))
    return items
