"""What a simulator remembers: rows by table, kept as one JSON file so that a restarted world goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from .http import Request, Row

NEVER = "0001-01-01T00:00:00Z"


def stamp(moment: datetime | None = None) -> str:
    """A time as they write it: UTC, whole seconds."""
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The time behind a stamp or an ISO date."""
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def span(seconds: float) -> str:
    """A duration in .NET's "c" format."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86400)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days}.{clock}" if days else clock


class Store:
    """Tables of rows. Every row has an `id`; ids are never given twice."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tables: dict[str, list[Row]] = {}
        self.last: dict[str, int] = {}
        self.dirty = False
        self.fresh = not path.exists()
        if not self.fresh:
            saved = msgspec.json.decode(path.read_bytes())
            self.tables, self.last = saved["tables"], saved["last"]

    def rows(self, table: str) -> list[Row]:
        """All rows of a table, oldest first."""
        return self.tables.setdefault(table, [])

    def add(self, table: str, row: Row) -> Row:
        """Keep a row. Without an id (or with 0) it gets the next one."""
        given = row.get("id") or self.last.get(table, 0) + 1
        self.last[table] = max(self.last.get(table, 0), given)
        row["id"] = given
        self.rows(table).append(row)
        self.dirty = True
        return row

    def get(self, table: str, ident: int) -> Row | None:
        """The row with this id."""
        return next((row for row in self.rows(table) if row["id"] == ident), None)

    def where(self, table: str, **values: Any) -> list[Row]:
        """The rows whose fields all have these values."""
        return [row for row in self.rows(table) if all(row.get(name) == value for name, value in values.items())]

    def remove(self, table: str, test: Callable[[Row], bool]) -> list[Row]:
        """Take out the rows that pass the test, and return them."""
        gone = [row for row in self.rows(table) if test(row)]
        self.tables[table] = [row for row in self.rows(table) if not test(row)]
        self.dirty = True
        return gone

    def touch(self) -> None:
        """Say that a row was changed in place."""
        self.dirty = True

    def save(self) -> None:
        """Write the file if anything changed since the last time."""
        if not self.dirty:
            return
        self.dirty = False
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode({"tables": self.tables, "last": self.last}))
        os.replace(part, self.path)


Key = Callable[[Row], Any]


def paged(request: Request, rows: list[Row], keys: dict[str, Key], show: Callable[[Row], Row] = lambda row: row) -> Row:
    """One page, sorted by an allowed key; the first of `keys` is the default, also for a key nobody knows."""
    page, size = max(1, request.number("page", 1)), max(1, request.number("pageSize", 10))
    default = next(iter(keys))
    wanted = request.one("sortKey", default)
    name = wanted if wanted in keys else default
    descending = request.one("sortDirection", "descending").lower() != "ascending"
    ordered = sorted(rows, key=keys[name], reverse=descending)
    shown = ordered[(page - 1) * size : page * size]
    return {
        "page": page,
        "pageSize": size,
        "sortKey": name,
        "sortDirection": "descending" if descending else "ascending",
        "totalRecords": len(rows),
        "records": [show(row) for row in shown],
    }
