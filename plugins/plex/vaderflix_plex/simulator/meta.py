"""What a library says of its filters and orders (`includeMeta=1`): clients ask before they search."""

from __future__ import annotations

from .nodes import Attrs, Node
from .state import Section

_SORTS = (
    ("titleSort", "Title", "asc"),
    ("year", "Year", "desc"),
    ("originallyAvailableAt", "Release Date", "desc"),
    ("rating", "Critic Rating", "desc"),
    ("audienceRating", "Audience Rating", "desc"),
    ("duration", "Duration", "desc"),
    ("addedAt", "Date Added", "desc"),
    ("lastViewedAt", "Date Viewed", "desc"),
)
_FILTERS = (
    ("genre", "string", "Genre"),
    ("year", "integer", "Year"),
    ("contentRating", "string", "Content Rating"),
    ("unwatched", "boolean", "Unwatched"),
)
_FIELDS = (
    ("title", "string", "Title"),
    ("studio", "string", "Studio"),
    ("year", "integer", "Year"),
    ("genre", "tag", "Genre"),
    ("contentRating", "string", "Content Rating"),
    ("addedAt", "date", "Date Added"),
    ("updatedAt", "date", "Date Updated"),
    ("lastViewedAt", "date", "Last Played"),
    ("viewCount", "integer", "Plays"),
    ("unwatched", "boolean", "Unplayed"),
)
_OPERATORS = {
    "tag": (("=", "is"), ("!=", "is not")),
    "integer": (("=", "is"), ("!=", "is not"), (">>=", "is greater than"), ("<<=", "is less than")),
    "string": (
        ("=", "contains"), ("!=", "does not contain"), ("==", "is"), ("!==", "is not"),
        ("<=", "begins with"), (">=", "ends with"),
    ),
    "boolean": (("=", "is true"), ("!=", "is false")),
    "date": (("<<=", "is before"), (">>=", "is after"), ("<<=-", "is not in the last"), (">>=-", "is in the last")),
}  # fmt: skip
_PLURALS = {
    "movie": "Movies",
    "show": "TV Shows",
    "season": "Seasons",
    "episode": "Episodes",
    "collection": "Collections",
}


def _type(section: Section, type: str, number: int, active: bool) -> Node:
    base = f"/library/sections/{section.key}"
    node = Node("Type", {"key": f"{base}/all?type={number}", "type": type, "title": _PLURALS[type], "active": active})
    for key, kind, title in _FILTERS:
        filter_: Attrs = {"filter": key, "filterType": kind, "key": f"{base}/{key}", "title": title, "type": "filter"}
        node.add(Node("Filter", filter_))
    for key, title, direction in _SORTS:
        sort: Attrs = {"defaultDirection": direction, "descKey": f"{key}:desc", "key": key, "title": title}
        node.add(Node("Sort", {**({"default": "asc", "active": True} if key == "titleSort" else {}), **sort}))
    for key, kind, title in _FIELDS:
        node.add(Node("Field", {"key": f"{type}.{key}", "title": title, "type": kind}))
    return node


def meta(section: Section, collections: bool) -> Node:
    """Types with filters, sorts and fields, and the operators of each kind of field."""
    types = {"movie": (("movie", 1),), "show": (("show", 2), ("season", 3), ("episode", 4))}[section.type]
    if collections:
        types = (("collection", 18),)
    node = Node("Meta").add(*(_type(section, type, number, not place) for place, (type, number) in enumerate(types)))
    for kind, operators in _OPERATORS.items():
        node.add(
            Node("FieldType", {"type": kind}).add(*(Node("Operator", {"key": k, "title": t}) for k, t in operators))
        )
    return node
