"""Routes of the simulated plex.tv: PINs, the account, its servers, and the page where people sign in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ..http import Answer, Call, Reply, Routes
from ..nodes import Attrs, Node, to_xml
from . import PIN_SECONDS, PREFIX, Account, Pin

if TYPE_CHECKING:
    from .. import PlexSimulator

routes = Routes()
V2 = PREFIX + r"/api/v2"


def stamp(seconds: int) -> str:
    """A time as plex.tv writes it in JSON."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reply(call: Call, node: Node, value: Any, status: int = 200) -> Reply:
    """One answer in the encoding that was asked for; unlike the server's, plex.tv's JSON has no wrapper."""
    if "application/json" in call.headers.get("accept", ""):
        return Reply(status=status, body=msgspec.json.encode(value), content_type="application/json; charset=utf-8")
    return Reply(status=status, body=to_xml(node), content_type="application/xml; charset=utf-8")


def refuse(call: Call, status: int, code: int, message: str) -> Reply:
    """plex.tv's error, with its own number."""
    error: Attrs = {"code": code, "message": message, "status": status}
    return reply(call, Node("errors").add(Node("error", error)), {"errors": [error]}, status)


def signed_in(sim: PlexSimulator, call: Call) -> Account | Reply:
    """Whose call it is, or the refusal."""
    return sim.plextv.who(call.said("X-Plex-Token")) or refuse(call, 401, 1001, "User could not be authenticated")


def _pin(call: Call, pin: Pin, now: int, status: int) -> Reply:
    attrs: Attrs = {
        "id": pin.id,
        "code": pin.code,
        "product": pin.product,
        "trusted": False,
        "qr": f"https://plex.tv/api/v2/pins/qr/{pin.code}",
        "clientIdentifier": pin.client,
        "expiresIn": PIN_SECONDS - (now - pin.created),
        "createdAt": stamp(pin.created),
        "expiresAt": stamp(pin.created + PIN_SECONDS),
        "authToken": pin.token or "",
    }
    location = {"code": "DE", "country": "Germany", "city": "Berlin"}
    node = Node("pin", attrs).add(Node("location", dict(location)))
    return reply(call, node, {**attrs, "location": location, "authToken": pin.token, "newRegistration": None}, status)


@routes.on(V2 + r"/pins", "POST")
def begin(sim: PlexSimulator, call: Call) -> Answer:
    """A new PIN for the calling client."""
    client = call.said("X-Plex-Client-Identifier")
    if not client:
        return refuse(call, 400, 1000, "X-Plex-Client-Identifier is missing")
    strong = call.query.get("strong", "").lower() in ("1", "true")
    return _pin(call, sim.plextv.new_pin(client, call.said("X-Plex-Product"), strong), sim.plextv.now, 201)


@routes.on(V2 + r"/pins/(\d+)")
def check(sim: PlexSimulator, call: Call, pin_id: str) -> Answer:
    """A PIN, with the token once somebody has signed in; to the client that began it only."""
    pin = sim.plextv.pin(int(pin_id), call.said("X-Plex-Client-Identifier"))
    if pin is None:
        return refuse(call, 404, 1020, "Code not found or expired")
    return _pin(call, pin, sim.plextv.now, 200)


@routes.on(V2 + r"/user")
def user(sim: PlexSimulator, call: Call) -> Answer:
    """The account of the token."""
    account = signed_in(sim, call)
    if isinstance(account, Reply):
        return account
    attrs: Attrs = {
        "id": account.id,
        "uuid": account.uuid,
        "username": account.username,
        "title": account.title,
        "email": account.email,
        "friendlyName": account.title,
        "confirmed": True,
        "emailOnlyAuth": False,
        "hasPassword": True,
        "protected": False,
        "thumb": f"https://plex.tv/users/{account.uuid}/avatar?c=1",
        "authToken": call.said("X-Plex-Token"),
        "scrobbleTypes": "",
        "country": "DE",
        "restricted": account.restricted,
        "home": account.home,
        "guest": False,
        "homeSize": 1,
        "homeAdmin": False,
        "maxHomeSize": 15,
        "twoFactorEnabled": False,
    }
    subscription: Attrs = {"active": False, "status": "Inactive", "plan": ""}
    node = Node("user", attrs).add(
        Node("subscription", subscription).add(Node("features").add(Node("feature", {"id": "home"}))),
        Node("profile", {"autoSelectAudio": True, "defaultAudioLanguage": "en", "autoSelectSubtitle": 0}),
        Node("entitlements"),
        Node("roles"),
    )
    value: dict[str, Any] = {
        **attrs,
        "subscription": {**subscription, "features": ["home"]},
        "profile": {},
        "entitlements": [],
    }
    return reply(call, node, value)


@routes.on(V2 + r"/users/signout", "DELETE")
def sign_out(sim: PlexSimulator, call: Call) -> Answer:
    """The token is good no more."""
    account = signed_in(sim, call)
    if isinstance(account, Reply):
        return account
    del sim.plextv.tokens[call.said("X-Plex-Token")]
    return Reply(status=204)


@routes.on(V2 + r"/ping")
def ping(sim: PlexSimulator, call: Call) -> Answer:
    """A sign of life, which keeps a token alive."""
    account = signed_in(sim, call)
    if isinstance(account, Reply):
        return account
    if "application/json" in call.headers.get("accept", ""):
        return reply(call, Node("pong"), {"pong": True})
    return Reply(body=b"<pong>true</pong>", content_type="application/xml; charset=utf-8")


@routes.on(V2 + r"/resources")
def resources(sim: PlexSimulator, call: Call) -> Answer:
    """The servers and players that the account may use."""
    account = signed_in(sim, call)
    if isinstance(account, Reply):
        return account
    node, values = Node("resources"), []
    rows: list[tuple[str, str, bool]] = [(machine, "server", owned) for machine, owned in sim.plextv.reaches(account)]
    rows.append((f"player-of-{account.id}", "client,player,pubsub-player", True))
    for machine, provides, owned in rows:
        attrs: Attrs = {
            "name": "Plex" if provides == "server" else "Phone",
            "product": "Plex Media Server" if provides == "server" else "Plex for Android",
            "productVersion": "1.43.3",
            "platform": "Linux",
            "platformVersion": "6.1",
            "device": "PC",
            "clientIdentifier": machine,
            "createdAt": stamp(sim.plextv.now - 86_400),
            "lastSeenAt": stamp(sim.plextv.now),
            "provides": provides,
            "ownerId": None if owned else sim.plextv.accounts[0].id,
            "sourceTitle": None if owned else sim.plextv.accounts[0].username,
            "publicAddress": "203.0.113.7",
            "accessToken": f"server-token-{account.id}",
            "owned": owned,
            "home": False,
            "synced": False,
            "relay": False,
            "presence": True,
            "httpsRequired": False,
            "publicAddressMatches": True,
        }
        connection: Attrs = {
            "protocol": "http", "address": "127.0.0.1", "port": 32400, "uri": sim.url, "local": True,
            "relay": False, "IPv6": False,
        }  # fmt: skip
        node.add(Node("resource", attrs).add(Node("connections").add(Node("connection", connection))))
        values.append({**attrs, "connections": [connection]})
    return reply(call, node, values)


PAGE = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in to Plex (simulated)</title><h1>Simulated plex.tv</h1><p>Sign in as:</p>
<div id="people">PEOPLE</div><p id="done" hidden>You are signed in. You can go back.</p>
<script>
const said = new URLSearchParams(location.hash.replace(/^#[?]?/, ""));
for (const button of document.querySelectorAll("button")) button.onclick = async () => {
  const answer = await fetch("_simulator/claim", {method: "POST", headers: {"Content-Type": "application/json"},
    body: JSON.stringify({code: said.get("code"), who: button.name})});
  if (answer.ok && said.get("forwardUrl")) location.href = said.get("forwardUrl");
  document.getElementById("done").hidden = !answer.ok;
};
</script>"""


@routes.on(PREFIX + r"/auth")
def sign_in_page(sim: PlexSimulator, call: Call) -> Answer:
    """Where people sign in: here they only say who they are."""
    buttons = "".join(f'<button name="{a.username}">{a.title}</button> ' for a in sim.plextv.accounts)
    return Reply(body=PAGE.replace("PEOPLE", buttons).encode(), content_type="text/html; charset=utf-8")


@routes.on(PREFIX + r"/_simulator/claim", "POST")
def claim(sim: PlexSimulator, call: Call) -> Answer:
    """For tests and the page above: somebody signs in for a code."""
    asked = msgspec.json.decode(call.body, type=dict[str, str])
    done = sim.plextv.claim(asked.get("code", ""), asked.get("who", ""))
    return Reply(status=204 if done else 404)
