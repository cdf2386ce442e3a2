"""Sharing of libraries: who may see what at each source, invitations to it, and their end."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from vaderflix_core.access.sharing import ShareRow
from vaderflix_core.failures import Failure, Invalid

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req, go_to, page, text
from ...words.shares import share_chip
from .common import admin_page, refused_within

OPT = {"permission": "users.manage"}
INVITE = {"permission": "users.invite"}
HERE = "/admin/sharing"
ENDS = "/admin/share-ends"


@get(HERE, opt=OPT)
async def sharing(request: Req) -> Page:
    """The page; each source is asked by a part of its own."""
    host = host_of(request)
    names = {instance: record.config.name for instance, record in host.supervisor.records.items()}
    ends = [(one, names.get(one.instance, one.instance)) for one in await host.share_ends.waiting()]
    return await admin_page(request, "admin/sharing.html", possible=host.sharing.possible, ends=ends)


@get(f"{HERE}/sources", opt=OPT)
async def sources(request: Req) -> Page:
    """All shares, as the sources say now."""
    host = host_of(request)
    found = await host.sharing.overview()
    titles = {source.instance: {one.id: one.title for one in source.libraries} for source in found}

    def words(row: ShareRow) -> str:
        if row.everything:
            return _("All libraries")
        known = titles[row.instance]
        return ", ".join(known.get(id, _("another library")) for id in row.libraries) or _("No libraries named")

    shown = [(source, [(row, share_chip(row.state), words(row)) for row in source.rows]) for source in found]
    return page(request, "parts/sharing_sources.html", sources=shown, users=await host.access.list_users())


@get(f"{HERE}/choices", opt=INVITE)
async def choices(request: Req) -> Page:
    """The libraries that an invitation can bring, as fields of its form; those in the query are chosen already."""
    offered, chosen = await host_of(request).sharing.libraries(), request.query_params.getall("library", [])
    return page(request, "parts/sharing_choices.html", offered=offered, chosen=chosen)


async def _deed(request: Req, work: Any, said: str) -> Page:
    try:
        await work
    except Failure as failure:
        return refused_within(request, HERE, failure)
    return go_to(request, HERE, said=said)


@post(f"{HERE}/{{instance:str}}/invite", opt=OPT)
async def invite(request: Req, instance: FromPath[str]) -> Page:
    """Share with somebody who has an account here."""
    form = await request.form()
    user_id = text(form, "user")
    if not user_id.isascii() or not user_id.isdigit():
        return refused_within(request, HERE, Invalid(_("Choose somebody.")))
    work = host_of(request).sharing.invite(request.user, int(user_id[:12]), instance, _chosen(form))
    return await _deed(request, work, _("Asked for. It shows here how far it is"))


def _chosen(form: Any) -> list[str]:
    return [one[:120] for one in form.getall("library", []) if isinstance(one, str)]


@post(f"{HERE}/{{instance:str}}/{{share:str}}/change", opt=OPT)
async def change(request: Req, instance: FromPath[str], share: FromPath[str]) -> Page:
    """Share other libraries."""
    form = await request.form()
    work = host_of(request).sharing.change(request.user, instance, share, _chosen(form))
    return await _deed(request, work, _("Changed"))


@post(f"{HERE}/{{instance:str}}/{{share:str}}/remove", opt=OPT)
async def remove(request: Req, instance: FromPath[str], share: FromPath[str]) -> Page:
    """End a share."""
    return await _deed(
        request, host_of(request).sharing.remove(request.user, instance, share), _("Not shared any more")
    )


@post(f"{HERE}/{{instance:str}}/of/{{user_id:int}}/suspend", opt=OPT)
async def suspend(request: Req, instance: FromPath[str], user_id: FromPath[int]) -> Page:
    """End a share for now."""
    work = host_of(request).sharing.suspend(request.user, user_id, instance)
    return await _deed(request, work, _("Suspended. What was shared is remembered"))


@post(f"{HERE}/{{instance:str}}/of/{{user_id:int}}/restore", opt=OPT)
async def restore(request: Req, instance: FromPath[str], user_id: FromPath[int]) -> Page:
    """Share again."""
    return await _deed(request, host_of(request).sharing.restore(request.user, user_id, instance), _("Asked for again"))


@post(f"{HERE}/{{instance:str}}/of/{{user_id:int}}/forget", opt=OPT)
async def forget(request: Req, instance: FromPath[str], user_id: FromPath[int]) -> Page:
    """Drop what is remembered."""
    return await _deed(request, host_of(request).sharing.forget(request.user, user_id, instance), _("Forgotten"))


@post(f"{HERE}/{{instance:str}}/confirm", opt=OPT)
async def confirm(request: Req, instance: FromPath[str]) -> Page:
    """The many that are gone were meant to go."""
    host = host_of(request)
    try:
        gone = await host.share_watch.confirm(request.user, instance)
    except Failure as failure:
        return go_to(request, HERE, refused=failure.message)
    said = ngettext("Noted: %(n)s share has ended", "Noted: %(n)s shares have ended", gone) % {"n": gone}
    return go_to(request, HERE, said=said)


@post(f"{ENDS}/{{id:int}}/retry", opt=OPT)
async def end_now(request: Req, id: FromPath[int]) -> Page:
    """Try to end a removed account's share again."""
    return await _deed(request, host_of(request).share_ends.try_now(request.user, id), _("It is tried again now"))


@post(f"{ENDS}/{{id:int}}/leave", opt=OPT)
async def leave(request: Req, id: FromPath[int]) -> Page:
    """Leave a removed account's share as it is."""
    return await _deed(request, host_of(request).share_ends.leave(request.user, id), _("Left as it is"))


HANDLERS = [sharing, sources, choices, invite, change, remove, suspend, restore, forget, confirm, end_now, leave]
