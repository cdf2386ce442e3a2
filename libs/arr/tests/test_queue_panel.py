"""The dashboard's card of the queue."""

from pathlib import Path

import pytest

from vaderflix_arr.queue_panel import queue_panel
from vaderflix_arr.replay import Replay, instance, recording
from vaderflix_arr.service import ArrService
from vaderflix_arr.settings import ArrSettings
from vaderflix_core.api import Secret

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"


class Sonarr(ArrService[ArrSettings]):
    product = "Sonarr"


def card(queue: object):
    made = Replay()
    made.on("GET", "/api/v3/queue", queue)
    made.on("GET", "/api/v3/health", [])
    made.on("GET", "/api/v3/command", [])
    return queue_panel(Sonarr(instance(ArrSettings(url="http://arr.test", api_key=Secret("k")), made)))


async def test_what_needs_a_person_comes_first_with_the_services_words() -> None:
    panel = card(recording(DATA / "sonarr/queue-import-blocked-and-stalled.json")["response"])
    found = await panel.data()
    assert [row.chip.word for row in found.rows] == ["Import blocked", "Import blocked", "Stalled"]
    assert "Found executable file" in found.rows[0].evidence
    assert found.more == 0


async def test_a_season_pack_is_one_row_and_a_long_queue_says_how_many_more() -> None:
    pack = [
        {"id": n, "title": "Pack", "downloadId": "AA", "status": "downloading", "size": 10, "sizeleft": 4}
        for n in range(9)
    ]
    found = await card({"totalRecords": 9, "records": pack}).data()
    assert [(row.name, row.chip.figure, row.left) for row in found.rows] == [("Pack", "60\u00a0%", 4)]
    many = [{"id": n, "title": str(n), "downloadId": f"A{n}", "status": "queued"} for n in range(11)]
    assert (await card({"totalRecords": 11, "records": many}).data()).more == 3


async def test_an_empty_queue_is_an_empty_card() -> None:
    assert (await card({"totalRecords": 0, "records": []}).data()).rows == []
