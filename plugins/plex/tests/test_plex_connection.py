"""Settings, connection test and health."""

import asyncio

import httpx
import pytest

from vaderflix_core.api import AuthFailed, HealthCheck, MediaSource, Rejected, WrongService
from vaderflix_core.api.roles import ABILITIES
from vaderflix_core.api.settings import check_settings_type, dump, fields, parse
from vaderflix_core.testing import Fault
from vaderflix_plex import PlexProvider, PlexSettings, health_checks, media_sources, menu, plugin, stand_in

pytestmark = pytest.mark.anyio

ABLE = {"Connectable", "Images", "Playback", "Live", "WebhookReceiver", "Identity", "Sharing"}


def test_the_settings_make_a_form_and_mask_the_token():
    check_settings_type(PlexSettings)
    assert {field.name: field.kind for field in fields(PlexSettings)} == {
        "url": "url", "token": "secret", "sections": "list", "account_url": "url", "verify_tls": "switch",
    }  # fmt: skip
    made = parse(PlexSettings, {"url": "http://plex:32400", "token": "abc", "sections": "Films, Series"})
    assert made.sections == ("Films", "Series")
    assert "abc" not in repr(made) + str(dump(made))


async def test_one_provider_serves_both_roles_and_has_the_abilities(provide):
    instance = provide("http://plex.test").instance
    (source,), (health,) = media_sources(instance), health_checks(instance)
    assert source is health
    for role in (MediaSource, HealthCheck, *(ability.protocol for ability in ABILITIES if ability.name in ABLE)):
        for name in (name for name in vars(role) if not name.startswith("_")):
            assert callable(getattr(source, name)), name
    (item,) = menu(instance)
    assert item.url == "http://plex.test/web/index.html"
    assert plugin().settings is PlexSettings
    assert stand_in().instance == "plex"


async def test_a_good_connection_says_who_answers(plex):
    _, provider = plex
    info = await provider.test()
    assert (info.product, info.detail) == ("Plex Media Server", "Plex: Films, Series")
    assert await provider.check() == []


async def test_a_wrong_token_is_told_only_after_the_server_has_named_itself(plex, provide):
    simulator, healthy = plex
    simulator.faults.calls.clear()
    with pytest.raises(AuthFailed, match="401 Unauthorized"):
        await provide(healthy.client.url, token="wrong").test()
    assert [path for _, path in simulator.faults.calls] == ["/identity", "/"]


async def test_a_stranger_never_gets_the_token(provide):
    seen = []

    def stranger(request):
        seen.append(request)
        return httpx.Response(200, json={"hello": "world"})

    provider = provide("http://stranger.test", token="s3cret", transport=httpx.MockTransport(stranger))
    with pytest.raises(WrongService):
        await provider.test()
    for call in (provider.check, lambda: provider.browse(None), lambda: provider.search("x", 1)):
        with pytest.raises(Exception, match=r"stranger\.test"):
            await call()
    assert seen
    assert all("s3cret" not in f"{request.url}{request.headers}" for request in seen)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, html="<h1>Not Found</h1>"),
        httpx.Response(200, html="<html>my router</html>"),
        httpx.Response(200, json={"MediaContainer": {"size": 0}}),
        httpx.Response(302, headers={"Location": "https://elsewhere.test/login"}),
    ],
)
async def test_another_product_is_named_as_such(provide, answer):
    provider = provide("http://other.test", transport=httpx.MockTransport(lambda request: answer))
    with pytest.raises(WrongService):
        await provider.test()


async def test_a_library_that_the_settings_choose_and_nobody_has_is_told(plex, provide):
    _, healthy = plex
    provider = provide(healthy.client.url, sections=("Films", "Cartoons"))
    with pytest.raises(Rejected, match="Cartoons") as caught:
        await provider.test()
    assert caught.value.field == "sections"
    assert [report.code for report in await provider.check()] == ["library-missing:Cartoons"]


async def test_a_server_without_libraries_is_an_error_to_mend(replayed):
    provider = replayed(
        {"/": {"MediaContainer": {"friendlyName": "Attic"}}, "/library/sections": {"MediaContainer": {"size": 0}}}
    )
    assert [report.code for report in await provider.check()] == ["no-libraries"]


async def test_a_server_that_lost_its_sign_in_is_a_warning(plex):
    simulator, provider = plex
    simulator.sign_in = "invalid"
    assert [report.code for report in await provider.check()] == ["signed-out"]


async def test_every_call_names_this_installation(plex):
    _, provider = plex
    assert provider.client._known._http.headers["X-Plex-Client-Identifier"] == "test-install"
    assert "X-Plex-Token" not in provider.client._anonymous._http.headers


async def test_stopping_ends_a_reading_that_is_under_way(plex, provide):
    simulator, healthy = plex
    provider = provide(healthy.client.url)
    assert isinstance(provider, PlexProvider)
    simulator.faults.set(Fault.HANG, path="/all")
    reading = asyncio.create_task(provider.shelf.refresh())
    while not any("/all" in path for _, path in simulator.faults.calls):
        await asyncio.sleep(0.005)
    await provider.stop()
    await asyncio.gather(reading, return_exceptions=True)
    assert provider.shelf._reading.cancelled()
    await provider.stop()
