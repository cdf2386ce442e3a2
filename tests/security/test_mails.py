"""Words of strangers in mails, from the form to the letter; and the links in mails, which let their readers in."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from msgspec import structs

from vaderflix_core.api import Recipient
from vaderflix_core.log import Redactor
from vaderflix_core.notify.letters import KINDS, SAMPLES, looks_like_address, write
from vaderflix_email.message import compose
from vaderflix_email.settings import EmailSettings

HEADS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
ATTACKS = [
    "x\r\nBcc: spy@evil.example\r\n\r\nbody",
    "=?utf-8?q?x=0D=0ABcc:_spy@evil.example?=",
    "=?utf-8?b?eA0KQmNjOiBzcHlAZXZpbC5leGFtcGxlDQoNCmJvZHk=?=",
]
SETTINGS = EmailSettings(host="mx.example", from_address="home@house.example")


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_word_of_a_stranger_writes_a_header_or_a_body(kind: str, attack: str) -> None:
    data = {name: attack if name != "path" else "/invite/x" for name in KINDS[kind]}
    note = structs.replace(write(kind, data, "https://house.example"), id="mail:1")
    reader = Recipient(name=attack, email="noor@house.example")
    raw = compose(note, reader, SETTINGS, datetime(2026, 11, 29, tzinfo=UTC), greet=False).as_bytes()
    read = message_from_bytes(raw, policy=policy.default)
    assert read.keys() == HEADS
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_address_of_a_stranger_does(attack: str) -> None:
    assert not looks_like_address(f"{attack}@evil.example")


@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if KINDS[kind] & {"until"}))
def test_a_link_that_lets_its_reader_in_is_masked_wherever_it_is_repeated(kind: str) -> None:
    page = SAMPLES[kind]["path"].rpartition("/")[0]
    note = write(kind, {**SAMPLES[kind], "path": f"{page}/p718i9-uesj6t0_v2K3nAciBHzF0MAZi.x"}, "https://house.example")
    assert Redactor().clean(f"550 blocked: {note.url}.") == f"550 blocked: https://house.example{page}/***"
