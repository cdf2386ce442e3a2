"""How the products word refusals and empty answers, for the fault switches."""

from __future__ import annotations

import msgspec

from vaderflix_core.testing import Refusal

_PAGED = ("/queue", "/history", "/blocklist", "/wanted/missing", "/wanted/cutoff", "/log")
_OBJECTS = ("/ping", "/system/status", "/queue/status", "/api")


class ArrWording:
    """One product's words; `app_name` is "Radarr" or "Sonarr"."""

    def __init__(self, app_name: str) -> None:
        self.app_name = app_name

    def refusal(self, status: int) -> Refusal:
        """401 is empty; 429 comes from a proxy before them; 500 is their exception handler's object."""
        if status == 401:
            return Refusal(status=401, content_type="text/plain", body=b"")
        if status == 429:
            return Refusal(
                status=429, content_type="text/plain", body=b"Too Many Requests", headers={"Retry-After": "5"}
            )
        message = "database is locked"
        body = {"message": message, "description": f"System.Data.SQLite.SQLiteException: {message}\n   at System"}
        return Refusal(status=status, content_type="application/json", body=msgspec.json.encode(body))

    def empty(self, method: str, path: str) -> Refusal:
        """An empty page, an empty list or an empty object, whichever the path answers with."""
        last = path.rstrip("/").rsplit("/", 1)[-1]
        if method == "DELETE":
            return Refusal(status=200, content_type="application/json", body=b"")
        if path.endswith(_PAGED):
            page = {"page": 1, "pageSize": 10, "sortDirection": "descending", "totalRecords": 0, "records": []}
            return Refusal(status=200, content_type="application/json", body=msgspec.json.encode(page))
        single = path.endswith(_OBJECTS) or last.isdigit() or method in ("POST", "PUT")
        return Refusal(status=200, content_type="application/json", body=b"{}" if single else b"[]")
