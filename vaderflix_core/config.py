"""The configuration of one installation: `vaderflix.toml`, then the environment over it, then the command line.

Any value in the file may be `{ "$env" = "NAME" }` or `{ "$file" = "path" }`, so that secrets need not stand in it.
See `config.example.toml` for every key.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from .plugins.records import InstanceConfig

FILE_NAME = "vaderflix.toml"
ALLOWED_HOST = re.compile(r"^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:]+)$", re.I)
INSTANCE_ID = r"^[a-z0-9][a-z0-9_-]{0,62}$"
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["console", "json"]
LISTS = ("trusted_proxies", "allowed_hosts")  # with commas in the environment
CHOICES = {"log_level": get_args(LogLevel), "log_format": get_args(LogFormat)}


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file or variable, the key and what is wrong."""


class _Plugins(Struct, frozen=True, kw_only=True):
    disabled: tuple[str, ...] = ()
    safe_mode: bool = False


class _Instance(Struct, frozen=True, kw_only=True):
    id: Annotated[str, Meta(pattern=INSTANCE_ID)]
    plugin: str
    name: str | None = None
    enabled: bool = True
    priority: Annotated[int, Meta(ge=0, le=1000)] = 50
    settings: dict[str, Any] = {}


class _Top(Struct, frozen=True, kw_only=True):
    """The keys at the top of the file. Each can also be given as VADERFLIX_ and its name in capitals."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8484
    base_url: str | None = None
    data_dir: Path | None = None
    database_url: str | None = None
    redis_url: str | None = None
    key: str | None = None
    key_file: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    session_days: Annotated[int, Meta(ge=1, le=365)] = 30
    log_level: LogLevel = "info"
    log_format: LogFormat = "console"


class _File(_Top, frozen=True, kw_only=True):
    plugins: _Plugins = _Plugins()
    instance: tuple[_Instance, ...] = ()


class Config(Struct, frozen=True, kw_only=True):
    """What the host is built from. Paths are absolute; `base_url` is the public address, without a slash at its end.

    `file` is the file that was read, None when there is none. `instances` are those that the file manages.
    """

    data_dir: Path
    database_url: str
    host: str = "127.0.0.1"
    port: int = 8484
    base_url: str | None = None
    redis_url: str | None = None
    key: str | None = None
    key_file: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    disabled_plugins: tuple[str, ...] = ()
    safe_mode: bool = False
    instances: tuple[InstanceConfig, ...] = ()
    session_days: int = 30
    log_level: str = "info"
    log_format: str = "console"
    file: Path | None = None

    def make_data_dir(self) -> Path:
        """The data folder, made where there is none: other people of this machine see nothing of it."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.data_dir

    def __repr__(self) -> str:  # the key and the passwords in the addresses must not reach a log
        return f"Config(data_dir={str(self.data_dir)!r}, host={self.host!r}, port={self.port}, file={self.file!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("data_dir", str(self.data_dir)), ("host", self.host), ("port", self.port), ("file", self.file)]


def load_config(
    path: Path | None = None, env: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None
) -> Config:
    """Read the configuration. Raises `ConfigError`.

    Without `path` the file is the one VADERFLIX_CONFIG names, else `vaderflix.toml` in the current folder if it is
    there. `overrides` are top-level keys and `safe_mode` from the command line; None means not given.
    """
    env = env or {}
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    path = path or (Path(env["VADERFLIX_CONFIG"]) if env.get("VADERFLIX_CONFIG") else None)
    if path is None and Path(FILE_NAME).is_file():
        path = Path(FILE_NAME)
    path = path.absolute() if path is not None else None
    values = _read_file(path, env) if path is not None else {}
    safe_mode = given.pop("safe_mode", None)
    sources = dict.fromkeys(values, str(path))
    for name in _fields(_Top):
        variable = f"VADERFLIX_{name.upper()}"
        if text := env.get(variable):
            values[name] = [part.strip() for part in text.split(",")] if name in LISTS else text
            sources[name] = variable
    values.update(given)
    sources.update(dict.fromkeys(given, "the command line"))
    read = _convert(values, sources)
    return _finish(read, path, env, safe_mode)


def _finish(read: _File, path: Path | None, env: Mapping[str, str], safe_mode: bool | None) -> Config:
    data_dir = _absolute(read.data_dir) or _default_data_dir(env)
    if read.base_url is not None:
        url = urlsplit(read.base_url)
        if url.scheme not in ("http", "https") or not url.netloc or url.query or url.fragment or "@" in url.netloc:
            raise ConfigError("base_url must be the address people open, such as https://films.example.org")
    for proxy in read.trusted_proxies:
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            raise ConfigError(
                f"trusted_proxies: {proxy!r} is no address and no network. Write 10.0.0.2 or 172.16.0.0/12."
            ) from None
    for name in read.allowed_hosts:
        if not ALLOWED_HOST.match(name):
            raise ConfigError(f"allowed_hosts: {name!r} is no name. Write films.example.org, without port or scheme.")
    seen: set[str] = set()
    for entry in read.instance:
        if entry.id in seen:
            raise ConfigError(f"{path}: two instances have the id {entry.id!r}.")
        seen.add(entry.id)
    return Config(
        data_dir=data_dir,
        database_url=read.database_url or f"sqlite:///{data_dir / 'vaderflix.db'}",
        host=read.host,
        port=read.port,
        base_url=read.base_url.rstrip("/") if read.base_url else None,
        redis_url=read.redis_url,
        key=read.key,
        key_file=_absolute(read.key_file),
        trusted_proxies=read.trusted_proxies,
        allowed_hosts=read.allowed_hosts,
        disabled_plugins=read.plugins.disabled,
        safe_mode=read.plugins.safe_mode if safe_mode is None else safe_mode,
        instances=tuple(
            InstanceConfig(
                id=entry.id,
                plugin=entry.plugin,
                name=entry.name or entry.id,
                enabled=entry.enabled,
                priority=entry.priority,
                settings=entry.settings,
                managed_by_file=True,
            )
            for entry in read.instance
        ),
        session_days=read.session_days,
        log_level=read.log_level,
        log_format=read.log_format,
        file=path,
    )


def _default_data_dir(env: Mapping[str, str]) -> Path:
    home = env.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "vaderflix"


def _absolute(path: Path | None) -> Path | None:
    return path.expanduser().absolute() if path is not None else None


def _fields(kind: type[Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _read_file(path: Path, env: Mapping[str, str]) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    resolved = _resolve(values, "", path, env)
    assert isinstance(resolved, dict)
    _check_keys(resolved, _File, "", path)
    _check_keys(resolved.get("plugins", {}), _Plugins, "plugins.", path)
    instances = resolved.get("instance", [])
    if not isinstance(instances, list):
        raise ConfigError(f"{path}: write [[instance]] with two brackets, once for each instance.")
    for number, instance in enumerate(instances, 1):
        _check_keys(instance, _Instance, f"{_label(instance, number)}.", path)
    for name in ("data_dir", "key_file"):
        if isinstance(resolved.get(name), str):
            resolved[name] = str(path.parent / Path(resolved[name]).expanduser())
    return resolved


def _resolve(value: Any, where: str, path: Path, env: Mapping[str, str]) -> Any:
    """Put what `$env` and `$file` name in their place."""
    if isinstance(value, list):
        places = [_label(item, n) if where == "instance" else where for n, item in enumerate(value, 1)]
        return [_resolve(item, place, path, env) for item, place in zip(value, places, strict=True)]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$env"}:
        name = str(value["$env"])
        if name not in env:
            raise ConfigError(f"{path}: {where}: the environment variable {name} is not set.")
        return env[name]
    if set(value) == {"$file"}:
        file = path.parent / Path(str(value["$file"])).expanduser()
        try:
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {where}: {file} cannot be read: {error}") from error
    if any(key.startswith("$") for key in value):
        raise ConfigError(
            f'{path}: {where}: write {{ "$env" = "NAME" }} or {{ "$file" = "path" }} and nothing beside it.'
        )
    return {key: _resolve(item, f"{where}.{key}" if where else key, path, env) for key, item in value.items()}


def _label(instance: Any, number: int) -> str:
    name = instance.get("id", number) if isinstance(instance, dict) else number
    return f"instance {name!r}" if isinstance(name, str) else f"instance {name}"


def _check_keys(table: Any, kind: type[Struct], where: str, path: Path) -> None:
    if not isinstance(table, dict):
        return  # the conversion says so
    known = list(_fields(kind))
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" The keys are: {', '.join(known)}."
            raise ConfigError(f"{path}: there is no key {where}{key}.{hint}")


def _convert(values: dict[str, Any], sources: Mapping[str, str]) -> _File:
    def to_path(wanted: type, value: Any) -> Any:
        if wanted is Path and isinstance(value, (str, Path)):
            return Path(value)
        raise ValueError("Expected a path")

    try:
        # not strict: the environment knows only text, and so do $env and $file
        return msgspec.convert(values, _File, strict=False, dec_hook=to_path)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$.")
        place = place.rstrip("`")
        source = sources.get(re.split(r"[.\[]", place)[0], "the configuration")
        if number := re.match(r"instance\[(\d+)\]\.?", place):
            label = _label(values["instance"][int(number[1])], int(number[1]) + 1)
            place = f"{label}.{place[number.end() :]}".removesuffix(".")
        if "matching regex" in text:
            text = "Use small letters, digits, - and _, at most 63 of them"
        if text.startswith("Invalid enum value"):
            text += f"; it must be one of: {', '.join(CHOICES[place])}"
        raise ConfigError(f"{source}: {place}: {text.replace('`', '')}.") from error
