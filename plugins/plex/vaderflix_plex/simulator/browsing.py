"""Routes of the library: sections, listings, items, search."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .http import Answer, Call, Routes, nothing, refuse
from .meta import meta
from .nodes import Attrs, Node
from .query import filtered, ordered
from .render import bare, container, item_node, of_section, section_node, tag_id
from .state import TYPES, Item, Section

if TYPE_CHECKING:
    from . import PlexSimulator

routes = Routes()
_NAMES = {number: name for name, number in TYPES.items()}
_PLURALS = {"movie": "Movies", "show": "Shows", "season": "Seasons", "episode": "Episodes"}
_OTHER_HUBS = ("actor", "director", "genre", "collection", "playlist")


def rows(sim: PlexSimulator, call: Call, node: Node, items: Iterable[Item]) -> Node:
    """Items as rows of a container, in the window that was asked for."""
    guids = call.query.get("includeGuids") == "1"
    leave_out = frozenset(
        filter(None, f"{call.query.get('excludeElements', '')},{call.query.get('excludeFields', '')}".split(","))
    )
    return windowed(sim, call, node, list(items), lambda i: item_node(i, guids=guids, leave_out=leave_out))


def windowed(sim: PlexSimulator, call: Call, node: Node, items: list[Item], render: Callable[[Item], Node]) -> Node:
    """The asked window of a listing. Without a size there is no total, as the real server has it."""
    size, start = call.number("X-Plex-Container-Size"), call.number("X-Plex-Container-Start") or 0
    total = len(items)
    if limit := call.query.get("limit"):
        items = items[: int(limit)]
        total = len(items)
    if size is not None:
        if sim.longest_page is not None:
            size = min(size, sim.longest_page)
        if not sim.ignore_paging:
            items = items[start : start + size]
        node.attrs["offset"] = start
        if not sim.omit_total:
            node.attrs["totalSize"] = total
    node.attrs["size"] = len(items)
    return node.add(*(render(item) for item in items))


def listed(sim: PlexSimulator, call: Call, section: Section, items: list[Item]) -> list[Item]:
    """Items filtered and ordered as the query says, unless the server is told to pay no heed."""
    query = dict(call.query)
    if sim.ignore_filters:
        query = {
            key: value for key, value in query.items() if key.rstrip("<>!").rpartition(".")[2] in ("title", "genre")
        }
    found = filtered(items, query)
    return ordered(found, "" if sim.ignore_sort else call.query.get("sort", ""))


@routes.on(r"/library/?")
def library(sim: PlexSimulator, call: Call) -> Answer:
    """The library's root."""
    node = container(size=3, art="/:/resources/library-art.png", content="", title1="Plex Library", title2="")
    for key, title in (("sections", "Library Sections"), ("recentlyAdded", "Recently Added"), ("onDeck", "On Deck")):
        node.add(Node("Directory", {"key": key, "title": title}))
    return node


@routes.on(r"/library/sections(?:/all)?/?")
def sections(sim: PlexSimulator, call: Call) -> Answer:
    """All libraries."""
    node = bare(size=len(sim.state.sections), title1="Plex Library", allowSync=False)
    return node.add(*(section_node(section) for section in sim.state.sections))


@routes.on(r"/library/sections/(\d+)")
def section(sim: PlexSimulator, call: Call, key: str) -> Answer:
    """What a library offers."""
    found = sim.state.section(key)
    if found is None:
        return refuse(404)
    node = container(content="secondary", librarySectionID=int(key), title1=found.title, viewGroup="secondary")
    for name, title in (("all", "All"), ("unwatched", "Unwatched"), ("recentlyAdded", "Recently Added")):
        node.add(Node("Directory", {"key": name, "title": title}))
    node.attrs["size"] = len(node.children)
    return node


@routes.on(r"/library/sections/(\d+)/(all|collections|recentlyAdded|onDeck|unwatched|search)")
def section_items(sim: PlexSimulator, call: Call, key: str, view: str) -> Answer:
    """The items of a library, or a view of them."""
    found = sim.state.section(key)
    if found is None:
        return refuse(404)
    if sim.require_paging and call.number("X-Plex-Container-Size") is None:
        return refuse(400)
    kind = _NAMES.get(int(call.query.get("type", TYPES[found.type])), "")
    node = of_section(
        found,
        art=f"/:/resources/{found.type}-fanart.jpg",
        nocache=True,
        thumb=f"/:/resources/{found.type}.png",
        title1=found.title,
        title2=f"All {_PLURALS.get(kind, kind)}",
        viewGroup=kind,
        viewMode=65592,
    )
    items = sim.state.of(found, kind) if view != "collections" and kind else []
    items = listed(sim, call, found, items)
    if view == "recentlyAdded":
        items = ordered(items, "addedAt:desc")
    elif view == "onDeck":
        items = [item for item in items if item.view_offset]
    elif view == "unwatched":
        items = [item for item in items if not item.view_count]
    node = rows(sim, call, node, items)
    if call.query.get("includeMeta") == "1":
        node.add(meta(found, view == "collections"))
    return node


@routes.on(r"/library/sections/(\d+)/(genre|year|contentRating)")
def filter_values(sim: PlexSimulator, call: Call, key: str, name: str) -> Answer:
    """The values that a filter may take in a library."""
    found = sim.state.section(key)
    if found is None:
        return refuse(404)
    choices: dict[str, str] = {}
    for item in sim.state.of(found):
        if name == "genre":
            choices |= {str(tag_id("genre", genre)): genre for genre in (item.known.genres if item.known else ())}
        elif name == "year" and item.year:
            choices[str(item.year)] = str(item.year)
        elif name == "contentRating" and item.known and item.known.certification:
            choices[item.known.certification] = item.known.certification
    node = container(size=len(choices), title1=found.title)
    for value, title in sorted(choices.items(), key=lambda each: each[1]):
        attrs: Attrs = {
            "fastKey": f"/library/sections/{key}/all?{name}={value}",
            "key": value,
            "title": title,
            "type": name,
        }
        node.add(Node("Directory", attrs))
    return node


@routes.on(r"/library/sections/(\d+|all)/refresh", "GET", "POST", "DELETE")
def refresh(sim: PlexSimulator, call: Call, key: str) -> Answer:
    """Scan a library, or one folder of it; DELETE ends that."""
    found = sim.state.sections if key == "all" else [s for s in sim.state.sections if s.key == key]
    if not found:
        return refuse(404)
    for each in found:
        if call.method == "DELETE":
            sim.scanner.cancel(each)
        else:
            sim.scanner.scan(each, call.query.get("path"))
    return nothing()


@routes.on(r"/library/sections/(\d+)/emptyTrash", "PUT")
def empty_trash(sim: PlexSimulator, call: Call, key: str) -> Answer:
    """A scan takes missing files away at once, so there is no trash."""
    return nothing() if sim.state.section(key) else refuse(404)


@routes.on(r"/library/(recentlyAdded|onDeck|all)")
def across(sim: PlexSimulator, call: Call, view: str) -> Answer:
    """Items of all libraries."""
    items = list(sim.state.films_and_shows())
    if view == "onDeck":
        items = [item for item in sim.state.items.values() if item.view_offset]
    sort = "addedAt:desc" if view == "recentlyAdded" else call.query.get("sort", "")
    return rows(sim, call, container(), ordered(filtered(items, call.query), sort))


@routes.on(r"/library/metadata/([\d,]+)")
def metadata(sim: PlexSimulator, call: Call, keys: str) -> Answer:
    """Items in full. Unknown ones are left out; 404 when none is known."""
    items = [item for key in keys.split(",") if key and (item := sim.state.items.get(int(key)))]
    if not items:
        return refuse(404)
    node = of_section(items[0].section, size=len(items))
    return node.add(*(item_node(item, full=True) for item in items))


@routes.on(r"/library/metadata/(\d+)/(children|allLeaves|grandchildren)")
def below(sim: PlexSimulator, call: Call, key: str, what: str) -> Answer:
    """Seasons of a show, episodes of a season, or all episodes below."""
    item = sim.state.items.get(int(key))
    if item is None:
        return refuse(404)
    children = sorted(item.children, key=lambda child: child.index or 0)
    items = children if what == "children" else item.leaves
    node = of_section(
        item.section,
        key=key,
        nocache=True,
        parentIndex=item.index,
        parentTitle=item.title,
        parentYear=item.year,
        summary=item.summary if item.type == "show" else None,
        thumb=f"/library/metadata/{key}/thumb/{item.updated_at}",
        title1=item.section.title,
        title2=item.title,
        viewGroup=items[0].type if items else "season",
        viewMode=65592,
    )
    node = rows(sim, call, node, items)
    # The row for all episodes comes with the seasons, and is no item: clients must tell it apart
    if item.type == "show" and what == "children" and len(children) > 1 and not call.query.get("excludeAllLeaves"):
        attrs: Attrs = {
            "leafCount": len(item.leaves),
            "key": f"/library/metadata/{key}/allLeaves",
            "title": "All episodes",
        }
        node.children.insert(0, Node("Directory", attrs))
        for count in ("size", "totalSize"):
            if count in node.attrs:
                node.attrs[count] = len(node.children)
    return node


@routes.on(r"/library/metadata/(\d+)/refresh", "PUT")
def refresh_item(sim: PlexSimulator, call: Call, key: str) -> Answer:
    """Read an item's metadata anew: here it only gets a new date, and everybody hears of it."""
    item = sim.state.items.get(int(key))
    if item is None:
        return refuse(404)
    item.updated_at = max(sim.clock(), item.updated_at + 1)
    sim.events.timeline(item, TYPES[item.type], 5)
    return nothing()


@routes.on(r"/hubs/search")
def hub_search(sim: PlexSimulator, call: Call) -> Answer:
    """The search: part of a title, upper and lower case alike, accents not; three of a kind unless told."""
    if sim.restricted:
        return refuse(404)
    wanted, limit = call.query.get("query", "").casefold().strip(), int(call.query.get("limit", 3))
    node = bare()
    for kind in ("movie", "show", "episode"):
        found = [
            item
            for item in ordered([i for i in sim.state.items.values() if i.type == kind], "")
            if wanted and wanted in f"{item.title} {item.original_title}".casefold()
            and call.query.get("sectionId", item.section.key) == item.section.key
        ]  # fmt: skip
        node.add(_hub(kind, found[:limit], len(found) > limit))
    node.add(*(_hub(kind, [], False) for kind in _OTHER_HUBS))
    node.attrs["size"] = len(node.children)
    return node


def _hub(kind: str, items: list[Item], more: bool) -> Node:
    attrs: Attrs = {
        "title": _PLURALS.get(kind, f"{kind.title()}s"),
        "type": kind,
        "hubIdentifier": kind,
        "size": len(items),
    }
    node = Node("Hub", {**attrs, "more": more, "style": "shelf"})
    for item in items:
        row = item_node(item, full=True)
        row.attrs |= {"reason": "section", "reasonID": int(item.section.key), "reasonTitle": item.section.title}
        node.add(row)
    return node


@routes.on(r"/hubs/(?:continueWatching|home/continueWatching)/items")
def continue_watching(sim: PlexSimulator, call: Call) -> Answer:
    """What was begun and not finished."""
    begun = [item for item in sim.state.items.values() if item.view_offset]
    return rows(sim, call, container(), ordered(begun, "lastViewedAt:desc"))
