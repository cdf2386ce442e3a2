"""The one door to the database: sync SQLAlchemy Core in threads, on SQLite (WAL) or PostgreSQL.

Measured in `reference/stack.md`: two to three times the async engines on both databases, and one code path for the
web and the worker. Writes run in `BEGIN IMMEDIATE`: with SQLite's deferred default, two writers that read first lose
updates silently. Reads have an engine of their own that cannot write and never waits for a writer.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")

READERS = 4
# what ends a transaction of PostgreSQL because of another one: a serialization failure, a deadlock, and a key that came
# after it was looked for. All of it was undone; run again, it sees what the other one did
IN_THE_WAY = frozenset({"40001", "40P01", "23505"})
TRIES = 6
PAUSE = 0.1  # seconds at most between two tries


class Database:
    """One database, opened. `url` is SQLAlchemy's; `sqlite:///path` or `postgresql://user@host/name`."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            raise ValueError(f"The database must be SQLite or PostgreSQL, not {self.dialect}.")
        self._lock: threading.Lock | None = None
        if self.dialect == "sqlite":
            # one writer at a time is all that SQLite has; queueing here is fair, its busy handler is not
            self._lock = threading.Lock()
            self.writer = _sqlite_engine(self.url, read_only=False)
            self.reader = _sqlite_engine(self.url, read_only=True)
        else:
            self.writer = create_engine(self.url, pool_size=READERS, max_overflow=4, pool_pre_ping=True)
            self.reader = create_engine(
                self.url,
                pool_size=READERS,
                max_overflow=4,
                pool_pre_ping=True,
                isolation_level="AUTOCOMMIT",
                connect_args={"options": "-c default_transaction_read_only=on"},
            )
        self._threads = ThreadPoolExecutor(READERS + 2, thread_name_prefix="store")

    @property
    def path(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        return Path(self.url.database) if self.dialect == "sqlite" and self.url.database else None

    def write_sync(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction on the calling thread: all of it is kept, or none.

        PostgreSQL has many writers: where another one was in the way, `work` is run again from its beginning.
        """
        if self._lock is None:
            return self._write_among_others(work)
        with self._lock, self.writer.begin() as conn:
            return work(conn)

    def _write_among_others(self, work: Callable[[Connection], T]) -> T:
        left = TRIES
        while True:
            left -= 1
            try:
                with self.writer.begin() as conn:
                    return work(conn)
            except DBAPIError as error:
                if not left or getattr(error.orig, "sqlstate", None) not in IN_THE_WAY:
                    raise
            time.sleep(random.uniform(0, PAUSE))

    def read_sync(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on the calling thread, on a connection that cannot write."""
        with self.reader.connect() as conn:
            return work(conn)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """`write_sync` in a thread."""
        # the thread sees what the caller's context says, as with asyncio.to_thread
        run = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, self.write_sync, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """`read_sync` in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.read_sync, work)

    def dispose(self) -> None:
        """Close all connections; safe to call twice."""
        self._threads.shutdown(wait=True)
        self.writer.dispose()
        self.reader.dispose()


def _sqlite_engine(url: Any, *, read_only: bool) -> Engine:
    engine = create_engine(url, pool_size=READERS if read_only else 1, max_overflow=4, pool_timeout=30)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "busy_timeout=10000",
            "foreign_keys=ON",
            "cache_size=-8000",
            *(("query_only=ON",) if read_only else ()),
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
