"""The activity log: who did what, with a filter, an export, and proof that nothing was changed or taken out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated
from urllib.parse import urlencode

from litestar import get, post
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from vaderflix_core.access.activity import ActivityFilter
from vaderflix_core.failures import Conflict

from ...auth import host_of
from ...i18n import _
from ...page import Page, Req, go_to, page, zone_of
from ...words.deeds import changes, deed_words, group_choices, subject_words
from .common import admin_page

OPT = {"permission": "activity.view"}
PAGE = 50
LONGEST = 100


def _midnight(day: str, zone: tzinfo, days_later: int = 0) -> datetime | None:
    try:
        start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone)
        return (start + timedelta(days=days_later)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def filter_of(request: Req, who: str, what: str, words: str, since: str, until: str) -> ActivityFilter:
    """The filter of an address; what cannot be read is left out. Days are whole, where the viewer is."""
    zone = zone_of(request)
    return ActivityFilter(
        actor_id=int(who) if who.isascii() and who.isdigit() and len(who) < 16 else None,
        action=what[:LONGEST],
        words=words[:LONGEST],
        since=_midnight(since, zone),
        until=_midnight(until, zone, 1),
    )


@get("/admin/activity", opt=OPT)
async def activity(
    request: Req,
    who: FromQuery[str] = "",
    what: FromQuery[str] = "",
    words: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: Annotated[int | None, QueryParameter(ge=0, le=2**53)] = None,
) -> Page:
    """The newest entries that fit."""
    host = host_of(request)
    found = await host.activity.find(filter_of(request, who, what, words, since, until), before=before, limit=PAGE + 1)
    sent = {"who": who, "what": what, "words": words, "since": since, "until": until}
    query = urlencode({name: value for name, value in sent.items() if value})
    return await admin_page(
        request,
        "admin/activity.html",
        rows=[(entry, deed_words(entry.action), subject_words(entry), changes(entry)) for entry in found[:PAGE]],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        people=[person.user for person in await host.people.all()],
        groups=group_choices(await host.activity.actions()),
        sent=sent,
        filter_query=query,
    )


@get("/admin/activity/chain", opt=OPT)
async def chain(request: Req) -> Page:
    """Whether the chain of entries is whole, and ends where it was sealed."""
    return page(request, "parts/activity_chain.html", chain=await host_of(request).log_seal.check())


@post("/admin/activity/accept", opt={"permission": "settings"})
async def accept(request: Req) -> Page:
    """Go on from the log as it is: somebody has looked at what is wrong with it."""
    try:
        await host_of(request).log_seal.accept(request.user)
    except Conflict:
        return go_to(request, "/admin/activity")
    return go_to(request, "/admin/activity", said=_("New entries are sealed again"))


def _file(request: Req, name: str, media_type: str, body: AsyncIterator[bytes]) -> Stream:
    day = f"{host_of(request).clock():%Y-%m-%d}"
    headers = {"content-disposition": f'attachment; filename="activity-{day}.{name}"'}
    return Stream(body, media_type=media_type, headers=headers)


@get("/admin/activity/csv", opt=OPT)
async def as_csv(
    request: Req,
    who: FromQuery[str] = "",
    what: FromQuery[str] = "",
    words: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> Stream:
    """The entries that fit, as a CSV file."""
    body = host_of(request).activity.export_csv(filter_of(request, who, what, words, since, until))
    return _file(request, "csv", "text/csv; charset=utf-8", body)


@get("/admin/activity/json", opt=OPT)
async def as_json(
    request: Req,
    who: FromQuery[str] = "",
    what: FromQuery[str] = "",
    words: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> Stream:
    """The entries that fit, as a JSON file."""
    body = host_of(request).activity.export_json(filter_of(request, who, what, words, since, until))
    return _file(request, "json", "application/json", body)


HANDLERS = [activity, chain, accept, as_csv, as_json]
