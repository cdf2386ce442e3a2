"""The page of a title: what it is, one honest button, and the dialog that requests it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from litestar import get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct
from msgspec.structs import replace

from vaderflix_core.api import MediaKind, Quality
from vaderflix_core.failures import Failure, Invalid, Missing
from vaderflix_core.requests.copies import AlreadyHeld, film_held, is_4k, refuse_held
from vaderflix_core.requests.service import AlreadyRequested, may_ask, needs_no_approval
from vaderflix_core.requests.states import ENDED

from ..auth import host_of
from ..cards import KINDS, Card, held_card, hit_meta, title_href
from ..i18n import _, ngettext
from ..page import Page, Req, go_to, is_htmx, page
from ..results import hit_button, open_request, owned
from ..watching import episode_label, episode_of
from ..words.requests import what
from ..words.states import Chip, availability_chip, chip_of

if TYPE_CHECKING:
    from vaderflix_core.requests.models import Request
    from vaderflix_core.search.models import TitlePage, TitleSeason


async def known_title(request: Req, kind: str, ref: str) -> TitlePage:
    """The title that an address names. Raises `Missing`."""
    if kind not in KINDS or len(ref) > 60:
        raise Missing("There is no such title.")
    found = await host_of(request).titles.get(KINDS[kind], ref)
    if found is None:
        raise Missing("There is no such title.")
    return found


async def _asked(request: Req, found: TitlePage, quality: Quality = Quality.STANDARD) -> dict[int, Request]:
    """The seasons that somebody waits for in this quality, each with the newest request that covers it."""
    if found.hit.kind != "series":
        return {}
    try:
        known = await host_of(request).requests.for_title(found.hit.kind, found.hit.ids, quality)
    except Failure:
        return {}
    asked: dict[int, Request] = {}
    for one in known:
        if one.state not in ENDED:
            for number in one.seasons or [s.number for s in found.seasons if s.number > 0]:
                asked.setdefault(number, one)
    return asked


def season_chip(season: TitleSeason, asked: Request | None = None) -> Chip:
    """How much of a season is there, or how far the request for the rest is."""
    if asked is not None and season.availability != "available":
        return chip_of(asked)
    all_of = season.aired if season.aired is not None else season.known
    if season.availability == "available":
        words = (
            _("All %(n)s") % {"n": season.held} if all_of else ngettext("%(n)s episode", "%(n)s episodes", season.held)
        )
        return Chip(words % {"n": season.held} if "%" in words else words, "check", "ok")
    if season.held:
        figure = _("%(have)s of %(all)s") % {"have": season.held, "all": all_of} if all_of else str(season.held)
        return Chip(figure, "half", "ok")
    if season.availability == "absent":
        return Chip(_("Not there yet"), "circle")
    return Chip(_("Not known right now"), "info")


@get("/title/{kind:str}/{ref:str}", opt={"permission": "browse"})
async def title(request: Req, kind: FromPath[str], ref: FromPath[str]) -> Page:
    """The page of a film or a series."""
    found = await known_title(request, kind, ref)
    host, hit = host_of(request), found.hit
    button, asked = await hit_button(host, request.user, hit)
    in_4k = await _in_4k(request, found)
    if in_4k is not None and in_4k.chip and button.dialog:
        # something is under way already: what can still be asked for is a second copy
        button = replace(button, label=_("Request a standard copy"), look="plain")
    seen, waiting = await _seen(request, found), await _asked(request, found)
    unspoken = host.requests.unspoken_to(request.user)
    silent = [s for s in found.sources if not s.ok and s.instance not in unspoken]
    return page(
        request,
        "title.html",
        title=found,
        hit=hit,
        meta=hit_meta(hit),
        button=button,
        chip=chip_of(asked) if asked else availability_chip(str(hit.availability)),
        asked=asked,
        asked_href=f"/requests/{asked.id}" if asked and owned(request.user, asked) else "",
        seasons=[(s, season_chip(s, waiting.get(s.number))) for s in found.seasons],
        can_ask=_can_ask(request, found),
        in_4k=in_4k,
        missing=_missing(found, waiting),
        silent=silent,
        facts=_facts(request, found),
        begun=seen,
        others=await _others(request, found) if hit.kind == "movie" else [],
        base=title_href(hit.kind, hit.ref or ref),
        can_report=bool(hit.held) and "problems.report" in request.user.permissions,
    )


async def _others(request: Req, found: TitlePage) -> list[Card]:
    host = host_of(request)
    own = {held.id for held in found.hit.held}
    return [held_card(host, held) for held in await host.library.recent(13) if held.id not in own][:12]


def _can_ask(request: Req, found: TitlePage) -> bool:
    return bool(found.requesters) and may_ask(request.user, found.hit.kind) and found.hit.kind == "series"


def _offers_4k(request: Req, found: TitlePage) -> bool:
    kind = found.hit.kind
    offered = host_of(request).requests.offers(kind, Quality.FOUR_K)
    return bool(found.requesters) and offered and may_ask(request.user, kind, Quality.FOUR_K)


class In4K(Struct, frozen=True):
    """What the page says of 4K beside its one button: how far a request is, with its address, or where to ask."""

    chip: Chip | None = None
    href: str = ""


async def _in_4k(request: Req, found: TitlePage) -> In4K | None:
    asked = await open_request(host_of(request), found.hit, Quality.FOUR_K)
    if asked is not None:
        chip = chip_of(asked)
        chip = replace(chip, word=_("In 4K: %(how)s") % {"how": chip.word})
        if owned(request.user, asked):
            return In4K(chip, f"/requests/{asked.id}")
        return In4K(chip) if may_ask(request.user, found.hit.kind, Quality.FOUR_K) else None
    if film_held(found, Quality.FOUR_K) or not _offers_4k(request, found):
        return None
    return In4K(href=f"{title_href(found.hit.kind, found.hit.ref)}/request?quality=4k")


def _missing(found: TitlePage, asked: Collection[int]) -> list[int]:
    """The seasons of which something is missing that nobody asked for."""
    missing = [s.number for s in found.seasons if s.availability in ("absent", "partly") and s.number > 0]
    return [number for number in missing if number not in asked]


async def _seen(request: Req, found: TitlePage) -> bool:
    """Whether the viewer stopped somewhere in a film, so that the page offers its beginning too."""
    if found.hit.kind != "movie" or not found.hit.held or "play" not in request.user.permissions:
        return False
    return bool(await host_of(request).playback.positions(request.user, found.hit.held[0]))


def _facts(request: Req, found: TitlePage) -> list[tuple[str, str]]:
    names = {i: r.config.name for i, r in host_of(request).supervisor.records.items()}
    facts = []
    if found.original_title and found.original_title != found.hit.title:
        facts.append((_("Original title"), found.original_title))
    if found.genres:
        facts.append((_("Genres"), ", ".join(found.genres)))
    if found.rating:
        facts.append((_("Rating"), _("%(rating)s of 10") % {"rating": f"{found.rating:.1f}"}))
    if found.height:
        facts.append((_("Quality"), "4K" if is_4k(found.height) else f"{found.height}p"))
    places = [names.get(held.instance, held.instance) for held in found.hit.held]
    if places:
        facts.append((_("In"), ", ".join(dict.fromkeys(places))))
    return facts


@get("/title/{kind:str}/{ref:str}/season/{number:int}", opt={"permission": "browse"})
async def season(request: Req, kind: FromPath[str], ref: FromPath[str], number: FromPath[int]) -> Page:
    """The episodes held of one season, as a part of the title's page."""
    found = await known_title(request, kind, ref)
    if not found.hit.held:
        raise Missing("The library has nothing of it.")
    host, held = host_of(request), found.hit.held[0]
    try:
        episodes = await host.playback.episodes(held, number)
        failed = False
    except Failure:
        episodes, failed = [], True
    reached = {episode_of(p.label): p for p in await _positions(request, held)}
    rows = [
        {
            "episode": e,
            "href": f"/watch/{held.id}/{e.season}/{e.number}",
            "still": host.images.id_for(held.instance, e.still),
            "position": reached.get(episode_label(e.season, e.number)),
        }
        for e in episodes
    ]
    return page(request, "parts/season.html", rows=rows, failed=failed, number=number)


async def _positions(request: Req, held: Any) -> list[Any]:
    if "play" not in request.user.permissions:
        return []
    return list(await host_of(request).playback.positions(request.user, held))


@get("/title/{kind:str}/{ref:str}/request", opt={"permission": "request"})
async def request_form(
    request: Req, kind: FromPath[str], ref: FromPath[str], quality: FromQuery[Quality] = Quality.STANDARD
) -> Page:
    """The request dialog; a page of its own where no script runs."""
    found = await known_title(request, kind, ref)
    offered = _offers_4k(request, found)
    wants_4k = quality is Quality.FOUR_K or not _asks_standard(request, found)
    quality = Quality.FOUR_K if offered and wants_4k else Quality.STANDARD
    asked = await _asked(request, found, quality)
    if quality is Quality.FOUR_K:
        chosen = [s.number for s in found.seasons if s.number > 0 and s.number not in asked]
    else:
        chosen = _missing(found, asked)
    return await _form(request, found, title_href(found.hit.kind, found.hit.ref or ref), chosen, quality)


def _asks_standard(request: Req, found: TitlePage) -> bool:
    """Whether a standard copy is there to be asked for: the account may, and the library lacks something of it."""
    lacking = not found.seasons or any(s.availability != "available" for s in found.seasons)
    return may_ask(request.user, found.hit.kind) and lacking and not film_held(found, Quality.STANDARD)


async def _form(
    request: Req,
    found: TitlePage,
    base: str,
    chosen: list[int],
    quality: Quality,
    error: str = "",
    status: int = 200,
) -> Page:
    template = "parts/request_dialog.html" if is_htmx(request) else "request_form.html"
    asked = await _asked(request, found, quality)
    in_4k = quality is Quality.FOUR_K
    # what is held of a season may be a standard copy, which is no reason not to ask for it in 4K
    open_ones = [s for s in found.seasons if (in_4k or s.availability != "available") and s.number not in asked]
    seasons = [(s, season_chip(s)) for s in open_ones]
    return page(
        request,
        template,
        status=status,
        hit=found.hit,
        seasons=seasons,
        chosen=chosen,
        asked_all=bool(found.seasons) and not open_ones,
        base=base,
        error=error,
        auto=needs_no_approval(request.user, found.hit.kind, quality),
        in_4k=in_4k,
        held=film_held(found, quality),
        choice_4k=_offers_4k(request, found) and _asks_standard(request, found),
        slower_4k=not needs_no_approval(request.user, found.hit.kind, Quality.FOUR_K)
        and needs_no_approval(request.user, found.hit.kind),
        released=found.released,
    )


@post("/title/{kind:str}/{ref:str}/request", opt={"permission": "request"})
async def ask(request: Req, kind: FromPath[str], ref: FromPath[str]) -> Page:
    """Store the request. What is asked for comes from our own look-up, never from the form."""
    found = await known_title(request, kind, ref)
    hit = found.hit
    base = title_href(hit.kind, hit.ref or ref)
    form = await request.form()
    quality = Quality.FOUR_K if form.get("quality") == Quality.FOUR_K else Quality.STANDARD
    known = {s.number for s in found.seasons}
    chosen = sorted({int(v) for v in form.getall("season", []) if isinstance(v, str) and v.isdigit()} & known)
    if hit.kind is MediaKind.SERIES and found.seasons and not chosen:
        return await _form(request, found, base, [], quality, _("Choose at least one season."), status=422)
    try:
        refuse_held(found, quality, chosen)
        made = await host_of(request).requests.create(
            request.user,
            kind=hit.kind,
            ids=hit.ids,
            title=hit.title,
            year=hit.year,
            seasons=tuple(chosen),
            poster=hit.poster,
            quality=quality,
        )
    except AlreadyRequested as already:
        if owned(request.user, already.request):
            return go_to(request, f"/requests/{already.request.id}", said=_("You asked for it already."))
        return go_to(request, base, said=_("Somebody asked for it already. You see here when it is ready."))
    except (AlreadyHeld, Invalid) as failure:
        return await _form(request, found, base, chosen, quality, failure.message, status=failure.status)
    return go_to(request, f"/requests/{made.id}", said=_("%(title)s requested") % {"title": what(made)})


HANDLERS = [title, season, request_form, ask]
