"""Who the client is behind proxies, and by which names we may be asked: nobody's word counts but a trusted proxy's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from attack import Besieged
from litestar._parsers import parse_cookie_string
from world import Household, make_host

from vaderflix_core.cli import serve
from vaderflix_core.config import ConfigError, load_config
from vaderflix_core.testing import free_port, served
from vaderflix_web.front import LONGEST_ADDRESS, LONGEST_HEAD, MOST_COOKIES, Front, Names, Proxies

pytestmark = pytest.mark.anyio

TRUSTED = ["10.0.0.2", "172.16.0.0/12", "fd00::/8"]


async def seen(
    peer: str, headers: dict[str, str] | list[tuple[str, str]], *, path: str = "/", names: Names | None = None
) -> dict[str, Any]:
    """The scope as the application gets it, or the refusal."""
    found: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.update(scope, reached=True)

    async def send(message: Any) -> None:
        found.update(message)

    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "client": (peer, 4711),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
    }
    await Front(app, Proxies(TRUSTED), names or Names(["*"], None))(scope, None, send)  # type: ignore[arg-type]
    return found


async def test_a_body_that_never_ends_is_given_up(house: Besieged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaderflix_web.front.BODY_SECONDS", 0.2)
    begun = (
        b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    )
    async with served(house.app) as url, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        writer.write(begun)
        answer = await reader.read()  # until the connection is closed
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"too_slow" in answer


async def test_a_head_that_no_browser_sends_goes_no_further(house: Besieged) -> None:
    """The framework remembers what it parsed of the last thousand addresses and cookies of anybody."""
    stranger, kept = await house.stranger(), parse_cookie_string.cache_info().currsize
    for path, headers, status in (
        ("/signin?" + "&a=1" * 2100, {}, 414),
        ("/" + "a" * LONGEST_ADDRESS, {}, 414),
        ("/signin", {"Cookie": "; ".join(f"a{n}=1" for n in range(MOST_COOKIES + 1))}, 431),
        ("/signin", {"Cookie": "a=" + "1" * LONGEST_HEAD}, 431),
        ("/signin", {f"X-{n}": "" for n in range(LONGEST_HEAD // 6)}, 431),
    ):
        assert (await stranger.http.get(path, headers=headers)).status_code == status
        answer = await stranger.http.get(f"/api/v1{path}", headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"]["code"] == "too_long"
    assert parse_cookie_string.cache_info().currsize == kept
    usual = {"Cookie": "; ".join(f"other{n}={'1' * 400}" for n in range(60)), "X-Long": "a" * 4000}
    assert (await stranger.http.get("/signin?next=/" + "a" * 4000, headers=usual)).status_code == 200


async def test_a_head_that_never_ends_is_given_up(tmp_path: Path) -> None:
    host = make_host(tmp_path, Household(), port=free_port())
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def tell(url: str) -> None:
        ready.set_result(url)

    async def write_on(writer: asyncio.StreamWriter) -> None:
        for _ in range(64):
            writer.write(b"a" * 64 * 1024)
            await writer.drain()

    serving = asyncio.create_task(serve(host, ready=tell))
    async with asyncio.timeout(60):
        _reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(await ready).port)
        writer.write(b"GET /signin HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        with pytest.raises(ConnectionError):
            await write_on(writer)
        writer.close()
    serving.cancel()
    await asyncio.wait([serving])


def header(scope: dict[str, Any], name: str) -> list[str]:
    return [v.decode() for n, v in scope["headers"] if n == name.encode()]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("8.8.8.8", "1.1.1.1", "8.8.8.8"),
        ("10.0.0.2", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.2", "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.2", "6.6.6.6, 1.1.1.1, 172.20.0.9", "1.1.1.1"),
        ("10.0.0.2", "10.0.0.2, 6.6.6.6, 10.0.0.2", "6.6.6.6"),
        ("10.0.0.2", "127.0.0.1, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.2", "1.1.1.1, nonsense", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "1.1.1.1:5000", "1.1.1.1"),
        ("10.0.0.2", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.2", "::ffff:1.1.1.1", "1.1.1.1"),
        ("::ffff:10.0.0.2", "1.1.1.1", "1.1.1.1"),
        ("fd00::5", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.2", "172.16.0.1, 172.16.0.2", "172.16.0.1"),
        ("10.0.0.2", "'; DROP TABLE users; --", "10.0.0.2"),
    ],
)
async def test_the_rightmost_address_that_is_no_trusted_proxy_is_the_client(
    peer: str, forwarded: str, client: str
) -> None:
    assert (await seen(peer, {"X-Forwarded-For": forwarded}))["client"][0] == client


async def test_several_lines_of_the_chain_count_in_their_order() -> None:
    lines = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "1.1.1.1, 172.16.0.3")]
    assert (await seen("10.0.0.2", lines))["client"][0] == "1.1.1.1"


async def test_scheme_and_host_are_believed_of_trusted_proxies_only() -> None:
    said = {"Host": "inner", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "films.example.org"}
    behind, spoofed = await seen("10.0.0.2", said), await seen("8.8.8.8", said)
    assert (behind["scheme"], header(behind, "host")) == ("https", ["films.example.org"])
    assert (spoofed["scheme"], header(spoofed, "host")) == ("http", ["inner"])
    assert (await seen("10.0.0.2", {"X-Forwarded-Proto": "gopher"}))["scheme"] == "http"


async def test_nobody_further_in_sees_forwarding_headers() -> None:
    for peer in ("10.0.0.2", "8.8.8.8"):
        scope = await seen(peer, {"X-Forwarded-For": "1.1.1.1", "X-Real-IP": "1.1.1.1", "X-Forwarded-Port": "1"})
        assert not [n for n, _ in scope["headers"] if n.startswith((b"x-forwarded", b"x-real"))]


@pytest.mark.parametrize(
    "host",
    ["localhost:8484", "127.0.0.1:8484", "[::1]:8484", "192.168.1.5", "[fd00::5]:8484", "8.8.8.8", "nas", "nas:8484",
     "nas.local", "films.lan", "Films.Home.Arpa.", "films.example.org", "FILMS.example.org:443", ""],
)  # fmt: skip
async def test_a_first_start_is_reached_by_address_by_local_name_and_by_the_public_address(host: str) -> None:
    names = Names([], "https://films.example.org")
    assert (await seen("8.8.8.8", {"Host": host} if host else {}, names=names)).get("reached")


REBINDING = ["evil.com", "evil.com:8484", "192.168.1.5.evil.com", "localhost.evil.com", "films.example.org.evil.com",
             "xfilms.example.org", "127.0.0.1.nip.io", "evil.com#localhost", "evil.com/localhost", "a b",
             "localhost@evil.com", "evil.com:80:80", "lan.com", "[evil]"]  # fmt: skip


@pytest.mark.parametrize("host", REBINDING)
@pytest.mark.parametrize("allowed", [[], ["films.example.org"]])
async def test_a_foreign_name_that_leads_to_us_is_refused(host: str, allowed: list[str]) -> None:
    names = Names(allowed, "https://films.example.org")
    for path in ("/", "/api/v1/me", "/nowhere"):
        answer = await seen("8.8.8.8", {"Host": host}, path=path, names=names)
        assert (answer.get("reached"), answer["status"]) == (None, 421)


async def test_a_list_of_names_is_exact() -> None:
    names = Names(["films.example.org", "*.house.net"], None)
    expected = {
        "films.example.org": True,
        "a.house.net": True,
        "house.net": False,
        "evilhouse.net": False,
        "nas.local": False,
        "192.168.1.5": False,
        "localhost": True,
    }
    asked = {host: await seen("8.8.8.8", {"Host": host}, names=names) for host in expected}
    assert {host: bool(answer.get("reached")) for host, answer in asked.items()} == expected


async def test_two_host_headers_are_refused() -> None:
    answer = await seen("8.8.8.8", [("Host", "localhost"), ("Host", "evil.com")], names=Names([], None))
    assert answer["status"] == 421


async def test_a_forwarded_host_is_judged_as_well() -> None:
    said = {"Host": "localhost", "X-Forwarded-Host": "evil.com"}
    assert (await seen("10.0.0.2", said, names=Names([], None)))["status"] == 421


@pytest.mark.parametrize(
    "text", ['trusted_proxies = ["*"]', 'trusted_proxies = ["proxy"]', 'allowed_hosts = ["https://films"]',
             'allowed_hosts = ["films:8484"]', 'allowed_hosts = ["a*b"]']
)  # fmt: skip
def test_what_would_trust_everybody_or_nobody_is_refused_at_the_start(text: str, tmp_path: Any) -> None:
    path = tmp_path / "vaderflix.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=text.split()[0]):
        load_config(path, {})
