"""Sharing when things come at once, or a source says half of it: nothing is taken away, lost or said falsely."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from vaderflix_core.failures import SourceFailed
from vaderflix_core.testing import Fault

from .conftest import FILMS, SERIES, kept, link, look

pytestmark = pytest.mark.anyio
LINKED = "4000002"  # the friend, with whom the films are shared


@pytest.fixture
async def friend(host: Any, edith: Any) -> Any:
    """Edith, whose share is known."""
    await link(host, edith, LINKED)
    await look(host)
    assert (await kept(host, edith)).state == "accepted"
    return edith


def before(host: Any, monkeypatch: pytest.MonkeyPatch, method: str, deed: Any) -> None:
    """Do `deed` once, when `method` of the source has been called and before its answer is read."""
    real, waiting = host.sharing._apart.call, [deed]

    async def call(binding: Any, called: str, *args: Any, **options: Any) -> Any:
        answer = await real(binding, called, *args, **options)
        if called == method and waiting:
            await waiting.pop()()
        return answer

    monkeypatch.setattr(host.sharing._apart, "call", call)


async def test_an_invitation_adds_however_the_address_is_spelt(host, mara, edith, world):
    simulator, _ = world
    await host.access.change_user(edith.id, email="FRIEND@Example.org")
    await host.sharing.invite(mara, edith.id, "plex", [SERIES])
    assert set(simulator.plextv.grant_of("friend").sections) == {int(FILMS), int(SERIES)}
    assert set((await kept(host, edith)).libraries) == {FILMS, SERIES}


async def test_what_is_wanted_beside_a_share_is_wanted_until_it_is_there(host, mara, friend, world, clock):
    simulator, _ = world
    simulator.faults.set(Fault.SERVER_ERROR, path="/shared_servers/501")
    await host.sharing.invite(mara, friend.id, "plex", [SERIES])
    await look(host)
    assert ((await kept(host, friend)).state, SERIES in (await kept(host, friend)).libraries) == ("wanted", True)
    simulator.faults.clear()
    clock.now += timedelta(hours=1)
    await look(host)
    assert (await kept(host, friend)).state == "accepted"
    assert set(simulator.plextv.grant_of("friend").sections) == {int(FILMS), int(SERIES)}


async def test_a_share_that_is_known_stays_known_without_an_address_and_a_link(host, mara, edith, world):
    simulator, _ = world
    await host.access.change_user(edith.id, email="friend@example.org")
    await host.sharing.invite(mara, edith.id, "plex", [FILMS])
    await host.people.change(mara, edith.id, email="")
    await host.sharing.invite(mara, edith.id, "plex", [SERIES])
    assert (await kept(host, edith)).state == "accepted"
    assert set(simulator.plextv.grant_of("friend").sections) == {int(FILMS), int(SERIES)}


async def test_a_list_that_is_short_of_libraries_refuses_nothing(host, mara, edith, world, clock):
    simulator, _ = world
    await link(host, edith, "4000004")
    simulator.plextv.sections_cut = 1
    await host.sharing.invite(mara, edith.id, "plex", [FILMS, SERIES])
    found = await kept(host, edith)
    assert found.state == "wanted"
    assert "does not list all libraries now: Series" in found.detail
    simulator.plextv.sections_cut = 0
    clock.now += timedelta(hours=1)
    await look(host)
    assert ((await kept(host, edith)).state, (await kept(host, edith)).libraries) == ("pending", (FILMS, SERIES))


async def test_one_who_takes_no_invitation_holds_nobody_else_up(host, mara, edith, world):
    simulator, _ = world
    simulator.plextv.closed.add("stranger")
    await link(host, edith, "4000004")
    await host.sharing.invite(mara, edith.id, "plex", [FILMS])
    found = await kept(host, edith)
    assert found.state == "refused"
    assert "does not accept invitations" in found.detail
    await link(host, mara, LINKED)
    await look(host)
    assert (await kept(host, mara)).state == "accepted"


async def test_a_look_in_the_middle_of_a_suspension_does_not_undo_it(host, mara, friend, world, monkeypatch):
    real = host.sharing._apart.call

    async def call(binding: Any, method: str, *args: Any, **options: Any) -> Any:
        if method == "remove":
            await look(host)
        return await real(binding, method, *args, **options)

    monkeypatch.setattr(host.sharing._apart, "call", call)
    await host.sharing.suspend(mara, friend.id, "plex")
    for _time in range(3):
        assert (await kept(host, friend)).state == "suspended"
        await look(host)


async def test_a_look_under_way_does_not_bring_back_what_is_removed_meanwhile(host, mara, friend, monkeypatch):
    before(host, monkeypatch, "people", lambda: host.sharing.remove(mara, "plex", "501"))
    for _time in range(3):
        await look(host)
        assert await kept(host, friend) is None


@pytest.mark.parametrize("away", [False, True])
async def test_what_an_admin_drops_while_it_is_tried_is_not_wanted_again(host, mara, edith, world, monkeypatch, away):
    simulator, _ = world
    await host.access.change_user(edith.id, email="nobody@example.org")
    await host.db.write(lambda conn: host.sharing.want(conn, edith, "plex", [FILMS]))
    if away:
        simulator.faults.set(Fault.SERVER_ERROR, path="/api/users")
    before(host, monkeypatch, "people" if away else "invite", lambda: host.sharing.forget(mara, edith.id, "plex"))
    await look(host)
    assert await kept(host, edith) is None


async def test_what_is_wanted_while_something_else_is_tried_is_not_forgotten(host, edith, world, monkeypatch):
    simulator, _ = world
    await host.access.change_user(edith.id, email="stranger@example.org")
    want = host.sharing.want
    await host.db.write(lambda conn: want(conn, edith, "plex", [FILMS]))
    before(host, monkeypatch, "invite", lambda: host.db.write(lambda conn: want(conn, edith, "plex", [SERIES])))
    for _time in range(2):
        await look(host)
    assert set(simulator.plextv.grant_of("stranger").sections) == {int(FILMS), int(SERIES)}


async def test_an_invitation_for_an_account_that_goes_meanwhile_is_ended(host, mara, edith, world, monkeypatch):
    simulator, _ = world
    await host.access.change_user(edith.id, email="stranger@example.org")
    before(host, monkeypatch, "invite", lambda: host.people.remove(mara, edith.id))
    await host.db.write(lambda conn: host.sharing.want(conn, edith, "plex", [FILMS]))
    await look(host)
    assert simulator.plextv.grant_of("stranger") is not None
    (waiting,) = await host.share_ends.waiting()
    assert waiting.person == "stranger"


@pytest.mark.parametrize("end", ["suspend", "remove"])
async def test_an_end_whose_answer_is_lost_is_done(host, mara, friend, world, end):
    simulator, _ = world
    # the share is ended, and the answer breaks off
    simulator.faults.set(Fault.HALF, path="/shared_servers/501", method="DELETE")
    if end == "suspend":
        await host.sharing.suspend(mara, friend.id, "plex")
        assert (await kept(host, friend)).state == "suspended"
    else:
        await host.sharing.remove(mara, "plex", "501")
        assert await kept(host, friend) is None
    assert simulator.plextv.grant_of("friend") is None


async def test_an_end_of_which_nobody_can_tell_is_said_to_be_so_and_seen_later(host, mara, friend, world, monkeypatch):
    simulator, _ = world
    real = host.sharing._apart.call

    async def call(binding: Any, method: str, *args: Any, **options: Any) -> Any:
        if method == "remove":
            simulator.plextv.revoke("friend")
            simulator.faults.set(Fault.SERVER_ERROR, path="/plex.tv")
        return await real(binding, method, *args, **options)

    monkeypatch.setattr(host.sharing._apart, "call", call)
    with pytest.raises(SourceFailed, match="does not say whether"):
        await host.sharing.suspend(mara, friend.id, "plex")
    assert ("share.suspended", "not known") in [
        (entry.action, entry.after.get("outcome")) for entry in await host.activity.find()
    ]
    simulator.faults.clear()
    host.guard.reset("plex/Sharing")
    for _time in range(3):
        await look(host)
        assert (await kept(host, friend)).state == "suspended"


async def test_a_declined_invitation_is_said_to_be_one(host, mara, edith, world):
    simulator, _ = world
    await link(host, edith, "4000004")
    await host.sharing.invite(mara, edith.id, "plex", [FILMS])
    simulator.plextv.revoke("stranger")
    for _time in range(2):
        await look(host)
    assert ((await kept(host, edith)).state, (await kept(host, edith)).detail) == (
        "removed", "The invitation was declined or taken back at Plex.",
    )  # fmt: skip


async def test_a_change_keeps_libraries_before_and_after_in_the_log(host, mara, friend):
    await host.sharing.change(mara, "plex", "501", [SERIES])
    await host.sharing.remove(mara, "plex", "501")
    removed, changed = (await host.activity.find())[:2]
    assert (changed.before["libraries"], changed.after["libraries"]) == (FILMS, SERIES)
    assert removed.before["libraries"] == SERIES


async def test_a_library_that_the_list_leaves_out_is_in_the_form(host, mara, visit, friend, monkeypatch):
    await host.sharing.change(mara, "plex", "501", [FILMS, SERIES])
    real = host.sharing._apart.call

    async def call(binding: Any, method: str, *args: Any, **options: Any) -> Any:
        answer = await real(binding, method, *args, **options)
        return structs.replace(answer, value=answer.value[:1]) if method == "libraries" else answer

    monkeypatch.setattr(host.sharing._apart, "call", call)
    admin = await visit("mara")
    page = (await admin.get("/admin/sharing/sources")).text
    assert f'value="{SERIES}" checked' in page
