"""People: who has an account, with which role; adding one, changing one."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from vaderflix_core.access.models import Role
from vaderflix_core.failures import Conflict, Failure, Invalid

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req, go_to
from .common import admin_page

ROLE_WORDS = {
    "viewer": ("Viewer", "Searches and plays"),
    "requester": ("Requester", "Searches, plays and requests"),
    "admin": ("Admin", "Can do everything"),
}


def role_choice(role: Role) -> tuple[str, str, str]:
    """A role with its name and what it may do; roles of the house's own making name their permissions."""
    if role.name in ROLE_WORDS:
        title, what = ROLE_WORDS[role.name]
        return role.name, _(title), _(what)
    return role.name, role.title, ", ".join(sorted(role.permissions))


async def _people(request: Req, *, status: int = 200, form: dict[str, str] | None = None, **context: object) -> Page:
    access = host_of(request).access
    users = await access.list_users()
    roles = [role_choice(role) for role in await access.roles()]
    return await admin_page(
        request,
        "admin/people.html",
        status=status,
        users=users,
        roles=roles,
        role_names={role: name for role, name, _what in roles},
        headline=ngettext("%(n)s person has an account.", "%(n)s people have an account.", len(users))
        % {"n": len(users)},
        form=form or {"username": "", "display_name": "", "email": "", "role": "requester"},
        **{"errors": {}, "problem": "", **context},
    )


@get("/admin/people", opt={"permission": "users.manage"})
async def people(request: Req) -> Page:
    """The list of people and the form to add one."""
    return await _people(request)


@post("/admin/people", opt={"permission": "users.manage"})
async def add(request: Req) -> Page:
    """Make an account."""
    sent = await request.form()
    form = {k: str(sent.get(k, "")) for k in ("username", "display_name", "email", "role")}
    try:
        user = await host_of(request).access.create_user(
            form["username"],
            str(sent.get("password", "")),
            role=form["role"],
            display_name=form["display_name"],
            email=form["email"] or None,
        )
    except Invalid as failure:
        return await _people(request, status=422, form=form, errors=failure.fields, problem=failure.message)
    except Conflict as failure:
        return await _people(request, status=422, form=form, errors={"username": failure.message})
    return go_to(request, "/admin/people", said=_("%(name)s can sign in now") % {"name": user.display_name})


@post("/admin/people/{user_id:int}", opt={"permission": "users.manage"})
async def change(request: Req, user_id: FromPath[int]) -> Page:
    """Change a role, or close and open an account. Nobody takes their own keys away."""
    sent = await request.form()
    if user_id == request.user.id:
        return go_to(request, "/admin/people", said=_("Another admin has to change your own account."))
    role = str(sent.get("role", "")) or None
    disabled = {"yes": True, "no": False}.get(str(sent.get("disabled", "")))
    try:
        user = await host_of(request).access.change_user(user_id, role=role, disabled=disabled)
    except Failure as failure:
        return go_to(request, "/admin/people", said=failure.message)
    return go_to(request, "/admin/people", said=_("%(name)s was changed") % {"name": user.display_name})


HANDLERS = [people, add, change]
