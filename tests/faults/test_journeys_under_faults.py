"""Requests on their way while services fail, at every step: none is lost, doubled or given up, and all arrive."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from siege import FAULTS, House, besieged, invented

from vaderflix_core.api import MediaKind, Reason
from vaderflix_core.requests.models import Request, RequestState
from vaderflix_core.testing import Fault, Title

pytestmark = pytest.mark.anyio

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)
NEVER, SOON = 100_000.0, 0.2  # seconds that a download takes
KINDS = {"radarr": MediaKind.MOVIE, "sonarr": MediaKind.SERIES}
TABLES = {"radarr": "movies", "sonarr": "series"}
MOVING = {RequestState.SENT, RequestState.SEARCHING, RequestState.DOWNLOADING, RequestState.IMPORTING}
numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A household whose services move fast, and whose downloads stand still until they are let go."""
    async with besieged(tmp_path_factory.mktemp("house")) as house:
        house.haste()
        await house.host.instances.reconcile()
        await house.host.library.sweep("plex")
        yield house


class Journey:
    """One request for a title that was made up for it."""

    def __init__(self, house: House, plugin: str) -> None:
        self.house, self.plugin = house, plugin
        self.title: Title = invented(KINDS[plugin], next(numbers))
        self.id = 0
        house.invent(self.title)
        self.pace(NEVER)

    def pace(self, seconds: float) -> None:
        self.house.simulator("qbittorrent").seconds_per_download = seconds

    async def ask(self) -> None:
        """Asked by somebody who need not wait for an approval."""
        title, host = self.title, self.house.host
        mara = next(user for user in await host.access.list_users() if user.username == "mara")
        made = await host.requests.create(
            mara, kind=title.kind, ids=title.ids, title=title.title, year=title.year,
            seasons=tuple(season.number for season in title.seasons),
        )  # fmt: skip
        self.id = made.id

    async def now(self) -> Request:
        host = self.house.host
        mara = next(user for user in await host.access.list_users() if user.username == "mara")
        return await host.requests.get(mara, self.id)

    async def is_in(self, *states: RequestState) -> bool:
        return (await self.now()).state in states

    async def until(self, *states: RequestState) -> None:
        await self.house.follow(lambda: self.is_in(*states))

    async def bear(self) -> list[RequestState]:
        """Two minutes of trouble: where it is meanwhile."""
        seen = []
        for _ in range(2):
            self.house.clock.forward(minutes=1)
            self.house.host.follower.hint_all()
            await self.house.host.follower.round()
            await self.house.settle()
            seen.append((await self.now()).state)
        return seen

    async def mended(self) -> None:
        """The service is well, and nobody presses anything: what waits goes on when its time has come."""
        self.house.clock.forward(minutes=35)
        await self.house.settle()

    async def told(self) -> list[str]:
        return [entry["type"] for entry in (await self.house.mara.json(f"/requests/{self.id}"))["timeline"]]

    def rows(self) -> list[dict[str, Any]]:
        """The title in its service's library."""
        simulator = self.house.simulator(self.plugin)
        return [row for row in simulator.store.rows(TABLES[self.plugin]) if row["slug"] == self.title.slug]

    def grabs(self) -> list[dict[str, Any]]:
        store = self.house.simulator(self.plugin).store
        return [row for row in store.rows("grabs") if row["slug"] == self.title.slug]

    async def arrived_once(self) -> None:
        """It can be watched, and of nothing that led there are two."""
        assert (await self.now()).state is RequestState.AVAILABLE
        told = await self.told()
        assert told[:2] == ["asked", "approved"]
        assert [told.count(step) for step in ("asked", "approved", "sent", "available")] == [1, 1, 1, 1]
        assert not {"failed", "declined", "cancelled", "retried"} & set(told)
        assert len(self.rows()) == 1
        episodes = [grab["episodeIds"] for grab in self.grabs()]
        assert len(episodes) == len({tuple(ids) for ids in episodes}), "grabbed twice"
        hashes = [grab["downloadId"].lower() for grab in self.grabs()]
        assert all(hash in self.house.simulator("qbittorrent").world.torrents for hash in hashes)
        held = await self.house.host.library.find(self.title.kind, self.title.ids)
        assert len(held) == 1
        assert self.title.title in await self.house.jonas.read(f"/search?q={self.title.title}")


@every_fault
@pytest.mark.parametrize("plugin", KINDS)
async def test_a_request_arrives_once_whatever_its_service_does_while_it_is_sent_loaded_and_imported(
    house: House, plugin: str, fault: Fault
) -> None:
    journey = Journey(house, plugin)
    fails = fault is not Fault.SLOW

    async with house.under(plugin, fault):
        await journey.ask()
        await house.settle()
        waiting = await journey.now()
        assert waiting.state is (RequestState.APPROVED if fails else RequestState.SENT)
        if fails:
            assert waiting.reason is Reason.SERVICE_DOWN, waiting.evidence
            assert journey.rows() == []
            assert RequestState.FAILED not in await journey.bear()

    # what it is asked is done, and the answer does not come
    async with house.under(plugin, fault, method="POST"):
        await journey.mended()
        assert await journey.is_in(RequestState.APPROVED, *MOVING)
        assert len(journey.rows()) <= 1
    await journey.mended()
    assert await journey.is_in(*MOVING)
    assert len(journey.rows()) == 1

    await journey.until(RequestState.DOWNLOADING)
    async with house.under(plugin, fault):
        assert set(await journey.bear()) <= {RequestState.DOWNLOADING}
        assert ((await journey.now()).reason is Reason.SERVICE_DOWN) is fails
    await journey.mended()
    await journey.until(RequestState.DOWNLOADING)

    async with house.under(plugin, fault):
        journey.pace(SOON)
        if fails:
            assert set(await journey.bear()) <= {RequestState.DOWNLOADING}
    await journey.mended()
    await journey.until(RequestState.AVAILABLE)
    assert (await journey.now()).reason is None
    await journey.arrived_once()


@every_fault
async def test_a_downloader_that_fails_keeps_a_request_waiting_and_loses_nothing(house: House, fault: Fault) -> None:
    journey = Journey(house, "radarr")
    await journey.ask()
    await house.settle()
    await journey.until(RequestState.DOWNLOADING)
    async with house.under("qbittorrent", fault):
        seen = set(await journey.bear())
        assert seen <= {RequestState.DOWNLOADING, RequestState.SEARCHING}
        page = await house.mara.read(f"/requests/{journey.id}")
        assert "did not work out" not in page
        await house.host.downloads.refresh()
    journey.pace(SOON)
    await journey.mended()
    await journey.until(RequestState.AVAILABLE)
    await journey.arrived_once()


@every_fault
async def test_nothing_is_ready_before_the_library_says_so(house: House, fault: Fault) -> None:
    journey = Journey(house, "radarr")
    await journey.ask()
    await house.settle()
    await journey.until(RequestState.DOWNLOADING)
    plex = house.simulator("plex")
    async with house.under("plex", fault):
        journey.pace(SOON)
        if fault is Fault.SLOW:
            await journey.until(RequestState.AVAILABLE)
        else:
            await journey.until(RequestState.IMPORTING)
            assert set(await journey.bear()) == {RequestState.IMPORTING}
            assert "It is downloaded and being added to the library." in await house.mara.read(
                f"/requests/{journey.id}"
            )
            assert "available" not in await journey.told()
    plex.scanner.scan(plex.state.sections[0], None)  # as it does from time to time
    await journey.mended()
    await journey.until(RequestState.AVAILABLE)
    await journey.arrived_once()


async def test_a_film_that_is_there_is_ready_even_while_its_service_is_down(house: House) -> None:
    journey = Journey(house, "radarr")
    await journey.ask()
    await house.settle()
    await journey.until(RequestState.DOWNLOADING)
    async with house.under("radarr", Fault.GONE):
        journey.pace(SOON)

        async def held() -> bool:
            await house.host.library.sweep("plex")
            return bool(await house.host.library.find(journey.title.kind, journey.title.ids))

        await house.follow(held)
        await journey.until(RequestState.AVAILABLE)
        assert (await journey.now()).reason is None
    await journey.arrived_once()


@every_fault
async def test_each_person_gets_each_piece_of_news_once_whatever_the_mail_server_does(
    house: House, fault: Fault
) -> None:
    journey = Journey(house, "radarr")
    title, mails = journey.title, house.simulator("email").messages
    jonas = next(user for user in await house.host.access.list_users() if user.username == "jonas")
    await journey.mended()  # the news of the journeys before
    before = len(mails())
    async with house.under("email", fault):
        journey.pace(SOON)
        made = await house.host.requests.create(
            jonas, kind=title.kind, ids=title.ids, title=title.title, year=title.year
        )
        journey.id = made.id
        assert (await house.mara.post(f"/requests/{made.id}/approve")).status_code == 200
        await house.settle()
        await journey.until(RequestState.AVAILABLE)
        for _ in range(2):
            house.clock.forward(minutes=2)
            await house.settle()
        if fault is not Fault.SLOW:
            assert len(mails()) == before
    if fault is Fault.EMPTY:  # refused for good: an admin has another try at it
        for job in await house.mara.json("/jobs/dead"):
            assert (await house.mara.post(f"/jobs/{job['id']}/revive")).status_code == 204
    for _ in range(2):
        await journey.mended()
    told = sorted((str(mail["Subject"]), str(mail["To"]).split("<")[-1].split("@")[0]) for mail in mails()[before:])
    name = f"{title.title} ({title.year})"
    assert told == sorted(
        [(f"Jonas asks for {name}", "mara"), (f"{name} was approved", "jonas"), (f"{name} is ready", "jonas")]
    )
    states = {d["state"] for d in await house.mara.json("/deliveries") if f"news:{made.id}:" in d["notification_id"]}
    assert states == {"delivered"}
