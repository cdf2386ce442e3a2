"""Every way to fail, on every method: the right error, and nothing learnt that is not so."""

import pytest

from vaderflix_core.api import (
    AuthFailed,
    BadAnswer,
    Cause,
    DownloadAction,
    NewDownload,
    NotFound,
    Unavailable,
    WrongService,
)
from vaderflix_core.testing import Fault
from vaderflix_qbittorrent import client

pytestmark = pytest.mark.anyio

MAGNET = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=Other"


async def first_hint(connected):
    async for hint in connected.downloader.hints():
        return hint


METHODS = {
    "test": lambda c, key: c.downloader.test(),
    "downloads": lambda c, key: c.downloader.downloads(),
    "act": lambda c, key: c.downloader.act(key, DownloadAction.PAUSE),
    "delete": lambda c, key: c.downloader.act(key, DownloadAction.DELETE_WITH_FILES),
    "add": lambda c, key: c.downloader.add(NewDownload(magnet=MAGNET)),
    "volumes": lambda c, key: c.downloader.volumes(),
    "check": lambda c, key: c.health.check(),
    "hints": lambda c, key: first_hint(c),
}
ERRORS = {
    Fault.UNAUTHORIZED: (AuthFailed, None),
    Fault.RATE_LIMITED: (Unavailable, Cause.RATE_LIMITED),
    Fault.SERVER_ERROR: (Unavailable, Cause.SERVER_ERROR),
    Fault.GARBAGE: (BadAnswer, None),
    Fault.HALF: (Unavailable, Cause.BROKEN),
    Fault.HANG: (Unavailable, Cause.TIMEOUT),
    Fault.GONE: (Unavailable, Cause.BROKEN),
}


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT", 0.4)


@pytest.fixture
async def with_torrent(impatient, simulator, connect, release):
    """An instance that is logged in and knows one torrent."""
    connected = connect(simulator.url, **simulator.credentials)
    await connected.downloader.add(NewDownload(torrent=release.torrent))
    await connected.downloader.downloads()
    return connected


@pytest.mark.parametrize("fault", ERRORS)
async def test_each_fault_is_the_right_error_of_every_method(simulator, with_torrent, release, fault, subtests):
    simulator.faults.set(fault)
    for method, call in METHODS.items():
        with subtests.test(method):
            kind, cause = ERRORS[fault]
            if (fault, method) == (Fault.GARBAGE, "test"):
                kind = WrongService
            with pytest.raises(kind) as failed:
                await call(with_torrent, release.infohash)
            assert getattr(failed.value, "cause", None) == cause
            assert simulator.credentials["password"] not in failed.value.message
    simulator.faults.clear()
    assert [d.id for d in await with_torrent.downloader.downloads()] == [release.infohash]


@pytest.mark.parametrize("fault", ERRORS)
async def test_a_fault_at_the_login_is_the_right_error(impatient, simulator, connect, fault):
    simulator.faults.set(fault, path="auth/login")
    kind, _ = ERRORS[fault]
    with pytest.raises(WrongService if fault is Fault.GARBAGE else kind):
        await connect(simulator.url, **simulator.credentials).downloader.downloads()


async def test_slow_answers_are_waited_for(simulator, with_torrent, release):
    simulator.faults.set(Fault.SLOW, seconds=0.02)
    for method in METHODS.keys() - {"hints", "delete"}:
        await METHODS[method](with_torrent, release.infohash)


async def test_empty_answers_say_no_more_than_they_hold(simulator, with_torrent, release):
    simulator.faults.set(Fault.EMPTY)
    assert await with_torrent.downloader.downloads() == []
    assert await with_torrent.health.check() == []
    with pytest.raises(BadAnswer):
        await with_torrent.downloader.volumes()
    with pytest.raises(WrongService):
        await with_torrent.downloader.test()
    with pytest.raises(NotFound):
        await with_torrent.downloader.act(release.infohash, DownloadAction.DELETE_WITH_FILES)
    with pytest.raises(BadAnswer):
        await with_torrent.downloader.add(NewDownload(magnet=MAGNET))


async def test_a_web_page_is_not_taken_for_obedience(simulator, with_torrent, release):
    simulator.faults.set(Fault.GARBAGE, path="torrents/pause")
    with pytest.raises(BadAnswer):
        await with_torrent.downloader.act(release.infohash, DownloadAction.PAUSE)
