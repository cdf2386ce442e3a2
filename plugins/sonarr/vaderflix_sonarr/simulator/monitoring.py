"""Which episodes of a series are wanted: the season flags, and the options of an add."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.http import Row
from vaderflix_arr.simulator.store import moment

from .series import aired

if TYPE_CHECKING:
    from . import SonarrSimulator


def create_episodes(sim: SonarrSimulator, row: Row) -> None:
    """Add the episodes and seasons that the metadata service knows and the library does not."""
    title = sim.title_of(row)
    assert title is not None
    known = {(e["seasonNumber"], e["episodeNumber"]) for e in sim.store.where("episodes", seriesId=row["id"])}
    absolute = 0
    for season in sorted(title.seasons, key=lambda season: season.number):
        flag = next((s for s in row["seasons"] if s["seasonNumber"] == season.number), None)
        if flag is None:
            flag = {"seasonNumber": season.number, "monitored": row["monitorNewItems"] == "all" and season.number > 0}
            row["seasons"].append(flag)
        for number, about in enumerate(season.episodes, 1):
            absolute += 1
            if (season.number, about.number) in known:
                continue
            new: Row = {
                "seriesId": row["id"],
                "tvdbId": (title.ids.tvdb or 0) * 100 + absolute,
                "seasonNumber": season.number,
                "episodeNumber": about.number,
                "title": about.title,
                "airDate": about.air_date,
                "airDateUtc": f"{about.air_date}T00:00:00Z" if about.air_date else "",
                "runtime": title.runtime_minutes,
                "monitored": flag["monitored"],
                "absolute": absolute,
                "episodeFileId": 0,
            }
            if season.number and number == len(season.episodes):
                new["finaleType"] = "season"
            sim.store.add("episodes", new)
    row["seasons"].sort(key=lambda season: season["seasonNumber"])


def apply_options(sim: SonarrSimulator, row: Row, options: Row) -> None:
    """The monitoring that an add asked for. Without `monitor` the season flags stand; else they follow the episodes."""
    episodes = sim.store.where("episodes", seriesId=row["id"])
    how = options.get("monitor", "unknown")
    if how == "skip":
        return
    if how == "unknown":
        flags = {season["seasonNumber"]: season["monitored"] for season in row["seasons"]}
        for each in episodes:
            held = bool(each["episodeFileId"])
            kept = not (held and options.get("ignoreEpisodesWithFiles"))
            kept = kept and (held or not options.get("ignoreEpisodesWithoutFiles"))
            each["monitored"] = flags.get(each["seasonNumber"], False) and kept
        return
    numbers = [s["seasonNumber"] for s in row["seasons"] if s["seasonNumber"]]
    for each in episodes:
        each["monitored"] = _wanted(each, how, numbers)
    if how == "none":
        row["monitored"] = False
    for season in row["seasons"]:
        own = [e for e in episodes if e["seasonNumber"] == season["seasonNumber"]]
        season["monitored"] = any(e["monitored"] for e in own)


def _wanted(each: Row, how: str, seasons: list[int]) -> bool:
    number, recent = each["seasonNumber"], datetime.now(UTC) - timedelta(days=90)
    if how == "monitorSpecials" and number == 0:
        return True
    if number == 0:
        return False
    shown = moment(each["airDateUtc"]) if each["airDateUtc"] else None
    wanted: dict[str, bool] = {
        "all": True,
        "future": not aired(each),
        "missing": not each["episodeFileId"],
        "existing": bool(each["episodeFileId"]),
        "firstSeason": number == min(seasons, default=1),
        "lastSeason": number == max(seasons, default=1),
        "latestSeason": number == max(seasons, default=1),
        "pilot": number == 1 and each["episodeNumber"] == 1,
        "recent": shown is None or shown >= recent,
        "none": False,
    }
    return wanted.get(how, bool(each["monitored"]))


def apply_seasons(sim: SonarrSimulator, row: Row, seasons: list[Row]) -> None:
    """Season flags of a PUT: where one changes, its episodes follow."""
    for given in seasons:
        for season in row["seasons"]:
            if season["seasonNumber"] == given["seasonNumber"] and season["monitored"] != given["monitored"]:
                season["monitored"] = given["monitored"]
                for each in sim.store.where("episodes", seriesId=row["id"], seasonNumber=season["seasonNumber"]):
                    each["monitored"] = given["monitored"]
