"""What a plugin adds to the pages: panels for the dashboard and menu items, from Python and templates alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct


class Panel(Struct, frozen=True, kw_only=True):
    """A card on the dashboard. Each is its own guarded request, so a broken one shows a card and nothing else.

    `template` is a file in the plugin package's `templates/`; it is rendered with what `data()` gives, as `data`,
    and with `instance`. Templates use the product's macros: `{% import "macros.html" as ui %}`.
    """

    id: str
    title: str
    template: str
    data: Callable[[], Awaitable[Any]]
    wide: bool = False
    every: float = 30.0  # seconds between refreshes while the page is open


class MenuItem(Struct, frozen=True, kw_only=True):
    """A link in the admin menu, to one of the plugin's own pages or to its service."""

    label: str
    url: str
