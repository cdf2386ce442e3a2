"""From request to file against simulated services, over real HTTP, with the live channel open."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

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
from vaderflix_radarr.requester import Radarr
from vaderflix_radarr.settings import RadarrSettings
from vaderflix_radarr.simulator import SPEC

pytestmark = pytest.mark.anyio

T = TypeVar("T")
SAFETY_LAST = MediaRequest(id=1, kind=MediaKind.MOVIE, ids=ExternalIds(tmdb=22596), title="Safety Last!", year=1923)
FERRY = MediaRequest(id=2, kind=MediaKind.MOVIE, ids=ExternalIds(tmdb=9000024), title="The Night Ferry")


async def until(read: Callable[[], Awaitable[T]], good: Callable[[T], bool], seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while True:
        found = await read()
        if good(found):
            return found
        assert time.monotonic() < deadline, f"still {found}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def world(folder: Path, *, downloader: bool = True) -> AsyncIterator[tuple[Any, Radarr]]:
    """A running simulated Radarr, with its downloader unless told otherwise, and our provider for it."""
    for name in ("radarr", "qb", "media"):
        (folder / name).mkdir()
    sim = SPEC.make(folder / "radarr", folder / "media")
    client = QbittorrentSimulator(folder / "qb", folder / "media")
    client.seconds_per_download = 1.0
    async with served(sim.app) as url, served(client.app) as client_url:
        peer = Peer(plugin="qbittorrent", instance="qbittorrent", url=client_url, credentials=client.credentials)
        await client.start(client_url, [])
        await sim.start(url, [peer] if downloader else [])
        made: Instance[RadarrSettings] = Instance(
            id="radarr",
            plugin="radarr",
            name="Radarr",
            settings=parse(RadarrSettings, sim.settings(url)),
            install_id="test",
            log=logging.getLogger("radarr"),
        )
        try:
            yield sim, made.shared(Radarr)
        finally:
            await made.close()
            await sim.stop()
            await client.stop()


async def test_a_film_goes_from_a_search_to_a_file_and_each_step_is_heard(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, radarr):
        assert (await radarr.test()).product == "Radarr"
        heard = []

        async def listen() -> None:
            async for hint in radarr.hints():
                heard.append(hint)

        listening = asyncio.create_task(listen())
        [found] = [c for c in await radarr.search("safety", MediaKind.MOVIE) if c.ids.tmdb == 22596]
        assert found.tracked is None
        assert found.poster is not None
        assert (await radarr.image(found.poster, 300)).content_type == "image/jpeg"
        assert (await radarr.consider(SAFETY_LAST)).accepts

        tickets = await asyncio.gather(*(radarr.submit(SAFETY_LAST, "k") for _ in range(5)))
        assert len({t.remote_id for t in tickets}) == 1
        stages: list[Stage] = []

        async def progress() -> Progress:
            at = await radarr.progress(tickets[0], SAFETY_LAST)
            stages.append(at.stage)
            return at

        await until(progress, lambda p: p.stage is Stage.IMPORTED)
        assert stages == sorted(stages, key=[Stage.SEARCHING, Stage.DOWNLOADING, Stage.IMPORTING, Stage.IMPORTED].index)
        known = await radarr.lookup(MediaKind.MOVIE, SAFETY_LAST.ids)
        assert known is not None
        assert known.tracked is not None
        assert known.tracked.has_file
        assert (await radarr.image(known.poster or "", 300)).content_type == "image/jpeg"
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        assert {h.scope for h in heard} >= {HintScope.REQUESTS}
        assert tickets[0].remote_id in {h.ref for h in heard}


async def test_a_film_that_is_not_out_waits_and_a_second_request_searches_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as (sim, radarr):
        ticket = await radarr.submit(FERRY, "k")
        await sim.settled()
        assert (await radarr.submit(FERRY, "k")).adopted
        assert (await radarr.progress(ticket, FERRY)).reason is Reason.NOT_RELEASED


async def test_nothing_found_and_a_blocked_import_and_a_dead_downloader_are_told_apart(tmp_path: Path) -> None:
    async with world(tmp_path) as (sim, radarr):
        sim.import_blocked["safety-last"] = "Caution: Found executable file with extension: '.exe'"
        blocked = await radarr.submit(SAFETY_LAST, "k")
        found = await until(lambda: radarr.progress(blocked, SAFETY_LAST), lambda p: p.reason is Reason.IMPORT_BLOCKED)
        assert "executable" in found.evidence
        sim.client_down = True
        found = await until(lambda: radarr.progress(blocked, SAFETY_LAST), lambda p: p.reason is Reason.DOWNLOADER_DOWN)
        assert found.stage is Stage.DOWNLOADING
        reports = await radarr.check()
        assert "download_client_check" in {r.code for r in reports}


async def test_a_deleted_film_is_gone_and_a_new_request_adds_it_again(tmp_path: Path) -> None:
    async with world(tmp_path, downloader=False) as (_, radarr):
        ticket = await radarr.submit(SAFETY_LAST, "k")
        await radarr.client.http.request("DELETE", f"/api/v3/movie/{ticket.remote_id}")
        assert (await radarr.progress(ticket, SAFETY_LAST)).stage is Stage.GONE
        assert not (await radarr.submit(SAFETY_LAST, "k")).adopted


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
    async with world(tmp_path, downloader=False) as (sim, radarr):
        ticket = await radarr.submit(SAFETY_LAST, "k")
        sim.faults.set(fault)
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: radarr.search("safety", MediaKind.MOVIE),
            lambda: radarr.lookup(MediaKind.MOVIE, SAFETY_LAST.ids),
            lambda: radarr.submit(FERRY, "k"),
            lambda: radarr.progress(ticket, SAFETY_LAST),
            lambda: radarr.check(),
            lambda: radarr.choices(),
            lambda: anext(radarr.hints()),
        ]
        for call in calls:
            with pytest.raises(error) as caught:
                await call()
            assert sim.api_key not in str(caught.value)
        assert all(sim.api_key not in f"{method} {path}" for method, path in sim.faults.calls)
        assert sim.api_key not in caplog.text


async def test_empty_answers_are_never_taken_for_gone_or_done(tmp_path: Path) -> None:
    async with world(tmp_path, downloader=False) as (sim, radarr):
        ticket = await radarr.submit(SAFETY_LAST, "k")
        sim.faults.set(Fault.EMPTY)
        for _ in range(3):
            with suppress(BadAnswer, Unavailable):
                found = await radarr.progress(ticket, SAFETY_LAST)
                assert found.stage not in (Stage.GONE, Stage.IMPORTED)
        sim.faults.clear()
        assert (await radarr.progress(ticket, SAFETY_LAST)).stage is Stage.SEARCHING
