"""Requests of the house go where an admin said, and nowhere that a name, a redirect or a trick leads."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from vaderflix_core.api import outbound
from vaderflix_core.api.errors import Cause, Rejected, ServiceError, Unavailable, WrongService
from vaderflix_core.api.http import ServiceClient
from vaderflix_core.api.outbound import why_refused

pytestmark = pytest.mark.anyio

METADATA = "169.254.169.254"


class Server:
    """Answers every request with one text, and counts connections."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.connections = 0
        self.port = 0
        self.requests: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head.decode())
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def redirect(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


@asynccontextmanager
async def serving(answer: bytes = OK, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()


@asynccontextmanager
async def client(url: str, **options: Any) -> AsyncIterator[ServiceClient]:
    made = ServiceClient(url, timeout=5, **options)
    try:
        yield made
    finally:
        await made.close()


def answers(*turns: list[str]) -> Callable[[str, int], Awaitable[list[str]]]:
    """A resolver that changes its mind: each look-up gives the next turn, the last one for ever."""
    left = list(turns)

    async def resolve(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    resolve.left = left  # type: ignore[attr-defined]
    return resolve


@pytest.mark.parametrize(
    "address",
    [
        METADATA,
        "169.254.1.1",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "::ffff:0:169.254.169.254",
        "2002:a9fe:a9fe::1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "::ffff:0.0.0.0",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
    ],
)
async def test_a_name_that_leads_to_a_forbidden_address_is_not_connected_to(address: str) -> None:
    async with client("http://innocent.example", resolve=answers([address])) as http:
        with pytest.raises(Rejected, match="is not connected to"):
            await http.request("GET", "/")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.168.1.5", "10.0.0.2", "172.17.0.3", "fd12::5", "1.1.1.1"])
def test_addresses_where_households_run_services_are_allowed(address: str) -> None:
    assert why_refused(address) is None


@pytest.mark.parametrize(
    "spelling",
    [METADATA, "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "0xa9.254.0251.254", "169.16689662",
     "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fe80::1]"],
)  # fmt: skip
async def test_a_metadata_address_is_refused_however_it_is_spelt(spelling: str) -> None:
    async with client(f"http://{spelling}:8080") as http:
        with pytest.raises(ServiceError) as refused:
            await http.request("GET", "/latest/meta-data/")
    assert isinstance(refused.value, Rejected), refused.value


async def test_one_forbidden_address_among_good_ones_spoils_the_name() -> None:
    async with serving() as server:
        async with client(f"http://mixed.example:{server.port}", resolve=answers(["127.0.0.1", METADATA])) as http:
            with pytest.raises(Rejected):
                await http.request("GET", "/")
        assert server.connections == 0


async def test_the_address_that_was_judged_is_the_one_connected_to_when_the_name_changes_its_mind() -> None:
    async with serving() as server:
        resolve = answers(["127.0.0.1"], [METADATA])
        async with client(f"http://rebinding.example:{server.port}", resolve=resolve) as http:
            for _ in range(3):
                assert (await http.request("GET", "/")).status_code == 200
            assert server.connections == 1, "the connection is kept, and not looked up again"
            assert f"host: rebinding.example:{server.port}" in server.requests[0].lower()
        async with client(f"http://rebinding.example:{server.port}", resolve=resolve) as http:
            with pytest.raises(Rejected):
                await http.request("GET", "/")


async def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    async with serving() as server:
        resolve = answers(["::1", "127.0.0.1"])
        async with client(f"http://two.example:{server.port}", resolve=resolve) as http:
            assert (await http.request("GET", "/")).status_code == 200


async def test_a_name_nobody_knows_and_a_closed_port_are_still_told_apart() -> None:
    async with client("http://no-such-host.invalid") as http:
        with pytest.raises(Unavailable) as unknown:
            await http.request("GET", "/")
    assert unknown.value.cause is Cause.DNS
    async with client("http://127.0.0.1:1") as http:
        with pytest.raises(Unavailable) as closed:
            await http.request("GET", "/")
    assert closed.value.cause is Cause.REFUSED


@pytest.mark.parametrize(
    "to",
    [f"http://{METADATA}/", "http://127.0.0.2/", "//evil.example/", "https://127.0.0.1/", "file:///etc/passwd",
     "http://127.0.0.1:1/", "gopher://127.0.0.1/", "http://user@evil.example/"],
)  # fmt: skip
async def test_a_redirect_elsewhere_is_not_followed(to: str) -> None:
    async with serving(redirect(to)) as server:
        async with client(f"http://127.0.0.1:{server.port}", headers={"X-Api-Key": "sesame"}) as http:
            with pytest.raises(ServiceError) as refused:
                await http.request("GET", "/")
        assert isinstance(refused.value, (WrongService, Rejected))
        assert server.connections == 1


@pytest.mark.parametrize(
    "path", ["http://evil.example/", "//evil.example/", "HTTPS://evil.example", "file:/etc/passwd", "\\\\evil"]
)
async def test_a_path_that_is_a_whole_address_is_refused(path: str) -> None:
    async with serving() as server:
        async with client(f"http://127.0.0.1:{server.port}") as http:
            with pytest.raises(Rejected, match="elsewhere"):
                await http.request("GET", path)
        assert server.connections == 0


@pytest.mark.parametrize("path", ["@evil.example/", "/@evil.example", ".evil.example/", "/..//evil.example/", "?a=b"])
async def test_no_path_changes_the_server_that_is_asked(path: str) -> None:
    async with serving() as server:
        async with client(f"http://127.0.0.1:{server.port}/base") as http:
            await http.request("GET", path)
        assert f"host: 127.0.0.1:{server.port}" in server.requests[0].lower()


async def test_a_path_cannot_smuggle_a_header() -> None:
    async with serving() as server:
        async with client(f"http://127.0.0.1:{server.port}") as http:
            with pytest.raises((ServiceError, ValueError)):
                await http.request("GET", "/a\r\nX-Evil: 1")
        assert not any("x-evil: 1" in one.lower() for one in server.requests)


async def test_proxies_of_the_environment_do_not_choose_where_we_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as server, serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with client(f"http://127.0.0.1:{server.port}") as http:
            await http.request("GET", "/")
        assert (server.connections, proxy.connections) == (1, 0)


async def test_tls_checks_the_name_that_was_asked_for_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=films.example", "-addext", "subjectAltName=DNS:films.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(outbound, "trusted", outbound.trusted.__wrapped__)  # others have read what is trusted
    async with serving(tls=tls) as server:
        async with client(f"https://films.example:{server.port}", resolve=answers(["127.0.0.1"])) as http:
            assert (await http.request("GET", "/")).status_code == 200
        async with client(f"https://other.example:{server.port}", resolve=answers(["127.0.0.1"])) as http:
            with pytest.raises(Unavailable) as wrong:
                await http.request("GET", "/")
        assert wrong.value.cause is Cause.TLS
