"""The form of a service that tells people: its own fields beside the core's, secrets that go away, a test message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from world import Household, furnish, make_host

from vaderflix_core.access.activity import ActivityFilter
from vaderflix_core.api import (
    API_VERSION,
    HealthChanged,
    Notification,
    PluginInfo,
    Receipt,
    Rejected,
    Secret,
    ServiceInfo,
    Settings,
    Severity,
    Unavailable,
    setting,
)
from vaderflix_core.host import Host
from vaderflix_core.notify.service import DELIVER
from vaderflix_core.store import jobs
from vaderflix_core.testing.modules import memory_plugin

pytestmark = pytest.mark.anyio

API = {"X-Vaderflix": "1"}
PAGE = "/admin/services/bell"


class BellSettings(Settings, frozen=True, kw_only=True):
    topic: Annotated[str, setting("Topic", pattern="^[a-z]+$", pattern_hint="Small letters only.")]
    token: Annotated[Secret, setting("Access token", "Not needed for open topics.")] = Secret("")
    priority: Annotated[int, setting("Priority", ge=1, le=5)] = 3
    name: Annotated[str, setting("Sender", min_length=3)] = "House"


class Bell:
    """A notifier that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[Notification] = []
        self.error: Exception | None = None

    async def send(self, notification: Notification) -> Receipt:
        if self.error is not None:
            raise self.error
        self.sent.append(notification)
        return Receipt(detail="rang once")

    async def test(self) -> ServiceInfo:
        raise Rejected("This topic is taken.", field="topic")


class Ringing(Household):
    def __init__(self) -> None:
        super().__init__()
        self.bell = Bell()

    def plugins(self) -> list[Any]:
        def info() -> PluginInfo:
            return PluginInfo(name="Bell", summary="Rings.", api=API_VERSION, settings=BellSettings)

        return [*super().plugins(), memory_plugin("bell", info=info, notifiers=lambda instance: [self.bell])]


@pytest.fixture
def household() -> Ringing:
    return Ringing()


@pytest.fixture
async def host(tmp_path: Path, household: Ringing) -> AsyncIterator[Host]:
    host = make_host(tmp_path, household)
    await host.start()
    await furnish(host)
    await host.instances.save(
        id="bell", plugin="bell", name="Door bell", settings={"topic": "door", "token": "sesame-bell"}, new=True
    )
    yield host
    await host.stop()


def form(**changed: str) -> dict[str, str]:
    base = {"name": "Door bell", "priority": "50", "enabled": "on", "s.topic": "door", "s.token": "", "s.priority": "4"}
    return {**base, "s.name": "House", "anyway": "yes", **changed}  # the bell's own test always fails


async def test_an_optional_secret_can_be_taken_away_and_a_typed_one_wins(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    page = (await mara.get(PAGE)).text
    assert "Remove what is stored" in page
    assert "keep it" not in page  # it would contradict a plugin's “leave it empty when …”
    await mara.post(PAGE, form())
    assert (await host.instances.get("bell")).settings["token"] == "sesame-bell"
    both = form(**{"remove.token": "1", "s.token": "sesame-new"})
    await mara.post(PAGE, both)
    assert (await host.instances.get("bell")).settings["token"] == "sesame-new"
    wrong = await mara.post(PAGE, form(**{"remove.token": "1", "s.topic": "D"}))
    assert 'name="remove.token" value="1" checked' in wrong.text
    await mara.post(PAGE, form(**{"remove.token": "1"}))
    assert (await host.instances.get("bell")).settings["token"] == ""
    assert "Remove what is stored" not in (await mara.get(PAGE)).text


async def test_the_api_takes_an_optional_secret_away_with_null(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    body: dict[str, Any] = {"plugin": "bell", "name": "Door bell", "anyway": True}  # its own test always fails
    body["settings"] = {"topic": "door", "token": "********"}
    await mara.http.put("/api/v1/services/bell", json=body, headers=API)
    assert (await host.instances.get("bell")).settings["token"] == "sesame-bell"
    body["settings"] = {"topic": "door", "token": None}
    assert (await mara.http.put("/api/v1/services/bell", json=body, headers=API)).status_code == 200
    assert (await host.instances.get("bell")).settings["token"] == ""


async def test_a_needed_secret_offers_no_removal(visit: Any) -> None:
    assert "Remove what is stored" not in (await (await visit("mara")).get("/admin/services/films")).text


async def test_the_cores_fields_and_a_plugins_of_the_same_name_stay_apart(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    page = (await mara.get(PAGE)).text
    assert page.count(">Priority") == 1
    assert ">Order<" in page
    wrong = (await mara.post(PAGE, form(**{"s.priority": "9", "s.name": "x"}))).text
    assert 'id="set-priority-e"' in wrong
    assert 'id="set-name-e"' in wrong
    assert 'id="f-priority-e"' not in wrong
    assert 'id="f-name-e"' not in wrong
    wrong = (await mara.post(PAGE, form(priority="0"))).text
    assert 'id="f-priority-e"' in wrong
    assert 'id="set-priority-e"' not in wrong
    wrong = (await mara.post(PAGE, form(name=" "))).text
    assert 'id="f-name-e"' in wrong
    assert 'id="set-name-e"' not in wrong


async def test_the_connection_test_calls_a_field_what_the_form_calls_it(visit: Any) -> None:
    mara = await visit("mara")
    sent = {**form(**{"s.topic": "D", "s.name": "x"}), "plugin": "bell", "instance": "bell"}
    said = (await mara.post("/admin/test-connection", sent, hx_request="true")).text
    assert "<b>Topic</b><p>This does not look right. Small letters only.</p>" in said
    assert "<b>Sender</b><p>This is too short: at least 3 characters</p>" in said
    sent["s.topic"], sent["s.name"] = "door", "House"
    assert "This topic is taken." in (await mara.post("/admin/test-connection", sent, hx_request="true")).text


async def test_a_test_message_reaches_whoever_asks_for_it(visit: Any, host: Host, household: Ringing) -> None:
    mara = await visit("mara")
    assert f'hx-post="{PAGE}/send-test"' in (await mara.get(PAGE)).text
    said = await mara.post(f"{PAGE}/send-test", hx_request="true")
    assert "The service took it" in said.text
    assert "rang once" in said.text
    [note] = household.bell.sent
    assert [person.name for person in note.recipients] == ["Mara"]
    assert note.url is None
    answer = await mara.http.post("/api/v1/services/bell/send-test", headers=API)
    assert answer.json() == {"ok": True, "message": "rang once"}
    assert household.bell.sent[1].id != note.id
    logged = await host.notify.deliveries()
    assert [(one.instance, one.state, one.detail) for one in logged] == [("bell", "delivered", "rang once")] * 2
    deeds = await host.activity.find(ActivityFilter(action="service.message_tested"), before=None, limit=10)
    assert len(deeds) == 2


async def test_a_test_message_that_fails_says_why(visit: Any, host: Host, household: Ringing) -> None:
    mara = await visit("mara")
    household.bell.error = Unavailable("The bell is <b>away</b>.")
    said = (await mara.post(f"{PAGE}/send-test", hx_request="true")).text
    assert "It was not sent" in said
    assert "The bell is &lt;b&gt;away&lt;/b&gt;." in said
    answer = await mara.http.post("/api/v1/services/bell/send-test", headers=API)
    assert answer.json() == {"ok": False, "message": "The bell is <b>away</b>."}
    assert {one.state for one in await host.notify.deliveries()} == {"refused"}


async def test_only_what_notifies_has_a_test_message_and_only_for_admins(visit: Any) -> None:
    mara, edith = await visit("mara"), await visit("edith")
    assert "send-test" not in (await mara.get("/admin/services/films")).text
    assert "sends no notifications" in (await mara.post("/admin/services/films/send-test", hx_request="true")).text
    assert (await mara.http.post("/api/v1/services/films/send-test", headers=API)).status_code == 409
    assert (await mara.http.post("/api/v1/services/none/send-test", headers=API)).status_code == 404
    assert (await edith.http.post("/api/v1/services/bell/send-test", headers=API)).status_code == 403


@pytest.mark.parametrize("event", ["the breaker closes", "the health check is well again"])
async def test_news_that_wait_go_out_when_their_service_is_back(
    host: Host, household: Ringing, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    monkeypatch.setattr(jobs, "SPREAD", timedelta(0))
    mara = next(user for user in await host.access.list_users() if user.username == "mara")
    household.bell.error = Unavailable("The tower is locked.")
    payload = {"note": {"id": f"n:{mara.id}", "title": "Ready", "text": "", "recipients": [{"name": "Mara"}]}}
    later = host.clock() + timedelta(hours=1)

    def wait_for_bell(conn: Any) -> None:
        jobs.enqueue(conn, key="deliver:n:bell", kind=DELIVER, payload=payload | {"channel": "bell"}, now=later)

    await host.db.write(wait_for_bell)
    for _call in range(3 if event == "the breaker closes" else 0):
        await host.notify.send_test("bell", mara)
    household.bell.error = None
    if event == "the breaker closes":
        assert host.supervisor.records["bell"].state == "retrying"
        await host.supervisor.retry("bell")
    else:
        host.bus.publish(
            HealthChanged(at=host.clock(), instance="bell", severity=Severity.OK, code="", message="It answers.")
        )
    async with asyncio.timeout(60):
        while "Ready" not in [note.title for note in household.bell.sent]:
            await asyncio.sleep(0.02)
