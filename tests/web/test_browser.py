"""In a real browser: the policy holds, the keyboard is enough, a small phone is wide enough, parts come alive."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from world import PASSWORD

from vaderflix_core.host import Host

pytestmark = pytest.mark.anyio
# how far the page reaches, and the words and choices on it that an edge may cut off
WIDEST = """Math.max(document.documentElement.scrollWidth,
    ...[...document.querySelectorAll("main :is(b, h1, select)")].map((e) => {
        return e.getBoundingClientRect().left + Math.max(e.scrollWidth, e.offsetWidth);
    }))"""


async def signed_in(context: BrowserContext, address: str, name: str) -> tuple[Page, list[str]]:
    """A page of that person, and what its console complains of."""
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    await page.goto(address + "/signin")
    await page.fill("[name=username]", name)
    await page.fill("[name=password]", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(address + "/")
    return page, complaints


async def playing_past(page: Page, seconds: float) -> None:
    """Wait until the film is there; the page's policy forbids the waiting that playwright brings."""
    async with asyncio.timeout(30):
        while await page.evaluate("document.querySelector('video').currentTime") <= seconds:
            await asyncio.sleep(0.05)


async def test_no_page_is_wider_than_a_small_phone_or_breaks_the_policy(browser: Browser, address: str) -> None:
    context = await browser.new_context(viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    page, complaints = await signed_in(context, address, "mara")
    for path in (
        "/",
        "/films",
        "/search?q=the",
        "/title/movie/tmdb-653",
        "/title/series/tvdb-9000201",
        "/title/series/tvdb-9000201/request",
        "/requests",
        "/you",
        "/you/profile",
        "/you/devices",
        "/you/keys",
        "/you/news",
        "/you/activity",
        "/you/data",
        "/admin",
        "/admin/requests?show=all",
        "/admin/downloads",
        "/admin/services",
        "/admin/services/films-4k",
        "/admin/people",
        "/watch/2",
    ):
        await page.goto(address + path)
        await page.wait_for_load_state()
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320, f"{path} is {wide} px wide"
        assert await page.locator("h1").count() == 1, path
    assert complaints == []


async def test_a_title_is_found_and_asked_for_with_the_keyboard_alone(browser: Browser, address: str) -> None:
    page, complaints = await signed_in(await browser.new_context(), address, "edith")
    await page.keyboard.press("/")
    await page.keyboard.type("metropolis")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/search?q=metropolis")
    await page.wait_for_selector(".result h3 a >> text=Metropolis")
    await page.locator(".result .btn", has_text="Request").first.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_selector("dialog[open]")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog[open]", state="hidden")
    await page.locator(".result .btn", has_text="Request").first.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_selector("dialog[open]")
    await page.locator("dialog .btn.strong").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/requests/*")
    assert await page.inner_text(".verdict h2") == "It waits for approval."
    assert complaints == []


async def test_the_page_of_a_request_moves_by_itself(browser: Browser, address: str, visit: Any) -> None:
    page, _ = await signed_in(await browser.new_context(), address, "edith")
    await page.goto(address + "/title/movie/tmdb-19/request")
    await page.click("button.strong")
    await page.wait_for_url("**/requests/*")
    mara = await visit("mara")
    await mara.post(f"/admin/requests/{page.url.rsplit('/', 1)[1]}/decline", {"reason": "Seen it"})
    await page.wait_for_selector(".verdict h2 >> text=It was declined.")


async def test_a_film_plays_and_goes_on_where_it_stopped(browser: Browser, address: str) -> None:
    page, complaints = await signed_in(await browser.new_context(), address, "noor")
    await page.goto(address + "/title/movie/tmdb-653")
    await page.click("text=Play")
    await playing_past(page, 0.2)
    await page.evaluate("document.querySelector('video').currentTime = 41")
    await playing_past(page, 41)
    async with page.expect_response("**/playback/position") as told:
        await page.keyboard.press("k")
    assert (await told.value).status == 204
    await page.goto(address + "/title/movie/tmdb-653")
    await page.click(".actions >> text=Resume")
    await playing_past(page, 41)
    assert complaints == []


async def test_a_new_key_is_copied_with_one_press(browser: Browser, address: str) -> None:
    context = await browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page, complaints = await signed_in(context, address, "edith")
    await page.goto(address + "/you/keys")
    await page.fill("[name=name]", "Home")
    await page.click("text=Make a key")
    key = await page.input_value("#new-key")
    assert key.startswith("vf_")
    await expect(page.locator("[data-copy=new-key]")).to_be_focused()
    await page.click("[data-copy=new-key]")
    await page.wait_for_selector("[data-copy=new-key] >> text=Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == key
    assert complaints == []


async def test_a_page_that_answers_a_form_is_reloaded_and_come_back_to_without_sending_it_again(
    browser: Browser, address: str
) -> None:
    page, _complaints = await signed_in(await browser.new_context(), address, "edith")
    await page.goto(address + "/you/keys")
    await page.fill("[name=name]", "Home")
    await page.click("text=Make a key")
    await page.wait_for_selector("#new-key")
    await page.reload()
    assert await page.locator("#new-key").count() == 0
    assert await page.locator(".key-row").count() == 1
    await page.fill("[name=name]", " ")
    await page.click("text=Make a key")
    await page.wait_for_selector("[aria-invalid=true]")
    await page.goto(address + "/you")
    back = await page.go_back()
    assert back is None or back.status == 200
    assert await page.locator(".key-row").count() == 1


async def test_a_password_can_be_looked_at_while_it_is_typed(browser: Browser, address: str) -> None:
    page = await browser.new_page()
    await page.goto(address + "/signin")
    await page.fill("[name=username]", "edith")
    await page.fill("[name=password]", PASSWORD)
    look = page.get_by_role("button", name="Show what is typed")
    await look.click()
    assert await page.get_attribute("[name=password]", "type") == "text"
    assert await look.get_attribute("aria-pressed") == "true"
    await look.click()
    assert await page.get_attribute("[name=password]", "type") == "password"
    await look.click()
    sent = "new Promise(done => addEventListener('submit', e => { e.preventDefault(); done(e.target.password.type) }))"
    pressed = asyncio.create_task(page.evaluate(sent))
    await page.get_by_role("button", name="Sign in", exact=True).click()
    assert await pressed == "password"  # else the browser keeps it as a word that was typed


async def test_the_longest_names_break_no_page(browser: Browser, address: str, host: Host) -> None:
    user = await host.access.create_user("w" * 64, None, display_name="W" * 80)
    await host.house.change((await host.access.list_users())[1], registration="request")
    await host.access_requests.ask(name="W" * 120, email="w@example.org", message="W" * 900)
    host.jobs.wake()
    async with asyncio.timeout(60):
        while not await host.access_requests.newest():
            await asyncio.sleep(0.02)
    for width in (320, 1440):
        context = await browser.new_context(viewport={"width": width, "height": 800})
        page, _complaints = await signed_in(context, address, "mara")
        for path in ("/admin/people", f"/admin/people/{user.id}", "/admin/access", "/admin/activity", "/admin/sharing"):
            await page.goto(address + path)
            wide = await page.evaluate(WIDEST)
            assert wide <= width, f"{path} is {wide} px wide of {width}"
        await page.goto(f"{address}/admin/people/{user.id}")
        await page.get_by_role("button", name="Save", exact=True).click()
        said = await page.locator(".toast").bounding_box()
        assert said is not None
        assert said["x"] + said["width"] <= width


async def test_a_page_of_a_signed_out_device_is_felt_within_five_seconds(browser: Browser, address: str) -> None:
    here, _ = await signed_in(await browser.new_context(), address, "edith")
    there, _ = await signed_in(await browser.new_context(), address, "edith")
    await there.goto(address + "/you/profile")
    await here.goto(address + "/you/devices")
    await here.click("text=Sign out all others…")
    await here.click("dialog[open] .btn.danger")
    await here.wait_for_selector("text=Only this device is signed in.")
    await there.wait_for_url(address + "/signin?next=*", timeout=5_000, wait_until="commit")  # nobody touches it


async def test_without_a_script_search_shows_a_link_instead_of_waiting_for_ever(browser: Browser, address: str) -> None:
    scripted = await browser.new_context()
    page, _ = await signed_in(scripted, address, "mara")
    await page.goto(address + "/search?q=metropolis")
    await page.wait_for_selector("text=Films: 1 found")
    assert not await page.is_visible(".unscripted")
    plain = await browser.new_context(java_script_enabled=False, storage_state=await scripted.storage_state())
    bare = await plain.new_page()
    await bare.goto(address + "/search?q=metropolis")
    assert not await bare.is_visible(".skel")
    await bare.click("text=Ask the other sources")
    await bare.wait_for_selector("text=Films: 1 found")
    assert await bare.is_visible(".result >> text=Metropolis")


async def test_a_form_that_is_refused_keeps_the_key_and_focuses_what_is_wrong(browser: Browser, address: str) -> None:
    page, complaints = await signed_in(await browser.new_context(), address, "mara")
    await page.goto(address + "/admin/services/new/filmfinder")
    await page.fill("#f-name", "Films HD")
    await page.fill("#set-url", "http://films-hd:7878")
    await page.fill("#set-key", "wrong")
    await page.click("#instance-form .primary")
    await page.wait_for_selector("#test-result >> text=Save anyway")
    assert await page.input_value("#set-key") == "wrong"
    await page.fill("#set-url", "films")
    await page.click("#instance-form .primary")
    await page.wait_for_selector("#set-url[aria-invalid=true]:focus")
    assert await page.input_value("#set-key") == "wrong"
    await page.fill("#set-url", "http://films-hd:7878")
    await page.fill("#set-key", "sesame-hd")
    await page.click("#instance-form .primary")
    await page.wait_for_url(address + "/admin/services/films-hd")
    assert complaints == []


async def test_a_link_on_another_site_leaves_the_forms_in_other_tabs_as_good_as_they_were(
    browser: Browser, address: str
) -> None:
    context = await browser.new_context()
    writing, _complaints = await signed_in(context, address, "mara")
    await writing.goto(address + "/admin/house")
    await writing.fill("[name=name]", "Linden House")

    mails = await context.new_page()
    link = f'<a href="{address}/admin/people">Look</a>'
    await mails.route("https://mails.example/", lambda route: route.fulfill(body=link, content_type="text/html"))
    await mails.goto("https://mails.example/")
    await mails.click("text=Look")
    await mails.wait_for_url(address + "/admin/people")

    await writing.click("main .form-actions button")
    await writing.wait_for_selector(".toast >> text=Saved")
    assert await writing.input_value("[name=name]") == "Linden House"


async def test_a_device_that_has_travelled_shows_its_own_times_unless_a_zone_was_chosen(
    browser: Browser, address: str, host: Host
) -> None:
    context = await browser.new_context(timezone_id="Asia/Dubai")
    page, _complaints = await signed_in(context, address, "edith")
    edith = next(user for user in await host.access.list_users() if user.username == "edith")

    async def shown(zone: str) -> tuple[str, str]:
        await context.add_cookies([{"name": "vf_zone", "value": zone, "url": address}])
        await page.goto(address + "/you/devices")
        async with asyncio.timeout(30):
            while "vf_zone=Asia/Dubai" not in await page.evaluate("document.cookie"):
                await asyncio.sleep(0.02)
        time = page.locator("main time").first
        return await time.inner_text(), await time.get_attribute("datetime") or ""

    text, at = await shown("America/New_York")
    assert text == f"{datetime.fromisoformat(at).astimezone(ZoneInfo('Asia/Dubai')):%H:%M}"
    await host.own_account.change_profile(edith, display_name="Edith", time_zone="Asia/Tokyo")
    text, at = await shown("America/New_York")
    assert text == f"{datetime.fromisoformat(at).astimezone(ZoneInfo('Asia/Tokyo')):%H:%M}"


async def test_a_key_that_may_nothing_is_refused_where_the_person_looks(browser: Browser, address: str) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page, _complaints = await signed_in(context, address, "mara")
    await page.goto(address + "/you/keys")
    await page.fill("main [name=name]", "Wall display")
    for chosen in await page.locator("[name=scope]:checked").all():
        await chosen.uncheck()
    await page.locator("main [name=name]").press("Enter")
    said = page.locator(".error", has_text="Choose at least one thing")
    await expect(said).to_be_in_viewport()
    await expect(page.locator("[name=scope]").first).to_be_focused()
    await expect(page.locator("[name=scope]").first).to_have_accessible_description(
        "Choose at least one thing that it may do"
    )
    await expect(page.locator("main [name=name]")).to_have_value("Wall display")


async def test_an_answer_to_somebody_who_asks_for_access_is_refused_in_its_dialog_and_stays_written(
    browser: Browser, address: str, host: Host
) -> None:
    await host.house.change((await host.access.list_users())[1], registration="request")
    await host.access_requests.ask(name="Tomas", email="tomas@example.org", message="From the choir.")
    host.jobs.wake()
    async with asyncio.timeout(60):
        while not await host.access_requests.newest():
            await asyncio.sleep(0.02)
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page, _complaints = await signed_in(context, address, "mara")
    await page.goto(address + "/admin/access")
    await page.click("text=Approve…")
    shown = page.locator("dialog[open]")
    await shown.locator("[value=requester]").check()
    await shown.locator("[name=note]").fill("Welcome! " * 60)
    await shown.get_by_role("button", name="Approve").click()
    await expect(shown.get_by_role("alert")).to_contain_text("The note is too long. Use at most 500 letters")
    await expect(shown.locator("[value=requester]")).to_be_checked()
    await expect(shown.locator("[name=note]")).to_have_value("Welcome! " * 60)
    await shown.locator("[name=note]").fill("Welcome!")
    await shown.get_by_role("button", name="Approve").click()
    await page.wait_for_selector(".toast >> text=An invitation goes to tomas@example.org")
