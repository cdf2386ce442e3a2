"""One's own account: profile, news, devices, keys, activity, a copy of everything, and its end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import UNSET, Meta, Struct, UnsetType

from vaderflix_core.access.activity import ActivityFilter
from vaderflix_core.access.agents import agent_of
from vaderflix_core.access.models import Permission, User
from vaderflix_core.access.people import Afterwards
from vaderflix_core.failures import Conflict, Invalid, Missing
from vaderflix_core.notify.wishes import News, offered
from vaderflix_core.store.sessions import ApiKey

from ..auth import ended_cookies, host_of, session_id_of
from ..guards import IN_PERSON, SIGNED_IN
from ..page import Req
from ..proof import proving
from .shapes import Input, UserOut

READ, CHANGE = {"permission": SIGNED_IN}, {"permission": IN_PERSON}
EXPORT_HEADERS = {"content-disposition": 'attachment; filename="vaderflix-account.json"'}


class ProfileChange(Input, frozen=True, kw_only=True):
    """What to change; what is left out stays. A `time_zone` of null is that of the browser."""

    display_name: Annotated[str, Meta(min_length=1, max_length=80)] | UnsetType = UNSET
    time_zone: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET


class EmailChange(Input, frozen=True, kw_only=True):
    """An address to get a link at. `password` is needed where the account has one."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1024)] = ""


class Muted(Input, frozen=True, kw_only=True):
    """The kinds of news that are not wanted; those that cannot be muted are left out."""

    muted: list[News]


class Goodbye(Input, frozen=True, kw_only=True):
    """Which account goes, and proof that it is one's own. `requests`: what becomes of what it asked for."""

    username: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=1024)] = ""
    requests: Afterwards = "cancel"


class NewKey(Input, frozen=True, kw_only=True):
    """A name for an API key, and what it may do: without scopes, what the account may."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    scopes: list[Permission] | None = None


class ProfileOut(Struct, frozen=True, kw_only=True):
    """The account, with what only its owner sees."""

    account: UserOut
    time_zone: str | None
    muted: list[str]

    @classmethod
    def of(cls, user: User) -> ProfileOut:
        """From the domain's."""
        return cls(account=UserOut.of(user), time_zone=user.time_zone, muted=list(user.muted))


class NewsOut(Struct, frozen=True, kw_only=True):
    """A kind of news. `always` says why it cannot be muted; empty when it can."""

    kind: str
    muted: bool
    always: str


class DeviceOut(Struct, frozen=True, kw_only=True):
    """A signed-in device. `name` is made of its user agent; `here` is the one that asks."""

    id: int
    name: str
    method: str
    user_agent: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    here: bool


class KeyOut(Struct, frozen=True, kw_only=True):
    """A key as it is listed; the key itself is shown once, when it is made."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> KeyOut:
        """From the domain's."""
        return cls(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=list(key.scopes),
            created_at=key.created_at,
            last_used_at=key.last_used_at,
        )


class KeyMade(Struct, frozen=True, kw_only=True):
    """A new API key, shown this once."""

    key: str
    made: KeyOut


class DeedOut(Struct, frozen=True, kw_only=True):
    """An entry of the activity log."""

    id: int
    at: datetime
    ip: str
    action: str
    subject: str
    before: dict[str, str]
    after: dict[str, str]


# -- profile ---------------------------------------------------------------------------------------------------------


@get("/me", opt=READ)
async def me(request: Req) -> UserOut:
    """The account that asks, with the rights it asks with."""
    return UserOut.of(request.user)


@get("/me/profile", opt=READ)
async def profile(request: Req) -> ProfileOut:
    """The account that asks, with what only its owner sees."""
    return ProfileOut.of(request.user)


@patch("/me/profile", opt=CHANGE)
async def change_profile(request: Req, data: JSONBody[ProfileChange]) -> ProfileOut:
    """Change the name or the time zone. Rights, role and user name are not one's own to change."""
    host, user = host_of(request), request.user
    name = user.display_name if data.display_name is UNSET else data.display_name
    zone = user.time_zone if data.time_zone is UNSET else data.time_zone
    await host.own_account.change_profile(user, display_name=name, time_zone=zone)
    return ProfileOut.of(await host.access.user(user.id))


@post("/me/email", opt=CHANGE, status_code=202)
async def change_email(request: Req, data: JSONBody[EmailChange]) -> None:
    """Send a link to a new address; the old one stays until the link is followed."""
    async with proving(request, request.user.username):
        await host_of(request).passwords.ask_email(request.user, data.email, data.password, session_id_of(request))


@get("/me/news", opt=READ)
async def news(request: Req) -> list[NewsOut]:
    """The kinds of news that the account can get."""
    return [
        NewsOut(kind=kind.news, muted=kind.news in request.user.muted, always=kind.always)
        for kind in offered(request.user)
    ]


@patch("/me/news", opt=CHANGE)
async def mute(request: Req, data: JSONBody[Muted]) -> ProfileOut:
    """Set which kinds of news are not wanted."""
    host = host_of(request)
    await host.own_account.mute(request.user, data.muted)
    return ProfileOut.of(await host.access.user(request.user.id))


# -- devices and keys ------------------------------------------------------------------------------------------------


@get("/me/devices", opt=CHANGE)
async def devices(request: Req) -> list[DeviceOut]:
    """The signed-in devices, the one used last first."""
    here = session_id_of(request)
    return [
        DeviceOut(
            id=one.id,
            name=agent_of(one.user_agent).words,
            method=one.method,
            user_agent=one.user_agent,
            ip=one.ip,
            created_at=one.created_at,
            last_seen_at=one.last_seen_at,
            here=one.id == here,
        )
        for one in await host_of(request).sessions.devices(request.user)
    ]


@delete("/me/devices/{device_id:int}", opt=CHANGE, status_code=204)
async def end_device(request: Req, device_id: FromPath[int]) -> None:
    """Sign a device out; it feels it within seconds."""
    if not await host_of(request).own_account.end_device(request.user, device_id):
        raise Missing("There is no such device.")


@delete("/me/devices", opt=CHANGE, status_code=200)
async def end_other_devices(request: Req) -> dict[str, int]:
    """Sign all devices out but the one that asks."""
    ended = await host_of(request).own_account.end_other_devices(request.user, session_id_of(request))
    return {"signed_out": ended}


@get("/me/keys", opt=CHANGE)
async def keys(request: Req) -> list[KeyOut]:
    """The API keys of the account."""
    return [KeyOut.of(key) for key in await host_of(request).sessions.keys(request.user)]


@post("/me/keys", opt=CHANGE)
async def new_key(request: Req, data: JSONBody[NewKey]) -> KeyMade:
    """Make an API key for one's own account. A key cannot make keys."""
    key, made = await host_of(request).own_account.make_key(request.user, data.name, data.scopes)
    return KeyMade(key=key, made=KeyOut.of(made))


@delete("/me/keys/{key_id:int}", opt=CHANGE, status_code=204)
async def revoke_key(request: Req, key_id: FromPath[int]) -> None:
    """Revoke an API key."""
    if not await host_of(request).own_account.revoke_key(request.user, key_id):
        raise Missing("There is no such key.")


# -- what is kept ----------------------------------------------------------------------------------------------------


@get("/me/activity", opt=CHANGE)
async def activity(
    request: Req,
    before: FromQuery[int | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
) -> list[DeedOut]:
    """What was done with the account, newest first; `before` is the id of the last entry of the page before."""
    wanted = ActivityFilter(actor_id=request.user.id)
    found = await host_of(request).activity.find(wanted, before=before, limit=limit)
    return [DeedOut(**{name: getattr(entry, name) for name in DeedOut.__struct_fields__}) for entry in found]


@get("/me/export", opt=CHANGE)
async def export(request: Req) -> Stream:
    """Everything that is kept about the account, as one JSON object. No secret is in it."""
    return Stream(host_of(request).own_data.export(request.user), media_type="application/json", headers=EXPORT_HEADERS)


@delete("/me", opt=CHANGE, status_code=200)
async def goodbye(request: Req, data: JSONBody[Goodbye]) -> Response[dict[str, bool]]:
    """Delete the account for ever; what is shared with it ends at the sources."""
    host, user = host_of(request), request.user
    if data.username.casefold() != user.username.casefold():
        raise Invalid("This is not the user name of your account.", {"username": "Write your own user name"})
    if await host.own_data.is_needed(user):
        raise Conflict("This is the only admin. Make somebody else an admin first.", code="last_admin")
    async with proving(request, user.username):
        await host.passwords.prove(user, data.password, session_id_of(request))
    await host.people.leave(user, requests=data.requests)
    host.jobs.wake()
    return Response({"deleted": True}, cookies=ended_cookies(request))


HANDLERS = [
    me,
    profile,
    change_profile,
    change_email,
    news,
    mute,
    devices,
    end_device,
    end_other_devices,
    keys,
    new_key,
    revoke_key,
    activity,
    export,
    goodbye,
]
