"""The demo goes on where it ended: accounts, keys and requests outlive it, and its second start is quick."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from vaderflix_core.demo import Announcement

pytestmark = pytest.mark.anyio

QUICK = 3.0  # seconds from the command to the first page


async def announced(program: Any) -> Announcement:
    line = await program.says(r"\{.*\}", log=program.output)
    return msgspec.json.decode(line[0], type=Announcement)


def client(note: Announcement) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=note.url, headers={"X-Api-Key": note.api_key}, timeout=20)


async def test_a_second_start_answers_and_knows_all_that_was(tmp_path: Path, vaderflix: Any) -> None:
    command = ("demo", "--json", "--port", "0", "--data-dir", str(tmp_path / "data"))
    async with vaderflix(tmp_path / "first", *command) as program:
        first = await announced(program)
        async with client(first) as http:
            asked = {"kind": "movie", "ref": "tmdb-19"}
            end = time.monotonic() + 30
            # services start in the background, and until one has nobody knows the title
            while (made := await http.post("/api/v1/requests", json=asked)).status_code == 404:
                assert time.monotonic() < end, made.text
                await asyncio.sleep(0.1)
            assert made.status_code == 201, made.text
    assert program.process.returncode == 0

    began = time.monotonic()
    async with vaderflix(tmp_path / "second", *command) as program:
        second = await announced(program)
        async with client(second) as http:
            page = await http.get("/signin")
            seconds = time.monotonic() - began
            assert page.status_code == 200
            assert "Sign in" in page.text
            assert (second.accounts, second.api_key) == (first.accounts, first.api_key)
            [kept] = (await http.get("/api/v1/requests", params={"scope": "all"})).json()
            assert (kept["id"], kept["title"]) == (made.json()["id"], "Metropolis")
    print(f"the second start answered after {seconds:.2f} s")
    if os.environ.get("VADERFLIX_TIMING") == "1":
        assert seconds < QUICK
