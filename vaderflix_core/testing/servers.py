"""Real servers for tests: PostgreSQL and Redis on free loopback ports, gone when the block ends."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .serving import free_port


class ProgramMissing(Exception):
    """Raised when this machine lacks the program that a server needs; `program` names it."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} is not installed here")
        self.program = program


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL server at the yielded `postgresql://` URL; its log is in `folder`. Nothing is synced to disk.

    Raises `ProgramMissing`. Started as root it runs as the user `postgres`, because the server refuses root.
    """
    initdb, server = _postgres_program("initdb"), _postgres_program("postgres")
    identity = _unprivileged("postgres")
    # the server's own user must reach the data, which a test's private folder would not let it
    home = Path(tempfile.mkdtemp(prefix="vaderflix-postgres-"))
    data, port = home / "data", free_port()
    try:
        if "user" in identity:
            shutil.chown(home, "postgres", "postgres")
        subprocess.run(
            [initdb, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-D", str(data)],
            check=True,
            capture_output=True,
            cwd="/",
            **identity,
        )
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "shared_buffers": "64MB",
            "max_connections": 60,
        }
        command = [server, "-D", str(data), *(part for k, v in settings.items() for part in ("-c", f"{k}={v}"))]
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        with _running(command, folder / "postgres.log", lambda: _answers_sql(url), signal.SIGINT, identity):
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


def fresh_database(server_url: str, like: str = "") -> str:
    """The URL of a new database on a server that `postgres` started: empty, or a copy of the one at the URL `like`.

    Nobody may be connected to what is copied.
    """
    import psycopg

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        copied = f' TEMPLATE "{like.rpartition("/")[2]}"' if like else ""
        if connection.info.server_version >= 150000:
            copied += " STRATEGY FILE_COPY"  # a third of the time of the other, where nothing is synced
        connection.execute(f'CREATE DATABASE "{name}"{copied}'.encode())
    return f"{server_url.rpartition('/')[0]}/{name}"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis server that keeps nothing, at the yielded `redis://` URL; its log is in `folder`.

    Raises `ProgramMissing`.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise ProgramMissing("redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    command += ["--dir", str(folder)]
    with _running(command, folder / "redis.log", lambda: _answers_ping(port), signal.SIGTERM, {}):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def _running(
    command: list[str], log: Path, ready: Callable[[], bool], stop: signal.Signals, identity: dict[str, Any]
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd="/", start_new_session=True, **identity
        )
    try:
        deadline = time.monotonic() + 30
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{Path(command[0]).name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        yield
    finally:
        if process.poll() is None:
            process.send_signal(stop)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def _postgres_program(name: str) -> str:
    newest_first = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name) or next((str(path) for path in newest_first), None)
    if found is None:
        raise ProgramMissing(name)
    return found


def _unprivileged(user: str) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    try:
        pwd.getpwnam(user)
    except KeyError:
        raise ProgramMissing(f"the user {user}") from None
    return {"user": user, "group": user, "extra_groups": []}


def _answers_sql(url: str) -> bool:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
