"""Invitations: who may make them, how often they work, and that many at once do not get more than there is."""

from __future__ import annotations

import asyncio

import pytest

from vaderflix_core.failures import Conflict, Failure, Invalid, Missing, NotAllowed
from vaderflix_core.store import invites as store

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery"


async def test_an_invitation_makes_an_account_of_its_role_and_says_who_used_it(house):
    mara = await house.person("mara", "admin", display_name="Mara")
    code, invite = await house.invites.create(mara, role="requester", note="Hello")
    opened = await house.invites.open(code)
    assert (opened.inviter, opened.note, opened.role) == ("Mara", "Hello", "requester")
    noor = await house.invites.accept(code, username="noor", password=PASSWORD, display_name="Noor")
    assert noor.role == "requester"
    [listed] = await house.invites.newest()
    assert listed.state(house.clock()) == "used"
    assert [use.display_name for use in listed.uses] == ["Noor"]
    actions = [entry.action for entry in await house.activity.find()]
    assert actions == ["invite.used", "invite.created"]
    assert invite.id == listed.invite.id


async def test_codes_have_more_than_128_bits_and_only_their_hash_is_kept(house):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer")
    assert len(code) * 6 >= 128
    kept = house.db.read_sync(lambda c: str(c.exec_driver_sql("SELECT * FROM invites").fetchall()))
    log = house.db.read_sync(lambda c: str(c.exec_driver_sql("SELECT * FROM activity").fetchall()))
    assert code not in kept + log


@pytest.mark.parametrize("uses", [1, 3])
async def test_many_at_once_make_exactly_as_many_accounts_as_there_are_uses(house, uses):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer", uses=uses)

    async def come(n: int) -> bool:
        try:
            await house.invites.accept(code, username=f"guest{n}")
        except Missing:
            return False
        return True

    came = await asyncio.gather(*(come(n) for n in range(12)))
    assert sum(came) == uses
    assert len(await house.access.list_users()) == 1 + uses
    [listed] = await house.invites.newest()
    assert (listed.invite.used, len(listed.uses)) == (uses, uses)


async def test_a_name_that_is_taken_costs_no_use(house):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer")
    with pytest.raises(Conflict):
        await house.invites.accept(code, username="MARA", password=PASSWORD)
    assert (await house.invites.open(code)).used == 0
    await house.invites.accept(code, username="noor", password=PASSWORD)


async def test_what_is_done_beside_the_account_fails_with_it(house):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer")

    def linked_elsewhere(conn, user):
        raise Conflict("This identity belongs to another account.")

    with pytest.raises(Conflict):
        await house.invites.accept(code, username="noor", also=linked_elsewhere)
    assert len(await house.access.list_users()) == 1
    assert (await house.invites.open(code)).used == 0


async def test_expired_revoked_used_and_unknown_codes_are_told_alike(house):
    mara = await house.person("mara", "admin")
    codes = {}
    for kind in ("expired", "revoked", "used"):
        codes[kind], invite = await house.invites.create(mara, role="viewer", days=1 if kind == "expired" else 30)
        if kind == "revoked":
            await house.invites.revoke(mara, invite.id)
        if kind == "used":
            await house.invites.accept(codes[kind], username="noor")
    codes["unknown"] = "a" * 32
    house.clock.forward(days=2)
    told = set()
    for code in codes.values():
        with pytest.raises(Missing) as caught:
            await house.invites.open(code)
        told.add((caught.value.message, caught.value.code))
        with pytest.raises(Missing):
            await house.invites.accept(code, username="other")
    assert len(told) == 1


async def test_a_closed_house_lets_nobody_in_by_invitation(house):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer")
    await house.house.change(mara, registration="closed")
    with pytest.raises(Missing):
        await house.invites.accept(code, username="noor")
    await house.house.change(mara, registration="invitation")
    await house.invites.accept(code, username="noor")


async def test_a_new_code_ends_the_old_one(house):
    mara = await house.person("mara", "admin")
    old, invite = await house.invites.create(mara, role="viewer", days=1)
    house.clock.forward(days=2)
    new, renewed = await house.invites.reissue(mara, invite.id)
    assert renewed.id == invite.id
    with pytest.raises(Missing):
        await house.invites.open(old)
    assert (await house.invites.open(new)).id == invite.id
    noted = (await house.activity.find())[0]
    assert (noted.before, noted.after) == (
        {"expires": f"{invite.expires_at:%Y-%m-%d}"}, {"expires": f"{renewed.expires_at:%Y-%m-%d}"},
    )  # fmt: skip
    await house.invites.accept(new, username="noor")
    with pytest.raises(Conflict):
        await house.invites.reissue(mara, invite.id)


async def test_an_invitation_for_one_address_needs_that_address(house):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer", email="Noor@example.org")
    for wrong in (None, "", "eve@example.org"):
        with pytest.raises(Invalid) as caught:
            await house.invites.accept(code, username="noor", email=wrong)
        assert set(caught.value.fields) == {"email"}
        assert "oor@" not in str(caught.value.fields)
    noor = await house.invites.accept(code, username="noor", email=" noor@EXAMPLE.org ")
    assert noor.email == "Noor@example.org"


async def test_letters_that_only_look_alike_are_another_address(house):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer", email="guest@example.org")
    with pytest.raises(Invalid):
        await house.invites.accept(code, username="noor", password=PASSWORD, email="gue\u017ft@example.org")
    assert await house.invites.accept(code, username="noor", password=PASSWORD, email="Guest@Example.org")


async def test_nobody_revokes_an_invitation_to_more_than_they_could_give(house):
    mara = await house.person("mara", "admin")
    helper = await house.roles.create(
        mara, title="Helper", permissions=["browse", "play", "problems.report", "users.invite"]
    )
    jonas = await house.person("jonas", helper.name)
    _, above = await house.invites.create(mara, role="admin")
    with pytest.raises(NotAllowed):
        await house.invites.revoke(jonas, above.id)
    _, within = await house.invites.create(mara, role="viewer")
    await house.invites.revoke(jonas, within.id)


async def test_nobody_invites_to_more_than_they_may_themselves(house):
    mara = await house.person("mara", "admin")
    await house.roles.create(mara, title="Host", permissions=["browse", "play", "problems.report", "users.invite"])
    host = await house.person("host", "host")
    with pytest.raises(NotAllowed):
        await house.invites.create(host, role="admin")
    with pytest.raises(NotAllowed):
        await house.invites.create(host, role="requester")
    await house.invites.create(host, role="viewer")
    _, strong = await house.invites.create(mara, role="admin")
    with pytest.raises(NotAllowed):
        await house.invites.reissue(host, strong.id)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"uses": 0}, "uses"),
        ({"uses": 101}, "uses"),
        ({"days": 0}, "days"),
        ({"days": 9999}, "days"),
        ({"note": "x" * 501}, "note"),
        ({"email": "no address"}, "email"),
        ({"send": True}, "email"),
        ({"role": "emperor"}, "role"),
    ],
)
async def test_terms_that_make_no_sense_are_refused_by_field(house, terms, field):
    mara = await house.person("mara", "admin")
    with pytest.raises(Invalid) as caught:
        await house.invites.create(mara, **{"role": "viewer", **terms})
    assert field in caught.value.fields


async def test_an_invitation_that_is_mailed_brings_its_link_and_the_log_does_not(house):
    mara = await house.person("mara", "admin", display_name="Mara\nBcc: eve@example.org")
    code, _ = await house.invites.create(mara, role="viewer", email="noor@example.org", note="Come\n\nin", send=True)
    waiting = house.db.read_sync(lambda c: str(c.exec_driver_sql("SELECT payload FROM jobs").fetchall()))
    assert code not in waiting
    await house.work()
    [mail] = house.postman.sent
    assert mail.url == f"https://house.example/invite/{code}"
    assert "\n" not in mail.title
    assert '"Come in"' in mail.text
    assert [r.email for r in mail.recipients] == ["noor@example.org"]
    tables = house.db.read_sync(lambda c: str(c.exec_driver_sql("SELECT * FROM deliveries").fetchall()))
    assert code not in tables
    assert "delivered" in tables


async def test_libraries_are_told_to_whoever_shares_them_in_the_same_transaction(house):
    mara = await house.person("mara", "admin")
    told = []
    house.invites.on_accepted.append(lambda conn, user, invite: told.append((user.username, invite.libraries)))
    code, _ = await house.invites.create(mara, role="viewer", libraries={"shelf": ["1", "2"], "empty": []})
    await house.invites.accept(code, username="noor")
    assert told == [("noor", {"shelf": ("1", "2")})]


@pytest.mark.parametrize("end", ["demoted", "closed", "less", "removed", "more in the role"])
async def test_an_invitation_gives_no_more_than_its_maker_may_give_now(house, end):
    mara = await house.person("mara", "admin")
    role = await house.roles.create(mara, title="Helper", permissions=["browse", "play", "users.invite"])
    jonas = await house.person("jonas", "admin", display_name="Jonas")
    code, made = await house.invites.create(jonas, role=role.name)
    assert (await house.invites.open(code)).inviter == "Jonas"
    if end == "demoted":
        await house.people.change(mara, jonas.id, role="viewer")
    elif end == "closed":
        await house.people.change(mara, jonas.id, disabled=True)
    elif end == "less":
        await house.people.change(mara, jonas.id, role=role.name, withheld=["users.invite"])
    elif end == "removed":
        await house.people.remove(mara, jonas.id)
    else:
        await house.people.change(mara, jonas.id, role=role.name)
        await house.roles.change(mara, role.name, permissions=["browse", "users.invite"])
        assert await house.invites.open(code), "the maker may still give what it gives"
        await house.people.change(mara, jonas.id, withheld=["browse"])
    with pytest.raises(Missing):
        await house.invites.open(code)
    with pytest.raises(Missing):
        await house.invites.accept(code, username="noor", password=PASSWORD)
    [listed] = await house.invites.newest()
    assert listed.state(house.clock()) == "lapsed"
    fresh, renewed = await house.invites.reissue(mara, made.id)
    assert (renewed.inviter, renewed.created_by) == (mara.display_name, mara.id)
    assert (await house.invites.accept(fresh, username="noor", password=PASSWORD)).role == role.name


async def test_a_maker_who_is_demoted_while_somebody_comes_in_brings_nobody_in(house, monkeypatch):
    mara, jonas = await house.person("mara", "admin"), await house.person("jonas", "admin")
    code, _ = await house.invites.create(jonas, role="admin")
    hash_password = house.access.hash_password

    async def slowly(password):
        await house.people.change(mara, jonas.id, role="viewer")
        return await hash_password(password)

    monkeypatch.setattr(house.access, "hash_password", slowly)
    with pytest.raises(Missing):
        await house.invites.accept(code, username="noor", password=PASSWORD)
    assert {user.username for user in await house.access.list_users()} == {"mara", "jonas"}


async def test_the_claim_is_in_the_database_and_not_in_memory(house):
    mara = await house.person("mara", "admin")
    noor, edith = await house.person("noor"), await house.person("edith")
    code, _ = await house.invites.create(mara, role="viewer")
    from vaderflix_core.access.sessions import digest

    now = house.clock()
    assert house.db.write_sync(lambda c: store.use(c, digest(code), noor.id, now))
    assert not house.db.write_sync(lambda c: store.use(c, digest(code), edith.id, now))
    with pytest.raises(Failure):
        await house.invites.accept(code, username="late")


async def test_an_invitation_for_one_address_and_several_people_is_refused_not_changed(house):
    mara = await house.person("mara", "admin")
    with pytest.raises(Invalid) as caught:
        await house.invites.create(mara, role="viewer", email="noor@example.org", uses=3)
    assert set(caught.value.fields) == {"uses"}
    assert await house.invites.newest() == []


async def test_all_that_is_wrong_with_a_new_account_is_said_at_once(house):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer", email="noor@example.org")
    with pytest.raises(Invalid) as caught:
        await house.invites.accept(code, username="MARA", password="short", email="eve@example.org")
    assert set(caught.value.fields) == {"username", "password", "email"}
    assert "is taken" in caught.value.fields["username"]
    assert (await house.invites.open(code)).used == 0


async def test_a_closed_house_says_so_alike_for_codes_that_are_good_and_those_that_are_not(house):
    mara = await house.person("mara", "admin")
    code, _ = await house.invites.create(mara, role="viewer")
    await house.house.change(mara, registration="closed")
    said = set()
    for one in (code, "b" * 32):
        with pytest.raises(Missing) as caught:
            await house.invites.open(one)
        said.add((caught.value.code, caught.value.message))
    assert said == {("house_closed", "The house takes nobody in at the moment.")}
    await house.house.change(mara, registration="invitation")
    assert (await house.invites.open(code)).used == 0


async def test_the_log_says_what_an_invitation_gave_when_it_is_revoked(house):
    mara = await house.person("mara", "admin")
    _code, invite = await house.invites.create(mara, role="viewer", email="noor@example.org")
    await house.invites.revoke(mara, invite.id)
    noted = (await house.activity.find())[0]
    assert (noted.before["role"], noted.before["email"]) == ("viewer", "noor@example.org")
