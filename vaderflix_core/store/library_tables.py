"""The library index: titles that media sources hold, mirrored so that a search never waits for a source.

Times are unix seconds, UTC. Deleting an item takes its ids and titles along; the full-text table `library_search` is no
part of the metadata, because each database has its own kind (see `library_search.py`).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from .metadata import metadata

# prefix look-ups compare code points, which no language's own sort order does
BINARY_TEXT = Text().with_variant(Text(collation="C"), "postgresql")

library_items = Table(
    "library_items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instance", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("sort_title", BINARY_TEXT, nullable=False),  # folded
    Column("year", Integer),
    Column("added_at", BigInteger),
    Column("updated_at", BigInteger),
    Column("data", LargeBinary, nullable=False),  # the LibraryItem as JSON
    Column("marker", Integer, nullable=False),  # the newest sweep of its instance that saw it
    UniqueConstraint("instance", "key"),
    Index("ix_library_items_browse", "kind", "sort_title", "id"),
    Index("ix_library_items_added", "added_at", "id"),
)

library_ids = Table(
    "library_ids",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("catalogue", String(16), primary_key=True),
    Column("value", String(255), primary_key=True),
    Column("item_id", ForeignKey("library_items.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_library_ids_item", "item_id"),
)

library_titles = Table(
    "library_titles",
    metadata,
    Column("item_id", ForeignKey("library_items.id", ondelete="CASCADE"), primary_key=True),
    Column("folded", BINARY_TEXT, primary_key=True),
    Column("compact", BINARY_TEXT, nullable=False),  # folded, without spaces: “spiderman” finds “Spider-Man”
    Column("kind", String(16), nullable=False),
    Column("year", Integer, nullable=False),  # 0: unknown
    # holds all that the first step of a search reads
    Index("ix_library_titles_compact", "compact", "year", "item_id", "kind"),
)

library_spellings = Table(
    "library_spellings",
    metadata,
    # what a word's beginning looks like with a letter or two missing: two words that differ by a typo meet here
    Column("spelling", BINARY_TEXT, primary_key=True),
    Column("term", BINARY_TEXT, primary_key=True),
    sqlite_with_rowid=False,
)

library_sweeps = Table(
    "library_sweeps",
    metadata,
    Column("instance", String(64), primary_key=True),
    Column("marker", Integer, nullable=False),  # number of the newest sweep
    Column("swept_at", BigInteger),  # start of the last sweep that was complete
    Column("changes_at", BigInteger),  # what changed before is known
    Column("error", Text, nullable=False),  # why the last sweep was not complete
    Column("pending_marker", Integer),  # items not seen since this sweep wait for an admin's word
)
