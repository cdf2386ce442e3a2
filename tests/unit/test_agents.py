from __future__ import annotations

import timeit

import pytest

from vaderflix_core.access.agents import LONGEST, agent_of

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"


@pytest.mark.parametrize(
    ("header", "words", "handheld"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox on Linux", False),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.1 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
            True,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "CriOS/119.0.6045.109 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
            True,
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 "
            "Safari/537.36 Edg/119.0.0.0",
            "Edge on Windows",
            False,
        ),
        (
            "Mozilla/5.0 (Linux; Android 13; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
            "SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
            True,
        ),
        (
            f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15",
            "Safari on macOS",
            False,
        ),
        ("curl/8.5.0", "curl", False),
        ("python-httpx/0.28.1", "a Python program", False),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Gecko", "Something on ChromeOS", False),
    ],
)
def test_a_device_is_named_by_what_it_says(header: str, words: str, handheld: bool) -> None:
    assert agent_of(header).words == words
    assert agent_of(header).handheld is handheld


@pytest.mark.parametrize(
    "header", ["", "<script>alert(1)</script>", "\x00\u202e", "Mozilla/5.0", "Firefoxy", "'; DROP"]
)
def test_what_is_not_recognised_stays_unknown_and_is_never_repeated(header: str) -> None:
    assert agent_of(header).words == "An unknown program"


def test_a_huge_header_costs_no_more_than_what_is_kept_of_it() -> None:
    def seconds(header: str) -> float:
        """At its best: what the machine does besides only ever adds."""
        return min(timeit.repeat(lambda: agent_of(header), number=1, repeat=25))

    huge = "Version/" * 2_000_000
    assert seconds(huge) < 20 * seconds(huge[:LONGEST])  # to read all of it takes 40,000 times as long
    assert agent_of("x" * LONGEST + " Firefox/131.0").browser == ""
