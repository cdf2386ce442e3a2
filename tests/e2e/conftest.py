"""What the tests in a real browser share: Chromium, the product as a process of its own, and an eye on each page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
END_SECONDS = 15.0


class Program:
    """Vader Flix as a process, with what it said."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process = process
        self.output, self.errors = folder / "output.log", folder / "errors.log"

    async def says(self, pattern: str, *, log: Path | None = None, seconds: float = 30.0) -> re.Match[str]:
        """The first match in what it writes to standard error, or to `log`."""
        log = log or self.errors
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, log.read_text())):
            assert self.process.returncode is None, (
                f"it ended with {self.process.returncode}: {self.errors.read_text()}"
            )
            assert time.monotonic() < deadline, f"it never said {pattern!r}: {self.errors.read_text()[-2000:]}"
            await asyncio.sleep(0.02)
        return found

    async def end(self) -> int:
        """Ask it to end as a service manager does; its exit code."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), END_SECONDS)
        except TimeoutError:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
            raise


@asynccontextmanager
async def program(folder: Path, *arguments: str) -> AsyncIterator[Program]:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VADERFLIX_")}
    with open(folder / "output.log", "wb") as output, open(folder / "errors.log", "wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "vaderflix_core.cli",
            *arguments,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
    running = Program(process, folder)
    try:
        yield running
    finally:
        await running.end()


@pytest.fixture(scope="session")
def vaderflix() -> Callable[..., Any]:
    """`async with vaderflix(folder, "serve", ...) as program`: the command, run in `folder`."""
    return program


class Watch:
    """Everything that pages did and should not have: errors, refused contents, calls to others.

    `expected` are addresses whose failure is what a test wants to see.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.wrong: list[str] = []
        self.expected: tuple[str, ...] = ()

    def over(self, page: Page) -> None:
        page.on("pageerror", lambda error: self._note(page, f"error: {error}"))
        page.on("console", lambda message: self._console(page, message))
        page.on("request", lambda request: self._request(page, request.url))

    def _note(self, page: Page, text: str) -> None:
        self.wrong.append(f"{page.url.removeprefix(self.origin)}: {text}")

    def _console(self, page: Page, message: Any) -> None:
        if message.type not in ("error", "warning"):
            return
        place = message.location.get("url", "")
        if not any(part in place for part in self.expected):
            self._note(page, f"console: {message.text} {place}")

    def _request(self, page: Page, url: str) -> None:
        if not url.startswith((self.origin + "/", "data:", "blob:")):
            self._note(page, f"asked {url}")


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, context: BrowserContext, page: Page, watch: Watch, origin: str) -> None:
        self.context, self.page, self.watch, self.origin = context, page, watch, origin

    async def sign_in(self, username: str, password: str) -> None:
        """Through the door, as people do."""
        await self.page.goto(f"{self.origin}/signin")
        await self.page.get_by_label("User name").fill(username)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in", exact=True).click()
        await self.page.wait_for_url(f"{self.origin}/")

    async def open(self, path: str) -> int:
        """Go to a page of the house; its status."""
        answer = await self.page.goto(self.origin + path)
        assert answer is not None
        return answer.status

    async def shot(self, name: str) -> None:
        """A picture of the page, when VADERFLIX_SHOTS names a folder for them."""
        folder = os.environ.get("VADERFLIX_SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            await self.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture(scope="module")
def person(started_browser: Browser) -> Callable[..., Any]:
    """`async with person(origin, phone=True) as jonas`: a fresh browser profile with one page, watched."""

    @asynccontextmanager
    async def arrive(origin: str, *, phone: bool = False, **options: Any) -> AsyncIterator[Person]:
        context = await started_browser.new_context(
            viewport=PHONE if phone else DESKTOP, color_scheme="dark", **options
        )
        context.set_default_timeout(30_000)
        try:
            page = await context.new_page()
            watch = Watch(origin)
            watch.over(page)
            yield Person(context, page, watch, origin)
        finally:
            await context.close()

    return arrive
