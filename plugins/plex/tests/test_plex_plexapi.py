"""python-plexapi, unchanged, against the simulated server."""

import shutil
import time
from pathlib import Path

import anyio.to_thread
import pytest
from plexapi.exceptions import NotFound, Unauthorized
from plexapi.server import PlexServer

from vaderflix_core.testing import catalogue

pytestmark = pytest.mark.anyio


@pytest.fixture
def with_plexapi(simulated):
    """Runs a function of (server, simulator, url) with a connected python-plexapi, in a thread."""

    async def run(work):
        async with simulated() as (simulator, url):
            return await anyio.to_thread.run_sync(lambda: work(PlexServer(url, simulator.token), simulator, url))

    return run


async def test_it_connects_and_sees_the_libraries(with_plexapi):
    def work(server, simulator, url):
        assert server.friendlyName == "Plex"
        assert server.machineIdentifier == simulator.state.machine
        assert server.identity().claimed
        assert {section.title: section.type for section in server.library.sections()} == {
            "Films": "movie",
            "Series": "show",
        }
        films = server.library.section("Films")
        assert films.locations == [str(simulator.state.sections[0].folder)]
        assert films.totalSize == len(films.all()) == 14

    await with_plexapi(work)


async def test_it_is_refused_without_a_good_token(with_plexapi):
    def work(server, simulator, url):
        for token in ("wrong", None):
            with pytest.raises(Unauthorized):
                PlexServer(url, token)

    await with_plexapi(work)


async def test_it_finds_items_with_their_ids_and_files(with_plexapi, tmp_path):
    def work(server, simulator, url):
        film = server.library.section("Films").get("Nosferatu")
        assert {guid.id for guid in film.guids} == {"imdb://tt0013442", "tmdb://653"}
        assert server.fetchItem(film.ratingKey).title == "Nosferatu"
        assert [genre.tag for genre in film.genres] == ["Horror", "Fantasy"]
        (part,) = film.media[0].parts
        (path,) = film.download(str(tmp_path))
        whole = simulator.state.items[film.ratingKey].file.read_bytes()
        assert Path(path).read_bytes() == whole
        answer = server._session.get(server.url(part.key), headers={**server._headers(), "Range": "bytes=5-9"})
        assert (answer.status_code, answer.content) == (206, whole[5:10])
        with pytest.raises(NotFound):
            server.library.section("Films").get("No such film")

    await with_plexapi(work)


async def test_it_searches_filters_and_sorts(with_plexapi):
    def work(server, simulator, url):
        films = server.library.section("Films")
        assert [film.title for film in films.search(title="general")] == ["The General"]
        assert [film.title for film in films.recentlyAdded(maxresults=2)] == ["Sintel", "Charade"]
        assert {film.title for film in films.search(filters={"addedAt>>": "10d"})} == {
            title.title for title in catalogue() if title.held and title.kind == "movie" and title.added_days_ago < 10
        }
        assert films.search(genre="Horror")
        assert films.search(year=1922)[0].title == "Nosferatu"
        assert films.search(sort="year:desc", limit=1)[0].title == "Sintel"
        assert [item.title for item in server.search("holmes", mediatype="show")] == ["Sherlock Holmes"]

    await with_plexapi(work)


async def test_it_walks_a_show(with_plexapi):
    def work(server, simulator, url):
        show = server.library.section("Series").get("One Step Beyond")
        assert [season.index for season in show.seasons()] == [1]
        assert len(show.episodes()) == show.leafCount == 22
        episode = show.episode(season=1, episode=2)
        assert episode.title == "Night of April 14th"
        assert episode.seasonEpisode == "s01e02"
        assert episode.show().title == show.title

    await with_plexapi(work)


async def test_it_sees_what_a_scan_of_one_folder_found(with_plexapi, tmp_path, clip):
    def work(server, simulator, url):
        folder = tmp_path / "media" / "movies" / "Detour (1945)"
        folder.mkdir(parents=True)
        shutil.copy(clip, folder / "Detour.1945.1080p.mp4")
        films = server.library.section("Films")
        films.update(str(folder))
        deadline = time.monotonic() + 5
        while not films.search(title="Detour"):
            assert time.monotonic() < deadline
        film = films.get("Detour")
        assert {guid.id for guid in film.guids} == {"imdb://tt0037638", "tmdb://20367"}
        assert film.media[0].parts[0].file == str(folder / "Detour.1945.1080p.mp4")
        assert not films.reload().refreshing
        films.emptyTrash()
        films.cancelUpdate()

    await with_plexapi(work)


async def test_it_marks_rates_and_follows_what_is_watched(with_plexapi):
    def work(server, simulator, url):
        film = server.library.section("Films").get("Nosferatu")
        film.markPlayed()
        film.rate(8)
        film.reload()
        assert (film.isPlayed, film.userRating) == (True, 8.0)
        assert server.history() == []
        film.markUnplayed()
        film.updateTimeline(30_000, state="playing", duration=75_000)
        (session,) = server.sessions()
        assert (session.title, session.viewOffset) == ("Nosferatu", 30_000)
        assert [item.title for item in server.continueWatching()] == ["Nosferatu"]
        film.updateTimeline(74_000, state="stopped", duration=75_000)
        assert server.sessions() == []
        assert [row.title for row in server.history()] == ["Nosferatu"]

    await with_plexapi(work)


async def test_it_reads_the_servers_own_pages(with_plexapi):
    def work(server, simulator, url):
        assert [account.id for account in server.systemAccounts()] == [0, 1]
        assert server.settings.get("autoEmptyTrash").value is True
        assert server.activities == []
        assert server.transcodeSessions() == []
        assert server.systemDevices()[0].id == 1
        assert server.createToken().startswith("transient-")
        film = server.library.section("Films").get("Nosferatu")
        assert server.createPlayQueue(film).items[0].title == "Nosferatu"
        answer = server._session.get(server.transcodeImage(film.thumbUrl, 300, 300), headers=server._headers())
        assert answer.status_code in (200, 404)
        assert server._session.get(film.thumbUrl).content.startswith(b"\xff\xd8")

    await with_plexapi(work)
