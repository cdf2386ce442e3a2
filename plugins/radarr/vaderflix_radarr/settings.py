"""The settings of one Radarr."""

from __future__ import annotations

from typing import Annotated, Literal

from vaderflix_arr.settings import ArrSettings
from vaderflix_core.api import setting


class RadarrSettings(ArrSettings, frozen=True, kw_only=True):
    """Where Radarr is, and how it adds the films that people request."""

    minimum_availability: Annotated[
        Literal["announced", "inCinemas", "released"],
        setting(
            "Minimum availability",
            "Radarr searches no earlier than this.",
            choices={"announced": "Announced", "inCinemas": "In cinemas", "released": "Released"},
            advanced=True,
        ),
    ] = "released"
