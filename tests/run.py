"""The test command behind `./vaderflix test`: installs what Debian ships, says what is missing, runs pytest.

Everything after `test` goes to pytest: `./vaderflix test -k search`.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# program -> Debian package, and which tests need it
PROGRAMS = {
    "qbittorrent-nox": ("qbittorrent-nox", "downloads against the real client, and the end-to-end journey"),
    "redis-server": ("redis-server", "the scaled set-up"),
    "postgres": ("postgresql", "the store on PostgreSQL"),
    "dockerd": ("docker.io", "containers against a real engine"),
    "chromium": ("chromium", "pages in a real browser"),
    "busybox": ("busybox-static", "containers against a real engine"),
}


def find(program: str) -> str | None:
    """Where a program is, in Debian's own places too."""
    places = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
    found = shutil.which(program, path=places)
    return found or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"))), None)


def install(packages: list[str]) -> None:
    """Install with apt where the user may; its own words are shown when it fails."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return
    print(f"Installing for the tests: {', '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ([apt, "update", "-qq"], [apt, "install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stderr.strip(), file=sys.stderr)


def main() -> None:
    """Install what can be, name what cannot, run the tests."""
    missing = [name for name in PROGRAMS if find(name) is None]
    if missing:
        install(sorted({PROGRAMS[name][0] for name in missing}))
    for name in PROGRAMS:
        if find(name) is None:
            package, tests = PROGRAMS[name]
            print(f"Missing: {name} (Debian: apt-get install {package}). Left out without it: {tests}.", flush=True)
    os.chdir(ROOT)
    asked = sys.argv[1:]
    # three processes: half of the run is waiting for real servers. A file stays in one, with its fixtures, in the order
    # of the folders: those with browsers, which take longest, are not the last. A test that hangs ends its process, and
    # the next begins with that same test, so there is an end to it
    spread = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "--max-worker-restart", "2"]
    if any(argument.startswith(("-n", "--pdb", "--version")) for argument in asked):
        spread = []
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *spread, *asked])


if __name__ == "__main__":
    main()
