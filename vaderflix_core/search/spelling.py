"""Typing errors: how many a word may have, how far two words are apart, and which words may have been meant.

Words are compared by their beginnings, so that an error is forgiven while the word is still being typed. Two
beginnings at most N edits apart become equal when at most N letters are left out of each (the symmetric-delete method),
which turns “similar to” into a look-up that any database answers from an index.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

SHORTEST, LONGEST = 4, 6  # letters of the beginnings that are compared


def allowed_typos(word: str) -> int:
    """How many edits a word of this length may be off: 0, 1 or 2."""
    if len(word) < SHORTEST or not word.isalpha():
        return 0
    return 1 if len(word) < 8 else 2


def terms(word: str) -> list[str]:
    """The beginnings of a word under which it can be found despite errors; none for short words and numbers."""
    if not allowed_typos(word):
        return []
    return [word[:length] for length in range(SHORTEST, min(LONGEST, len(word)) + 1)]


def spellings(term: str) -> set[str]:
    """What to store for a term: itself, and itself with one letter left out, or up to two for the longest terms."""
    return _deletes(term, 2 if len(term) == LONGEST else 1)


def look_ups(word: str) -> set[str]:
    """The spellings under which the terms that this typed word may have meant are stored."""
    typos = allowed_typos(word)
    return _deletes(word[:LONGEST], typos) if typos else set()


def meant(word: str, found: Iterable[str], limit: int = 16) -> list[str]:
    """Of the terms found by `look_ups`, those within the allowed edits of the typed word's beginning, nearest first."""
    beginning, typos = word[:LONGEST], allowed_typos(word)
    near = []
    for term in set(found):
        # a letter left out early pulls later ones into a beginning that is cut: its last letters may be surplus
        surplus = typos if len(term) == LONGEST == len(beginning) else 0
        if not begins_alike(word, term):
            continue
        edits = min(_last_row(term, beginning)[-1 - surplus :]) if surplus else distance(beginning, term, typos)
        if edits <= typos:
            near.append((edits, term[0] != word[0], abs(len(term) - len(beginning)), term))
    return [term for *_, term in sorted(near)[:limit]]


def begins_alike(typed: str, word: str) -> bool:
    """Whether the first letter is right, or swapped with the second: where one edit is much of a word, it must be."""
    return len(typed) > SHORTEST or word[:1] == typed[:1] or word[:2] == typed[1::-1]


def distance(a: str, b: str, limit: int) -> int:
    """Edits between two words: letters added, left out, changed, or swapped with a neighbour. Above `limit`, any
    number above it."""
    if a == b:
        return 0
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    a, b = _where_they_differ(a, b)
    if not a or not b:
        return len(a) + len(b)
    if len(a) == len(b) <= 2:
        return 1 if a == b[::-1] else len(a)
    return min(_last_row(a, b)[-1], limit + 1)


def prefix_distance(typed: str, word: str, limit: int) -> int:
    """Edits between what was typed and the nearest beginning of `word`; above `limit`, any number above it."""
    if word.startswith(typed):
        return 0
    if not limit or len(word) < len(typed) - limit:
        return limit + 1
    return min(*_last_row(typed, word[: len(typed) + limit]), limit + 1)


def _where_they_differ(a: str, b: str) -> tuple[str, str]:
    """Both words without the beginning and the end that they share, which costs no edits: most of the work saved."""
    shorter = min(len(a), len(b))
    start = 0
    while start < shorter and a[start] == b[start]:
        start += 1
    end = 0
    while end < shorter - start and a[-1 - end] == b[-1 - end]:
        end += 1
    return a[start : len(a) - end], b[start : len(b) - end]


def _last_row(a: str, b: str) -> list[int]:
    """The edits from all of `a` to each beginning of `b` (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        further, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            edits = before[j - 1] if x == y else 1 + min(before[j], row[j - 1], before[j - 1])
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                edits = min(edits, further[j - 2] + 1)
            row.append(edits)
    return row


def _deletes(word: str, depth: int) -> set[str]:
    found = {word}
    for count in range(1, depth + 1):
        for left_out in combinations(range(len(word)), count):
            found.add("".join(letter for at, letter in enumerate(word) if at not in left_out))
    return found
