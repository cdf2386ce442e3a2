"""People: who has an account, in which role, seen when; adding one, and one page for each."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from litestar import get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from vaderflix_core.access.agents import agent_of
from vaderflix_core.access.models import Permission, Role
from vaderflix_core.access.people import AFTERWARDS, Person, stamp
from vaderflix_core.failures import Conflict, Failure, Invalid

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req, go_to, text
from ...words.permissions import groups_of, scope_words
from ...words.shares import share_chip
from ...words.states import Chip
from .common import admin_page

OPT = {"permission": "users.manage"}
PAGE = 50
LONGEST = 100
FEW = 8  # as many are seen at a glance
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
    return role.name, role.title, scope_words(role.permissions)


async def role_choices(request: Req, *, within: bool = False) -> list[tuple[str, str, str]]:
    """All roles for choosing; `within`: those that the viewer may give."""
    roles = await host_of(request).roles.all()
    return [role_choice(role) for role in roles if not within or role.permissions <= request.user.permissions]


async def shares_of(request: Req) -> dict[int, list[tuple[str, Chip]]]:
    """For each account, the sources that share with it and how that stands, as it was known last."""
    host = host_of(request)
    names = {instance: record.config.name for instance, record in host.supervisor.records.items()}
    return {
        user_id: [(names.get(one.instance, one.instance), share_chip(one.state)) for one in kept]
        for user_id, kept in (await host.sharing.by_user()).items()
    }


async def shared_with(request: Req, user_id: int) -> list[str]:
    """What an account's end would end at the sources: each source, and who they are there."""
    host = host_of(request)
    names = {instance: record.config.name for instance, record in host.supervisor.records.items()}
    words = _("%(source)s, as %(name)s")
    return [
        words % {"source": names.get(one.instance, one.instance), "name": one.person}
        for one in await host.share_ends.at_stake(user_id)
    ]


def _fits(person: Person, words: str, role: str) -> bool:
    user = person.user
    told = f"{user.display_name} {user.username} {user.email or ''}".casefold()
    return role in ("", user.role) and all(word in told for word in words.casefold().split())


async def _people(
    request: Req,
    *,
    status: int = 200,
    words: str = "",
    role: str = "",
    number: int = 1,
    form: dict[str, str] | None = None,
    **context: object,
) -> Page:
    people = await host_of(request).people.all()
    fitting = [person for person in people if _fits(person, words, role)]
    pages = max(1, -(-len(fitting) // PAGE))
    number = min(max(1, number), pages)
    sent = {"words": words, "role": role}
    return await admin_page(
        request,
        "admin/people.html",
        status=status,
        people=fitting[(number - 1) * PAGE : number * PAGE],
        sent=sent,
        filtered=len(people) > FEW or any(sent.values()),
        number=number,
        pages=pages,
        href="/admin/people?" + urlencode({**{k: v for k, v in sent.items() if v}, "page": ""}),
        shares=await shares_of(request),
        roles=await role_choices(request, within=True),
        role_names={role: name for role, name, _what in await role_choices(request)},
        headline=ngettext("%(n)s person has an account.", "%(n)s people have an account.", len(people))
        % {"n": len(people)},
        form=form or {"username": "", "display_name": "", "email": "", "role": "requester"},
        **{"errors": {}, "problem": "", **context},
    )


@get("/admin/people", opt=OPT)
async def people(
    request: Req,
    words: FromQuery[str] = "",
    role: FromQuery[str] = "",
    page: Annotated[int, QueryParameter(ge=1, le=2**31)] = 1,
) -> Page:
    """The people that fit, and the form to add one."""
    return await _people(request, words=words[:LONGEST].strip(), role=role[:LONGEST], number=page)


@post("/admin/people", opt=OPT)
async def add(request: Req) -> Page:
    """Make an account."""
    sent = await request.form()
    form = {k: text(sent, k) for k in ("username", "display_name", "email", "role")}
    try:
        user = await host_of(request).people.create(
            request.user,
            form["username"],
            text(sent, "password"),
            role=form["role"],
            display_name=form["display_name"],
            email=form["email"] or None,
        )
    except Invalid as failure:
        return await _people(request, status=422, form=form, errors=failure.fields, problem=failure.message)
    except Conflict as failure:
        return await _people(request, status=422, form=form, errors={"username": failure.message})
    return go_to(request, "/admin/people", said=_("%(name)s can sign in now") % {"name": user.display_name})


async def _person(
    request: Req, user_id: int, *, status: int = 200, form: dict[str, str] | None = None, **context: object
) -> Page:
    host = host_of(request)
    person = await host.people.get(user_id)
    user = person.user
    role = next((r for r in await host.roles.all() if r.name == user.role), None)
    return await admin_page(
        request,
        "admin/person.html",
        status=status,
        person=person,
        user=user,
        role_title=role_choice(role)[1] if role else user.role,
        roles=await role_choices(request, within=True),
        groups=groups_of(set(Permission)),
        by_role=role.permissions if role else frozenset(),
        seen=stamp(user),
        devices=[(agent_of(one.user_agent).words, one) for one in await host.sessions.devices(user)],
        shares=(await shares_of(request)).get(user.id, []),
        at_stake=await shared_with(request, user.id),
        codes_on=(await host.second_factor.state(user.id)).on,
        form=form or {"display_name": user.display_name, "email": user.email or ""},
        **{"errors": {}, "problem": "", **context},
    )


@get("/admin/people/{user_id:int}", opt=OPT)
async def person(request: Req, user_id: FromPath[int]) -> Page:
    """One account: what it is called, what it may do, where it is signed in."""
    return await _person(request, user_id)


@post("/admin/people/{user_id:int}", opt=OPT)
async def change(request: Req, user_id: FromPath[int]) -> Page:
    """Change what was sent: names, the role, whether the account is open. Nobody takes their own keys away."""
    sent = await request.form()
    form = {k: text(sent, k) for k in ("display_name", "email")}
    given: dict[str, object] = {"seen": text(sent, "seen"), **{k: form[k] for k in form if k in sent}}
    if text(sent, "role"):
        given["role"] = text(sent, "role")
    if text(sent, "disabled") in ("yes", "no"):
        given["disabled"] = text(sent, "disabled") == "yes"
    here = f"/admin/people/{user_id}"
    try:
        user = await host_of(request).people.change(request.user, user_id, **given)  # type: ignore[arg-type]
    except Invalid as failure:
        filled = form if "display_name" in sent else None
        return await _person(request, user_id, status=422, form=filled, errors=failure.fields, problem=failure.message)
    except Failure as failure:
        return go_to(request, here, refused=failure.message)
    return go_to(request, here, said=_("%(name)s was changed") % {"name": user.display_name})


@post("/admin/people/{user_id:int}/rights", opt=OPT)
async def change_rights(request: Req, user_id: FromPath[int]) -> Page:
    """Give or take single rights beside the role's."""
    sent = await request.form()
    wanted = {str(p): text(sent, f"right.{p}") for p in Permission}
    granted = [p for p, choice in wanted.items() if choice == "give"]
    withheld = [p for p, choice in wanted.items() if choice == "take"]
    try:
        user = await host_of(request).people.change(
            request.user, user_id, granted=granted, withheld=withheld, seen=text(sent, "seen")
        )
    except Failure as failure:
        return go_to(request, f"/admin/people/{user_id}", refused=failure.message)
    said = _("The rights of %(name)s were changed") % {"name": user.display_name}
    return go_to(request, f"/admin/people/{user_id}", said=said)


@post("/admin/people/{user_id:int}/sign-out", opt=OPT)
async def sign_out(request: Req, user_id: FromPath[int]) -> Page:
    """Sign an account out on all its devices."""
    host = host_of(request)
    person = await host.people.get(user_id)
    await host.people.sign_out(request.user, user_id)
    said = _("%(name)s is signed out everywhere") % {"name": person.user.display_name}
    return go_to(request, f"/admin/people/{user_id}", said=said)


@post("/admin/people/{user_id:int}/remove", opt=OPT)
async def remove(request: Req, user_id: FromPath[int]) -> Page:
    """Remove an account for good; the form says what becomes of its requests, and of what is shared with it."""
    form = await request.form()
    afterwards = text(form, "requests")
    end_shares = "end" in form.getall("shares", ["end"])
    host = host_of(request)
    person = await host.people.get(user_id)
    chosen = next((one for one in AFTERWARDS if one == afterwards), None)
    here = f"/admin/people/{user_id}"
    if user_id == request.user.id:
        return go_to(request, here, refused=_("Your own account is removed on your own page."))
    if chosen is None:
        return go_to(request, here, refused=_("Say what becomes of the requests."))
    try:
        await host.people.remove(request.user, user_id, requests=chosen, end_shares=end_shares)
    except Failure as failure:
        return go_to(request, here, refused=failure.message)
    host.jobs.wake()
    return go_to(request, "/admin/people", said=_("%(name)s was removed") % {"name": person.user.display_name})


HANDLERS = [people, add, person, change, change_rights, sign_out, remove]
