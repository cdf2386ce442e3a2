"""What the monitor remembers of each instance."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from .tables import health


def remember(conn: Connection, instance: str, state: str) -> None:
    """Keep the state of an instance, as JSON."""
    done = conn.execute(
        update(health).where(health.c.instance == instance).values(state=state).returning(health.c.instance)
    )
    if done.first() is None:
        conn.execute(insert(health).values(instance=instance, state=state))


def recall(conn: Connection) -> dict[str, str]:
    """The kept states by instance."""
    return {row.instance: row.state for row in conn.execute(select(health))}
