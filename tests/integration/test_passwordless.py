"""Doing without a password, on both databases: never the last way in, the second factor with it, and a way back."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest
from houses import AccountHouse, outcomes

from vaderflix_core.access.links import RESET, LinkEnded
from vaderflix_core.access.passkeys import Passkeys
from vaderflix_core.access.passwordless import Passwordless
from vaderflix_core.access.totp import TicketEnded, WrongCode
from vaderflix_core.failures import Conflict, Invalid
from vaderflix_core.store import identities, passkeys
from vaderflix_core.store import ways as ways_store
from vaderflix_core.store.database import Database
from vaderflix_core.store.passkeys import Passkey

pytestmark = pytest.mark.anyio

OLD, NEW = "amber birch cedar delta", "fjord grove iris kelp"


class House(AccountHouse):
    """With passkeys, and what removes passwords."""

    def __init__(self, db: Database, clock: Any) -> None:
        super().__init__(db, clock)
        self.passkeys = Passkeys(db, self.vault, self.activity, clock)
        self.passwordless = Passwordless(
            db, self.sessions, self.passwords, self.factor, self.activity, self.jobs, self.mail, clock
        )

    async def passkey(self, user: Any) -> Passkey:
        key = Passkey(
            id=0,
            user_id=user.id,
            credential_id=b"key",
            public_key=b"",
            sign_count=0,
            name="Phone",
            created_at=self.clock(),
            last_used_at=None,
        )
        return await self.db.write(lambda conn: passkeys.add(conn, key))

    async def linked(self, user: Any) -> None:
        await self.db.write(lambda conn: identities.link(conn, user.id, "oidc:home", "1", "edith", self.clock()))

    async def ways(self, user: Any) -> int:
        return (await self.db.read(lambda conn: ways_store.of_user(conn, user.id))).count


@pytest.fixture
def house(db: Database, clock: Any) -> House:
    return House(db, clock)


@pytest.fixture
async def edith(house: House) -> Any:
    return await house.access.create_user("edith", OLD, email="edith@example.org")


async def test_a_password_that_is_the_only_way_in_stays(house: House, edith: Any) -> None:
    with pytest.raises(Conflict, match="only way into your account"):
        await house.passwordless.remove(edith, OLD, "", None)
    assert await house.access.authenticate("edith", OLD)
    assert house.mails == []
    assert await house.activity.find() == []


@pytest.mark.parametrize("other", ["passkey", "linked"])
async def test_with_another_way_in_it_goes_after_it_was_asked_for_and_ends_the_other_sessions(
    house: House, edith: Any, other: str
) -> None:
    await getattr(house, other)(edith)
    here, there = await house.sign_in(edith), await house.sign_in(edith)
    with pytest.raises(Invalid, match="not your password"):
        await house.passwordless.remove(edith, "not it at all", "", here)
    assert await house.sessions.user_of(there)
    token = await house.db.write(lambda conn: house.links.make(conn, RESET, edith.id))

    await house.passwordless.remove(edith, OLD, "", here)
    assert await house.access.authenticate("edith", OLD) is None
    assert await house.access.authenticate("edith", "") is None
    assert not await house.passwords.has_password(edith.id)
    assert await house.sessions.user_of(here)
    assert await house.sessions.user_of(there) is None
    assert [mail[:2] for mail in house.mails] == [("password_removed", "edith@example.org")]
    [entry] = await house.activity.find()
    assert (entry.actor, entry.action, entry.before) == ("edith", "password.removed", {})
    with pytest.raises(LinkEnded):  # it was asked for while there was a password
        await house.passwords.reset(token, NEW)
    with pytest.raises(Conflict, match="has no password"):
        await house.passwordless.remove(edith, "", "", here)


async def test_the_second_factor_is_asked_for_and_goes_with_the_password(house: House, edith: Any) -> None:
    await house.passkey(edith)
    totp = pyotp.TOTP((await house.factor.begin(edith, OLD)).secret)
    await house.factor.confirm(edith, totp.at(house.clock()))
    house.clock.forward(seconds=60)
    proof = await house.access.authenticate("edith", OLD)
    assert proof is not None
    ticket = await house.factor.ticket(proof)
    assert ticket is not None
    for code in ("", "000000"):
        with pytest.raises(WrongCode):
            await house.passwordless.remove(edith, OLD, code, None)
    assert await house.passwords.has_password(edith.id)

    await house.passwordless.remove(edith, OLD, totp.at(house.clock()), None)
    state = await house.factor.state(edith.id)
    assert (state.on, state.codes_left) == (False, 0)
    [entry] = await house.activity.find(limit=1)
    assert (entry.action, entry.before) == ("password.removed", {"second_factor": "on"})
    house.clock.forward(seconds=60)
    with pytest.raises((WrongCode, TicketEnded)):  # the first step of a sign-in, taken before
        await house.factor.finish(ticket, totp.at(house.clock()))


async def test_a_removal_that_is_refused_keeps_the_second_factor(house: House, edith: Any) -> None:
    totp = pyotp.TOTP((await house.factor.begin(edith, OLD)).secret)
    await house.factor.confirm(edith, totp.at(house.clock()))
    house.clock.forward(seconds=60)
    with pytest.raises(Conflict, match="only way into your account"):
        await house.passwordless.remove(edith, OLD, totp.at(house.clock()), None)
    assert (await house.factor.state(edith.id)).on
    assert await house.access.authenticate("edith", OLD)


@pytest.mark.parametrize("round", range(5))
async def test_of_password_and_passkey_one_stays_however_fast_both_are_removed(
    house: House, edith: Any, round: int
) -> None:
    key = await house.passkey(edith)
    done, wrong = await outcomes(house.passwordless.remove(edith, OLD, "", None), house.passkeys.remove(edith, key.id))
    assert (len(done), len(wrong)) == (1, 1)
    assert await house.ways(edith) == 1


async def test_of_two_removals_at_once_one_counts(house: House, edith: Any) -> None:
    await house.passkey(edith)
    done, wrong = await outcomes(*(house.passwordless.remove(edith, OLD, "", None) for _ in range(3)))
    assert (len(done), len(wrong)) == (1, 2)
    assert len(house.mails) == 1


@pytest.mark.parametrize("how", ["link", "own page"])
async def test_a_password_can_be_set_again(house: House, edith: Any, how: str) -> None:
    await house.passkey(edith)
    await house.passwordless.remove(edith, OLD, "", None)
    if how == "link":
        token = await house.db.write(lambda conn: house.links.make(conn, RESET, edith.id))
        await house.passwords.reset(token, NEW)
    else:
        await house.passwords.change(edith, "", NEW, await house.sign_in(edith))
    proof = await house.access.authenticate("edith", NEW)
    assert proof is not None
    assert await house.factor.ticket(proof) is None
