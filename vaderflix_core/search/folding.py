"""How words are made comparable: case, accents, ligatures and punctuation fall away, the letters stay."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

LONGEST_TITLE = 200
LONGEST_WORD = 40

# letters that are no letter-with-a-mark to Unicode, though people type them as such
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i", "ħ": "h", "ŧ": "t", "ə": "e"}
)
# marks that people leave out when they type; those of kana and of Indic scripts make another letter and stay
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u064b-\u0655\u0670\u1ab0-\u1aff\u1dc0-\u1dff]")
_DROPPED = re.compile("['’‘ʼ`´\u00ad\u200b-\u200d\u2060\ufeff]")
_ACRONYM = re.compile(r"\b(?:\w\.){2,}(?:\w\b)?")
_IDEOGRAM = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")
_YEAR = re.compile(r"(?:18[7-9]|19\d|20\d)\d")
_ARTICLES = frozenset({"the", "a", "an"})
_ROMAN = {
    roman: str(number)
    for number, roman in enumerate(("ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii"), 2)
}


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """The text as words with single spaces between them, empty when nothing in it can be searched.

    “Amélie” gives `amelie`, “D.O.A.” gives `doa`, “Schindler's List” `schindlers list`, “Straße” `strasse`. Folding
    twice changes nothing.
    """
    text = unicodedata.normalize("NFKD", text.casefold()).casefold()
    text = _MARKS.sub("", _DROPPED.sub("", text)).translate(_LETTERS)
    text = _ACRONYM.sub(lambda found: found[0].replace(".", "") + " ", text)
    text = unicodedata.normalize("NFC", text).replace("&", " and ")
    return " ".join("".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in text).split())


def words(folded: str) -> tuple[str, ...]:
    """The words of a folded text. Scripts that write no spaces give each character as a word of its own."""
    spaced = _IDEOGRAM.sub(r" \1 ", folded)
    return tuple(word[:LONGEST_WORD] for word in spaced.split())


def compact(folded: str) -> str:
    """The folded text without its spaces."""
    return folded.replace(" ", "")


def title_forms(titles: Iterable[str]) -> tuple[str, ...]:
    """Every folded form under which a title can be found, the given order kept: as it is, without its article, and
    with roman numbers as people type them."""
    forms: dict[str, None] = {}
    for title in titles:
        folded = fold(title[:LONGEST_TITLE])
        if not folded:
            continue
        forms.setdefault(folded)
        parts = folded.split()
        if len(parts) > 1 and parts[0] in _ARTICLES:
            forms.setdefault(" ".join(parts[1:]))
        numbered = parts[:1] + [_ROMAN.get(part, part) for part in parts[1:]]
        if numbered != parts:
            forms.setdefault(" ".join(numbered))
    return tuple(forms)


def split_year(folded: str) -> tuple[str, int | None]:
    """A folded query's words and the year among them: the last word that can be one, unless it stands alone."""
    parts = folded.split()
    for at in range(len(parts) - 1, -1, -1):
        if len(parts) > 1 and _YEAR.fullmatch(parts[at]):
            return " ".join(parts[:at] + parts[at + 1 :]), int(parts[at])
    return folded, None
