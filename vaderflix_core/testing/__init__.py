"""The plugin author's kit: contract test classes, an in-memory host, simulator parts, and the simulated world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .catalogue import CatalogueEpisode, CatalogueSeason, Title, catalogue
from .faults import Fault, Faults, Refusal
from .serving import free_port, served
from .torrents import Release, make_release

if TYPE_CHECKING:
    from .contracts import (
        DownloaderContract,
        HealthCheckContract,
        MediaSourceContract,
        NotifierContract,
        RequesterContract,
    )

__all__ = [
    "CatalogueEpisode",
    "CatalogueSeason",
    "DownloaderContract",
    "Fault",
    "Faults",
    "HealthCheckContract",
    "MediaSourceContract",
    "NotifierContract",
    "Refusal",
    "Release",
    "RequesterContract",
    "Title",
    "catalogue",
    "free_port",
    "make_release",
    "served",
]


def __getattr__(name: str) -> Any:
    """The contracts, loaded when asked for: they need pytest, which the demo's simulators do without."""
    if name in __all__ and name.endswith("Contract"):
        from . import contracts

        return getattr(contracts, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Everything there is, the contracts included: `dir()`, `help()` and editors look here."""
    return sorted(__all__)
