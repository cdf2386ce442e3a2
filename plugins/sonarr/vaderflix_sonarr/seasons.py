"""Having Sonarr take seasons: the body of an add, and the steps for a series it has already.

The order of the steps matters: flags of the series first, which set the episodes of a season that was not monitored;
then episodes still left out; then the searches, which look for monitored episodes only.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from vaderflix_arr.client import ArrClient
from vaderflix_arr.wire import Command, QueueRecord

from .titles import SPECIALS, missing_seasons, series_type
from .wire import EpisodeRow, Series

SEARCHED_LATELY = timedelta(minutes=10)
SEARCHES = {"seasonsearch", "seriessearch", "missingepisodesearch", "episodesearch"}


def new_body(
    series: Series,
    wanted: Collection[int],
    *,
    whole: bool,
    profile: int,
    root: str,
    tags: list[int],
    season_folders: bool,
    search: bool,
) -> dict[str, Any]:
    """The body of an add of a lookup's row. `addOptions.monitor` is left out: it would override the seasons' flags."""
    return {
        "title": series.title,
        "tvdbId": series.tvdb_id,
        "qualityProfileId": profile,
        "rootFolderPath": root,
        "seasonFolder": season_folders,
        "seriesType": series_type(series),
        "monitored": True,
        "monitorNewItems": "all" if whole else "none",
        "tags": tags,
        "seasons": [{"seasonNumber": s.season_number, "monitored": s.season_number in wanted} for s in series.seasons],
        "addOptions": {"searchForMissingEpisodes": search},
    }


async def monitor(
    client: ArrClient, series_id: int, wanted: Collection[int], tags: Collection[int], whole: bool
) -> None:
    """Have the series and the asked seasons monitored, and tagged; what else it monitors stays."""
    resource = await client.get(f"/series/{series_id}", dict[str, Any])
    changed = not resource.get("monitored")
    resource["monitored"] = True
    for season in resource.get("seasons") or []:
        if season.get("seasonNumber") in wanted and not season.get("monitored"):
            season["monitored"] = changed = True
    have = set(resource.get("tags") or [])
    if not have >= set(tags):
        resource["tags"] = sorted(have | set(tags))
        changed = True
    if whole and resource.get("monitorNewItems") == "none":
        resource["monitorNewItems"] = "all"
        changed = True
    if changed:
        await client.send("PUT", f"/series/{series_id}", dict[str, Any], resource)


async def monitor_episodes(client: ArrClient, series_id: int, wanted: Collection[int]) -> list[EpisodeRow]:
    """Have all missing episodes of the asked seasons monitored; gives the series' episodes."""
    episodes = await client.get("/episode", list[EpisodeRow], seriesId=series_id)
    left_out = [e.id for e in episodes if e.season_number in wanted and not e.monitored and not e.has_file]
    if left_out:
        await client.send("PUT", "/episode/monitor", list[Any], {"episodeIds": left_out, "monitored": True})
    return episodes


def seasons_to_search(
    series_id: int,
    episodes: list[EpisodeRow],
    wanted: Collection[int],
    queue: list[QueueRecord],
    commands: list[Command],
    now: datetime,
) -> list[int]:
    """The asked seasons that lack something and for which nothing is under way."""
    busy = {row.season_number for row in queue if row.series_id == series_id}
    for command in commands:
        if command.status in ("queued", "started") and command.body.get("seriesId") == series_id:
            if command.name.lower() in ("seriessearch", "missingepisodesearch"):
                return []
            busy.add(command.body.get("seasonNumber"))
    return [
        number
        for number, searched in missing_seasons(episodes, wanted, now).items()
        if number not in busy and (searched is None or now - searched > SEARCHED_LATELY)
    ]


def searches(command: Command, series_id: int, episodes: Collection[int], wanted: Collection[int]) -> bool:
    """Whether a task searches for the asked seasons of a series."""
    if command.name.lower() not in SEARCHES:
        return False
    if command.body.get("seriesId") == series_id:
        return command.body.get("seasonNumber", None) in {None, *wanted}
    ids = command.body.get("episodeIds")
    return isinstance(ids, list) and not set(episodes).isdisjoint(i for i in ids if isinstance(i, int))


def unknown(series: Series, wanted: Collection[int]) -> list[int]:
    """The asked seasons that Sonarr does not list."""
    return sorted(set(wanted) - {s.season_number for s in series.seasons})


def label(numbers: Collection[int]) -> str:
    """Seasons in words."""
    return ", ".join("the specials" if n == SPECIALS else f"season {n}" for n in sorted(numbers))
