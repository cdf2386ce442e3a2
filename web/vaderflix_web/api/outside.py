"""Accounts elsewhere and sharing: the ways in, the providers behind them, and who may see which libraries there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from vaderflix_core.access.oidc import Provider
from vaderflix_core.access.share_ends import ShareEnd
from vaderflix_core.access.sharing import Source

from ..auth import host_of
from ..guards import IN_PERSON
from ..page import Req
from .shapes import Input

SET_UP = {"permission": "settings"}
MANAGE = {"permission": "users.manage"}
MINE = {"permission": IN_PERSON}

Text = Annotated[str, Meta(max_length=500)]
Libraries = Annotated[list[Annotated[str, Meta(max_length=120)]], Meta(max_length=500)]


class WayOut(Struct, frozen=True, kw_only=True):
    """A way in: people sign in by it in a browser, on the sign-in page."""

    id: str
    name: str


class LinkedOut(Struct, frozen=True, kw_only=True):
    """An account elsewhere that opens one's own."""

    provider: str
    subject: str
    label: str
    created_at: datetime


class Unlink(Input, frozen=True, kw_only=True):
    """Which linked account is to go."""

    provider: Text
    subject: Text


class ProviderIn(Input, frozen=True, kw_only=True):
    """An OpenID Connect provider. A `client_secret` of null stays as it is, an empty one goes."""

    name: Text
    issuer: Text
    client_id: Text
    client_secret: Annotated[str, Meta(max_length=2000)] | None = None
    scopes: Text = "profile email"
    role_claim: Text = ""
    role_value: Text = ""
    role: Text = ""
    enabled: bool = True


class ProviderOut(Struct, frozen=True, kw_only=True):
    """A provider without its secret."""

    id: str
    name: str
    issuer: str
    client_id: str
    has_secret: bool
    scopes: list[str]
    role_claim: str
    role_value: str
    role: str
    enabled: bool

    @classmethod
    def of(cls, provider: Provider) -> ProviderOut:
        """From the domain's."""
        return cls(
            id=provider.id,
            name=provider.name,
            issuer=provider.issuer,
            client_id=provider.client_id,
            has_secret=provider.client_secret is not None,
            scopes=list(provider.scopes),
            role_claim=provider.role_claim,
            role_value=provider.role_value,
            role=provider.role,
            enabled=provider.enabled,
        )


class Welcome(Input, frozen=True, kw_only=True):
    """Whether people who are new may come in by a way, and as what."""

    welcome: bool
    role: Annotated[str, Meta(max_length=32)]


class ShareIn(Input, frozen=True, kw_only=True):
    """Libraries to share, one at least."""

    libraries: Libraries


class NewShare(ShareIn, frozen=True, kw_only=True):
    """Libraries to share with an account."""

    user_id: Annotated[int, Meta(ge=1, le=2**53)]


class ShareOut(Struct, frozen=True, kw_only=True):
    """One share. `share_id` is null while the source has none; what is wanted is tried again at `retry_at`."""

    share_id: str | None
    user_id: int | None
    name: str
    state: str
    libraries: list[str]
    everything: bool
    detail: str
    retry_at: datetime | None


class SourceOut(Struct, frozen=True, kw_only=True):
    """One source with its libraries by id, and its shares. With `error` set they are what was known last."""

    instance: str
    name: str
    libraries: dict[str, str]
    shares: list[ShareOut]
    error: str
    gone: int

    @classmethod
    def of(cls, source: Source) -> SourceOut:
        """From the domain's."""
        return cls(
            instance=source.instance,
            name=source.name,
            libraries={one.id: one.title for one in source.libraries},
            shares=[
                ShareOut(
                    share_id=row.share_id,
                    user_id=row.user.id if row.user else None,
                    name=row.name,
                    state=row.state,
                    libraries=list(row.libraries),
                    everything=row.everything,
                    detail=row.detail,
                    retry_at=row.retry_at,
                )
                for row in source.rows
            ],
            error=source.error,
            gone=source.gone,
        )


@get("/session/ways", opt={"permission": "public"})
async def ways(request: Req) -> list[WayOut]:
    """The ways in through other houses that are open now."""
    return [WayOut(id=way.id, name=way.name) for way in await host_of(request).identities.ways()]


@get("/me/identities", opt=MINE)
async def linked(request: Req) -> list[LinkedOut]:
    """The accounts elsewhere that open one's own."""
    found = await host_of(request).identities.linked(request.user)
    return [
        LinkedOut(provider=one.provider, subject=one.subject, label=one.label, created_at=one.created_at)
        for one in found
    ]


@post("/me/identities/unlink", opt=MINE, status_code=204)
async def unlink(request: Req, data: JSONBody[Unlink]) -> Response[None]:
    """Take one away, unless it is the only way in."""
    await host_of(request).identities.unlink(request.user, data.provider, data.subject)
    return Response(None, status_code=204)


@get("/house/providers", opt=SET_UP)
async def providers(request: Req) -> list[ProviderOut]:
    """All OpenID Connect providers."""
    return [ProviderOut.of(one) for one in await host_of(request).providers.all()]


async def _save(request: Req, data: ProviderIn, id: str | None) -> ProviderOut:
    saved = await host_of(request).providers.save(
        request.user, id=id, **{name: getattr(data, name) for name in ProviderIn.__struct_fields__}
    )
    return ProviderOut.of(saved)


@post("/house/providers", opt=SET_UP)
async def add_provider(request: Req, data: JSONBody[ProviderIn]) -> ProviderOut:
    """Add a provider; it must answer at its address."""
    return await _save(request, data, None)


@put("/house/providers/{id:str}", opt=SET_UP)
async def change_provider(request: Req, id: FromPath[str], data: JSONBody[ProviderIn]) -> ProviderOut:
    """Change a provider; its address stays."""
    return await _save(request, data, id)


@delete("/house/providers/{id:str}", opt=SET_UP)
async def remove_provider(request: Req, id: FromPath[str]) -> None:
    """Remove a provider and the ways into accounts that it was."""
    await host_of(request).providers.remove(request.user, id)


@put("/house/ways/{way:str}", opt=SET_UP)
async def welcome(request: Req, way: FromPath[str], data: JSONBody[Welcome]) -> None:
    """Decide who may come in by a way for the first time."""
    host = host_of(request)
    found = await host.identities.way(way)
    await host.providers.welcome(request.user, found.provider, welcome=data.welcome, role=data.role)


@get("/house/sharing", opt=MANAGE)
async def sources(request: Req) -> list[SourceOut]:
    """Every source with all its shares, asked for now."""
    return [SourceOut.of(source) for source in await host_of(request).sharing.overview()]


@post("/house/sharing/{instance:str}/people", opt=MANAGE, status_code=204)
async def invite(request: Req, instance: FromPath[str], data: JSONBody[NewShare]) -> Response[None]:
    """Share with an account; what is shared already stays."""
    await host_of(request).sharing.invite(request.user, data.user_id, instance, data.libraries)
    return Response(None, status_code=204)


@put("/house/sharing/{instance:str}/shares/{share:str}", opt=MANAGE)
async def change(request: Req, instance: FromPath[str], share: FromPath[str], data: JSONBody[ShareIn]) -> None:
    """Share these libraries instead."""
    await host_of(request).sharing.change(request.user, instance, share, data.libraries)


@delete("/house/sharing/{instance:str}/shares/{share:str}", opt=MANAGE)
async def remove(request: Req, instance: FromPath[str], share: FromPath[str]) -> None:
    """End a share."""
    await host_of(request).sharing.remove(request.user, instance, share)


@post("/house/sharing/{instance:str}/people/{user_id:int}/suspend", opt=MANAGE, status_code=204)
async def suspend(request: Req, instance: FromPath[str], user_id: FromPath[int]) -> Response[None]:
    """End a share for now, and remember what it was."""
    await host_of(request).sharing.suspend(request.user, user_id, instance)
    return Response(None, status_code=204)


@post("/house/sharing/{instance:str}/people/{user_id:int}/restore", opt=MANAGE, status_code=204)
async def restore(request: Req, instance: FromPath[str], user_id: FromPath[int]) -> Response[None]:
    """Share again what was suspended, refused, given up or ended; what is wanted is tried now."""
    await host_of(request).sharing.restore(request.user, user_id, instance)
    return Response(None, status_code=204)


@get("/house/share-ends", opt=MANAGE)
async def ends(request: Req) -> list[ShareEnd]:
    """The shares of removed accounts that are not ended yet; one that was given up has no `retry_at`."""
    return await host_of(request).share_ends.waiting()


@post("/house/share-ends/{id:int}/retry", opt=MANAGE, status_code=204)
async def end_now(request: Req, id: FromPath[int]) -> None:
    """Try to end one again at once."""
    await host_of(request).share_ends.try_now(request.user, id)


@delete("/house/share-ends/{id:int}", opt=MANAGE)
async def leave(request: Req, id: FromPath[int]) -> None:
    """Leave one shared as it is."""
    await host_of(request).share_ends.leave(request.user, id)


HANDLERS = [
    ways,
    linked,
    unlink,
    providers,
    add_provider,
    change_provider,
    remove_provider,
    welcome,
    sources,
    invite,
    change,
    remove,
    suspend,
    restore,
    ends,
    end_now,
    leave,
]
