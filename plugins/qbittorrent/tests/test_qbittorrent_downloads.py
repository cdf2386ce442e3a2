"""Downloads of the simulated daemon, in the three dialects: added, moving, acted on, complete, hinted at."""

import asyncio
import os
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from vaderflix_core.api import (
    DownloadAction,
    DownloadState,
    HintScope,
    NewDownload,
    NotFound,
    Rejected,
    Severity,
    Unavailable,
)
from vaderflix_core.testing import Fault
from vaderflix_qbittorrent import downloader as downloader_module
from vaderflix_qbittorrent.health import findings
from vaderflix_qbittorrent.inventory import Snapshot
from vaderflix_qbittorrent.simulator import QbittorrentSimulator
from vaderflix_qbittorrent.simulator.torrent import ContentFile
from vaderflix_qbittorrent.wire import ServerState, Torrent

pytestmark = pytest.mark.anyio
DIALECTS = ["4.5.2", "5.1", "5.2"]
MAGNET = "magnet:?xt=urn:btih:{}&dn=Safe.Movie.1923"


@pytest.fixture(params=DIALECTS)
def any_dialect(request, simulator):
    simulator.dialect = request.param
    return request.param


async def one(connected):
    (download,) = await connected.downloader.downloads()
    return download


async def test_a_torrent_nobody_shares_is_stalled(any_dialect, simulated, release):
    assert await simulated.downloader.add(NewDownload(torrent=release.torrent, category="radarr")) == release.infohash
    download = await one(simulated)
    assert (download.state, download.category, download.left) == (DownloadState.STALLED, "radarr", release.size)
    assert download.eta_seconds is None


async def test_a_shared_torrent_downloads_and_its_file_can_be_linked(
    any_dialect, simulator, simulated, release, share, until, tmp_path
):
    share(release)
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    seen = []

    async def complete():
        seen.append(await one(simulated))
        return seen[-1].state is DownloadState.COMPLETE

    await until(complete)
    assert DownloadState.DOWNLOADING in {d.state for d in seen}
    assert [d.progress for d in seen] == sorted(d.progress for d in seen)
    assert max(d.down for d in seen) > 0
    (row,) = (await simulated.client.call("GET", "torrents/info")).json()
    path = Path(row["content_path"])
    assert path == tmp_path / "qbittorrent" / "downloads" / release.file_name
    os.link(path, tmp_path / "imported.mp4")
    assert (tmp_path / "imported.mp4").read_bytes() == release.source.read_bytes()


async def test_a_download_takes_no_less_than_it_is_told_and_speeds_up(simulator, simulated, release, share, until):
    share(release)
    simulator.seconds_per_download = 1.0
    started = time.monotonic()
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    speeds = []

    async def complete():
        download = await one(simulated)
        speeds.append(download.down)
        return download.state is DownloadState.COMPLETE

    await until(complete)
    assert time.monotonic() - started > 0.7
    assert speeds[2] < max(speeds)


async def test_a_magnet_gets_its_content_when_somebody_shares_it(
    any_dialect, simulated, release, share, until, tmp_path
):
    link = MAGNET.format(release.infohash.upper())
    assert await simulated.downloader.add(NewDownload(magnet=link)) == release.infohash
    assert (await one(simulated)).state is DownloadState.QUEUED
    share(release)

    async def complete():
        return (await one(simulated)).state is DownloadState.COMPLETE

    await until(complete)
    assert (tmp_path / "qbittorrent/downloads/Safe.Movie.1923").stat().st_size == release.size


async def test_a_torrent_that_is_there_already_is_found(any_dialect, simulator, simulated, release):
    for download in (
        NewDownload(torrent=release.torrent),
        NewDownload(torrent=release.torrent),
        NewDownload(magnet=MAGNET.format(release.infohash)),
    ):
        assert await simulated.downloader.add(download) == release.infohash
    assert sum("torrents/add" in path for _, path in simulator.faults.calls) == 1


async def test_two_who_add_the_same_at_once_both_get_it(any_dialect, simulated, release):
    download = NewDownload(torrent=release.torrent)
    ids = await asyncio.gather(*(simulated.downloader.add(download) for _ in range(5)))
    assert set(ids) == {release.infohash}


async def test_a_refused_torrent_is_rejected(any_dialect, simulator, simulated, release, monkeypatch):
    monkeypatch.setattr(simulator.world, "add", lambda *a, **k: False)
    with pytest.raises(Rejected):
        await simulated.downloader.add(NewDownload(torrent=release.torrent))


async def test_junk_is_rejected_before_anything_is_sent(simulator, simulated):
    with pytest.raises(Rejected):
        await simulated.downloader.add(NewDownload(torrent=b"not a torrent"))
    assert simulator.faults.calls == []


async def test_a_save_path_is_obeyed(any_dialect, simulator, simulated, release, tmp_path):
    await simulated.downloader.add(NewDownload(torrent=release.torrent, save_path=str(tmp_path / "elsewhere")))
    assert simulator.world.torrents[release.infohash].save_path == str(tmp_path / "elsewhere")


async def test_every_action_does_what_it_says(any_dialect, simulator, simulated, release, share, until):
    share(release)
    simulator.seconds_per_download = 3600.0
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    act, key = simulated.downloader.act, release.infohash
    await act(key, DownloadAction.PAUSE)
    assert (await one(simulated)).state is DownloadState.PAUSED
    await act(key.upper(), DownloadAction.RESUME)
    assert (await one(simulated)).state is DownloadState.DOWNLOADING
    await act(key, DownloadAction.RECHECK)
    assert (await one(simulated)).state is DownloadState.CHECKING
    with pytest.raises(Rejected, match="queueing must be enabled"):
        await act(key, DownloadAction.FIRST)
    simulator.world.preferences["queueing_enabled"] = True
    await act(key, DownloadAction.FIRST)
    await act(key, DownloadAction.DELETE)
    assert await simulated.downloader.downloads() == []
    with pytest.raises(NotFound):
        await act(key, DownloadAction.RESUME)


async def test_the_first_in_the_queue_is_the_one_that_moves(simulator, simulated, release, share):
    simulator.world.preferences |= {"queueing_enabled": True, "max_active_downloads": 1}
    share(release)
    await simulated.downloader.add(NewDownload(magnet=MAGNET.format("1" * 40)))
    other = simulator.world.torrents["1" * 40]
    other.files = [ContentFile("x", 5)]
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    states = {d.id: d.state for d in await simulated.downloader.downloads()}
    assert states[release.infohash] is DownloadState.QUEUED
    await simulated.downloader.act(release.infohash, DownloadAction.FIRST)
    states = {d.id: d.state for d in await simulated.downloader.downloads()}
    assert states["1" * 40] is DownloadState.QUEUED


@pytest.mark.parametrize("with_files", [False, True])
async def test_deleting_leaves_or_takes_the_files(simulated, release, share, until, tmp_path, with_files):
    share(release)
    await simulated.downloader.add(NewDownload(torrent=release.torrent))

    async def complete():
        return (await one(simulated)).state is DownloadState.COMPLETE

    await until(complete)
    action = DownloadAction.DELETE_WITH_FILES if with_files else DownloadAction.DELETE
    await simulated.downloader.act(release.infohash, action)
    assert (tmp_path / "qbittorrent/downloads" / release.file_name).exists() != with_files


async def test_an_alias_names_the_torrent(simulator, simulated, release):
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    torrent = simulator.world.torrents[release.infohash]
    torrent.infohash_v1 = "c" * 40
    await simulated.downloader.act("c" * 40, DownloadAction.PAUSE)
    assert torrent.paused
    assert await simulated.downloader.add(NewDownload(magnet=MAGNET.format("c" * 40))) == release.infohash


async def test_free_space_is_that_of_the_save_path(simulator, simulated):
    simulator.world.free_space = 5_000_000_000
    (volume,) = await simulated.downloader.volumes()
    assert (volume.path, volume.free) == (str(simulator.world.save_path), 5_000_000_000)


async def test_hints_come_on_changes_only(simulator, simulated, release, share, monkeypatch):
    monkeypatch.setattr(downloader_module, "QUIET", 0.02)
    monkeypatch.setattr(downloader_module, "SHORTEST", 0.02)
    simulator.world.preferences["refresh_interval"] = 20
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    async with aclosing(simulated.downloader.hints()) as hints:
        waiting = asyncio.ensure_future(anext(hints))
        looks = len(simulator.faults.calls) + 5
        while len(simulator.faults.calls) < looks:
            simulator.world.free_space = looks  # a change that nobody sees among the downloads
            await asyncio.sleep(0.01)
        assert not waiting.done()
        share(release)
        hint = await asyncio.wait_for(waiting, 60)
        assert (hint.scope, hint.ref) == (HintScope.DOWNLOADS, None)


async def test_our_own_actions_are_seen_at_once(simulator, simulated, release):
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    async with aclosing(simulated.downloader.hints()) as hints:
        waiting = asyncio.ensure_future(anext(hints))
        # until it has looked once and waits: what that look saw already is no change
        while not simulated.downloader._stirred._waiters:
            await asyncio.sleep(0.01)
        await simulated.downloader.act(release.infohash, DownloadAction.PAUSE)
        await asyncio.wait_for(waiting, downloader_module.QUIET / 2)


async def test_hints_end_with_the_connection(simulator, simulated):
    simulator.faults.set(Fault.GONE, path="sync/maindata")
    with pytest.raises(Unavailable):
        await anext(simulated.downloader.hints())


def test_what_is_wrong_is_found():
    rows = (
        Torrent(hash="a" * 40, name="One", state="missingFiles"),
        *(Torrent(hash=str(n) * 40, name=f"Bad {n}", state="error") for n in range(5)),
        Torrent(hash="b" * 40, name="Good", state="stalledUP"),
    )
    server = ServerState(connection_status="disconnected", free_space_on_disk=500_000_000)
    found = {r.code: r for r in findings(Snapshot(torrents=rows, server=server))}
    assert found.keys() == {"disconnected", "disk_low", "torrents_missing_files", "torrents_errored"}
    assert found["disk_low"].severity is Severity.ERROR
    assert "0.5 GB" in found["disk_low"].message
    assert "“One”" in found["torrents_missing_files"].message
    assert "and 2 more" in found["torrents_errored"].message
    assert found["torrents_errored"].metrics == {"count": 5}


def test_all_well_is_nothing_found():
    server = ServerState(connection_status="connected", free_space_on_disk=10**12)
    assert findings(Snapshot(torrents=(), server=server)) == []
    (firewalled,) = findings(Snapshot(torrents=(), server=ServerState(connection_status="firewalled")))
    assert firewalled.severity is Severity.NOTICE


async def test_the_simulator_remembers_over_a_restart(simulator, simulated, release, share, until, tmp_path):
    share(release)
    await simulated.downloader.add(NewDownload(torrent=release.torrent, category="radarr"))

    async def complete():
        return (await one(simulated)).state is DownloadState.COMPLETE

    await until(complete)
    again = QbittorrentSimulator(tmp_path / "qbittorrent", tmp_path / "media")
    assert again.world.torrents[release.infohash].state == "stalledUP"
    assert again.world.categories == {"radarr": ""}
    (again.world.save_path / release.file_name).unlink()
    once_more = QbittorrentSimulator(tmp_path / "qbittorrent", tmp_path / "media")
    assert once_more.world.torrents[release.infohash].state == "missingFiles"


async def test_the_simulator_moves_while_nobody_asks(simulator, simulated, release, share, until):
    share(release)
    await simulator.start(simulator.url, [])
    await simulated.downloader.add(NewDownload(torrent=release.torrent))

    async def written():
        return (simulator.world.save_path / release.file_name).exists()

    await until(written)
    await simulator.stop()
    await simulator.stop()
