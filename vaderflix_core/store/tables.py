"""All tables but the library's (see `library_tables.py`); the repositories beside this file read and write them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from . import library_tables  # noqa: F401 - one metadata for all
from .metadata import metadata
from .types import Packed, UtcDateTime

Id = BigInteger().with_variant(Integer, "sqlite")


def owner(**options: Any) -> Column[int]:
    """The column that says whose a row is; it goes with the account."""
    return Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, **options)


meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

roles = Table(
    "roles",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("title", String(120), nullable=False),
    Column("permissions", Packed(tuple[str, ...]), nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("username", String(64), nullable=False),
    Column("username_key", String(64), nullable=False, unique=True),  # case-folded
    Column("display_name", String(120), nullable=False),
    Column("email", String(254)),
    Column("password_hash", Text),
    Column("role", String(32), nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("time_zone", String(64)),
    Column("granted", Packed(tuple[str, ...]), nullable=False),  # permissions beside the role's
    Column("withheld", Packed(tuple[str, ...]), nullable=False),  # permissions of the role that this account lacks
    Column("totp", LargeBinary),  # sealed; there but unconfirmed while it is being set up
    Column("totp_confirmed_at", UtcDateTime),
    Column("totp_step", BigInteger),  # the last time step that was used: a code works once
    Column("muted", Packed(tuple[str, ...]), nullable=False),  # kinds of news that the person does not want
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime),
)

instances = Table(
    "instances",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("plugin", String(64), nullable=False),
    Column("name", String(120), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("settings", LargeBinary, nullable=False),  # sealed by the vault
    Column("version", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

disabled_plugins = Table("disabled_plugins", metadata, Column("plugin", String(64), primary_key=True))

requests = Table(
    "requests",
    metadata,
    Column("id", Id, primary_key=True),
    owner(index=True),
    Column("kind", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("year", Integer),
    Column("imdb", String(16)),
    Column("tmdb", BigInteger),
    Column("tvdb", BigInteger),
    Column("poster", Text),  # an opaque image id
    Column("seasons", Packed(tuple[int, ...]), nullable=False),
    Column("quality", String(16), nullable=False, server_default="standard"),
    Column("state", String(24), nullable=False),
    Column("instance", String(64)),
    Column("ticket", Text),  # the requester's own id for the title
    Column("routing", Packed(tuple[str, ...]), nullable=False),
    Column("reason", String(32)),
    Column("evidence", Text, nullable=False, default=""),
    Column("percent", Float),
    Column("size", BigInteger),
    Column("left", BigInteger),
    Column("eta_seconds", Integer),
    Column("download_ids", Packed(tuple[str, ...]), nullable=False),
    Column("decline_reason", Text, nullable=False, default=""),
    Column("stuck_since", UtcDateTime),
    Column("checked_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_requests_state", "state"),
    Index("ix_requests_tmdb", "kind", "tmdb"),
    Index("ix_requests_tvdb", "kind", "tvdb"),
    Index("ix_requests_imdb", "kind", "imdb"),
)

request_events = Table(
    "request_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request_id", Id, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("type", String(32), nullable=False),
    Column("state", String(24), nullable=False),
    Column("actor", String(120), nullable=False, default=""),
    Column("data", Packed(dict[str, str]), nullable=False),
)

problems = Table(
    "problems",
    metadata,
    Column("id", Id, primary_key=True),
    owner(index=True),
    Column("kind", String(16), nullable=False),
    Column("imdb", String(16)),
    Column("tmdb", BigInteger),
    Column("tvdb", BigInteger),
    Column("title", Text, nullable=False),
    Column("season", Integer),
    Column("episode", Integer),
    Column("sort", String(16), nullable=False),  # picture, sound, subtitles, other
    Column("message", Text, nullable=False, default=""),
    Column("state", String(16), nullable=False, index=True),  # open, solved
    Column("answer", Text, nullable=False, default=""),
    Column("solved_by", String(120), nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),  # the same key twice is one job
    Column("kind", String(64), nullable=False),
    Column("payload", Packed(dict[str, Any]), nullable=False),
    Column("state", String(16), nullable=False),  # queued, running, done, dead
    Column("run_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("lease_until", UtcDateTime),
    Column("owner", String(64)),
    Column("error", Text, nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_jobs_due", "state", "run_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

health = Table(
    "health",
    metadata,
    Column("instance", String(64), primary_key=True),
    Column("state", Text, nullable=False),  # the monitor's memory of the instance, as JSON
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("notification_id", String(120), nullable=False),
    Column("instance", String(64), nullable=False),
    Column("recipient", String(254), nullable=False),
    Column("title", Text, nullable=False),
    Column("state", String(16), nullable=False),  # queued, delivered, refused, dropped
    Column("detail", Text, nullable=False, default=""),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("notification_id", "instance", "recipient"),
)

positions = Table(
    "positions",
    metadata,
    owner(primary_key=True),
    Column("instance", String(64), primary_key=True),
    Column("key", String(120), primary_key=True),  # the film's or episode's key
    Column("item_key", String(120), nullable=False),  # the film's or series' key
    Column("label", Text, nullable=False, default=""),  # "S1 E5 Title" for episodes
    Column("seconds", Float, nullable=False),
    Column("duration", Float, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance", String(64), nullable=False, index=True),
    Column("code", String(120), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
)

activity = Table(
    "activity",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", Id),  # kept when the account is deleted
    Column("actor", String(120), nullable=False),
    Column("ip", String(45), nullable=False, default=""),
    Column("action", String(64), nullable=False, index=True),
    Column("subject", Text, nullable=False),
    Column("before", Packed(dict[str, str]), nullable=False),
    Column("after", Packed(dict[str, str]), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),  # over this entry and the hash of the one before
    Index("ix_activity_actor", "actor_id", "action"),
)
