from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.search.folding import compact, fold, split_year, title_forms, words


@pytest.mark.parametrize(
    ("title", "folded"),
    [
        ("Amélie", "amelie"),
        ("D.O.A.", "doa"),
        ("S.W.A.T", "swat"),
        ("E.T. the Extra-Terrestrial", "et the extra terrestrial"),
        ("Mr. Robot", "mr robot"),
        ("Schindler's List", "schindlers list"),
        ("Ocean’s Eleven", "oceans eleven"),
        ("Straße", "strasse"),
        ("Æon Flux", "aeon flux"),
        ("Sløborn", "sloborn"),
        ("Ёлки", "елки"),
        ("İstanbul", "istanbul"),
        ("Fast & Furious", "fast and furious"),
        ("WALL·E", "wall e"),
        ("千と千尋の神隠し", "千と千尋の神隠し"),
        ("ガメラ", "ガメラ"),
        ("गली बॉय", "गली बॉय"),
        ("  !!! ", ""),
    ],
)
def test_a_title_is_folded_to_what_people_type(title, folded):
    assert fold(title) == folded


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=30))
def test_words_hold_only_letters_and_figures_and_are_never_empty(text):
    found = words(fold(text))
    assert all(word and not any(c in " '\"*:&|\\()" or ord(c) < 32 for c in word) for word in found)
    assert bool(found) == bool(fold(text))


def test_characters_of_scripts_without_spaces_are_words():
    assert words("神隠し 2") == ("神", "隠", "し", "2")


def test_a_title_is_found_without_its_article_and_with_figures_for_roman_numbers():
    assert title_forms(["The Matrix"]) == ("the matrix", "matrix")
    assert "rocky 2" in title_forms(["Rocky II"])
    assert title_forms(["V"]) == ("v",)
    assert title_forms(["Amélie", "", "Amelie", "..."]) == ("amelie",)


def test_a_year_is_taken_out_of_a_query_unless_it_is_all_of_it():
    assert split_year("metropolis 1927") == ("metropolis", 1927)
    assert split_year("1917") == ("1917", None)
    assert split_year("1917 2019") == ("1917", 2019)
    assert split_year("apollo 13") == ("apollo 13", None)


def test_the_compact_form_has_no_spaces():
    assert compact("spider man") == "spiderman"
