"""Fixtures that several suites share: the databases, as they are in production."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vaderflix_core.store.database import Database
from vaderflix_core.store.migrate import migrate
from vaderflix_core.testing.servers import ProgramMissing, fresh_database, postgres


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL, for the whole run."""
    try:
        with postgres(tmp_path_factory.mktemp("postgres")) as url:
            yield url
    except ProgramMissing as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database: each test that takes it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'vaderflix.db'}"
    else:
        url = fresh_database(request.getfixturevalue("postgres_server"))
    database = Database(url)
    migrate(database)
    yield database
    database.dispose()


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
