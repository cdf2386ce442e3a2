"""What can be played, and playing it."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from vaderflix_core.api.models import Episode, LibraryItem, MediaKind
from vaderflix_core.failures import Missing
from vaderflix_core.search.models import Held

from ..auth import host_of
from ..page import Req
from .shapes import StreamOut, Watched, WatchOut

BROWSE = {"permission": "browse"}
PLAY = {"permission": "play"}


@get("/library", opt=BROWSE)
async def browse(
    request: Req, kind: FromQuery[MediaKind], offset: FromQuery[int] = 0, limit: FromQuery[int] = 50
) -> dict[str, int | list[Held]]:
    """The library's films or series by title: `total`, and one page of `items`."""
    items, total = await host_of(request).library.browse(kind, max(0, offset), max(1, min(limit, 200)))
    return {"total": total, "items": items}


@get("/library/recent", opt=BROWSE)
async def recent(request: Req, limit: FromQuery[int] = 20) -> list[Held]:
    """The newest titles, newest first."""
    return await host_of(request).library.recent(max(1, min(limit, 100)))


@get("/library/{item_id:int}", opt=BROWSE)
async def item(request: Req, item_id: FromPath[int]) -> LibraryItem:
    """One copy of a title."""
    return (await _held(request, item_id)).item


@get("/library/{item_id:int}/seasons/{season:int}", opt=BROWSE)
async def episodes(request: Req, item_id: FromPath[int], season: FromPath[int]) -> list[Episode]:
    """The episodes held of a season."""
    return await host_of(request).playback.episodes(await _held(request, item_id), season)


@get("/library/{item_id:int}/play", opt=PLAY)
async def play(request: Req, item_id: FromPath[int], episode: FromQuery[str | None] = None) -> WatchOut:
    """The streams of a film, or of the episode whose `key` is given."""
    held = await _held(request, item_id)
    key = episode or held.item.key
    watching = await host_of(request).playback.watching(request.user, held.instance, key, held.item.title)
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
async def continue_watching(request: Req) -> list[dict[str, object]]:
    """What the account has begun, newest first: `held` and `position`."""
    found = await host_of(request).playback.continue_watching(request.user)
    return [{"held": one.held, "position": one.position} for one in found]


async def _held(request: Req, item_id: int) -> Held:
    held = await host_of(request).library.get(item_id)
    if held is None:
        raise Missing("It is no longer in the library.")
    return held


HANDLERS = [browse, recent, item, episodes, play, position, continue_watching]
