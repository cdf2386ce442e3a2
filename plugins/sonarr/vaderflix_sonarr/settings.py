"""The settings of one Sonarr."""

from __future__ import annotations

from typing import Annotated

from vaderflix_arr.settings import ArrSettings
from vaderflix_core.api import setting


class SonarrSettings(ArrSettings, frozen=True, kw_only=True):
    """Where Sonarr is, and how it adds the series that people request."""

    season_folders: Annotated[
        bool, setting("Season folders", "Keep each season in a folder of its own.", advanced=True)
    ] = True
