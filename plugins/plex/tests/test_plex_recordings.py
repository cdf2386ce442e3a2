"""Recorded answers of real servers, read by our client."""

import httpx
import pytest

from vaderflix_core.api import AuthFailed, BadAnswer, ExternalIds, MediaKind, NotFound

pytestmark = pytest.mark.anyio

ONE_SECTION = {"MediaContainer": {"Directory": [{"key": "2", "type": "movie", "title": "Movies"}]}}
SHOW_SECTION = {"MediaContainer": {"Directory": {"key": "2", "type": "show", "title": "TV Shows"}}}


async def sweep(provider):
    items, cursor, total = [], None, None
    while True:
        page = await provider.browse(cursor)
        items += page.items
        total, cursor = page.total, page.next
        if cursor is None:
            return items, total


async def test_a_recorded_film_becomes_an_item_with_all_its_ids(replayed, recorded):
    answers = {
        "/library/sections": ONE_SECTION,
        "/library/sections/2/all": recorded("watchstate-library-movie-get-200.json"),
    }
    items, total = await sweep(replayed(answers))
    (film,) = items
    assert total == 1
    assert (film.kind, film.key, film.year, film.height) == (MediaKind.MOVIE, "1", 2000, 306)
    assert film.ids == ExternalIds(imdb="tt0000001", tmdb=1, tvdb=1, guid="plex://movie/100000000000000000000001")
    assert film.added_at.timestamp() == 1159501116
    assert film.poster == "/library/metadata/1/thumb/1691594411"


async def test_a_recorded_show_becomes_a_series(replayed, recorded):
    answers = {
        "/library/sections": SHOW_SECTION,
        "/library/sections/2/all": recorded("watchstate-library-show-get-200.json"),
    }
    (show,) = (await sweep(replayed(answers)))[0]
    assert show.kind is MediaKind.SERIES
    assert show.original_title
    assert show.ids.tvdb == 3


async def test_films_of_the_legacy_agents_are_found_by_their_imdb_number(replayed, recorded):
    films = recorded("section-all-movies.json")
    by_key = {row["ratingKey"]: row for row in films["MediaContainer"]["Metadata"]}
    provider = replayed(
        {
            "/library/sections": ONE_SECTION,
            "/library/sections/2/all": films,
            "/library/metadata/55": {"MediaContainer": {"size": 1, "Metadata": [by_key["55"]]}},
        }
    )
    found = await provider.locate(MediaKind.MOVIE, ExternalIds(imdb="tt1254207"))
    assert [item.title for item in found.items] == ["Big Buck Bunny"]


async def test_a_listing_without_a_total_is_never_vouched_for(replayed, recorded):
    answers = {"/library/sections": ONE_SECTION, "/library/sections/2/all": recorded("section-all-movies.json")}
    items, total = await sweep(replayed(answers))
    assert len(items) == 4
    assert total is None


async def test_recorded_seasons_and_episodes_are_read(replayed, recorded):
    shows = recorded("section-all-shows.json")["MediaContainer"]
    provider = replayed(
        {
            "/library/metadata/22": {"MediaContainer": {"Metadata": shows["Metadata"][:1]}},
            "/library/metadata/22/children": recorded("section-all-seasons.json"),
            "/library/metadata/89/children": recorded("section-all-episodes.json"),
        }
    )
    show = await provider.item("22")
    assert [(season.number, season.available) for season in show.seasons] == [(1, 9), (2, 9)]
    episodes = await provider.episodes("22", 1)
    assert [episode.number for episode in episodes] == sorted(episode.number for episode in episodes)
    assert (episodes[0].key, episodes[0].height) == ("90", 720)


async def test_a_link_among_the_seasons_is_counted_by_the_server_and_is_no_season(replayed, recorded):
    seasons = recorded("section-all-seasons.json")
    seasons["MediaContainer"]["totalSize"] = seasons["MediaContainer"]["size"]
    provider = replayed({"/library/metadata/22/children": seasons})
    assert [child.index for child in await provider.client.children("22")] == [1, 2]


async def test_a_page_that_falls_short_of_the_count_is_a_bad_answer(replayed, recorded):
    seasons = recorded("section-all-seasons.json")
    seasons["MediaContainer"]["totalSize"] = 9
    with pytest.raises(BadAnswer):
        await replayed({"/library/metadata/22/children": seasons}).client.children("22")


async def test_a_show_that_hides_its_seasons_gives_its_episodes_of_season_one(replayed, recorded):
    leaves = recorded("section-all-episodes.json")
    provider = replayed({"/library/metadata/22/children": leaves, "/library/metadata/22/allLeaves": leaves})
    assert (await provider.episodes("22", 1))[0].key == "90"


async def test_a_recorded_item_tells_its_files(replayed, recorded):
    provider = replayed({"/library/metadata/108": recorded("metadata-movie.json")})
    (playable,) = await provider.playables("108")
    assert (playable.container, playable.video_codec, playable.size) == ("mkv", "h264", 13400382)
    assert not playable.direct
    assert "Matroska" in playable.why_not


async def test_the_libraries_in_use_are_films_and_series(replayed, recorded):
    provider = replayed({"/library/sections": recorded("watchstate-sections-get-200.json")})
    assert [section.title for section in await provider.client.sections()] == [
        "Movies",
        "TV Shows",
        "Non matched content",
    ]


async def test_the_recorded_refusal_says_401_in_the_servers_own_words(replayed, recorded):
    body = recorded("watchstate-sections-get-401.json")
    provider = replayed({"/library/sections": lambda request: httpx.Response(401, html=body)})
    with pytest.raises(AuthFailed, match="401 Unauthorized"):
        await provider.browse(None)


async def test_search_results_without_keys_are_passed_over(replayed, recorded):
    provider = replayed({"/hubs/search": recorded("spec-hubs-search.json"), "/library/sections": ONE_SECTION})
    assert await provider.search("simpsons", 5) == []


@pytest.mark.parametrize("key", ["1,2", "../x", "1/children", "", "x"])
async def test_only_one_plain_number_is_an_item(replayed, key):
    provider = replayed({})
    with pytest.raises(NotFound):
        await provider.item(key)
