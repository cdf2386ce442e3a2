"""What names and passwords must be. A password: long, not its owner's name, and none of those that are tried first.

Length is what counts (NIST SP 800-63B, 5.1.1.2), so there is no rule about kinds of characters.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

MIN_PASSWORD = 10
LONGEST_NAME = 80
UNFIT_NAME = f"Write a name of 1 to {LONGEST_NAME} letters, without signs that cannot be seen"
MAX_PASSWORD = 1024  # hashing more costs us and helps nobody

# fillers of scripts and an empty pattern: letters and marks to Python, nothing to the eye
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SELECTORS = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # alone they choose between no shapes

RUNS = ("0123456789" * 4, "9876543210" * 4, "1234567890" * 4, "qwertyuiop" * 3, "abcdefghijklmnopqrstuvwxyz" * 2)
_MARKS = re.compile(r"[\d\W_]+")
_END = re.compile(r"[\d\W_]+$")


def unseen(sign: str) -> bool:
    """Whether a sign takes part in a text without being seen."""
    return not sign.isprintable() or sign in BLANK


def shown_name(text: str) -> str | None:
    """What somebody wants to be called, in plain blanks; None when it does not fit.

    Signs that cannot be seen could make a page or a mail read as something else.
    """
    name = " ".join(text.split())
    fits = 1 <= len(name) <= LONGEST_NAME and not any(map(unseen, name)) and _SELECTORS.sub("", name).strip()
    return name if fits else None


@cache
def _common() -> frozenset[str]:
    """The heads of public lists of leaked passwords, without the figures and marks at their end."""
    return frozenset(Path(__file__).with_name("common_passwords.txt").read_text("utf-8").split())


def weakness(password: str, username: str = "") -> str | None:
    """Why a password is refused, in words for its owner; None when it is good."""
    if len(password) < MIN_PASSWORD:
        return f"Use {MIN_PASSWORD} characters or more"
    if len(password) > MAX_PASSWORD:
        return f"Use {MAX_PASSWORD} characters or fewer"
    plain, name = password.casefold(), _END.sub("", username.casefold())
    stem = _END.sub("", plain)
    if name and not _MARKS.sub("", plain.replace(name, "")):
        return "Do not use the user name as the password"
    if len(set(plain)) < 4 or not {plain, stem}.isdisjoint(_common()) or any(plain in run for run in RUNS):
        return "This is one of the passwords that are tried first. A few words in a row are strong and easy to keep"
    return None
