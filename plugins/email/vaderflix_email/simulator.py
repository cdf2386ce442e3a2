"""A mail server that keeps what it is sent: SMTP on a port of its own, the mails as files, a page that lists them."""

from __future__ import annotations

import asyncio
import email
import email.policy
import html
import itertools
import json
import re
import weakref
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from vaderflix_core.api import Peer, SimulatorSpec
from vaderflix_core.testing import Fault, Faults, Refusal, free_port

USERNAME = "vaderflix"
PASSWORD = "letters-out"
HOSTNAME = "post.vaderflix.example"


class EmailSimulator:
    """The `Simulator` of a mail server. Its `faults` hit the SMTP dialogue, and the pages too unless a path is set.

    Over SMTP they mean: 401 refuses the password, 429 and 500 put mails off (4xx), empty refuses every recipient
    (550), half ends the connection in the middle of a mail, gone right after connecting, garbage speaks HTTP, hang
    says nothing, slow waits before it takes a mail.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.credentials = {"username": USERNAME, "password": PASSWORD}
        self.faults = Faults(self._pages, _Wording())
        self.app = self.faults
        self._server: asyncio.Server | None = None
        self._open: weakref.WeakSet[asyncio.Protocol] = weakref.WeakSet()

    def settings(self, url: str) -> dict[str, Any]:
        """Settings of an instance that sends its mails here."""
        return {
            "host": urlsplit(url).hostname or "127.0.0.1",
            "port": self.port,
            "security": "none",
            "from_address": "vaderflix@vaderflix.example",
            **self.credentials,
        }

    async def start(self, url: str, peers: list[Peer]) -> None:
        """Open the SMTP port, on the address that the pages are served at."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, urlsplit(url).hostname or "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._server is None:
            return
        self._server.close()
        for protocol in list(self._open):
            transport: Any = getattr(protocol, "transport", None)
            if transport is not None:
                transport.abort()
        await self._server.wait_closed()
        self._server = None

    def messages(self) -> list[EmailMessage]:
        """The mails that came in, oldest first."""
        return [
            email.message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=email.policy.default)
            for path in sorted(self.folder.glob("*.eml"))
        ]

    def _accept(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol
        if self.faults.fault in (Fault.GONE, Fault.HANG, Fault.GARBAGE):
            protocol = _Stranger(self.faults.fault)
        else:
            protocol = SMTP(
                self,
                hostname=HOSTNAME,
                ident="ESMTP simulated",
                enable_SMTPUTF8=True,
                auth_require_tls=False,
                authenticator=self._authenticate,
                loop=asyncio.get_running_loop(),
            )
        self._open.add(protocol)
        return protocol

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: Any
    ) -> AuthResult:
        known = LoginPassword(USERNAME.encode(), PASSWORD.encode())
        return AuthResult(success=auth_data == known and self.faults.fault is not Fault.UNAUTHORIZED, handled=False)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Called by aiosmtpd at the begin of each mail."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Called by aiosmtpd for each recipient."""
        if self.faults.fault is Fault.RATE_LIMITED:
            return "450 4.7.1 Too many mails from you, come back later"
        if self.faults.fault is Fault.EMPTY or address.startswith("nobody@"):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd with a whole mail."""
        fault = self.faults.fault
        if fault is Fault.SLOW:
            await asyncio.sleep(self.faults.seconds)
        if fault is Fault.SERVER_ERROR:
            return "451 4.3.0 Cannot store mail now"
        if fault is Fault.HALF:
            if isinstance(server.transport, asyncio.WriteTransport):
                server.transport.abort()
            return "451 4.3.0 Gone"
        self.folder.mkdir(parents=True, exist_ok=True)
        return f"250 2.0.0 Kept as {await asyncio.to_thread(self._keep, envelope.original_content or b'')}"

    def _keep(self, mail: bytes) -> str:
        """Its number, the first that is free: two mails may arrive at once."""
        for number in itertools.count(sum(1 for _ in self.folder.glob("*.eml")) + 1):
            try:
                with open(self.folder / f"{number:04}.eml", "xb") as file:
                    file.write(mail)
            except FileExistsError:
                continue
            return f"{number:04}"
        raise AssertionError("numbers never end")

    async def _pages(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        mails = await asyncio.to_thread(self.messages)
        if scope["path"] == "/messages":
            body, kind = json.dumps([_described(mail) for mail in mails], ensure_ascii=False), "application/json"
        elif scope["path"] == "/":
            body, kind = _page(mails), "text/html; charset=utf-8"
        else:
            body, kind = "", "text/plain"
        status = 200 if body else 404
        headers = [(b"content-type", kind.encode()), (b"content-security-policy", b"default-src 'none'")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})


class _Stranger(asyncio.Protocol):
    """What answers when it is not the mail server."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        if self.fault is Fault.GARBAGE:
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        if self.fault is not Fault.HANG:
            self.transport.close()


class _Wording:
    """The failures of the pages."""

    def refusal(self, status: int) -> Refusal:
        """A bare status."""
        return Refusal(status=status, content_type="text/plain", body=b"refused")

    def empty(self, method: str, path: str) -> Refusal:
        """No mails."""
        return Refusal(status=200, content_type="application/json", body=b"[]")


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    return body.get_content() if isinstance(body, EmailMessage) else ""


def _described(mail: EmailMessage) -> dict[str, Any]:
    text = _part(mail, "plain")
    return {
        "id": str(mail["Message-ID"]),
        "from": str(mail["From"]),
        "to": str(mail["To"]),
        "subject": str(mail["Subject"]),
        "date": str(mail["Date"]),
        "text": text,
        "html": _part(mail, "html"),
        "links": re.findall(r"https?://\S+", text),
    }


def _page(mails: list[EmailMessage]) -> str:
    rows = "".join(
        f"<article><h2>{html.escape(str(mail['Subject']))}</h2>"
        f"<p>To {html.escape(str(mail['To']))}, {html.escape(str(mail['Date']))}</p>"
        f"<pre>{html.escape(_part(mail, 'plain'))}</pre></article>"
        for mail in reversed(mails)
    )
    return f"<!doctype html><title>Mails</title><h1>Mails</h1>{rows or '<p>None yet.</p>'}"


SPEC = SimulatorSpec(instance="email", name="Email", make=lambda folder, media: EmailSimulator(folder))
