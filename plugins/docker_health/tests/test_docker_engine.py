from __future__ import annotations

import datetime as dt
import json
import os
import stat
from pathlib import Path

import httpx
import pytest

from vaderflix_core.api import AuthFailed, BadAnswer, BadSettings, Cause, NotFound, Unavailable, WrongService
from vaderflix_core.api.settings import parse
from vaderflix_docker_health.engine import ALLOWED, Engine, Forbidden, check_allowed, explain
from vaderflix_docker_health.settings import DockerSettings

from .conftest import DATA, ENGINES, Replay, an_instance, recorded

pytestmark = pytest.mark.anyio
ID = "2e19d281146f18e93881e723ad939cea66ae5712e6b32ac53568b061cd7d9e53"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/containers/{ID}/restart"),
        ("POST", f"/containers/{ID}/restart/"),
        ("POST", f"/containers/{ID}/restart?signal=KILL"),
        ("POST", "/containers/name/restart"),
        ("POST", f"/containers/{ID}/../{ID}/restart"),
        ("POST", f"/containers/{ID}/stop"),
        ("POST", f"/containers/{ID}/start"),
        ("POST", f"/containers/{ID}/kill"),
        ("POST", f"/containers/{ID}/update"),
        ("POST", "/containers/prune"),
        ("POST", f"/containers/{ID}/json"),
        ("POST", f"/containers/{ID}/logs"),
        ("PUT", f"/containers/{ID}/restart"),
        ("DELETE", f"/containers/{ID}"),
        ("POST", "/containers/create"),
        ("POST", f"/containers/{ID}/exec"),
        ("HEAD", "/version"),
        ("get", "/version"),
        ("GET", f"/containers/{ID}/archive"),
        ("GET", f"/containers/{ID}/export"),
        ("GET", f"/containers/{ID}/attach/ws"),
        ("GET", f"/containers/{ID}/json/../export"),
        ("GET", f"/containers/{ID}/json\n"),
        ("GET", "/containers/../secrets/json"),
        ("GET", "/containers/name/json"),
        ("GET", "/containers/json?x"),
        ("GET", "/secrets"),
        ("GET", "/configs"),
        ("GET", "/images/json"),
        ("GET", "/v1.41/version"),
        ("GET", "//version"),
        ("GET", ""),
    ],
)
def test_only_the_listed_calls_are_allowed(method: str, path: str) -> None:
    with pytest.raises(Forbidden):
        check_allowed(method, path)


def test_of_what_changes_something_only_a_restart_is_listed() -> None:
    assert [(verb, pattern.pattern) for verb, pattern in ALLOWED if verb != "GET"] == [
        ("POST", "/containers/[0-9a-f]{12,64}/restart")
    ]
    check_allowed("POST", f"/containers/{ID}/restart")


async def test_a_call_that_is_not_listed_sends_nothing() -> None:
    replay = Replay(ENGINES[0])
    engine = Engine(an_instance(replay))
    await engine.version()
    replay.calls.clear()
    for container_id in ("../images", "x/../../secrets", "", "ABC", f"{ID}/export"):
        for call in (engine.inspect, engine.stats, engine.restart):
            with pytest.raises(Forbidden):
                await call(container_id)
    assert replay.calls == []


def test_the_only_way_out_is_the_checked_one() -> None:
    source = (Path(check_allowed.__code__.co_filename)).read_text()
    assert source.count("self._http.request(method, where") == source.count("self._http.request") == 1
    assert source.count('self._http.stream("GET", where') == source.count("self._http.stream") == 1
    assert source.count("where = await self._checked(") == source.count("where = ") == 2
    assert source.partition("async def _checked")[2].partition('"""\n')[2].strip().startswith("check_allowed(")
    assert not any(word in source for word in ("self._http.send", "self._http.get(", "import socket"))


async def test_the_api_version_is_the_newest_both_speak(replay: Replay) -> None:
    engine = Engine(an_instance(replay))
    version = await engine.version()
    await engine.containers()
    assert replay.calls[-1].startswith(f"GET /v{version.api_version}/containers/json")


@pytest.mark.parametrize(
    ("version", "error"),
    [
        ({"Version": "1.8", "ApiVersion": "1.20", "MinAPIVersion": "1.12"}, "too old"),
        ({"Version": "40.0", "ApiVersion": "1.70", "MinAPIVersion": "1.60"}, "too new"),
        ({"Version": "40.0", "ApiVersion": "2", "MinAPIVersion": ""}, "not a Docker Engine"),
        ({}, "not a Docker Engine"),
        ([], "not a Docker Engine"),
    ],
)
async def test_an_engine_without_a_version_in_common_is_named(version: object, error: str) -> None:
    engine = Engine(an_instance(lambda request: httpx.Response(200, json=version)))
    with pytest.raises(WrongService, match=error):
        await engine.version()


async def test_an_engine_of_tomorrow_is_spoken_to_in_the_newest_version_we_know() -> None:
    calls = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        if request.url.path == "/version":
            return httpx.Response(200, json={"Version": "31", "ApiVersion": "1.60", "MinAPIVersion": "1.44"})
        return httpx.Response(200, json=[] if "json" in request.url.path else {"Containers": 0})

    await Engine(an_instance(answer)).containers()
    assert calls[1] == "/v1.51/containers/json"


async def test_a_refused_version_is_asked_for_again() -> None:
    replay = Replay(ENGINES[1])
    refused = True

    def answer(request: httpx.Request) -> httpx.Response:
        if refused and request.url.path != "/version":
            return httpx.Response(400, json={"message": "client version 1.45 is too old. Minimum is 1.46"})
        return replay(request)

    engine = Engine(an_instance(answer))
    with pytest.raises(Unavailable, match="too old"):
        await engine.containers()
    refused = False
    await engine.containers()
    assert sum("/version" in call for call in replay.calls) == 2


async def test_an_empty_list_that_the_engine_denies_is_no_answer() -> None:
    replay = Replay(ENGINES[0])
    replay.summaries = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/info"):
            return httpx.Response(200, json={"Containers": 5})
        return replay(request)

    with pytest.raises(BadAnswer, match="counts 5"):
        await Engine(an_instance(answer)).containers()


async def test_a_socket_proxy_that_refuses_is_told_what_to_allow() -> None:
    engine = Engine(an_instance(lambda request: httpx.Response(403, text="<html><h1>403 Forbidden</h1></html>")))
    with pytest.raises(AuthFailed, match="CONTAINERS"):
        await engine.version()


async def test_a_removed_container_is_not_found(replay: Replay) -> None:
    with pytest.raises(NotFound, match="No such container"):
        await Engine(an_instance(replay)).inspect("f" * 64)


async def test_a_missing_socket_says_so(tmp_path: Path) -> None:
    instance = an_instance(address=f"unix://{tmp_path}/nothing.sock")
    with pytest.raises(Unavailable, match="There is no socket") as caught:
        await Engine(instance).version()
    assert caught.value.cause is Cause.REFUSED


async def test_a_dead_socket_says_so(tmp_path: Path) -> None:
    os.mknod(tmp_path / "dead.sock", stat.S_IFSOCK | 0o600)
    with pytest.raises(Unavailable, match="Nothing answers at the socket"):
        await Engine(an_instance(address=f"unix://{tmp_path}/dead.sock")).version()


def test_errors_are_read_as_json_and_as_text() -> None:
    assert explain(httpx.Response(404, content=recorded(ENGINES[0], "error-no-such-container.json"))) == (
        "No such container: nope"
    )
    assert explain(httpx.Response(400, text="client version 1.1 is too old.\n")) == "client version 1.1 is too old."
    assert explain(httpx.Response(500, content=b"")) is None


def test_environment_variables_never_leave_the_wire() -> None:
    for path in DATA.glob("*/container-inspect-*.json"):
        record = Replay(path.parent.name).inspections[json.loads(path.read_bytes())["Id"]]
        record["Config"]["Env"] = ["API_KEY=hunter2"]
        from msgspec import convert

        from vaderflix_docker_health.wire import Inspect

        assert "hunter2" not in repr(convert(record, Inspect))


@pytest.mark.parametrize("address", ["/var/run/docker.sock", "ssh://host", "tcp://user:secret@host:2375", "tcp://"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(BadSettings):
        parse(DockerSettings, {"address": address})


def test_times_of_the_year_one_are_read() -> None:
    import msgspec

    from vaderflix_docker_health.wire import State

    state = msgspec.json.decode(b'{"Status": "created", "StartedAt": "0001-01-01T00:00:00Z"}', type=State)
    assert state.started_at == dt.datetime(1, 1, 1, tzinfo=dt.UTC)
