"""The library index in the database: what is held, by which ids, titles and words it is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, tuple_, update

from ..api.models import ExternalIds, LibraryItem, MediaKind
from ..search.folding import compact as joined
from ..search.folding import fold, title_forms, words
from ..search.matching import Match, Query
from ..search.models import Held
from . import library_search
from .library_tables import library_ids, library_items, library_titles

CHUNK = 400  # rows named in one statement

T = TypeVar("T")
i = library_items.c
_DETAILS = (
    *("original_title", "alternate_titles", "overview", "genres", "runtime_minutes", "rating", "certification"),
    *("poster", "backdrop", "sort_title", "section", "height", "added_at"),
)
_HELD = (i.id, i.instance, i.data)
_decode = msgspec.json.Decoder(LibraryItem).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


class Upserted(Struct, frozen=True):
    """What an upsert did. `series` holds the keys of the series that are new, differ, or have no known seasons."""

    added: int = 0
    changed: int = 0
    series: frozenset[str] = frozenset()

    def __add__(self, other: Upserted) -> Upserted:
        return Upserted(self.added + other.added, self.changed + other.changed, self.series | other.series)


def upsert(conn: Connection, instance: str, items: Iterable[LibraryItem], marker: int) -> Upserted:
    """Add or update the titles of an instance, and mark them as seen by the sweep of this number.

    Seasons and ids that are known stay when the new record has none, and all else too while the source's own time of
    change is the same: a page of a sweep may hold less detail than the title read by itself.
    """
    done = Upserted()
    for chunk in _chunks(list({item.key: item for item in items}.values())):
        done += _upsert(conn, instance, chunk, marker)
    return done


def remove(conn: Connection, item_ids: Iterable[int]) -> int:
    """Take items out of the index; gives how many were in it."""
    removed = 0
    for chunk in _chunks(list(item_ids)):
        library_search.remove_words(conn, chunk)
        gone = conn.execute(delete(library_items).where(i.id.in_(chunk)).returning(i.id)).all()
        removed += len(gone)
    return removed


def get(conn: Connection, item_id: int) -> Held | None:
    """One item by our own id."""
    return _one(conn, select(*_HELD).where(i.id == item_id))


def by_key(conn: Connection, instance: str, key: str) -> Held | None:
    """One item by its source's key."""
    return _one(conn, select(*_HELD).where(i.instance == instance, i.key == key))


def find(conn: Connection, kind: MediaKind, ids: ExternalIds) -> list[Held]:
    """All copies of a title, joined by any shared id."""
    return find_any(conn, [(kind, ids)])


def find_any(conn: Connection, titles: Iterable[tuple[MediaKind, ExternalIds]]) -> list[Held]:
    """All copies of any of these titles, each once."""
    wanted = list(dict.fromkeys((str(kind), *pair) for kind, ids in titles for pair in ids.pairs()))
    found: dict[int, Held] = {}
    d = library_ids.c
    for chunk in _chunks(wanted):
        matching = select(d.item_id).where(tuple_(d.kind, d.catalogue, d.value).in_(chunk))
        for row in conn.execute(select(*_HELD).where(i.id.in_(matching))):
            found[row.id] = _held(row)
    return [found[item_id] for item_id in sorted(found)]


def search(conn: Connection, query: Query, kind: MediaKind | None, limit: int) -> list[tuple[Held, Match]]:
    """Titles that match a query, best first."""
    ranked = library_search.search(conn, query, kind, limit)
    if not ranked:
        return []
    rows = conn.execute(select(*_HELD).where(i.id.in_([item_id for item_id, _ in ranked])))
    held = {row.id: _held(row) for row in rows}
    return [(held[item_id], match) for item_id, match in ranked if item_id in held]


def recent(conn: Connection, limit: int) -> list[Held]:
    """The newest titles, newest first; those whose source does not say when they came are left out."""
    query = select(*_HELD).where(i.added_at.is_not(None)).order_by(i.added_at.desc(), i.id.desc()).limit(limit)
    return [_held(row) for row in conn.execute(query)]


def browse(conn: Connection, kind: MediaKind, offset: int, limit: int) -> tuple[list[Held], int]:
    """One page of a kind in alphabetical order, and how many there are in all."""
    query = select(*_HELD).where(i.kind == kind).order_by(i.sort_title, i.id).offset(offset).limit(limit)
    held = [_held(row) for row in conn.execute(query)]
    total: int = conn.execute(select(func.count()).where(i.kind == kind)).scalar_one()
    return held, total


def count(conn: Connection) -> dict[MediaKind, int]:
    """How many titles of each kind there are, copies counted."""
    found = dict.fromkeys(MediaKind, 0)
    for kind, total in conn.execute(select(i.kind, func.count()).group_by(i.kind)):
        found[MediaKind(kind)] = total
    return found


def count_of(conn: Connection, instance: str) -> int:
    """How many titles of an instance there are."""
    return conn.execute(select(func.count()).where(i.instance == instance)).scalar_one()


def unseen(conn: Connection, instance: str, marker: int) -> list[Held]:
    """The titles of an instance that no sweep since the one of this number has seen."""
    query = select(*_HELD).where(i.instance == instance, i.marker < marker).order_by(i.id)
    return [_held(row) for row in conn.execute(query)]


def remove_instance(conn: Connection, instance: str) -> int:
    """Forget all titles of an instance; gives how many there were."""
    return remove(conn, conn.execute(select(i.id).where(i.instance == instance)).scalars().all())


def rebuild_search(conn: Connection) -> int:
    """Make titles and words anew from the items, in case they ever differ; gives how many items there are."""
    library_search.forget_words(conn)
    conn.execute(delete(library_titles))
    all_items = [_held(row) for row in conn.execute(select(*_HELD))]
    for chunk in _chunks(all_items):
        _index_titles(conn, [(held.id, held.item) for held in chunk])
    return len(all_items)


def _upsert(conn: Connection, instance: str, items: Sequence[LibraryItem], marker: int) -> Upserted:
    keys = [item.key for item in items]
    rows = conn.execute(select(i.id, i.key, i.data).where(i.instance == instance, i.key.in_(keys)))
    known = {row.key: (row.id, bytes(row.data)) for row in rows}
    fresh: list[LibraryItem] = []
    changed: list[tuple[int, LibraryItem]] = []
    bare: set[str] = set()
    for item in items:
        if item.key not in known:
            fresh.append(item)
            continue
        item_id, data = known[item.key]
        kept = _keeping_detail(item, _decode(data))
        if kept.kind is MediaKind.SERIES and not kept.seasons:
            bare.add(kept.key)
        if _encode(kept) != data:
            changed.append((item_id, kept))
    if known:
        seen = [item_id for item_id, _ in known.values()]
        conn.execute(update(library_items).where(i.id.in_(seen), i.marker < marker).values(marker=marker))
    for item_id, item in changed:
        conn.execute(update(library_items).where(i.id == item_id).values(**_columns(item)))
    added: list[tuple[int, LibraryItem]] = []
    if fresh:
        values = [{"instance": instance, "marker": marker, **_columns(item)} for item in fresh]
        by_new_key = {item.key: item for item in fresh}
        returned = conn.execute(insert(library_items).returning(i.id, i.key), values)
        added = [(row.id, by_new_key[row.key]) for row in returned]
    _drop_details(conn, [item_id for item_id, _ in changed])
    _index_ids(conn, [*changed, *added])
    _index_titles(conn, [*changed, *added])
    series = {item.key for _, item in [*changed, *added] if item.kind is MediaKind.SERIES} | bare
    return Upserted(len(added), len(changed), frozenset(series))


def _keeping_detail(new: LibraryItem, old: LibraryItem) -> LibraryItem:
    """The new record, with what only a fuller one of the same title can say taken from the old."""
    kept: dict[str, Any] = {}
    if new.kind == old.kind and not new.seasons:
        kept["seasons"] = old.seasons
    if not any(name != "guid" for name, _ in new.ids.pairs()):
        kept["ids"] = new.ids.merged(old.ids)
    if new.updated_at is not None and new.updated_at == old.updated_at:
        kept |= {name: getattr(old, name) for name in _DETAILS if not getattr(new, name)}
        if set(new.genres) < set(old.genres):
            kept["genres"] = old.genres
    return replace(new, **kept)


def _columns(item: LibraryItem) -> dict[str, Any]:
    return {
        "key": item.key,
        "kind": str(item.kind),
        "title": item.title,
        "sort_title": fold(item.sort_title) or fold(item.title) or item.title.casefold(),
        "year": item.year,
        "added_at": _seconds(item.added_at),
        "updated_at": _seconds(item.updated_at),
        "data": _encode(item),
    }


def _drop_details(conn: Connection, item_ids: Sequence[int]) -> None:
    if item_ids:
        conn.execute(delete(library_ids).where(library_ids.c.item_id.in_(item_ids)))
        conn.execute(delete(library_titles).where(library_titles.c.item_id.in_(item_ids)))
        library_search.remove_words(conn, item_ids)


def _index_ids(conn: Connection, items: Iterable[tuple[int, LibraryItem]]) -> None:
    rows = [
        {"kind": str(item.kind), "catalogue": catalogue, "value": value[:255], "item_id": item_id}
        for item_id, item in items
        for catalogue, value in item.ids.pairs()
    ]
    if rows:
        conn.execute(insert(library_ids), rows)


def _index_titles(conn: Connection, items: Iterable[tuple[int, LibraryItem]]) -> None:
    rows: list[dict[str, Any]] = []
    found: dict[int, set[str]] = {}
    for item_id, item in items:
        forms = title_forms([item.title, item.original_title, item.sort_title, *item.alternate_titles])
        found[item_id] = {word for form in forms for word in words(form)}
        common = {"item_id": item_id, "kind": str(item.kind), "year": item.year or 0}
        rows += [{**common, "folded": form, "compact": joined(form)} for form in forms]
    if rows:
        conn.execute(insert(library_titles), rows)
    library_search.add_words(conn, found)


def _one(conn: Connection, query: Select[Any]) -> Held | None:
    row = conn.execute(query).first()
    return _held(row) if row else None


def _held(row: Row[*tuple[Any, ...]]) -> Held:
    return Held(id=row.id, instance=row.instance, item=_decode(row.data))


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
