"""The outbox: what a transaction keeps is run, what it does not keep is not, and a crash loses and doubles nothing."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from vaderflix_core.api.errors import Rejected, Unavailable
from vaderflix_core.jobs.broker import Jobs
from vaderflix_core.jobs.runner import Runner
from vaderflix_core.store import jobs as store

pytestmark = pytest.mark.anyio


def put(db, clock, key, kind="work", **payload):
    return db.write_sync(lambda c: store.enqueue(c, key=key, kind=kind, payload=payload, now=clock()))


async def ran(db, runner, clock):
    """Relay and run what is due, once."""
    for job_id in await db.write(lambda c: store.relay(c, clock())):
        await runner.run(job_id)


async def test_the_same_key_twice_is_one_job(db, clock):
    assert put(db, clock, "a") is True
    assert put(db, clock, "a") is False


async def test_a_job_of_a_transaction_that_fails_is_never_run(db, clock):
    def work(conn):
        store.enqueue(conn, key="a", kind="work", payload={}, now=clock())
        raise LookupError("after all not")

    with pytest.raises(LookupError):
        db.write_sync(work)
    assert db.write_sync(lambda c: store.relay(c, clock())) == []


async def test_effects_and_done_are_one_transaction(db, clock):
    runner = Runner(db, clock)
    kept = []

    async def handler(job):
        def effects(conn):
            store.enqueue(conn, key="follow-up", kind="later", payload={}, now=clock())
            return lambda: kept.append(job.key)

        return effects

    runner.register("work", handler, attempts=3)
    put(db, clock, "a")
    await ran(db, runner, clock)
    assert kept == ["a"]
    assert put(db, clock, "follow-up") is False


async def test_a_job_taken_over_by_another_process_writes_nothing(db, clock):
    slow, fast = Runner(db, clock), Runner(db, clock)
    wrote = []

    async def slow_handler(job):
        clock.forward(seconds=120)  # its lease ends while it works
        await fast.run(job.id)
        return lambda conn: wrote.append("slow")

    async def fast_handler(job):
        return lambda conn: wrote.append("fast")

    slow.register("work", slow_handler, attempts=3)
    fast.register("work", fast_handler, attempts=3)
    put(db, clock, "a")
    await ran(db, slow, clock)
    assert wrote == ["fast"]


async def test_an_unavailable_service_is_tried_again_later_until_the_budget_ends(db, clock):
    runner = Runner(db, clock)
    tries, given_up = [], []

    async def handler(job):
        tries.append(job.attempts)
        raise Unavailable("it sleeps")

    def on_dead(job, error):
        given_up.append(error)

    runner.register("work", handler, attempts=3, on_dead=on_dead)
    put(db, clock, "a")
    await ran(db, runner, clock)
    await ran(db, runner, clock)
    assert tries == [1], "it waits before it tries again"
    for _ in range(3):
        clock.forward(minutes=15)
        await ran(db, runner, clock)
    assert tries == [1, 2, 3]
    assert given_up == ["it sleeps"]
    dead = db.read_sync(store.dead)
    assert [(kind, error) for _, kind, error, _ in dead] == [("work", "it sleeps")]


async def test_a_job_that_hangs_is_ended_and_tried_again(db, clock, monkeypatch):
    monkeypatch.setattr("vaderflix_core.jobs.runner.LONGEST_RUN", 0.05)
    runner, runs = Runner(db, clock), []

    async def handler(job):
        runs.append(job.attempts)
        if job.attempts == 1:
            await asyncio.Event().wait()

    runner.register("work", handler, attempts=3)
    put(db, clock, "a")
    await ran(db, runner, clock)
    assert db.read_sync(store.next_due) is not None
    clock.forward(minutes=1)
    await ran(db, runner, clock)
    assert runs == [1, 2]
    assert db.read_sync(store.next_due) is None


async def test_a_database_that_is_away_for_a_moment_does_not_end_a_running_job(db, clock, monkeypatch):
    monkeypatch.setattr("vaderflix_core.jobs.runner.RENEW_EVERY", 0.01)
    runner, away, renewed = Runner(db, clock), asyncio.Event(), asyncio.Event()

    def renew(conn, job, owner, now):
        if not away.is_set():
            away.set()
            raise OSError("the database is away")
        renewed.set()

    monkeypatch.setattr(store, "renew", renew)

    async def handler(job):
        async with asyncio.timeout(60):
            await renewed.wait()

    runner.register("work", handler, attempts=1)
    put(db, clock, "a")
    await ran(db, runner, clock)
    assert db.read_sync(store.dead) == []


async def test_a_refusal_is_final(db, clock):
    runner = Runner(db, clock)

    async def handler(job):
        raise Rejected("never")

    runner.register("work", handler, attempts=30)
    put(db, clock, "a")
    await ran(db, runner, clock)
    assert len(db.read_sync(store.dead)) == 1


async def test_a_dead_job_can_be_revived_with_a_new_budget(db, clock):
    runner = Runner(db, clock)
    tries = []

    async def handler(job):
        tries.append(job.attempts)
        if len(tries) == 1:
            raise Rejected("not now")
        return None

    runner.register("work", handler, attempts=1)
    put(db, clock, "a")
    await ran(db, runner, clock)
    [(job_id, *_)] = db.read_sync(store.dead)
    assert db.write_sync(lambda c: store.revive(c, job_id, clock()))
    await ran(db, runner, clock)
    assert tries == [1, 1]
    assert db.read_sync(store.dead) == []


async def test_a_lost_wake_up_costs_time_and_not_the_job(db, clock):
    put(db, clock, "a")
    assert len(db.write_sync(lambda c: store.relay(c, clock()))) == 1  # handed out, and lost on the way
    assert db.write_sync(lambda c: store.relay(c, clock())) == []
    clock.forward(seconds=store.RELAY_LEASE.total_seconds() + 1)
    assert len(db.write_sync(lambda c: store.relay(c, clock()))) == 1


async def test_after_a_crash_the_embedded_process_takes_its_jobs_up_at_once(db, clock):
    put(db, clock, "a")
    [job_id] = db.write_sync(lambda c: store.relay(c, clock()))
    assert db.write_sync(lambda c: store.claim(c, job_id, "the dead one", clock())) is not None
    assert db.write_sync(store.requeue_orphans) == 1
    assert db.write_sync(lambda c: store.relay(c, clock())) == [job_id]


async def test_eight_processes_claim_a_job_once(db, clock):
    put(db, clock, "a")
    [job_id] = db.write_sync(lambda c: store.relay(c, clock()))
    start, won = threading.Barrier(8), []

    def claim(number):
        start.wait()
        if db.write_sync(lambda c: store.claim(c, job_id, str(number), clock())) is not None:
            won.append(number)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


async def test_dramatiq_carries_a_job_from_the_outbox_to_its_handler(db, clock):
    runner = Runner(db, clock)
    done = asyncio.Event()

    async def handler(job):
        done.set()
        return None

    runner.register("work", handler, attempts=3)
    jobs = Jobs(db, runner, clock)
    await jobs.start()
    try:
        put(db, clock, "a")
        jobs.wake()
        async with asyncio.timeout(60):
            await done.wait()
    finally:
        await jobs.stop()
    await jobs.stop()


async def test_a_service_that_is_back_hurries_what_waited_for_it(db, clock):
    runner = Runner(db, clock)
    tries = []

    async def handler(job):
        tries.append(1)
        if len(tries) == 1:
            raise Unavailable("down", retry_after=600)
        return None

    runner.register("work", handler, attempts=9)
    put(db, clock, "a")
    await ran(db, runner, clock)
    db.write_sync(lambda c: store.hurry(c, "work", clock()))
    await ran(db, runner, clock)
    assert len(tries) == 2


def test_a_read_only_connection_refuses_to_write(db, clock):
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        db.read_sync(lambda c: store.enqueue(c, key="a", kind="k", payload={}, now=clock()))


def test_next_due_is_the_earliest_queued_job(db, clock):
    later = clock() + timedelta(hours=1)
    db.write_sync(lambda c: store.enqueue(c, key="a", kind="k", payload={}, now=clock(), run_at=later))
    put(db, clock, "b")
    assert db.read_sync(store.next_due) == clock()
