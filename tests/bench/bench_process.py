"""The process as a whole: start to first page, idle memory, pages and API calls per second.

The services it is configured with run in another process (the demo's), so that their memory is not counted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from vaderflix_core.testing import free_port

PROGRAM = [sys.executable, "-m", "vaderflix_core.cli"]
STARTS = 5
CALLS, AT_ONCE = 200, 8  # an account may search 240 times a minute
SETTLED = 20.0  # seconds of quiet before memory is read


def world(folder: Path) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """The demo's services, and what it announces."""
    command = [*PROGRAM, "demo", "--json", "--port", "0", "--data-dir", str(folder / "world")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def configured(folder: Path, services: list[dict[str, Any]], api: httpx.Client) -> Path:
    """A configuration with an instance of every plugin."""
    lines = []
    for service in services:
        settings = api.get(f"/services/{service['instance']}").json()["settings"]
        shown = {k: v for k, v in settings.items() if isinstance(v, str | int | float | bool) and v != "********"}
        secrets = service["credentials"]
        shown |= {k: secrets[k] for k in ("token", "api_key", "username", "password") if k in secrets and k in settings}
        lines += ["[[instance]]", f'id = "{service["instance"]}"', f'plugin = "{service["plugin"]}"']
        lines += ["[instance.settings]", *(f"{key} = {json.dumps(value)}" for key, value in shown.items()), ""]
    path = folder / "vaderflix.toml"
    path.write_text("\n".join(lines))
    return path


def start(folder: Path, config: Path) -> tuple[subprocess.Popen[bytes], str, float]:
    """`vaderflix serve`; gives the process, its URL and the seconds to its first answered page."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ["serve", "--config", str(config), "--data-dir", str(folder / "data"), "--port", str(port)]
    began = time.perf_counter()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # as ./vaderflix does
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    while True:
        try:
            if httpx.get(f"{url}/setup", timeout=1).status_code < 500:
                return process, url, time.perf_counter() - began
        except httpx.TransportError:
            assert process.poll() is None, "it did not start"
            time.sleep(0.01)


def memory(pid: int) -> tuple[float, float]:
    """Resident and proportional memory in MB, from the kernel."""
    status = Path(f"/proc/{pid}/status").read_text()
    rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return rss / 1024, pss / 1024


def throughput(get: Any) -> str:
    """Calls per second and their median time, eight at once."""

    def timed(_: int) -> float:
        began = time.perf_counter()
        get()
        return time.perf_counter() - began

    timed(0)
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        times = sorted(pool.map(timed, range(CALLS)))
    seconds = time.perf_counter() - began
    median, p95 = statistics.median(times) * 1000, times[int(CALLS * 0.95)] * 1000
    return f"{CALLS / seconds:6.0f}/s  median {median:5.1f} ms  p95 {p95:5.1f} ms"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        services, note = world(folder)
        process = None
        try:
            api = httpx.Client(base_url=f"{note['url']}/api/v1", headers={"X-Api-Key": note["api_key"]}, timeout=30)
            config = configured(folder, note["services"], api)
            starts = []
            for _ in range(STARTS):
                process, _, seconds = start(folder, config)
                starts.append(seconds)
                process.terminate()
                process.wait(10)
            process, _, _ = start(folder, config)
            time.sleep(SETTLED)
            rss, pss = memory(process.pid)
            print(f"start to first page     median {statistics.median(starts):.2f} s of {STARTS} starts")
            print(f"idle memory, 6 plugins  {rss:.0f} MB resident, {pss:.0f} MB proportional")
            pages = httpx.Client(base_url=note["url"], timeout=30)
            account = note["accounts"][0]
            page_api = httpx.Client(base_url=f"{note['url']}/api/v1", timeout=30)
            signed = page_api.post("/session", json={k: account[k] for k in ("username", "password")})
            pages.cookies = signed.cookies
            print(f"home page               {throughput(lambda: pages.get('/').raise_for_status())}")
            print(
                f"library search, API     "
                f"{throughput(lambda: api.get('/search/library', params={'q': 'metro'}).raise_for_status())}"
            )
            print(f"requests, API           {throughput(lambda: api.get('/requests').raise_for_status())}")
        finally:
            for one in (process, services):
                if one is not None:
                    one.terminate()
                    one.wait(10)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
