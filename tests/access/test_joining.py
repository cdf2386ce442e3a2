"""Coming in by an invitation with a passkey: no account before the key is proved, for this invitation, once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from vaderflix_core.access.joining import Joining
from vaderflix_core.access.passkeys import Passkeys, Refused, Site
from vaderflix_core.failures import Conflict, Failure, Invalid, Missing
from vaderflix_core.store import ways

from ..authenticator import PRESENT, SITE, Authenticator

pytestmark = pytest.mark.anyio


@pytest.fixture
def passkeys(house: Any) -> Passkeys:
    return Passkeys(house.db, house.vault, house.activity, house.clock)


@pytest.fixture
def joining(house: Any, passkeys: Passkeys) -> Joining:
    return Joining(house.invites, passkeys)


@pytest.fixture
async def mara(house: Any) -> Any:
    return await house.person("mara", "admin")


async def invited(house: Any, mara: Any, **terms: Any) -> str:
    code, _ = await house.invites.create(mara, **{"role": "requester", **terms})
    return code


async def nobody_came(house: Any, passkeys: Passkeys, code: str) -> bool:
    """Whether there is no account but the admin's, no key, and the invitation is as it was."""
    kept = await house.db.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM passkeys").scalar())
    return len(await house.access.list_users()) == 1 and kept == 0 and (await house.invites.open(code)).used == 0


async def test_the_key_is_the_only_way_into_the_account_that_it_makes(house, joining, passkeys, mara):
    code, device = await invited(house, mara), Authenticator()
    begun = await joining.begin(code, SITE, username=" noor ", display_name="Noor", email="noor@example.org")
    asked = json.loads(begun.options)
    assert (asked["user"]["name"], asked["user"]["displayName"]) == ("noor", "Noor")
    assert await nobody_came(house, passkeys, code)
    noor = await joining.finish(code, begun.state, device.create(begun.options), "Phone")
    assert (noor.username, noor.display_name, noor.email, noor.role) == (
        "noor",
        "Noor",
        "noor@example.org",
        "requester",
    )
    found = await house.db.read(lambda conn: ways.of_user(conn, noor.id))
    assert found.count == 1
    assert await house.db.read(lambda conn: ways.password_of(conn, noor.id)) is None
    [key] = await passkeys.of_user(noor)
    assert key.name == "Phone"
    again = passkeys.begin_signing_in(SITE)
    assert (await passkeys.sign_in(again.state, device.get(again.options))).id == noor.id
    entries = [(entry.action, entry.actor_id) for entry in await house.activity.find()][:2]
    assert sorted(entries) == [("invite.used", noor.id), ("passkey.added", noor.id)]


async def test_an_answer_that_does_not_prove_a_key_makes_nothing(house, joining, passkeys, mara):
    code, device = await invited(house, mara), Authenticator()
    begun = await joining.begin(code, SITE, username="noor")
    other = await joining.begin(code, SITE, username="noor")
    elsewhere = await joining.begin(code, Site("https://evil.example"), username="noor")
    good = device.create(begun.options)
    for state, answer in (
        (begun.state, device.create(begun.options, origin="https://evil.example")),
        (begun.state, device.create(begun.options, origin="http://films.example.org")),
        (begun.state, device.create(begun.options, origin="https://films.example.org.evil.example")),
        (begun.state, device.create(elsewhere.options)),  # of another relying party
        (begun.state, device.create(begun.options, flags=PRESENT)),  # nobody showed a finger, face or PIN
        (begun.state, {}),
        (begun.state, {"id": 5, "response": []}),
        (begun.state, {**good, "response": {**good["response"], "attestationObject": "AAAA"}}),
        (other.state, good),  # another challenge of the same invitation
        (begun.state[:-4] + "AAAA", good),
        ("", good),  # another browser has no cookie
    ):
        with pytest.raises(Refused):
            await joining.finish(code, state, answer, "Phone")
    assert await nobody_came(house, passkeys, code)
    assert await joining.finish(code, begun.state, good, "Phone")


async def test_a_challenge_of_another_invitation_or_purpose_makes_nothing(house, joining, passkeys, mara):
    viewers, admins = await invited(house, mara, role="viewer"), await invited(house, mara, role="admin")
    device = Authenticator()
    begun = await joining.begin(viewers, SITE, username="noor")
    answer = device.create(begun.options)
    with pytest.raises(Refused):
        await joining.finish(admins, begun.state, answer, "Phone")
    adding = await passkeys.begin_adding(mara, SITE)
    with pytest.raises(Refused):
        await joining.finish(viewers, adding.state, device.create(adding.options), "Phone")
    with pytest.raises(Refused):  # a visitor cannot hang a key on somebody's account
        await passkeys.add(mara, begun.state, answer, "Phone")
    signing = passkeys.begin_signing_in(SITE)
    with pytest.raises(Refused):
        await joining.finish(viewers, signing.state, device.create(begun.options), "Phone")
    await passkeys.add(mara, adding.state, device.create(adding.options), "Mine")
    with pytest.raises(Refused):  # nor sign in with what was asked for coming in
        await passkeys.sign_in(begun.state, device.get(begun.options))
    [only] = await house.access.list_users()
    assert only.id == mara.id


async def test_a_challenge_makes_one_account_even_when_that_is_gone_again(house, joining, passkeys, mara):
    code, device = await invited(house, mara, uses=5), Authenticator()
    begun = await joining.begin(code, SITE, username="noor")
    answer = device.create(begun.options)
    done = await asyncio.gather(
        *(joining.finish(code, begun.state, answer, "Phone") for _ in range(6)), return_exceptions=True
    )
    [noor] = [one for one in done if not isinstance(one, BaseException)]
    assert all(isinstance(one, Refused | Conflict) for one in done if isinstance(one, BaseException)), done
    await house.people.remove(mara, noor.id)
    with pytest.raises(Refused):
        await joining.finish(code, begun.state, answer, "Phone")
    assert [one.username for one in await house.access.list_users()] == ["mara"]


@pytest.mark.parametrize("uses", [1, 2])
async def test_many_at_once_come_in_as_often_as_there_are_uses(house, joining, passkeys, mara, uses):
    code = await invited(house, mara, uses=uses)
    begun = [await joining.begin(code, SITE, username=f"guest{n}") for n in range(8)]
    done = await asyncio.gather(
        *(joining.finish(code, one.state, Authenticator().create(one.options), "Phone") for one in begun),
        return_exceptions=True,
    )
    kinds = Counter("in" if not isinstance(one, BaseException) else type(one).__name__ for one in done)
    assert kinds == {"in": uses, "Missing": 8 - uses}
    assert len(await house.access.list_users()) == 1 + uses
    kept = await house.db.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM passkeys").scalar())
    assert kept == uses  # who came too late left no key behind


async def test_two_who_want_one_name_at_once_get_it_once(house, joining, passkeys, mara):
    code = await invited(house, mara, uses=5)
    begun = [await joining.begin(code, SITE, username=name) for name in ("noor", "NOOR")]
    done = await asyncio.gather(
        *(joining.finish(code, one.state, Authenticator().create(one.options), "Phone") for one in begun),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) for one in done) == 1
    assert (await house.invites.open(code)).used == 1


@pytest.mark.parametrize("ended", ["revoked", "expired", "closed", "reissued", "used", "unbacked"])
async def test_an_invitation_that_ends_while_the_key_is_made_lets_nobody_in(house, joining, passkeys, mara, ended):
    root = await house.person("root", "admin")
    code = await invited(house, mara, days=1)
    if ended == "expired":
        house.clock.forward(days=1, minutes=-2)
    begun = await joining.begin(code, SITE, username="noor")
    answer = Authenticator().create(begun.options)
    [listed] = await house.invites.newest()
    if ended == "revoked":
        await house.invites.revoke(mara, listed.invite.id)
    elif ended == "expired":
        house.clock.forward(minutes=3)
    elif ended == "closed":
        await house.house.change(mara, registration="closed")
    elif ended == "reissued":
        await house.invites.reissue(mara, listed.invite.id)
    elif ended == "used":
        await house.invites.accept(code, username="first")
    else:
        await house.people.remove(root, mara.id)
    with pytest.raises(Missing):
        await joining.finish(code, begun.state, answer, "Phone")
    with pytest.raises(Missing):
        await joining.begin(code, SITE, username="noor")
    assert "noor" not in [one.username for one in await house.access.list_users()]


async def test_a_challenge_lasts_five_minutes(house, joining, passkeys, mara):
    code = await invited(house, mara)
    begun = await joining.begin(code, SITE, username="noor")
    house.clock.forward(minutes=5)
    with pytest.raises(Refused):
        await joining.finish(code, begun.state, Authenticator().create(begun.options), "Phone")
    assert await nobody_came(house, passkeys, code)


async def test_what_is_wrong_with_the_account_is_said_before_a_key_is_made(house, joining, mara):
    code = await invited(house, mara)
    for name, kind in (
        ("x", Invalid),
        ("  ", Invalid),
        ("m\u0430ra", Invalid),
        ("MARA", Conflict),
        (" mara", Conflict),
    ):
        with pytest.raises(Failure) as refused:
            await joining.begin(code, SITE, username=name)
        assert isinstance(refused.value, kind), name
    with pytest.raises(Invalid) as wrong:
        await joining.begin(code, SITE, username="m\u0430ra", email="nowhere")
    assert set(wrong.value.fields) == {"username", "email"}


async def test_an_invitation_for_one_address_needs_that_address(house, joining, mara):
    code = await invited(house, mara, email="Noor@example.org")
    for email in (None, "", "eve@example.org"):
        with pytest.raises(Invalid, match="could not be made") as wrong:
            await joining.begin(code, SITE, username="noor", email=email)
        assert set(wrong.value.fields) == {"email"}
    begun = await joining.begin(code, SITE, username="noor", email="noor@EXAMPLE.org")
    noor = await joining.finish(code, begun.state, Authenticator().create(begun.options), "Phone")
    assert noor.email == "Noor@example.org"


async def test_a_key_that_another_account_has_makes_no_account(house, joining, passkeys, mara):
    device, adding = Authenticator(), await passkeys.begin_adding(mara, SITE)
    await passkeys.add(mara, adding.state, device.create(adding.options), "Mine")
    code = await invited(house, mara)
    begun = await joining.begin(code, SITE, username="noor")
    with pytest.raises(Conflict):
        await joining.finish(code, begun.state, device.create(begun.options), "Phone")
    assert len(await house.access.list_users()) == 1
    assert (await house.invites.open(code)).used == 0
