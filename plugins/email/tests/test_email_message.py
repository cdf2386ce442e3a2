from __future__ import annotations

from email import message_from_bytes, policy
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.api import BadSettings, Recipient
from vaderflix_core.api.settings import fields, parse
from vaderflix_email.message import addressable, compose
from vaderflix_email.settings import EmailSettings

from .conftest import MARA, NOW, news

SETTINGS = EmailSettings(host="mx.example", from_address="home@house.example")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def html_of(**values: str) -> str:
    mail = compose(news(**values), MARA, SETTINGS, NOW)
    return mail.get_body(("html",)).get_content()


@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</title><svg onload=alert(1)>",
        "{{ 7*7 }}{% raw %}",
        "javascript:alert(1)",
    ],
)
def test_a_title_from_outside_stays_text(payload: str) -> None:
    plain, tags = Tags(), Tags()
    plain.feed(html_of())
    tags.feed(html_of(title=payload, text=payload))
    assert [tag for tag, _ in tags.found] == [tag for tag, _ in plain.found]
    assert not [name for _, attrs in tags.found for name, _ in attrs if name.startswith("on")]
    assert "49" not in html_of(title="{{ 7*7 }}").partition("<h1")[2].partition("</h1>")[0]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x.example/\nBcc: a@b.c", "data:text/html,x", ""])
def test_only_web_addresses_become_links(url: str) -> None:
    assert "<a " not in html_of(url=url)


@given(
    title=st.text(),
    text=st.text(),
    name=st.text(),
    sender=st.text(),
)
def test_no_text_can_add_a_header(title: str, text: str, name: str, sender: str) -> None:
    check_heads(title, text, name, sender)


@pytest.mark.parametrize(
    "words",
    [
        "=?utf-8?q?a=0D=0ABcc:_spy@evil.example?=",
        "=?utf-8?b?YQ0KQmNjOiBzcHlAZXZpbC5leGFtcGxlDQoNCmEgYm9keQ==?=",  # a line end, Bcc, an empty line, a body
        "=?utf-8?q?a=0ABcc:_spy@evil.example?= \u00e9",
        "x =?utf-7?q?+AA0ACg-Bcc: spy@evil.example?=",
        "=\x00?utf-8?q?a=0D=0ABcc:_spy@evil.example?=",
    ],
)
def test_no_encoded_word_can_add_a_header_or_a_body(words: str) -> None:
    check_heads(words, words, words, words)


def check_heads(title: str, text: str, name: str, sender: str) -> None:
    settings = EmailSettings(host="mx.example", from_address="home@house.example", from_name=sender)
    mail = compose(news(title=title, text=text), Recipient(name=name, email=MARA.email), settings, NOW)
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert read.keys() == [
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
    ]  # fmt: skip
    assert [a.addr_spec for a in read["To"].addresses] == [MARA.email]
    assert [a.addr_spec for a in read["From"].addresses] == ["home@house.example"]


@pytest.mark.parametrize(
    "email",
    [
        "",
        "mara",
        "mara@house.example\r\nRCPT TO:<spy@evil.example>",
        "a@b,c@d",
        "Mara <mara@house.example>",
        "a@b\n",
        "=?utf-8?q?a=0D=0ABcc=3Aspy?=@house.example",
    ],
)
def test_what_is_not_one_address_is_not_written_to(email: str) -> None:
    assert not addressable(Recipient(name="x", email=email))


def test_settings_refuse_what_cannot_work() -> None:
    for wrong in ({"security": "ssl"}, {"port": 0}, {"from_address": "home"}, {"host": "smtp://mx.example"}):
        with pytest.raises(BadSettings):
            parse(EmailSettings, {"host": "mx.example", "from_address": "home@house.example", **wrong})


def test_the_form_offers_the_three_encryptions_and_hides_the_password() -> None:
    shown = {field.name: field for field in fields(EmailSettings)}
    assert list(shown["security"].choices) == ["starttls", "tls", "none"]
    assert shown["password"].kind == "secret"
