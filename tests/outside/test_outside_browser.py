"""In a real browser: the whole way through each door, the policy holds, and a phone is wide enough."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from vaderflix_core.testing import served

from ..chromium import fresh
from ..visitor import PASSWORD

pytestmark = pytest.mark.anyio


@pytest.fixture
async def browser(started_browser: Any) -> Any:
    async with fresh(started_browser):
        yield started_browser


@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
async def test_people_come_in_by_both_doors(browser, host, app, mara, issuer, size):
    await host.providers.save(mara, name="Club", issuer=issuer, client_id="vf", client_secret="x")
    for way in ("plex:plex", "oidc.club"):
        await host.providers.welcome(mara, way, welcome=True, role="viewer")
    async with served(app) as base:
        context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        await page.goto(f"{base}/signin")
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        await page.click("text=Sign in with Plex")
        async with context.expect_page() as opened:
            await page.click("text=Go to Plex")
        there = await opened.value
        await there.click("button[name=friend]")
        await page.wait_for_url(f"{base}/", timeout=30_000)

        other = await (await browser.new_context(viewport={"width": size[0], "height": size[1]})).new_page()
        other.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        await other.goto(f"{base}/signin")
        await other.click("text=Sign in with Club")
        await other.fill("input[name=sub]", "pat")
        await other.click('button:has-text("Authorize")')
        await other.wait_for_url(f"{base}/", timeout=30_000)
        assert complaints == []
    assert {"fred.friend", "pat"} <= {user.username for user in await host.access.list_users()}


@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
async def test_a_refusal_stays_where_the_person_looks_and_leads_back_to_the_invitation(browser, host, app, mara, size):
    invitation, _ = await host.invites.create(mara, role="viewer")
    async with served(app) as base:
        context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
        page = await context.new_page()
        await page.clock.install()
        await page.goto(f"{base}/invite/{invitation}")
        await page.click("text=Sign in with Plex")
        async with context.expect_page() as opened:
            await page.click("text=Go to Plex")
        there = await opened.value
        await there.click("button[name=stranger]")
        await there.wait_for_selector("text=has no access")
        await page.wait_for_selector("text=has no access")
        asked: list[str] = []
        for tab in (page, there):
            tab.on("request", lambda request: asked.append(request.url))
        await page.clock.run_for(30_000)
        await there.reload()
        await there.wait_for_selector("text=has no access")
        assert await page.is_visible("text=has no access")
        assert [url for url in asked if "/wait/" in url] == [there.url]  # the reload alone
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        await there.click("text=Back to the invitation")
        await there.wait_for_url(f"{base}/invite/{invitation}")
        await page.click("text=Begin again")
        await page.wait_for_url(f"{base}/invite/{invitation}")


@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
async def test_a_share_that_is_refused_says_why_in_its_dialog_and_keeps_the_choice(
    browser, host, app, mara, edith, size
):
    await host.access.create_user("noor", PASSWORD, role="viewer", display_name="Edith")
    async with served(app) as base:
        page = await (await browser.new_context(viewport={"width": size[0], "height": size[1]})).new_page()
        await page.goto(f"{base}/signin")
        await page.fill("[name=username]", "mara")
        await page.fill("[name=password]", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{base}/")
        await page.goto(f"{base}/admin/sharing")
        await page.click("text=Share with somebody…")
        await page.select_option("dialog[open] select", label="Edith (noor)")
        await page.click("dialog[open] .strong")
        await page.wait_for_selector("dialog[open] [role=alert] >> text=Choose a library at least.")
        assert await page.locator("dialog[open] option:checked").inner_text() == "Edith (noor)"
        await expect(page.locator("dialog[open] .strong")).to_be_focused()

        await page.check("dialog[open] >> text=Films")
        await host.instances.set_enabled("plex", False)
        await page.click("dialog[open] .strong")
        await page.wait_for_selector("dialog[open] [role=alert] >> text=it does not run")
        assert await page.is_checked("dialog[open] >> text=Films")

        await host.instances.set_enabled("plex", True)
        await page.click("dialog[open] .strong")
        await page.wait_for_selector(".toast >> text=Asked for")
        await page.locator("button:has-text('Change…')").first.click()
        await page.uncheck("dialog[open] >> text=Films")
        await page.click("dialog[open] .strong")
        await page.wait_for_selector("dialog[open] [role=alert] >> text=suspend or remove")
        assert not await page.is_checked("dialog[open] >> text=Films")
