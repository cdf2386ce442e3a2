"""What is somebody's own is nobody else's: their requests, devices and keys do not exist for others."""

from __future__ import annotations

from typing import Any

import pytest
from attack import Besieged, Person, Route

from vaderflix_core.access.models import ROLES, Permission
from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.problems.models import ProblemSort

pytestmark = pytest.mark.anyio

# parameters that name something that all who may see the house share, or that nobody can guess
SHARED = set(
    """item_id season number kind ref instance token image_id digest name code path panel_id download_id action plugin
    plugin_id instance_id provider provider_id way""".split()  # noqa: SIM905 - thirty quotes say less
)
MEMBERS = {"signed_in", "in_person", *ROLES["requester"], Permission.REQUEST}


async def belongings(house: Besieged) -> dict[str, int]:
    """Something of each kind that Edith owns, by the name of the parameter that addresses it."""
    edith = house.users["edith"]
    made = await house.host.requests.create(
        edith, kind=MediaKind.MOVIE, ids=ExternalIds(tmdb=19), title="Metropolis", year=1927, seasons=(), poster=None
    )
    problem, _new = await house.host.problems.report(
        edith, kind=MediaKind.MOVIE, ids=ExternalIds(tmdb=653), title="Nosferatu", sort=ProblemSort.SOUND
    )
    person = await house.person("edith")
    me = await person.http.get("/api/v1/me/devices")
    _key, key = await house.host.sessions.create_key(edith, "hers", None)
    return {
        "request_id": made.id,
        "problem_id": problem.id,
        "device_id": next(one["id"] for one in me.json() if one["here"]),
        "key_id": key.id,
        "user_id": edith.id,
        "passkey_id": await _passkey(house, edith.id),
        "identity_id": 1,
    }


async def _passkey(house: Besieged, user_id: int) -> int:
    from sqlalchemy import insert

    from vaderflix_core.store.access_tables import passkeys

    values: dict[str, Any] = {"user_id": user_id, "credential_id": b"hers", "public_key": b"hers", "name": "hers"}
    known = {column.name: column for column in passkeys.columns}
    values = {name: value for name, value in values.items() if name in known}
    for name, column in known.items():
        if name not in values and not column.nullable and not column.primary_key and column.default is None:
            values[name] = house.host.clock() if "at" in name.split("_") else b"" if "id" in name else 0
    inserted = await house.host.db.write(lambda conn: conn.execute(insert(passkeys).values(**values)))
    key: int = inserted.inserted_primary_key[0]
    return key


def private(house: Besieged) -> list[Route]:
    return [
        route
        for route in house.routes
        if route.permission in MEMBERS and any(name not in SHARED for name, _kind in route.parameters)
    ]


async def tried(person: Person, routes: list[Route], ids: dict[str, int]) -> list[str]:
    wrong = []
    for route in routes:
        here = {**ids, "key_id": ids["passkey_id"]} if "passkey" in route.path else ids
        path = route.filled(lambda name, kind, here=here: str(here.get(name, 1 if kind == "int" else "nothing")))
        body: dict[str, Any] = {}
        if route.method in ("POST", "PUT", "PATCH"):
            body = {"json" if route.is_api else "data": {"name": "Mine now"}}
        answer = await person.ask(route, path, **body)
        if answer.status_code != 404:
            wrong.append(f"{person.name}: {route}: {answer.status_code} {answer.text[:120]}")
    return wrong


async def test_another_members_things_do_not_exist(house: Besieged) -> None:
    ids = await belongings(house)
    routes = private(house)
    unknown = {name for route in routes for name, _ in route.parameters} - set(ids) - SHARED
    assert not unknown, f"make something of Edith's for these parameters, or call them shared: {unknown}"
    assert len(routes) >= 6
    otto = await house.person("otto")
    assert await tried(otto, routes, ids) == []

    request = await house.host.requests.get(house.users["edith"], ids["request_id"])
    assert request.state not in ("cancelled", "declined")
    edith = house.users["edith"]
    assert ids["device_id"] in {one.id for one in await house.host.sessions.devices(edith)}
    assert ids["key_id"] in {one.id for one in await house.host.sessions.keys(edith)}


async def test_lists_hold_ones_own_things_only(house: Besieged) -> None:
    await house.host.requests.create(
        house.users["edith"], kind=MediaKind.MOVIE, ids=ExternalIds(tmdb=653), title="Nosferatu", year=1922,
        seasons=(), poster=None,
    )  # fmt: skip
    otto = await house.person("otto")
    for path in ("/api/v1/requests", "/api/v1/requests?scope=all"):
        assert {one["user_id"] for one in (await otto.http.get(path)).json()} <= {house.users["otto"].id}, path
    for path in ("/requests", "/you", "/you/activity", "/you/devices", "/you/keys", "/"):
        page = (await otto.http.get(path)).text
        assert "Nosferatu" not in page.split("<main")[-1] or path == "/", path
        assert "edith" not in page.lower(), path


async def test_positions_are_each_viewers_own(house: Besieged) -> None:
    edith, otto = await house.person("edith"), await house.person("otto")
    item = (await edith.http.get("/api/v1/library/recent")).json()[-1]
    watched = {"instance": item["instance"], "key": item["key"], "item_key": item["key"],
               "seconds": 600, "duration": 5000, "user_id": house.users["otto"].id}  # fmt: skip
    headers = {"X-Vaderflix": "1"}
    assert (await edith.http.post("/api/v1/playback/position", json=watched, headers=headers)).status_code == 400
    del watched["user_id"]
    assert (await edith.http.post("/api/v1/playback/position", json=watched, headers=headers)).status_code == 204
    assert (await edith.http.get("/api/v1/playback/continue")).json()
    assert (await otto.http.get("/api/v1/playback/continue")).json() == []


async def test_a_play_token_is_good_for_members_only_and_as_it_was_made(house: Besieged) -> None:
    """What a member may play, every member may; the token stands for the file, not for the right."""
    edith, stranger = await house.person("edith"), await house.stranger()
    items = (await edith.http.get("/api/v1/library/recent")).json()
    film = next(one["id"] for one in items if one["kind"] == "movie")
    address = (await edith.http.get(f"/api/v1/library/{film}/play")).json()["streams"][0]["url"]
    assert (await edith.http.get(address)).status_code == 200
    assert (await stranger.http.get(address)).status_code == 303
    for place in (10, len(address) // 2, -5):
        other = "A" if address[place] != "A" else "B"
        forged = f"{address[:place]}{other}{address[place:][1:]}"
        assert (await edith.http.get(forged)).status_code == 404, forged


async def test_nobody_plays_what_the_source_has_beside_what_the_house_shows(house: Besieged) -> None:
    """A source plays whatever key it is asked for, also of libraries that were left out."""
    edith = await house.person("edith")
    items = (await edith.http.get("/api/v1/library/recent")).json()
    film = next(one["id"] for one in items if one["kind"] == "movie")
    series = next(one["id"] for one in (await edith.http.get("/api/v1/library?kind=series")).json()["items"])
    [episode, *_] = (await edith.http.get(f"/api/v1/library/{series}/seasons/1")).json()
    own = await edith.http.get(f"/api/v1/library/{series}/play?episode={episode['key']}")
    assert (own.status_code, own.json()["key"]) == (200, episode["key"])
    for item, key in ((film, episode["key"]), (film, "home-video"), (series, "home-video"), (series, "nosferatu")):
        assert (await edith.http.get(f"/api/v1/library/{item}/play?episode={key}")).status_code == 404, key


async def test_a_key_that_was_made_to_look_takes_nothing_of_its_owner_back(house: Besieged) -> None:
    edith, film = house.users["edith"], {"kind": MediaKind.MOVIE, "title": "Der müde Tod"}
    made = await house.host.requests.create(
        edith, ids=ExternalIds(tmdb=9_800_001), year=1921, seasons=(), poster=None, **film
    )
    problem, _new = await house.host.problems.report(
        edith, ids=ExternalIds(tmdb=9_800_002), sort=ProblemSort.SOUND, **film
    )
    await house.host.problems.solve(house.users["mara"], problem.id, "")
    cancel, reopen = f"/api/v1/requests/{made.id}/cancel", f"/api/v1/problems/{problem.id}/reopen"
    looker = await house.program("edith", frozenset({Permission.BROWSE}))
    for path in (cancel, reopen):
        assert (await looker.http.post(path)).status_code == 403, path
    fitting = frozenset({Permission.BROWSE, Permission.REQUEST_MOVIE, Permission.REPORT_PROBLEMS})
    helper = await house.program("edith", fitting)
    for path in (cancel, reopen):
        assert (await helper.http.post(path)).status_code == 200, path


async def test_a_member_of_the_staff_cannot_make_themselves_an_admin(house: Besieged) -> None:
    """Managing people is not a way to every right."""
    from sqlalchemy import update

    from vaderflix_core.store.tables import users

    otto = house.users["otto"]
    await house.host.db.write(
        lambda conn: conn.execute(update(users).where(users.c.id == otto.id).values(granted=["users.manage"]))
    )
    house.host.sessions.forget(otto.id)
    person = await house.person("otto")
    headers = {"X-Vaderflix": "1"}
    for user in (otto, house.users["noor"]):
        await person.http.patch(f"/api/v1/users/{user.id}", json={"role": "admin"}, headers=headers)
        await person.form(f"/admin/people/{user.id}", {"role": "admin"})
        await person.form(f"/admin/people/{user.id}/rights", {"granted": "settings", "settings": "on", "role": "admin"})
    await person.http.post(
        "/api/v1/users",
        json={"username": "evil", "password": "correct horse battery", "role": "admin"},
        headers=headers,
    )
    await person.form("/admin/people", {"username": "evil2", "password": "correct horse battery", "role": "admin"})
    mara = house.users["mara"]
    await person.http.patch(f"/api/v1/users/{mara.id}", json={"disabled": True}, headers=headers)
    await person.form(f"/admin/people/{mara.id}", {"disabled": "yes"})
    now = {user.username: user for user in await house.host.access.list_users()}
    assert {name for name, user in now.items() if user.role == "admin"} == {"mara"}
    assert {name for name, user in now.items() if user.may(Permission.SETTINGS)} == {"mara"}
    assert not now["mara"].disabled
