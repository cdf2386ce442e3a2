"""Fifty wrong passwords a second, each from another address and for another name: what do the others feel of it?

Printed are the median times of pages of somebody who is signed in, with and without the attack and as their ratio; how
many tries were judged and how many were told to come back; and how long a right password takes meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx

from vaderflix_core.testing import free_port

T = TypeVar("T")

ATTACK = 50  # tries per second
SECONDS = 12.0
PASSWORD = "amber birch cedar delta"


def serve(folder: Path) -> tuple[subprocess.Popen[bytes], str, str]:
    """A fresh house that trusts a proxy on loopback; gives the process, its URL and the setup token."""
    port = free_port()
    config = folder / "vaderflix.toml"
    config.write_text('trusted_proxies = ["127.0.0.1"]\n')
    command = [sys.executable, "-m", "vaderflix_core.cli", "serve", "--config", str(config)]
    log = open(folder / "errors.log", "wb")  # noqa: SIM115 - it lives as long as the process
    process = subprocess.Popen(
        [*command, "--data-dir", str(folder / "data"), "--port", str(port)], stdout=subprocess.DEVNULL, stderr=log
    )
    while not (found := re.search(r"token=([\w-]+)", (folder / "errors.log").read_text())):
        assert process.poll() is None, (folder / "errors.log").read_text()
        time.sleep(0.05)
    return process, f"http://127.0.0.1:{port}", found[1]


async def set_up(http: httpx.AsyncClient, token: str) -> None:
    """Make the first account; the client is signed in afterwards."""
    form = await http.get("/setup")
    csrf = re.search(r'name="_csrf_token" value="(\w+)"', form.text)
    assert csrf is not None
    fields = {"_csrf_token": csrf[1], "token": token, "username": "mara", "password": PASSWORD}
    assert (await http.post("/setup", data=fields)).status_code == 303


async def visit(http: httpx.AsyncClient, seconds: float) -> list[float]:
    """Open pages one after the other, with a breath between; how long each took."""
    times, ends = [], time.perf_counter() + seconds
    while time.perf_counter() < ends:
        for path in ("/", "/requests", "/you/security"):
            began = time.perf_counter()
            (await http.get(path)).raise_for_status()
            times.append(time.perf_counter() - began)
            await asyncio.sleep(0.02)
    return times


async def attack(url: str, seconds: float) -> Counter[int]:
    """Wrong passwords at a steady rate."""
    answers: Counter[int] = Counter()
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=400)) as http:

        async def guess(n: int) -> None:
            name = "mara" if n % 10 == 0 else f"name{n}"
            answer = await http.post(
                "/api/v1/session",
                json={"username": name, "password": f"guess {n}"},
                headers={"X-Forwarded-For": f"198.51.{n // 250 % 250}.{n % 250}"},
            )
            answers[answer.status_code] += 1

        began, tries = time.perf_counter(), []
        for n in range(int(ATTACK * seconds)):
            await asyncio.sleep(max(0.0, began + n / ATTACK - time.perf_counter()))
            tries.append(asyncio.create_task(guess(n)))
        await asyncio.gather(*tries)
    return answers


async def come_in(url: str, seconds: float) -> tuple[list[float], int]:
    """Sign in with the right password again and again, as people do: told to come back, they do."""
    times, told, ends = [], 0, time.perf_counter() + seconds
    while time.perf_counter() < ends:
        began = time.perf_counter()
        async with httpx.AsyncClient(base_url=url, timeout=60, headers={"X-Forwarded-For": "192.0.2.44"}) as http:
            while True:
                answer = await http.post("/api/v1/session", json={"username": "mara", "password": PASSWORD})
                if answer.status_code == 200:
                    break
                told += 1
                await asyncio.sleep(0.5)
        times.append(time.perf_counter() - began)
        await asyncio.sleep(1)
    return times, told


def run(work: Callable[[str, float], Coroutine[Any, Any, T]], url: str) -> T:
    """One of the above, in a process of its own."""
    return asyncio.run(work(url, SECONDS))


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def figures(times: list[float]) -> str:
    """Median and 95th percentile in ms."""
    ordered = sorted(times)
    return (
        f"median {statistics.median(ordered) * 1000:5.1f} ms  "
        f"p95 {ordered[int(len(ordered) * 0.95)] * 1000:6.1f} ms  of {len(ordered)}"
    )


async def measure(url: str, token: str, pid: int) -> None:
    """Without, with, and without again."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        await set_up(http, token)
        await visit(http, 2)
        used = [cpu_seconds(pid)]
        quiet = await visit(http, SECONDS)
        used.append(cpu_seconds(pid))
        # in processes of their own: what they cost must not slow the clock of this one
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(2) as others:
            under, answers, (signed, told) = await asyncio.gather(
                visit(http, SECONDS),
                loop.run_in_executor(others, run, attack, url),
                loop.run_in_executor(others, run, come_in, url),
            )
        used.append(cpu_seconds(pid))
        quiet += await visit(http, SECONDS / 2)
    ratio = statistics.median(under) / statistics.median(quiet)
    print(f"pages, nobody guesses   {figures(quiet)}")
    print(f"pages, {ATTACK} guesses/s     {figures(under)}  ratio of medians {ratio:.2f}")
    print(
        f"CPU of the server       {used[1] - used[0]:.1f} s without, {used[2] - used[1]:.1f} s with, in {SECONDS:.0f} s"
    )
    print(f"guesses answered        {dict(sorted(answers.items()))} in {SECONDS:.0f} s")
    print(f"a right password        {figures(signed)}, told to come back {told} times")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        process, url, token = serve(Path(name))
        try:
            asyncio.run(measure(url, token, process.pid))
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    main()
