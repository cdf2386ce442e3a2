"""The same over the JSON API, for programs with a key."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from vaderflix_core.store import identities as identity_store

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api(host: Any, app: Any, mara: Any) -> httpx.AsyncClient:
    key, _kept = await host.sessions.create_key(mara, "test")
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://vaderflix.test", headers={"X-Api-Key": key})


async def test_providers_over_the_api_and_their_secret_stays_in(api, issuer):
    sent = {"name": "Club", "issuer": issuer, "client_id": "vaderflix", "client_secret": "hush-hush"}
    made = await api.post("/api/v1/house/providers", json=sent)
    assert made.status_code == 201, made.text
    listed = await api.get("/api/v1/house/providers")
    assert "hush-hush" not in made.text + listed.text
    assert listed.json()[0]["has_secret"] is True
    wrong = await api.post("/api/v1/house/providers", json={**sent, "name": "Other", "issuer": "http://127.0.0.1:9"})
    assert wrong.status_code == 422
    assert "nothing answers" in wrong.json()["error"]["fields"]["issuer"]
    changed = await api.put("/api/v1/house/providers/club", json={**sent, "client_secret": None, "enabled": False})
    assert (changed.json()["enabled"], changed.json()["has_secret"]) == (False, True)
    assert (await api.put("/api/v1/house/ways/plex", json={"welcome": True, "role": "viewer"})).status_code == 200
    assert (await api.put("/api/v1/house/ways/none", json={"welcome": True, "role": "viewer"})).status_code == 404
    assert [way["id"] for way in (await api.get("/api/v1/session/ways")).json()] == ["plex"]
    assert (await api.delete("/api/v1/house/providers/club")).status_code == 204


async def test_sharing_over_the_api(api, host, edith, world):
    simulator, _ = world

    def link(conn: Any) -> None:
        identity_store.link(conn, edith.id, "plex:plex", "4000004", "Sten", host.clock())

    await host.db.write(link)
    base = "/api/v1/house/sharing/plex"
    empty = await api.post(f"{base}/people", json={"user_id": edith.id, "libraries": []})
    assert empty.status_code == 422
    made = await api.post(f"{base}/people", json={"user_id": edith.id, "libraries": ["7000001"]})
    assert made.status_code == 204, made.text
    (source,) = (await api.get("/api/v1/house/sharing")).json()
    share = next(one for one in source["shares"] if one["user_id"] == edith.id)
    assert (share["state"], share["libraries"]) == ("pending", ["7000001"])
    changed = await api.put(f"{base}/shares/{share['share_id']}", json={"libraries": ["7000002"]})
    assert changed.status_code == 200, changed.text
    assert (await api.post(f"{base}/people/{edith.id}/suspend")).status_code == 204
    assert simulator.plextv.grant_of("stranger") is None
    assert (await api.post(f"{base}/people/{edith.id}/restore")).status_code == 204
    assert simulator.plextv.grant_of("stranger").sections == (7000002,)
    (source,) = (await api.get("/api/v1/house/sharing")).json()
    share = next(one for one in source["shares"] if one["user_id"] == edith.id)
    assert (await api.delete(f"{base}/shares/{share['share_id']}")).status_code == 204
    assert (await api.delete(f"{base}/shares/{share['share_id']}")).status_code == 404
    assert (await api.get("/api/v1/me/identities")).status_code == 403  # a key is nobody in person
