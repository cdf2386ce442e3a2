"""What an admin enters to connect a qBittorrent."""

from __future__ import annotations

from typing import Annotated

from vaderflix_core.api import URL_PATTERN, Secret, Settings, setting


class QbittorrentSettings(Settings, frozen=True, kw_only=True):
    """The Web UI's address and a way in: user name and password, or an API key."""

    url: Annotated[
        str,
        setting(
            "Web UI address",
            "As you open it in a browser. In qBittorrent: Options, Web UI.",
            pattern=URL_PATTERN,
            placeholder="http://qbittorrent:8080",
        ),
    ]
    username: Annotated[str, setting("User name", "The one of the Web UI.")] = ""
    password: Annotated[
        Secret,
        setting("Password", "The one of the Web UI. Five wrong ones lock this server out for an hour."),
    ] = Secret("")
    api_key: Annotated[
        Secret,
        setting(
            "API key",
            "qBittorrent 5.2 and later can make one, under Options, Web UI. It is used instead of the password.",
            advanced=True,
        ),
    ] = Secret("")
    verify_tls: Annotated[
        bool,
        setting("Check the TLS certificate", "Turn off only for a self-signed certificate.", advanced=True),
    ] = True
