"""Roles: what the people of each may do; making, changing and removing the house's own."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from vaderflix_core.access.models import Permission
from vaderflix_core.failures import Failure, Invalid

from ...auth import host_of
from ...i18n import _
from ...page import Page, Req, go_to, text
from ...words.permissions import groups_of
from .common import admin_page
from .people import role_choice

OPT = {"permission": "users.manage"}


@get("/admin/roles", opt=OPT)
async def roles(request: Req) -> Page:
    """All roles with how many people have each."""
    host = host_of(request)
    people = await host.people.all()
    rows = [
        {
            "role": role,
            "name": role_choice(role)[1],
            "what": role_choice(role)[2],
            "people": sum(1 for person in people if person.user.role == role.name),
        }
        for role in await host.roles.all()
    ]
    return await admin_page(request, "admin/roles.html", rows=rows)


async def _form(
    request: Req, name: str, *, title: str, chosen: frozenset[str], status: int = 200, **context: object
) -> Page:
    role = await host_of(request).roles.get(name) if name else None
    return await admin_page(
        request,
        "admin/role.html",
        status=status,
        role=role,
        name=role_choice(role)[1] if role else "",
        title=title,
        chosen=chosen,
        groups=groups_of(set(Permission)),
        **{"errors": {}, "problem": "", **context},
    )


@get("/admin/roles/new", opt=OPT)
async def new_role(request: Req) -> Page:
    """The form for a new role."""
    return await _form(request, "", title="", chosen=frozenset({"browse", "play"}))


@get("/admin/roles/{name:str}", opt=OPT)
async def role(request: Req, name: FromPath[str]) -> Page:
    """The form of a role."""
    found = await host_of(request).roles.get(name)
    return await _form(request, name, title=found.title, chosen=frozenset(found.permissions))


async def _sent(request: Req) -> tuple[str, frozenset[str]]:
    form = await request.form()
    return text(form, "title"), frozenset(v for v in form.getall("permission", []) if isinstance(v, str))


@post("/admin/roles/new", opt=OPT)
async def create(request: Req) -> Page:
    """Make a role."""
    title, chosen = await _sent(request)
    try:
        made = await host_of(request).roles.create(request.user, title=title, permissions=chosen)
    except Invalid as failure:
        return await _form(
            request, "", title=title, chosen=chosen, status=422, errors=failure.fields, problem=failure.message
        )
    return go_to(request, "/admin/roles", said=_("The role “%(title)s” is there now") % {"title": made.title})


@post("/admin/roles/{name:str}", opt=OPT)
async def change(request: Req, name: FromPath[str]) -> Page:
    """Change a role."""
    title, chosen = await _sent(request)
    host = host_of(request)
    before = await host.roles.get(name)
    try:
        await host.roles.change(request.user, name, title=None if before.builtin else title, permissions=chosen)
    except Invalid as failure:
        return await _form(
            request, name, title=title, chosen=chosen, status=422, errors=failure.fields, problem=failure.message
        )
    return go_to(request, "/admin/roles", said=_("The role was changed"))


@post("/admin/roles/{name:str}/remove", opt=OPT)
async def remove(request: Req, name: FromPath[str]) -> Page:
    """Remove a role that nobody has."""
    try:
        await host_of(request).roles.remove(request.user, name)
    except Failure as failure:
        return go_to(request, "/admin/roles", refused=failure.message)
    return go_to(request, "/admin/roles", said=_("The role was removed"))


HANDLERS = [roles, new_role, role, create, change, remove]
