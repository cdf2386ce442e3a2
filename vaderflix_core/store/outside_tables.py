"""Tables of sign-ins through other houses: those under way, and the providers that admins set up."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, LargeBinary, String, Table, Text

from .metadata import metadata
from .types import Packed, UtcDateTime

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("browser_hash", LargeBinary(32), nullable=False),  # only the browser that began may go on
    Column("way", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

oidc_providers = Table(
    "oidc_providers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", String(255), nullable=False),
    Column("client_secret", LargeBinary),  # sealed; None for a public client
    Column("scopes", Packed(tuple[str, ...]), nullable=False),
    Column("role_claim", String(120), nullable=False, default=""),  # whose claim holds `role_value` gets `role`
    Column("role_value", String(255), nullable=False, default=""),
    Column("role", String(32), nullable=False, default=""),
    Column("enabled", Boolean, nullable=False, default=True),
)
