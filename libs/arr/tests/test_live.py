"""The live channel: SignalR over Server-Sent Events, replayed from the recorded streams."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from vaderflix_arr.client import ArrClient
from vaderflix_arr.live import SILENCE, listen
from vaderflix_arr.replay import Replay, instance, recording
from vaderflix_arr.settings import ArrSettings
from vaderflix_core.api import AuthFailed, BadAnswer, Cause, Hint, HintScope, Secret, Unavailable

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
SETTINGS = ArrSettings(url="http://arr.test", api_key=Secret("a-key"))
NEGOTIATE = "/signalr/messages/negotiate?negotiateVersion=1"


class Stream(httpx.AsyncByteStream):
    def __init__(self, parts: Iterable[bytes], end: Exception | None = None) -> None:
        self.parts = parts
        self.end = end
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part
        if self.end is not None:
            raise self.end

    async def aclose(self) -> None:
        self.closed = True


def lines(product: str) -> list[str]:
    return [msgspec.json.decode(row)["line"] for row in (DATA / product / "signalr-sse-stream.ndjson").open("rb")]


def event(*messages: Any) -> bytes:
    return b"data: " + b"".join(msgspec.json.encode(m) + b"\x1e" for m in messages) + b"\n\n"


def change(name: str, resource: dict[str, Any] | None = None, version: int | None = None) -> dict[str, Any]:
    body = {"action": "updated", "resource": resource} if resource is not None else {"action": "sync"}
    argument = {"name": name, "body": body} | ({"version": version} if version else {})
    return {"type": 1, "target": "receiveMessage", "arguments": [argument]}


def channel(stream: Stream, product: str = "sonarr") -> tuple[ArrClient, Replay]:
    replay = Replay()
    negotiation = recording(DATA / product / "signalr-negotiate.json")
    replay.play(negotiation, NEGOTIATE)
    token = negotiation["response"]["connectionToken"]
    opened = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=stream)
    replay.on("GET", f"/signalr/messages?id={token}", lambda _: opened)
    replay.on("POST", f"/signalr/messages?id={token}", httpx.Response(200))
    return ArrClient(instance(SETTINGS, replay)), replay


async def heard(stream: Stream, product: str = "sonarr") -> tuple[list[Hint], Exception]:
    client, _ = channel(stream, product)
    hints: list[Hint] = []

    async def collect() -> None:
        async for hint in listen(client, lambda: None):
            hints.append(hint)

    with pytest.raises(Exception) as ended:
        await collect()
    return hints, ended.value


async def test_the_recorded_sonarr_stream_says_which_series_and_when_health_changes() -> None:
    hints, ended = await heard(Stream([f"{line}\n".encode() for line in lines("sonarr")]))
    assert Hint(scope=HintScope.REQUESTS, ref="5") in hints
    assert Hint(scope=HintScope.REQUESTS) in hints
    assert Hint(scope=HintScope.HEALTH) in hints
    assert {h.scope for h in hints} <= {HintScope.REQUESTS, HintScope.HEALTH}
    assert isinstance(ended, Unavailable)


async def test_the_recorded_radarr_stream_names_the_film() -> None:
    hints, _ = await heard(Stream([f"{line}\n".encode() for line in lines("radarr")]), "radarr")
    assert any(h.ref is not None for h in hints)
    assert Hint(scope=HintScope.REQUESTS) in hints


async def test_the_stream_is_read_the_same_however_the_network_cuts_it() -> None:
    whole = "".join(f"{line}\n" for line in lines("sonarr")).encode()
    once, _ = await heard(Stream([whole]))
    for size in (7, 1000):
        cut, _ = await heard(Stream([whole[i : i + size] for i in range(0, len(whole), size)]))
        assert cut == once


async def test_a_change_that_sonarr_5_sends_for_both_versions_is_one_hint() -> None:
    both = [change("series", {"id": 3}, version) for version in (3, 3, 5)]
    hints, _ = await heard(Stream([event(*both), event(change("series", {"id": 3}, 5))]))
    assert hints == [Hint(scope=HintScope.REQUESTS, ref="3")]


async def test_our_own_refresh_and_housekeeping_are_not_heard_or_we_would_answer_ourselves() -> None:
    refresh = {"name": "RefreshMonitoredDownloads", "body": {"trigger": "manual"}}
    scheduled = {"name": "RssSync", "body": {"trigger": "scheduled"}}
    search = {"name": "MoviesSearch", "body": {"movieIds": [6], "trigger": "manual"}}
    season = {"name": "SeasonSearch", "body": {"seriesId": 2, "seasonNumber": 1}}
    hints, _ = await heard(Stream([event(*(change("command", c) for c in (refresh, scheduled, search, season)))]))
    assert hints == [Hint(scope=HintScope.REQUESTS, ref="6"), Hint(scope=HintScope.REQUESTS, ref="2")]


async def test_keep_alives_and_unknown_names_say_nothing() -> None:
    hints, _ = await heard(
        Stream([b":\n\n", event({}), event({"type": 6}), event(change("moon/phase", {"id": 1})), event(change("tag"))])
    )
    assert hints == []


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (None, Cause.BROKEN),
        (httpx.ReadTimeout("silent"), Cause.TIMEOUT),
        (httpx.ReadError("reset"), Cause.BROKEN),
    ],
)
async def test_an_end_or_silence_raises_unavailable(end: Exception | None, cause: Cause) -> None:
    _, ended = await heard(Stream([b":\n"], end))
    assert isinstance(ended, Unavailable)
    assert ended.cause is cause


async def test_the_service_closing_the_channel_raises_unavailable() -> None:
    _, ended = await heard(Stream([event({"type": 7, "error": "Server shutting down"}), event(change("queue"))]))
    assert isinstance(ended, Unavailable)


async def test_garbage_on_the_channel_is_a_bad_answer() -> None:
    _, ended = await heard(Stream([b"data: <html>\x1e\n\n"]))
    assert isinstance(ended, BadAnswer)


async def test_thirty_seconds_of_silence_is_the_limit_and_the_key_is_in_the_headers_only() -> None:
    client, replay = channel(Stream([]))
    with pytest.raises(Unavailable):
        await anext(listen(client, lambda: None))
    stream = next(r for r in replay.requests if r.method == "GET")
    assert stream.extensions["timeout"]["read"] == SILENCE == 30
    assert stream.headers["Accept"] == "text/event-stream"
    assert all(r.headers["X-Api-Key"] == "a-key" and "a-key" not in str(r.url) for r in replay.requests)
    assert replay.requests[-1].content == b'{"protocol":"json","version":1}\x1e'


async def test_a_wrong_key_asks_the_admin() -> None:
    replay = Replay()
    replay.on("POST", NEGOTIATE, httpx.Response(401))
    with pytest.raises(AuthFailed):
        await anext(listen(ArrClient(instance(SETTINGS, replay)), lambda: None))


async def test_what_was_read_before_a_hint_is_forgotten_before_the_hint_is_given() -> None:
    client, _ = channel(Stream([event(change("queue"))]))
    forgotten: list[bool] = []
    async for _hint in listen(client, lambda: forgotten.append(True)):
        assert forgotten == [True]
        break


async def test_leaving_the_hints_closes_the_stream() -> None:
    stream = Stream([event(change("queue")), event(change("queue"))])
    client, _ = channel(stream)
    hints = listen(client, lambda: None)
    await anext(hints)
    await hints.aclose()
    await asyncio.sleep(0)
    assert stream.closed
