"""An account that goes takes its shares along: at once, later, or not at all if so chosen, and never by mistake."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vaderflix_core.access.share_ends import ATTEMPTS, END, NOT_SEEN
from vaderflix_core.access.share_watch import ShareWatch
from vaderflix_core.failures import Missing
from vaderflix_core.store import identities as identity_store
from vaderflix_core.store import jobs as job_store
from vaderflix_core.testing import Fault

from ..visitor import PASSWORD

pytestmark = pytest.mark.anyio


@pytest.fixture
async def friend(host: Any, edith: Any) -> Any:
    """Edith, with whom the source shares as `friend`."""
    await host.db.write(
        lambda conn: identity_store.link(conn, edith.id, "plex:plex", "4000002", "friend", host.clock())
    )
    await ShareWatch.look(host.share_watch)
    return edith


@pytest.fixture
async def by_hand(host: Any) -> None:
    """No job runs but those that a test runs."""
    await host.jobs.stop()


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.02)


async def done(host: Any) -> bool:
    return await host.share_ends.waiting() == []


async def tried(host: Any) -> bool:
    return all(one.detail for one in await host.share_ends.waiting())


async def actions(host: Any) -> list[str]:
    return [entry.action for entry in await host.activity.find()]


async def attempt(host: Any) -> None:
    """Have the one end tried now, by the schedule and not by an admin."""
    (one,) = await host.share_ends.waiting()
    await host.db.write(lambda conn: job_store.hurry(conn, END, host.clock()))
    await host.runner.run(one.id)


async def test_removing_an_account_says_that_it_ends_what_is_shared_and_does(host, visit, friend, world):
    simulator, _ = world
    mara = await visit("mara")
    page = (await mara.get(f"/admin/people/{friend.id}")).text
    assert "End what is shared with them" in page
    assert "Plex, as friend" in page
    await mara.post(f"/admin/people/{friend.id}/remove", {"requests": "cancel", "shares": ["keep", "end"]})
    await until(lambda: done(host))
    assert simulator.plextv.grant_of("friend") is None
    assert simulator.plextv.grant_of("pending") is not None
    (removed,) = [entry for entry in await host.activity.find() if entry.action == "user.removed"]
    assert removed.after["shares"] == "end"
    assert "share.removed" in await actions(host)
    assert "Being ended" not in (await mara.get("/admin/sharing")).text


async def test_nothing_is_offered_to_be_ended_where_nothing_is_shared(visit, edith):
    mara = await visit("mara")
    assert "End what is shared" not in (await mara.get(f"/admin/people/{edith.id}")).text


async def test_a_share_that_the_admin_keeps_is_shown_as_one_without_an_account(host, visit, friend, world):
    simulator, _ = world
    mara = await visit("mara")
    await mara.post(f"/admin/people/{friend.id}/remove", {"requests": "cancel", "shares": "keep"})
    assert await done(host)
    assert simulator.plextv.grant_of("friend") is not None
    (source,) = await host.sharing.overview()
    (row,) = [row for row in source.rows if row.name == "friend"]
    assert (row.user, row.state) == (None, "accepted")
    assert "no account here" in (await mara.get("/admin/sharing/sources")).text


async def test_deleting_ones_own_account_says_that_the_share_ends_and_ends_it(host, visit, friend, world):
    simulator, _ = world
    edith = await visit("edith")
    page = (await edith.get("/you/data")).text
    assert "What is shared with you ends: Plex, as friend" in page
    await edith.post("/you/data/delete", {"username": "edith", "password": PASSWORD, "requests": "cancel"})
    await until(lambda: done(host))
    assert simulator.plextv.grant_of("friend") is None


async def test_a_source_that_is_down_loses_no_end_and_the_page_shows_it_with_a_button(host, mara, visit, friend, world):
    simulator, _ = world
    simulator.faults.set(Fault.SERVER_ERROR, path="/plex.tv")
    await host.people.remove(mara, friend.id)
    host.jobs.wake()
    await until(lambda: tried(host))
    assert simulator.plextv.grant_of("friend") is not None
    admin = await visit("mara")
    page = (await admin.get("/admin/sharing")).text
    assert "Being ended" in page
    assert "friend" in page
    assert "Tried again at" in page
    (one,) = await host.share_ends.waiting()
    simulator.faults.clear()
    await admin.post(f"/admin/share-ends/{one.id}/retry")
    await until(lambda: done(host))
    assert simulator.plextv.grant_of("friend") is None


async def test_an_end_has_a_budget_and_what_is_given_up_can_go_on_or_be_left(host, mara, visit, friend, world, by_hand):
    simulator, _ = world
    simulator.faults.set(Fault.SERVER_ERROR, path="/plex.tv")
    await host.people.remove(mara, friend.id)
    for _attempt in range(ATTEMPTS):
        await attempt(host)
    (one,) = await host.share_ends.waiting()
    assert one.retry_at is None
    assert "share.end_given_up" in await actions(host)
    admin = await visit("mara")
    assert "1 share of a removed account could not be ended" in (await admin.get("/admin")).text
    assert "Given up" in (await admin.get("/admin/sharing")).text
    await admin.post(f"/admin/share-ends/{one.id}/retry")
    await attempt(host)
    (one,) = await host.share_ends.waiting()
    assert one.retry_at is not None, "it has another budget"
    await admin.post(f"/admin/share-ends/{one.id}/leave")
    assert await done(host)
    assert simulator.plextv.grant_of("friend") is not None
    with pytest.raises(Missing):
        await host.share_ends.try_now(mara, one.id)


async def test_one_list_without_the_share_ends_nothing_and_is_looked_at_again(host, mara, friend, world, by_hand):
    simulator, _ = world
    grant = simulator.plextv.grant_of("friend")
    simulator.plextv.grants.remove(grant)
    await host.people.remove(mara, friend.id)
    await attempt(host)
    (one,) = await host.share_ends.waiting()
    assert one.detail == NOT_SEEN
    simulator.plextv.grants.append(grant)  # it was a list that lied
    await attempt(host)
    assert simulator.plextv.grant_of("friend") is None
    assert await done(host)


async def test_two_whole_lists_without_the_share_are_believed_and_noted(host, mara, friend, world, by_hand):
    simulator, _ = world
    simulator.plextv.revoke("friend")
    await host.people.remove(mara, friend.id)
    for _time in range(2):
        await attempt(host)
    assert await done(host)
    assert "share.end_not_needed" in await actions(host)
    assert simulator.plextv.grant_of("pending") is not None


async def test_a_share_that_is_a_newer_account_s_by_then_is_left_alone(host, mara, friend, world, by_hand):
    simulator, _ = world
    simulator.faults.set(Fault.SERVER_ERROR, path="/plex.tv")
    await host.people.remove(mara, friend.id)
    await attempt(host)
    simulator.faults.clear()
    host.guard.reset("plex/Sharing")
    again = await host.access.create_user("edith2", PASSWORD, role="viewer")
    await host.db.write(
        lambda conn: identity_store.link(conn, again.id, "plex:plex", "4000002", "friend", host.clock())
    )
    await ShareWatch.look(host.share_watch)
    await attempt(host)
    assert await done(host)
    assert "share.end_taken_over" in await actions(host)
    assert simulator.plextv.grant_of("friend") is not None


async def test_a_service_that_is_back_is_asked_at_once(host, mara, friend, world):
    simulator, url = world
    await host.instances.save(id="plex", plugin="plex", name="Plex", enabled=False, settings=simulator.settings(url))
    await host.people.remove(mara, friend.id)
    host.jobs.wake()
    await until(lambda: tried(host))
    (one,) = await host.share_ends.waiting()
    assert "does not run" in one.detail
    await host.instances.save(id="plex", plugin="plex", name="Plex", enabled=True, settings=simulator.settings(url))
    await until(lambda: done(host))
    assert simulator.plextv.grant_of("friend") is None
