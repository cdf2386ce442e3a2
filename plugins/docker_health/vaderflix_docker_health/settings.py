"""Where the engine answers, and when memory is short."""

from __future__ import annotations

from typing import Annotated

from vaderflix_core.api import Settings, setting

ADDRESS_PATTERN = r"^(unix:///\S+|(tcp|https?)://[^\s/@?#]+/?)$"


class DockerSettings(Settings, frozen=True, kw_only=True):
    """One Docker Engine, best behind a socket proxy."""

    address: Annotated[
        str,
        setting(
            "Engine address",
            "A socket, unix:///var/run/docker.sock, or better a socket proxy, tcp://proxy:2375.",
            pattern=ADDRESS_PATTERN,
            placeholder="tcp://socket-proxy:2375",
        ),
    ] = "unix:///var/run/docker.sock"
    memory_warn_percent: Annotated[
        int,
        setting(
            "Warn at memory use of",
            "Percent of a container's own limit. Containers without one are not judged.",
            ge=50,
            le=100,
            advanced=True,
        ),
    ] = 90
