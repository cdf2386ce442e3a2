"""Make an instance: call the plugin's hooks for it, check what they return, start it. Nothing is published here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import httpx
import structlog
from msgspec import Struct

from ..api.hookspecs import Job, Listener
from ..api.instance import Instance
from ..api.roles import ABILITIES, ROLES
from ..api.settings import Secret, Settings, parse
from ..api.web import MenuItem, Panel
from .limits import OutOfTime, TriedToExit, await_in_task, await_in_thread
from .pool import Binding
from .records import InstanceConfig, PluginRecord
from .validation import offers, problems

HOOK_SECONDS = 5.0
START_SECONDS = 20.0
STOP_SECONDS = 5.0

Transport = Callable[[], httpx.AsyncBaseTransport]
EXTRAS: dict[str, type] = {"panels": Panel, "menu": MenuItem, "jobs": Job, "listeners": Listener}


class BadProvider(Exception):
    """A hook returned what the plugin API does not allow; the text names object and method."""


class Built(Struct, kw_only=True):
    """A made instance: the distinct provider objects in order, their bindings, and what it adds to the pages.

    `extras_error` says which of panels, menu, jobs and listeners could not be made; the roles work without them.
    """

    instance: Instance[Any]
    providers: tuple[object, ...] = ()
    bindings: tuple[Binding, ...] = ()
    extras: dict[str, tuple[Any, ...]] = {}
    extras_error: str = ""


class Builder:
    """Makes instances, all with the same surroundings. `on_secret` is told every secret before a plugin sees it."""

    def __init__(
        self,
        *,
        install_id: str,
        clock: Callable[[], datetime],
        on_secret: Callable[[str], None] = lambda value: None,
        transport: Transport | None = None,
        hook_seconds: float = HOOK_SECONDS,
        start_seconds: float = START_SECONDS,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._install_id = install_id
        self._clock = clock
        self._on_secret = on_secret
        self._transport = transport
        self._hook_seconds = hook_seconds
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds

    def instance(self, plugin: PluginRecord, config: InstanceConfig) -> Instance[Any]:
        """The place of an instance with its settings read. Raises `BadSettings`."""
        assert plugin.info is not None
        settings = parse(plugin.info.settings, config.settings)
        for value in secrets(settings):
            self._on_secret(value)
        return Instance(
            id=config.id,
            plugin=config.plugin,
            name=config.name,
            settings=settings,
            install_id=self._install_id,
            log=structlog.get_logger(f"vaderflix.plugins.{config.plugin}").bind(
                plugin=config.plugin, instance=config.id
            ),
            now=self._clock,
            transport=self._transport,
        )

    async def build(self, plugin: PluginRecord, config: InstanceConfig) -> Built:
        """Call the plugin's hooks. Raises `BadSettings`, `BadProvider`, `OutOfTime`, or what a hook raised."""
        built = Built(instance=self.instance(plugin, config))
        try:
            await self._fill_roles(plugin, config, built)
        except BaseException:
            await self.stop(built)
            raise
        await self._fill_extras(plugin, built)
        return built

    async def _fill_roles(self, plugin: PluginRecord, config: InstanceConfig, built: Built) -> None:
        distinct: dict[int, object] = {}
        bindings: list[Binding] = []

        def bind(role: str, provider: object) -> None:
            bindings.append(
                Binding(
                    plugin=config.plugin,
                    instance=config.id,
                    name=config.name,
                    role=role,
                    provider=provider,
                    priority=config.priority,
                )
            )

        wrong: list[str] = []
        for role in ROLES:
            assert role.hook is not None
            for provider in await self._hook(plugin, role.hook, built.instance):
                distinct[id(provider)] = provider
                wrong += problems(provider, role.protocol)
                bind(role.name, provider)
        built.providers = tuple(distinct.values())
        for ability in ABILITIES:
            for provider in built.providers:
                if offers(provider, ability.protocol):
                    wrong += problems(provider, ability.protocol)
                    bind(ability.name, provider)
        for provider in built.providers:
            wrong += lifecycle_problems(provider)
        if wrong:
            raise BadProvider("; ".join(dict.fromkeys(wrong)))
        built.bindings = tuple(bindings)

    async def _fill_extras(self, plugin: PluginRecord, built: Built) -> None:
        errors = []
        for hook, kind in EXTRAS.items():
            try:
                made = await self._hook(plugin, hook, built.instance)
                stranger = next((thing for thing in made if not isinstance(thing, kind)), None)
                if stranger is not None:
                    raise BadProvider(f"{hook}() returned a {type(stranger).__name__}, not a {kind.__name__}")
                built.extras[hook] = made
            except (OutOfTime, TriedToExit) as error:
                errors.append(f"{hook}() {error}")
            except Exception as error:  # noqa: BLE001 - a broken panel must not take the service away
                errors.append(str(error) if isinstance(error, BadProvider) else f"{hook}() raised {error!r}")
        built.extras_error = "; ".join(errors)

    async def _hook(self, plugin: PluginRecord, hook: str, instance: Instance[Any]) -> tuple[Any, ...]:
        """What one hook returns, walked to its end in a thread, since it may be a generator that blocks."""
        if hook not in plugin.hooks:
            return ()

        def work() -> tuple[Any, ...]:
            made = plugin.call(hook, instance=instance)
            if made is None:
                return ()
            if not isinstance(made, Iterable):
                raise BadProvider(f"{hook}() returned a {type(made).__name__}; it must return a list")
            return tuple(made)

        try:
            return await await_in_thread(work, self._hook_seconds, f"{hook}() of {instance.id}")
        except OutOfTime as error:
            raise BadProvider(f"{hook}() did not return in {error.seconds:g} s; hooks do no I/O") from error

    async def start(self, built: Built) -> None:
        """Start the providers in order. Raises `OutOfTime`, `TriedToExit`, or what a provider raised."""
        for provider in built.providers:
            start = getattr(provider, "start", None)
            if start is not None:
                await await_in_task(start, self._start_seconds)

    async def stop(self, built: Built) -> None:
        """Stop the providers in reverse order and close their clients. Never raises for what a plugin does."""
        log = built.instance.log
        for provider in reversed(built.providers):
            stop = getattr(provider, "stop", None)
            if stop is None:
                continue
            try:
                await await_in_task(stop, self._stop_seconds)
            except Exception as error:  # noqa: BLE001 - the others must be stopped all the same
                log.warning("stop failed", provider=type(provider).__name__, error=str(error))
        try:
            await await_in_task(built.instance.close, self._stop_seconds)
        except Exception as error:  # noqa: BLE001
            log.warning("clients were not closed", error=str(error))


def lifecycle_problems(provider: object) -> list[str]:
    """What is wrong with a provider's own `start` and `stop`."""
    return [line for kind in (_Starts, _Stops) if offers(provider, kind) for line in problems(provider, kind)]


class _Starts:
    async def start(self) -> None:
        """What a provider may have."""


class _Stops:
    async def stop(self) -> None:
        """What a provider may have."""


def secrets(settings: Settings) -> list[str]:
    """The values of all secrets in the settings."""
    values = (getattr(settings, name) for name in settings.__struct_fields__)
    return [value.reveal() for value in values if isinstance(value, Secret) and value]
