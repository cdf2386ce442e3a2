"""Logs become lines, and a restart is one call that says how it ended."""

from __future__ import annotations

import datetime as dt
import json
import struct

import httpx
import pytest

from vaderflix_core.api import Cause, NotFound, Rejected, Unavailable
from vaderflix_docker_health import engine as engine_module
from vaderflix_docker_health.health import DockerHealth
from vaderflix_docker_health.log import LONGEST, LogReader, clean
from vaderflix_docker_health.simulator import DockerSimulator

from .conftest import ENGINES, Replay, an_instance, recorded

pytestmark = pytest.mark.anyio

Simulated = tuple[DockerSimulator, DockerHealth]


def frame(text: str | bytes, stream: int = 1) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">BxxxI", stream, len(data)) + data


def read(*parts: bytes, terminal: bool = False, lines: int = 100) -> list[tuple[str, str]]:
    reader = LogReader(terminal=terminal, lines=lines)
    for part in parts:
        reader.feed(part)
    return [(line.stream, line.text) for line in reader.lines()]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_recorded_frames_become_lines_however_they_are_cut(engine: str, size: int) -> None:
    framed = json.loads(recorded(engine, "logs-mux.json"))
    raw = bytes.fromhex(framed["raw_hex"])
    reader = LogReader(terminal=False, lines=100)
    for at in range(0, len(raw), size):
        reader.feed(raw[at : at + size])
    lines = reader.lines()
    said = [(one["stream"], one["payload"].partition(" ")[2].rstrip()) for one in framed["frames"]]
    assert [(line.stream, line.text) for line in lines] == said
    first = lines[0].at
    assert first is not None
    assert first.isoformat().startswith(framed["frames"][0]["payload"][:26])
    assert first.tzinfo is not None


@pytest.mark.parametrize("engine", ENGINES)
def test_the_log_of_a_terminal_comes_without_frames(engine: str) -> None:
    plain = bytes.fromhex(json.loads(recorded(engine, "logs-tty.json"))["raw_hex"])
    assert read(plain, terminal=True) == [("stdout", "tty out"), ("stdout", "tty err")]
    assert read(plain) == [("stdout", "tty out"), ("stdout", "tty err")]


def test_half_a_frame_gives_what_came() -> None:
    assert read(b"\x01\0\0\0\0\0\0\x09half") == [("stdout", "half")]
    assert read(b"\x01\0\0") == []


def test_a_long_line_in_several_frames_is_one_line_with_one_time() -> None:
    stamp = "2026-11-22T17:22:00.839052453Z "
    parts = [frame(stamp + "one "), frame(stamp + "err\n", 2), frame(stamp + "two\n")]
    assert read(*parts) == [("stderr", "err"), ("stdout", "one two")]


def test_only_the_last_lines_are_kept_and_none_is_endless() -> None:
    assert read(*(frame(f"{n}\n") for n in range(50)), lines=3) == [("stdout", str(n)) for n in (47, 48, 49)]
    [(_, text)] = read(*(frame(b"x" * 16_384) for _ in range(64)))
    assert text == "x" * LONGEST


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("\x1b[31;1mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07after", "after"),
        ("10 %\r50 %\rdone\r", "done"),
        ("a\x00b\x08c\x7fd\x9be", "abcde"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("one\u2028two", "onetwo"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b", ""),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_what_only_a_terminal_understands_is_taken_out(written: str, text: str) -> None:
    assert clean(written) == text


async def test_the_last_lines_are_asked_for_with_their_times(replay: Replay) -> None:
    health = DockerHealth(an_instance(replay))
    container = next(one for one in await health.containers() if one.state == "running")
    lines = await health.logs(container.id, 10_000)
    assert len(lines) == 6
    assert "timestamps=true&tail=500" in replay.calls[-1]


async def test_a_log_that_is_too_long_is_asked_for_again_with_fewer_lines(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "MOST_LOG", 300)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/logs"):
            replay.calls.append(request.url.params["tail"])
            return httpx.Response(200, content=frame("x" * 99 + "\n") * int(request.url.params["tail"]))
        return replay(request)

    health = DockerHealth(an_instance(answer))
    container = (await health.containers())[0]
    replay.calls.clear()
    assert len(await health.logs(container.id, 20)) == 2
    assert replay.calls[-2:] == ["20", "2"]


@pytest.mark.parametrize("container_id", ["../images", "", "ABC", "films", "f" * 64])
async def test_what_is_no_container_is_not_found(simulated: Simulated, container_id: str) -> None:
    _, health = simulated
    with pytest.raises(NotFound):
        await health.logs(container_id, 10)
    with pytest.raises(NotFound):
        await health.restart(container_id)


async def test_a_restart_shows_at_once(simulated: Simulated) -> None:
    simulator, health = simulated
    films = simulator.container("films")
    films.state, films.exit_code, films.restarts = "exited", 1, 5
    before = {one.name: one for one in await health.containers()}["films"]
    await health.restart(films.id)
    after = {one.name: one for one in await health.containers()}["films"]
    assert (before.state, after.state, after.restarts) == ("exited", "running", 0)
    assert before.started_at is not None
    assert after.started_at is not None
    assert after.started_at > before.started_at
    lines = await health.logs(films.id, 2)
    assert [line.text for line in lines] == ["[Info] Started", "[Info] Listening"]
    assert abs((lines[0].at or after.started_at) - after.started_at) < dt.timedelta(seconds=1)


async def test_a_proxy_that_lets_us_look_only_is_a_refusal_that_says_what_to_allow(replay: Replay) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, text="Forbidden") if request.method == "POST" else replay(request)

    health = DockerHealth(an_instance(answer))
    container = (await health.containers())[0]
    with pytest.raises(Rejected, match="allow POST"):
        await health.restart(container.id)


async def test_a_restart_without_an_answer_is_not_known_to_have_failed(replay: Replay) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ReadTimeout("slow", request=request)
        return replay(request)

    health = DockerHealth(an_instance(answer))
    container = (await health.containers())[0]
    with pytest.raises(Unavailable) as caught:
        await health.restart(container.id)
    assert caught.value.cause is Cause.TIMEOUT
