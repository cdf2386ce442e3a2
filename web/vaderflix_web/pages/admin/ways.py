"""Ways in through other houses: OpenID Connect providers, and who may come in by each way for the first time."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import get, post
from litestar.params import FromPath

from vaderflix_core.access.oidc import Provider
from vaderflix_core.access.providers import PREFIX, Newcomers
from vaderflix_core.failures import Failure, Invalid

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req, go_to, page, text
from ...proof import site_of
from .common import admin_page
from .people import role_choices

OPT = {"permission": "settings"}
HERE = "/admin/ways"
FIELDS = ("name", "issuer", "client_id", "scopes", "role_claim", "role_value", "role")
EMPTY = dict.fromkeys(FIELDS, "") | {"scopes": "profile email"}


@get(HERE, opt=OPT)
async def ways(request: Req) -> Page:
    """All ways, with what is decided about newcomers."""
    host = host_of(request)
    newcomers = await host.providers.newcomers()
    open_ways = await host.identities.ways()
    providers = await host.providers.all()
    return await admin_page(
        request,
        "admin/ways.html",
        rows=[(way, newcomers.get(way.provider, Newcomers())) for way in open_ways],
        off=[provider for provider in providers if not provider.enabled],
        prefix=PREFIX,
        roles=await role_choices(request, within=True),
    )


@post(f"{HERE}/newcomers", opt=OPT)
async def welcome(request: Req) -> Page:
    """Decide who may come in by a way."""
    host, form = host_of(request), await request.form()
    try:
        way = await host.identities.way(text(form, "way"))
        await host.providers.welcome(
            request.user, way.provider, welcome=text(form, "welcome") == "yes", role=text(form, "role")
        )
    except Failure as failure:
        return go_to(request, HERE, refused=failure.message)
    return go_to(request, HERE, said=_("Saved"))


async def _form(
    request: Req, provider: Provider | None, form: dict[str, str], *, status: int = 200, **context: object
) -> Page:
    return await admin_page(
        request,
        "admin/way.html",
        status=status,
        provider=provider,
        form=form,
        back=f"{site_of(request).origin}/signin/back/{PREFIX}{provider.id if provider else _('NAME')}",
        roles=await role_choices(request, within=True),
        **{"errors": {}, "problem": "", "offered": provider is not None and provider.enabled, **context},
    )


@get(f"{HERE}/new", opt=OPT)
async def new_way(request: Req) -> Page:
    """The form for a provider."""
    return await _form(request, None, EMPTY)


@get(f"{HERE}/{{id:str}}", opt=OPT)
async def way(request: Req, id: FromPath[str]) -> Page:
    """One provider."""
    provider = await host_of(request).providers.get(id)
    form = {name: getattr(provider, name) for name in FIELDS if name != "scopes"}
    return await _form(request, provider, form | {"scopes": " ".join(provider.scopes)})


@post(f"{HERE}/test", opt=OPT)
async def test(request: Req) -> Page:
    """Reach the provider that the form names."""
    issuer = text(await request.form(), "issuer").strip()
    try:
        found = await host_of(request).providers.test(issuer)
    except Invalid as failure:
        return page(request, "parts/way_test.html", problem=failure.fields.get("issuer", failure.message), found="")
    return page(request, "parts/way_test.html", problem="", found=found)


@post([f"{HERE}/new", f"{HERE}/{{id:str}}"], opt=OPT)
async def save(request: Req) -> Page:
    """Add or change a provider."""
    id: str | None = request.path_params.get("id")
    host, sent = host_of(request), await request.form()
    provider = await host.providers.get(id) if id else None
    form = {name: text(sent, name) for name in FIELDS}
    secret, offered = text(sent, "client_secret"), text(sent, "enabled") == "yes"

    async def refused(failure: Failure, wrong: Mapping[str, str]) -> Page:
        again = {"client_secret": _("Enter it once more: what is refused is not kept")} if secret else {}
        return await _form(
            request,
            provider,
            form,
            status=failure.status,
            offered=offered,
            errors=again | dict(wrong),
            problem="" if wrong else failure.message,
        )

    try:
        await host.providers.save(
            request.user,
            id=id,
            name=form["name"],
            issuer=form["issuer"] or (provider.issuer if provider else ""),
            client_id=form["client_id"],
            # an empty field keeps what is there
            client_secret=secret or ("" if text(sent, "public") == "yes" else None),
            scopes=form["scopes"],
            role_claim=form["role_claim"],
            role_value=form["role_value"],
            role=form["role"],
            enabled=provider is None or offered,
        )
    except Invalid as failure:
        return await refused(failure, failure.fields)
    except Failure as failure:
        return await refused(failure, {})
    return go_to(request, HERE, said=_("Saved. Try it in a private window before you rely on it"))


@post(f"{HERE}/{{id:str}}/remove", opt=OPT)
async def remove(request: Req, id: FromPath[str]) -> Page:
    """Remove a provider, and the ways into accounts that it was."""
    try:
        lost = await host_of(request).providers.remove(request.user, id)
    except Failure as failure:
        return go_to(request, HERE, refused=failure.message)
    said = ngettext("Removed. %(n)s account lost this way in", "Removed. %(n)s accounts lost this way in", lost)
    return go_to(request, HERE, said=said % {"n": lost})


HANDLERS = [ways, welcome, new_way, way, test, save, remove]
