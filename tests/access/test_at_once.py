"""Several processes write at once, on connections of their own: nothing is lost, doubled or answered with a failure.

SQLite has one writer, so this is about PostgreSQL.
"""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from sqlalchemy import select, text

from vaderflix_core.access.activity import ActivityFilter
from vaderflix_core.access.models import ROLES
from vaderflix_core.access.people import stamp
from vaderflix_core.failures import Conflict, Missing
from vaderflix_core.host import _install_id
from vaderflix_core.store import jobs, meta
from vaderflix_core.store.tables import users
from vaderflix_core.store.users import seed_roles

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("db", ["postgresql"], indirect=True)]

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


def until_it_waits(db, second=None):
    """Wait until a transaction waits for another one, or `second` has ended without."""
    ends = time.monotonic() + 30
    while not db.read_sync(lambda conn: conn.execute(WAITING).scalar_one()):
        assert time.monotonic() < ends, "nothing waits"
        if second is not None and second.done():
            return
        time.sleep(0.01)


def both(db, work):
    """What `work` gives to two who do it at once: the second begins before the first has ended its transaction."""
    given, begun, told = [], threading.Event(), []

    def first(conn):
        found = work(conn)
        begun.set()
        until_it_waits(db)
        return found

    def run(one):
        try:
            given.append(db.write_sync(one))
        except Exception as error:
            told.append(error)

    threads = [threading.Thread(target=run, args=(first,)), threading.Thread(target=run, args=(work,))]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    for thread in threads:
        thread.join(30)
    assert told == []
    return given


async def during(house, first, second):
    """Do `second` while `first` has done its work and is about to end its transaction; gives how both ended."""
    loop, note, begun = asyncio.get_running_loop(), house.activity.note, []

    def hold(conn, *args, **kwargs):
        note(conn, *args, **kwargs)
        if not begun:
            begun.append(asyncio.run_coroutine_threadsafe(second(), loop))
            until_it_waits(house.db, begun[0])

    house.activity.note = hold
    try:
        one = (await asyncio.gather(first(), return_exceptions=True))[0]
        return one, (await asyncio.gather(asyncio.wrap_future(begun[0]), return_exceptions=True))[0]
    finally:
        house.activity.note = note


async def test_processes_that_start_at_once_agree_on_what_is_made_once(db):
    assert len(set(both(db, _install_id))) == 1
    both(db, seed_roles)
    assert set(ROLES) <= set(db.read_sync(lambda conn: conn.execute(text("SELECT name FROM roles")).scalars().all()))


async def test_work_that_two_ask_for_at_once_is_enqueued_once(db, clock):
    now = clock()
    added = both(db, lambda conn: jobs.enqueue(conn, key="same", kind="k", payload={}, now=now))
    assert sorted(added) == [False, True]


async def test_a_fact_that_two_set_for_the_first_time_is_set(db):
    both(db, lambda conn: meta.put(conn, "fact", "value"))
    assert db.read_sync(lambda conn: meta.get(conn, "fact")) == "value"


async def test_of_two_that_wait_for_each_other_both_are_done(house, db):
    people = [(await house.person(name)).id for name in ("anna", "ben")]
    met, came = threading.Barrier(2), set()

    def take_in(order):
        def work(conn):
            for one in order:
                conn.execute(select(users.c.id).where(users.c.id == one).with_for_update())
                if order[0] not in came:
                    came.add(order[0])
                    met.wait(30)  # each has the one that the other wants next
            return order[0]

        return db.write_sync(work)

    done = await asyncio.gather(
        *(asyncio.to_thread(take_in, order) for order in (people, people[::-1])), return_exceptions=True
    )
    assert done == people


@pytest.mark.parametrize("known", [False, True])
async def test_what_two_admins_decide_about_the_house_at_once_is_both_kept(house, known):
    mara = await house.person("mara", "admin")
    if known:
        await house.house.change(mara, name="Before")
    await during(
        house,
        lambda: house.house.change(mara, registration="closed"),
        lambda: house.house.change(mara, name="After"),
    )
    now = await house.house.get()
    assert (now.name, now.registration) == ("After", "closed")


async def test_a_right_that_one_admin_takes_from_a_role_is_not_given_back_by_another_who_renames_it(house):
    mara = await house.person("mara", "admin")
    role = await house.roles.create(mara, title="Friends", permissions=["browse", "play"])
    await during(
        house,
        lambda: house.roles.change(mara, role.name, permissions=["browse"]),
        lambda: house.roles.change(mara, role.name, title="Film club"),
    )
    now = await house.roles.get(role.name)
    assert (now.title, now.permissions) == ("Film club", {"browse"})


async def test_of_two_who_change_what_they_saw_of_an_account_the_second_is_told(house):
    mara, noor = await house.person("mara", "admin"), await house.person("noor")
    seen = stamp(noor)
    _, second = await during(
        house,
        lambda: house.people.change(mara, noor.id, display_name="One", seen=seen),
        lambda: house.people.change(mara, noor.id, display_name="Two", seen=seen),
    )
    assert isinstance(second, Conflict)
    assert (await house.people.get(noor.id)).user.display_name == "One"


async def test_an_account_that_two_admins_remove_at_once_is_removed_once(house):
    mara, noor = await house.person("mara", "admin"), await house.person("noor")
    _, second = await during(
        house, lambda: house.people.remove(mara, noor.id), lambda: house.people.remove(mara, noor.id)
    )
    assert isinstance(second, Missing)
    assert len(await house.activity.find(ActivityFilter(action="user.removed"))) == 1
