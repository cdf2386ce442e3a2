"""Mails: written in plain words, sealed while they wait, retried, and visible when they are refused."""

from __future__ import annotations

import pytest

from vaderflix_core.api.errors import Rejected, Unavailable
from vaderflix_core.failures import Conflict, Invalid, Missing
from vaderflix_core.notify.letters import KINDS, SAMPLES, TITLES, write
from vaderflix_core.store import deliveries

pytestmark = pytest.mark.anyio
XSS = "<script>alert(1)</script>\r\nBcc: eve@example.org\x00\x1b[31m"


def log(house):
    return house.db.read_sync(deliveries.newest)


def test_every_kind_has_a_template_a_title_and_a_sample():
    assert set(KINDS) == set(TITLES) == set(SAMPLES)
    for kind in KINDS:
        note = write(kind, SAMPLES[kind], "https://house.example/")
        assert note.title
        assert "\n" not in note.title
        assert note.text
        assert (note.url is not None) == ("path" in KINDS[kind])
        if note.url:
            assert note.url.startswith("https://house.example/")
            assert "//" not in note.url[8:]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hostile_words_stay_on_one_line_and_bring_no_header_and_no_paragraph(kind):
    hostile = {name: XSS if name != "path" else "/invite/x" for name in KINDS[kind]}
    plain = {name: "word" if name != "path" else "/invite/x" for name in KINDS[kind]}
    note = write(kind, hostile, "https://house.example")
    harmless = write(kind, plain, "https://house.example")
    for text in (note.title, note.text):
        assert not {"\r", "\x00", "\x1b"} & set(text)
    assert "\n" not in note.title
    assert note.text.count("\n") == harmless.text.count("\n")


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/x", "javascript:alert(1)", "evil"])
def test_a_link_only_leads_into_the_house(path):
    note = write("password_reset", {"name": "N", "until": "20:40", "path": path}, "https://house.example")
    assert note.url is None or note.url.startswith("https://house.example/")


async def test_a_mail_waits_sealed_and_is_delivered_once(house):
    data = {"name": "Noor", "until": "20:40", "path": "/reset/a-very-secret-code"}
    mail_id = house.db.write_sync(lambda c: house.mails.queue(c, "password_reset", "noor@example.org", data))
    kept = house.db.read_sync(lambda c: str(c.exec_driver_sql("SELECT payload FROM jobs").fetchall()))
    assert "a-very-secret-code" not in kept
    assert "Noor" not in kept
    assert [d.state for d in log(house)] == ["queued"]
    await house.work()
    await house.work()
    [note] = house.postman.sent
    assert note.id == mail_id
    assert note.url == "https://house.example/reset/a-very-secret-code"
    [delivery] = log(house)
    assert (delivery.state, delivery.recipient) == ("delivered", "noor@example.org")
    assert "a-very-secret-code" not in str(delivery)


async def test_a_mail_of_a_transaction_that_fails_is_never_sent(house):
    def work(conn):
        house.mails.queue(conn, "access_rejected", "noor@example.org", {"name": "N", "reason": "r"})
        raise LookupError

    with pytest.raises(LookupError):
        house.db.write_sync(work)
    await house.work()
    assert house.postman.sent == []


async def test_a_server_that_is_away_is_tried_again_and_says_why_meanwhile(house):
    house.postman.fail(Unavailable("the mail server sleeps"))
    await house.mails.send_test("invitation", "noor@example.org")
    await house.work()
    [delivery] = log(house)
    assert delivery.state == "queued"
    assert "sleeps" in delivery.detail
    house.postman.work()
    house.clock.forward(minutes=30)
    await house.work()
    assert [d.state for d in log(house)] == ["delivered"]


async def test_a_refused_mail_is_seen_and_can_be_sent_again(house):
    house.postman.fail(Rejected("no such mailbox"))
    mail_id = await house.mails.send_test("invitation", "noor@example.org")
    await house.work()
    [delivery] = log(house)
    assert (delivery.state, "no such mailbox" in delivery.detail) == ("refused", True)
    house.postman.work()
    await house.mails.send_again(mail_id)
    await house.work()
    assert [d.state for d in log(house)] == ["delivered"]
    with pytest.raises(Conflict):
        await house.mails.send_again(mail_id)
    for unknown in ("mail:none", "news:1", ""):
        with pytest.raises(Missing):
            await house.mails.send_again(unknown)


@pytest.mark.parametrize("words", [Rejected, Unavailable, None])
async def test_a_server_that_repeats_a_link_puts_it_into_no_log(house, words):
    said = "550 5.7.1 blocked: https://house.example/invite/a-code-that-lets-in-1234"
    if words is not None:
        house.postman.fail(words(said))
    else:
        house.postman.detail = said
    data = {"inviter": "Mara", "note": "", "until": "1 May", "path": "/invite/a-code-that-lets-in-1234"}
    house.db.write_sync(lambda c: house.mails.queue(c, "invitation", "noor@example.org", data))
    await house.work()
    everything = f"{log(house)} {await house.jobs.given_up()} {house.guard.breaker('post').error}"
    assert "blocked" in everything
    assert "a-code-that-lets-in" not in everything


async def test_without_a_public_address_a_link_is_not_sent_into_the_blue(house):
    house.base_url = None
    await house.mails.send_test("invitation", "noor@example.org")
    await house.mails.send_test("access_rejected", "noor@example.org")
    await house.work()
    states = {d.title: (d.state, d.detail) for d in log(house)}
    assert states["About your request for access"][0] == "delivered"
    assert states["Mara invites you"][0] == "refused"
    assert "base_url" in states["Mara invites you"][1]


async def test_a_mail_refused_for_want_of_an_address_is_sent_again_with_the_one_there_is_then(house):
    house.base_url = None
    mail_id = await house.mails.send_test("invitation", "noor@example.org")
    await house.work()
    assert [d.state for d in log(house)] == ["refused"]
    house.base_url = "https://films.example/"
    await house.mails.send_again(mail_id)
    await house.work()
    assert [d.state for d in log(house)] == ["delivered"]
    assert [note.url for note in house.postman.sent] == ["https://films.example/invite/a-sample"]


async def test_a_mail_waits_for_something_that_sends_it(house):
    house.pool.withdraw("post")
    await house.mails.send_test("invitation", "noor@example.org")
    await house.work()
    assert [d.state for d in log(house)] == ["queued"]
    assert "Add a service that does" in house.db.read_sync(
        lambda c: str(c.exec_driver_sql("SELECT error FROM jobs").all())
    )
    assert not house.mails.possible


@pytest.mark.parametrize(
    "address", ["", "noor", "a@b, c@d", "a@b\r\nBcc: x@y", "<a@b>", "a b@c", "x" * 250 + "@b.example"]
)
async def test_what_is_no_single_address_is_refused(house, address):
    with pytest.raises(Invalid):
        await house.mails.send_test("invitation", address)
    assert log(house) == []


async def test_missing_data_is_a_bug_that_shows_before_anything_is_kept(house):
    with pytest.raises(ValueError, match="until"):
        house.db.write_sync(lambda c: house.mails.queue(c, "password_reset", "a@b.c", {"name": "N", "path": "/x"}))
    assert log(house) == []


RESET = {"name": "Noor", "until": "20:40", "path": "/reset/a-code"}


def queued(house, kind, person, data):
    return house.db.write_sync(lambda c: house.mails.queue(c, kind, person.email, data, user_id=person.id))


async def test_a_mail_that_waited_is_not_sent_to_an_account_that_was_closed_meanwhile(house):
    mara = await house.person("mara", role="admin")
    noor = await house.person("noor", email="noor@example.org")
    queued(house, "password_reset", noor, RESET)
    await house.people.change(mara, noor.id, disabled=True)
    await house.work()
    assert house.postman.sent == []
    [delivery] = log(house)
    assert (delivery.state, delivery.recipient) == ("dropped", "noor@example.org")
    assert "closed" in delivery.detail


async def test_a_mail_that_waited_is_not_sent_to_an_account_that_was_removed_and_the_log_does_not_name_it(house):
    mara = await house.person("mara", role="admin")
    noor = await house.person("noor", email="noor@example.org")
    queued(house, "password_reset", noor, RESET)
    await house.people.remove(mara, noor.id)
    await house.work()
    assert house.postman.sent == []
    [delivery] = log(house)
    assert (delivery.state, delivery.recipient) == ("dropped", "A former member")
    assert "removed" in delivery.detail


async def test_a_mail_that_tells_of_a_decision_is_for_no_account_and_is_sent(house):
    house.db.write_sync(
        lambda c: house.mails.queue(c, "access_rejected", "noor@example.org", {"name": "N", "reason": "full"})
    )
    await house.work()
    assert [d.state for d in log(house)] == ["delivered"]


async def test_mails_that_wait_are_sent_soon_once_their_service_is_back(house):
    house.postman.fail(Unavailable("the mail server sleeps"))
    for _number in range(6):
        await house.mails.send_test("invitation", "noor@example.org")
    for _try in range(8):
        await house.work()
        house.clock.forward(minutes=15)
    await house.work()  # the next try is minutes away
    house.postman.work()
    house.guard.reset("post")
    tries = len(house.postman.sent)
    house.db.write_sync(lambda c: house.mails.hurry(c, "another"))
    house.clock.forward(seconds=6)
    await house.work()
    assert len(house.postman.sent) == tries
    house.db.write_sync(lambda c: house.mails.hurry(c, "post"))
    due = house.db.read_sync(lambda c: {str(row[0]) for row in c.exec_driver_sql("SELECT run_at FROM jobs")})
    assert len(due) > 1, "not all at the same moment"
    house.clock.forward(seconds=6)
    await house.work()
    assert [d.state for d in log(house)] == ["delivered"] * 6
