"""Serve an ASGI application on a free loopback port, inside the running event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn


def free_port() -> int:
    """A TCP port that nothing listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """Leave signals to whoever runs the loop."""

    @property
    def capture_signals(self) -> Any:
        """The same, for uvicorn's newer way."""
        from contextlib import nullcontext

        return nullcontext


@asynccontextmanager
async def served(app: Any, *, port: int | None = None, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The application at the yielded base URL, until the block ends."""
    port = port or free_port()
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, lifespan="auto", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError(f"nothing could be served on {host}:{port}")
            await asyncio.sleep(0.005)
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(task), 5)
