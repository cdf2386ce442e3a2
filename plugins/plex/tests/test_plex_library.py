"""The library over a simulated server, in all the moods that real ones have."""

import shutil
from datetime import UTC, datetime, timedelta

import anyio
import httpx
import pytest

from vaderflix_core.api import BadAnswer, ExternalIds, MediaKind, NotFound, Rejected
from vaderflix_core.testing import catalogue
from vaderflix_plex.simulator import PlexSimulator

pytestmark = pytest.mark.anyio

NOSFERATU = ExternalIds(imdb="tt0013442")
METROPOLIS = ExternalIds(tmdb=19)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def sweep(provider):
    items, cursor, total = [], None, None
    while True:
        page = await provider.browse(cursor)
        items += page.items
        total, cursor = page.total, page.next
        if cursor is None:
            return items, total


async def until(condition):
    with anyio.fail_after(10):
        while not (value := await condition()):
            await anyio.sleep(0.01)
        return value


async def scan(url, section, path=None):
    async with httpx.AsyncClient(headers={"X-Plex-Token": "simulated-plex-token"}) as client:
        params = {"path": str(path)} if path else {}
        (await client.get(f"{url}/library/sections/{section}/refresh", params=params)).raise_for_status()


async def test_a_sweep_gives_everything_held_and_the_servers_own_count(plex):
    _, provider = plex
    items, total = await sweep(provider)
    held = {title.title for title in catalogue() if title.held}
    assert {item.title for item in items} == held
    assert total == len(items) == len(held)
    assert all(item.ids.imdb and item.section for item in items)


@pytest.mark.parametrize(
    "mood", ["numbers_as_text", "single_objects", "ignore_filters", "ignore_sort", "require_paging", "omit_total"]
)
async def test_every_mood_of_a_server_gives_the_same_library(plex, mood):
    simulator, provider = plex
    expected = {item.key: item.title for item in (await sweep(provider))[0]}
    setattr(simulator, mood, True)
    items, total = await sweep(provider)
    assert {item.key: item.title for item in items} == expected
    assert total == (None if mood == "omit_total" else len(expected))
    assert [item.title for item in (await provider.locate(MediaKind.MOVIE, NOSFERATU)).items] == ["Nosferatu"]
    assert {item.title for item in await provider.changes(LONG_AGO)} == set(expected.values())
    assert (await provider.search("general", 5))[0].title == "The General"


async def test_short_pages_are_read_to_their_end(plex):
    simulator, provider = plex
    expected = len((await sweep(provider))[0])
    simulator.longest_page = 3
    assert len((await sweep(provider))[0]) == expected
    assert len(await provider.changes(LONG_AGO)) == expected
    assert (await provider.locate(MediaKind.MOVIE, NOSFERATU)).items


async def test_a_server_that_neither_pages_nor_counts_does_not_keep_us_for_ever(plex):
    simulator, provider = plex
    simulator.ignore_paging = simulator.omit_total = True
    items, total = await sweep(provider)
    assert len(items) == sum(title.held for title in catalogue())
    assert total is None


async def test_a_show_is_located_with_its_seasons(plex):
    _, provider = plex
    found = await provider.locate(MediaKind.SERIES, ExternalIds(tvdb=9000201))
    assert [(season.number, season.available) for season in found.seasons] == [(1, 22)]
    assert found.items[0].seasons == found.seasons


async def test_the_kind_is_part_of_the_question(plex):
    _, provider = plex
    assert (await provider.locate(MediaKind.SERIES, NOSFERATU)).items == ()


async def test_a_title_that_is_not_held_is_answered_with_nothing(plex):
    _, provider = plex
    assert (await provider.locate(MediaKind.MOVIE, METROPOLIS)).items == ()


async def test_a_scanned_film_is_located_at_once_and_no_longer_when_its_file_is_gone(plex, tmp_path, clip):
    _, provider = plex
    url = provider.client.url
    assert not (await provider.locate(MediaKind.MOVIE, METROPOLIS)).items
    folder = tmp_path / "media" / "movies" / "Metropolis (1927)"
    folder.mkdir(parents=True)
    shutil.copy(clip, folder / "Metropolis.1927.mp4")
    await scan(url, 1, folder)

    async def items():
        return (await provider.locate(MediaKind.MOVIE, METROPOLIS)).items

    (film,) = await until(items)
    assert film.title == "Metropolis"
    assert await provider.playables(film.key)
    shutil.rmtree(folder)
    await scan(url, 1, folder)

    async def gone():
        return not await items()

    assert await until(gone)


async def test_a_server_that_starts_again_has_what_it_had_under_the_same_keys(tmp_path, clip):
    def start():
        return {item.key: item.title for item in PlexSimulator(tmp_path, tmp_path / "media").state.items.values()}

    before = start()
    for name in ("Detour (1945)", "Metropolis (1927)"):
        (tmp_path / "media" / "movies" / name).mkdir()
    shutil.copy(clip, tmp_path / "media" / "movies" / "Metropolis (1927)" / "a.mp4")
    one = start()
    shutil.copy(clip, tmp_path / "media" / "movies" / "Detour (1945)" / "a.mp4")
    both = start()
    assert one.items() <= both.items()
    assert {both[key] for key in both.keys() - before.keys()} == {"Detour", "Metropolis"}
    assert len(both) == len(before) + 2


async def test_scanned_episodes_join_the_show_that_is_there(plex, tmp_path, clip):
    _, provider = plex
    folder = tmp_path / "media" / "series" / "One Step Beyond" / "Season 02"
    folder.mkdir(parents=True)
    for code in ("S02E01", "S02E02-E03"):
        shutil.copy(clip, folder / f"One.Step.Beyond.{code}.1080p.mp4")
    await scan(provider.client.url, 2, folder)

    async def seasons():
        found = await provider.locate(MediaKind.SERIES, ExternalIds(tvdb=9000201))
        return {season.number: season.available for season in found.seasons} == {1: 22, 2: 3}

    assert await until(seasons)
    show = (await provider.locate(MediaKind.SERIES, ExternalIds(tvdb=9000201))).items[0]
    assert [episode.number for episode in await provider.episodes(show.key, 2)] == [1, 2, 3]


async def test_a_series_is_changed_when_only_an_episode_is_new(plex, tmp_path, clip):
    simulator, provider = plex
    simulator.state.add_episode(
        next(title for title in catalogue() if title.slug == "one-step-beyond"),
        2,
        next(title for title in catalogue() if title.slug == "one-step-beyond").seasons[1].episodes[0],
        clip,
        str(clip),
        simulator.clock(),
    )
    for item in simulator.state.items.values():
        if item.type == "show":
            item.updated_at = item.added_at = 1_000_000
    changed = await provider.changes(datetime.now(UTC) - timedelta(minutes=5))
    assert [item.title for item in changed] == ["One Step Beyond"]


async def test_changes_stop_at_the_asked_time(plex):
    _, provider = plex
    changed = {item.title for item in await provider.changes(datetime.now(UTC) - timedelta(days=7))}
    assert changed == {title.title for title in catalogue() if title.held and title.added_days_ago <= 7}


async def test_recently_added_is_newest_first(plex):
    _, provider = plex
    items = await provider.recently_added(4)
    assert [item.title for item in items] == ["Sintel", "Charade", "Sherlock Holmes", "His Girl Friday"]


async def test_a_library_that_shrinks_in_the_middle_of_a_sweep_does_not_add_up(plex):
    simulator, provider = plex
    simulator.longest_page = 4
    page = await provider.browse(None)
    for item in list(simulator.state.of(simulator.state.sections[0]))[:3]:
        simulator.state.remove(item)
    seen, cursor = len(page.items), page.next
    while cursor:
        page = await provider.browse(cursor)
        seen, cursor = seen + len(page.items), page.next
    assert seen < page.total


async def test_accents_do_not_hide_a_title_once_the_library_was_read(simulated, provide, made_title):
    titles = [made_title("ame", "Les Éléphants d'Amélie", number=1), made_title("ngs", "静かな海", number=2)]
    async with simulated(titles) as (_, url):
        provider = provide(url)
        await provider.shelf.refresh()
        for words in ("elephants amelie", "ÉLÉPHANTS", "Les Elephants d'Amelie"):
            assert [item.title for item in await provider.search(words, 5)] == ["Les Éléphants d'Amélie"], words
        assert [item.title for item in await provider.search("静かな", 5)] == ["静かな海"]


async def test_a_title_with_just_the_name_comes_first(simulated, provide, made_title):
    names = ["A Detour", "Detour", "Detour to Nowhere"]
    async with simulated([made_title(str(n), name, number=n) for n, name in enumerate(names)]) as (_, url):
        assert (await provide(url).search("detour", 2))[0].title == "Detour"


async def test_only_the_chosen_libraries_are_used(plex, provide):
    _, provider = plex
    films = provide(provider.client.url, sections=("films",))
    assert {item.kind for item in (await sweep(films))[0]} == {MediaKind.MOVIE}
    assert await films.search("holmes", 5) == []
    with pytest.raises(Rejected, match="Films, Series"):
        await provide(provider.client.url, sections=("Cartoons",)).browse(None)


async def test_an_item_of_a_library_that_is_left_out_is_not_found(plex, provide):
    _, everything = plex
    show = (await everything.search("holmes", 1))[0]
    with pytest.raises(NotFound):
        await provide(everything.client.url, sections=("Films",)).item(show.key)


async def test_a_title_without_any_id_cannot_be_looked_up(plex):
    _, provider = plex
    with pytest.raises(Rejected):
        await provider.locate(MediaKind.MOVIE, ExternalIds())


async def test_where_the_search_is_forbidden_the_libraries_own_is_used(plex):
    simulator, provider = plex
    simulator.restricted = True
    assert [item.title for item in await provider.search("general", 5)] == ["The General"]


async def test_an_id_that_the_index_lists_but_the_server_lacks_is_not_called_gone(plex):
    _, provider = plex
    await provider.locate(MediaKind.MOVIE, NOSFERATU)
    provider.shelf._libraries["movie", "1"].entries["999"] = provider.shelf._libraries["movie", "1"].entries["7"]
    found = await provider.locate(MediaKind.MOVIE, NOSFERATU)
    assert [item.key for item in found.items] == ["7"]


async def test_editions_are_items_of_their_own(simulated, provide, made_title):
    title = made_title("cut", "The Cut")
    async with simulated([title]) as (simulator, url):
        other = simulator.state.add_film(title, title.clip, "/elsewhere/The Cut.mp4", simulator.clock())
        other.edition = "Director's Cut"
        found = await provide(url).locate(MediaKind.MOVIE, title.ids)
        assert len(found.items) == 2


async def test_a_stranger_place_in_a_sweep_is_rejected(plex):
    _, provider = plex
    with pytest.raises(Rejected):
        await provider.browse("nonsense")
    with pytest.raises(BadAnswer):
        await provider.browse('["99",0,1,""]')


async def test_a_second_look_up_in_a_large_library_reads_only_what_is_new(simulated, provide, made_title):
    titles = [made_title(f"t{n}", f"Film {n}", number=n, added_days_ago=1 + n) for n in range(1_500)]
    async with simulated(titles) as (simulator, url):
        provider = provide(url)
        found = await provider.locate(MediaKind.MOVIE, ExternalIds(imdb="tt9501400"))
        assert [item.title for item in found.items] == ["Film 1400"]
        simulator.faults.calls.clear()
        provider.shelf._read_at = 0.0
        await provider.locate(MediaKind.MOVIE, ExternalIds(imdb="tt9500001"))
        pages = [path for _, path in simulator.faults.calls if "/all" in path]
        assert len(pages) == 2
