"""The seal of the activity log: what was done to it in the database shows, is told once, and waits for somebody."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import delete, insert, update
from structlog.testing import capture_logs

from vaderflix_core.access.log_seal import KEY, LogSeal, Trouble
from vaderflix_core.failures import Conflict
from vaderflix_core.store import activity as store
from vaderflix_core.store import incidents, meta
from vaderflix_core.store.tables import activity as table
from vaderflix_core.vault import Vault

pytestmark = pytest.mark.anyio

OLD, NEW = bytes(range(32)), bytes(range(1, 33))


async def deeds(house, count: int = 5) -> list[int]:
    for n in range(count):
        await house.activity.log(None, "test.deed", str(n), after={"n": n})
    return sorted(entry.id for entry in await house.activity.find(limit=1000))


def make_anew(conn, since: int, **forged: object) -> None:
    """What somebody with the database does who knows how the chain is made: change an entry and all that follow."""
    entries = [entry for entry in reversed(store.find(conn, limit=1000)) if entry.id >= since]
    conn.execute(delete(table).where(table.c.id >= since))
    hash = store.end(conn).hash
    for entry in entries:
        values = {name: getattr(entry, name) for name in entry.__struct_fields__}
        values |= forged if entry.id == since else {}
        hash = store._hash(hash, store.Entry(**values))
        conn.execute(insert(table).values(hash=hash, **values))


def other_process(house, *keys: bytes) -> LogSeal:
    return LogSeal(house.db, Vault(keys or [OLD]), house.activity, house.mails.queue, house.jobs, house.clock)


async def test_an_honest_log_is_whole_and_says_up_to_where_it_is_sealed(house):
    first = await house.log_seal.check()
    assert (first.whole, first.sealed_at, first.younger) == (True, None, 0)
    await house.log_seal.seal()
    ids = await deeds(house)
    assert (await house.log_seal.check()).younger == 5
    house.clock.forward(minutes=1)
    await house.log_seal.seal()
    await deeds(house, 2)
    chain = await house.log_seal.check()
    assert (chain.whole, chain.sealed_to, chain.sealed_at, chain.younger) == (True, ids[-1], house.clock(), 2)
    await house.log_seal.seal()
    assert await house.log_seal.alarm() is None


@pytest.mark.parametrize("what", ["subject", "actor", "after", "removed"])
@pytest.mark.parametrize("sealed", [False, True])
async def test_a_changed_or_removed_entry_breaks_the_chain(house, what, sealed):
    ids = await deeds(house)
    if sealed:
        await house.log_seal.seal()
    middle = table.c.id == ids[2]
    forged = {"subject": "other", "actor": "somebody else", "after": {"n": "9"}}
    work = (
        delete(table).where(middle) if what == "removed" else update(table).where(middle).values({what: forged[what]})
    )
    house.db.write_sync(lambda c: c.execute(work))
    chain = await house.log_seal.check()
    assert (chain.trouble, chain.entry) == (Trouble.CHANGED, ids[3] if what == "removed" else ids[2])
    if not sealed:  # what is younger than the seal is checked before it is sealed
        await house.log_seal.seal()
        assert (await house.log_seal.alarm()).code == Trouble.CHANGED


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_cut_off_end_shows_also_when_the_log_goes_on(house, goes_on):
    ids = await deeds(house)
    await house.log_seal.seal()
    house.db.write_sync(lambda c: c.execute(delete(table).where(table.c.id >= ids[3])))
    if goes_on:
        await deeds(house, 1)
    await other_process(house).seal()
    chain = await house.log_seal.check()
    assert (chain.trouble, chain.entry) == (Trouble.CUT, ids[4])
    assert (await house.log_seal.alarm()).code == Trouble.CUT


async def test_all_entries_gone_is_a_cut(house):
    await deeds(house)
    await house.log_seal.seal()
    house.db.write_sync(lambda c: c.execute(delete(table)))
    assert (await house.log_seal.check()).trouble == Trouble.CUT


async def test_a_chain_made_anew_shows(house):
    ids = await deeds(house)
    await house.log_seal.seal()
    house.db.write_sync(lambda c: make_anew(c, ids[1], actor="somebody else"))
    assert house.db.read_sync(lambda c: store.follow(c, store.START))[1] is None  # the hashes alone say nothing
    chain = await house.log_seal.check()
    assert (chain.trouble, chain.entry) == (Trouble.REWRITTEN, ids[4])


async def test_a_seal_made_without_the_key_is_no_seal(house):
    ids = await deeds(house)
    await house.log_seal.seal()
    house.db.write_sync(lambda c: c.execute(delete(table).where(table.c.id >= ids[3])))
    house.db.write_sync(lambda c: meta.put(c, KEY, None))
    await other_process(house, NEW).seal()
    assert (await house.log_seal.check()).trouble == Trouble.FORGED
    house.db.write_sync(lambda c: meta.put(c, KEY, "{}"))
    assert (await house.log_seal.check()).trouble == Trouble.FORGED


@pytest.mark.parametrize("gone", [False, True])
async def test_an_older_seal_put_back_shows_to_the_process_that_made_the_newer(house, gone):
    ids = await deeds(house)
    await house.log_seal.seal()
    older = house.db.read_sync(lambda c: meta.get(c, KEY))
    await deeds(house, 2)
    await house.log_seal.seal()
    house.db.write_sync(lambda c: c.execute(delete(table).where(table.c.id > ids[-1])))
    house.db.write_sync(lambda c: meta.put(c, KEY, None if gone else older))
    assert (await house.log_seal.check()).whole  # to somebody new it looks honest: docs/security.md says so
    await house.log_seal.seal()
    assert (await house.log_seal.check()).trouble == Trouble.PUT_BACK


async def test_seals_of_an_old_key_hold_and_the_next_one_is_of_the_new_key(house):
    await deeds(house)
    await house.log_seal.seal()
    assert (await other_process(house, NEW, OLD).check()).whole
    await other_process(house, NEW, OLD).seal()
    assert (await other_process(house, NEW).check()).whole


async def test_an_alarm_is_told_once_and_nothing_is_sealed_until_it_is_accepted(house):
    mara = await house.person("mara", "admin", email="mara@example.org")
    await house.person("noor", "viewer", email="noor@example.org")
    ids = await deeds(house)
    await house.log_seal.seal()
    with pytest.raises(Conflict):
        await house.log_seal.accept(mara)
    house.db.write_sync(lambda c: c.execute(delete(table).where(table.c.id >= ids[3])))
    before = house.db.read_sync(lambda c: meta.get(c, KEY))
    with capture_logs() as lines:
        for seal in (house.log_seal, house.log_seal, other_process(house)):
            await seal.seal()
    assert [line["code"] for line in lines if line["log_level"] == "error"] == [Trouble.CUT]
    await house.work()
    sent = [(note.title, note.recipients[0].email) for note in house.postman.sent]
    assert sent == [("The activity log was changed", "mara@example.org")]
    assert f"entry {ids[4]}" in house.postman.sent[0].text
    assert house.db.read_sync(lambda c: meta.get(c, KEY)) == before
    assert len(house.db.read_sync(incidents.open_incidents)) == 1

    scheduler = other_process(house)
    await scheduler.seal()
    await house.log_seal.accept(mara)
    [entry] = await house.activity.find(limit=1)
    assert (entry.actor, entry.action) == ("mara", "log.accepted")
    assert f"entry {ids[4]}" in entry.subject
    for seal in (scheduler, house.log_seal):
        await seal.seal()
    chain = await house.log_seal.check()
    assert (chain.whole, chain.alarm, chain.sealed_to) == (True, None, entry.id)


async def test_the_log_may_grow_while_it_is_sealed(house):
    works = [house.activity.log(None, "test.deed", str(n)) for n in range(20)]
    seals = [seal.seal() for seal in (house.log_seal, other_process(house)) for _ in range(3)]
    await asyncio.gather(*(one for pair in zip(works, seals, strict=False) for one in pair), *works[len(seals) :])
    await house.log_seal.seal()
    chain = await house.log_seal.check()
    assert (chain.whole, chain.younger, chain.alarm) == (True, 0, None)
