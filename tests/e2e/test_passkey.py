"""Passkeys in a real browser with a virtual authenticator: added, offered, used without a name, refused, removed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from ..authenticator import BUILT_IN

pytestmark = pytest.mark.anyio

PASSWORD = "amber birch cedar delta"


# a browser that does not offer passkeys in fields
NO_OFFERS = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"
# notes in `asked` what the page asks the browser for, and what becomes of it
RECORD = """
const get = navigator.credentials.get.bind(navigator.credentials);
window.asked = [];
navigator.credentials.get = async (options) => {
  const another = window.asked.some(([, end]) => end === "waits") ? " beside another" : "";
  const one = [(options.mediation ?? "required") + another, "waits"];
  window.asked.push(one);
  try {
    if (navigator.credentials.refuse && !options.mediation) throw new DOMException("closed", "NotAllowedError");
    const found = await get(options);
    one[1] = "chosen";
    return found;
  } catch (error) {
    one[1] = error.name;
    throw error;
  } finally {
    if (!options.mediation) navigator.credentials.refuse = false;
  }
};
"""


class Device:
    """A virtual authenticator of one page."""

    def __init__(self, session: Any, name: str) -> None:
        self.session, self.name = session, name

    @classmethod
    async def of(cls, page: Page) -> Device:
        session = await page.context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        added = await session.send("WebAuthn.addVirtualAuthenticator", {"options": BUILT_IN})
        return cls(session, added["authenticatorId"])

    async def keys(self) -> list[dict[str, Any]]:
        found = await self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.name})
        return list(found["credentials"])

    async def verified(self, yes: bool) -> None:
        """Whether the person shows a finger, face or PIN."""
        await self.session.send("WebAuthn.setUserVerified", {"authenticatorId": self.name, "isUserVerified": yes})

    async def present(self, yes: bool) -> None:
        """Whether the person touches it when it asks; else it waits."""
        await self.session.send(
            "WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": self.name, "enabled": yes}
        )

    async def put(self, key: dict[str, Any]) -> None:
        """Hold a copy of a key."""
        await self.session.send("WebAuthn.clearCredentials", {"authenticatorId": self.name})
        await self.session.send("WebAuthn.addCredential", {"authenticatorId": self.name, "credential": key})


@pytest.fixture(scope="module")
async def house(anyio_backend: str, vaderflix: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A fresh installation with one account; its address. By name: a passkey belongs to no figures."""
    folder: Path = tmp_path_factory.mktemp("passkeys")
    async with vaderflix(folder, "serve", "--port", "0", "--data-dir", str(folder / "data")) as program:
        found = await program.says(r"http://127\.0\.0\.1:(\d+)/setup\?token=([\w-]+)")
        origin = f"http://localhost:{found[1]}"
        async with httpx.AsyncClient(base_url=origin) as http:
            form = await http.get(f"/setup?token={found[2]}")
            token = re.search(r'name="_csrf_token" value="(\w+)"', form.text)
            assert token is not None
            answer = await http.post(
                "/setup",
                data={"_csrf_token": token[1], "token": found[2], "username": "mara", "password": PASSWORD},
            )
            assert answer.status_code == 303, answer.text
        yield origin


async def sign_out(someone: Any) -> None:
    await someone.context.clear_cookies()
    await someone.open("/signin")


async def add_passkey(someone: Any, name: str, password: str = PASSWORD) -> None:
    form = someone.page.locator('form[data-passkey="add"]')
    await form.get_by_label("Name").fill(name)
    await form.get_by_label("Your password").fill(password)
    await form.get_by_role("button", name="Add a passkey").click()


async def asked(page: Page, *wanted: list[str]) -> None:
    """Wait until the page has asked the browser for this, with these ends (RECORD)."""
    async with asyncio.timeout(60):
        while (found := await page.evaluate("window.asked")) != list(wanted):
            assert len(found or []) <= len(wanted), found
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desktop"])
async def test_a_passkey_is_added_used_renamed_and_removed(house: str, person: Any, phone: bool) -> None:
    async with person(house, phone=phone) as mara:
        page, device = mara.page, await Device.of(mara.page)
        await page.add_init_script(NO_OFFERS)
        mara.watch.expected = ("/api/v1/",)
        await mara.sign_in("mara", PASSWORD)
        await mara.open("/you/security")
        await mara.shot(f"security-{'phone' if phone else 'desktop'}")

        await add_passkey(mara, "Phone", "not my password")
        await expect(page.locator('[data-passkey="add"] .field .error')).to_contain_text("not your password")
        assert await device.keys() == []
        await add_passkey(mara, "Phone")
        row = page.locator(".key-row", has_text="Phone")
        await expect(row).to_contain_text("never used")
        [key] = await device.keys()
        assert key["isResidentCredential"]
        assert key["rpId"] == "localhost"

        await sign_out(mara)
        await mara.shot(f"signin-{'phone' if phone else 'desktop'}")
        await page.goto(f"{house}/signin?next=/you/security")
        await page.get_by_role("button", name="Use a passkey").click()  # no name was typed
        await page.wait_for_url(f"{house}/you/security")
        await expect(page.locator(".key-row", has_text="Phone")).to_contain_text("used")

        await page.get_by_role("button", name="Rename… Phone").click()
        await page.get_by_role("dialog").get_by_label("Name").fill("Old phone")
        await page.get_by_role("dialog").get_by_role("button", name="Save").click()
        await page.get_by_role("button", name="Remove… Old phone").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(page.locator(".key-row")).to_have_count(0)

        await sign_out(mara)
        await page.get_by_role("button", name="Use a passkey").click()
        await expect(page.locator("[data-passkey-problem]")).to_contain_text("was not accepted")
        assert page.url == f"{house}/signin"
        assert mara.watch.wrong == []


async def test_an_unverified_person_and_a_copied_key_do_not_get_in(house: str, person: Any) -> None:
    async with person(house) as mara:
        page, device = mara.page, await Device.of(mara.page)
        await page.add_init_script(NO_OFFERS)
        await mara.sign_in("mara", PASSWORD)
        await mara.open("/you/security")
        await add_passkey(mara, "Laptop")
        await expect(page.locator(".key-row", has_text="Laptop")).to_be_visible()
        [copied] = await device.keys()

        await sign_out(mara)
        await device.verified(False)
        await page.get_by_role("button", name="Use a passkey").click()
        await expect(page.locator("[data-passkey-problem]")).to_contain_text("did not work")
        await device.verified(True)
        for _ in range(2):
            await page.get_by_role("button", name="Use a passkey").click()
            await page.wait_for_url(f"{house}/")
            await sign_out(mara)
        await device.put(copied)  # its counter stands where it stood when the key was new
        await page.get_by_role("button", name="Use a passkey").click()
        await expect(page.locator("[data-passkey-problem]")).to_contain_text("was not accepted")


async def test_a_challenge_is_good_once_and_in_its_browser_only(house: str, person: Any) -> None:
    async with person(house) as mara, person(house) as thief:
        page = mara.page
        await Device.of(page)
        await page.add_init_script(NO_OFFERS)
        await mara.sign_in("mara", PASSWORD)
        await mara.open("/you/security")
        await add_passkey(mara, "Tablet")
        await expect(page.locator(".key-row", has_text="Tablet")).to_be_visible()
        await sign_out(mara)
        sent: list[str] = []
        page.on("request", lambda r: sent.append(r.post_data or "") if r.url.endswith("/session/passkey") else None)
        states: list[str] = []
        await page.route(
            "**/session/passkey",
            lambda route: states.append(route.request.headers.get("cookie", "")) or route.continue_(),
        )
        await page.get_by_role("button", name="Use a passkey").click()
        await page.wait_for_url(f"{house}/")

        async def replay(browser: Any, state: str | None) -> int:
            await browser.context.clear_cookies()
            if state is not None:
                cookie = {"name": "vf_passkey", "value": state, "domain": "localhost", "path": "/api/v1"}
                await browser.context.add_cookies([cookie])
            answer = await browser.context.request.post(
                f"{house}/api/v1/session/passkey",
                data=sent[0],
                headers={"content-type": "application/json", "x-vaderflix": "1"},
            )
            return int(answer.status)

        await mara.context.clear_cookies()
        assert await replay(thief, None) == 403
        state = re.search(r"vf_passkey=([^;]+)", states[0]) if states else None
        if state is None:  # the browser adds cookies after a route has seen the request
            pytest.fail(f"the challenge's cookie was not seen: {states}")
        assert await replay(thief, state[1]) == 403
        assert await replay(mara, state[1]) == 403


async def test_a_passkey_is_offered_in_the_name_field_and_a_removed_one_is_refused(house: str, person: Any) -> None:
    async with person(house, phone=True) as mara:
        page = mara.page
        await Device.of(page)
        await mara.sign_in("mara", PASSWORD)
        await mara.open("/you/security")
        await add_passkey(mara, "Watch")
        await expect(page.locator(".key-row", has_text="Watch")).to_be_visible()

        await mara.context.clear_cookies()
        await page.goto(f"{house}/signin?next=/you/security")  # nothing is pressed
        await page.wait_for_url(f"{house}/you/security")
        assert mara.watch.wrong == []

        await page.get_by_role("button", name="Remove… Watch").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(page.locator(".key-row", has_text="Watch")).to_have_count(0)
        mara.watch.expected = ("/api/v1/",)
        await sign_out(mara)
        await expect(page.locator("[data-passkey-problem]")).to_contain_text("was not accepted")
        await expect(page.get_by_label("User name")).to_have_attribute("autocomplete", "username webauthn")
        assert page.url == f"{house}/signin"
        await page.get_by_label("User name").fill("mara")  # the password still opens
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.wait_for_url(f"{house}/")
        assert mara.watch.wrong == []


async def test_only_one_offer_waits_and_the_button_withdraws_it(house: str, person: Any) -> None:
    async with person(house) as mara:
        page, device = mara.page, await Device.of(mara.page)
        await mara.sign_in("mara", PASSWORD)
        await mara.open("/you/security")
        await add_passkey(mara, "Ring")
        await expect(page.locator(".key-row", has_text="Ring")).to_be_visible()
        await page.add_init_script(RECORD)
        await device.present(False)  # the offer waits for somebody

        await sign_out(mara)
        await asked(page, ["conditional", "waits"])
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # back from another tab
        await asked(page, ["conditional", "AbortError"], ["conditional", "waits"])

        await page.evaluate("navigator.credentials.refuse = true")  # the person closes the browser's dialog
        await page.get_by_role("button", name="Use a passkey").click()
        await expect(page.locator("[data-passkey-problem]")).to_contain_text("did not work")
        before = [["conditional", "AbortError"]] * 2
        await asked(page, *before, ["required", "NotAllowedError"], ["conditional", "waits"])

        await device.present(True)
        await page.get_by_role("button", name="Use a passkey").click()
        await page.wait_for_url(f"{house}/")
        assert mara.watch.wrong == []
