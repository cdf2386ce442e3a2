from __future__ import annotations

import asyncio

import httpx
import pytest

import vaderflix_email.client
from vaderflix_core.api import AuthFailed, BadAnswer, Recipient, Rejected, ServiceError, Unavailable, WrongService
from vaderflix_core.testing import Fault
from vaderflix_email.simulator import EmailSimulator

from .conftest import JONAS, MARA, news, notifier

pytestmark = pytest.mark.anyio


async def test_what_we_send_can_be_read_there(simulator: tuple[EmailSimulator, str]) -> None:
    sink, url = simulator
    channel = notifier(**sink.settings(url))
    await channel.send(news(MARA, JONAS, title="<b>Detour</b>"))
    async with httpx.AsyncClient() as browser:
        mails = (await browser.get(f"{url}/messages")).json()
        page = (await browser.get(url)).text
        assert (await browser.get(f"{url}/favicon.ico")).status_code == 404
    assert [mail["to"] for mail in mails] == ["Mara <mara@house.example>", "Jonas Müller <jonas@house.example>"]
    assert mails[0]["subject"] == "<b>Detour</b>"
    assert mails[0]["links"] == ["https://flix.example/t/1"]
    assert "<b>Detour" not in page
    assert "&lt;b&gt;Detour" in page
    assert (await channel.test()).detail.startswith("post.vaderflix.example ESMTP simulated")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.UNAUTHORIZED, AuthFailed),
        (Fault.RATE_LIMITED, Unavailable),
        (Fault.SERVER_ERROR, Unavailable),
        (Fault.HANG, Unavailable),
        (Fault.GONE, Unavailable),
        (Fault.HALF, Unavailable),
        (Fault.EMPTY, Rejected),
        (Fault.GARBAGE, (WrongService, BadAnswer)),
    ],
)
async def test_each_fault_is_the_right_error(
    simulator: tuple[EmailSimulator, str],
    fault: Fault,
    error: type[ServiceError] | tuple[type[ServiceError], ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vaderflix_email.client, "TIMEOUT", 0.5)
    sink, url = simulator
    sink.faults.set(fault)
    channel = notifier(**sink.settings(url))
    with pytest.raises(error):
        await channel.send(news())
    assert sink.messages() == []
    sink.faults.clear()
    await channel.send(news())
    assert len(sink.messages()) == 1


async def test_slow_is_not_an_error(simulator: tuple[EmailSimulator, str]) -> None:
    sink, url = simulator
    sink.faults.set(Fault.SLOW, seconds=0.1)
    await notifier(**sink.settings(url)).send(news())
    assert len(sink.messages()) == 1


async def test_an_unknown_mailbox_is_refused(simulator: tuple[EmailSimulator, str]) -> None:
    sink, url = simulator
    with pytest.raises(Rejected, match="No such mailbox"):
        await notifier(**sink.settings(url)).send(news(Recipient(name="N", email="nobody@house.example")))


async def test_a_wrong_password_is_refused(simulator: tuple[EmailSimulator, str]) -> None:
    sink, url = simulator
    with pytest.raises(AuthFailed):
        await notifier(**{**sink.settings(url), "password": "wrong"}).test()


async def test_mails_that_arrive_at_once_are_all_kept(simulator: tuple[EmailSimulator, str]) -> None:
    sink, url = simulator
    channel = notifier(**sink.settings(url))
    await asyncio.gather(*(channel.send(news(JONAS, title=f"Mail {number}")) for number in range(8)))
    async with httpx.AsyncClient() as browser:
        mails = (await browser.get(f"{url}/messages")).json()
    assert {mail["subject"] for mail in mails} == {f"Mail {number}" for number in range(8)}


async def test_stop_closes_the_port(tmp_path) -> None:
    sink = EmailSimulator(tmp_path)
    await sink.start("http://127.0.0.1:1", [])
    channel = notifier(**sink.settings("http://127.0.0.1:1"))
    await channel.check()
    await sink.stop()
    await sink.stop()
    with pytest.raises(Unavailable):
        await channel.check()
