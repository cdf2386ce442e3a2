"""Services: the form of a plugin's settings, its test, and what is told of plugins that fail."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from world import Finder

from vaderflix_core.api import AuthFailed, Quality
from vaderflix_core.host import Host
from vaderflix_core.plugins.records import InstanceState
from vaderflix_web.pages.admin.instance import slug

pytestmark = pytest.mark.anyio

NEW = {"name": "Films HD", "priority": "10", "enabled": "on", "s.url": "http://films-hd:7878", "s.key": "sesame-hd"}


async def test_a_service_is_added_with_the_form_of_its_plugin_and_runs_at_once(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    form = (await mara.get("/admin/services/new/filmfinder")).text
    for part in ("Address", "API key", "Under General, Security.", "Check the certificate", 'type="password"'):
        assert part in form
    saved = await mara.post("/admin/services/new/filmfinder", NEW)
    assert saved.headers["location"] == "/admin/services/films-hd"
    assert host.supervisor.records["films-hd"].state == "running"
    config = await host.instances.get("films-hd")
    assert (config.priority, config.settings["verify"]) == (10, False)


async def test_a_secret_never_reaches_a_page_and_stays_when_left_empty(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    for path in ("/admin/services/films", "/admin/services", "/admin"):
        assert "sesame" not in (await mara.get(path)).text
    await mara.post("/admin/services/films", {**NEW, "s.key": "", "s.url": "http://films:7878/behind"})
    config = await host.instances.get("films")
    assert config.settings["key"] == "sesame-films"
    assert config.settings["url"] == "http://films:7878/behind"


async def test_a_secret_that_was_kept_is_sent_to_no_other_address(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    elsewhere = {**NEW, "s.key": "", "s.url": "http://evil:1", "plugin": "filmfinder", "instance": "films"}
    saved = await mara.post("/admin/services/films", elsewhere)
    assert saved.status_code == 422
    assert 'id="set-key-e"' in saved.text
    assert "kept for another address" in saved.text
    for path in ("/admin/test-connection", "/admin/choices"):
        tried = await mara.post(path, elsewhere, hx_request="true")
        assert "Connected" not in tried.text
        assert "4K, then 1080p" not in tried.text
    assert (await host.instances.get("films")).settings["url"] == "http://films:7878"


async def test_every_wrong_field_is_named_beside_it_and_nothing_typed_is_lost_but_the_secret(
    visit: Any, host: Host
) -> None:
    mara = await visit("mara")
    wrong = {**NEW, "s.url": "films", "name": "Kept <b>", "s.key": "typed-secret"}
    answer = await mara.post("/admin/services/new/filmfinder", wrong)
    assert answer.status_code == 422
    assert 'id="set-url-e"' in answer.text
    assert 'value="films"' in answer.text
    assert 'value="Kept &lt;b&gt;"' in answer.text
    assert "typed-secret" not in answer.text
    assert (await mara.post("/admin/services/new/filmfinder", {**NEW, "priority": "0"})).status_code == 422
    assert len(await host.instances.list()) == 5


async def test_the_connection_is_tested_with_the_form_and_the_stored_secret(visit: Any, household: Any) -> None:
    mara = await visit("mara")
    form = {**NEW, "s.key": "", "s.url": "http://films:7878", "plugin": "filmfinder", "instance": "films"}
    good = await mara.post("/admin/test-connection", form, hx_request="true")
    assert "Connected to Finder 5.1" in good.text
    assert good.headers["hx-trigger"] == "tested"
    choices = await mara.post("/admin/choices", form, hx_request="true")
    assert 'hx-swap-oob="outerHTML"' in choices.text
    assert "4K, then 1080p" in choices.text
    incomplete = await mara.post("/admin/test-connection", {**form, "s.url": "", "instance": ""}, hx_request="true")
    assert "Failed" in incomplete.text
    assert "<b>Address</b>" in incomplete.text  # as the form calls it


async def test_what_cannot_be_reached_is_saved_only_when_one_insists(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    wrong = {**NEW, "s.key": "wrong"}
    refused = await mara.post("/admin/services/new/filmfinder", wrong)
    assert refused.status_code == 422
    for part in ("It refused our credentials.", "Save anyway", "Nothing was saved."):
        assert part in refused.text
    quick = await mara.post("/admin/services/new/filmfinder", wrong, hx_request="true")
    assert (quick.status_code, quick.headers["hx-trigger-after-settle"]) == (200, "refused")
    assert 'form="instance-form" name="anyway"' in quick.text
    assert "films-hd" not in {c.id for c in await host.instances.list()}
    saved = await mara.post("/admin/services/new/filmfinder", {**wrong, "anyway": "yes"}, hx_request="true")
    assert saved.headers["hx-redirect"] == "/admin/services/films-hd"
    # what was reached before, and is not changed, is not tested again
    again = {**NEW, "s.key": "", "s.verify": "", "name": "Films UHD"}
    assert (await mara.post("/admin/services/films-hd", again)).status_code == 303


async def test_the_api_saves_what_cannot_be_reached_only_when_one_insists_too(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    body = {"plugin": "filmfinder", "name": "Spare", "settings": {"url": "http://spare:1", "key": "wrong"}}

    async def put(id: str, **changed: Any) -> Any:
        return await mara.http.put(f"/api/v1/services/{id}", json=body | changed, headers={"X-Vaderflix": "1"})

    refused = await put("spare")
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "service_not_reached"
    assert refused.json()["error"]["message"] == "It refused our credentials. Nothing was saved."
    assert "spare" not in {one.id for one in await host.instances.list()}
    assert (await put("spare", enabled=False)).status_code == 200  # what does not run is not asked
    assert (await put("spare")).status_code == 422
    assert not (await host.instances.get("spare")).enabled
    assert (await put("spare", anyway=True)).status_code == 200
    assert (await host.instances.get("spare")).enabled
    # other words about what runs as it is: not asked again
    assert (await put("spare", name="Spare one")).status_code == 200
    assert (await put("spare", settings={"url": "http://spare:2", "key": "wrong"})).status_code == 422
    assert (await host.instances.get("spare")).settings["url"] == "http://spare:1"
    assert (await put("films", settings={"url": "http://films:9", "key": "right"}, name="Films")).status_code == 200


async def test_a_wrong_field_is_focused_and_the_lists_of_the_service_stay(visit: Any) -> None:
    mara = await visit("mara")
    wrong = await mara.post("/admin/services/new/filmfinder", {**NEW, "s.url": "films"})
    assert re.search(r'<input[^>]*id="set-url"[^>]* autofocus', wrong.text)
    double = {**NEW, "s.url": "http://films:7878", "s.profile": "2"}
    answer = await mara.post("/admin/services/new/filmfinder", double)
    assert "has this address" in answer.text
    assert '<option value="2" selected>4K, then 1080p</option>' in answer.text
    quick = await mara.post("/admin/services/new/filmfinder", {**NEW, "s.url": "films"}, hx_request="true")
    assert re.search(r'id="set-url-box" hx-swap-oob="outerHTML".*aria-invalid="true" autofocus', quick.text, re.S)
    assert 'id="set-key-box"' not in quick.text  # what was typed there stays


async def test_the_list_says_who_gets_4k_and_how_each_service_is(visit: Any, host: Host, household: Any) -> None:
    household.finders["films-4k"].qualities = frozenset({Quality.FOUR_K})
    mara = await visit("mara")
    assert "finds titles in 4K" in (await mara.get("/admin/services")).text
    household.health.fail(AuthFailed("The key was refused."), "check")
    await host.monitor.check_now("series")
    listed = (await mara.get("/admin/services")).text
    row = listed[listed.index('href="/admin/services/series"') :].partition('href="/admin/services/series"')[2]
    assert "Needs you" in row.partition("Try now")[0]
    assert "Running" not in row.partition("Try now")[0]
    assert "Running" not in (await mara.get("/admin/services/series")).text


async def test_a_plugin_that_does_not_load_is_listed_with_its_reason_and_trace(visit: Any) -> None:
    mara = await visit("mara")
    page = (await mara.get("/admin/services")).text
    assert "No module named &#39;left_pad&#39;" in page
    assert "<details" in page
    assert "Traceback" in page
    dashboard = (await mara.get("/admin")).text
    assert "The plugin “broken” could not be loaded" in dashboard
    assert "Traceback" not in dashboard


async def test_a_broken_panel_is_a_card_and_the_page_stays(visit: Any, household: Any) -> None:
    mara = await visit("mara")
    page = (await mara.get("/admin")).text
    panel = re.search(r'hx-get="(/admin/panels/[^"]+)"', page)
    assert panel is not None
    household.panel_fails = True
    answer = await mara.get(panel[1], hx_request="true")
    assert answer.status_code == 200
    assert "This panel did not answer" in answer.text
    assert "Traceback" not in answer.text
    gone = await mara.get("/admin/panels/library/unknown", hx_request="true")
    assert "This panel did not answer" in gone.text


async def test_a_service_can_be_switched_off_and_on_and_removed(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    await mara.post("/admin/services/films/enabled", {"on": "no"})
    assert host.supervisor.records["films"].state == "disabled"
    await mara.post("/admin/services/films/enabled", {"on": "yes"})
    assert host.supervisor.records["films"].state == "running"
    await mara.post("/admin/plugins/filmfinder/enabled", {"on": "no"})
    assert host.supervisor.records["films"].state == "disabled"
    await mara.post("/admin/plugins/filmfinder/enabled", {"on": "yes"})
    await mara.post("/admin/services/films/remove")
    assert "films" not in {c.id for c in await host.instances.list()}
    assert (await mara.get("/admin/services/films")).status_code == 404


async def test_the_dashboard_counts_what_needs_somebody(visit: Any, host: Host, household: Any) -> None:
    mara = await visit("mara")
    assert "Two things need you. The rest works." in (await mara.get("/admin")).text
    household.health.fail(AuthFailed("The key was refused."), "check")
    await host.monitor.check_now("series")
    page = (await mara.get("/admin")).text
    assert "“Series” does not work" in page
    assert "The key was refused." in page
    household.health.work()
    await mara.post("/admin/services/series/retry")
    assert "“Series” does not work" not in (await mara.get("/admin")).text


async def test_a_service_that_is_away_says_when_it_is_tried_next_and_can_be_tried_now(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    record = host.supervisor.records["series"]
    record.state, record.error = InstanceState.RETRYING, "Nothing answers there."
    record.retry_at = host.clock() + timedelta(minutes=25)
    for page in ("/admin/services", "/admin/services/series"):
        shown = (await mara.get(page)).text
        assert "Tried again at" in shown
        assert 'action="/admin/services/series/retry"' in shown


async def test_people_are_added_with_a_role_and_nobody_takes_their_own_keys(visit: Any, host: Host) -> None:
    mara = await visit("mara")
    person = {"username": "tomas", "password": "short", "role": "viewer", "display_name": "Tomás", "email": ""}
    refused = await mara.post("/admin/people", person)
    assert refused.status_code == 422
    assert 'value="tomas"' in refused.text
    await mara.post("/admin/people", {**person, "password": "a longer password"})
    users = {u.username: u for u in await host.access.list_users()}
    assert users["tomas"].role == "viewer"
    await mara.post(f"/admin/people/{users['mara'].id}", {"role": "viewer"})
    await mara.post(f"/admin/people/{users['tomas'].id}", {"disabled": "yes"})
    users = {u.username: u for u in await host.access.list_users()}
    assert users["mara"].role == "admin"
    assert users["tomas"].disabled


def test_an_id_is_made_of_the_name_and_is_free() -> None:
    assert slug("Films 4K", set()) == "films-4k"
    assert slug("Films 4K", {"films-4k"}) == "films-4k-2"
    assert slug("Ünü !", {"n"}) == "n-2"
    assert slug("new", set()) == "new-2"
    assert slug("!!!", set()) == "service"


async def test_the_webhook_address_stands_where_a_plugin_understands_calls(
    visit: Any, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def webhook(self: Finder, headers: Any, body: bytes) -> list[Any]:
        return []

    mara = await visit("mara")
    assert "/hooks/" not in (await mara.get("/admin/services/films")).text
    assert "/hooks/" not in (await mara.get("/admin/services/new/filmfinder")).text
    monkeypatch.setattr(Finder, "webhook", webhook, raising=False)
    await mara.post("/admin/services/new/filmfinder", NEW)
    address = host.hints.address("films-hd")
    assert address is not None
    page = (await mara.get("/admin/services/films-hd")).text
    assert f'value="{mara.http.base_url.join(address)}"' in page
    assert (await mara.http.post(address, json={})).status_code < 300
