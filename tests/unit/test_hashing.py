"""Passwords are hashed as OWASP asks, and that leaves no memory behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vaderflix_core.access.hashing import Hashing

GUESSES = """
import asyncio
from pathlib import Path
from vaderflix_core.access.hashing import AT_ONCE, Hashing

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4 / 1024

async def main():
    hashing = Hashing()
    hashed = await hashing.hash("the right one")
    before = resident()
    for _ in range(3):
        await asyncio.gather(*(hashing.verify(hashed, "a wrong one", known=False) for _ in range(2 * AT_ONCE)))
    print(resident() - before)

asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_memory_of_a_hash_is_given_back() -> None:
    grown = subprocess.run([sys.executable, "-c", GUESSES], capture_output=True, text=True, check=True).stdout
    assert float(grown) < 10, "MiB; one hash takes 19"


@pytest.mark.anyio
@pytest.mark.usefixtures("true_hashes")
async def test_a_hash_costs_what_owasp_asks_for() -> None:
    assert (await Hashing().hash("the right one")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
