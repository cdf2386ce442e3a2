"""The words of the library index: FTS5 on SQLite, a GIN index over lexemes on PostgreSQL; typing errors on both alike.

Texts come folded (`search/folding.py`), so neither database's own idea of words, languages or accents matters, and no
extension is needed. A search goes from narrow to wide and stops when it has enough.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from ..api.models import MediaKind
from ..search import spelling
from ..search.matching import Match, Quality, Query, Wanted, match

CANDIDATES = 300  # looked at closely in each step; of more, the newest
FUZZY_BELOW = 3  # typing errors are forgiven when fewer titles match as typed, and none exactly

_CREATE = {
    "sqlite": (
        # folded words are ASCII or beyond it, and this tokenizer takes all beyond it for letters
        "CREATE VIRTUAL TABLE library_search USING fts5(words, tokenize='ascii', detail='none', prefix='1 2 3')",
    ),
    "postgresql": (
        "CREATE TABLE library_search (item_id integer PRIMARY KEY"
        " REFERENCES library_items (id) ON DELETE CASCADE, words tsvector NOT NULL)",
        # a pending list would make searches slow just after a sync
        "CREATE INDEX ix_library_search_words ON library_search USING gin (words) WITH (fastupdate = off)",
    ),
}
_ADD = {
    "sqlite": text("INSERT INTO library_search (rowid, words) VALUES (:id, :words)"),
    "postgresql": text(
        "INSERT INTO library_search (item_id, words) VALUES (:id, array_to_tsvector(string_to_array(:words, ' ')))"
    ),
}
_REMOVE = {
    "sqlite": text("DELETE FROM library_search WHERE rowid = :id"),
    "postgresql": text("DELETE FROM library_search WHERE item_id = :id"),
}
_WORDS = {
    "sqlite": text(
        "SELECT rowid FROM library_search WHERE library_search MATCH :words ORDER BY rowid DESC LIMIT :limit"
    ),
    # the planner would rather walk all items backwards once it has prepared the statement; this keeps it to the index
    "postgresql": text(
        "WITH found AS MATERIALIZED (SELECT item_id FROM library_search WHERE words @@ CAST(:words AS tsquery))"
        " SELECT item_id FROM found ORDER BY item_id DESC LIMIT :limit"
    ),
}
_BEGINS = """
SELECT DISTINCT item_id, year, CASE WHEN compact = :words THEN 0 WHEN folded LIKE :whole THEN 1 ELSE 2 END AS rank
FROM library_titles WHERE compact >= :words AND compact < :beyond {more}
ORDER BY rank, year DESC, item_id DESC LIMIT :limit"""
_TITLES = {
    "sqlite": text(
        "SELECT item_id, folded, year, kind FROM library_titles WHERE item_id IN (SELECT value FROM json_each(:ids))"
    ),
    "postgresql": text("SELECT item_id, folded, year, kind FROM library_titles WHERE item_id = ANY(:ids)"),
}
_TERMS = {
    "sqlite": text(
        "SELECT DISTINCT term FROM library_spellings WHERE spelling IN (SELECT value FROM json_each(:spellings))"
    ),
    "postgresql": text("SELECT DISTINCT term FROM library_spellings WHERE spelling = ANY(:spellings)"),
}
_SPELL = {
    "sqlite": text(
        "INSERT INTO library_spellings (spelling, term)"
        " SELECT value ->> 0, value ->> 1 FROM json_each(:pairs) WHERE true ON CONFLICT DO NOTHING"
    ),
    "postgresql": text(
        "INSERT INTO library_spellings (spelling, term)"
        " SELECT value ->> 0, value ->> 1 FROM json_array_elements(CAST(:pairs AS json)) ON CONFLICT DO NOTHING"
    ),
}


def create_search_index(conn: Connection) -> None:
    """Make the full-text table; for the migration that makes the other tables."""
    for statement in _CREATE[conn.dialect.name]:
        conn.execute(text(statement))


def add_words(conn: Connection, words: Mapping[int, Iterable[str]]) -> None:
    """Make items findable by these folded words; they must not be in the index yet."""
    if not words:
        return
    rows = [{"id": item, "words": " ".join(sorted(set(found)))} for item, found in words.items()]
    conn.execute(_ADD[conn.dialect.name], rows)
    _learn(conn, {word for found in words.values() for word in found})


def remove_words(conn: Connection, items: Iterable[int]) -> None:
    """Take items out of the index. Their words stay known as words that may be meant, which harms nothing."""
    rows = [{"id": item} for item in items]
    if rows:
        conn.execute(_REMOVE[conn.dialect.name], rows)


def forget_words(conn: Connection) -> None:
    """Empty the index, the known words too."""
    conn.execute(text("DELETE FROM library_search"))
    conn.execute(text("DELETE FROM library_spellings"))


def refresh_statistics(conn: Connection) -> None:
    """After many changes, tell PostgreSQL's planner what the tables hold now; SQLite's needs no telling."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("ANALYZE library_search, library_titles, library_spellings, library_ids, library_items"))


def search(conn: Connection, query: Query, kind: MediaKind | None, limit: int) -> list[tuple[int, Match]]:
    """Items that match, with how well: best first, then by year and id, newest first."""
    found: dict[int, tuple[Match, int]] = {}
    for step in (_begin, _hold_words, _nearly_hold_words):
        if _enough(found.values(), limit, fuzzy=step is _nearly_hold_words):
            break
        candidates = {item for wanted in query.readings for item in step(conn, wanted, kind)} - found.keys()
        found |= _judged(conn, query, kind, candidates)
    ranked = sorted(found.items(), key=lambda entry: (entry[1][0], -entry[1][1], -entry[0]))
    return [(item, judged) for item, (judged, _) in ranked[:limit]]


def _enough(found: Collection[tuple[Match, int]], limit: int, *, fuzzy: bool) -> bool:
    if not fuzzy:
        return len(found) >= limit
    return len(found) >= FUZZY_BELOW or any(judged.quality is Quality.EXACT for judged, _ in found)


def _begin(conn: Connection, wanted: Wanted, kind: MediaKind | None) -> list[int]:
    more = ""
    values: dict[str, Any] = {
        "words": wanted.compact,
        "beyond": wanted.compact + "\U0010ffff",
        "whole": wanted.folded + " %",
        "limit": CANDIDATES // 3,
    }
    if kind is not None:
        more += " AND kind = :kind"
        values["kind"] = str(kind)
    if wanted.year is not None:
        more += " AND year BETWEEN :first AND :last"
        values |= {"first": wanted.year - 1, "last": wanted.year + 1}
    return [row[0] for row in conn.execute(text(_BEGINS.format(more=more)), values)]


def _hold_words(conn: Connection, wanted: Wanted, kind: MediaKind | None) -> list[int]:
    return _with_words(conn, [[word] for word in wanted.words])


def _nearly_hold_words(conn: Connection, wanted: Wanted, kind: MediaKind | None) -> list[int]:
    alternatives = []
    spare = wanted.spare
    for word in dict.fromkeys(wanted.words):
        if word in spare:
            continue
        look_ups = spelling.look_ups(word)
        terms = _terms(conn, look_ups) if look_ups else []
        alternatives.append(list(dict.fromkeys([word, *spelling.meant(word, terms)])))
    if not spare and all(len(words) == 1 for words in alternatives):
        return []
    return _with_words(conn, alternatives)


def _with_words(conn: Connection, alternatives: Sequence[Sequence[str]]) -> list[int]:
    """Items that hold, for each place, a word that begins with one of its alternatives."""
    if conn.dialect.name == "sqlite":
        words = " AND ".join("(" + " OR ".join(f'"{word}"*' for word in place) + ")" for place in alternatives)
    else:
        words = " & ".join("(" + " | ".join(f"'{word}':*" for word in place) + ")" for place in alternatives)
    found = conn.execute(_WORDS[conn.dialect.name], {"words": words, "limit": CANDIDATES})
    return list(found.scalars())


def _judged(
    conn: Connection, query: Query, kind: MediaKind | None, items: Iterable[int]
) -> dict[int, tuple[Match, int]]:
    ids = sorted(items)
    if not ids:
        return {}
    forms: dict[int, list[str]] = {}
    years: dict[int, int] = {}
    for item, folded, year, of_kind in conn.execute(_TITLES[conn.dialect.name], {"ids": _array(conn, ids)}):
        if kind is None or of_kind == kind:
            forms.setdefault(item, []).append(folded)
            years[item] = year
    judged = {item: (match(query, titles, years[item] or None), years[item]) for item, titles in forms.items()}
    return {item: found for item, found in judged.items() if found[0].quality is not Quality.NONE}


def _terms(conn: Connection, look_ups: Iterable[str]) -> list[str]:
    found = conn.execute(_TERMS[conn.dialect.name], {"spellings": _array(conn, sorted(look_ups))})
    return list(found.scalars())


def _learn(conn: Connection, words: Iterable[str]) -> None:
    terms = sorted({term for word in words for term in spelling.terms(word)})
    if not terms:
        return
    known = set(_terms(conn, terms))
    # in one order everywhere, so that two writers cannot wait for each other
    pairs = sorted((one, term) for term in terms if term not in known for one in spelling.spellings(term))
    if pairs:
        conn.execute(_SPELL[conn.dialect.name], {"pairs": msgspec.json.encode(pairs).decode()})


def _array(conn: Connection, values: list[Any]) -> Any:
    """Many values as one parameter: the statement stays the same, so it is prepared once."""
    return msgspec.json.encode(values).decode() if conn.dialect.name == "sqlite" else values
