"""Passwords, links, second factors: what works once works once, on both databases and in a race."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from houses import AccountHouse, outcomes
from sqlalchemy import Connection

from vaderflix_core.access.links import EMAIL, RESET, SECOND_FACTOR, LinkEnded
from vaderflix_core.access.models import PasswordProof
from vaderflix_core.access.policy import weakness
from vaderflix_core.access.sessions import digest
from vaderflix_core.access.totp import TicketEnded, WrongCode
from vaderflix_core.failures import Conflict, Invalid, NotAllowed
from vaderflix_core.store import ways
from vaderflix_core.store.database import Database

pytestmark = pytest.mark.anyio

OLD, NEW = "amber birch cedar delta", "fjord grove iris kelp"


class House(AccountHouse):
    """With the steps of a second factor."""

    async def mailed(self, count: int) -> None:
        """Wait until that many mails were queued."""
        async with asyncio.timeout(60):
            while len(self.mails) < count:
                await asyncio.sleep(0.01)

    async def with_factor(self, user: Any) -> tuple[pyotp.TOTP, list[str]]:
        offer = await self.factor.begin(user, OLD)
        totp = pyotp.TOTP(offer.secret)
        codes = await self.factor.confirm(user, totp.at(self.clock()))
        self.clock.forward(seconds=60)
        return totp, codes

    async def proof(self, user: Any) -> PasswordProof:
        kept = await self.db.read(lambda conn: ways.password_of(conn, user.id))
        return PasswordProof(user=user, password=digest(kept or ""))

    async def ticket(self, user: Any) -> str:
        ticket = await self.factor.ticket(await self.proof(user))
        assert ticket is not None
        return ticket

    async def deeds(self) -> list[str]:
        return [entry.action for entry in await self.activity.find()]


@pytest.fixture
async def house(db: Database, clock: Any) -> AsyncIterator[House]:
    made = House(db, clock)
    await made.jobs.start()
    yield made
    await made.jobs.stop()


@pytest.fixture
async def edith(house: House) -> Any:
    return await house.access.create_user("edith", OLD, email="edith@example.org")


@pytest.mark.parametrize(
    "password",
    ["short", "password123", "Password2024!", "1234567890", "qwertyuiop", "aaaaaaaaaaaa", "edith-1234", "EDITHEDITH"],
)
def test_passwords_that_are_tried_first_are_refused(password: str) -> None:
    assert weakness(password, "edith" if "edith" in password.casefold() else "somebody")


@pytest.mark.parametrize("password", [OLD, NEW, "correct horse battery", "7-Zwerge-und-1-Apfel", "пять весёлых котов"])
def test_a_few_words_are_a_good_password(password: str) -> None:
    assert weakness(password, "edith") is None


async def test_a_new_password_needs_the_old_one_and_ends_all_other_sessions(house: House, edith: Any) -> None:
    here, there = await house.sign_in(edith), await house.sign_in(edith)
    with pytest.raises(Invalid) as wrong:
        await house.passwords.change(edith, "not it at all", NEW, here)
    assert wrong.value.fields.keys() == {"old"}
    with pytest.raises(Invalid) as weak:
        await house.passwords.change(edith, OLD, "edith-edith", here)
    assert weak.value.fields.keys() == {"new"}
    assert await house.sessions.user_of(there)

    await house.passwords.change(edith, OLD, NEW, here)
    assert await house.sessions.user_of(here)
    assert await house.sessions.user_of(there) is None
    assert await house.access.authenticate("edith", OLD) is None
    assert await house.access.authenticate("edith", NEW)
    assert await house.deeds() == ["password.changed"]


async def anew(house: House, user: Any, how: str) -> None:
    """Another password, set in one of the ways there are."""
    if how == "changed":
        await house.passwords.change(user, OLD, NEW, None)
    else:
        token = await house.db.write(lambda conn: house.links.make(conn, RESET, user.id))
        await house.passwords.reset(token, NEW)


@pytest.mark.parametrize("how", ["changed", "reset"])
async def test_a_sign_in_under_way_with_the_old_password_ends_with_it(house: House, edith: Any, how: str) -> None:
    totp, _ = await house.with_factor(edith)
    ticket, proof = await house.ticket(edith), await house.proof(edith)
    await anew(house, edith, how)
    with pytest.raises(TicketEnded):
        await house.factor.finish(ticket, totp.at(house.clock()))
    with pytest.raises(Conflict):
        await house.factor.ticket(proof)
    with pytest.raises(Conflict):
        await house.sessions.start(edith, method="password", user_agent="", ip="", password=proof.password)
    assert await house.sessions.devices(edith) == []
    fresh = await house.factor.finish(await house.ticket(edith), totp.at(house.clock()))
    assert await house.sessions.start(edith, method="password", user_agent="", ip="", password=fresh.password)


async def test_sign_ins_that_race_with_a_new_password_leave_no_session_of_the_old_one(house: House, edith: Any) -> None:
    proof = await house.proof(edith)

    async def sign_in() -> None:
        while True:
            await house.sessions.start(edith, method="password", user_agent="", ip="", password=proof.password)

    async with asyncio.timeout(30):
        _, wrong = await outcomes(anew(house, edith, "changed"), *(sign_in() for _ in range(6)))
    assert [type(one) for one in wrong] == [Conflict] * 6
    assert await house.sessions.devices(edith) == []


async def test_of_two_changes_at_once_one_wins(house: House, edith: Any) -> None:
    here = await house.sign_in(edith)
    good, wrong = await outcomes(
        *(house.passwords.change(edith, OLD, f"{NEW} {n}", here) for n in range(4)),
    )
    assert len(good) == 1
    assert len(wrong) == 3


async def test_a_first_password_needs_a_fresh_sign_in(house: House) -> None:
    user = await house.access.create_user("noor", None)
    session = await house.sign_in(user)
    with pytest.raises(NotAllowed):
        await house.passwords.change(user, "", NEW, None)
    house.clock.forward(hours=1)
    with pytest.raises(Conflict, match="Sign out and in again"):
        await house.passwords.change(user, "", NEW, session)
    await house.passwords.change(user, "", NEW, await house.sign_in(user))
    assert await house.access.authenticate("noor", NEW)


async def test_a_forgotten_password_is_mailed_for_to_known_people_only(house: House, edith: Any) -> None:
    for name in ("nobody@example.org", "EDITH@example.org"):
        await house.passwords.forgot(name)
    await house.mailed(1)
    kind, to, data = house.mails[0]
    assert (kind, to, len(house.mails)) == ("password_reset", "edith@example.org", 1)

    session, token = await house.sign_in(edith), data["path"].removeprefix("/reset/")
    with pytest.raises(Invalid):
        await house.passwords.reset(token, "password123")
    await house.passwords.reset(token, NEW)
    assert await house.sessions.user_of(session) is None
    assert await house.access.authenticate("edith", NEW)
    with pytest.raises(LinkEnded):
        await house.passwords.reset(token, OLD)
    assert await house.deeds() == ["password.reset", "password.link_sent"]


async def test_a_link_ends_after_an_hour_and_when_a_newer_one_is_made(house: House, edith: Any) -> None:
    def make(conn: Connection) -> str:
        return house.links.make(conn, RESET, edith.id)

    first = await house.db.write(make)
    second = await house.db.write(make)
    with pytest.raises(LinkEnded):
        await house.links.look(RESET, first)
    assert await house.links.look(RESET, second)
    house.clock.forward(minutes=61)
    with pytest.raises(LinkEnded):
        await house.passwords.reset(second, NEW)
    assert await house.access.authenticate("edith", OLD)


async def test_a_link_of_one_kind_or_with_a_changed_letter_opens_nothing(house: House, edith: Any) -> None:
    token = await house.db.write(lambda conn: house.links.make(conn, EMAIL, edith.id, {"email": "x@example.org"}))
    secret, _, signature = token.partition(".")
    for forged in (token, f"{secret}.{house.vault.sign('link:email', secret)}", secret, f"{secret}.{signature[:-2]}AA"):
        with pytest.raises(LinkEnded):
            await house.passwords.reset(forged, NEW)
    for odd in ("", ".", "é.ü", "a" * 5000):
        with pytest.raises(LinkEnded):
            await house.links.look(RESET, odd)


async def test_of_many_who_use_a_link_at_once_one_wins(house: House, edith: Any) -> None:
    token = await house.db.write(lambda conn: house.links.make(conn, RESET, edith.id))
    good, wrong = await outcomes(*(house.passwords.reset(token, f"{NEW} {n}") for n in range(8)))
    assert (len(good), len(wrong)) == (1, 7)


async def test_an_address_changes_once_its_mail_was_followed_and_the_old_one_is_told(house: House, edith: Any) -> None:
    with pytest.raises(Invalid):
        await house.passwords.ask_email(edith, "new@example.org", "wrong password", None)
    await house.passwords.ask_email(edith, "new@example.org", OLD, None)
    assert [(kind, to) for kind, to, _ in house.mails] == [
        ("email_change", "new@example.org"),
        ("email_changing", "edith@example.org"),
    ]
    assert "path" not in house.mails[1][2]
    assert (await house.access.user(edith.id)).email == "edith@example.org"
    reset = await house.db.write(lambda conn: house.links.make(conn, RESET, edith.id))
    token = house.mails[0][2]["path"].removeprefix("/email/")
    good, _ = await outcomes(*(house.passwords.confirm_email(token) for _ in range(4)))
    assert [user.email for user in good] == ["new@example.org"]
    with pytest.raises(LinkEnded):  # it had gone to the old address
        await house.links.look(RESET, reset)


async def test_an_admin_hands_over_a_link_but_not_for_somebody_above(house: House, edith: Any) -> None:
    mara = await house.access.create_user("mara", OLD, role="admin")
    await house.passwords.reset(await house.passwords.link_for(mara, edith.id), NEW)
    with pytest.raises(NotAllowed):
        await house.passwords.link_for(edith, mara.id)
    await house.access.create_user("otto", OLD, role="admin")
    await house.access.change_user(mara.id, disabled=True)
    with pytest.raises(NotAllowed):  # what it may do once it is opened again
        await house.passwords.link_for(edith, mara.id)


async def test_whoever_looks_after_accounts_proves_who_they_are_for_their_own(house: House) -> None:
    mara = await house.access.create_user("mara", OLD, role="admin")
    await house.with_factor(mara)
    with pytest.raises(Conflict, match="own pages"):
        await house.passwords.link_for(mara, mara.id)
    with pytest.raises(Conflict, match="own pages"):
        await house.factor.reset(mara, mara.id)
    assert (await house.factor.state(mara.id)).on


@pytest.mark.parametrize("ended_by", ["change", "reset", "another address"])
async def test_a_link_to_another_address_ends_with_the_password_or_address_it_was_asked_with(
    house: House, edith: Any, ended_by: str
) -> None:
    await house.passwords.ask_email(edith, "thief@example.org", OLD, None)
    thiefs = house.mails[0][2]["path"].removeprefix("/email/")
    if ended_by == "change":
        await house.passwords.change(edith, OLD, NEW, None)
    elif ended_by == "reset":
        await house.passwords.reset(await house.db.write(lambda conn: house.links.make(conn, RESET, edith.id)), NEW)
    else:
        await house.access.change_user(edith.id, email="edith@example.com")
    with pytest.raises(LinkEnded):
        await house.passwords.confirm_email(thiefs)
    assert (await house.access.user(edith.id)).email != "thief@example.org"


async def test_a_code_works_once_and_within_a_step_of_now(house: House, edith: Any) -> None:
    totp, _ = await house.with_factor(edith)
    code = totp.at(house.clock())
    assert (await house.factor.finish(await house.ticket(edith), f" {code[:3]} {code[3:]} ")).user.id == edith.id
    with pytest.raises(WrongCode):
        await house.factor.finish(await house.ticket(edith), code)
    with pytest.raises(WrongCode):  # of the step before: older than the one that was used
        await house.factor.finish(await house.ticket(edith), totp.at(house.clock() + timedelta(seconds=30 * -1)))
    house.clock.forward(minutes=5)
    for off in (-2, 2):
        with pytest.raises(WrongCode):
            await house.factor.finish(await house.ticket(edith), totp.at(house.clock() + timedelta(seconds=30 * off)))
    assert await house.factor.finish(await house.ticket(edith), totp.at(house.clock() + timedelta(seconds=30 * -1)))
    assert await house.factor.finish(await house.ticket(edith), totp.at(house.clock() + timedelta(seconds=30 * 1)))


async def test_of_many_who_bring_the_same_code_one_gets_in(house: House, edith: Any) -> None:
    totp, recovery = await house.with_factor(edith)
    for code in (totp.at(house.clock()), recovery[0]):
        tickets = [await house.ticket(edith) for _ in range(6)]
        good, wrong = await outcomes(*(house.factor.finish(ticket, code) for ticket in tickets))
        assert (len(good), len(wrong)) == (1, 5)
        house.clock.forward(minutes=16)
    code, ticket = totp.at(house.clock()), await house.ticket(edith)
    good, _ = await outcomes(*(house.factor.finish(ticket, code) for _ in range(4)))
    assert len(good) == 1


async def test_a_recovery_code_works_once(house: House, edith: Any) -> None:
    _, codes = await house.with_factor(edith)
    assert len(set(codes)) == 10
    assert await house.factor.finish(await house.ticket(edith), codes[3].upper().replace("-", " "))
    with pytest.raises(WrongCode):
        await house.factor.finish(await house.ticket(edith), codes[3])
    assert (await house.factor.state(edith.id)).codes_left == 9


async def test_a_ticket_takes_five_tries_and_five_minutes(house: House, edith: Any) -> None:
    totp, _ = await house.with_factor(edith)
    ticket = await house.ticket(edith)
    for _ in range(5):
        with pytest.raises(WrongCode):
            await house.factor.finish(ticket, "000000")
    with pytest.raises(TicketEnded):
        await house.factor.finish(ticket, totp.at(house.clock()))
    ticket = await house.ticket(edith)
    house.clock.forward(minutes=6)
    with pytest.raises(TicketEnded):
        await house.factor.finish(ticket, totp.at(house.clock()))


async def test_tickets_without_end_give_no_codes_without_end(house: House, edith: Any) -> None:
    totp, _ = await house.with_factor(edith)
    for _ in range(20):
        with pytest.raises(WrongCode):
            await house.factor.finish(await house.ticket(edith), "000000")
    with pytest.raises(TicketEnded):
        await house.factor.finish(await house.ticket(edith), totp.at(house.clock()))
    house.clock.forward(minutes=16)
    assert await house.factor.finish(await house.ticket(edith), totp.at(house.clock()))


async def test_parallel_wrong_codes_on_one_ticket_are_all_counted(house: House, edith: Any) -> None:
    await house.with_factor(edith)
    ticket = await house.ticket(edith)
    _, wrong = await outcomes(*(house.factor.finish(ticket, "000000") for _ in range(12)))
    assert sum(isinstance(one, WrongCode) for one in wrong) == 5
    assert sum(isinstance(one, TicketEnded) for one in wrong) == 7


async def test_turning_it_off_needs_the_password_and_a_code(house: House, edith: Any) -> None:
    totp, codes = await house.with_factor(edith)
    with pytest.raises(Invalid, match="not your password"):
        await house.factor.off(edith, "wrong password", totp.at(house.clock()))
    with pytest.raises(WrongCode):
        await house.factor.off(edith, OLD, "000000")
    assert (await house.factor.state(edith.id)).on
    fresh = await house.factor.renew_codes(edith, OLD, totp.at(house.clock()))
    with pytest.raises(WrongCode):
        await house.factor.off(edith, OLD, codes[0])
    await house.factor.off(edith, OLD, fresh[0])
    assert await house.factor.ticket(await house.proof(edith)) is None
    assert not (await house.factor.state(edith.id)).on


async def test_a_secret_that_was_only_offered_asks_for_no_code(house: House, edith: Any) -> None:
    offer = await house.factor.begin(edith, OLD)
    assert await house.factor.ticket(await house.proof(edith)) is None
    with pytest.raises(WrongCode):
        await house.factor.confirm(edith, "000000")
    again = await house.factor.offered(edith)
    assert again is not None
    assert again.secret == offer.secret
    assert offer.secret not in repr(offer)


async def test_an_offer_that_was_left_cannot_be_taken_up_at_an_open_screen_later(house: House, edith: Any) -> None:
    """Whoever turns codes on without having the password locks its owner out."""
    offer = await house.factor.begin(edith, OLD)
    house.clock.forward(minutes=15)
    assert await house.factor.offered(edith) is None
    with pytest.raises(Conflict):
        await house.factor.confirm(edith, pyotp.TOTP(offer.secret).at(house.clock()))
    assert not (await house.factor.state(edith.id)).on
    await house.with_factor(edith)
    assert (await house.factor.state(edith.id)).on


async def test_an_admin_takes_the_factor_from_somebody_who_lost_it(house: House, edith: Any) -> None:
    await house.with_factor(edith)
    mara = await house.access.create_user("mara", OLD, role="admin")
    session = await house.sign_in(edith)
    await house.factor.reset(mara, edith.id)
    assert await house.factor.ticket(await house.proof(edith)) is None
    assert await house.sessions.user_of(session) is None
    await house.with_factor(mara)
    with pytest.raises(NotAllowed):
        await house.factor.reset(edith, mara.id)
    assert (await house.factor.state(mara.id)).on


async def test_the_secret_is_sealed_and_tokens_are_kept_as_hashes(house: House, edith: Any) -> None:
    offer = await house.factor.begin(edith, OLD)
    code = pyotp.TOTP(offer.secret).at(house.clock())
    codes = await house.factor.confirm(edith, code)
    ticket = await house.ticket(edith)

    def everything(conn: Connection) -> bytes:
        from vaderflix_core.store.tables import metadata

        rows = [row for table in metadata.sorted_tables for row in conn.execute(table.select())]
        return repr(rows).encode() + b"".join(v for row in rows for v in row if isinstance(v, bytes))

    kept = await house.db.read(everything)
    for secret in (offer.secret, codes[0], codes[0].replace("-", ""), ticket, ticket.partition(".")[0]):
        assert secret.encode() not in kept
    assert house.links.hash_of(SECOND_FACTOR, ticket) in kept
