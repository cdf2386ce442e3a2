"""Every fault of every service, as admins see it: which service is in trouble, why, and what it said last."""

from __future__ import annotations

import re
from typing import Any

import pytest
from siege import FAULTS, INSTANCES, PATIENCE, PLUGINS, SILENT, House

from vaderflix_core.plugins import supervisor
from vaderflix_core.testing import Fault, free_port

pytestmark = pytest.mark.anyio

FINDERS = ("radarr", "sonarr")
every_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)


# -- downloads --------------------------------------------------------------------------------------------------------


@every_fault
async def test_downloads_of_a_silent_client_are_shown_with_their_age(house: House, fault: Fault) -> None:
    await house.host.downloads.refresh()
    async with house.under("qbittorrent", fault) as name:
        house.clock.forward(minutes=5)
        await house.host.downloads.refresh()
        answer = await house.mara.json("/downloads")
        page = await house.mara.read("/admin/downloads")
        dashboard = await house.mara.read("/admin")
        if fault is Fault.EMPTY:
            assert [s["outcome"] for s in answer["sources"]] == ["ok"]
            assert "Nothing is downloading now." in page
            assert "does not answer" not in page
            return
        assert "Metropolis" in page
        assert "Metropolis" in dashboard
        assert len(answer["downloads"]) >= 2
        if fault is Fault.SLOW:
            assert "does not answer" not in page
            assert "moving at" in page
            return
        assert f"“{name}” does not answer. What stands here is what it said 5 min ago." in page
        assert f"“{name}” does not answer. What stands here is what it said 5 min ago." in dashboard
        assert "What is downloading is not known right now." in page
        assert "moving at" not in page
        assert answer["sources"][0]["outcome"] != "ok"
        assert answer["sources"][0]["error"]
        refused = await house.mara.send(f"/admin/downloads/qbittorrent/{answer['downloads'][0]['id']}", action="pause")
        assert "Paused" not in refused
        assert name in refused


# -- health -----------------------------------------------------------------------------------------------------------

# what an admin reads of each fault, on the dashboard, the services page and at a connection test
HTTP_WORDS = {
    Fault.UNAUTHORIZED: "refused our credentials",
    Fault.RATE_LIMITED: "asks us to slow down",
    Fault.SERVER_ERROR: "has an error of its own",
    Fault.GARBAGE: "answered what its API does not allow",
    Fault.HALF: "the connection ended in the middle of an answer",
    Fault.HANG: f"It did not answer in {PATIENCE:g} s.",
    Fault.GONE: "the connection ended in the middle of an answer",
}
HEALTH_WORDS: dict[str, dict[Fault, str]] = {
    "plex": HTTP_WORDS | {Fault.EMPTY: "does not say which server it is"},
    "radarr": HTTP_WORDS | {Fault.EMPTY: "The service has no root folder yet"},
    "sonarr": HTTP_WORDS | {Fault.EMPTY: "The service has no root folder yet"},
    "qbittorrent": HTTP_WORDS | {Fault.UNAUTHORIZED: "refuses to talk to us"},
    # its check connects and does not sign in, so only what hits every caller shows before a mail is sent
    "email": {
        Fault.GARBAGE: "does not answer like a mail server",
        Fault.HANG: f"It did not answer in {PATIENCE:g} s.",
        Fault.GONE: "the connection ended in the middle of an answer",
    },
    "docker_health": HTTP_WORDS | {Fault.EMPTY: "answered what its API does not allow"},
}
PANELS = {"radarr": "queue", "sonarr": "queue", "docker_health": "containers"}


@every_fault
@pytest.mark.parametrize("plugin", PLUGINS)
async def test_the_dashboard_and_the_list_of_services_name_the_one_in_trouble_and_why(
    house: House, plugin: str, fault: Fault
) -> None:
    instance, said = INSTANCES[plugin], HEALTH_WORDS[plugin].get(fault)
    async with house.under(plugin, fault) as name:
        await house.host.monitor.check_now(instance)
        health = {one["instance"]: one for one in await house.mara.json("/health")}
        troubled = {id for id, one in health.items() if one["severity"] not in ("ok", "notice")} - {instance}
        # those that use the downloader say so when it fails them
        assert troubled <= ({"radarr", "sonarr"} if plugin == "qbittorrent" else set())
        assert all("Unable to communicate with qb" in health[id]["message"] for id in troubled)
        dashboard, services = await house.mara.read("/admin"), await house.mara.read("/admin/services")
        if said is None:
            assert health[instance]["severity"] in ("ok", "notice")
            assert "Everything works." in dashboard
            assert "All services run." in services
            return
        warning = health[instance]["severity"] == "warning"
        assert said in health[instance]["message"]
        assert said in await house.mara.read(f"/admin/services/{instance}")
        assert f"“{name}” reports a problem" in dashboard if warning else f"“{name}” does not work" in dashboard
        assert said in dashboard
        needs = ("One thing needs", "Two things need", "Three things need")[len(troubled)]
        assert f"{needs} you. The rest works." in dashboard
        if not warning:
            assert said in services
            assert f"{1 + len(troubled)} service" in services
            assert re.search(rf"{name} .*?(Down|Needs you|Trying again)", services)
    await house.restored(instance)
    assert "Everything works." in await house.mara.read("/admin")


@every_fault
@pytest.mark.parametrize("plugin", PANELS)
async def test_a_panel_that_cannot_be_filled_is_a_card_and_no_broken_page(
    house: House, plugin: str, fault: Fault
) -> None:
    async with house.under(plugin, fault) as name:
        card = await house.mara.read(f"/admin/panels/{INSTANCES[plugin]}/{PANELS[plugin]}")
        answered = fault is Fault.SLOW or (fault is Fault.EMPTY and plugin != "docker_health")
        assert ("This panel did not answer" in card) is not answered
        assert (f"“{name}” could not fill it. The rest of the page is fine." in card) is not answered
        containers = await house.mara.json("/containers")
        down = plugin == "docker_health" and fault is not Fault.SLOW
        assert [c["outcome"] == "ok" for c in containers] == [not down]
        assert bool(containers[0]["error"]) is down


@every_fault
@pytest.mark.parametrize("plugin", ["plex", "radarr", "qbittorrent"])
async def test_the_storage_card_says_who_did_not_tell(house: House, plugin: str, fault: Fault) -> None:
    async with house.under(plugin, fault) as name:
        card = await house.mara.read("/admin/parts/storage")
        tells = plugin != "plex"
        silent = tells and (fault in SILENT or (fault is Fault.EMPTY and plugin == "qbittorrent"))
        assert (f"“{name}” did not answer." in card) is silent
        assert "free" in card  # what the others say


# -- connection tests -------------------------------------------------------------------------------------------------

OTHER_PRODUCT = {
    "plex": "answers, but not as a Plex Media Server does",
    "radarr": "not Radarr",
    "sonarr": "not Sonarr",
    "qbittorrent": "it is not qBittorrent",
    "docker_health": "is not a Docker Engine",
    "email": "does not answer like a mail server",
}


def result_of(plugin: str, fault: Fault) -> str | None:
    """What a connection test under a fault says; None when it passes."""
    if fault is Fault.HANG:
        return "The service did not answer in 1 s."
    if plugin == "email":
        return {
            Fault.UNAUTHORIZED: "refused the user name or password",
            Fault.GARBAGE: OTHER_PRODUCT[plugin],
            Fault.GONE: "the connection ended in the middle of an answer",
        }.get(fault)
    if fault in (Fault.GARBAGE, Fault.EMPTY):
        return OTHER_PRODUCT[plugin]
    return HEALTH_WORDS[plugin].get(fault)


async def tried(house: House, plugin: str, **changes: Any) -> dict[str, Any]:
    stored = (await house.mara.json(f"/services/{INSTANCES[plugin]}"))["settings"]
    # for another address its secrets are typed again
    typed = (await house.host.instances.get(INSTANCES[plugin])).settings if changes else {}
    body = {"plugin": plugin, "settings": {**stored, **typed, **changes}, "instance": INSTANCES[plugin]}
    answer = await house.mara.post("/services/test", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@every_fault
@pytest.mark.parametrize("plugin", PLUGINS)
async def test_a_connection_test_says_what_is_wrong(
    house: House, plugin: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault is Fault.HANG:
        monkeypatch.setattr(supervisor, "TEST_SECONDS", 1.0)
    async with house.under(plugin, fault):
        result = await tried(house, plugin)
        said = result_of(plugin, fault)
        assert result["ok"] is (said is None)
        assert (said or "Connected to") in result["message"]


ADDRESS = {"plex": "url", "radarr": "url", "sonarr": "url", "qbittorrent": "url", "docker_health": "address"}


def at(plugin: str, scheme: str, place: str) -> dict[str, Any]:
    """The settings of an instance that looks for its service somewhere else."""
    if plugin == "email":
        host, _, port = place.rpartition(":")
        return {"host": host, "port": int(port), "security": "tls" if scheme == "https" else "none"}
    return {ADDRESS[plugin]: f"{'tcp' if plugin == 'docker_health' else scheme}://{place}"}


@pytest.mark.parametrize("plugin", PLUGINS)
async def test_a_wrong_address_is_told_by_what_answers_there(house: House, plugin: str) -> None:
    async def says(scheme: str, place: str) -> str:
        result = await tried(house, plugin, **at(plugin, scheme, place))
        assert not result["ok"]
        return str(result["message"])

    assert "no such host. Check the name." in await says("http", "nobody.invalid:1234")
    assert "nothing answers there. Check the port" in await says("http", f"127.0.0.1:{free_port()}")
    own = house.running[plugin].service.url.removeprefix("http://")
    if plugin == "email":
        assert "TLS" in await says("https", f"127.0.0.1:{house.simulator('email').port}")
        return
    if plugin != "docker_health":  # which speaks plain TCP only
        assert "TLS" in await says("https", own)
    elsewhere = house.running["email"].service.url.removeprefix("http://")  # a web server, and nothing else
    assert OTHER_PRODUCT[plugin] in await says("http", elsewhere)


async def test_a_key_of_another_product_is_no_way_in(house: House) -> None:
    radarr, sonarr = (house.running[name].simulator.settings(house.running[name].service.url) for name in FINDERS)
    assert "Sonarr answers there, not Radarr." in (await tried(house, "radarr", **sonarr))["message"]
    assert "Radarr answers there, not Sonarr." in (await tried(house, "sonarr", **radarr))["message"]


async def test_a_service_that_is_too_old_is_told_so(house: House) -> None:
    for plugin in FINDERS:
        simulator = house.simulator(plugin)
        version, simulator.version = simulator.version, "2.0.0.5344"
        try:
            result = await tried(house, plugin)
        finally:
            simulator.version = version
        assert not result["ok"]
        assert "too old" in result["message"]


# -- mails ------------------------------------------------------------------------------------------------------------


@every_fault
async def test_news_waits_for_the_mail_server_and_arrives_once(house: House, fault: Fault) -> None:
    mails = house.simulator("email").messages
    before = len(mails())
    async with house.under("email", fault):
        made = (await house.jonas.post("/requests", {"kind": "movie", "ref": "tmdb-992"})).json()
        await house.settle()  # Mara is told
        told, arrived = await told_of(house, made["id"]), len(mails()) - before
        if fault is Fault.SLOW:
            assert (told["state"], arrived) == ("delivered", 1)
        elif fault is Fault.EMPTY:  # the mail server says for good that there is no such mailbox
            assert (told["state"], arrived) == ("refused", 0)
            assert "No such mailbox" in told["detail"]
        else:
            assert (told["state"], arrived) == ("queued", 0)
        assert "Sherlock" in await house.jonas.read(f"/requests/{made['id']}")
    if fault is Fault.EMPTY:
        given_up = await house.mara.json("/jobs/dead")
        assert (await house.mara.post(f"/jobs/{given_up[-1]['id']}/revive")).status_code == 204
    for _ in range(2):
        house.clock.forward(minutes=11)
        await house.settle()
    assert (await told_of(house, made["id"]))["state"] == "delivered"
    assert [str(mail["Subject"]) for mail in mails()[before:]] == ["Jonas asks for Sherlock Jr. (1924)"]
    assert (await house.jonas.post(f"/requests/{made['id']}/cancel")).status_code == 200
    await house.settle()


async def told_of(house: House, request: int) -> dict[str, Any]:
    """The delivery of the news of a request."""
    [one] = [d for d in await house.mara.json("/deliveries") if f"news:{request}:" in d["notification_id"]]
    return dict(one)
