"""Requests for access and sign-ins: what is kept, who is mailed, and who learns nothing."""

from __future__ import annotations

import pytest

from vaderflix_core.access.requests import MAILED
from vaderflix_core.failures import Conflict, Invalid, Missing, NotAllowed
from vaderflix_core.store import users as user_store

pytestmark = pytest.mark.anyio
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


async def open_house(house):
    mara = await house.person("mara", "admin", display_name="Mara", email="mara@example.org")
    await house.house.change(mara, registration="request")
    return mara


async def ask(house, **fields):
    asked = {"name": "Noor", "email": "noor@example.org", "message": "May I?", **fields}
    await house.access_requests.ask(**asked)
    await house.work()


async def test_admins_are_mailed_and_see_who_asks(house):
    await open_house(house)
    await house.person("edith", "requester", email="edith@example.org")
    await ask(house)
    [asked] = await house.access_requests.newest("pending")
    assert (asked.name, asked.email, asked.message) == ("Noor", "noor@example.org", "May I?")
    [mail] = house.postman.sent
    assert [(r.name, r.email) for r in mail.recipients] == [("Mara", "mara@example.org")]
    assert "May I?" in mail.text


async def test_a_mail_that_cannot_be_addressed_stops_neither_a_request_nor_a_sign_in(house):
    await open_house(house)
    kim = await house.person("kim", "admin")
    house.db.write_sync(lambda conn: user_store.change(conn, kim.id, email="kim@"))  # of a time with looser checks
    await ask(house)
    assert len(await house.access_requests.newest("pending")) == 1
    kim = await house.access.user(kim.id)
    for ip, agent in (("192.0.2.1", PHONE), ("198.51.100.1", LAPTOP)):
        assert await house.sessions.start(kim, method="password", user_agent=agent, ip=ip)


async def test_asking_twice_is_kept_once_and_told_alike(house):
    await open_house(house)
    for email in ("noor@example.org", "NOOR@example.org"):
        await ask(house, email=email)
    assert len(await house.access_requests.newest()) == 1
    assert len(house.postman.sent) == 1


async def test_nothing_tells_an_address_that_has_an_account_from_another(house):
    await open_house(house)
    await ask(house, email="mara@example.org")
    [asked] = await house.access_requests.newest()
    assert asked.state == "pending"


async def test_approval_mails_an_invitation_that_only_this_address_can_use(house):
    mara = await open_house(house)
    await ask(house)
    [asked] = await house.access_requests.newest()
    await house.access_requests.approve(mara, asked.id, role="requester", note="Welcome", libraries={"shelf": ["1"]})
    noted = (await house.activity.find())[0]
    assert (noted.before["state"], noted.after["libraries"], noted.after["note"]) == ("pending", "shelf: 1", "Welcome")
    await house.work()
    mail = house.postman.sent[-1]
    code = mail.url.rpartition("/")[2]
    assert [r.email for r in mail.recipients] == ["noor@example.org"]
    with pytest.raises(Invalid):
        await house.invites.accept(code, username="eve", email="eve@example.org")
    noor = await house.invites.accept(code, username="noor", email="noor@example.org")
    assert noor.role == "requester"
    with pytest.raises(Conflict):
        await house.access_requests.approve(mara, asked.id)
    with pytest.raises(Conflict):
        await house.access_requests.reject(mara, asked.id, "after all not")
    assert len(await house.invites.newest()) == 1


async def test_a_rejection_is_mailed_with_its_reason(house):
    mara = await open_house(house)
    await ask(house)
    [asked] = await house.access_requests.newest()
    with pytest.raises(Invalid):
        await house.access_requests.reject(mara, asked.id, "  ")
    await house.access_requests.reject(mara, asked.id, "The house is full.")
    await house.work()
    assert "The house is full." in house.postman.sent[-1].text
    assert [one.state for one in await house.access_requests.newest()] == ["rejected"]
    await ask(house)
    assert await house.access_requests.pending() == 1, "who was rejected may ask again"


async def test_nobody_is_let_in_with_more_than_the_admin_has(house):
    mara = await open_house(house)
    await house.roles.create(mara, title="Steward", permissions=["browse", "play", "problems.report", "users.manage"])
    steward = await house.person("steward", "steward")
    await ask(house)
    [asked] = await house.access_requests.newest()
    with pytest.raises(NotAllowed):
        await house.access_requests.approve(steward, asked.id, role="admin")
    with pytest.raises(Missing):
        await house.access_requests.approve(mara, 999)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"email": "no address"}, "email"),
        ({"email": "noor@example.org\0"}, "email"),
        ({"message": ""}, "message"),
        ({"message": "x" * 1001}, "message"),
    ],
)
async def test_what_cannot_be_read_is_refused_by_field(house, fields, wrong):
    await open_house(house)
    with pytest.raises(Invalid) as caught:
        await ask(house, **fields)
    assert set(caught.value.fields) == {wrong}


async def test_a_flood_stops_mailing_before_it_stops_being_kept(house):
    await open_house(house)
    for n in range(MAILED + 5):
        await house.access_requests.ask(name="N", email=f"n{n}@example.org", message="m")
    await house.work()
    assert await house.access_requests.pending() == MAILED + 5
    assert len(house.postman.sent) == MAILED


async def test_a_sign_in_from_a_new_device_is_mailed_and_one_from_a_known_is_not(house):
    noor = await house.person("noor", email="noor@example.org")

    async def sign_in(agent, ip):
        await house.sessions.start(noor, method="password", user_agent=agent, ip=ip)
        await house.work()
        return len(house.postman.sent)

    assert await sign_in(LAPTOP, "192.0.2.7") == 0, "the first device is no news"
    assert await sign_in(LAPTOP, "192.0.2.99") == 0, "the same household"
    assert await sign_in(PHONE, "192.0.2.7") == 1
    assert await sign_in(LAPTOP, "198.51.100.4") == 2
    assert await sign_in(PHONE, "192.0.2.8") == 2
    assert await sign_in(LAPTOP, "2001:db8:1:2::1") == 3
    assert await sign_in(LAPTOP, "2001:db8:1:3::9") == 3
    text = house.postman.sent[0].text
    assert "Safari on iPhone" in text
    assert "192.0.2.7" in text
    entries = [entry for entry in await house.activity.find() if entry.action == "session.started"]
    assert len(entries) == 7
    assert entries[0].ip == "2001:db8:1:3::9"
