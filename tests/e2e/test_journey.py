"""The whole way of one film, in a real browser: asked for, approved, downloaded from a real peer, told of, watched.

Real are the product (a process of its own), both qBittorrents, the mail server and Chromium. Radarr and Plex are
simulated: they run in this process, on HTTP.
"""

from __future__ import annotations

import asyncio
import email
import email.message
import email.policy
import json
import os
import re
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from playwright.async_api import expect

from vaderflix_core.api import Peer
from vaderflix_core.testing import Release, Title, catalogue, free_port, served
from vaderflix_plex.simulator import PlexSimulator
from vaderflix_qbittorrent.real import PROGRAM, RealQbittorrent, installed, real_qbittorrent
from vaderflix_radarr.simulator import RadarrSimulator

pytestmark = pytest.mark.anyio

FILM: Title = next(title for title in catalogue() if title.slug == "metropolis")
PADDING = 5_500_000  # bytes
UPLOAD = 800_000  # bytes per second that the seeder gives: the download takes about eight seconds
PASSWORDS = {"mara": "amber birch cedar delta", "jonas": "fjord grove iris kelp"}

# What the page shows, kept by the page itself: it is lost when the page is loaded anew.
LOOK = """() => {
  window.seen = [];
  const text = (where) => document.querySelector(where)?.textContent.replace(/\\s+/g, " ").trim() ?? "";
  const look = () => {
    const now = [text(".verdict-chip"), text("#verdict"), text(".live-figures")];
    if (JSON.stringify(now) !== JSON.stringify(window.seen.at(-1))) window.seen.push(now);
  };
  const all = {subtree: true, childList: true, characterData: true};
  new MutationObserver(look).observe(document.querySelector("main"), all);
  look();
}"""


class Mailbox:
    """A mail server's handler that keeps what was sent."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], email.message.EmailMessage]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = email.message_from_bytes(
            envelope.content, _class=email.message.EmailMessage, policy=email.policy.default
        )
        self.mails.append((list(envelope.rcpt_tos), mail))
        return "250 Taken"


class House:
    """The services of a household, and the second qBittorrent that shares the film with it."""

    def __init__(
        self,
        plex: PlexSimulator,
        radarr: RadarrSimulator,
        mine: RealQbittorrent,
        seeder: RealQbittorrent,
        mailbox: Mailbox,
        settings: dict[str, dict[str, Any]],
        film: Path,
    ) -> None:
        self.plex, self.radarr, self.mine, self.seeder = plex, radarr, mine, seeder
        self.mailbox, self.settings, self.film = mailbox, settings, film

    async def share(self) -> Release:
        """Wait for the grab, seed its release, slowly, and introduce the two clients to each other."""
        grab = await until(lambda: next(iter(self.radarr.store.rows("grabs")), None))
        release = self.radarr.releases[grab["downloadId"].lower()]
        (self.seeder.save_path / release.file_name).write_bytes(release.source.read_bytes())
        async with session(self.seeder) as http:
            await http.post("/api/v2/transfer/setUploadLimit", data={"limit": UPLOAD})
            form = {"skip_checking": "true", "savepath": str(self.seeder.save_path)}
            files = {"torrents": ("x.torrent", release.torrent)}
            assert (await http.post("/api/v2/torrents/add", data=form, files=files)).text == "Ok."
        async with session(self.mine) as http:
            form = {"hashes": release.infohash, "peers": f"127.0.0.1:{self.seeder.bt_port}"}
            answer = await http.post("/api/v2/torrents/addPeers", data=form)
            assert answer.json()[release.infohash]["added"] == 1
        return release


@asynccontextmanager
async def session(daemon: RealQbittorrent) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=daemon.url) as http:
        await http.post("/api/v2/auth/login", data=daemon.credentials)
        yield http


async def until(what: Any, seconds: float = 30) -> Any:
    """The first true answer of `what`; it must come in time."""
    end = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.05)
    return value


def bigger_film(folder: Path) -> Path:
    """The film's clip, made big by a box of random bytes at its end that players skip."""
    path = folder / "film.mp4"
    path.write_bytes(FILM.clip.read_bytes() + struct.pack(">I4s", 8 + PADDING, b"free") + os.urandom(PADDING))
    return path


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    media = folder / "media"
    for name in ("plex", "radarr", "media"):
        (folder / name).mkdir()
    film = bigger_film(folder)
    mailbox = Mailbox()
    post = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    post.start()
    plex = PlexSimulator(folder / "plex", media)
    radarr = RadarrSimulator(folder / "radarr", media, sources={FILM.slug: film})
    radarr.downloads.refresh_seconds = 1.0
    try:
        async with (
            real_qbittorrent(folder / "mine") as mine,
            real_qbittorrent(folder / "seeder") as seeder,
            served(plex.app) as plex_url,
            served(radarr.app) as radarr_url,
        ):
            await plex.start(plex_url, [])
            peers = [
                Peer(plugin="qbittorrent", instance="qbittorrent", url=mine.url, credentials=mine.credentials),
                Peer(plugin="plex", instance="plex", url=plex_url, credentials=plex.credentials),
            ]
            await radarr.start(radarr_url, peers)
            settings = {"plex": plex.settings(plex_url), "radarr": radarr.settings(radarr_url)}
            settings["email"] = {"host": "127.0.0.1", "port": post.port, "security": "none"}
            settings["email"]["from_address"] = "vaderflix@house.example"
            try:
                yield House(plex, radarr, mine, seeder, mailbox, settings, film)
            finally:
                await radarr.stop()
                await plex.stop()
    finally:
        post.stop()


def configuration(folder: Path, port: int, instances: dict[str, dict[str, Any]]) -> Path:
    lines = [f"port = {port}", f'base_url = "http://127.0.0.1:{port}"', 'data_dir = "data"', 'log_level = "warning"']
    for name, settings in instances.items():
        lines += ["[[instance]]", f'id = "{name}"', f'plugin = "{name}"', f'name = "{name.capitalize()}"']
        lines += ["[instance.settings]", *(f"{key} = {json.dumps(value)}" for key, value in settings.items())]
    path = folder / "vaderflix.toml"
    path.write_text("\n".join(lines))
    return path


async def set_up(mara: Any, link: str) -> None:
    """The first account, with the token that only the log has; it works once."""
    page = mara.page
    assert (await page.goto(link)).status == 200
    await mara.shot("journey-01-setup")
    await page.get_by_label("User name").fill("mara")
    await page.get_by_label("Password").fill(PASSWORDS["mara"])
    await page.get_by_role("button", name="Make the account").click()
    await page.wait_for_url(f"{mara.origin}/")
    mara.watch.expected = ("/setup",)
    assert (await page.goto(link)).status == 404
    mara.watch.expected = ()


async def add_qbittorrent(mara: Any, client: RealQbittorrent) -> None:
    """A service, added on its page: a wrong password is found by the test, the right one passes it."""
    page = mara.page
    await mara.open("/admin/services")
    await page.get_by_role("button", name="Add a service").first.click()
    await page.get_by_role("dialog").get_by_role("link", name="qBittorrent").click()
    await page.get_by_label("Web UI address").fill(client.url)
    await page.get_by_label("User name").fill(client.username)
    await page.get_by_label("Password", exact=False).first.fill("not this one")
    test, result = page.get_by_role("button", name="Test connection"), page.locator("#test-result")
    await test.click()
    await expect(result).to_contain_text("Failed")
    await page.get_by_label("Password", exact=False).first.fill(client.password)
    await test.click()
    await expect(result).to_contain_text("Passed")
    await mara.shot("journey-02-service")
    await page.get_by_role("button", name="Add", exact=True).click()
    await page.wait_for_url(f"{mara.origin}/admin/services/qbittorrent")
    await mara.open("/admin/services")
    row = page.get_by_role("region", name="Services").get_by_role("listitem").filter(has_text="qBittorrent")
    await expect(row).to_contain_text("Running")


async def add_jonas(mara: Any) -> None:
    page = mara.page
    await mara.open("/admin/people")
    await page.get_by_label("User name").fill("jonas")
    await page.get_by_label("Name", exact=False).nth(1).fill("Jonas")
    await page.get_by_label("Email").fill("jonas@house.example")
    await page.get_by_label("Password").fill(PASSWORDS["jonas"])
    await page.get_by_label("Requester").check()
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator("#toasts")).to_contain_text("Jonas can sign in now")
    await mara.shot("journey-03-people")


async def request(jonas: Any) -> None:
    """Type the title; the one button says Request, here and on the title's page."""
    page = jonas.page
    await page.get_by_role("navigation", name="Shortcuts").get_by_role("link", name="Search").click()
    await page.get_by_label("Search films and series").press_sequentially("metropol", delay=30)
    row = page.locator(".result").filter(has_text="Metropolis")
    await expect(row.locator(".btn")).to_have_text("Request")
    await jonas.shot("journey-04-search")
    await row.get_by_role("link", name="Metropolis").click()
    button = page.locator(".actions .btn")
    await expect(button).to_have_text("Request")
    await expect(button).to_have_class(re.compile("primary"))
    await jonas.shot("journey-05-title")
    await button.click()
    await page.get_by_role("dialog").get_by_role("button", name="Request").click()
    await page.wait_for_url(f"{jonas.origin}/requests/*")
    await expect(page.locator(".verdict-chip")).to_have_text("Waiting for approval")


async def approve(mara: Any) -> None:
    page = mara.page
    await mara.open("/admin/requests")
    row = page.locator(".queue-row").filter(has_text="Metropolis")
    await expect(row).to_contain_text("Jonas")
    await mara.shot("journey-06-queue")
    await row.get_by_role("button", name="Approve").click()
    await expect(page.locator("#toasts")).to_contain_text("pproved")


async def arrival(jonas: Any) -> list[list[str]]:
    """What the open request page showed until the film was there, as (state, sentence, figures)."""
    page = jonas.page
    await expect(page.locator(".verdict-chip")).to_contain_text("Downloading", timeout=30_000)
    await expect(page.locator(".live-figures")).to_contain_text(re.compile(r"[1-9]\d*\s%"), timeout=30_000)
    await jonas.shot("journey-07-downloading")
    await expect(page.locator(".verdict-chip")).to_have_text("Available", timeout=60_000)
    await jonas.shot("journey-08-available")
    return await page.evaluate("window.seen")


def percents(seen: list[list[str]]) -> list[int]:
    found = (re.search(r"(\d+)\s%", figures) for _state, _said, figures in seen)
    return [int(match[1]) for match in found if match]


async def played_to(page: Any, second: float) -> float:
    """Wait until the video is there; the second it is at. The page's policy forbids Playwright's own way to wait."""
    end = time.monotonic() + 15
    while (now := await page.evaluate("document.querySelector('video').currentTime")) < second:
        assert time.monotonic() < end, f"the video stands at {now}"
        await asyncio.sleep(0.05)
    return float(now)


async def watch(jonas: Any) -> float:
    """Play the film beyond its first 20 seconds and leave; the second at which it was left."""
    page = jonas.page
    await page.get_by_role("link", name="Go and watch").click()
    button = page.locator(".actions .btn")
    await expect(button).to_have_text("Play")
    await button.click()
    await page.wait_for_url("**/watch/*")
    began = await played_to(page, 0.3)
    await played_to(page, began + 0.5)
    for _ in range(3):
        await page.get_by_role("button", name="Forward 10 seconds").click()
    await played_to(page, 31)
    await jonas.shot("journey-09-player")
    async with page.expect_response("**/playback/position") as reported:
        await page.keyboard.press("k")
    assert (await reported.value).status == 204
    left = await played_to(page, 31)
    await page.get_by_role("link", name="Back to Metropolis").click()
    return left


async def resume(jonas: Any, left: float) -> None:
    """Home offers to go on, and the player does so at that second."""
    page = jonas.page
    await page.get_by_role("navigation", name="Shortcuts").get_by_role("link", name="Home").click()
    hero = page.get_by_role("region", name="Metropolis")
    await expect(hero).to_contain_text("Pick up where you stopped")
    await jonas.shot("journey-10-home")
    await hero.get_by_role("link", name="Resume").click()
    await page.wait_for_url("**/watch/*")
    player = page.locator("[data-player]")
    assert float(await player.get_attribute("data-start") or 0) == pytest.approx(left, abs=0.1)
    assert await played_to(page, left) < left + 8


async def test_a_film_is_asked_for_approved_downloaded_announced_and_watched(
    tmp_path: Path, vaderflix: Any, person: Any
) -> None:
    if not installed():
        pytest.skip(f"{PROGRAM} is missing (Debian: apt-get install {PROGRAM})")
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    async with house(tmp_path) as services:
        config = configuration(tmp_path, port, services.settings)
        async with (
            vaderflix(tmp_path / "vaderflix", "serve", "--config", str(config)) as program,
            person(origin) as mara,
            person(origin, phone=True) as jonas,
        ):
            link = (await program.says(r"http\S+/setup\?token=\S+"))[0]
            await set_up(mara, link)
            await add_qbittorrent(mara, services.mine)
            await add_jonas(mara)

            await jonas.sign_in("jonas", PASSWORDS["jonas"])
            await request(jonas)
            await jonas.page.evaluate(LOOK)
            sharing = asyncio.create_task(services.share())
            await approve(mara)
            seen = await arrival(jonas)
            release = await sharing

            states = list(dict.fromkeys(re.sub(r"\s*\d+\s%", "", state) for state, _said, _figures in seen))
            assert states[0] == "Waiting for approval"
            assert states[-3:] == ["Downloading", "Adding to library", "Available"], states
            assert len({percent for percent in percents(seen) if 0 < percent < 100}) >= 3, seen
            assert percents(seen) == sorted(percents(seen)), "the percentage went back"
            assert any(re.search(r"\d [kM]B/s", figures.replace("\u00a0", " ")) for _s, _t, figures in seen), seen

            imported = services.radarr.root / "Metropolis (1927)" / release.file_name
            assert imported.read_bytes() == services.film.read_bytes()

            def ready() -> list[email.message.EmailMessage]:
                return [mail for _to, mail in services.mailbox.mails if "is ready" in mail["Subject"]]

            [mail] = await until(ready)
            assert mail["Subject"] == "Metropolis (1927) is ready"
            assert mail["To"].addresses[0].addr_spec == "jonas@house.example"
            assert f"{origin}/requests/1" in mail.get_body(("plain",)).get_content()

            await resume(jonas, await watch(jonas))
            assert jonas.watch.wrong + mara.watch.wrong == []
            for secret in (services.mine.password, services.plex.token, services.radarr.api_key, *PASSWORDS.values()):
                assert secret not in program.errors.read_text() + program.output.read_text()
        assert program.process.returncode == 0
