"""Mail goes to the server that an admin typed, by the same judgement as every other connection."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from vaderflix_core.api import Cause, Rejected, Unavailable
from vaderflix_core.api.settings import MASK, BadSettings, parse
from vaderflix_email.settings import EmailSettings

from .conftest import Sink, mail_server, news, notifier

pytestmark = pytest.mark.anyio

METADATA = "169.254.169.254"


class Names:
    """A resolver that changes its mind: each look-up gives the next turn, the last one for ever."""

    def __init__(self, *turns: list[str]) -> None:
        self.turns = list(turns)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
@pytest.mark.parametrize(
    "address",
    [METADATA, "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "0.0.0.0", "224.0.0.1"],
)
async def test_a_mail_server_at_a_forbidden_address_is_not_connected_to(address: str, security: str) -> None:
    channel = notifier(host="mail.example", security=security, resolve=Names([address]))
    for call in (channel.test(), channel.check(), channel.send(news()), channel.send_private(news())):
        with pytest.raises(Rejected, match=r"mail\.example:587 is not connected to"):
            await call


@pytest.mark.parametrize(
    "spelling",
    [METADATA, "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.16689662", "::ffff:169.254.169.254",
     "::ffff:a9fe:a9fe", "fe80::1"],
)  # fmt: skip
async def test_a_metadata_address_is_refused_however_it_is_spelt(spelling: str) -> None:
    with pytest.raises(Rejected, match="link-local or a metadata address"):
        await notifier(host=spelling, security="none").test()


async def test_one_forbidden_address_among_good_ones_spoils_the_name(sink: Sink) -> None:
    with mail_server(sink) as port, pytest.raises(Rejected):
        await notifier(host="mail.example", port=port, security="none", resolve=Names(["127.0.0.1", METADATA])).send(
            news()
        )
    assert sink.envelopes == []


async def test_a_name_is_looked_up_once_for_a_mail_and_refused_when_it_has_changed_its_mind(sink: Sink) -> None:
    names = Names(["127.0.0.1"], [METADATA])
    with mail_server(sink) as port:
        channel = notifier(host="mail.example", port=port, security="none", resolve=names)
        await channel.send(news())
        assert names.asked == [("mail.example", port)]
        assert len(sink.envelopes) == 1
        with pytest.raises(Rejected):
            await channel.send(news(id="n-2"))
    assert len(sink.envelopes) == 1


async def test_the_next_address_is_tried_when_the_first_does_not_answer(sink: Sink) -> None:
    with mail_server(sink) as port:
        channel = notifier(host="mail.example", port=port, security="none", resolve=Names(["::1", "127.0.0.1"]))
        await channel.send(news())
    assert len(sink.envelopes) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_tls_checks_the_name_that_was_typed_not_the_address(
    sink: Sink, security: str, certificate: Path, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    options: dict[str, Any] = {"ssl_context": server_tls} if security == "tls" else {"tls_context": server_tls}
    names = Names(["127.0.0.1"])
    with mail_server(sink, **options) as port:
        await notifier(host="mx.house.example", port=port, security=security, resolve=names).send(news())
        # the certificate is good for the address, which nobody typed
        with pytest.raises(Unavailable, match="certificate cannot be trusted") as wrong:
            await notifier(host="other.house.example", port=port, security=security, resolve=names).send(news())
    assert wrong.value.cause is Cause.TLS
    assert len(sink.envelopes) == 1


@pytest.mark.parametrize("change", [{"security": "none"}, {"verify_tls": False}, {"host": "other.example"}])
def test_a_kept_password_goes_over_no_other_connection(change: dict[str, object]) -> None:
    kept = {"host": "smtp.example", "from_address": "home@house.example", "username": "home", "password": "open sesame"}
    stored = parse(EmailSettings, kept)
    sent = {**kept, "password": MASK, **change}
    with pytest.raises(BadSettings) as refused:
        parse(EmailSettings, sent, stored)
    assert set(refused.value.errors) == {"password"}
    assert parse(EmailSettings, {**sent, "password": "open sesame"}, stored)
