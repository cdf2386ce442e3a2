"""Commands: queued, started, completed, each step announced on the live channel."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from .http import Refused, Reply, Request, Router, Row, failure
from .store import stamp

if TYPE_CHECKING:
    from .engine import ArrSimulator

Work = Callable[[Row], Awaitable[str]]  # takes the body, returns the completion message


def without_nulls(value: Any) -> Any:
    """A JSON value without the fields that are null, as their serialiser leaves them out."""
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return value


class Spec(Struct, frozen=True, kw_only=True):
    """One command: the defaults of its body and what it does."""

    name: str
    work: Work
    body: Row = {}
    priority: str = "normal"
    disk: bool = False  # requiresDiskAccess
    long: bool = False  # isLongRunning
    updates: bool = True  # sendUpdatesToClient
    task: bool = True  # updateScheduledTask


class Commands:
    """The command queue of one simulator. Rows are not kept over a restart, as the real ones purge theirs."""

    start_seconds = 0.02

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim
        self.rows: list[Row] = []
        self.specs: dict[str, Spec] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self, router: Router) -> None:
        """Serve commands."""
        router.add("GET", "/api/v3/command", self._list)
        router.add("POST", "/api/v3/command", self._post)
        router.add("GET", "/api/v3/command/{id}", self._one)
        router.add("DELETE", "/api/v3/command/{id}", self._cancel)

    def know(self, *specs: Spec) -> None:
        """Offer commands."""
        for spec in specs:
            self.specs[spec.name.lower()] = spec

    def push(self, name: str, body: Row | None = None, trigger: str = "unspecified") -> Row:
        """Queue a command; returns its row."""
        spec = self.specs[name.lower()]
        given = {**spec.body, **without_nulls(body or {})}
        given.pop("name", None)
        given |= {
            "sendUpdatesToClient": spec.updates,
            "updateScheduledTask": spec.task,
            "requiresDiskAccess": spec.disk,
            "isExclusive": False,
            "isLongRunning": spec.long,
            "name": spec.name,
            "trigger": trigger,
            "suppressMessages": False,
        }
        if self.sim.type_exclusive:
            given["isTypeExclusive"] = False
        if spec.long and spec.name.startswith("Refresh"):
            given["completionMessage"] = "Completed"
        row: Row = {
            "name": spec.name,
            "commandName": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", spec.name),
            "body": given,
            "priority": spec.priority,
            "status": "queued",
            "result": "unknown",
            "queued": stamp(),
            "trigger": trigger,
            "sendUpdatesToClient": spec.updates,
            "updateScheduledTask": spec.task,
            "id": (self.rows[-1]["id"] if self.rows else 0) + 1,
        }
        self.rows.append(row)
        del self.rows[:-200]
        self._announce(row)
        task = asyncio.create_task(self._run(spec, row))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return row

    async def stop(self) -> None:
        """Cancel what still runs."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def busy(self) -> bool:
        """Whether a command runs or waits."""
        return bool(self._tasks)

    async def idle(self) -> None:
        """Wait until no command runs, for tests."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _announce(self, row: Row) -> None:
        if row["sendUpdatesToClient"]:
            self.sim.hub.send("command", "updated", dict(row))

    def _step(self, row: Row, status: str) -> None:
        row["status"] = status
        row["stateChangeTime"] = stamp()
        row["ended" if status != "started" else "started"] = stamp()
        self._announce(row)

    async def _run(self, spec: Spec, row: Row) -> None:
        await asyncio.sleep(self.start_seconds)
        if row["status"] != "queued":
            return
        begun = time.monotonic()
        self._step(row, "started")
        try:
            message = await spec.work(row["body"])
            result = "successful"
        except Refused as refusal:
            body = refusal.reply.body
            message = str(body["message"]) if isinstance(body, dict) else "Failed"
            result = "unsuccessful"
        row["result"] = result
        if message:
            row["message"] = message
        seconds = time.monotonic() - begun
        row["duration"] = f"00:{int(seconds // 60):02}:{int(seconds % 60):02}.{int(seconds % 1 * 1e7):07}"
        self._step(row, "completed" if result == "successful" else "failed")

    async def _list(self, request: Request) -> Reply:
        return Reply(body=[_resource(row) for row in self.rows])

    async def _post(self, request: Request) -> Reply:
        body = request.json({"name": str})
        if str(body.get("name", "")).lower() not in self.specs:
            status = 400 if self.sim.lenient else 500
            raise failure(status, "Sequence contains no matching element")
        row = self.push(body["name"], self.sim.command_body(body), "manual")
        location = f"/api/v3/command/{row['id']}"
        return Reply(status=201, body=_resource(row), headers={"Location": location})

    def _found(self, request: Request) -> Row:
        row = next((row for row in self.rows if row["id"] == request.params["id"]), None)
        if row is None:
            raise self.sim.missing("command")
        return row

    async def _one(self, request: Request) -> Reply:
        return Reply(body=_resource(self._found(request)))

    async def _cancel(self, request: Request) -> Reply:
        row = self._found(request)
        if row["status"] == "queued":
            self._step(row, "cancelled")
        return Reply(content_type=None)


_ORDER = (
    *("name", "commandName", "message", "body", "priority", "status", "result", "queued", "started", "ended"),
    *("duration", "trigger", "stateChangeTime", "sendUpdatesToClient", "updateScheduledTask", "id"),
)


def _resource(row: Row) -> Row:
    return {name: row[name] for name in _ORDER if name in row}
