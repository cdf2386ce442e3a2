"""OpenID Connect providers in the database."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from .outside_tables import oidc_providers

p = oidc_providers.c


class Row(Struct, frozen=True, kw_only=True):
    """A provider as it is kept; the secret is sealed."""

    id: str
    name: str
    issuer: str
    client_id: str
    client_secret: bytes | None
    scopes: tuple[str, ...]
    role_claim: str
    role_value: str
    role: str
    enabled: bool


def everyone(conn: Connection) -> list[Row]:
    """All providers, by name."""
    return [Row(**row._mapping) for row in conn.execute(select(oidc_providers).order_by(p.name, p.id))]


def get(conn: Connection, provider_id: str) -> Row | None:
    """One provider."""
    row = conn.execute(select(oidc_providers).where(p.id == provider_id)).first()
    return Row(**row._mapping) if row else None


def put(conn: Connection, row: Row) -> None:
    """Add or change a provider."""
    values = {name: getattr(row, name) for name in Row.__struct_fields__ if name != "id"}
    changed = conn.execute(update(oidc_providers).where(p.id == row.id).values(**values).returning(p.id)).first()
    if changed is None:
        conn.execute(insert(oidc_providers).values(id=row.id, **values))


def remove(conn: Connection, provider_id: str) -> bool:
    """Remove a provider; False when there is none such."""
    return conn.execute(delete(oidc_providers).where(p.id == provider_id).returning(p.id)).first() is not None
