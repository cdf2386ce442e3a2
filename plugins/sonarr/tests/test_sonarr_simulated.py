"""From request to file against simulated services, over real HTTP, with the live channel open."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from vaderflix_core.api import (
    AuthFailed,
    BadAnswer,
    ExternalIds,
    HintScope,
    Instance,
    MediaKind,
    MediaRequest,
    Peer,
    Progress,
    Reason,
    ServiceError,
    Stage,
    Unavailable,
)
from vaderflix_core.api.settings import parse
from vaderflix_core.testing import Fault, served
from vaderflix_qbittorrent.simulator import QbittorrentSimulator
from vaderflix_sonarr.requester import Sonarr
from vaderflix_sonarr.settings import SonarrSettings
from vaderflix_sonarr.simulator import SPEC

pytestmark = pytest.mark.anyio

T = TypeVar("T")
FLASH_GORDON = ExternalIds(tvdb=9000203)
SEASON = MediaRequest(id=1, kind=MediaKind.SERIES, ids=FLASH_GORDON, title="Flash Gordon", seasons=(1,))
BEYOND = MediaRequest(id=2, kind=MediaKind.SERIES, ids=ExternalIds(tmdb=9000101), title="One Step Beyond", seasons=(1,))


async def until(read: Callable[[], Awaitable[T]], good: Callable[[T], bool], seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while True:
        found = await read()
        if good(found):
            return found
        assert time.monotonic() < deadline, f"still {found}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def world(folder: Path, *, downloader: bool = True) -> AsyncIterator[tuple[Any, Sonarr]]:
    """A running simulated Sonarr, with its downloader unless told otherwise, and our provider for it."""
    for name in ("sonarr", "qb", "media"):
        (folder / name).mkdir()
    sim = SPEC.make(folder / "sonarr", folder / "media")
    client = QbittorrentSimulator(folder / "qb", folder / "media")
    client.seconds_per_download = 1.0
    async with served(sim.app) as url, served(client.app) as client_url:
        peer = Peer(plugin="qbittorrent", instance="qbittorrent", url=client_url, credentials=client.credentials)
        await client.start(client_url, [])
        await sim.start(url, [peer] if downloader else [])
        made: Instance[SonarrSettings] = Instance(
            id="sonarr",
            plugin="sonarr",
            name="Sonarr",
            settings=parse(SonarrSettings, sim.settings(url)),
            install_id="test",
            log=logging.getLogger("sonarr"),
        )
        try:
            yield sim, made.shared(Sonarr)
        finally:
            await made.close()
            await sim.stop()
            await client.stop()


async def test_a_season_goes_from_a_search_to_its_files_and_each_step_is_heard(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, sonarr):
        assert (await sonarr.test()).product == "Sonarr"
        heard = []

        async def listen() -> None:
            async for hint in sonarr.hints():
                heard.append(hint)

        listening = asyncio.create_task(listen())
        [found] = [c for c in await sonarr.search("flash gordon", MediaKind.SERIES) if c.ids.tvdb == 9000203]
        assert found.tracked is None
        assert found.poster is not None
        assert (await sonarr.image(found.poster, 300)).content_type == "image/jpeg"
        assert (await sonarr.consider(SEASON)).accepts

        tickets = await asyncio.gather(*(sonarr.submit(SEASON, "k") for _ in range(5)))
        assert len({t.remote_id for t in tickets}) == 1
        found_at: list[Progress] = []

        async def progress() -> Progress:
            found_at.append(await sonarr.progress(tickets[0], SEASON))
            return found_at[-1]

        done = await until(progress, lambda p: p.stage is Stage.IMPORTED)
        assert [(s.number, s.episodes, s.available) for s in done.seasons] == [(1, 12, 12)]
        assert {len(p.download_ids) for p in found_at} <= set(range(13))
        assert any(p.download_ids and p.percent is not None for p in found_at)
        assert {p.reason for p in found_at} == {None}
        known = await sonarr.lookup(MediaKind.SERIES, FLASH_GORDON)
        assert known is not None
        assert known.tracked is not None
        assert known.tracked.has_file
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        assert {h.scope for h in heard} >= {HintScope.REQUESTS}
        assert tickets[0].remote_id in {h.ref for h in heard}


async def test_another_season_of_a_library_series_is_added_to_the_one_that_is_there(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, sonarr):
        first = await sonarr.submit(BEYOND, "a")
        await until(lambda: sonarr.progress(first, BEYOND), lambda p: p.stage is Stage.IMPORTED)
        more = msgspec.structs.replace(BEYOND, id=3, seasons=(1, 2))
        second = await sonarr.submit(more, "b")
        assert (second.remote_id, second.adopted) == (first.remote_id, True)
        stages = set()

        async def progress() -> Progress:
            found = await sonarr.progress(second, more)
            stages.add(found.stage)
            return found

        done = await until(progress, lambda p: p.stage is Stage.IMPORTED)
        assert Stage.PARTLY in stages
        assert [(s.number, s.episodes == s.available) for s in done.seasons] == [(1, True), (2, True)]
        series = await sonarr.lookup(MediaKind.SERIES, BEYOND.ids)
        assert series is not None
        assert [s.available for s in series.seasons if s.number == 3] == [0]


async def test_a_blocked_import_and_a_dead_downloader_are_told_apart(tmp_path: Path) -> None:
    async with world(tmp_path) as (sim, sonarr):
        sim.import_blocked["flash-gordon-conquers-the-universe"] = "Found executable file with extension: '.exe'"
        ticket = await sonarr.submit(SEASON, "k")
        found = await until(lambda: sonarr.progress(ticket, SEASON), lambda p: p.reason is Reason.IMPORT_BLOCKED)
        assert "executable" in found.evidence
        sim.client_down = True
        found = await until(lambda: sonarr.progress(ticket, SEASON), lambda p: p.reason is Reason.DOWNLOADER_DOWN)
        assert found.stage is Stage.DOWNLOADING


async def test_nothing_found_is_said_after_the_search(tmp_path: Path) -> None:
    async with world(tmp_path) as (sim, sonarr):
        sim.no_release.add("flash-gordon-conquers-the-universe")
        ticket = await sonarr.submit(SEASON, "k")
        await sim.settled()
        later = sonarr.instance.now() + timedelta(minutes=2)
        sonarr.instance.now = lambda: later
        found = await until(lambda: sonarr.progress(ticket, SEASON), lambda p: p.reason is not None)
        assert found.reason is Reason.NO_RELEASE


async def test_sonarr_5_is_spoken_to_in_v3_all_the_same(tmp_path: Path) -> None:
    async with world(tmp_path) as (sim, sonarr):
        sim.five = True
        ticket = await sonarr.submit(SEASON, "k")
        await until(lambda: sonarr.progress(ticket, SEASON), lambda p: p.stage is Stage.IMPORTED)
        assert not [path for _, path in sim.faults.calls if "/v5" in path]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.UNAUTHORIZED, AuthFailed),
        (Fault.RATE_LIMITED, Unavailable),
        (Fault.SERVER_ERROR, Unavailable),
        (Fault.GARBAGE, BadAnswer),
        (Fault.HALF, ServiceError),
        (Fault.GONE, Unavailable),
    ],
)
async def test_every_fault_comes_out_as_an_error_of_the_api(
    tmp_path: Path, fault: Fault, error: type[ServiceError], caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path, downloader=False) as (sim, sonarr):
        ticket = await sonarr.submit(SEASON, "k")
        sim.faults.set(fault)
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: sonarr.search("flash", MediaKind.SERIES),
            lambda: sonarr.lookup(MediaKind.SERIES, FLASH_GORDON),
            lambda: sonarr.submit(BEYOND, "k"),
            lambda: sonarr.progress(ticket, SEASON),
            lambda: sonarr.check(),
            lambda: sonarr.choices(),
            lambda: anext(sonarr.hints()),
        ]
        for call in calls:
            with pytest.raises(error) as caught:
                await call()
            assert sim.api_key not in str(caught.value)
        assert all(sim.api_key not in f"{method} {path}" for method, path in sim.faults.calls)
        assert sim.api_key not in caplog.text


async def test_empty_answers_are_never_taken_for_gone_or_done(tmp_path: Path) -> None:
    async with world(tmp_path, downloader=False) as (sim, sonarr):
        ticket = await sonarr.submit(SEASON, "k")
        sim.faults.set(Fault.EMPTY)
        for _ in range(3):
            with suppress(BadAnswer, Unavailable):
                found = await sonarr.progress(ticket, SEASON)
                assert found.stage not in (Stage.GONE, Stage.IMPORTED)
        sim.faults.clear()
        assert (await sonarr.progress(ticket, SEASON)).stage is Stage.SEARCHING
