"""The OpenID Connect providers of the house, as admins set them up, and which ways in take people who are new."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..api.errors import ServiceError
from ..api.settings import Secret
from ..failures import Conflict, Invalid, Missing
from ..store import identities as identity_store
from ..store import meta
from ..store import oidc as store
from ..store.database import Database
from ..store.users import all_roles
from ..vault import Vault
from .activity import Activity, changed
from .models import User
from .oidc import Oidc, Provider
from .rights import check_giving_role, role_named
from .ways import keep_one

PREFIX = "oidc."  # no instance is called so, as instances have no dot in their ids
NEWCOMERS = "newcomers"
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,24}")


class Newcomers(Struct, frozen=True, kw_only=True):
    """What becomes of people who come through a way for the first time, without an invitation."""

    welcome: bool = False
    role: str = "viewer"


class Providers:
    """Reads, changes and tries providers."""

    def __init__(self, db: Database, vault: Vault, oidc: Oidc, activity: Activity) -> None:
        self._db = db
        self._vault = vault
        self._oidc = oidc
        self._activity = activity

    # -- providers -----------------------------------------------------------------------------------------------

    async def all(self) -> list[Provider]:
        """All providers, by name."""
        return [self._opened(row) for row in await self._db.read(store.everyone)]

    async def get(self, provider_id: str) -> Provider:
        """One provider. Raises `Missing`."""
        row = await self._db.read(lambda conn: store.get(conn, provider_id))
        if row is None:
            raise Missing("There is no such provider.")
        return self._opened(row)

    def _opened(self, row: store.Row) -> Provider:
        secret = self._vault.open(row.client_secret, _context(row.id)).decode() if row.client_secret else None
        values = {name: getattr(row, name) for name in store.Row.__struct_fields__ if name != "client_secret"}
        return Provider(**values, client_secret=Secret(secret) if secret else None)

    async def save(
        self,
        actor: User,
        *,
        name: str,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        scopes: str = "profile email",
        role_claim: str = "",
        role_value: str = "",
        role: str = "",
        enabled: bool = True,
        id: str | None = None,
    ) -> Provider:
        """Add a provider, or change the one with this `id`: a secret of None stays as it is, an empty one goes.

        It must answer at its address. The issuer of a provider never changes, as its people would be others then.
        Raises `Invalid`, `Missing`, `NotAllowed` for a rule that gives more rights than the actor has.
        """
        before = await self.get(id) if id is not None else None
        name, issuer, client_id = name.strip(), issuer.strip(), client_id.strip()
        role_claim, role_value, role = role_claim.strip(), role_value.strip(), role.strip()
        wrong: dict[str, str] = {}
        if not 1 <= len(name) <= 60:
            wrong["name"] = "Write a name of 1 to 60 letters"
        if not re.match(r"https?://[^\s/?#@]+[^\s?#]*$", issuer) or len(issuer) > 500:
            wrong["issuer"] = "This is not the address of a provider"
        if before is not None and issuer != before.issuer:
            wrong["issuer"] = "The address stays. For another provider, add another one"
        if not 1 <= len(client_id) <= 255:
            wrong["client_id"] = "This is needed"
        if any((role_claim, role_value, role)) and not all((role_claim, role_value, role)):
            wrong["role_claim"] = "The rule needs all three, or none"
        if len(role_claim) > 120 or len(role_value) > 255:
            wrong["role_claim"] = "This is too long"
        if wrong:
            raise Invalid("The provider could not be saved.", wrong)
        # another claim or value gives the role to other people: that is giving it
        if role and (before is None or (role_claim, role_value, role) != _rule(before)):
            check_giving_role(actor, role_named(await self._db.read(all_roles), role))
        if before is None:
            issuer = await self.test(issuer)
        new_id = id or _id_for(name)
        secret = client_secret if client_secret is not None else _reveal(before)
        row = store.Row(
            id=new_id,
            name=name,
            issuer=issuer,
            client_id=client_id,
            client_secret=self._vault.seal(secret.encode(), _context(new_id)) if secret else None,
            scopes=tuple(dict.fromkeys(scopes.split())),
            role_claim=role_claim,
            role_value=role_value,
            role=role,
            enabled=enabled,
        )

        def work(conn: Connection) -> None:
            if before is None and store.get(conn, new_id) is not None:
                raise Conflict("There is a provider of this name already. Choose another name.")
            store.put(conn, row)
            old, new = changed(_terms(before) if before else {}, _terms(self._opened(row)))
            action = "way_in.changed" if before else "way_in.added"
            if new or old:
                self._activity.note(conn, actor, action, name, before=old, after=new)

        await self._db.write(work)
        return self._opened(row)

    async def test(self, issuer: str) -> str:
        """Reach a provider by its address; gives the issuer as it calls itself. Raises `Invalid` in words."""
        try:
            return (await self._oidc.test(issuer.strip())).issuer
        except ServiceError as error:
            raise Invalid("The provider could not be reached.", {"issuer": error.message}) from error

    async def remove(self, actor: User, provider_id: str) -> int:
        """Remove a provider, and what it opened: gives how many accounts have lost this way in.

        Raises `Missing`, and `Conflict` when it is the only way into the account of who asks.
        """

        def work(conn: Connection) -> int:
            row = store.get(conn, provider_id)
            if row is None or not store.remove(conn, provider_id):
                raise Missing("There is no such provider.")
            opened = identity_store.of_provider(conn, PREFIX + provider_id).values()
            lost = len(opened)
            identity_store.drop_provider(conn, PREFIX + provider_id)
            if actor.id in opened:
                keep_one(conn, actor.id)  # an admin can help others back in, but not themselves
            _keep_newcomers(conn, {k: v for k, v in _newcomers(conn, lock=True).items() if k != PREFIX + provider_id})
            self._activity.note(conn, actor, "way_in.removed", row.name, after={"accounts": lost})
            return lost

        return await self._db.write(work)

    # -- newcomers -----------------------------------------------------------------------------------------------

    async def newcomers(self) -> dict[str, Newcomers]:
        """What is decided about newcomers, by way; a way that is not in it takes none."""
        return await self._db.read(_newcomers)

    async def welcome(self, actor: User, way: str, *, welcome: bool, role: str) -> None:
        """Decide whether people who are new may come in by a way, and as what. Raises `Invalid`, `NotAllowed`."""
        check_giving_role(actor, role_named(await self._db.read(all_roles), role))

        def work(conn: Connection) -> None:
            known = _newcomers(conn, lock=True)
            before, after = known.get(way, Newcomers()), Newcomers(welcome=welcome, role=role)
            _keep_newcomers(conn, known | {way: after})
            old, new = changed(msgspec.to_builtins(before), msgspec.to_builtins(after))
            if new:
                self._activity.note(conn, actor, "way_in.newcomers", way, before=old, after=new)

        await self._db.write(work)


def _newcomers(conn: Connection, *, lock: bool = False) -> dict[str, Newcomers]:
    kept = meta.get(conn, NEWCOMERS, lock=lock)
    return msgspec.json.decode(kept, type=dict[str, Newcomers]) if kept else {}


def _keep_newcomers(conn: Connection, values: dict[str, Newcomers]) -> None:
    meta.put(conn, NEWCOMERS, msgspec.json.encode(values).decode())


def _context(provider_id: str) -> str:
    return f"oidc:{provider_id}:client-secret"


def _id_for(name: str) -> str:
    found = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:25].strip("-")
    if not ID.fullmatch(found):
        raise Invalid("The provider could not be saved.", {"name": "Use some letters from a to z in the name"})
    return found


def _reveal(provider: Provider | None) -> str:
    return provider.client_secret.reveal() if provider is not None and provider.client_secret is not None else ""


def _rule(provider: Provider) -> tuple[str, str, str]:
    return provider.role_claim, provider.role_value, provider.role


def _terms(provider: Provider) -> dict[str, object]:
    rule = f"{provider.role_claim}: {provider.role_value} is {provider.role}" if provider.role else ""
    return {
        "issuer": provider.issuer,
        "client": provider.client_id,
        "secret": "set" if provider.client_secret else "none",
        "scopes": provider.scopes,
        "rule": rule,
        "on": provider.enabled,
    }
