"""What is wrong with the containers of an engine, in the words of an admin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from vaderflix_core.api import Container, HealthReport, Instance, LogLine, NotFound, ServiceInfo, Severity

from .engine import is_id
from .log import MOST_LINES
from .settings import DockerSettings
from .view import Seen, View

# 130 is Ctrl-C, 143 is SIGTERM: somebody stopped it. 137 is SIGKILL, which `docker stop` sends to what does not listen
STOPPED_BY_HAND = frozenset({0, 130, 137, 143})
OLD = timedelta(days=1)


class DockerHealth:
    """A `HealthCheck`, `Connectable`, `Containers`, `Logs` and `Restart` for one engine."""

    def __init__(self, instance: Instance[DockerSettings]) -> None:
        self._instance = instance
        self.view = instance.shared(View)

    async def test(self) -> ServiceInfo:
        """Ask for the version, and whether the containers may be listed."""
        version = await self.view.engine.version()
        containers = await self.view.engine.containers()
        return ServiceInfo(product="Docker", version=version.version, detail=f"{len(containers)} containers")

    async def containers(self) -> list[Container]:
        """All containers, by name. CPU is known from the second reading on."""
        return [seen.container for seen in await self.view.read()]

    async def logs(self, container_id: str, lines: int) -> list[LogLine]:
        """The last lines of a container, 500 at most. Raises `NotFound`."""
        _must_be_id(container_id)
        record = await self.view.engine.inspect(container_id)
        return await self.view.engine.logs(record, min(max(lines, 1), MOST_LINES))

    async def restart(self, container_id: str) -> None:
        """Restart a container, or start one that does not run. Raises `NotFound`."""
        _must_be_id(container_id)
        try:
            await self.view.engine.restart(container_id)
        finally:
            self.view.forget()

    async def look(self) -> None:
        """Read all containers once, for their figures and restarts."""
        await self.view.read()

    async def check(self) -> list[HealthReport]:
        """Containers in trouble. Raises when the engine cannot be asked."""
        now = self._instance.now()
        return [
            report
            for seen in await self.view.read()
            for report in findings(seen, now, self._instance.settings.memory_warn_percent)
        ]


def _must_be_id(container_id: str) -> None:
    if not is_id(container_id):
        raise NotFound("There is no such container.")


def findings(seen: Seen, now: datetime, memory_warn_percent: int) -> Iterator[HealthReport]:
    """What is wrong with one container; at most one report on its state, and one on its memory."""
    container, state = seen.container, seen.record.state
    name = f"“{container.name}”"
    used_up = state.oom_killed and state.status != "running"
    if used_up:
        yield _report(seen, Severity.ERROR, "oom", f"{name} used all its memory and was killed.", exit_code=137)
    elif seen.looping:
        said = f" Its last exit code was {state.exit_code}." if state.exit_code else ""
        yield _report(
            seen,
            Severity.ERROR,
            "restart_loop",
            f"{name} starts again and again: {container.restarts} restarts.{said}",
            restarts=container.restarts,
        )
    elif container.state == "dead":
        yield _report(seen, Severity.ERROR, "dead", f"{name} could not be removed and is dead.")
    elif container.state == "exited" and state.exit_code not in STOPPED_BY_HAND and not _left_over(seen, now):
        yield _report(
            seen,
            Severity.ERROR,
            "exited",
            f"{name} stopped with exit code {state.exit_code}.{_sentence(state.error)}",
            exit_code=state.exit_code,
        )
    elif container.state == "running" and container.health == "unhealthy":
        yield _report(seen, Severity.ERROR, "unhealthy", f"{name} is unhealthy.{_sentence(last_probe(seen))}")
    if container.memory is not None and container.memory_limit:
        percent = container.memory / container.memory_limit * 100
        if percent >= memory_warn_percent:
            yield _report(
                seen,
                Severity.WARNING,
                "memory",
                f"{name} uses {percent:.0f} % of the memory it may have.",
                memory_percent=percent,
            )


def last_probe(seen: Seen) -> str:
    """What the container's own health check said last, on one line."""
    health = seen.record.state.health
    output = health.log[-1].output if health and health.log else ""
    return " ".join(output.split())[:200]


def _sentence(text: str) -> str:
    return f" It says: {text}" if text else ""


def _left_over(seen: Seen, now: datetime) -> bool:
    """A job that ran once and failed long ago is nobody's trouble today."""
    finished = seen.record.state.finished_at
    once = seen.record.host_config.restart_policy.name in ("", "no")
    return once and finished is not None and now - finished > OLD


def _report(seen: Seen, severity: Severity, trouble: str, message: str, **metrics: float) -> HealthReport:
    return HealthReport(
        severity=severity, code=f"{trouble}:{seen.container.name}", message=message, metrics=dict(metrics)
    )
