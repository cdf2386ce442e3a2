"""Routes of the server itself: who it is, its people, its settings, its live channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .http import Answer, Call, Reply, Routes
from .nodes import Attrs, Node
from .render import bare

if TYPE_CHECKING:
    from . import PlexSimulator

routes = Routes()
VERSION = "1.43.3.10861-simulated"
_PREFERENCES = (
    ("FriendlyName", "Friendly name", "text", "", "Plex", "general"),
    ("FSEventLibraryUpdatesEnabled", "Scan my library automatically", "bool", False, False, "library"),
    ("autoEmptyTrash", "Empty trash automatically after every scan", "bool", True, True, "library"),
)


@routes.on(r"/")
def root(sim: PlexSimulator, call: Call) -> Answer:
    """What the server says of itself."""
    node = Node(
        "MediaContainer",
        {
            "size": 5,
            "allowMediaDeletion": True,
            "allowSharing": True,
            "allowSync": True,
            "claimed": True,
            "eventStream": True,
            "friendlyName": "Plex",
            "hubSearch": True,
            "machineIdentifier": sim.state.machine,
            "mediaProviders": True,
            "multiuser": True,
            "myPlex": True,
            "myPlexMappingState": "mapped",
            "myPlexSigninState": sim.sign_in,
            "myPlexSubscription": True,
            "myPlexUsername": "owner@example.org",
            "ownerFeatures": "pass,webhooks,session_kick,collections",
            "platform": "Linux",
            "platformVersion": "6.1",
            "transcoderActiveVideoSessions": 0,
            "transcoderVideo": True,
            "updatedAt": sim.state.now,
            "version": VERSION,
        },
    )
    for key in ("activities", "hubs", "library", "playQueues", "status"):
        node.add(Node("Directory", {"count": 1, "key": key, "title": key}))
    return node


@routes.on(r"/identity")
def identity(sim: PlexSimulator, call: Call) -> Answer:
    """Who the server is, for anybody."""
    return Node(
        "MediaContainer",
        {"size": 0, "claimed": True, "machineIdentifier": sim.state.machine, "version": VERSION},
    )


@routes.on(r"/accounts")
def accounts(sim: PlexSimulator, call: Call) -> Answer:
    """The people that the server knows; 1 is its owner."""
    node = bare(size=2, identifier="com.plexapp.system.accounts")
    for number, name in ((0, ""), (1, "owner")):
        attrs: Attrs = {"id": number, "key": f"/accounts/{number}", "name": name, "defaultAudioLanguage": "en"}
        node.add(Node("Account", {**attrs, "autoSelectAudio": True, "subtitleMode": 0, "thumb": ""}))
    return node


@routes.on(r"/devices")
def devices(sim: PlexSimulator, call: Call) -> Answer:
    """The devices that were used."""
    node = bare(size=1, identifier="com.plexapp.system.devices")
    attrs: Attrs = {
        "id": 1,
        "name": "Browser",
        "platform": "Chrome",
        "clientIdentifier": "browser",
        "createdAt": sim.state.now,
    }
    return node.add(Node("Device", attrs))


@routes.on(r"/clients|/transcode/sessions")
def none_now(sim: PlexSimulator, call: Call) -> Answer:
    """Players in the house, and conversions: none."""
    return bare()


@routes.on(r"/activities")
def activities(sim: PlexSimulator, call: Call) -> Answer:
    """What the server works at."""
    busy = [section for section in sim.state.sections if section.refreshing]
    node = bare(size=len(busy))
    for section in busy:
        attrs: Attrs = {"uuid": section.uuid, "type": "library.update.section", "cancellable": True, "userID": 1}
        node.add(Node("Activity", {**attrs, "title": f"Scanning {section.title}", "subtitle": "", "progress": 50}))
    return node


@routes.on(r"/:/prefs", "GET", "PUT")
def preferences(sim: PlexSimulator, call: Call) -> Answer:
    """The server's settings."""
    node = bare(size=len(_PREFERENCES))
    for id_, label, kind, default, value, group in _PREFERENCES:
        attrs: Attrs = {"id": id_, "label": label, "summary": "", "type": kind, "default": default, "value": value}
        node.add(Node("Setting", {**attrs, "hidden": False, "advanced": False, "group": group}))
    return node


@routes.on(r"/security/token")
def delegation(sim: PlexSimulator, call: Call) -> Answer:
    """A token for a while, which here nobody may use."""
    return bare(token="transient-00000000-simulated")


@routes.on(r"/updater/status")
def updates(sim: PlexSimulator, call: Call) -> Answer:
    """No newer version."""
    return bare(canInstall=False, checkedAt=sim.state.now, status=0)


@routes.on(r"/:/eventsource/notifications")
def notifications(sim: PlexSimulator, call: Call) -> Answer:
    """The live channel."""
    types = set(filter(None, (call.query.get("filters") or call.query.get("filter") or "").split(",")))
    return Reply(content_type="text/event-stream", stream=sim.events.stream(types))


@routes.on(r"/web(?:/.*)?")
def web(sim: PlexSimulator, call: Call) -> Answer:
    """Where the server's own web app would be."""
    body = b"<!doctype html><title>Plex</title><h1>Simulated Plex Media Server</h1><p>Its web app would be here."
    return Reply(body=body, content_type="text/html; charset=utf-8")
