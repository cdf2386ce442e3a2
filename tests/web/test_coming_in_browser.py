"""On a phone, in a real browser: from a link to a film in four taps, and from asking to coming in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from world import PASSWORD

from vaderflix_core.host import Host
from vaderflix_core.plugins.pool import Binding
from vaderflix_core.testing.fakes import FakeNotifier

pytestmark = pytest.mark.anyio
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Postman(FakeNotifier):
    """A notifier that reaches one person alone."""

    async def send_private(self, notification: Any) -> Any:
        return await self.send(notification)


async def phone(browser: Browser) -> tuple[Page, list[str]]:
    """A page on a phone, and what its console complains of."""
    page = await (await browser.new_context(**PHONE)).new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    return page, complaints


async def test_from_the_link_to_a_film_in_four_taps(browser: Browser, address: str, host: Host) -> None:
    mara = next(user for user in await host.access.list_users() if user.username == "mara")
    await host.house.change(mara, name="Linden House")
    code, _ = await host.invites.create(mara, role="viewer", note="Our film cupboard.")
    page, complaints = await phone(browser)

    await page.goto(f"{address}/invite/{code}")  # the first tap, in the message
    assert "Mara invites you to Linden House" in await page.inner_text("h1")
    await page.tap("text=Use a password")
    await page.wait_for_url("**/password")
    await page.keyboard.type("tomas")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.tap("text=Come in")
    await page.wait_for_url(f"{address}/")
    await page.tap(".hero .btn.primary")
    await page.wait_for_selector("video", state="attached")
    assert complaints == []


async def test_no_page_of_the_way_in_is_wider_than_a_phone(browser: Browser, address: str, host: Host) -> None:
    mara = next(user for user in await host.access.list_users() if user.username == "mara")
    await host.house.change(
        mara, name="A house with quite a long name of sixty letters at the most", registration="request"
    )
    code, _ = await host.invites.create(mara, role="admin", note="word " * 90, email="somebody@example.org")
    page, _complaints = await phone(browser)
    await page.set_viewport_size({"width": 320, "height": 640})
    for path in (f"/invite/{code}", f"/invite/{code}/password", "/invite/none", "/join", "/ask"):
        await page.goto(address + path)
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


async def test_from_asking_to_approval_to_coming_in(browser: Browser, address: str, host: Host) -> None:
    postman = Postman()
    binding = Binding(plugin="post", instance="post", name="Post", role="PrivateNotifier", provider=postman)
    host.pool.publish("post", [binding])
    # the visitor's mail needs an address that leads here
    host.mails._base_url = lambda: address
    mara = next(user for user in await host.access.list_users() if user.username == "mara")
    await host.access.change_user(mara.id, email="mara@example.org")
    await host.house.change(mara, registration="request")

    visitor, complaints = await phone(browser)
    await visitor.goto(f"{address}/ask")
    await visitor.fill("[name=name]", "Tomas")
    await visitor.fill("[name=email]", "tomas@example.org")
    await visitor.fill("[name=message]", "Edith told me about this.")
    await visitor.tap("main button")
    await visitor.wait_for_selector("text=Your request is with")

    async with asyncio.timeout(15):
        while not postman.sent:
            await asyncio.sleep(0.05)
    assert postman.sent[0].url == f"{address}/admin/access"

    admin, more = await phone(browser)
    await admin.goto(f"{address}/signin?next=/admin/access")
    await admin.fill("[name=username]", "mara")
    await admin.fill("[name=password]", PASSWORD)
    await admin.keyboard.press("Enter")
    await admin.wait_for_url("**/admin/access")
    await admin.tap("text=Approve…")
    await admin.tap("dialog[open] >> text=Requester")
    await admin.tap("dialog[open] button.strong")
    await admin.wait_for_selector("text=An invitation goes to tomas@example.org")

    async with asyncio.timeout(15):
        while len(postman.sent) < 2:
            await asyncio.sleep(0.05)
    assert [r.email for r in postman.sent[1].recipients] == ["tomas@example.org"]
    await visitor.goto(postman.sent[1].url)
    await visitor.tap("text=Use a password")
    await visitor.wait_for_url("**/password")
    await visitor.fill("[name=username]", "tomas")
    await visitor.fill("[name=password]", PASSWORD)
    await visitor.fill("[name=email]", "tomas@example.org")
    await visitor.tap("text=Come in")
    await visitor.wait_for_url(f"{address}/")
    tomas = next(user for user in await host.access.list_users() if user.username == "tomas")
    assert (tomas.role, tomas.email) == ("requester", "tomas@example.org")
    assert complaints + more == []
