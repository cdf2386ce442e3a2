"""On a phone, in a real browser: from a link to a film in four taps, and from asking to coming in."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from world import PASSWORD

from vaderflix_core.host import Host
from vaderflix_core.plugins.pool import Binding
from vaderflix_core.testing.fakes import FakeNotifier

from ..authenticator import BUILT_IN

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


async def test_with_a_passkey_from_the_link_to_a_film_in_four_taps(browser: Browser, address: str, host: Host) -> None:
    mara = next(user for user in await host.access.list_users() if user.username == "mara")
    code, _ = await host.invites.create(mara, role="viewer", email="tomas@example.org")
    home = address.replace("127.0.0.1", "localhost")  # a passkey belongs to no figures
    page, complaints = await phone(browser)
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    device = (await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": BUILT_IN}))["authenticatorId"]

    await page.goto(f"{home}/invite/{code}")  # the first tap, in the message
    await page.tap("text=Use a passkey")
    await page.wait_for_url("**/passkey")
    await page.keyboard.type("tomas")
    await page.keyboard.press("Tab")
    await page.keyboard.type("tomas@example.org")
    await page.tap("text=Make a passkey and come in")
    await page.wait_for_url(f"{home}/")
    await page.wait_for_selector("text=Welcome, tomas")
    await page.tap(".hero .btn.primary")
    await page.wait_for_selector("video", state="attached")
    assert complaints == []

    tomas = next(user for user in await host.access.list_users() if user.username == "tomas")
    assert not await host.passwords.has_password(tomas.id)
    held = (await cdp.send("WebAuthn.getCredentials", {"authenticatorId": device}))["credentials"]
    assert [(key["isResidentCredential"], key["rpId"]) for key in held] == [(True, "localhost")]
    await page.context.clear_cookies()
    await page.goto(f"{home}/signin")  # the browser offers the key, and it opens
    await page.wait_for_url(f"{home}/")


async def test_what_is_wrong_is_said_at_the_field_and_leaves_no_key_behind(
    browser: Browser, address: str, host: Host
) -> None:
    mara = next(user for user in await host.access.list_users() if user.username == "mara")
    code, invite = await host.invites.create(mara, role="viewer")
    home = address.replace("127.0.0.1", "localhost")
    page, _complaints = await phone(browser)
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    device = (await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": BUILT_IN}))["authenticatorId"]

    async def held() -> int:
        return len((await cdp.send("WebAuthn.getCredentials", {"authenticatorId": device}))["credentials"])

    problem = page.locator("[data-passkey-problem]")
    await page.goto(f"{home}/invite/{code}/passkey")
    at_name = page.locator(".field:has([name=username]) .error")
    for name, words in (("m\u0430ra", "another name"), ("x y", "letters, digits")):
        await page.fill("[name=username]", name)
        await page.tap("text=Make a passkey and come in")
        await expect(at_name).to_contain_text(words)
        await expect(page.locator("[name=username]")).to_be_focused()
        await expect(page.locator("[name=username]")).to_have_accessible_description(re.compile(words))
        await expect(problem).to_be_hidden()
    await page.fill("[name=username]", "mara")
    await page.tap("text=Make a passkey and come in")
    await expect(problem).to_contain_text("is taken")
    await expect(at_name).to_have_count(0)
    assert await held() == 0
    await page.fill("[name=username]", "tomas")

    async def ended(route: Any) -> None:  # while the browser made the key
        await host.invites.revoke(mara, invite.id)
        await route.continue_()

    await page.route(f"**/api/v1/invite/{code}/passkey", ended)
    await page.tap("text=Make a passkey and come in")
    await expect(problem).to_contain_text("does not work any more")
    await expect(at_name).to_have_count(0)
    async with asyncio.timeout(60):
        while await held():  # the page tells the browser that the key opens nothing
            await asyncio.sleep(0.05)
    assert {user.username for user in await host.access.list_users()} == {"mara", "edith", "noor"}


async def test_a_passkey_is_not_offered_where_there_are_none(browser: Browser, address: str, host: Host) -> None:
    mara = next(user for user in await host.access.list_users() if user.username == "mara")
    code, _ = await host.invites.create(mara, role="viewer")
    page, complaints = await phone(browser)
    await page.goto(f"{address}/invite/{code}", wait_until="networkidle")  # under figures
    await expect(page.get_by_text("Use a password")).to_be_visible()
    await expect(page.get_by_text("Use a passkey")).to_be_hidden()
    await page.goto(f"{address}/invite/{code}/passkey", wait_until="networkidle")
    await expect(page.get_by_text("This browser has no passkeys here")).to_be_visible()
    await expect(page.get_by_text("Make a passkey")).to_be_hidden()
    await page.tap("text=Choose another way")
    await page.wait_for_url(f"{address}/invite/{code}")
    assert complaints == []


async def test_no_page_of_the_way_in_is_wider_than_a_phone(browser: Browser, address: str, host: Host) -> None:
    mara = next(user for user in await host.access.list_users() if user.username == "mara")
    await host.house.change(
        mara, name="A house with quite a long name of sixty letters at the most", registration="request"
    )
    code, _ = await host.invites.create(mara, role="admin", note="word " * 90, email="somebody@example.org")
    page, _complaints = await phone(browser)
    await page.set_viewport_size({"width": 320, "height": 640})
    for path in (
        f"/invite/{code}",
        f"/invite/{code}/password",
        f"/invite/{code}/passkey",
        "/invite/none",
        "/join",
        "/ask",
    ):
        await page.goto(address.replace("127.0.0.1", "localhost") + path)
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

    async with asyncio.timeout(60):
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

    async with asyncio.timeout(60):
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
