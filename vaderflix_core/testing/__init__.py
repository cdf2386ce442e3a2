"""The plugin author's kit: contract test classes, an in-memory host, simulator parts, and the simulated world."""

from .catalogue import CatalogueEpisode, CatalogueSeason, Title, catalogue
from .faults import Fault, Faults, Refusal
from .serving import free_port, served
from .torrents import Release, make_release

__all__ = [
    "CatalogueEpisode",
    "CatalogueSeason",
    "Fault",
    "Faults",
    "Refusal",
    "Release",
    "Title",
    "catalogue",
    "free_port",
    "make_release",
    "served",
]
