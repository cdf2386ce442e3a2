"""The plugin API: its names, its settings, and what its client sends."""

from typing import Annotated, Any, Literal

import httpx
import msgspec
import pytest

import vaderflix_core.api
from vaderflix_core.api import (
    MASK,
    URL_PATTERN,
    BadSettings,
    Rejected,
    Secret,
    ServiceClient,
    Settings,
    Unavailable,
    setting,
)
from vaderflix_core.api.roles import ABILITIES, ROLES
from vaderflix_core.api.settings import check_settings_type, fields, parse


def test_every_name_of_the_api_is_there() -> None:
    space: dict[str, Any] = {}
    exec("from vaderflix_core.api import *", space)
    assert set(vaderflix_core.api.__all__) <= set(space)
    assert {role.name for role in (*ROLES, *ABILITIES)} <= set(space)


# settings


def settings_of(kind: Any, default: Any) -> type[Settings]:
    field = ("api_key", Annotated[kind, setting("API key")], default)
    return msgspec.defstruct("Some", [field], bases=(Settings,), frozen=True, kw_only=True)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("kind", "default"), [(Secret | None, None), (Secret, ""), (Secret, None), (tuple[Secret, ...], ())]
)
def test_a_secret_that_a_form_cannot_mask_is_refused_in_a_sentence(kind: Any, default: Any) -> None:
    with pytest.raises(TypeError, match=r'`api_key` is a secret.* ends in = Secret\(""\)\.$'):
        check_settings_type(settings_of(kind, default))


def test_an_optional_secret_is_empty() -> None:
    kind = settings_of(Secret, Secret(""))
    check_settings_type(kind)
    assert not parse(kind, {}).api_key  # type: ignore[attr-defined]


class Every(Settings, frozen=True, kw_only=True):
    url: Annotated[str, setting("Server URL", pattern=URL_PATTERN)] = "http://a.test"
    topic: Annotated[str, setting("Topic", pattern="^[a-z]+$", pattern_hint="Small letters only.")] = "a"
    code: Annotated[str, setting("Code", pattern="^[a-z]+$")] = "a"
    name: Annotated[str, setting("Name", min_length=1)] = "a"
    word: Annotated[str, setting("Word", min_length=12)] = "a-long-enough-word"
    count: Annotated[int, setting("Count", ge=1, le=5)] = 3
    share: Annotated[float, setting("Share", le=1)] = 0.5
    size: Annotated[Literal["s", "l"], setting("Size", choices={"s": "Small", "l": "Large"})] = "s"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("url", "a.test", "This does not look right. Check for a missing part, such as http://"),
        ("topic", "A1", "This does not look right. Small letters only."),
        ("code", "A1", "This does not look right."),
        ("word", "short", "This is too short: at least 12 characters"),
        ("count", "0", "Write a whole number of at least 1"),
        ("count", "9", "Write a whole number of at most 5"),
        ("count", "x", "Write a whole number"),
        ("share", "2", "Write a number of at most 1"),
        ("size", "m", "Choose one of those offered"),
    ],
)
def test_a_wrong_value_is_named_in_words_of_its_field(field: str, value: str, said: str) -> None:
    with pytest.raises(BadSettings) as bad:
        parse(Every, {field: value})
    assert bad.value.errors == {field: said}
    label = next(one.label for one in fields(Every) if one.name == field)
    assert str(bad.value) == f"{label}: {said}"


class Led(Settings, frozen=True, kw_only=True):
    url: Annotated[str, setting("Server URL", pattern=URL_PATTERN)] = "http://a.test/base"
    host: Annotated[str, setting("Host", leads=True)] = "a.test"
    port: Annotated[int, setting("Port", leads=True)] = 25
    name: Annotated[str, setting("Name")] = "a"
    token: Annotated[Secret, setting("Token")]
    other: Annotated[Secret, setting("Other")] = Secret("")


@pytest.mark.parametrize("sent", [{}, {"token": MASK}, {"token": ""}])
@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({"url": "http://evil.test/base"}, True),
        ({"url": "https://a.test/base"}, True),
        ({"url": "http://a.test:81/base"}, True),
        ({"url": "http://a.test@evil.test/base"}, True),
        ({"host": "evil.test"}, True),
        ({"port": 26}, True),
        ({"url": "http://a.test/other"}, False),
        ({"name": "b"}, False),
    ],
)
def test_a_kept_secret_goes_only_where_it_was_kept_for(sent: Any, change: Any, asks: bool) -> None:
    stored = Led(token=Secret("canary"))
    if not asks:
        assert parse(Led, {**change, **sent}, stored).token.reveal() == "canary"
        return
    with pytest.raises(BadSettings) as bad:
        parse(Led, {**change, **sent}, stored)
    assert list(bad.value.errors) == ["token"], "an empty one has nothing to lose"
    assert parse(Led, {**change, "token": "again"}, stored).token.reveal() == "again"


# the client's headers


@pytest.mark.anyio
async def test_headers_hold_any_letters() -> None:
    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(200, json={})

    http = ServiceClient("http://a.test", headers={"X-Key": "schlüssel"}, transport=httpx.MockTransport(answer))
    await http.request("GET", "/", headers={"Title": "„é“ 映画"})
    raw = dict(heard[0].headers.raw)
    assert raw[b"X-Key"].decode() == "schlüssel"
    assert raw[b"Title"].decode() == "„é“ 映画"


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb", "a\0b", "a\x7f"])
async def test_a_header_with_control_characters_is_refused_by_name(value: str) -> None:
    with pytest.raises(Rejected, match="The header X-Key cannot hold") as refused:
        ServiceClient("http://a.test", headers={"X-Key": value})
    assert value not in str(refused.value)
    http = ServiceClient("http://a.test", transport=httpx.MockTransport(lambda request: httpx.Response(200)))
    with pytest.raises(Rejected, match="The header Title cannot hold"):
        await http.request("GET", "/", headers={"Title": value})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "said"), [(b'{"error": "No such topic."}', "No such topic."), (b"<html>", "HTTP 400"), (b"{}", "HTTP 400")]
)
async def test_a_services_own_words_are_told_where_they_can_be_read(body: bytes, said: str) -> None:
    def explain(response: httpx.Response) -> str:
        return str(response.json()["error"])

    transport = httpx.MockTransport(lambda request: httpx.Response(400, content=body))
    with pytest.raises(Rejected, match=said):
        await ServiceClient("http://a.test", explain=explain, transport=transport).request("GET", "/")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("120", 120),
        ("Sun, 29 Nov 2026 12:10:00 GMT", 600),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0),
        ("\xb2", None),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
async def test_how_long_to_wait_is_read_in_both_forms(asked: str, seconds: float | None) -> None:
    headers = [(b"Retry-After", asked.encode("latin-1")), (b"Date", b"Sun, 29 Nov 2026 12:00:00 GMT")]
    transport = httpx.MockTransport(lambda request: httpx.Response(429, headers=headers))
    with pytest.raises(Unavailable) as put_off:
        await ServiceClient("http://a.test", transport=transport).request("GET", "/")
    assert put_off.value.retry_after == seconds
