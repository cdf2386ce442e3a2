from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.search import spelling
from vaderflix_core.search.folding import title_forms
from vaderflix_core.search.matching import Quality, match, parse


def judged(query, title, year=None):
    return match(parse(query), title_forms([title]), year)


@pytest.mark.parametrize(
    ("query", "title", "year", "quality"),
    [
        ("amelie", "Amélie", 2001, Quality.EXACT),
        ("doa", "D.O.A.", 1949, Quality.EXACT),
        ("spiderman", "Spider-Man", 2002, Quality.EXACT),
        ("matrix", "The Matrix", 1999, Quality.EXACT),
        ("metropolis 1927", "Metropolis", 1927, Quality.EXACT),
        ("his gi", "His Girl Friday", 1940, Quality.PREFIX),
        ("2001", "2001: A Space Odyssey", 1968, Quality.PREFIX),
        ("fri gir", "His Girl Friday", 1940, Quality.WORDS),
        ("his girl firday", "His Girl Friday", 1940, Quality.FUZZY),
        ("his girl firda", "His Girl Friday", 1940, Quality.FUZZY),
        ("nosfaretu", "Nosferatu", 1922, Quality.FUZZY),
        ("frankenstien", "Frankenstein", 1931, Quality.FUZZY),
        ("teh matrix", "The Matrix", 1999, Quality.FUZZY),
        ("godfather 3", "The Godfather", 1972, Quality.FUZZY),
        ("teh", "The", 1999, Quality.NONE),
        ("olve", "Love", 2000, Quality.FUZZY),
        ("cat", "Car", 2000, Quality.NONE),
        ("metropolis 1999", "Metropolis", 1927, Quality.NONE),
        ("lime", "Time", 2000, Quality.NONE),
    ],
)
def test_the_quality_of_a_match(query, title, year, quality):
    assert judged(query, title, year).quality is quality


def test_a_year_one_off_still_matches_but_less_well():
    assert judged("metropolis 1927", "Metropolis", 1927) < judged("metropolis 1928", "Metropolis", 1927)


def test_whole_words_come_before_beginnings_of_words():
    assert judged("her", "Her Majesty") < judged("her", "Heroes")


def test_a_blank_query_has_no_reading():
    assert parse(" … ").blank
    assert not parse("a").blank


WORD = st.text("abcdef", min_size=4, max_size=12)


@given(WORD, st.data())
def test_a_word_with_one_error_meets_the_right_word_in_the_index(word, data):
    at = data.draw(st.integers(1, len(word) - 1))
    kind = data.draw(st.sampled_from(["swap", "drop", "add", "change"]))
    typed = {
        "swap": word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
        "drop": word[:at] + word[at + 1 :],
        "add": word[:at] + "x" + word[at:],
        "change": word[:at] + "x" + word[at + 1 :],
    }[kind]
    if not spelling.allowed_typos(typed) or (len(typed) == 4 and typed[0] != word[0]):
        return
    stored = {(one, term) for term in spelling.terms(word) for one in spelling.spellings(term)}
    found = [term for one, term in stored if one in spelling.look_ups(typed)]
    assert any(word.startswith(term) for term in spelling.meant(typed, found))


@given(WORD, WORD)
def test_distance_is_symmetric_and_zero_only_for_equal_words(a, b):
    assert spelling.distance(a, b, 3) == spelling.distance(b, a, 3)
    assert (spelling.distance(a, b, 3) == 0) == (a == b)


def textbook(a, b):
    """Optimal string alignment, with the whole table."""
    rows = [[i + j for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@given(st.text("abc", max_size=9), st.text("abc", max_size=9), st.integers(0, 3))
def test_distances_up_to_the_limit_are_those_of_the_textbook(a, b, limit):
    found, right = spelling.distance(a, b, limit), textbook(a, b)
    assert found == right if right <= limit else found > limit


@given(WORD, WORD)
def test_the_distance_to_a_beginning_is_never_more_than_to_the_word(a, b):
    assert spelling.prefix_distance(a, b, 2) <= spelling.distance(a, b, 2)


def test_short_words_and_figures_have_no_typing_errors():
    assert spelling.terms("cat") == []
    assert spelling.terms("2049") == []
    assert spelling.look_ups("2049") == set()
