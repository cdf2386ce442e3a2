"""Every shape of refusal comes out as one of the api's errors, in the service's words, without a stack trace."""

from pathlib import Path

import httpx
import pytest

from vaderflix_arr.client import ArrClient, complaints, explain
from vaderflix_arr.replay import Replay, instance, played, recording
from vaderflix_arr.settings import ArrSettings
from vaderflix_arr.wire import SystemStatus
from vaderflix_core.api import AuthFailed, BadAnswer, Cause, NotFound, Rejected, Secret, Unavailable

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
KEY = "0123456789abcdef0123456789abcdef"
SETTINGS = ArrSettings(url="http://arr.test:8989/base", api_key=Secret(KEY))


def client(replay: Replay) -> ArrClient:
    return ArrClient(instance(SETTINGS, replay))


async def failure(response: httpx.Response) -> Exception:
    replay = Replay()
    replay.on("GET", "/base/api/v3/system/status", response)
    with pytest.raises(Exception) as caught:
        await client(replay).get("/system/status", SystemStatus)
    return caught.value


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("sonarr/add-error-bad-profile", "Quality Profile does not exist"),
        ("sonarr/add-error-wrong-type", "could not be converted to System.Int32"),
        ("sonarr/add-error-malformed-json", "invalid start of a property name"),
        ("sonarr/error-404-unknown-id", "Not Found"),
        ("sonarr/series-delete-error-404", "Expected query to return 1 rows but returned 0"),
        ("radarr/lookup-empty", "Search for '' failed."),
        ("radarr/lookup-by-tmdb-route-unknown", "was not found, it may have been removed from TMDb"),
        ("radarr/queue-delete-error-404-gone", "NotFound"),
    ],
)
async def test_each_recorded_error_body_is_explained_in_its_own_words(file: str, said: str) -> None:
    assert said in (explain(played(recording(DATA / f"{file}.json"))) or "")


@pytest.mark.parametrize("path", sorted(p.name for p in DATA.glob("*/*error*.json")))
async def test_no_recorded_error_shows_a_stack_trace(path: str) -> None:
    for exchange in [recording(p) for p in DATA.glob(f"*/{path}")]:
        words = explain(played(exchange)) or ""
        assert "System." not in words.replace("System.Int32", "")
        assert "NzbDrone" not in words
        assert " at " not in words


async def test_a_stack_trace_inside_a_message_is_cut_off() -> None:
    body = {
        "message": "constraint failed\n   at System.Data.SQLite.SQLite3.Step(SQLiteStatement stmt)\n   at Foo.Bar()"
    }
    assert explain(httpx.Response(500, json=body)) == "constraint failed"


@pytest.mark.parametrize(
    "content", [b"", b"<html><body>502 Bad Gateway</body></html>", b"\xff\xfe", b"[1, null]", b'"x"']
)
async def test_bodies_without_words_give_none(content: bytes) -> None:
    response = httpx.Response(502, content=content)
    assert explain(response) is None
    assert [c for c in complaints(response) if c.error_message] == []


async def test_statuses_become_the_errors_that_tell_what_to_do() -> None:
    assert isinstance(await failure(played(recording(DATA / "sonarr/error-401-no-key.json"))), AuthFailed)
    assert isinstance(await failure(played(recording(DATA / "sonarr/error-404-unknown-id.json"))), NotFound)
    assert isinstance(await failure(played(recording(DATA / "sonarr/add-error-bad-profile.json"))), Rejected)
    assert isinstance(await failure(played(recording(DATA / "sonarr/series-delete-error-404.json"))), Unavailable)
    starting = await failure(
        httpx.Response(503, json={"errorMessage": "Sonarr is starting up, please try again later"})
    )
    assert isinstance(starting, Unavailable)
    assert starting.cause is Cause.STARTING
    assert "starting up" in starting.message
    assert isinstance(await failure(httpx.Response(200, text="<html>Sign in</html>")), BadAnswer)
    slow_down = await failure(httpx.Response(429, headers={"Retry-After": "7"}))
    assert isinstance(slow_down, Unavailable)
    assert slow_down.retry_after == 7


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_a_proxys_refusal_is_not_the_services_no(status: int) -> None:
    assert isinstance(await failure(httpx.Response(status, text="404 page not found")), Unavailable)
    assert isinstance(await failure(httpx.Response(status, headers={"X-Application-Version": "4.0"})), Rejected)


async def test_the_key_travels_in_a_header_and_shows_nowhere_else() -> None:
    replay = Replay()
    replay.on("GET", "/base/api/v3/system/status", httpx.Response(401))
    arr = client(replay)
    with pytest.raises(AuthFailed) as caught:
        await arr.get("/system/status", SystemStatus)
    assert replay.requests[0].headers["X-Api-Key"] == KEY
    assert KEY not in str(replay.requests[0].url)
    for text in (str(caught.value), repr(caught.value), repr(SETTINGS), str(SETTINGS), repr(arr), repr(vars(arr))):
        assert KEY not in text


async def test_an_address_without_the_url_base_is_followed_to_it() -> None:
    replay = Replay()
    replay.on("GET", "/api/v3/system/status", httpx.Response(307, headers={"Location": "/base/api/v3/system/status"}))
    replay.play(recording(DATA / "sonarr/system-status.json"), "/base/api/v3/system/status")
    arr = ArrClient(instance(ArrSettings(url="http://arr.test:8989", api_key=Secret(KEY)), replay))
    assert (await arr.get("/system/status", SystemStatus)).app_name == "Sonarr"
