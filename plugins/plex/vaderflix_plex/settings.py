"""What an admin enters to use a Plex Media Server."""

from __future__ import annotations

from typing import Annotated

from vaderflix_core.api import URL_PATTERN, Secret, Settings, setting


class PlexSettings(Settings, frozen=True, kw_only=True):
    """The address of one Plex Media Server and the token to use it with."""

    url: Annotated[
        str,
        setting(
            "Server URL",
            "The address of your Plex Media Server as this machine reaches it, without /web.",
            pattern=URL_PATTERN,
            placeholder="http://192.168.1.10:32400",
        ),
    ]
    token: Annotated[
        Secret,
        setting("Token", "The X-Plex-Token of the server's owner. The set-up steps tell where to find it."),
    ]
    sections: Annotated[
        tuple[str, ...],
        setting(
            "Libraries",
            "The names of the libraries to use, with commas between them. Empty: all film and series libraries.",
            placeholder="Films, Series",
            advanced=True,
        ),
    ] = ()
    account_url: Annotated[
        str,
        setting(
            "Address of plex.tv",
            "Where people's Plex accounts are. Change it only for a stand-in.",
            pattern=URL_PATTERN,
            advanced=True,
        ),
    ] = "https://plex.tv"
    verify_tls: Annotated[
        bool,
        setting(
            "Check the TLS certificate",
            "Switch this off only for a server in your own network with a certificate it made itself.",
            advanced=True,
        ),
    ] = True
