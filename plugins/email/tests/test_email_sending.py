"""Against a real SMTP server, aiosmtpd, on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
from email import message_from_bytes, policy
from pathlib import Path

import pytest

import vaderflix_email.client
from vaderflix_core.api import AuthFailed, Cause, Recipient, Rejected, Unavailable, WrongService
from vaderflix_core.testing import free_port

from .conftest import JONAS, MARA, Sink, accept_secret, mail_server, news, notifier

pytestmark = pytest.mark.anyio


async def test_each_recipient_gets_a_mail_that_names_no_other(sink: Sink) -> None:
    with mail_server(sink) as port:
        receipt = await notifier(port=port, security="none").send(news(MARA, JONAS))
    assert [e.rcpt_tos for e in sink.envelopes] == [[MARA.email], [JONAS.email]]
    for envelope, own, other in zip(sink.envelopes, (MARA, JONAS), (JONAS, MARA), strict=True):
        assert own.email.encode() in envelope.content
        assert other.email.encode() not in envelope.content
        assert other.name.encode() not in envelope.content
    assert receipt.detail.startswith("Sent to 2 of 2.")


async def test_a_mail_has_text_and_html_and_the_link_in_both(sink: Sink) -> None:
    with mail_server(sink) as port:
        await notifier(port=port, security="none").send(news(JONAS))
    mail = message_from_bytes(sink.envelopes[0].content, policy=policy.default)
    assert mail["Subject"] == "Metropolis is here"
    assert mail["To"].addresses[0].display_name == "Jonas Müller"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    for part in mail.iter_parts():
        assert "It can be watched now." in part.get_content()
        assert "https://flix.example/t/1" in part.get_content()


async def test_news_are_greeted_and_whole_letters_are_not(sink: Sink) -> None:
    with mail_server(sink) as port:
        await notifier(port=port, security="none").send(news(JONAS))
        await notifier(port=port, security="none").send_private(news(JONAS))
    greeted, letter = (message_from_bytes(e.content, policy=policy.default) for e in sink.envelopes)
    assert all("Hello Jonas Müller," in part.get_content() for part in greeted.iter_parts())
    assert not any("Hello" in part.get_content() for part in letter.iter_parts())
    # who has no account has none to set anything in
    feet = ["set in your account" in mail.get_body(("html",)).get_content() for mail in (greeted, letter)]
    assert feet == [True, False]


async def test_a_retry_is_the_same_message(sink: Sink) -> None:
    with mail_server(sink) as port:
        for _ in range(2):  # a new notifier each: nothing is remembered, as after a restart
            await notifier(port=port, security="none").send(news())
    first, second = (message_from_bytes(e.content)["Message-ID"] for e in sink.envelopes)
    assert first == second
    assert first.endswith("@house.example>")


async def test_a_server_that_looks_into_mails_for_long_gets_each_once(monkeypatch):
    monkeypatch.setattr("vaderflix_email.client.TIMEOUT", 0.3)

    class Thorough(Sink):
        async def handle_DATA(self, server, session, envelope):
            await asyncio.sleep(1)
            return await super().handle_DATA(server, session, envelope)

    sink = Thorough()
    with mail_server(sink) as port:
        await notifier(port=port, security="none").send(news())
    assert len(sink.envelopes) == 1


async def test_a_retry_leaves_out_who_has_the_mail(sink: Sink) -> None:
    sink.answers[JONAS.email] = "451 4.7.1 Greylisted, come back"
    with mail_server(sink) as port:
        channel = notifier(port=port, security="none")
        with pytest.raises(Unavailable, match="Greylisted"):
            await channel.send(news(JONAS, MARA))
        sink.answers.clear()
        receipt = await channel.send(news(JONAS, MARA))
    assert [e.rcpt_tos for e in sink.envelopes] == [[MARA.email], [JONAS.email]]
    assert receipt.detail.startswith("Sent to 2 of 2.")


async def test_a_refused_recipient_does_not_stop_the_others(sink: Sink) -> None:
    sink.answers[MARA.email] = "550 5.1.1 No such mailbox"
    with mail_server(sink) as port:
        receipt = await notifier(port=port, security="none").send(news(MARA, JONAS))
    assert [e.rcpt_tos for e in sink.envelopes] == [[JONAS.email]]
    assert receipt.detail.startswith("Sent to 1 of 2.")
    assert "Mara" in receipt.detail
    assert "No such mailbox" in receipt.detail


async def test_refused_by_all_is_final(sink: Sink) -> None:
    sink.answers[MARA.email] = "550 5.1.1 No such mailbox"
    with mail_server(sink) as port, pytest.raises(Rejected, match="No such mailbox") as caught:
        await notifier(port=port, security="none").send(news(MARA))
    assert caught.value.status == 550


async def test_a_refused_sender_names_the_setting(sink: Sink) -> None:
    sink.answers["MAIL"] = "553 5.7.1 Not your address"
    with mail_server(sink) as port, pytest.raises(Rejected) as caught:
        await notifier(port=port, security="none").send(news(MARA, JONAS))
    assert caught.value.field == "from_address"


@pytest.mark.parametrize("verb", ["MAIL", "DATA"])
async def test_put_off_is_unavailable(sink: Sink, verb: str) -> None:
    sink.answers[verb] = "452 4.3.1 Disk full"
    with mail_server(sink) as port, pytest.raises(Unavailable, match="Disk full"):
        await notifier(port=port, security="none").send(news())


async def test_a_full_mailbox_says_nothing_of_the_server_and_its_end_does(sink: Sink) -> None:
    with mail_server(sink) as port:
        for answer, cause in (("452 4.2.2 Mailbox full", Cause.PUT_OFF), ("421 4.3.2 Going down", Cause.SERVER_ERROR)):
            sink.answers[MARA.email] = answer
            with pytest.raises(Unavailable) as put_off:
                await notifier(port=port, security="none").send(news(MARA))
            assert put_off.value.cause is cause


async def test_a_refused_content_is_final(sink: Sink) -> None:
    sink.answers["DATA"] = "554 5.6.0 Looks like spam"
    with mail_server(sink) as port, pytest.raises(Rejected, match="Looks like spam"):
        await notifier(port=port, security="none").send(news())


async def test_nobody_with_an_address_is_final_and_calls_nothing() -> None:
    with pytest.raises(Rejected, match="None of the recipients"):
        await notifier(port=free_port()).send(
            news(Recipient(name="Edith"), Recipient(name="X", email="not an address"))
        )


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_trusted_certificate_is_enough_to_sign_in_and_send(
    sink: Sink, security: str, certificate: Path, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    options = (
        {"ssl_context": server_tls} if security == "tls" else {"tls_context": server_tls, "require_starttls": True}
    )
    with mail_server(
        sink,
        authenticator=accept_secret,
        auth_required=security == "starttls",
        auth_require_tls=security == "starttls",
        **options,
    ) as port:
        channel = notifier(port=port, security=security, username="home", password="open sesame")
        info = await channel.test()
        await channel.send(news())
        assert await channel.check() == []
    assert info.product == "SMTP"
    assert "mx.house.example" in info.detail
    assert "signed in as home" in info.detail
    assert len(sink.envelopes) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_unknown_certificate_is_a_tls_failure_unless_switched_off(
    sink: Sink, security: str, server_tls: ssl.SSLContext
) -> None:
    options = {"ssl_context": server_tls} if security == "tls" else {"tls_context": server_tls}
    with mail_server(sink, **options) as port:
        with pytest.raises(Unavailable, match="certificate cannot be trusted") as caught:
            await notifier(port=port, security=security).test()
        await notifier(port=port, security=security, verify_tls=False).send(news())
    assert caught.value.cause is Cause.TLS
    assert len(sink.envelopes) == 1


async def test_a_wrong_password_asks_the_admin_and_does_not_show_it(sink: Sink) -> None:
    with mail_server(sink, authenticator=accept_secret, auth_require_tls=False) as port:
        channel = notifier(port=port, security="none", username="home", password="hunter2-hunter2")
        for call in (channel.test(), channel.send(news())):
            with pytest.raises(AuthFailed) as caught:
                await call
            assert "535" in caught.value.message
            assert "hunter2" not in caught.value.message
            assert "hunter2" not in repr(caught.value)


async def test_a_server_that_wants_a_password_asks_the_admin(sink: Sink) -> None:
    sink.answers["MAIL"] = "530 5.7.0 Authentication required"
    with mail_server(sink) as port, pytest.raises(AuthFailed, match="530"):
        await notifier(port=port, security="none").send(news())


async def test_a_server_without_starttls_is_named(sink: Sink) -> None:
    with mail_server(sink) as port, pytest.raises(WrongService, match="STARTTLS"):
        await notifier(port=port, security="starttls").test()


async def test_a_server_without_sign_in_is_named(sink: Sink) -> None:
    with mail_server(sink) as port, pytest.raises(WrongService, match="user name"):
        await notifier(port=port, security="none", username="home", password="x").test()


async def test_tls_at_the_plain_port_is_explained(sink: Sink) -> None:
    with mail_server(sink) as port, pytest.raises(Unavailable, match="Choose STARTTLS") as caught:
        await notifier(port=port, security="tls").test()
    assert caught.value.cause is Cause.TLS


async def test_nothing_there_is_refused() -> None:
    with pytest.raises(Unavailable) as caught:
        await notifier(port=free_port()).check()
    assert caught.value.cause is Cause.REFUSED


async def test_an_unknown_name_is_dns() -> None:
    with pytest.raises(Unavailable) as caught:
        await notifier(host="no-such-host.invalid").check()
    assert caught.value.cause is Cause.DNS


async def test_a_silent_server_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaderflix_email.client, "TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unavailable) as caught:
            await notifier(port=silent.getsockname()[1]).test()
    assert caught.value.cause is Cause.TIMEOUT


async def test_a_password_without_encryption_over_the_internet_is_reported() -> None:
    from vaderflix_email.notifier import _is_private

    assert not _is_private("smtp.example.org")
    assert not _is_private("8.8.8.8")
    assert _is_private("192.168.1.4")
    assert _is_private("postfix")
