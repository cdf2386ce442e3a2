"""Sharing: what is wanted gets done, what changes there is seen, and no fault there changes anything here."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from vaderflix_core.access.sharing import TRIES
from vaderflix_core.failures import Conflict, Invalid, Missing, SourceFailed
from vaderflix_core.testing import Fault

from .conftest import FILMS, SERIES, Clock, kept, link, look

pytestmark = pytest.mark.anyio


async def test_an_invitation_waits_is_accepted_and_is_seen_at_each_step(host, mara, edith, world):
    simulator, _ = world
    await host.access.change_user(edith.id, email="stranger@example.org")
    await host.sharing.invite(mara, edith.id, "plex", [SERIES])
    assert (await kept(host, edith)).state == "pending"
    assert simulator.plextv.grant_of("stranger").sections == (int(SERIES),)
    simulator.plextv.accept("stranger")
    await look(host)
    found = await kept(host, edith)
    assert (found.state, found.libraries, found.subject) == ("accepted", (SERIES,), "4000004")


async def test_what_an_invitation_promised_is_shared_once_the_source_can_be_asked(host, edith, world):
    simulator, _ = world
    await link(host, edith, "4000004")
    await host.db.write(lambda conn: host.sharing.want(conn, edith, "plex", [FILMS]))
    simulator.faults.set(Fault.SERVER_ERROR, path="/plex.tv")
    await look(host)
    assert (await kept(host, edith)).state == "wanted"
    simulator.faults.clear()
    await host.sharing.restore(next(iter(await host.access.list_users())), edith.id, "plex")
    assert (await kept(host, edith)).state == "pending"


async def test_an_invitation_never_takes_away_what_was_shared(host, mara, edith, world):
    simulator, _ = world
    await link(host, edith, "4000002")
    await host.sharing.invite(mara, edith.id, "plex", [SERIES])
    assert set(simulator.plextv.grant_of("friend").sections) == {int(FILMS), int(SERIES)}


async def test_a_person_of_whom_nothing_is_known_there_is_told_as_such(host, mara, edith):
    await host.sharing.invite(mara, edith.id, "plex", [FILMS])
    found = await kept(host, edith)
    assert found.state == "wanted"
    assert "needed" in found.detail


async def tried(host: Any, user: Any, clock: Clock) -> list[tuple[int, timedelta]]:
    """Looks when the next try is due, until there is none; gives each try and the wait after it."""
    found = []
    while (one := await kept(host, user)).state == "wanted" and len(found) < 50:
        clock.now = max(clock.now, one.retry_at or clock.now)
        await look(host)
        after = await kept(host, user)
        assert after.tries == one.tries + 1
        found.append((after.tries, (after.retry_at or clock.now) - clock.now))
        await look(host)  # before it is due: nothing is tried
        assert (await kept(host, user)).tries == after.tries
    return found


async def test_a_share_that_cannot_be_had_is_tried_ever_less_often_then_given_up_and_shown(
    host, visit, mara, edith, clock
):
    await host.db.write(lambda conn: host.sharing.want(conn, edith, "plex", [FILMS]))
    waits = [wait for _try, wait in await tried(host, edith, clock)]
    assert len(waits) == TRIES
    for number, wait in enumerate(waits[:-1]):
        usual = min(timedelta(minutes=1) * 2**number, timedelta(hours=6))
        assert usual * 0.8 <= wait <= usual * 1.2
    assert len({wait / min(timedelta(minutes=1) * 2**n, timedelta(hours=6)) for n, wait in enumerate(waits[:-1])}) > 1
    assert (await kept(host, edith)).state == "given_up"
    assert "share.given_up" in [entry.action for entry in await host.activity.find()]
    clock.now += timedelta(days=9)
    await look(host)
    assert (await kept(host, edith)).tries == TRIES
    admin = await visit("mara")
    assert "1 share was given up" in (await admin.get("/admin")).text
    page = (await admin.get("/admin/sharing/sources")).text
    assert "Given up" in page
    assert f"/admin/sharing/plex/of/{edith.id}/restore" in page
    await host.access.change_user(edith.id, email="stranger@example.org")
    await admin.post(f"/admin/sharing/plex/of/{edith.id}/restore")
    assert ((await kept(host, edith)).state, (await kept(host, edith)).tries) == ("pending", 0)


async def test_a_given_up_share_goes_on_when_its_person_has_linked_the_account(host, edith, clock):
    await host.db.write(lambda conn: host.sharing.want(conn, edith, "plex", [FILMS]))
    await tried(host, edith, clock)
    await link(host, edith, "4000004")
    await look(host)
    assert (await kept(host, edith)).state == "pending"


async def test_the_page_says_when_a_wanted_share_is_tried_next_and_can_try_it_now(host, visit, mara, edith, world):
    simulator, _ = world
    await link(host, edith, "4000004")
    simulator.faults.set(Fault.SERVER_ERROR, path="/shared_servers")
    await host.sharing.invite(mara, edith.id, "plex", [FILMS])
    admin = await visit("mara")
    page = (await admin.get("/admin/sharing/sources")).text
    assert "Tried again at" in page
    assert "Try now" in page


async def test_an_older_share_is_followed_once_its_person_has_linked_the_account(host, edith):
    await link(host, edith, "4000002")
    await look(host)
    assert (await kept(host, edith)).state == "accepted"


async def test_an_end_there_is_seen_at_the_second_look_and_ends_the_sessions_that_it_gave(host, edith, world):
    simulator, _ = world
    await link(host, edith, "4000002")
    await look(host)
    for method in ("plex", "password"):
        await host.sessions.start(edith, method=method, user_agent="", ip="")
    simulator.plextv.revoke("friend")
    await look(host)
    assert (await kept(host, edith)).state == "accepted"
    await look(host)
    assert (await kept(host, edith)).state == "removed"
    assert [one.method for one in await host.sessions.devices(edith)] == ["password"]


@pytest.mark.parametrize("fault", [f for f in Fault if f not in (Fault.SLOW, Fault.HANG)])
async def test_no_fault_there_ends_anything_here(host, edith, world, fault):
    simulator, _ = world
    await link(host, edith, "4000002")
    await look(host)
    for path in ("/plex.tv", "/api/users", "/accepted", "/pending"):
        simulator.faults.set(fault, path=path)
        for _time in range(3):
            host.guard.reset("plex/Sharing")
            await look(host)
        simulator.faults.clear()
        assert (await kept(host, edith)).state == "accepted"
    assert len(simulator.plextv.grants) == 2


async def test_many_ends_at_once_are_a_question(host, mara, edith, world):
    simulator, _ = world
    await link(host, edith, "4000002")
    await link(host, mara, "4000003")
    await look(host)
    simulator.plextv.revoke("friend")
    simulator.plextv.revoke("pending")
    for _time in range(3):
        await look(host)
    assert [(await kept(host, user)).state for user in (edith, mara)] == ["accepted", "pending"]
    (source,) = await host.sharing.overview()
    assert source.gone == 2
    assert await host.share_watch.confirm(mara, "plex") == 2
    assert (await kept(host, edith)).state == "removed"


async def test_a_share_is_suspended_and_restored_as_it_was(host, mara, edith, world):
    simulator, _ = world
    await link(host, edith, "4000002")
    await look(host)
    await host.sharing.suspend(mara, edith.id, "plex")
    assert simulator.plextv.grant_of("friend") is None
    for _time in range(3):
        await look(host)
    assert ((await kept(host, edith)).state, (await kept(host, edith)).libraries) == ("suspended", (FILMS,))
    with pytest.raises(Conflict):
        await host.sharing.suspend(mara, edith.id, "plex")
    await host.sharing.restore(mara, edith.id, "plex")
    assert simulator.plextv.grant_of("friend").sections == (int(FILMS),)
    assert (await kept(host, edith)).state == "pending"


async def test_a_suspension_that_fails_leaves_the_share_as_it_was(host, mara, edith, world):
    simulator, _ = world
    await link(host, edith, "4000002")
    await look(host)
    simulator.faults.set(Fault.SERVER_ERROR, path="/shared_servers/501")
    with pytest.raises(SourceFailed):
        await host.sharing.suspend(mara, edith.id, "plex")
    assert (await kept(host, edith)).state == "accepted"


async def test_a_share_is_changed_and_removed_and_never_emptied(host, mara, edith, world):
    simulator, _ = world
    await link(host, edith, "4000002")
    await look(host)
    with pytest.raises(Invalid):
        await host.sharing.change(mara, "plex", "501", [])
    await host.sharing.change(mara, "plex", "501", [SERIES])
    assert (await kept(host, edith)).libraries == (SERIES,)
    await host.sharing.remove(mara, "plex", "501")
    assert simulator.plextv.grant_of("friend") is None
    assert await kept(host, edith) is None
    with pytest.raises(Missing):
        await host.sharing.remove(mara, "plex", "501")


async def test_every_deed_is_in_the_log(host, mara, edith):
    await link(host, edith, "4000002")
    await look(host)
    await host.sharing.change(mara, "plex", "501", [SERIES])
    await host.sharing.suspend(mara, edith.id, "plex")
    await host.sharing.restore(mara, edith.id, "plex")
    actions = [entry.action for entry in await host.activity.find()]
    assert {"share.changed", "share.suspended", "share.restored"} <= set(actions)


async def test_the_pages_show_and_do_it(host, visit, edith, world):
    simulator, _ = world
    await link(host, edith, "4000002")
    await look(host)
    mara = await visit("mara")
    page = (await mara.get("/admin/sharing/sources")).text
    assert "Fred" not in page
    assert "friend" in page
    assert "Films" in page
    assert "no account here" in page
    await mara.post("/admin/sharing/plex/501/change", {"library": [FILMS, SERIES]})
    assert set(simulator.plextv.grant(501).sections) == {int(FILMS), int(SERIES)}
    await mara.post(f"/admin/sharing/plex/of/{edith.id}/suspend")
    for path in ("/admin/sharing/sources", "/admin/people", f"/admin/people/{edith.id}"):
        assert "Suspended" in (await mara.get(path)).text
    await mara.post(f"/admin/sharing/plex/of/{edith.id}/restore")
    assert simulator.plextv.grant_of("friend").pending
    assert 'name="library" value="plex/7000001"' in (await mara.get("/admin/sharing/choices")).text
    simulator.faults.set(Fault.SERVER_ERROR, path="/plex.tv")
    shown = await mara.get("/admin/sharing/sources")
    assert shown.status_code == 200
    assert "It cannot be asked now" in shown.text
    other = await visit("edith")
    for path in ("/admin/sharing", "/admin/sharing/sources", "/admin/ways"):
        assert (await other.get(path)).status_code == 403


async def test_a_refused_provider_asks_for_its_secret_again_and_keeps_the_rest(host, visit, mara, issuer):
    await host.providers.save(mara, name="Club", issuer=issuer, client_id="vf", client_secret="hush")
    browser = await visit("mara")
    form = {"name": "Club", "client_id": "", "client_secret": "other", "scopes": "email"}
    page = (await browser.post("/admin/ways/club", {**form, "enabled": ""})).text
    assert "Enter it once more" in page
    assert "other" not in re.findall('value="([^"]*)"', page)
    assert re.search('name="enabled" value="yes">', page)
    assert re.search(
        'name="enabled" value="yes" checked>', (await browser.post("/admin/ways/club", form | {"enabled": "yes"})).text
    )
    assert "Enter it once more" not in (await browser.post("/admin/ways/club", form | {"client_secret": ""})).text


async def test_providers_are_set_up_in_the_pages(host, visit, issuer):
    mara = await visit("mara")
    assert (await mara.get("/admin/ways/new")).status_code == 200
    tested = await mara.post("/admin/ways/test", {"issuer": issuer})
    assert "It answers" in tested.text
    assert "could not be reached" in (await mara.post("/admin/ways/test", {"issuer": "http://127.0.0.1:9"})).text
    form = {"name": "Club", "issuer": issuer, "client_id": "vaderflix", "client_secret": "hush", "scopes": "email"}
    assert (await mara.post("/admin/ways/new", {**form, "client_id": ""})).status_code == 422
    assert (await mara.post("/admin/ways/new", form)).status_code == 303
    page = (await mara.get("/admin/ways/club")).text
    assert "hush" not in page
    assert "http://vaderflix.test/signin/back/oidc.club" in page
    saved = await mara.post("/admin/ways/club", {**form, "client_secret": "", "enabled": ""})
    assert saved.status_code == 303
    provider = await host.providers.get("club")
    assert (provider.enabled, provider.client_secret.reveal()) == (False, "hush")
    assert "Club" in (await mara.get("/admin/ways")).text
    welcome = {"way": "plex", "welcome": "yes", "role": "requester"}
    await mara.post("/admin/ways/newcomers", welcome)
    assert (await host.providers.newcomers())["plex:plex"].role == "requester"
    await mara.post("/admin/ways/club/remove")
    assert await host.providers.all() == []
