"""How people come in and stay in: sessions and their tokens, keys, linked sign-ins, links, invitations, shares."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from .metadata import metadata
from .tables import Id, owner
from .types import Packed, UtcDateTime

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    owner(index=True),
    Column("method", String(32), nullable=False),  # password, passkey, or the id of an identity provider
    Column("user_agent", String(400), nullable=False, default=""),
    Column("ip", String(45), nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("session_id", Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),  # a token that comes back after it was used was stolen from somebody
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    owner(index=True),
    Column("name", String(120), nullable=False),
    Column("prefix", String(16), nullable=False),  # the part that is shown
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),
    Column("scopes", Packed(tuple[str, ...]), nullable=False),  # permissions; those of the account narrow them
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
)

identities = Table(
    "identities",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("subject", String(255), primary_key=True),  # the provider's own id of the person, never an address
    owner(index=True),
    Column("label", String(254), nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Id, primary_key=True),
    owner(index=True),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", Integer, nullable=False),
    Column("name", String(120), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),
    owner(index=True),
    Column("used_at", UtcDateTime),
)

links = Table(
    "links",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("kind", String(32), nullable=False),  # reset, email, second_factor
    owner(index=True),
    Column("data", Packed(dict[str, str]), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)

spent = Table(  # sealed one-time values that travelled with the visitor, such as a passkey's challenge
    "spent",
    metadata,
    Column("value_hash", LargeBinary(32), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
)

invites = Table(
    "invites",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code_hash", LargeBinary(32), nullable=False, unique=True),
    Column("created_by", Id, ForeignKey("users.id", ondelete="SET NULL")),
    Column("inviter", String(120), nullable=False),  # shown to the visitor
    Column("role", String(32), nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("email", String(254)),  # only this address may use it
    Column("libraries", Packed(dict[str, tuple[str, ...]]), nullable=False),  # instance -> library ids to share
    Column("uses", Integer, nullable=False),  # how often it may be used
    Column("used", Integer, nullable=False, default=0),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

invite_uses = Table(
    "invite_uses",
    metadata,
    Column("invite_id", Id, ForeignKey("invites.id", ondelete="CASCADE"), primary_key=True),
    owner(primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

access_requests = Table(
    "access_requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("email", String(254), nullable=False, index=True),
    Column("message", Text, nullable=False),
    Column("ip", String(45), nullable=False, default=""),
    Column("state", String(16), nullable=False, index=True),  # pending, approved, rejected
    Column("decided_by", String(120), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("invite_id", Id, ForeignKey("invites.id", ondelete="SET NULL")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
)

shares = Table(
    "shares",
    metadata,
    Column("id", Id, primary_key=True),
    owner(index=True),
    Column("instance", String(64), nullable=False),
    Column("person", String(254), nullable=False),  # the address or name that was invited there
    Column("subject", String(255)),  # the source's own id of the person, once it is known
    Column("remote_id", String(120)),  # the source's own id of the share, once it is known
    Column("libraries", Packed(tuple[str, ...]), nullable=False),
    Column("state", String(16), nullable=False),  # as `shares.Kept` names them
    Column("detail", Text, nullable=False, default=""),
    Column("tries", Integer, nullable=False, default=0),  # to have what is wanted
    Column("retry_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "instance"),
)
