"""Run by alembic, with the open connection that `migrate.py` hands over."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import DateTime, Text

from vaderflix_core.store import access_tables as _access_tables  # noqa: F401 - fills the metadata
from vaderflix_core.store import outside_tables as _outside_tables  # noqa: F401 - fills the metadata
from vaderflix_core.store import tables as _tables  # noqa: F401 - fills the metadata
from vaderflix_core.store.metadata import metadata
from vaderflix_core.store.types import Packed, UtcDateTime


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write our column types as what they are in the database, so that a migration needs none of our code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Packed):
        return "sa.Text()"
    return False


def compare_type(context: Any, inspected: Any, column: Any, inspected_type: Any, metadata_type: Any) -> bool | None:
    """Our types are compared as what they are in the database."""
    plain = {UtcDateTime: DateTime, Packed: Text}.get(type(metadata_type))
    return not isinstance(inspected_type, plain) if plain else None


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """The full-text tables are no part of the metadata; each database has its own kind."""
    return not (kind in ("table", "index") and (name or "").startswith(("library_search", "ix_library_search")))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=render_item,
    compare_type=compare_type,
    include_object=include_object,
    transaction_per_migration=False,
)
context.run_migrations()
