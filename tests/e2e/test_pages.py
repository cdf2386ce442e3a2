"""Every page of every role in a real browser, on a phone and at a desk, dark and light; keys, faults, nothing foreign.

The household is the demo. With VADERFLIX_SHOTS set, each page's pictures go to that folder.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from playwright.async_api import Error, expect

from vaderflix_core.demo import Announcement
from vaderflix_core.testing import Fault

pytestmark = pytest.mark.anyio

SIZES = {1440: 900, 390: 844, 320: 640}
SHOWN = (1440, 390)
ANSWER_SECONDS = 20.0  # a source that hangs is given up after 15

VIEWER = {"/", "/films", "/series", "/search", "/you", "/title/movie/*", "/title/series/*", "/watch/*"}
REQUESTER = VIEWER | {"/requests", "/requests/*"}
ADMIN = REQUESTER | {
    "/admin",
    "/admin/requests",
    "/admin/downloads",
    "/admin/people",
    "/admin/services",
    "/admin/services/*",
    "/admin/services/new/*",
}
PAGES = {"edith": VIEWER, "jonas": REQUESTER, "mara": ADMIN}
# states of a page that a link of another name leads to
STATES = {
    "edith": ["/search?q=the", "/title/movie/tmdb-19"],
    "jonas": ["/search?q=sh", "/title/movie/tmdb-22596", "/title/movie/tmdb-22596/request", "/title/movie/tmdb-19"],
    "mara": ["/admin/requests?show=all", "/admin/services/radarr", "/admin/services/new/plex", "/search"],
}

# What sticks out of the page to the right, if its width is more than the window's.
OVERFLOW = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const held = (el) => {
    for (let up = el.parentElement; up && up !== document.body; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== "visible") return true;
    return false;
  };
  const sticks = (el) => el.getBoundingClientRect().right > innerWidth + 1;
  const out = [...document.body.querySelectorAll("*")].filter(
    (el) => sticks(el) && !sticks(el.parentElement) && !held(el));
  const name = (el) => el.localName + "." + el.className + " " + Math.round(el.getBoundingClientRect().right);
  return [`${document.documentElement.scrollWidth} wide`, ...out.slice(0, 4).map(name)];
}"""
LIGHTNESS = """() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
  canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
  canvas.fillRect(0, 0, 1, 1);
  return canvas.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((a, b) => a + b) / 765;
}"""
FOCUS = """() => {
  const el = document.activeElement, style = getComputedStyle(el);
  return {primary: el.matches(".btn.primary"), ring: style.outlineStyle !== "none" && style.outlineWidth !== "0px"};
}"""


class Demo:
    """The demo, running, and what it announced."""

    def __init__(self, note: Announcement) -> None:
        self.url = note.url
        self.passwords = {account.username: account.password for account in note.accounts}
        self.services = {service.instance: service.url for service in note.services}
        self.http = httpx.AsyncClient(base_url=note.url, headers={"X-Api-Key": note.api_key}, timeout=60)

    async def library_is_read(self) -> None:
        end = time.monotonic() + 30
        while not (await self.http.get("/api/v1/search/library", params={"q": "one step beyond"})).json():
            assert time.monotonic() < end, "the library was never read"
            await asyncio.sleep(0.1)

    @asynccontextmanager
    async def fault(self, service: str, fault: Fault, path: str = "") -> AsyncIterator[None]:
        """A simulator of the demo fails while the block runs."""
        switch = f"{self.services[service]}/_simulator/faults"
        assert (await self.http.post(switch, json={"fault": fault, "path": path})).status_code == 204
        try:
            yield
        finally:
            await self.http.delete(switch)


@pytest.fixture(scope="module")
async def demo(
    anyio_backend: str, started_browser: Any, vaderflix: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Demo]:
    """The demo with a film on its way: mara asked for it, so that nobody has to approve."""
    folder: Path = tmp_path_factory.mktemp("demo")
    async with vaderflix(folder, "demo", "--json", "--port", "0", "--data-dir", str(folder / "data")) as program:
        line = await program.says(r"\{.*\}", log=program.output)
        found = Demo(msgspec.json.decode(line[0], type=Announcement))
        await found.library_is_read()
        asked = await found.http.post("/api/v1/requests", json={"kind": "movie", "ref": "tmdb-20367"})
        assert asked.status_code == 201, asked.text
        yield found
        await found.http.aclose()
    assert program.process.returncode == 0
    raised = re.findall(r"^(?:\w+\.)*\w+(?:Error|Exception|Ended)\b.*$", program.errors.read_text(), re.MULTILINE)
    assert set(raised) <= {"vaderflix_core.testing.faults.ConnectionEnded"}, raised


@pytest.fixture(scope="module")
async def everybody(demo: Demo, person: Any) -> AsyncIterator[dict[str, Any]]:
    """Everybody signed in, each at a browser of their own; jonas has asked for a film."""
    async with person(demo.url) as mara, person(demo.url) as jonas, person(demo.url) as edith:
        signed_in = {"mara": mara, "jonas": jonas, "edith": edith}
        for name, one in signed_in.items():
            await one.sign_in(name, demo.passwords[name])
        await jonas.open("/title/movie/tmdb-19/request")
        await jonas.page.get_by_role("main").get_by_role("button", name="Request").click()
        await jonas.page.wait_for_url("**/requests/*")
        yield signed_in


@pytest.fixture
def people(everybody: dict[str, Any]) -> dict[str, Any]:
    """Everybody, and nothing held against them yet."""
    for one in everybody.values():
        one.watch.wrong.clear()
    return everybody


def shape(href: str) -> str:
    """The page that an address shows, whatever it shows there."""
    path = href.split("?")[0].split("#")[0]
    path = re.sub(r"^/title/(movie|series)/[^/]+", r"/title/\1/*", path)
    path = re.sub(r"^/admin/services/(new/)?(?!new)[^/]+", r"/admin/services/\1*", path)
    path = re.sub(r"^/admin/(mails|roles)/(?!new)[^/]+", r"/admin/\1/*", path)
    return re.sub(r"/\d+", "/*", path)


async def links(page: Any) -> list[str]:
    found: list[str] = await page.eval_on_selector_all(
        "a[href^='/']:not([download])", "links => links.map((link) => link.getAttribute('href'))"
    )
    return found


async def look_over(one: Any, name: str) -> Iterable[str]:
    """What is wrong with the page that is open, in every size and both themes."""
    page, wrong = one.page, []
    await expect(page.locator("[hx-trigger^=load] .skel, [aria-busy] .skel")).to_have_count(0)
    if await page.locator("h1").count() != 1:
        wrong.append("not one h1")
    light = {}
    for width, height in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        if sticking := await page.evaluate(OVERFLOW):
            wrong.append(f"at {width} px: {', '.join(sticking)}")
        for theme in ("light", "dark") if width in SHOWN else ():
            await page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # no picture of half a transition
            light[theme] = await page.evaluate(LIGHTNESS)
            await one.shot(f"{name}-{width}-{theme}")
    if not (light["dark"] < 0.2 and light["light"] > 0.8):
        wrong.append(f"the themes are {light}")
    await page.set_viewport_size({"width": 1440, "height": 900})
    return wrong


async def walk(name: str, one: Any) -> tuple[set[str], list[str]]:
    """Follow every link that somebody is shown, one of each kind: the kinds of pages there are, and what is wrong."""
    to_do = deque(["/", *STATES[name]])
    seen: set[str] = set()
    known = {shape(href) for href in STATES[name] if "?" not in href}
    wrong: list[str] = []
    while to_do:
        href = to_do.popleft()
        try:
            status = await one.open(href)
        except Error as error:
            if "Download is starting" in error.message:
                continue  # a file, not a page
            raise
        if status != 200:
            wrong.append(f"{name} {href}: {status} {(await one.page.inner_text('body'))[:500]}")
            continue
        seen |= {shape(one.page.url.removeprefix(one.origin)), shape(href)}
        label = re.sub(r"[^a-z0-9]+", "_", href.strip("/").lower()) or "home"
        wrong += [f"{name} {href}: {text}" for text in await look_over(one, f"{name}-{label}")]
        for found in await links(one.page):
            if shape(found) not in known | seen:
                known.add(shape(found))
                to_do.append(found)
    return seen, wrong + one.watch.wrong


async def test_every_page_of_everybody_is_whole_in_all_sizes_and_themes_and_asks_nobody_else(people: Any) -> None:
    walks = await asyncio.gather(*(walk(name, one) for name, one in people.items()))
    wrong = [text for _seen, texts in walks for text in texts]
    assert not wrong, "\n".join(wrong)
    for name, (seen, _texts) in zip(people, walks, strict=True):
        assert seen >= PAGES[name], f"no link leads {name} there"
        assert name == "mara" or not {page for page in seen if page.startswith("/admin")}


async def test_the_door_is_whole_too(demo: Demo, person: Any) -> None:
    async with person(demo.url) as stranger:
        assert await stranger.open("/films") == 200
        assert stranger.page.url.startswith(f"{demo.url}/signin")
        assert await look_over(stranger, "stranger-signin") == []
        assert stranger.watch.wrong == []


async def test_slash_goes_to_the_search_and_arrows_move_in_its_results(people: Any) -> None:
    page = people["jonas"].page
    await people["jonas"].open("/")
    await page.keyboard.press("/")
    await expect(page.locator("#q-top")).to_be_focused()
    await page.keyboard.type("the")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/search?q=the")
    await expect(page.locator("#q")).to_be_focused()
    await page.locator("#q").blur()  # in the field it would be a letter, and new results
    await page.keyboard.press("/")
    await expect(page.locator("#q")).to_be_focused()
    await expect(page.locator("#q")).to_have_value("the")
    await expect(page.locator(".result").first).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".result h3 a").first).to_be_focused()


async def test_tab_reaches_the_main_button_and_shows_where_it_is(people: Any) -> None:
    page = people["jonas"].page
    for path in ("/title/movie/tmdb-22596", "/title/movie/tmdb-775"):
        await people["jonas"].open(path)
        for steps in range(1, 16):
            await page.keyboard.press("Tab")
            focus = await page.evaluate(FOCUS)
            assert focus["ring"], f"nothing shows the focus after {steps} steps"
            if focus["primary"]:
                break
        assert focus["primary"], f"{path}: 15 steps did not reach the button"


async def test_escape_closes_the_account_menu_the_admin_menu_and_a_dialog(people: Any) -> None:
    jonas, mara = people["jonas"].page, people["mara"].page
    await people["jonas"].open("/")
    await jonas.get_by_role("button", name="your account").press("Enter")
    menu = jonas.get_by_role("link", name="My requests", exact=True)
    await expect(menu).to_be_visible()
    await jonas.keyboard.press("Escape")
    await expect(menu).to_be_hidden()

    await people["jonas"].open("/title/movie/tmdb-22596")
    await jonas.locator(".actions").get_by_role("link", name="Request").press("Enter")
    await expect(jonas.get_by_role("dialog")).to_be_visible()
    await jonas.keyboard.press("Escape")
    await expect(jonas.get_by_role("dialog")).to_be_hidden()

    await mara.set_viewport_size({"width": 390, "height": 844})
    await people["mara"].open("/admin")
    entry = mara.get_by_role("navigation", name="Admin pages").get_by_role("link", name="People")
    await mara.locator(".section-menu summary").press("Enter")
    await expect(entry).to_be_visible()
    await mara.keyboard.press("Escape")
    await expect(entry).to_be_hidden()
    await mara.set_viewport_size({"width": 1440, "height": 900})


async def test_a_panel_that_fails_is_a_card_and_the_rest_of_the_page_works(demo: Demo, people: Any) -> None:
    mara = people["mara"]
    async with demo.fault("docker", Fault.GARBAGE, "/containers"):
        failed = mara.page.locator(".panel").filter(has_text="This panel did not answer")
        async with asyncio.timeout(60):
            while await failed.count() == 0:  # a reading of the moment before is shown once more
                await mara.open("/admin")
                await expect(mara.page.locator(".panel .skel")).to_have_count(0)
        await expect(failed).to_have_count(1)
        await expect(failed).to_contain_text("Docker")
        await mara.shot("mara-broken-panel")
        await mara.open("/")
    assert mara.watch.wrong == []


async def test_the_library_answers_at_once_while_another_source_hangs(demo: Demo, people: Any) -> None:
    jonas = people["jonas"]
    page = jonas.page
    async with demo.fault("radarr", Fault.HANG):
        await jonas.open("/search")
        await page.get_by_label("Search films and series").press_sequentially("general", delay=20)
        hit = page.locator(".result").filter(has_text="The General")
        await expect(hit.get_by_role("link", name="Play")).to_be_visible()
        others = page.get_by_role("region", name="Elsewhere")
        await expect(others).to_contain_text("Radarr: still asking")
        await expect(others).to_contain_text("Sonarr: 0 found")
        await jonas.shot("jonas-hanging-source")
        await expect(others).to_contain_text("“Radarr” did not answer.", timeout=ANSWER_SECONDS * 1000)
        await expect(hit.get_by_role("link", name="Play")).to_be_visible()
        await jonas.shot("jonas-silent-source")
    assert jonas.watch.wrong == []
