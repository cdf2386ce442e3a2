from __future__ import annotations

import datetime as dt
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from vaderflix_core.api import Instance, Notification, Recipient
from vaderflix_core.api.outbound import Resolve, look_up
from vaderflix_core.api.settings import parse
from vaderflix_core.testing import free_port, served
from vaderflix_email.notifier import EmailNotifier
from vaderflix_email.settings import EmailSettings
from vaderflix_email.simulator import EmailSimulator

NOW = dt.datetime(2025, 3, 3, 20, 14, tzinfo=dt.UTC)
MARA = Recipient(name="Mara", email="mara@house.example")
JONAS = Recipient(name="Jonas Müller", email="jonas@house.example")


def notifier(*, resolve: Resolve = look_up, **values: Any) -> EmailNotifier:
    settings = parse(EmailSettings, {"host": "127.0.0.1", "from_address": "home@house.example", **values})
    return EmailNotifier(
        Instance(
            id="email",
            plugin="email",
            name="Email",
            settings=settings,
            install_id="test",
            log=logging.getLogger("test"),
            now=lambda: NOW,
            resolve=resolve,
        )
    )


def news(*people: Recipient, **values: Any) -> Notification:
    fields = {
        "id": "n-1",
        "title": "Metropolis is here",
        "text": "It can be watched now.",
        "url": "https://flix.example/t/1",
        **values,
    }
    return Notification(recipients=people or (MARA,), **fields)


class Sink:
    """Keeps the envelopes that a real server took, and refuses what a test tells it to."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []
        self.answers: dict[str, str] = {}  # verb or address -> answer

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.envelopes.append(envelope)
        return "250 Taken"


@pytest.fixture
def sink() -> Sink:
    return Sink()


@contextmanager
def mail_server(sink: Sink, **options: Any) -> Iterator[int]:
    """A real server at the yielded port."""
    controller = Controller(sink, hostname="127.0.0.1", port=free_port(), server_hostname="mx.house.example", **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def accept_secret(server: Any, session: Any, envelope: Any, mechanism: str, auth_data: Any) -> AuthResult:
    return AuthResult(success=auth_data == LoginPassword(b"home", b"open sesame"), handled=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM with a self-made certificate for 127.0.0.1 and mx.house.example, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.house.example")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("mx.house.example")]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[tuple[EmailSimulator, str]]:
    made = EmailSimulator(tmp_path / "mails")
    async with served(made.app) as url:
        await made.start(url, [])
        try:
            yield made, url
        finally:
            await made.stop()
