"""What a browser says of itself, in words: enough to tell one's own devices apart, no more.

The `User-Agent` header is a claim. What is not recognised stays unknown rather than guessed.
"""

from __future__ import annotations

import re

from msgspec import Struct

LONGEST = 400  # what is kept of the header

# the first that matches counts: browsers name those they descend from as well
_BROWSERS = (
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\b(?:OPR|Opera)/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Vivaldi", r"\bVivaldi/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|HeadlessChrome)/"),
    ("Chromium", r"\bChromium/"),
    ("Safari", r"\bVersion/\S+ .*\bSafari/"),
    ("curl", r"^curl/"),
    ("Wget", r"^Wget/"),
    ("a Python program", r"^(?:python-requests|python-httpx|Python-urllib|aiohttp)\b"),
)
# iPads that ask for desktop pages say Macintosh: nothing in the header tells them from a Mac
_SYSTEMS = (
    ("Xbox", r"\bXbox\b"),
    ("PlayStation", r"\bPlayStation\b"),
    ("Windows", r"\bWindows (?:NT|Phone)\b"),
    ("Apple TV", r"\b(?:AppleTV|tvOS)\b"),
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("webOS", r"\bWeb0S\b|\bwebOS\b"),
    ("Tizen", r"\bTizen\b"),
    ("macOS", r"\bMacintosh\b|\bMac OS X\b"),
    ("Linux", r"\bLinux\b|\bX11\b"),
)
_BROWSER = tuple((name, re.compile(pattern)) for name, pattern in _BROWSERS)
_SYSTEM = tuple((name, re.compile(pattern)) for name, pattern in _SYSTEMS)


class Agent(Struct, frozen=True, kw_only=True):
    """A program and what it runs on; each empty when it is not known."""

    browser: str = ""
    system: str = ""

    @property
    def words(self) -> str:
        """`Firefox on Linux`."""
        if self.browser and self.system:
            return f"{self.browser} on {self.system}"
        return self.browser or (f"Something on {self.system}" if self.system else "An unknown program")

    @property
    def handheld(self) -> bool:
        """Whether it is a phone or a tablet, as far as it says so."""
        return self.system in ("iPhone", "iPad", "Android")


def kept(header: str) -> str:
    """What is kept of a `User-Agent` header: printable, and not without end."""
    return "".join(sign for sign in header[:LONGEST] if sign.isprintable())


def agent_of(header: str) -> Agent:
    """The program behind a `User-Agent` header."""
    said = header[:LONGEST]
    browser = next((name for name, pattern in _BROWSER if pattern.search(said)), "")
    system = next((name for name, pattern in _SYSTEM if pattern.search(said)), "")
    return Agent(browser=browser, system=system)
