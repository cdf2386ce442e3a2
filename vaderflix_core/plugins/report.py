"""What `vaderflix plugins` and `vaderflix check` say."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TextIO

import msgspec
from msgspec import Struct

from ..bus import Bus
from ..config import Config
from ..instances import Instances
from ..log import Redactor
from ..store.database import Database
from ..store.migrate import current, newest
from ..vault import Vault, VaultError, open_vault
from .guard import Guard
from .loader import load_plugins
from .pool import Pool
from .records import InstanceConfig, PluginRecord, PluginState
from .supervisor import Supervisor


class PluginRow(Struct, frozen=True, kw_only=True):
    """One plugin as `vaderflix plugins --json` gives it."""

    id: str
    name: str
    distribution: str
    version: str
    state: PluginState
    hooks: tuple[str, ...]
    error: str
    trace: str


class Finding(Struct, frozen=True, kw_only=True):
    """One line of `vaderflix check`: what was looked at, and what is wrong with it if anything is."""

    subject: str
    ok: bool
    message: str


def plugin_rows(plugins: Mapping[str, PluginRecord]) -> list[PluginRow]:
    """The plugins by id, without what only the running product needs."""
    return [
        PluginRow(
            id=record.id,
            name=record.info.name if record.info else "",
            distribution=record.distribution,
            version=record.version,
            state=record.state,
            hooks=record.hooks,
            error=record.error,
            trace=record.trace,
        )
        for _, record in sorted(plugins.items())
    ]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Plain columns for a terminal; the last one is as long as it likes."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def plugins_table(plugins: Mapping[str, PluginRecord]) -> str:
    """The plugins as a table, each with what it does, or with the reason why it does nothing."""
    if not plugins:
        return "No plugin is installed."
    rows = []
    for row in plugin_rows(plugins):
        hooks = ", ".join(hook for hook in row.hooks if hook != "plugin")
        rows.append((row.id, str(row.state), row.version, row.distribution, row.error or hooks))
    return table(("PLUGIN", "STATE", "VERSION", "FROM", "DOES"), rows)


def print_plugins(config: Config, *, as_json: bool, out: TextIO | None = None) -> int:
    """Print the installed plugins. Gives 1 when one of them failed, else 0."""
    out = out or sys.stdout
    plugins = load_plugins(disabled=config.disabled_plugins, safe_mode=config.safe_mode)
    if as_json:
        out.write(msgspec.json.format(msgspec.json.encode(plugin_rows(plugins))).decode() + "\n")
    else:
        out.write(plugins_table(plugins) + "\n")
    bad = (PluginState.FAILED, PluginState.INCOMPATIBLE)
    return int(any(record.state in bad for record in plugins.values()))


def print_check(config: Config, *, out: TextIO | None = None) -> int:
    """Print what `check` finds. Gives 1 when anything is wrong, else 0."""
    out = out or sys.stdout
    findings = asyncio.run(check(config))
    out.write(table(("", "WHAT", ""), [("ok" if f.ok else "BAD", f.subject, f.message) for f in findings]) + "\n")
    return int(any(not finding.ok for finding in findings))


async def check(config: Config, *, plugins: Mapping[str, PluginRecord] | None = None) -> list[Finding]:
    """Look at configuration, key, database, every plugin and every instance's connection. Changes nothing."""
    redactor = Redactor()
    source = str(config.file) if config.file else "no file; defaults and environment"
    findings = [Finding(subject="configuration", ok=True, message=source)]
    vault, found = _check_key(config)
    findings.append(found)
    if plugins is None:
        plugins = load_plugins(disabled=config.disabled_plugins, safe_mode=config.safe_mode)
    findings += [
        Finding(
            subject=f"plugin {row.id}",
            ok=row.state in (PluginState.LOADED, PluginState.DISABLED),
            message=row.error or row.version,
        )
        for row in plugin_rows(plugins)
    ]
    supervisor = Supervisor(plugins, Pool(), Guard(), on_secret=redactor.add, clean=redactor.clean)
    found, instances = await _check_database(config, vault, supervisor, redactor)
    findings.append(found)
    findings += await asyncio.gather(*(_check_instance(one, supervisor) for one in instances))
    return findings


def _check_key(config: Config) -> tuple[Vault | None, Finding]:
    default = config.data_dir / "secret.key"
    if config.key is None and config.key_file is None and not default.exists():
        return None, Finding(subject="key", ok=True, message=f"{default} will be made on the first start")
    try:
        vault = open_vault(key=config.key, key_file=config.key_file, data_dir=config.data_dir)
    except VaultError as error:
        return None, Finding(subject="key", ok=False, message=str(error))
    return vault, Finding(subject="key", ok=True, message="readable by us only")


async def _check_database(
    config: Config, vault: Vault | None, supervisor: Supervisor, redactor: Redactor
) -> tuple[Finding, Sequence[InstanceConfig]]:
    """The database's state, and the instances of file and database together."""
    db = None
    try:
        db = Database(config.database_url)
        if db.path is not None and not db.path.exists():
            return Finding(subject="database", ok=True, message=f"{db.path} will be made on the first start"), (
                config.instances
            )
        revision, head = await db.read(current), newest()
        if revision != head or vault is None:
            message = f"schema {revision}; this version needs {head}. Run: vaderflix migrate"
            return Finding(subject="database", ok=False, message=message), config.instances
        known = Instances(db, config, vault, Bus(), supervisor, dict(supervisor.plugins), lambda: datetime.now(UTC))
        return Finding(subject="database", ok=True, message=f"schema {revision}"), await known.list()
    except Exception as error:  # noqa: BLE001 - drivers raise their own; the finding is the point
        message = redactor.clean(f"{type(error).__name__}: {error}").splitlines()[0]
        return Finding(subject="database", ok=False, message=message), config.instances
    finally:
        if db is not None:
            db.dispose()


async def _check_instance(instance: InstanceConfig, supervisor: Supervisor) -> Finding:
    subject = f"instance {instance.id}"
    if not instance.enabled:
        return Finding(subject=subject, ok=True, message="switched off")
    result = await supervisor.test(instance.plugin, instance.settings)
    words = "; ".join([result.message, *(f"{name}: {text}" for name, text in result.errors.items())])
    return Finding(subject=subject, ok=result.ok, message=words)
