"""Looking after accounts: nobody gives or takes what they lack, the last admin stays, and what remains of who left."""

from __future__ import annotations

import asyncio

import pytest

from vaderflix_core.access.activity import ActivityFilter
from vaderflix_core.access.models import Permission as P
from vaderflix_core.access.people import stamp
from vaderflix_core.access.service import Access
from vaderflix_core.api.models import ExternalIds, MediaKind, Quality
from vaderflix_core.failures import Conflict, Invalid, Missing, NotAllowed
from vaderflix_core.requests.models import RequestState
from vaderflix_core.store import meta
from vaderflix_core.store import requests as request_store

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery"


def ask(house, user, tmdb, state=RequestState.PENDING):
    def work(conn):
        request_id = request_store.add(
            conn,
            user_id=user.id,
            kind=MediaKind.MOVIE,
            ids=ExternalIds(tmdb=tmdb),
            title=f"Film {tmdb}",
            year=1927,
            poster=None,
            seasons=(),
            quality=Quality.STANDARD,
            now=house.clock(),
        )
        request_store.log(conn, request_id, at=house.clock(), type="asked", state=state, actor=user.display_name)
        request_store.change(conn, request_id, RequestState.PENDING, state=state)
        return request_id

    return house.db.write_sync(work)


def request(house, request_id):
    return house.db.read_sync(lambda c: request_store.get(c, request_id))


async def test_single_rights_are_given_and_taken_beside_the_role(house):
    mara, noor = await house.person("mara", "admin"), await house.person("noor", "requester")
    tokens = await house.sessions.start(noor, method="password", user_agent="x", ip="")
    changed = await house.people.change(
        mara, noor.id, granted=["request.auto_approve.movie"], withheld=["request.series"]
    )
    assert changed.may(P.AUTO_APPROVE_MOVIE)
    assert not changed.may(P.REQUEST_SERIES)
    assert changed.may(P.REQUEST_MOVIE)
    assert await house.sessions.by_access(tokens.access) is None, "changed rights sign them out"
    with pytest.raises(Invalid):
        await house.people.change(mara, noor.id, granted=["play"], withheld=["play"])
    with pytest.raises(Invalid):
        await house.people.change(mara, noor.id, granted=["everything"])


@pytest.mark.parametrize("name", ["ｒoot", "rооt", "..", "rοot", "x", "root\u1160", "\u115froot", "\u1160\u115f"])
async def test_a_name_that_could_be_taken_for_another_is_refused(house, name):
    with pytest.raises(Invalid) as refused:
        await house.person(name)
    assert "username" in refused.value.fields


@pytest.mark.parametrize("name", ["jürgen", "мария", "ノア映画", "노아", "noor-2", "a.b@c"])
async def test_names_of_any_alphabet_are_taken(house, name):
    assert (await house.person(name)).username == name


@pytest.mark.parametrize("email", ["kim@", "a@b@c", "a b@c.example", "a@c.example\0", "kim"])
async def test_an_address_that_no_mail_can_be_written_to_is_not_kept(house, email):
    with pytest.raises(Invalid) as refused:
        await house.person("kim", email=email)
    assert "email" in refused.value.fields


@pytest.mark.parametrize("name", ["Mara\u202e", "Ma\x00ra", "\u200b\u200b", "Mara\u3164", "\u2800", "\ufe0f", "x" * 81])
async def test_a_name_with_signs_that_cannot_be_seen_is_taken_nowhere(house, name):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer")
    for attempt in (
        house.people.create(mara, "eve", PASSWORD, display_name=name),
        house.people.change(mara, mara.id, display_name=name),
        house.invites.accept(code, username="eve", password=PASSWORD, display_name=name),
    ):
        with pytest.raises(Invalid) as refused:
            await attempt
        assert set(refused.value.fields) == {"display_name"}
    assert (await house.person("noor", display_name=" Noor \r\n Bcc: x ")).display_name == "Noor Bcc: x"
    assert (await house.person("nour", display_name="Nour \u2764\ufe0f")).display_name == "Nour \u2764\ufe0f"


async def test_a_new_name_signs_nobody_out(house):
    mara, noor = await house.person("mara", "admin"), await house.person("noor")
    tokens = await house.sessions.start(noor, method="password", user_agent="x", ip="")
    await house.people.change(mara, noor.id, display_name="Noor B.", email="noor@example.org")
    signed_in = await house.sessions.by_access(tokens.access)
    assert signed_in is not None
    assert signed_in.user.display_name == "Noor B."
    await house.people.change(mara, noor.id, email="")
    assert (await house.people.get(noor.id)).user.email is None


async def test_somebody_who_manages_accounts_cannot_make_themselves_or_others_more(house):
    mara = await house.person("mara", "admin")
    await house.roles.create(mara, title="Steward", permissions=["browse", "play", "problems.report", "users.manage"])
    steward, noor = await house.person("steward", "steward"), await house.person("noor")
    with pytest.raises(NotAllowed):
        await house.people.change(steward, noor.id, role="admin")
    with pytest.raises(NotAllowed):
        await house.people.change(steward, noor.id, granted=["settings"])
    with pytest.raises(NotAllowed):
        await house.people.create(steward, "eve", PASSWORD, role="admin")
    with pytest.raises(NotAllowed):
        await house.people.change(steward, mara.id, disabled=True)
    with pytest.raises(NotAllowed):
        await house.people.sign_out(steward, mara.id)
    with pytest.raises(NotAllowed):
        await house.people.remove(steward, mara.id)
    with pytest.raises(Conflict):
        await house.people.change(steward, steward.id, withheld=["play"])
    with pytest.raises(NotAllowed):
        await house.roles.change(steward, "steward", permissions=["browse", "settings"])
    with pytest.raises(NotAllowed):
        await house.roles.create(steward, title="Boss", permissions=["settings"])
    await house.people.change(steward, noor.id, display_name="Noor B.")
    assert len(await house.access.list_users()) == 3


async def test_a_closed_admin_is_not_opened_by_somebody_with_less(house):
    mara, jonas = await house.person("mara", "admin"), await house.person("jonas", "admin")
    await house.people.change(mara, jonas.id, disabled=True)
    await house.roles.create(mara, title="Steward", permissions=["browse", "play", "problems.report", "users.manage"])
    steward = await house.person("steward", "steward")
    with pytest.raises(NotAllowed):
        await house.people.change(steward, jonas.id, disabled=False)
    assert (await house.people.get(jonas.id)).user.disabled


async def test_a_closed_account_is_protected_by_the_rights_it_has_once_it_is_opened(house):
    mara = await house.person("mara", "admin")
    await house.roles.create(mara, title="Helpdesk", permissions=["browse", "play", "problems.report", "users.manage"])
    await house.roles.create(mara, title="Tech", permissions=["browse", "play", "settings"])
    helper, tech = await house.person("helper", "helpdesk"), await house.person("techy", "tech")
    await house.people.change(mara, tech.id, disabled=True)
    for attempt in (
        house.people.change(helper, tech.id, email="thief@example.org"),
        house.people.sign_out(helper, tech.id),
        house.people.remove(helper, tech.id),
    ):
        with pytest.raises(NotAllowed):
            await attempt


async def test_only_an_admin_makes_an_admin_however_much_others_may(house):
    mara = await house.person("mara", "admin")
    await house.roles.create(mara, title="Deputy", permissions=list(P))
    deputy, noor = await house.person("deputy", "deputy"), await house.person("noor")
    jonas = await house.person("jonas", "admin")
    code, _ = await house.invites.create(jonas, role="admin")
    for attempt in (
        house.people.create(deputy, "eve", PASSWORD, role="admin"),
        house.people.change(deputy, noor.id, role="admin"),
        house.invites.create(deputy, role="admin"),
    ):
        with pytest.raises(NotAllowed):
            await attempt
    await house.people.change(mara, jonas.id, role="deputy")
    with pytest.raises(Missing):
        await house.invites.open(code)
    assert (await house.people.create(deputy, "eve", PASSWORD, role="deputy")).role == "deputy"


async def test_ones_own_address_is_not_changed_without_proof(house):
    mara = await house.person("mara", "admin", email="mara@example.org")
    with pytest.raises(Conflict, match="own pages"):
        await house.people.change(mara, mara.id, email="thief@example.org")
    kept = await house.people.change(mara, mara.id, email="mara@example.org", display_name="Mara M.")
    assert (kept.email, kept.display_name) == ("mara@example.org", "Mara M.")


async def test_looking_after_accounts_does_not_end_ones_own_for_which_proof_is_asked(house):
    mara, jonas = await house.person("mara", "admin"), await house.person("jonas", "admin")
    with pytest.raises(Conflict, match="own pages"):
        await house.people.remove(mara, mara.id)
    assert len(await house.access.list_users()) == 2
    await house.people.leave(mara)
    assert [user.id for user in await house.access.list_users()] == [jonas.id]


async def test_the_set_up_code_of_one_process_is_good_in_all_and_for_one_account(house):
    others = [Access(house.db, house.sessions, house.clock) for _ in range(4)]
    codes = await asyncio.gather(*(one.setup_token() for one in (house.access, *others)))
    assert len(set(codes)) == 1
    await others[0].complete_setup(codes[0], "root", PASSWORD)
    with pytest.raises(Conflict):
        await house.access.complete_setup(codes[0], "eve", PASSWORD)
    assert await house.db.read(lambda conn: meta.get(conn, "setup_token")) is None


async def test_of_many_who_set_the_house_up_at_once_one_does(house):
    token = await house.access.setup_token()
    setups = (house.access.complete_setup(token, f"root{n}", PASSWORD) for n in range(8))
    done = await asyncio.gather(*setups, return_exceptions=True)
    assert sum(isinstance(one, Conflict | Invalid) for one in done) == 7
    assert len(await house.access.list_users()) == 1


async def test_the_last_admin_stays(house):
    mara, jonas = await house.person("mara", "admin"), await house.person("jonas", "admin")
    await house.people.change(mara, jonas.id, role="viewer")
    for attempt in (
        house.people.leave(mara),
        house.access.change_user(mara.id, role="viewer"),
        house.access.change_user(mara.id, disabled=True),
    ):
        with pytest.raises(Conflict):
            await attempt


async def test_two_admins_who_end_each_other_at_once_leave_one(house):
    mara, jonas = await house.person("mara", "admin"), await house.person("jonas", "admin")
    ends = (house.people.change(mara, jonas.id, role="viewer"), house.people.change(jonas, mara.id, role="viewer"))
    done = await asyncio.gather(*ends, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in done) == 1
    assert sum(user.role == "admin" for user in await house.access.list_users()) == 1


@pytest.mark.parametrize("afterwards", ["cancel", "keep", "delete"])
async def test_what_becomes_of_the_requests_of_who_left(house, afterwards):
    mara, noor = await house.person("mara", "admin"), await house.person("noor", display_name="Noor")
    waiting = ask(house, noor, 1)
    moving = ask(house, noor, 2, RequestState.DOWNLOADING)
    done = ask(house, noor, 3, RequestState.AVAILABLE)
    await house.people.remove(mara, noor.id, requests=afterwards)
    states = [getattr(request(house, one), "state", None) for one in (waiting, moving, done)]
    if afterwards == "delete":
        assert states == [None, None, None]
        return
    cancelled = RequestState.CANCELLED
    assert (
        states
        == {
            "cancel": [cancelled, cancelled, RequestState.AVAILABLE],
            "keep": [RequestState.PENDING, RequestState.DOWNLOADING, RequestState.AVAILABLE],
        }[afterwards]
    )
    assert request(house, done).username == "A former member"
    timeline = house.db.read_sync(lambda c: request_store.timeline(c, done))
    assert [entry.actor for entry in timeline] == ["A former member"]
    assert [user.username for user in await house.access.list_users()] == ["mara"]


async def test_the_former_members_are_no_account_that_anybody_can_use(house):
    mara = await house.person("mara", "admin")
    for name in ("noor", "ida"):
        user = await house.person(name)
        ask(house, user, 7)
        await house.people.remove(mara, user.id, requests="keep")
    heir = house.db.read_sync(lambda c: request_store.find(c))[0].user_id
    for attempt in (
        house.people.get(heir),
        house.people.change(mara, heir, role="admin"),
        house.people.remove(mara, heir),
    ):
        with pytest.raises(Missing):
            await attempt
    assert await house.access.authenticate("a former member", PASSWORD) is None
    with pytest.raises(Invalid):
        await house.access.create_user("a former member", PASSWORD)


async def test_a_removed_account_is_signed_out_and_its_name_is_free(house):
    mara, noor = await house.person("mara", "admin"), await house.person("noor")
    tokens = await house.sessions.start(noor, method="password", user_agent="x", ip="")
    assert await house.sessions.by_access(tokens.access) is not None
    await house.people.remove(mara, noor.id)
    assert await house.sessions.by_access(tokens.access) is None
    with pytest.raises(Missing):
        await house.people.get(noor.id)
    await house.person("noor")
    kept = [entry for entry in await house.activity.find() if entry.actor == "noor"]
    assert kept, "the log keeps what the account did"


async def test_an_account_never_gets_the_number_of_one_that_is_gone(house):
    """What the log says of who left would be the newcomer's."""
    mara, jonas = await house.person("mara", "admin"), await house.person("jonas")
    await house.sessions.start(jonas, method="password", user_agent="x", ip="192.0.2.1")
    # with nothing handed over to the former members, whose account would take the number
    await house.people.remove(mara, jonas.id, requests="delete")
    noor = await house.person("noor")
    assert noor.id > jonas.id
    assert await house.activity.find(ActivityFilter(actor_id=noor.id)) == []


async def test_roles_of_the_house_are_felt_at_once_and_protected_where_they_must_be(house):
    mara = await house.person("mara", "admin")
    club = await house.roles.create(mara, title="Film club", permissions=["browse", "request.movie"])
    assert club.name == "film-club"
    assert (await house.roles.create(mara, title="Film  Club!", permissions=[])).name == "film-club-2"
    noor = await house.person("noor", "film-club")
    tokens = await house.sessions.start(noor, method="password", user_agent="x", ip="")
    assert (await house.sessions.by_access(tokens.access)).user.may(P.REQUEST_MOVIE)
    await house.roles.change(mara, "film-club", permissions=["browse"])
    assert not (await house.sessions.by_access(tokens.access)).user.may(P.REQUEST_MOVIE)
    with pytest.raises(Conflict):
        await house.roles.remove(mara, "film-club")
    for refused in (
        house.roles.change(mara, "admin", permissions=[]),
        house.roles.change(mara, "viewer", title="Guests"),
        house.roles.remove(mara, "requester"),
    ):
        with pytest.raises(NotAllowed):
            await refused
    for title in ("", "x" * 61, "FILM CLUB"):
        with pytest.raises(Invalid):
            await house.roles.create(mara, title=title, permissions=[])
    with pytest.raises(Invalid):
        await house.roles.create(mara, title="Other", permissions=["fly"])


async def test_a_role_that_an_invitation_gives_is_not_removed(house):
    mara = await house.person("mara", "admin")
    await house.roles.create(mara, title="Club", permissions=["browse"])
    _, invite = await house.invites.create(mara, role="club")
    with pytest.raises(Conflict):
        await house.roles.remove(mara, "club")
    await house.invites.revoke(mara, invite.id)
    await house.roles.remove(mara, "club")


async def test_what_an_admin_did_not_see_is_not_overwritten(house):
    mara, pat = await house.person("mara", "admin"), await house.person("pat", "admin")
    noor = await house.person("noor", "requester")
    seen = stamp(noor)
    await house.people.change(mara, noor.id, withheld=["request.movie"], seen=seen)
    for late in ({"granted": [], "withheld": []}, {"display_name": "N."}, {"role": "viewer"}):
        with pytest.raises(Conflict, match="meanwhile"):
            await house.people.change(pat, noor.id, **late, seen=seen)
    after = (await house.people.get(noor.id)).user
    assert (after.withheld, after.role, after.display_name) == (("request.movie",), "requester", noor.display_name)
    await house.people.change(pat, noor.id, display_name="N.", seen=stamp(after))
    # closing an account does not wait for anybody
    assert (await house.people.change(mara, noor.id, disabled=True)).disabled
