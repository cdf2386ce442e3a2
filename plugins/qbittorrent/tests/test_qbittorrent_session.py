"""Logging in: once, never twice with a bad password, and again when the session has ended."""

import asyncio

import pytest

from vaderflix_core.api import (
    AuthFailed,
    BadAnswer,
    Cause,
    DownloadAction,
    NewDownload,
    Rejected,
    ServiceInfo,
    Unavailable,
    WrongService,
)
from vaderflix_core.testing import free_port, served

pytestmark = pytest.mark.anyio


def logins(simulator) -> int:
    return sum(path.endswith("auth/login") for _, path in simulator.faults.calls)


@pytest.mark.parametrize("dialect", ["4.5.2", "5.1", "5.2"])
async def test_many_calls_at_once_log_in_once(simulator, simulated, dialect):
    simulator.dialect = dialect
    await asyncio.gather(*(simulated.downloader.downloads() for _ in range(8)), simulated.health.check())
    assert logins(simulator) == 1


@pytest.mark.parametrize("dialect", ["4.5.2", "5.1", "5.2"])
async def test_an_ended_session_is_opened_again_once(simulator, simulated, dialect):
    simulator.dialect = dialect
    await simulated.downloader.downloads()
    simulator.expire_sessions()
    await asyncio.gather(*(simulated.downloader.downloads() for _ in range(4)), simulated.downloader.volumes())
    assert logins(simulator) == 2


@pytest.mark.parametrize("dialect", ["4.5.2", "5.1", "5.2"])
async def test_a_bad_password_is_tried_once_by_all_roles_together(simulator, connect, dialect):
    simulator.dialect = dialect
    wrong = connect(simulator.url, password="wrong")
    for call in (wrong.downloader.downloads, wrong.downloader.volumes, wrong.health.check) * 3:
        with pytest.raises(AuthFailed, match="user name and password") as failed:
            await call()
        assert "wrong" not in failed.value.message.replace("wrong ones", "")
    assert logins(simulator) == 1


async def test_a_test_of_the_connection_tries_the_password_again(simulator, connect):
    wrong = connect(simulator.url, password="soon right")
    for call in (wrong.downloader.downloads, wrong.downloader.test):
        with pytest.raises(AuthFailed):
            await call()
    simulator.credentials["password"] = "soon right"
    await wrong.downloader.test()
    assert await wrong.downloader.downloads() == []


async def test_a_ban_is_named_for_what_it_is(simulator, connect):
    wrong = connect(simulator.url, password="wrong")
    for _ in range(5):
        with pytest.raises(AuthFailed, match="does not accept"):
            await wrong.downloader.test()
    with pytest.raises(AuthFailed, match="locked this server out"):
        await wrong.downloader.test()
    with pytest.raises(AuthFailed, match="locked this server out"):
        await connect(simulator.url, **simulator.credentials).downloader.downloads()


async def test_an_api_key_needs_no_login(simulator, connect):
    simulator.dialect, simulator.web.api_key = "5.2", "qbt_key"
    with_key = connect(simulator.url, username="", api_key="qbt_key")
    assert await with_key.downloader.downloads() == []
    assert (await with_key.downloader.test()).version == "5.2.3"
    assert logins(simulator) == 0
    with pytest.raises(AuthFailed, match="API key") as failed:
        await connect(simulator.url, username="", api_key="qbt_other").downloader.downloads()
    assert "qbt_other" not in failed.value.message


@pytest.mark.parametrize(
    ("dialect", "version", "api"),
    [("4.5.2", "4.5.2", "2.8.19"), ("5.1", "5.1.0", "2.11.4"), ("5.2", "5.2.3", "2.15.1")],
)
async def test_the_version_is_told(simulator, simulated, dialect, version, api):
    simulator.dialect = dialect
    wanted = ServiceInfo(product="qBittorrent", version=version, detail=f"Web API {api}")
    assert await simulated.downloader.test() == wanted
    assert await simulated.health.test() == wanted


async def other_product(scope, receive, send):
    """A web application that knows every path, as many do."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<html>Welcome</html>"})


async def nothing_here(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Not Found"})


@pytest.mark.parametrize("app", [other_product, nothing_here])
async def test_another_product_is_told_apart(connect, app):
    async with served(app) as url:
        with pytest.raises(WrongService, match="not qBittorrent"):
            await connect(url).downloader.test()
        with pytest.raises(WrongService):
            await connect(url, api_key="qbt_key").downloader.test()


async def test_nobody_there_is_refused(connect):
    with pytest.raises(Unavailable) as failed:
        await connect(f"http://127.0.0.1:{free_port()}").downloader.test()
    assert failed.value.cause is Cause.REFUSED


async def test_an_update_in_the_middle_of_a_session_is_followed(simulator, simulated, release):
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    await simulated.downloader.act(release.infohash, DownloadAction.PAUSE)
    simulator.dialect = "5.1"
    await simulated.downloader.act(release.infohash, DownloadAction.RESUME)
    assert not simulator.world.torrents[release.infohash].paused


async def test_a_password_in_the_address_stays_out_of_errors(connect):
    async with served(other_product) as url:
        with pytest.raises(WrongService) as failed:
            await connect(url.replace("//", "//user:hunter2@")).downloader.test()
    assert "hunter2" not in failed.value.message


async def test_changes_that_cannot_be_joined_are_read_whole(simulator, simulated, release):
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    await simulated.downloader.downloads()
    simulated.client._inventory._torrents.clear()
    simulator.world.torrents[release.infohash].category = "radarr"
    (download,) = await simulated.downloader.downloads()
    assert (download.name, download.category) == (release.file_name, "radarr")


async def test_a_figure_of_the_wrong_type_is_a_bad_answer_and_heals(simulator, simulated, release):
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    simulator.world.torrents[release.infohash].dl_limit = 0
    simulator.world.torrents[release.infohash].category = ["no", "text"]
    with pytest.raises(BadAnswer):
        await simulated.downloader.downloads()
    simulator.world.torrents[release.infohash].category = "radarr"
    assert len(await simulated.downloader.downloads()) == 1


async def test_only_one_torrent_can_be_acted_on(simulator, simulated, release):
    await simulated.downloader.add(NewDownload(torrent=release.torrent))
    before = len(simulator.faults.calls)
    for name in ("all", "ALL", "*", "", "a" * 39, "a" * 40 + "|" + "b" * 40, "a" * 40 + "\n"):
        for action in DownloadAction:
            with pytest.raises(Rejected, match="not the id"):
                await simulated.downloader.act(name, action)
    assert len(simulator.faults.calls) == before
