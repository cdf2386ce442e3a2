"""The command line: `vaderflix serve`, `demo`, `plugins`, `check`, `migrate`, `plugin new`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import Config
    from .host import Host


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exits with 1 and one line on standard error when it cannot be done."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if not hasattr(asked, "run"):
        parser.print_help()
        sys.exit(2)
    try:
        code = asked.run(asked)
    except KeyboardInterrupt:
        code = 130
    except _expected() as error:
        print(f"vaderflix: {error}", file=sys.stderr)
        code = 1
    sys.exit(code or 0)


def _expected() -> tuple[type[Exception], ...]:
    from .config import ConfigError
    from .vault import VaultError

    return (ConfigError, VaultError, OSError, RuntimeError)


def _parser() -> argparse.ArgumentParser:
    from . import __version__

    parser = argparse.ArgumentParser(prog="vaderflix", description="One self-hosted home for a household's media.")
    parser.add_argument("--version", action="version", version=f"Vader Flix {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="")

    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--config", type=Path, metavar="FILE", help="vaderflix.toml (default: in the current folder)")
    place.add_argument("--data-dir", type=Path, metavar="DIR", help="where the database, the key and caches live")
    address = argparse.ArgumentParser(add_help=False)
    address.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    address.add_argument("--port", type=int, help="port to listen on (default 8484)")
    address.add_argument("--safe-mode", action="store_true", default=None, help="start without any plugin")

    serve = commands.add_parser("serve", parents=[place, address], help="run Vader Flix")
    serve.add_argument("--web", action="store_true", help="answer people only; jobs and schedule run elsewhere")
    serve.set_defaults(run=_serve)

    worker = commands.add_parser("worker", parents=[place], help="run jobs only, beside `serve --web`")
    worker.set_defaults(run=_background, part="worker")
    scheduler = commands.add_parser(
        "scheduler", parents=[place], help="follow, check and sync only; one of several works"
    )
    scheduler.set_defaults(run=_background, part="scheduler")

    demo = commands.add_parser("demo", parents=[place, address], help="run it with a simulated household")
    demo.add_argument(
        "--json", action="store_true", help="print one line of JSON that says what runs where, then serve"
    )
    demo.set_defaults(run=_demo)

    plugins = commands.add_parser("plugins", parents=[place], help="list plugins and why some did not load")
    plugins.add_argument("--json", action="store_true", help="for programs")
    plugins.set_defaults(run=_plugins)

    check = commands.add_parser("check", parents=[place], help="check configuration, database and plugins")
    check.set_defaults(run=_check)

    migrate = commands.add_parser("migrate", parents=[place], help="bring the database up to date, after a backup")
    migrate.set_defaults(run=_migrate)

    plugin = commands.add_parser("plugin", help="for plugin authors")
    verbs = plugin.add_subparsers(title="commands", metavar="")
    new = verbs.add_parser("new", help="make the skeleton of a plugin in the current folder")
    new.add_argument("name", help="small letters and underscores, such as gotify")
    new.add_argument(
        "--role",
        choices=("health_check", "notifier"),
        default="health_check",
        help="what it does: watch a service (default), or tell people",
    )
    new.set_defaults(run=_plugin_new)
    return parser


def _config(asked: argparse.Namespace, **more: Any) -> Config:
    import os

    from .config import load_config

    overrides = {name: getattr(asked, name, None) for name in ("host", "port", "data_dir", "safe_mode")} | more
    return load_config(
        asked.config, os.environ, {name: value for name, value in overrides.items() if value is not None}
    )


def _serve(asked: argparse.Namespace) -> int:
    from .host import Host
    from .life import ALL, Part
    from .log import Redactor, configure_logging

    config = _config(asked)
    redactor = Redactor()
    configure_logging(redactor, level=config.log_level, format=config.log_format)
    if asked.web:
        _need_shared(config)
    parts = frozenset({Part.WEB}) if asked.web else ALL
    asyncio.run(serve(Host(config, redactor=redactor, parts=parts)))
    return 0


def _background(asked: argparse.Namespace) -> int:
    from .host import Host
    from .life import Part
    from .log import Redactor, configure_logging

    config = _config(asked)
    _need_shared(config)
    redactor = Redactor()
    configure_logging(redactor, level=config.log_level, format=config.log_format)
    asyncio.run(_stay(Host(config, redactor=redactor, parts=frozenset({Part(asked.part)}))))
    return 0


def _need_shared(config: Config) -> None:
    if not config.redis_url or not config.database_url.startswith("postgresql"):
        raise RuntimeError("Several processes need a PostgreSQL database_url and a redis_url that all of them share.")


async def _stay(host: Host) -> None:
    """Run a host without pages until a signal ends it."""
    import signal

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await host.start()
    try:
        await ended.wait()
    finally:
        await host.stop()


async def serve(host: Host, *, ready: Any = None) -> None:
    """Serve a host's pages until a signal ends it. `ready(url)` is awaited once the first page can be asked for."""
    import structlog
    import uvicorn

    from vaderflix_web.app import create_app

    log = structlog.get_logger("vaderflix")
    config = host.config

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            # open event streams would hold the shutdown up
            host.bus.close()
            super().handle_exit(sig, frame)

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            # uvicorn's own raises the signal again once it has served: SIGTERM would end us before the host has stopped
            loop = asyncio.get_running_loop()
            for sign in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(sign, self.handle_exit, sign, None)
            yield
            for sign in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(sign)

    options = uvicorn.Config(
        create_app(host, manage_host=False),
        host=config.host,
        port=config.port,
        log_config=None,
        access_log=False,
        http="h11",  # which gives up on heads without end; httptools keeps whatever comes
        server_header=False,
        proxy_headers=False,  # the application judges them itself, by its own list of proxies
        timeout_graceful_shutdown=3,
    )
    server = Server(options)
    await host.start()
    try:
        task = asyncio.create_task(server.serve())
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        if server.started:
            port = server.servers[0].sockets[0].getsockname()[1]
            url = f"http://{'127.0.0.1' if config.host in ('0.0.0.0', '::') else config.host}:{port}"
            log.info("serving", url=url)
            if await host.access.needs_setup():
                setup = f"{url}/setup?token={await host.access.setup_token()}"
                print(f"\nNo account yet. Open {setup} to make the first one.\n", file=sys.stderr, flush=True)
            if ready is not None:
                await ready(url)
        await task
    finally:
        await host.stop()


def _demo(asked: argparse.Namespace) -> int:
    from .demo import run_demo

    config = _config(asked, data_dir=asked.data_dir or Path("data") / "demo")
    asyncio.run(run_demo(config, as_json=asked.json))
    return 0


def _plugins(asked: argparse.Namespace) -> int:
    from .plugins.report import print_plugins

    code: int = print_plugins(_config(asked), as_json=asked.json)
    return code


def _check(asked: argparse.Namespace) -> int:
    from .plugins.report import print_check

    code: int = print_check(_config(asked))
    return code


def _migrate(asked: argparse.Namespace) -> int:
    from .store.database import Database
    from .store.migrate import migrate, newest

    config = _config(asked)
    config.make_data_dir()
    db = Database(config.database_url)
    try:
        backup = migrate(db)
    finally:
        db.dispose()
    if backup is not None:
        print(f"The database as it was: {backup}")
    print(f"The database is at schema {newest()}.")
    return 0


def _plugin_new(asked: argparse.Namespace) -> int:
    from .testing.scaffold import new_plugin

    folder = new_plugin(asked.name, Path.cwd(), asked.role)
    print(f"Made {folder}. Next: cd {folder}, then `pip install -e '.[test]'` and `pytest`.")
    return 0


if __name__ == "__main__":
    main()
