"""What can be played, and playing it."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from vaderflix_core.api.models import MediaKind
from vaderflix_core.failures import Missing
from vaderflix_core.search.models import Held

from ..auth import host_of
from ..page import Req
from .title_shapes import EpisodeOut, ItemOut, LibraryOut, PositionOut, StreamOut, Watched, WatchOut

BROWSE = {"permission": "browse"}
PLAY = {"permission": "play"}


@get("/library", opt=BROWSE)
async def browse(
    request: Req, kind: FromQuery[MediaKind], offset: FromQuery[int] = 0, limit: FromQuery[int] = 50
) -> LibraryOut:
    """The library's films or series by title: `total`, and one page of `items`."""
    host = host_of(request)
    found, total = await host.library.browse(kind, max(0, offset), max(1, min(limit, 200)))
    return LibraryOut(total=total, items=[ItemOut.of(held, host.images) for held in found])


@get("/library/recent", opt=BROWSE)
async def recent(request: Req, limit: FromQuery[int] = 20) -> list[ItemOut]:
    """The newest titles, newest first."""
    host = host_of(request)
    return [ItemOut.of(held, host.images) for held in await host.library.recent(max(1, min(limit, 100)))]


@get("/library/{item_id:int}", opt=BROWSE)
async def item(request: Req, item_id: FromPath[int]) -> ItemOut:
    """One copy of a title."""
    return ItemOut.of(await _held(request, item_id), host_of(request).images)


@get("/library/{item_id:int}/seasons/{season:int}", opt=BROWSE)
async def episodes(request: Req, item_id: FromPath[int], season: FromPath[int]) -> list[EpisodeOut]:
    """The episodes held of a season."""
    host = host_of(request)
    held = await _held(request, item_id)
    return [
        EpisodeOut(
            key=one.key,
            season=one.season,
            number=one.number,
            title=one.title,
            overview=one.overview,
            runtime_minutes=one.runtime_minutes,
            still=f"/images/{image}" if one.still and (image := host.images.id_for(held.instance, one.still)) else None,
        )
        for one in await host.playback.episodes(held, season)
    ]


@get("/library/{item_id:int}/play", opt=PLAY)
async def play(request: Req, item_id: FromPath[int], episode: FromQuery[str | None] = None) -> WatchOut:
    """The streams of a film, or of the episode whose `key` is given."""
    held, playback = await _held(request, item_id), host_of(request).playback
    key = (await playback.episode(held, episode)).key if episode else held.item.key
    watching = await playback.watching(request.user, held.instance, key, held.item.title)
    return WatchOut(
        instance=watching.instance,
        key=watching.key,
        title=watching.title,
        start=watching.start,
        link=watching.link,
        streams=[StreamOut.of(token, file) for token, file in watching.files],
    )


@post("/playback/position", opt=PLAY, status_code=204)
async def position(request: Req, data: JSONBody[Watched]) -> None:
    """Remember how far somebody is."""
    await host_of(request).playback.report(
        request.user,
        instance=data.instance,
        key=data.key,
        item_key=data.item_key,
        seconds=data.seconds,
        duration=data.duration,
        label=data.label,
    )


@get("/playback/continue", opt=PLAY)
async def continue_watching(request: Req) -> list[PositionOut]:
    """What the account has begun, newest first."""
    host = host_of(request)
    return [
        PositionOut(
            item=ItemOut.of(one.held, host.images),
            key=one.position.key,
            label=one.position.label,
            seconds=one.position.seconds,
            duration=one.position.duration,
            updated_at=one.position.updated_at,
        )
        for one in await host.playback.continue_watching(request.user)
    ]


async def _held(request: Req, item_id: int) -> Held:
    held = await host_of(request).library.get(item_id)
    if held is None:
        raise Missing("It is no longer in the library.")
    return held


HANDLERS = [browse, recent, item, episodes, play, position, continue_watching]
