"""The provider against Debian's qbittorrent-nox."""

import hashlib
import shutil
from pathlib import Path

import httpx
import pytest

from vaderflix_core.api import (
    AuthFailed,
    DownloadAction,
    DownloadState,
    NewDownload,
    NotFound,
    Rejected,
)
from vaderflix_core.testing import make_release
from vaderflix_qbittorrent.real import real_qbittorrent

pytestmark = pytest.mark.anyio


@pytest.fixture
def release(tmp_path, request):
    """A release of its own for each test, for they share one daemon."""
    source = tmp_path / "film.mp4"
    source.write_bytes(hashlib.sha512(request.node.name.encode()).digest() * 5000)
    return make_release(f"Safe.{request.node.originalname}", source)


async def find(connected, key):
    return next((d for d in await connected.downloader.downloads() if d.id == key), None)


def in_state(connected, key, *states):
    async def check():
        download = await find(connected, key)
        return download if download is not None and download.state in states else None

    return check


async def test_it_says_who_it_is(really):
    info = await really.downloader.test()
    assert info.product == "qBittorrent"
    assert info.version.startswith("4.")


async def test_a_wrong_password_is_refused(real, connect):
    with pytest.raises(AuthFailed, match="user name and password"):
        await connect(real.url, real.username, "wrong").downloader.test()
    await connect(real.url, real.username, real.password).downloader.test()


async def test_an_added_file_is_found_by_the_hash_we_work_out(really, release, until):
    key = await really.downloader.add(NewDownload(torrent=release.torrent, category="radarr"))
    assert key == release.infohash
    download = await until(in_state(really, key, DownloadState.STALLED))
    assert (download.name, download.size, download.left) == (release.file_name, release.size, release.size)
    assert (download.category, download.eta_seconds) == ("radarr", None)
    assert await really.downloader.add(NewDownload(torrent=release.torrent)) == key


async def test_a_magnet_waits_for_its_content(really, release, until):
    link = f"magnet:?xt=urn:btih:{release.infohash.upper()}&dn=A+film"
    key = await really.downloader.add(NewDownload(magnet=link))
    download = await until(in_state(really, key, DownloadState.QUEUED))
    assert (download.id, download.name, download.size) == (release.infohash, "A film", 0)
    assert await really.downloader.add(NewDownload(magnet=link)) == key


async def test_content_that_is_there_is_complete_and_can_be_rechecked(really, release, until, tmp_path):
    shutil.copy(release.source, tmp_path / release.file_name)
    key = await really.downloader.add(NewDownload(torrent=release.torrent, save_path=str(tmp_path)))
    download = await until(in_state(really, key, DownloadState.COMPLETE))
    assert (download.progress, download.left) == (1, 0)
    (tmp_path / release.file_name).unlink()
    await really.downloader.act(key, DownloadAction.RECHECK)

    async def lost():
        return (await find(really, key)).progress == 0

    await until(lost)


async def test_every_action_is_obeyed(really, release, until, tmp_path):
    shutil.copy(release.source, tmp_path / release.file_name)
    key = await really.downloader.add(NewDownload(torrent=release.torrent, save_path=str(tmp_path)))
    await until(in_state(really, key, DownloadState.COMPLETE))
    (tmp_path / release.file_name).unlink()
    await really.downloader.act(key, DownloadAction.RECHECK)
    await until(in_state(really, key, DownloadState.STALLED, DownloadState.PAUSED))
    await really.downloader.act(key, DownloadAction.PAUSE)
    await until(in_state(really, key, DownloadState.PAUSED))
    await really.downloader.act(key.upper(), DownloadAction.RESUME)
    await until(in_state(really, key, DownloadState.STALLED))
    await really.downloader.act(key, DownloadAction.FIRST)
    await really.downloader.act(key, DownloadAction.DELETE)

    async def gone():
        return await find(really, key) is None

    await until(gone)
    with pytest.raises(NotFound):
        await really.downloader.act(key, DownloadAction.RESUME)


async def test_deleting_with_files_takes_them(really, release, until, tmp_path):
    file = tmp_path / release.file_name
    shutil.copy(release.source, file)
    key = await really.downloader.add(NewDownload(torrent=release.torrent, save_path=str(tmp_path)))
    await until(in_state(really, key, DownloadState.COMPLETE))
    await really.downloader.act(key, DownloadAction.DELETE_WITH_FILES)

    async def gone():
        return not file.exists()

    await until(gone)


async def test_all_is_not_a_torrent(really, release):
    key = await really.downloader.add(NewDownload(torrent=release.torrent))
    with pytest.raises(Rejected):
        await really.downloader.act("all", DownloadAction.DELETE_WITH_FILES)
    assert await really.client.torrents(key)


async def test_free_space_is_told(really, real):
    (volume,) = await really.downloader.volumes()
    assert volume.path == str(real.save_path)
    assert volume.free == pytest.approx(shutil.disk_usage(real.save_path).free, rel=0.05)


async def test_a_daemon_without_peers_says_so(really):
    codes = {report.code for report in await really.health.check()}
    assert codes & {"disconnected", "firewalled"}


async def test_an_ended_session_is_opened_again(really):
    await really.downloader.downloads()
    await really.client.call("POST", "auth/logout")
    assert isinstance(await really.downloader.downloads(), list)


async def test_changes_travel_alone(really, release, until):
    await really.downloader.add(NewDownload(torrent=release.torrent))
    await until(in_state(really, release.infohash, DownloadState.STALLED))
    rid = really.client._inventory.rid
    data = await really.client._maindata()
    assert rid > 0
    assert not data.full_update


async def test_two_daemons_exchange_a_film(tmp_path, connect, release, until):
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    shutil.copy(release.source, seeds / release.file_name)
    async with real_qbittorrent(tmp_path / "a") as a, real_qbittorrent(tmp_path / "b") as b:
        sharing, fetching = connect(a.url, a.username, a.password), connect(b.url, b.username, b.password)
        await sharing.downloader.add(NewDownload(torrent=release.torrent, save_path=str(seeds)))
        await until(in_state(sharing, release.infohash, DownloadState.COMPLETE))
        key = await fetching.downloader.add(NewDownload(magnet=f"magnet:?xt=urn:btih:{release.infohash}"))
        await until(in_state(fetching, key, DownloadState.QUEUED))
        await fetching.client.call("POST", "torrents/addPeers", data={"hashes": key, "peers": f"127.0.0.1:{a.bt_port}"})
        download = await until(in_state(fetching, key, DownloadState.COMPLETE), 60)
        assert (download.left, download.aliases) == (0, ())
        (row,) = (await fetching.client.call("GET", "torrents/info")).json()
        assert Path(row["content_path"]).read_bytes() == release.source.read_bytes()
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(a.url)
