"""How well a title answers a query: the one judgement behind the order of all results."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from msgspec import Struct

from .folding import compact, fold, split_year, words
from .spelling import SHORTEST, allowed_typos, begins_alike, prefix_distance


class Quality(IntEnum):
    """Kinds of match, best first."""

    EXACT = 0
    PREFIX = 1  # a title begins with the query
    WORDS = 2  # every word of the query begins a word of the title
    FUZZY = 3  # the same, forgiving typing errors
    NONE = 4


class Match(Struct, frozen=True, order=True):
    """A quality, and within it how far off: smaller is better."""

    quality: Quality
    distance: int = 0


NO_MATCH = Match(Quality.NONE)


class Wanted(Struct, frozen=True):
    """Words to look for, ready to compare. `year`: only titles of about that year are meant."""

    folded: str
    compact: str
    words: tuple[str, ...]
    year: int | None = None

    @property
    def spare(self) -> frozenset[str]:
        """The short words beside longer ones, which a title need not have: “teh matrix” is The Matrix."""
        short = frozenset(word for word in self.words if len(word) < SHORTEST and word.isascii())
        return short if len(short) < len(set(self.words)) else frozenset()


class Query(Struct, frozen=True):
    """A typed query and its readings: as it stands and, when it holds a year, as words of a title of that year."""

    text: str
    readings: tuple[Wanted, ...]

    @property
    def blank(self) -> bool:
        """Whether nothing in it can be searched for."""
        return not self.readings


def parse(text: str) -> Query:
    """Read what was typed; never fails."""
    folded = fold(text[:200])
    if not folded:
        return Query(text, ())
    readings = [_wanted(folded, None)]
    rest, year = split_year(folded)
    if year is not None:
        readings.append(_wanted(rest, year))
    return Query(text, tuple(readings))


def match(query: Query, forms: Iterable[str], year: int | None) -> Match:
    """The best match of any reading with any of a title's folded forms."""
    forms = tuple(forms)
    best = NO_MATCH
    for wanted in query.readings:
        off = 0
        if wanted.year is not None:
            if year is None or abs(year - wanted.year) > 1:
                continue
            off = abs(year - wanted.year)
        for form in forms:
            found = match_form(wanted, form)
            if found.quality is not Quality.NONE:
                best = min(best, Match(found.quality, found.distance + off))
    return best


def match_form(wanted: Wanted, form: str) -> Match:
    """The match of one reading with one folded form of a title, years aside."""
    if form == wanted.folded:
        return Match(Quality.EXACT)
    joined = compact(form)
    if joined == wanted.compact:
        return Match(Quality.EXACT, 1)
    if joined.startswith(wanted.compact):
        return Match(Quality.PREFIX, 0 if form.startswith(wanted.folded + " ") else 1)
    return _match_words(wanted, words(form))


def _match_words(wanted: Wanted, have: tuple[str, ...]) -> Match:
    cut, edits = 0, 0
    for word in wanted.words:
        if word in have:
            continue
        if any(other.startswith(word) for other in have):
            cut += 1
            continue
        if word in wanted.spare:
            edits += len(word)
            continue
        typos = allowed_typos(word)
        if not typos:
            return NO_MATCH
        others = (other for other in have if begins_alike(word, other))
        nearest = min((prefix_distance(word, other, typos) for other in others), default=typos + 1)
        if nearest > typos:
            return NO_MATCH
        edits += nearest
    if edits:
        return Match(Quality.FUZZY, edits)
    return Match(Quality.WORDS, cut)


def _wanted(folded: str, year: int | None) -> Wanted:
    return Wanted(folded, compact(folded), words(folded), year)
