"""Instances that admins made, their settings sealed."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from .tables import disabled_plugins, instances

i = instances.c


class StoredInstance(Struct, frozen=True, kw_only=True):
    """A row: `settings` is sealed by the vault."""

    id: str
    plugin: str
    name: str
    enabled: bool
    priority: int
    settings: bytes
    version: int


def all_instances(conn: Connection) -> list[StoredInstance]:
    """All rows."""
    rows = conn.execute(select(i.id, i.plugin, i.name, i.enabled, i.priority, i.settings, i.version).order_by(i.id))
    return [StoredInstance(**row._mapping) for row in rows]


def put(conn: Connection, row: StoredInstance, now: datetime) -> None:
    """Add or replace a row; its version goes up by one."""
    values = {"plugin": row.plugin, "name": row.name, "enabled": row.enabled, "priority": row.priority}
    values |= {"settings": row.settings, "updated_at": now}
    changed = conn.execute(
        update(instances).where(i.id == row.id).values(**values, version=i.version + 1).returning(i.id)
    )
    if changed.first() is None:
        conn.execute(insert(instances).values(id=row.id, version=1, **values))


def remove(conn: Connection, instance_id: str) -> None:
    """Delete a row."""
    conn.execute(delete(instances).where(i.id == instance_id))


def plugins_off(conn: Connection) -> set[str]:
    """Plugins that an admin switched off."""
    return set(conn.execute(select(disabled_plugins.c.plugin)).scalars())


def switch_plugin(conn: Connection, plugin: str, on: bool) -> None:
    """Switch a plugin on or off."""
    conn.execute(delete(disabled_plugins).where(disabled_plugins.c.plugin == plugin))
    if not on:
        conn.execute(insert(disabled_plugins).values(plugin=plugin))
