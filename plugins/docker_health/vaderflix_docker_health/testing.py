"""A real Docker Engine for tests, without network. Not part of the wheel: the plugin itself cannot write to engines."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from vaderflix_core.testing.servers import ProgramMissing

IMAGE = "tiny:1"
APPLETS = ("sh", "sleep", "true", "false", "cat", "echo", "yes")


class RealEngine:
    """A running engine with one image of a few kilobytes; `address` is what an instance's settings take."""

    def __init__(self, socket: Path) -> None:
        self.address = f"unix://{socket}"
        self._http = httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://docker", timeout=30)

    def run(self, name: str, script: str, *, health: str | None = None, **host: Any) -> str:
        """Start a container with a shell script; returns its id. `health` is a command, `host` the HostConfig."""
        body: dict[str, Any] = {
            "Image": IMAGE,
            "Cmd": ["/bin/sh", "-c", script],
            "HostConfig": {"NetworkMode": "none", **host},
        }
        if health:
            body["Healthcheck"] = {"Test": ["CMD-SHELL", health], "Interval": 200_000_000, "Retries": 1}
        made = self._http.post("/containers/create", params={"name": name}, json=body).raise_for_status().json()
        self._http.post(f"/containers/{made['Id']}/start").raise_for_status()
        container_id: str = made["Id"]
        return container_id

    def remove_all(self) -> None:
        """Remove every container, running or not."""
        for container in self._http.get("/containers/json", params={"all": "true"}).json():
            self._http.delete(f"/containers/{container['Id']}", params={"force": "true", "v": "true"})

    def close(self) -> None:
        """Remove the containers and let go of the engine."""
        self.remove_all()
        self._http.close()

    def load(self, program: Path) -> None:
        """Make the image of one static busybox."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(program, "bin/busybox")
            for applet in APPLETS:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        name, tag = IMAGE.split(":")
        where = {"fromSrc": "-", "repo": name, "tag": tag}
        self._http.post("/images/create", params=where, content=archive.getvalue()).raise_for_status()

    def ready(self) -> bool:
        """Whether the engine answers."""
        try:
            return self._http.get("/_ping").is_success
        except httpx.TransportError:
            return False


@contextmanager
def real_engine() -> Iterator[RealEngine]:
    """A Docker Engine of its own on a socket of its own, gone with all its data when the block ends. Needs root.

    Raises `ProgramMissing` where dockerd or a static busybox is not installed, or may not run.
    """
    if os.geteuid() != 0:
        raise ProgramMissing("dockerd for this user, who is not root,")
    dockerd, busybox = shutil.which("dockerd"), shutil.which("busybox")
    if dockerd is None:
        raise ProgramMissing("dockerd")
    if busybox is None:
        raise ProgramMissing("busybox")
    home = Path(tempfile.mkdtemp(prefix="vaderflix-engine-"))  # short: a socket's path has at most 107 bytes
    command = [
        dockerd, "--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--bridge=none",
        f"--data-root={home / 'data'}", f"--exec-root={home / 'exec'}", f"--pidfile={home / 'pid'}",
        "-H", f"unix://{home / 'socket'}",
    ]  # fmt: skip
    engine = RealEngine(home / "socket")
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while not engine.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"dockerd did not start:\n{(home / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        engine.load(Path(os.path.realpath(busybox)))
        yield engine
    finally:
        if process.poll() is None and engine.ready():
            engine.close()
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        shutil.rmtree(home, ignore_errors=True)
