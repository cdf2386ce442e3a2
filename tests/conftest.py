"""Fixtures that several suites share: the databases, as they are in production, and what is made once for a run."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from argon2 import PasswordHasher
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from litestar import Litestar

from vaderflix_core import host as host_module
from vaderflix_core.access import hashing
from vaderflix_core.host import Host
from vaderflix_core.store.database import Database
from vaderflix_core.store.migrate import migrate
from vaderflix_core.testing.servers import ProgramMissing, fresh_database, postgres
from vaderflix_web import templating
from vaderflix_web.app import create_app, state_of
from vaderflix_web.limits import make_limiter

if TYPE_CHECKING:
    from playwright.async_api import Browser


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL, for the whole run."""
    try:
        with postgres(tmp_path_factory.mktemp("postgres")) as url:
            yield url
    except ProgramMissing as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables: each test that takes it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'vaderflix.db'}"
    else:
        url = fresh_database(request.getfixturevalue("postgres_server"))
    database = Database(url)
    yield database
    database.dispose()


def migrated(url: str) -> str:
    database = Database(url)
    migrate(database)
    database.dispose()
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "vaderflix.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    """The URL of a migrated database, to be copied."""
    return migrated(fresh_database(postgres_server))


class Reused:
    """A migrated database on PostgreSQL, for one test after the other: to copy one takes a fifth of a second."""

    def __init__(self, url: str) -> None:
        self.url = url
        with psycopg.connect(url) as connection:
            tables = self._column(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            filled = [t for t in tables if self._column(connection, f'SELECT 1 FROM "{t}" LIMIT 1')]
            assert filled == ["alembic_version"], f"a migration fills {filled}"
            sequences = self._column(connection, "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
        # a replica minds neither references nor triggers
        self._empty = "; ".join(
            [
                "SET session_replication_role = replica",
                *(f'DELETE FROM "{table}"' for table in tables if table not in filled),
                *(f"SELECT setval('\"{sequence}\"', 1, false)" for sequence in sequences),
            ]
        )

    @staticmethod
    def _column(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> list[Any]:
        return [row[0] for row in connection.execute(query.encode())]

    def as_new(self) -> str:
        """Its URL, once it is empty and nobody of the test before is connected."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute(self._empty.encode())
        return self.url


@pytest.fixture(scope="session")
def reused_postgres(postgres_server: str, migrated_postgres: str) -> Reused:
    return Reused(fresh_database(postgres_server, migrated_postgres))


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database: each test that takes it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), tmp_path)}"
    else:
        url = request.getfixturevalue("reused_postgres").as_new()
    database = Database(url)
    yield database
    database.dispose()


class Compiled(BytecodeCache):
    """The code of templates that were compiled before in this process."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._codes[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def made_once(migrated_sqlite: Path) -> Iterator[None]:
    """Thousands of hosts are started in a run: their schema is copied, and a template is compiled by the first."""

    def migrate_copy(database: Database) -> None:
        if database.path is not None and not database.path.exists():
            shutil.copy(migrated_sqlite, database.path)
        migrate(database)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host_module, "migrate", migrate_copy)
        patch.setattr(templating, "Environment", partial(Environment, bytecode_cache=Compiled()))
        yield


in_production = hashing._hasher


@pytest.fixture(scope="session", autouse=True)
def light_hashes() -> Iterator[None]:
    """Passwords hashed in no time. What is said about the time or the work of a hash is tested with `true_hashes`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def true_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_hasher", in_production)


@pytest.fixture(scope="module")
async def started_browser(anyio_backend: str) -> AsyncIterator[Browser]:
    """A real Chromium, started once for a module."""
    from .chromium import chromium

    async with chromium() as started:
        yield started


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@pytest.fixture
def clock() -> Clock:
    return Clock()


BuiltApp = Callable[[Host], Litestar]


@pytest.fixture(scope="session")
def built_app() -> BuiltApp:
    """The web application around one host after the other: building its routes takes most of a second."""
    built: dict[tuple[object, ...], Litestar] = {}

    def around(host: Host) -> Litestar:
        config = host.config
        fixed = (config.base_url, tuple(config.allowed_hosts), tuple(config.trusted_proxies))
        if fixed not in built:
            built[fixed] = create_app(host, manage_host=False)
        else:
            built[fixed].state.update(state_of(host, make_limiter(config.redis_url)))
        return built[fixed]

    return around
