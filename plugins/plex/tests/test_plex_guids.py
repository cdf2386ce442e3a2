"""Guids of all agents, as the ids that everybody shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.api import ExternalIds
from vaderflix_plex.guids import external_ids, parse_guid

HEX = "5d776825880197001ec90a3e"
FORMS = {
    f"plex://movie/{HEX}": ExternalIds(guid=f"plex://movie/{HEX}"),
    f"plex://show/{HEX}": ExternalIds(guid=f"plex://show/{HEX}"),
    "imdb://tt0013442": ExternalIds(imdb="tt0013442"),
    "tmdb://653": ExternalIds(tmdb=653),
    "tvdb://121361": ExternalIds(tvdb=121361),
    "com.plexapp.agents.imdb://tt0165832?lang=en": ExternalIds(imdb="tt0165832"),
    "com.plexapp.agents.themoviedb://653?lang=en": ExternalIds(tmdb=653),
    "com.plexapp.agents.thetvdb://268592?lang=en": ExternalIds(tvdb=268592),
    "com.plexapp.agents.thetvdb://268592/1/2?lang=en": ExternalIds(tvdb=268592),
    "com.plexapp.agents.hama://tvdb-12345?lang=en": ExternalIds(tvdb=12345),
    "com.plexapp.agents.hama://tvdb4-12345/1/2?lang=en": ExternalIds(tvdb=12345),
    "com.plexapp.agents.hama://tsdb-77?lang=en": ExternalIds(tmdb=77),
    "com.plexapp.agents.hama://anidb-77?lang=en": ExternalIds(),
    "com.plexapp.agents.xbmcnfo://tt0013442?lang=en": ExternalIds(imdb="tt0013442"),
    "com.plexapp.agents.xbmcnfo://653?lang=en": ExternalIds(tmdb=653),
    "com.plexapp.agents.xbmcnfotv://121361?lang=en": ExternalIds(tvdb=121361),
    "com.plexapp.agents.ytinforeader://tt0013442?lang=en": ExternalIds(imdb="tt0013442"),
    "tt0013442": ExternalIds(imdb="tt0013442"),
    "com.plexapp.agents.none://0123abcd?lang=xn": ExternalIds(),
    "tv.plex.agents.none://12": ExternalIds(),
    "local://42": ExternalIds(),
    "tv.plex.xmltv://a/b": ExternalIds(),
    "mbid://0123": ExternalIds(),
    "tv.plex.agents.nfo.movie://movie/tmdb_383498": ExternalIds(tmdb=383498),
    "tv.plex.agents.custom.mine://show/tvdb-121361": ExternalIds(tvdb=121361),
    "": ExternalIds(),
}


@pytest.mark.parametrize(("guid", "ids"), FORMS.items())
def test_every_known_form_of_a_guid_is_understood(guid, ids):
    assert parse_guid(guid) == ids


@given(st.text())
def test_no_text_breaks_the_parser_and_each_names_at_most_one_id(text):
    assert len(list(parse_guid(text).pairs())) <= 1


@given(st.sampled_from(["imdb", "tmdb", "tvdb", "com.plexapp.agents.themoviedb", "com.plexapp.agents.hama"]), st.text())
def test_what_follows_an_agent_never_breaks_the_parser(agent, rest):
    ids = parse_guid(f"{agent}://{rest}")
    assert all(value > 0 for value in (ids.tmdb, ids.tvdb) if value is not None)


@given(st.integers(1, 10**9), st.sampled_from(["", "?lang=en", "?lang=de"]))
def test_numbers_survive_every_agent_unchanged(number, language):
    assert parse_guid(f"com.plexapp.agents.themoviedb://{number}{language}").tmdb == number
    assert parse_guid(f"com.plexapp.agents.thetvdb://{number}/3/4{language}").tvdb == number
    assert parse_guid(f"tmdb://{number}").tmdb == number


@given(st.permutations(["imdb://tt0013442", "tmdb://653", "tvdb://77"]))
def test_the_order_of_the_list_does_not_matter(guids):
    expected = ExternalIds(imdb="tt0013442", tmdb=653, tvdb=77, guid=f"plex://movie/{HEX}")
    assert external_ids(f"plex://movie/{HEX}", guids) == expected


def test_a_plex_item_without_a_list_keeps_its_global_id():
    assert external_ids(f"plex://movie/{HEX}") == ExternalIds(guid=f"plex://movie/{HEX}")
