"""A forgotten password on a phone, with a real mail server: asked for, mailed, followed, set, and the link is spent."""

from __future__ import annotations

import asyncio
import email
import email.message
import email.policy
import re
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from playwright.async_api import expect

from vaderflix_core.testing import free_port

pytestmark = pytest.mark.anyio

OLD, NEW = "amber birch cedar delta", "fjord grove iris kelp"
ADDRESS = "mara@house.example"


class Mailbox:
    """A mail server's handler that keeps what was sent."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        assert envelope.rcpt_tos == [ADDRESS]
        parsed = email.message_from_bytes(
            envelope.content, _class=email.message.EmailMessage, policy=email.policy.default
        )
        self.mails.append(parsed)
        return "250 Taken"

    async def link(self, count: int, begins: str) -> str:
        """The link in the last mail, once there are so many."""
        async with asyncio.timeout(30):
            while len(self.mails) < count:
                await asyncio.sleep(0.05)
        assert len(self.mails) == count
        body = self.mails[-1].get_body(("plain",))
        assert body is not None
        found = re.search(rf"{re.escape(begins)}\S+", body.get_content())
        assert found is not None, body.get_content()
        return found[0]


async def test_a_mailed_link_sets_a_new_password_once(vaderflix: Any, person: Any, tmp_path: Path) -> None:
    mailbox, port = Mailbox(), free_port()
    origin = f"http://127.0.0.1:{port}"
    post = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    post.start()
    lines = [f"port = {port}", f'base_url = "{origin}"', 'data_dir = "data"']
    lines += ["[[instance]]", 'id = "post"', 'plugin = "email"', 'name = "Post"', "[instance.settings]"]
    lines += ['host = "127.0.0.1"', f"port = {post.port}", 'security = "none"', 'from_address = "house@house.example"']
    config = tmp_path / "vaderflix.toml"
    config.write_text("\n".join(lines))
    try:
        async with (
            vaderflix(tmp_path / "run", "serve", "--config", str(config)) as program,
            person(origin, phone=True) as mara,
            person(origin) as elsewhere,
        ):
            await with_address(elsewhere, mailbox, (await program.says(r"http\S+(/setup\?token=\S+)"))[1])
            link = await ask(mara, mailbox)
            await follow(mara, link)
            assert await elsewhere.open("/you/security") == 200
            assert elsewhere.page.url.startswith(f"{origin}/signin"), "another device is still signed in"
            assert mara.watch.wrong + elsewhere.watch.wrong == []
            assert link.rpartition("/")[2] not in program.errors.read_text() + program.output.read_text()
    finally:
        post.stop()


async def with_address(owner: Any, mailbox: Mailbox, setup: str) -> None:
    """Make the first account, and give it an address by following the mail that is sent there."""
    page = owner.page
    await owner.open(setup)
    await page.get_by_label("User name").fill("mara")
    await page.get_by_label("Password").fill(OLD)
    await page.get_by_role("button", name="Make the account").click()
    await page.wait_for_url(f"{owner.origin}/")
    await owner.open("/you/profile")
    form = page.locator('form[action="/you/profile/email"]')
    await form.get_by_label("New address").fill(ADDRESS)
    await form.get_by_label("Your password").fill(OLD)
    await form.get_by_role("button", name="Send the link").click()
    await page.goto(await mailbox.link(1, f"{owner.origin}/email/"))
    await page.get_by_role("button", name="Use this address").click()
    await page.wait_for_url(f"{owner.origin}/")


async def ask(mara: Any, mailbox: Mailbox) -> str:
    """Ask for a link at the door; gives the one that is mailed."""
    page = mara.page
    await mara.open("/signin")
    await page.get_by_role("link", name="Forgotten your password?").click()
    await mara.shot("forgotten-1-ask")
    await page.get_by_label("Email address or user name").fill(ADDRESS.upper())
    await page.get_by_role("button", name="Send the link").click()
    await expect(page.get_by_role("heading", name="Look at your mail")).to_be_visible()
    await mara.shot("forgotten-2-sent")
    return await mailbox.link(2, f"{mara.origin}/reset/")


async def follow(mara: Any, link: str) -> None:
    """Open the link, set a password, sign in with it and not with the old one; the link is spent."""
    page = mara.page
    for _ in range(2):  # mail programs open links too: that spends nothing
        await page.goto(link)
    mara.watch.expected = ("/reset/", "/signin")
    await page.get_by_label("New password").fill("mara-mara")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".error")).to_be_visible()  # too weak: the link is kept
    await mara.shot("forgotten-3-set")
    await page.get_by_label("New password").fill(NEW)
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url(f"{mara.origin}/signin")
    await expect(page.locator("#toasts")).to_contain_text("Your password is changed")

    await page.get_by_label("User name").fill("mara")
    await page.get_by_label("Password").fill(OLD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_label("Password")).to_have_accessible_description(re.compile("That did not match"))
    answer = await page.goto(link)
    assert answer is not None
    assert answer.status == 404
    await expect(page.get_by_role("heading", name="This link does not work any more")).to_be_visible()
    await mara.shot("forgotten-4-spent")
    await mara.sign_in("mara", NEW)
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
