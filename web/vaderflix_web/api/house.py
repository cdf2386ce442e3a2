"""The house, its activity log, and its mails."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from litestar import get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from vaderflix_core.access.activity import ActivityFilter
from vaderflix_core.access.house import House
from vaderflix_core.access.log_seal import Trouble
from vaderflix_core.api.models import Notification
from vaderflix_core.notify.letters import KINDS
from vaderflix_core.store.activity import Entry

from ..auth import host_of
from ..page import Req
from .shapes import Input

SETTINGS = {"permission": "settings"}
ACTIVITY = {"permission": "activity.view"}
MOST = 500
# no msgspec.Meta here: Litestar copies handlers, and a second application in one process could not be made
Id = Annotated[int | None, QueryParameter(ge=0, le=2**53)]


class HouseChange(Input, frozen=True, kw_only=True):
    """What to change of the house; what is left out stays."""

    name: Annotated[str, Meta(min_length=1, max_length=60)] | None = None
    registration: Literal["closed", "invitation", "request"] | None = None


class TestMail(Input, frozen=True, kw_only=True):
    """Where a made-up mail goes."""

    to: Annotated[str, Meta(max_length=254)]


class Chain(Struct, frozen=True, kw_only=True):
    """Whether the log is whole; else what is wrong, and the entry that shows it. `sealed_to` is the last sealed entry.

    `waits`: an admin has to accept what was found before new entries are sealed.
    """

    whole: bool
    trouble: Trouble | None
    broken_at: int | None
    said: str
    sealed_to: int | None
    sealed_at: datetime | None
    younger: int
    waits: bool


class Queued(Struct, frozen=True, kw_only=True):
    """A mail's id in the delivery log."""

    id: str


@get("/house", opt=SETTINGS)
async def house(request: Req) -> House:
    """The house's name, and how new people come in."""
    return await host_of(request).house.get()


@patch("/house", opt=SETTINGS)
async def change(request: Req, data: JSONBody[HouseChange]) -> House:
    """Change them."""
    return await host_of(request).house.change(request.user, name=data.name, registration=data.registration)


@get("/activity", opt=ACTIVITY)
async def activity(
    request: Req,
    actor_id: Id = None,
    action: Annotated[str, QueryParameter(max_length=64)] = "",
    words: Annotated[str, QueryParameter(max_length=100)] = "",
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    before: Id = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MOST)] = 100,
) -> list[Entry]:
    """Who did what, newest first. `action` is one, or a group of them by its first word; `before` is an entry's id."""
    wanted = ActivityFilter(actor_id=actor_id, action=action, words=words, since=since, until=until)
    return await host_of(request).activity.find(wanted, before=before, limit=limit)


@get("/activity/chain", opt=ACTIVITY)
async def chain(request: Req) -> Chain:
    """Check that no entry was changed or taken out, and that the log ends where it was sealed."""
    found = await host_of(request).log_seal.check()
    return Chain(
        whole=found.whole,
        trouble=found.trouble,
        broken_at=found.entry,
        said=found.said,
        sealed_to=found.sealed_to,
        sealed_at=found.sealed_at,
        younger=found.younger,
        waits=found.alarm is not None,
    )


@post("/activity/accept", opt=SETTINGS, status_code=204)
async def accept(request: Req) -> None:
    """Go on from the log as it is, after what was found was looked at; the log says who did."""
    await host_of(request).log_seal.accept(request.user)


@get("/mails", opt=SETTINGS)
async def kinds(request: Req) -> list[str]:
    """The kinds of mails."""
    return list(KINDS)


@get("/mails/{kind:str}", opt=SETTINGS)
async def preview(request: Req, kind: FromPath[str]) -> Notification:
    """How a kind of mail reads, with made-up people."""
    return host_of(request).mails.preview(kind)


@post("/mails/{kind:str}/test", opt=SETTINGS, status_code=202)
async def send_test(request: Req, kind: FromPath[str], data: JSONBody[TestMail]) -> Queued:
    """Send a made-up mail."""
    host = host_of(request)
    mail_id = await host.mails.send_test(kind, data.to)
    await host.activity.log(request.user, "mail.tested", kind, after={"to": data.to})
    host.jobs.wake()
    return Queued(id=mail_id)


@post("/deliveries/{mail_id:str}/again", opt=SETTINGS, status_code=204)
async def send_again(request: Req, mail_id: FromPath[str]) -> None:
    """Try a refused mail once more."""
    host = host_of(request)
    await host.mails.send_again(mail_id)
    await host.activity.log(request.user, "mail.sent_again", mail_id)
    host.jobs.wake()


HANDLERS = [house, change, activity, chain, accept, kinds, preview, send_test, send_again]
