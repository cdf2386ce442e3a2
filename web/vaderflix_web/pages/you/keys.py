"""API keys: what programs may do in one's name."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from vaderflix_core.access.models import Permission
from vaderflix_core.failures import Invalid, Missing

from ...auth import host_of
from ...i18n import _
from ...page import Page, Req, go_to
from ...words.permissions import groups_of, scope_words
from .common import OPT, text, you_page


async def _keys(
    request: Req,
    *,
    made: str = "",
    name: str = "",
    chosen: frozenset[str] = frozenset({"browse"}),
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Page:
    viewer = request.user
    found = await host_of(request).sessions.keys(viewer)
    # what the account lost, its keys lost as well
    rows = [(key, scope_words(viewer.permissions & set(key.scopes))) for key in found]
    return you_page(
        request,
        "you/keys.html",
        status=status,
        rows=rows,
        groups=groups_of(viewer.permissions),
        made=made,
        name=name,
        chosen=chosen,
        errors=errors or {},
    )


@get("/you/keys", opt=OPT)
async def keys(request: Req) -> Page:
    """The keys, and the form for a new one."""
    return await _keys(request)


@post("/you/keys", opt=OPT)
async def make(request: Req) -> Page:
    """Make a key; the answer is the only page that ever shows it."""
    form = await request.form()
    name = text(form, "name")
    chosen = frozenset(v for v in form.getall("scope", []) if isinstance(v, str)) & request.user.permissions
    scopes = {Permission(one) for one in chosen}
    again = {"name": name, "chosen": chosen, "status": 422}
    if not scopes:
        return await _keys(request, errors={"scope": _("Choose at least one thing that it may do")}, **again)  # type: ignore[arg-type]
    try:
        key, _made = await host_of(request).own_account.make_key(request.user, name, scopes)
    except Invalid as failure:
        return await _keys(request, errors=failure.fields, **again)  # type: ignore[arg-type]
    return await _keys(request, made=key)


@post("/you/keys/{key_id:int}/revoke", opt=OPT)
async def revoke(request: Req, key_id: FromPath[int]) -> Page:
    """Revoke one of one's own keys."""
    if not await host_of(request).own_account.revoke_key(request.user, key_id):
        raise Missing("There is no such key.")
    return go_to(request, "/you/keys", said=_("The key was revoked"))


HANDLERS = [keys, make, revoke]
