"""What every client asks first: who are you, are you well, and what may be chosen."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .http import PIPELINE, Reply, Request, Router, Row, complaint, invalid
from .store import NEVER, paged, stamp

if TYPE_CHECKING:
    from .engine import ArrSimulator

_TASKS = {
    "RefreshMonitoredDownloads": 1,
    "MessagingCleanup": 5,
    "CheckHealth": 360,
    "RssSync": 15,
    "Housekeeping": 1440,
    "Backup": 10080,
}


class System:
    """Status, health, disks, root folders and tags."""

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim
        self.started = datetime.now(UTC)

    def routes(self, router: Router) -> None:
        """Serve them."""
        for method in ("GET", "HEAD"):
            router.add(method, "/ping", self._ping)
        router.add("GET", "/api", self._api)
        router.add("GET", "/api/v3/system/status", self._status)
        router.add("GET", "/api/v3/system/task", self._tasks)
        router.add("POST", "/api/v3/system/restart", self._restart)
        router.add("GET", "/api/v3/health", self._health)
        router.add("GET", "/api/v3/diskspace", self._disks)
        router.add("GET", "/api/v3/log", self._log)
        router.add("GET", "/api/v3/rootfolder", self._roots)
        router.add("POST", "/api/v3/rootfolder", self._add_root)
        router.add("GET", "/api/v3/rootfolder/{id}", self._root)
        router.add("DELETE", "/api/v3/rootfolder/{id}", self._remove_root)
        router.add("GET", "/api/v3/tag/detail", self._tag_details)
        router.add("GET", "/api/v3/tag", self._tags)
        router.add("POST", "/api/v3/tag", self._add_tag)
        router.add("GET", "/api/v3/tag/{id}", self._tag)
        router.add("PUT", "/api/v3/tag/{id}", self._rename_tag)
        router.add("DELETE", "/api/v3/tag/{id}", self._remove_tag)

    async def _ping(self, request: Request) -> Reply:
        return Reply(body={"status": "OK"}, versioned=False)

    async def _api(self, request: Request) -> Reply:
        five = self.sim.five
        return Reply(body={"current": "v5" if five else "v3", "deprecated": ["v3"] if five else []})

    async def _status(self, request: Request) -> Reply:
        sim = self.sim
        body: Row = {
            "appName": sim.app_name,
            "instanceName": sim.app_name,
            "version": sim.version,
            "buildTime": "2026-06-26T00:00:00Z",
            "isDebug": False,
            "isProduction": True,
            "isAdmin": False,
            "isUserInteractive": True,
            "startupPath": f"/app/{sim.slug}/bin",
            "appData": "/config",
            "osName": "debian",
            "osVersion": "12",
            "isNetCore": True,
            "isLinux": True,
            "isOsx": False,
            "isWindows": False,
            "isDocker": True,
            "mode": "console",
            "branch": "main",
            "authentication": "forms",
            "migrationVersion": 242,
            "urlBase": sim.url_base,
            "runtimeVersion": "8.0.12",
            "runtimeName": "netcore",
            "startTime": stamp(self.started),
            "packageUpdateMechanism": "docker",
            "databaseVersion": "3.50.4",
            "databaseType": "sqLite",
        }
        if sim.five:
            body["isContainerized"] = True
        return Reply(body=body)

    async def _tasks(self, request: Request) -> Reply:
        rows = []
        now = datetime.now(UTC)
        for number, (name, minutes) in enumerate(_TASKS.items(), 1):
            row = {"name": name, "taskName": name, "interval": minutes, "lastExecution": stamp(self.started)}
            row |= {"lastStartTime": NEVER, "nextExecution": stamp(now + timedelta(minutes=minutes))}
            rows.append({**row, "lastDuration": "00:00:00.0065074", "id": number})
        return Reply(body=rows)

    async def _restart(self, request: Request) -> Reply:
        self.sim.hub.drop()
        return Reply(body={"restarting": True})

    async def _health(self, request: Request) -> Reply:
        return Reply(body=self.sim.health())

    async def _disks(self, request: Request) -> Reply:
        usage = shutil.disk_usage(self.sim.media)
        return Reply(body=[{"path": "/", "label": "", "freeSpace": usage.free, "totalSpace": usage.total}])

    async def _log(self, request: Request) -> Reply:
        return Reply(body=paged(request, [], {"time": lambda row: row["time"]}))

    def _root_row(self, row: Row) -> Row:
        path = Path(row["path"])
        usable = path.is_dir()
        shown: Row = {"path": row["path"], "accessible": usable}
        if usable:
            usage = shutil.disk_usage(path)
            shown["freeSpace"] = usage.free
            if self.sim.root_total:
                shown["totalSpace"] = usage.total
        known = {item["path"] for item in self.sim.store.rows(self.sim.table)}
        folders = sorted(p for p in path.iterdir() if p.is_dir() and str(p) not in known) if usable else []
        shown["unmappedFolders"] = [{"name": p.name, "path": str(p), "relativePath": p.name} for p in folders]
        return {**shown, "id": row["id"]}

    async def _roots(self, request: Request) -> Reply:
        return Reply(body=[self._root_row(row) for row in self.sim.store.rows("roots")])

    async def _root(self, request: Request) -> Reply:
        row = self.sim.store.get("roots", request.params["id"])
        if row is None:
            raise self.sim.missing("rootfolder")
        return Reply(body=self._root_row(row))

    async def _add_root(self, request: Request) -> Reply:
        path = str(request.json({"path": str}).get("path") or "").rstrip("/")
        if not path:
            raise invalid([complaint("Path", "'Path' must not be empty.", None, "NotEmptyValidator")])
        if self.sim.store.where("roots", path=path):
            text = f"Path '{path}' is already configured as a root folder"
            raise invalid([complaint("Path", text, path, "RootFolderValidator", path=path)])
        if not await asyncio.to_thread(Path(path).is_dir):
            raise invalid([complaint("Path", f"Path '{path}' does not exist", path, "PathExistsValidator", path=path)])
        row = self.sim.store.add("roots", {"path": path})
        location = f"/api/v3/rootfolder/{row['id']}"
        return Reply(status=201, body=self._root_row(row), headers={"Location": location})

    async def _remove_root(self, request: Request) -> Reply:
        self.sim.store.remove("roots", lambda row: row["id"] == request.params["id"])
        return Reply(content_type=None)

    async def _tags(self, request: Request) -> Reply:
        return Reply(body=self.sim.store.rows("tags"))

    def _tag_row(self, request: Request) -> Row:
        row = self.sim.store.get("tags", request.params["id"])
        if row is None:
            raise self.sim.missing("tag")
        return row

    async def _tag(self, request: Request) -> Reply:
        return Reply(body=self._tag_row(request))

    def _label(self, request: Request) -> str:
        label = str(request.json({"label": str}).get("label") or "").lower()
        if not label or not all(c.isascii() and (c.isalnum() or c == "-") for c in label):
            text = "Allowed characters a-z, 0-9 and -"
            raise invalid([complaint("Label", text, label, "RegularExpressionValidator")])
        return label

    async def _add_tag(self, request: Request) -> Reply:
        label = self._label(request)
        known = self.sim.store.where("tags", label=label)
        row = known[0] if known else self.sim.store.add("tags", {"label": label})
        return Reply(status=201, body=row, headers={"Location": f"/api/v3/tag/{row['id']}"})

    async def _rename_tag(self, request: Request) -> Reply:
        row = self._tag_row(request)
        row["label"] = self._label(request)
        self.sim.store.touch()
        return Reply(status=202, body=row, headers={"Location": f"/api/v3/tag/{row['id']}"})

    async def _remove_tag(self, request: Request) -> Reply:
        row = self._tag_row(request)
        used = [item for item in self.sim.store.rows(self.sim.table) if row["id"] in item["tags"]]
        if used:
            message = f"'{row['label']}' cannot be deleted since it's still in use"
            body = {"message": message, "description": f"ModelConflictException: {message}"}
            return Reply(status=409, body=body, content_type=PIPELINE, versioned=False)
        self.sim.store.remove("tags", lambda tag: tag is row)
        return Reply(content_type=None)

    async def _tag_details(self, request: Request) -> Reply:
        rows = []
        for tag in self.sim.store.rows("tags"):
            shown: Row = {"label": tag["label"]}
            shown |= {name: [] for name in self.sim.tag_lists}
            used = [item["id"] for item in self.sim.store.rows(self.sim.table) if tag["id"] in item["tags"]]
            rows.append({**shown, f"{self.sim.item_field}s": used, "id": tag["id"]})
        return Reply(body=rows)
