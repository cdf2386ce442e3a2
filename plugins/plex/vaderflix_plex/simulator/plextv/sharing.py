"""Routes of the simulated plex.tv about people: who may see the server, which libraries, in both generations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ..http import Answer, Call, Reply, Routes
from ..nodes import Attrs, Node
from . import PREFIX, Grant, PlexTv
from .signing import refuse, reply, signed_in, stamp

if TYPE_CHECKING:
    from .. import PlexSimulator

routes = Routes()
V1 = PREFIX + r"/api"
V2 = PREFIX + r"/api/v2"
FILTERS = ("filterAll", "filterMovies", "filterMusic", "filterPhotos", "filterTelevision")


def _owner(sim: PlexSimulator, call: Call, machine: str = "") -> Reply | None:
    """The refusal to anybody but the owner of the server."""
    account = signed_in(sim, call)
    if isinstance(account, Reply):
        return account
    if machine and machine != sim.state.machine:
        return refuse(call, 404, 1002, "Server not found")
    return None if account is sim.plextv.accounts[0] else refuse(call, 403, 1003, "Forbidden")


def _sections(sim: PlexSimulator) -> list[Attrs]:
    whole: list[Attrs] = [
        {"id": id_, "key": int(section.key), "title": section.title, "type": section.type}
        for id_, section in zip(sim.plextv.global_ids(sim.state.sections), sim.state.sections, strict=True)
    ]
    return whole[: len(whole) - sim.plextv.sections_cut]


def _body(call: Call) -> dict[str, Any]:
    value = msgspec.json.decode(call.body) if call.body else {}
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _ids(sim: PlexSimulator, wanted: Any) -> tuple[int, ...]:
    known = set(sim.plextv.global_ids(sim.state.sections))
    ids = tuple(int(one) for one in wanted or ())
    if not set(ids) <= known:
        raise ValueError("unknown section")
    return ids


@routes.on(V1 + r"/users/?")
def users(sim: PlexSimulator, call: Call) -> Answer:
    """The people with whom the owner shares anything, invited ones too."""
    if refused := _owner(sim, call):
        return refused
    tv = sim.plextv
    known = [grant for grant in tv.grants if grant.account is not None]
    shown = known[: len(known) - tv.people_cut]
    node = Node(
        "MediaContainer",
        {
            "friendlyName": "myPlex",
            "identifier": "com.plexapp.plugins.myplex",
            "machineIdentifier": "85a28b6ea2b35c1a10cbdd967b74117a45e8694f",  # plex.tv's own, not the server's
            "totalSize": len(known),
            "size": len(shown),
        },
    )
    for grant in shown:
        account = grant.account
        assert account is not None
        attrs: Attrs = {
            "id": account.id, "title": account.title, "username": account.username, "email": account.email,
            "thumb": "", "protected": False, "home": account.home, "allowSync": False, "restricted": account.restricted,
            **{name: grant.filters.get(name, "") for name in FILTERS},
        }  # fmt: skip
        server: Attrs = {
            "id": grant.id, "serverId": "300001", "machineIdentifier": sim.state.machine, "name": "Plex",
            "lastSeenAt": tv.now, "numLibraries": len(grant.sections), "allLibraries": grant.everything,
            "owned": True, "pending": grant.pending,
        }  # fmt: skip
        node.add(Node("User", attrs).add(Node("Server", server)))
    return node


@routes.on(V1 + r"/servers/(\w+)")
def server(sim: PlexSimulator, call: Call, machine: str) -> Answer:
    """The server's libraries, with the ids that sharing uses (v1)."""
    if refused := _owner(sim, call, machine):
        return refused
    node = Node("MediaContainer", {"friendlyName": "myPlex", "size": 1})
    found = Node("Server", {"name": "Plex", "machineIdentifier": machine, "owned": True})
    return node.add(found.add(*(Node("Section", attrs) for attrs in _sections(sim))))


@routes.on(V2 + r"/servers/(\w+)")
def server_v2(sim: PlexSimulator, call: Call, machine: str) -> Answer:
    """The same (v2)."""
    if refused := _owner(sim, call, machine):
        return refused
    value = {"name": "Plex", "owned": True, "machineIdentifier": machine, "librarySections": _sections(sim)}
    return reply(call, Node("server", {"name": "Plex"}), value)


# -- v1 ----------------------------------------------------------------------------------------------------------


def _v1(sim: PlexSimulator, *grants: Grant) -> Node:
    node = Node("MediaContainer", {"friendlyName": "myPlex", "machineIdentifier": sim.state.machine})
    for grant in grants:
        who = grant.account
        attrs: Attrs = {
            "id": grant.id, "username": who.username if who else "", "email": who.email if who else grant.email,
            "userID": who.id if who else None, "accessToken": f"server-token-{who.id}" if who else None,
            "name": "Plex", "acceptedAt": None if grant.pending else sim.plextv.now,
            "invitedAt": sim.plextv.now, "allLibraries": grant.everything,
        }  # fmt: skip
        shared = Node("SharedServer", attrs)
        for section in _sections(sim):
            shared.add(Node("Section", {**section, "shared": section["id"] in grant.sections}))
        node.add(shared)
    node.attrs["size"] = len(grants)
    return node


@routes.on(V1 + r"/servers/(\w+)/shared_servers", "GET", "POST")
def shared_servers(sim: PlexSimulator, call: Call, machine: str) -> Answer:
    """The accepted shares; an invitation (v1)."""
    if refused := _owner(sim, call, machine):
        return refused
    if call.method == "GET":
        return _v1(sim, *(g for g in sim.plextv.grants if not g.pending))
    asked = _body(call).get("shared_server", {})
    who = str(asked.get("invited_id") or asked.get("invited_email") or "")
    if asked.get("invited_id") and sim.plextv.named(who) is None:
        return refuse(call, 404, 1002, "User not found")
    return _invite(sim, call, who, _ids(sim, asked.get("library_section_ids")), v2=False)


def _invite(sim: PlexSimulator, call: Call, who: str, sections: tuple[int, ...], *, v2: bool) -> Reply | Node:
    if "@" not in who and sim.plextv.named(who) is None:
        return refuse(call, 404, 1002, "User not found")
    account = sim.plextv.named(who)
    if account is not None and account.username in sim.plextv.closed:
        return refuse(call, 403, 1003, "This person does not accept invitations")
    grant = sim.plextv.share(who, sections)
    if grant is None:
        return refuse(call, 422, 1010, "You're already sharing this server with that user")
    return reply(call, Node("sharedServer", {"id": grant.id}), _v2(sim, grant), 201) if v2 else _v1(sim, grant)


@routes.on(V1 + r"/servers/(\w+)/shared_servers/(\d+)", "PUT", "DELETE")
def shared_server(sim: PlexSimulator, call: Call, machine: str, grant_id: str) -> Answer:
    """Other libraries, or the end of a share (v1)."""
    if refused := _owner(sim, call, machine):
        return refused
    grant = sim.plextv.grant(int(grant_id))
    if grant is None:
        return refuse(call, 404, 1002, "Shared server not found")
    if call.method == "DELETE":
        sim.plextv.grants.remove(grant)
        return Reply()
    _change(sim, grant, _body(call).get("shared_server", {}).get("library_section_ids"))
    return _v1(sim, grant)


def _change(sim: PlexSimulator, grant: Grant, wanted: Any) -> None:
    ids = _ids(sim, wanted)
    grant.everything, grant.sections = not ids, ids or sim.plextv.global_ids(sim.state.sections)


# -- v2 ----------------------------------------------------------------------------------------------------------


def _v2(sim: PlexSimulator, grant: Grant) -> dict[str, Any]:
    who = grant.account
    invited: dict[str, Any] | None = None
    if who is not None:
        invited = {
            "id": who.id, "uuid": who.uuid, "title": who.title, "username": who.username, "email": who.email,
            "restricted": who.restricted, "friendlyName": None, "home": who.home,
            "status": "pending" if grant.pending else "accepted",
        }  # fmt: skip
    return {
        "id": grant.id,
        "name": "Plex",
        "ownerId": sim.plextv.accounts[0].id,
        "invitedId": who.id if who else None,
        "invitedEmail": None if who else grant.email,
        "serverId": 300001,
        "accepted": not grant.pending,
        "acceptedAt": None if grant.pending else stamp(sim.plextv.now),
        "deletedAt": None,
        "leftAt": None,
        "owned": True,
        "machineIdentifier": sim.state.machine,
        "numLibraries": len(grant.sections),
        "invited": invited,
        "libraries": [s for s in _sections(sim) if s["id"] in grant.sections],
        "allLibraries": grant.everything,
    }


def _listed(tv: PlexTv, pending: bool) -> list[Grant]:
    return [grant for grant in tv.grants if grant.pending == pending]


@routes.on(V2 + r"/shared_servers/(owned/accepted|invites/owned/pending)")
def listed(sim: PlexSimulator, call: Call, which: str) -> Answer:
    """The shares of one kind (v2)."""
    if refused := _owner(sim, call):
        return refused
    if sim.plextv.v2_gone:
        return refuse(call, 410, 1000, "Gone")
    found = [_v2(sim, grant) for grant in _listed(sim.plextv, pending=which.startswith("invites"))]
    return reply(call, Node("sharedServers", {"size": len(found)}), found)


@routes.on(V2 + r"/shared_servers", "POST")
def invite_v2(sim: PlexSimulator, call: Call) -> Answer:
    """An invitation (v2)."""
    if refused := _owner(sim, call):
        return refused
    if sim.plextv.v2_gone or sim.plextv.invites_v2_gone:
        return refuse(call, 404, 1002, "Not found")
    asked = _body(call)
    if asked.get("machineIdentifier") != sim.state.machine:
        return refuse(call, 404, 1002, "Server not found")
    return _invite(sim, call, str(asked.get("invitedEmail", "")), _ids(sim, asked.get("librarySectionIds")), v2=True)


@routes.on(V2 + r"/shared_servers/(\d+)", "POST", "DELETE")
def change_v2(sim: PlexSimulator, call: Call, grant_id: str) -> Answer:
    """Other libraries, or the end of an invitation (v2)."""
    if refused := _owner(sim, call):
        return refused
    grant = sim.plextv.grant(int(grant_id))
    if grant is None or sim.plextv.v2_gone:
        return refuse(call, 404, 1002, "Shared server not found")
    if call.method == "DELETE":
        sim.plextv.grants.remove(grant)
        return Reply(status=204)
    _change(sim, grant, _body(call).get("librarySectionIds"))
    return reply(call, Node("sharedServer", {"id": grant.id}), _v2(sim, grant))


@routes.on(V2 + r"/sharings/(\d+)", "PUT", "DELETE")
def sharings(sim: PlexSimulator, call: Call, user_id: str) -> Answer:
    """What a person may do, or the end of everything that is shared with them."""
    if refused := _owner(sim, call):
        return refused
    grant = sim.plextv.grant_of(user_id)
    if grant is None:
        return refuse(call, 404, 1002, "User not found")
    if call.method == "DELETE":
        sim.plextv.grants.remove(grant)
        return Reply()
    grant.filters.update({name: call.query[name] for name in FILTERS if name in call.query})
    return Reply()


@routes.on(V1 + r"/(?:friends|invites)/.*", "GET", "POST", "PUT", "DELETE")
def gone(sim: PlexSimulator, call: Call) -> Answer:
    """What plex.tv has switched off."""
    return refuse(call, 410, 1000, "This endpoint is gone")
