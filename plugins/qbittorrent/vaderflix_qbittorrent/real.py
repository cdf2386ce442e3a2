"""A real qbittorrent-nox of one's own, on loopback, for tests: this plugin's and those of whoever adds torrents."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
from msgspec import Struct

from vaderflix_core.testing import free_port

PROGRAM = "qbittorrent-nox"
READY_SECONDS = 30.0
STOP_SECONDS = 10.0

_CONF = """\
[LegalNotice]
Accepted=true
[BitTorrent]
Session\\Port={bt_port}
Session\\Interface=lo
Session\\InterfaceName=lo
Session\\DHTEnabled=false
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\MultiConnectionsPerIp=true
Session\\QueueingSystemEnabled={queueing}
Session\\DefaultSavePath={save_path}
Session\\RefreshInterval=100
Session\\BTProtocol=TCP
[Network]
PortForwardingEnabled=false
[Preferences]
WebUI\\Address=127.0.0.1
WebUI\\Port={web_port}
WebUI\\UseUPnP=false
WebUI\\LocalHostAuth=true
WebUI\\Username={username}
WebUI\\Password_PBKDF2="@ByteArray({password})"
"""


class RealQbittorrent(Struct, frozen=True, kw_only=True):
    """A running daemon. `bt_port` is where peers reach it, on 127.0.0.1; `save_path` is its default save path."""

    url: str
    username: str
    password: str
    bt_port: int
    save_path: Path

    @property
    def credentials(self) -> dict[str, str]:
        """As a simulator gives them, so that either can be another service's peer."""
        return {"username": self.username, "password": self.password}


def installed() -> bool:
    """Whether this machine has the program."""
    return shutil.which(PROGRAM) is not None


def _hashed(password: str) -> str:
    """A password as the daemon stores it: salt and PBKDF2-HMAC-SHA512 of 100,000 rounds, both in base 64."""
    salt = os.urandom(16)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 100_000)
    return f"{base64.b64encode(salt).decode()}:{base64.b64encode(key).decode()}"


async def _ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(base_url=url) as http, asyncio.timeout(READY_SECONDS):
        while True:
            if process.returncode is not None:
                raise RuntimeError(
                    f"{PROGRAM} ended with {process.returncode}: {await asyncio.to_thread(log.read_text)}"
                )
            with suppress(httpx.TransportError):
                # without a session every call is refused, which is all we need to see
                if (await http.get("/api/v2/app/version")).status_code == 403:
                    return
            await asyncio.sleep(0.02)


async def _end(process: asyncio.subprocess.Process) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS)


@asynccontextmanager
async def real_qbittorrent(
    folder: Path, *, save_path: Path | None = None, queueing: bool = False
) -> AsyncIterator[RealQbittorrent]:
    """Debian's daemon with its profile in `folder`, until the block ends; ready in about half a second.

    It speaks to nobody but loopback. `save_path` is `folder/downloads` unless given; `queueing` turns on its queue.
    A folder may be used again: the daemon then finds its torrents as it left them.
    Raises `RuntimeError` with the daemon's output when it does not start.
    """
    web_port, bt_port = free_port(), free_port()
    username, password = "admin", "a password for tests"
    save_path = save_path or folder / "downloads"
    save_path.mkdir(parents=True, exist_ok=True)
    config = folder / "qBittorrent" / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "qBittorrent.conf").write_text(
        _CONF.format(
            bt_port=bt_port,
            web_port=web_port,
            save_path=save_path,
            queueing=str(queueing).lower(),
            username=username,
            password=_hashed(password),
        )
    )
    log = folder / "output.log"
    url = f"http://127.0.0.1:{web_port}"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            f"--profile={folder}",
            f"--webui-port={web_port}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        await _ready(url, process, log)
        yield RealQbittorrent(url=url, username=username, password=password, bt_port=bt_port, save_path=save_path)
    finally:
        await _end(process)
