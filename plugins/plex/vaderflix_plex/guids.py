"""Plex's guids, of today's agents and of all that came before, as the ids that everybody shares.

Pure: nothing here fails, an unknown form names no catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from vaderflix_core.api import ExternalIds

_IMDB = re.compile(r"tt\d{5,12}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,10}")
_GLOBAL = re.compile(r"plex://(movie|show|season|episode)/[0-9a-f]{24}")
_HAMA = re.compile(r"(tvdb|tsdb|tmdb|imdb)\d?-(\w+)", re.ASCII)
_CUSTOM = re.compile(r"(imdb|tmdb|tvdb)[_-](\w+)", re.ASCII)

# The agent's name in front of `://`, and the catalogue that its number belongs to
_AGENTS = {
    "imdb": "imdb",
    "tmdb": "tmdb",
    "tvdb": "tvdb",
    "com.plexapp.agents.imdb": "imdb",
    "com.plexapp.agents.themoviedb": "tmdb",
    "com.plexapp.agents.thetvdb": "tvdb",
    "com.plexapp.agents.xbmcnfo": "tmdb",
    "com.plexapp.agents.xbmcnfotv": "tvdb",
}
_HAMA_CATALOGUES = {"tvdb": "tvdb", "tsdb": "tmdb", "tmdb": "tmdb", "imdb": "imdb"}

NONE = ExternalIds()


def _known(catalogue: str, value: str) -> ExternalIds:
    """An id of a catalogue; a title number of IMDb gives itself away, whatever the agent says."""
    if _IMDB.fullmatch(value):
        return ExternalIds(imdb=value)
    if catalogue == "imdb" or not _NUMBER.fullmatch(value) or not int(value):
        return NONE
    return ExternalIds(tmdb=int(value)) if catalogue == "tmdb" else ExternalIds(tvdb=int(value))


def parse_guid(guid: str) -> ExternalIds:
    """What one guid says: `plex://` gives the server's own global id, all others at most one catalogue's id.

    The number of the old TheTVDB agent is the series', also in the guids of its seasons and episodes.
    """
    if _GLOBAL.fullmatch(guid):
        return ExternalIds(guid=guid)
    if _IMDB.fullmatch(guid):
        return ExternalIds(imdb=guid)
    agent, separator, rest = guid.partition("://")
    if not separator:
        return NONE
    value = rest.partition("?")[0]
    if agent in _AGENTS:
        return _known(_AGENTS[agent], value.partition("/")[0])
    if agent == "com.plexapp.agents.hama" and (found := _HAMA.match(value)):
        return _known(_HAMA_CATALOGUES[found[1]], found[2])
    if agent.startswith(("tv.plex.agents.nfo.", "tv.plex.agents.custom.")):
        if found := _CUSTOM.fullmatch(value.rpartition("/")[2]):
            return _known(found[1], found[2])
        return NONE
    if agent.startswith("com.plexapp.agents.") and _IMDB.fullmatch(value):
        return ExternalIds(imdb=value)
    return NONE


def external_ids(guid: str, others: Iterable[str] = ()) -> ExternalIds:
    """All ids of an item: from its guid and from the list beside it; of two that differ, the list's stays."""
    ids = NONE
    for each in others:
        ids = ids.merged(parse_guid(each))
    return ids.merged(parse_guid(guid))
