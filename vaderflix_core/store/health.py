"""What the monitor remembers of each instance."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from .tables import health


def remember(conn: Connection, instance: str, state: str) -> None:
    """Keep the state of an instance, as JSON."""
    # in one statement: two that see for the first time how an instance is, at once, must not clash
    insertion = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    first = insertion(health).values(instance=instance, state=state)
    conn.execute(first.on_conflict_do_update(index_elements=[health.c.instance], set_={"state": state}))


def recall(conn: Connection) -> dict[str, str]:
    """The kept states by instance."""
    return {row.instance: row.state for row in conn.execute(select(health))}
