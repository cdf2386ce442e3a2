"""The forms of the providers, as far as a client of the API can see them."""

from __future__ import annotations

from .http import Row
from .providers import Field


def options(names: tuple[str, ...], first: int = 0, divider: bool = False) -> tuple[Row, ...]:
    """Select options numbered from `first`. Radarr's say whether a divider follows."""
    tail = {"dividerAfter": False} if divider else {}
    return tuple({"value": n, "name": name, "order": n, **tail} for n, name in enumerate(names, first))


def webhook_fields(divider: bool) -> tuple[Field, ...]:
    """The form of a webhook."""
    methods = options(("POST", "PUT"), 1, divider)
    return (
        Field(name="url", label="Webhook URL", kind="url"),
        Field(name="method", label="Method", value=1, kind="select", help="The HTTP method", options=methods),
        Field(name="username", label="Username", privacy="userName"),
        Field(name="password", label="Password", kind="password", privacy="password"),
        Field(name="headers", label="Headers", value=[], kind="keyValueList", advanced=True),
    )


def torrent_fields(noun: str, category: str, divider: bool) -> tuple[Field, ...]:
    """The form of a qBittorrent. `noun` is "movie" or "tv"; Sonarr's has two fields more."""
    order = options(("Last", "First"), 0, divider)
    states = options(("Started", "Force Started", "Stopped"), 0, divider)
    layouts = options(("Default", "Original", "Subfolder"), 0, divider)
    title = noun.capitalize()
    sonarr = noun == "tv"
    key = (Field(name="apiKey", label="API Key", privacy="apiKey", help="For qBittorrent 5.2 and later"),)
    tags = (Field(name="addSeriesTags", label="Add Series Tags", value=False, kind="checkbox", help="Tag torrents"),)
    return (
        Field(name="host", label="Host", value="localhost"),
        Field(name="port", label="Port", value=8080),
        Field(name="useSsl", label="Use SSL", value=False, kind="checkbox", help="Connect over HTTPS"),
        Field(name="urlBase", label="URL Base", advanced=True, help="A prefix of the path"),
        *(key if sonarr else ()),
        Field(name="username", label="Username", privacy="userName"),
        Field(name="password", label="Password", kind="password", privacy="password"),
        Field(name=f"{noun}Category", label="Category", value=category, help="The category of its torrents"),
        Field(name=f"{noun}ImportedCategory", label="Post-Import Category", advanced=True, help="After the import"),
        Field(
            name=f"recent{title}Priority", label="Recent Priority", value=0, kind="select", help="New", options=order
        ),
        Field(name=f"older{title}Priority", label="Older Priority", value=0, kind="select", help="Old", options=order),
        Field(name="initialState", label="Initial State", value=0, kind="select", help="After adding", options=states),
        Field(name="sequentialOrder", label="Sequential Order", value=False, kind="checkbox", help="First to last"),
        Field(name="firstAndLast", label="First and Last First", value=False, kind="checkbox", help="Ends first"),
        Field(name="contentLayout", label="Content Layout", value=0, kind="select", help="Folders", options=layouts),
        *(tags if sonarr else ()),
    )


def torznab_fields() -> tuple[Field, ...]:
    """The part of a Torznab indexer's form that matters here."""
    return (
        Field(name="baseUrl", label="URL"),
        Field(name="apiPath", label="API Path", value="/api", advanced=True, help="Path of the API"),
        Field(name="apiKey", label="API Key", privacy="apiKey"),
        Field(name="minimumSeeders", label="Minimum Seeders", value=1, kind="number", advanced=True, help="At least"),
    )
