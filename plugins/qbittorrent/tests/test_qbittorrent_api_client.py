"""An independent client, qbittorrent-api, finds the simulator to be qBittorrent."""

import anyio.to_thread
import pytest
import qbittorrentapi

pytestmark = pytest.mark.anyio
DIALECTS = ["4.5.2", "5.1", "5.2"]


@pytest.fixture(params=DIALECTS)
async def theirs(request, simulator):
    """Their client, logged in. It is synchronous: `await run(function, ...)`."""
    simulator.dialect = request.param
    client = qbittorrentapi.Client(host=simulator.url, **simulator.credentials)
    await run(client.auth_log_in)
    return client


async def run(call, *arguments, **options):
    return await anyio.to_thread.run_sync(lambda: call(*arguments, **options))


async def test_it_logs_in_and_out(simulator, theirs):
    assert await run(lambda: theirs.app.version) == simulator.world.dialect.app
    assert await run(lambda: theirs.app.web_api_version) == simulator.world.dialect.api
    assert await run(lambda: theirs.app.default_save_path) == str(simulator.world.save_path)
    assert (await run(lambda: theirs.app.preferences)).save_path == str(simulator.world.save_path)
    assert await run(lambda: theirs.is_logged_in)
    await run(theirs.auth_log_out)
    assert simulator.web.sessions == {}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_it_fails_to_log_in_with_a_bad_password_and_is_banned_after_five(simulator, dialect):
    simulator.dialect = dialect
    client = qbittorrentapi.Client(host=simulator.url, username="admin", password="wrong")
    for _ in range(5):
        with pytest.raises(qbittorrentapi.LoginFailed):
            await run(client.auth_log_in)
    with pytest.raises(qbittorrentapi.Forbidden403Error, match="banned"):
        await run(client.auth_log_in)


async def test_it_takes_a_torrent_through_its_life(simulator, theirs, release, share, until):
    share(release)
    answer = await run(
        theirs.torrents_add, torrent_files=release.torrent, category="radarr", tags="new,good", is_stopped=True
    )
    assert answer == "Ok." or list(answer["added_torrent_ids"]) == [release.infohash]
    (torrent,) = await run(theirs.torrents_info, category="radarr", tag="new", torrent_hashes=release.infohash.upper())
    assert torrent.state_enum.is_stopped
    assert (torrent.tags, torrent.amount_left) == ("good, new", release.size)
    await run(torrent.resume)

    async def complete():
        (now,) = await run(theirs.torrents_info, status_filter="all")
        return now if now.state_enum.is_complete else None

    done = await until(complete)
    assert (done.progress, done.amount_left, done.state) == (1, 0, "stalledUP")
    assert (await run(lambda: done.properties)).completion_date > 0
    (file,) = await run(lambda: done.files)
    assert (file.name, file.size, file.is_seed) == (release.file_name, release.size, True)
    assert [t.url for t in await run(lambda: done.trackers)][:1] == ["** [DHT] **"]
    assert all(state == 2 for state in await run(theirs.torrents_piece_states, done.hash))
    await run(done.pause)
    (paused,) = await run(theirs.torrents_info, status_filter="stopped" if simulator.world.dialect.stops else "paused")
    assert paused.state_enum.is_stopped
    await run(done.recheck)
    await run(theirs.torrents_delete, delete_files=True, torrent_hashes=done.hash)
    assert await run(theirs.torrents_info) == []
    assert not (simulator.world.save_path / release.file_name).exists()


async def test_it_keeps_categories_and_tags(theirs, release):
    await run(theirs.torrents_add, torrent_files=release.torrent)
    await run(theirs.torrents_create_category, name="tv", save_path="/tv")
    with pytest.raises(qbittorrentapi.Conflict409Error):
        await run(theirs.torrents_create_category, name="tv")
    with pytest.raises(qbittorrentapi.Conflict409Error):
        await run(theirs.torrents_set_category, category="nosuch", torrent_hashes=release.infohash)
    await run(theirs.torrents_set_category, category="tv", torrent_hashes=release.infohash)
    assert (await run(theirs.torrents_categories))["tv"].savePath == "/tv"
    await run(theirs.torrents_add_tags, tags=["a", "b"], torrent_hashes=release.infohash)
    await run(theirs.torrents_remove_tags, tags="a", torrent_hashes=release.infohash)
    (torrent,) = await run(theirs.torrents_info)
    assert (torrent.category, torrent.tags) == ("tv", "b")
    assert sorted(await run(theirs.torrents_tags)) == ["a", "b"]
    await run(theirs.torrents_delete_tags, tags="b")
    await run(theirs.torrents_remove_categories, categories="tv")
    (torrent,) = await run(theirs.torrents_info)
    assert (torrent.category, torrent.tags) == ("", "")


async def test_it_gets_the_errors_it_knows(theirs):
    with pytest.raises(qbittorrentapi.NotFound404Error):
        await run(theirs.torrents_properties, "f" * 40)
    with pytest.raises(qbittorrentapi.Conflict409Error, match="queueing"):
        await run(theirs.torrents_top_priority, torrent_hashes="f" * 40)
    with pytest.raises(qbittorrentapi.UnsupportedMediaType415Error):
        await run(theirs.torrents_add, torrent_files=b"not a torrent")


async def test_it_sees_changes_only(simulator, theirs, release):
    await run(theirs.torrents_add, torrent_files=release.torrent)
    sync = theirs.sync.maindata
    simulator.world.free_space = 10**10
    first = await run(lambda: sync.delta())
    assert list(first.torrents) == [release.infohash]
    assert set(await run(lambda: sync.delta())) == {"rid"}
    await run(theirs.torrents_pause, torrent_hashes=release.infohash)
    changed = (await run(lambda: sync.delta())).torrents[release.infohash]
    assert changed.state == ("stoppedDL" if simulator.world.dialect.stops else "pausedDL")


async def test_it_steers_the_transfer(simulator, theirs, release):
    await run(theirs.torrents_add, torrent_files=release.torrent)
    assert (await run(lambda: theirs.transfer.info)).connection_status == "connected"
    await run(theirs.transfer_set_download_limit, limit=5000)
    assert await run(theirs.transfer_download_limit) == 5000
    assert await run(theirs.transfer_speed_limits_mode) == "0"
    await run(theirs.torrents_set_download_limit, limit=100, torrent_hashes=release.infohash)
    assert dict(await run(theirs.torrents_download_limit, torrent_hashes=release.infohash)) == {release.infohash: 100}
    await run(theirs.torrents_set_force_start, enable=True, torrent_hashes=release.infohash)
    (torrent,) = await run(theirs.torrents_info)
    assert (torrent.state, torrent.dl_limit) == ("forcedDL", 100)
    await run(theirs.app_set_preferences, {"queueing_enabled": True})
    await run(theirs.torrents_top_priority, torrent_hashes=release.infohash)
    assert (await run(theirs.log_main))[0].message.startswith("qBittorrent")
