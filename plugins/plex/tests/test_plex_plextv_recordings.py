"""Recorded answers of plex.tv are understood, and the simulated ones have the same fields."""

import json
from pathlib import Path

import httpx
import msgspec
import pytest

from vaderflix_core.api import BadAnswer, ShareState
from vaderflix_plex import identity
from vaderflix_plex.sharing import _Shared

pytestmark = pytest.mark.anyio
DATA = Path(__file__).parent / "data"


def recorded(name):
    return json.loads((DATA / f"plextv-api-v2-{name}.json").read_text())


def test_recorded_sign_ins_people_and_resources_are_understood():
    pin = msgspec.convert(recorded("pins-linked"), identity._Pin, strict=False)
    assert (pin.id, pin.client_identifier, pin.auth_token) == (111222333, "ClientId", "auth_token")
    assert msgspec.convert(recorded("user-free"), identity._User, strict=False).id == 12345
    (resource,) = msgspec.convert(recorded("resources"), list[identity._Resource], strict=False)
    assert (resource.client_identifier, resource.provides) == ("client_id2", "server")


def test_a_recorded_share_is_understood():
    share = msgspec.convert(recorded("shared-servers-create"), _Shared, strict=False).share()
    assert (share.id, share.subject, share.state, share.libraries) == ("1", "3", ShareState.ACCEPTED, ("1001", "1002"))


async def test_a_recorded_list_that_is_shorter_than_it_says_is_refused(provide):
    users = (DATA / "plextv-api-users-shared.xml").read_bytes()

    def answer(request):
        if request.url.path == "/identity":
            return httpx.Response(200, json={"MediaContainer": {"machineIdentifier": "unique_id_123"}})
        return httpx.Response(200, content=users)

    provider = provide("http://plex.test", transport=httpx.MockTransport(answer))
    with pytest.raises(BadAnswer, match="2 of 3"):
        await provider.people()


async def test_the_simulated_answers_have_the_recorded_fields(household):
    _simulator, provider = household
    account = provider.account
    pin = (await account.at_the_door("POST", "/api/v2/pins", params={"strong": "true"})).json()
    assert set(recorded("pins-linked")) <= set(pin)
    machine = await provider.client.machine()
    server = (await account.as_owner("GET", f"/api/v2/servers/{machine}")).json()
    assert set(recorded("servers-machine-id")["librarySections"][0]) == set(server["librarySections"][0])
    (share,) = (await account.as_owner("GET", "/api/v2/shared_servers/owned/accepted")).json()
    expected = recorded("shared-servers-create")
    assert set(expected) - {"inviteToken", "lastSeenAt", "sharingSettings"} <= set(share)
    assert set(expected["invited"]) - {"thumb", "sharingSettings"} <= set(share["invited"])
