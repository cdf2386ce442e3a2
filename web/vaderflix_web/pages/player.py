"""The player: a film or an episode, from where its viewer stopped, and the reports of how far they are."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from vaderflix_core.failures import Missing
from vaderflix_core.search.models import Held

from ..auth import host_of
from ..cards import held_href
from ..page import Page, Req, go_to, page
from ..watching import episode_label, watch_href

LONGEST = 1_000_000.0  # seconds


async def _held(request: Req, item_id: int) -> Held:
    held = await host_of(request).library.get(item_id)
    if held is None:
        raise Missing("It is no longer in the library.")
    return held


@get("/watch/{item_id:int}", opt={"permission": "play"})
async def watch(request: Req, item_id: FromPath[int], start: FromQuery[str] = "") -> Page:
    """Play a film, or go to the episode of a series that comes next."""
    held = await _held(request, item_id)
    if held.item.kind == "series":
        return go_to(request, await _next_up(request, held))
    return await _player(request, held, held.item.key, held.item.title, "", over=start == "0")


async def _next_up(request: Req, held: Held) -> str:
    """The episode after the one watched last, else the first that is held."""
    host = host_of(request)
    positions = await host.playback.positions(request.user, held)
    last = watch_href(held, positions[0].label) if positions and positions[0].label else ""
    numbers = sorted(s.number for s in held.item.seasons if s.available and s.number > 0) or [1]
    wanted: tuple[int, int] | None = None
    if last.count("/") == 4:
        wanted = (int(last.split("/")[3]), int(last.split("/")[4]))
        numbers = [n for n in numbers if n >= wanted[0]] or numbers
    first = ""
    for number in numbers:
        for episode in await host.playback.episodes(held, number):
            here = (episode.season, episode.number)
            if wanted is None or here > wanted:
                return f"/watch/{held.id}/{episode.season}/{episode.number}"
            first = first or f"/watch/{held.id}/{episode.season}/{episode.number}"
    if not first:
        raise Missing("The library has no episode of it.")
    return last or first


@get("/watch/{item_id:int}/{season:int}/{number:int}", opt={"permission": "play"})
async def watch_episode(
    request: Req, item_id: FromPath[int], season: FromPath[int], number: FromPath[int], start: FromQuery[str] = ""
) -> Page:
    """Play an episode."""
    held = await _held(request, item_id)
    episodes = await host_of(request).playback.episodes(held, season)
    place = next((i for i, e in enumerate(episodes) if e.number == number), None)
    if place is None:
        raise Missing("The library does not have this episode.")
    episode = episodes[place]
    label = episode_label(season, number, episode.title)
    after = episodes[place + 1] if place + 1 < len(episodes) else None
    next_href = f"/watch/{held.id}/{after.season}/{after.number}" if after else ""
    return await _player(request, held, episode.key, held.item.title, label, next_href=next_href, over=start == "0")


async def _player(
    request: Req, held: Held, key: str, title: str, label: str, *, next_href: str = "", over: bool = False
) -> Page:
    host = host_of(request)
    watching = await host.playback.watching(request.user, held.instance, key, title)
    files: list[dict[str, Any]] = [{"src": f"/play/{token}", "file": file} for token, file in watching.files]
    direct = [f for f in files if f["file"].direct]
    chosen = next(iter(direct or files), None)
    return page(
        request,
        "player.html",
        watching=watching,
        files=files,
        chosen=chosen,
        plays=bool(direct),
        held=held,
        label=label,
        title=title,
        key=key,
        start=0 if over else watching.start,
        back=held_href(held),
        next_href=next_href,
        still=host.images.id_for(held.instance, held.item.backdrop),
    )


@post("/playback/position", opt={"permission": "play"})
async def position(request: Req) -> Response[None]:
    """Remember how far the viewer is. Sent by the player every few seconds and when it closes."""
    form = await request.form()

    def number(name: str) -> float:
        try:
            return max(0.0, float(str(form.get(name, ""))))
        except ValueError:
            return 0.0

    duration = number("duration")
    item = str(form.get("item", ""))
    # browsers call a film endless whose file does not say how long it is: then there is no place to go on from
    if 0 < duration <= LONGEST and item.isdigit():
        held = await _held(request, int(item))
        label = str(form.get("label", ""))[:200]
        await host_of(request).playback.report(
            request.user,
            instance=held.instance,
            key=str(form.get("key", held.item.key))[:120],
            item_key=held.item.key,
            seconds=number("seconds"),
            duration=duration,
            label=label,
        )
    return Response(None, status_code=204)


HANDLERS = [watch, watch_episode, position]
