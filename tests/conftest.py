"""Fixtures that several suites share: the databases, as they are in production."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from litestar import Litestar

from vaderflix_core.host import Host
from vaderflix_core.store.database import Database
from vaderflix_core.store.migrate import migrate
from vaderflix_core.testing.servers import ProgramMissing, fresh_database, postgres
from vaderflix_web.app import create_app, state_of
from vaderflix_web.limits import make_limiter


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


@pytest.fixture
def db(empty_db: Database) -> Database:
    """A migrated database, as `empty_db`."""
    migrate(empty_db)
    return empty_db


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
