"""The settings that Radarr and Sonarr have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from vaderflix_core.api import URL_PATTERN, Secret, Settings, setting


class ArrSettings(Settings, frozen=True, kw_only=True):
    """Where the service is, and what it does with a request."""

    url: Annotated[
        str,
        setting(
            "Address",
            "As you open it in a browser, with its URL base if it has one.",
            pattern=URL_PATTERN,
        ),
    ]
    api_key: Annotated[Secret, setting("API key", "In the service under Settings, General, Security.")]
    quality: Annotated[
        Literal["standard", "4k"],
        setting(
            "Copies",
            "Which requests it takes. For both, connect two services, each with a quality profile and folder to suit.",
            choices={"standard": "Standard", "4k": "4K"},
        ),
    ] = "standard"
    quality_profile: Annotated[
        str,
        setting(
            "Quality profile",
            "For titles that requests add. Empty: the first one the service has.",
            dynamic=True,
        ),
    ] = ""
    root_folder: Annotated[
        str,
        setting(
            "Root folder",
            "Where titles that requests add are kept. May stay empty while the service has only one.",
            dynamic=True,
        ),
    ] = ""
    tags: Annotated[
        tuple[str, ...],
        setting("Tags", "Set on every requested title; made when missing. Letters, digits and hyphens.", advanced=True),
    ] = ()
    search_on_add: Annotated[
        bool,
        setting("Search at once", "Look for a release as soon as a request is taken.", advanced=True),
    ] = True
