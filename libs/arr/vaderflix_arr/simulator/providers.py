"""Settings that carry fields and a test: download clients, notifications, indexers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from .http import JSON, Reply, Request, Router, Row, complaint, invalid
from .store import Store

MASK = "********"


class Field(Struct, frozen=True, kw_only=True):
    """One field of a provider's form."""

    name: str
    label: str
    value: Any = None
    kind: str = "textbox"
    privacy: str = "normal"
    advanced: bool = False
    help: str = ""
    options: tuple[Row, ...] = ()

    def resource(self, order: int, value: Any) -> Row:
        """As the API lists it; secrets are masked."""
        row: Row = {"order": order, "name": self.name, "label": self.label}
        if self.help:
            row["helpText"] = self.help
        if value is not None and value != "":
            row["value"] = MASK if self.privacy in ("password", "apiKey") else value
        row |= {"type": self.kind, "advanced": self.advanced}
        if self.options:
            row["selectOptions"] = list(self.options)
        return {**row, "privacy": self.privacy, "isFloat": False}


class Kind(Struct, kw_only=True):
    """One kind of provider: its table and path, its form, and how it is tested."""

    table: str
    implementation: str
    name: str  # implementationName
    contract: str
    link: str
    fields: tuple[Field, ...]
    head: Callable[[Row], Row]  # the values before the name, with defaults
    test: Callable[[Row], Awaitable[None]]
    changed: Callable[[], None]

    def resource(self, row: Row) -> Row:
        """A stored provider as the API shows it."""
        values = {field["name"]: field.get("value") for field in row.get("fields", [])}
        fields = [field.resource(order, values.get(field.name, field.value)) for order, field in enumerate(self.fields)]
        shown = {**self.head(row), "name": row.get("name", ""), "fields": fields}
        shown |= {"implementationName": self.name, "implementation": self.implementation}
        shown |= {"configContract": self.contract, "infoLink": self.link, "tags": row.get("tags") or []}
        return {**shown, "id": row["id"]} if row.get("id") else {**shown, "presets": []}


class Providers:
    """The routes of one kind."""

    def __init__(self, store: Store, kind: Kind) -> None:
        self.store, self.kind = store, kind

    def routes(self, router: Router) -> None:
        """Serve the kind."""
        base = f"/api/v3/{self.kind.table}"
        router.add("GET", f"{base}/schema", self._schema)
        router.add("POST", f"{base}/test", self._test)
        router.add("POST", f"{base}/testall", self._testall)
        router.add("GET", base, self._list)
        router.add("POST", base, self._create)
        router.add("GET", f"{base}/{{id}}", self._one)
        router.add("PUT", f"{base}/{{id}}", self._update)
        router.add("DELETE", f"{base}/{{id}}", self._delete)

    async def _schema(self, request: Request) -> Reply:
        return Reply(body=[self.kind.resource({})])

    async def _list(self, request: Request) -> Reply:
        return Reply(body=[self.kind.resource(row) for row in self.store.rows(self.kind.table)])

    def _stored(self, request: Request) -> Row:
        row = self.store.get(self.kind.table, request.params["id"])
        if row is None:
            raise invalid([complaint("Id", "Provider not found")])
        return row

    async def _one(self, request: Request) -> Reply:
        return Reply(body=self.kind.resource(self._stored(request)))

    def _given(self, request: Request) -> Row:
        """The body, with masked secrets replaced by those stored under its id."""
        row = request.json({"name": str, "fields": list, "tags": list})
        old = self.store.get(self.kind.table, request.params.get("id") or row.get("id") or 0)
        secrets = {field["name"]: field.get("value") for field in (old or {}).get("fields", [])}
        for field in row.get("fields", []):
            if field.get("value") == MASK:
                field["value"] = secrets.get(field["name"])
        name = str(row.get("name", "")).lower()
        for other in self.store.rows(self.kind.table):
            if other is not old and str(other.get("name", "")).lower() == name:
                attempted = row.get("name")
                raise invalid([complaint("Name", "Should be unique", attempted, "PredicateValidator")])
        return row

    async def _test(self, request: Request) -> Reply:
        await self.kind.test(self._given(request))
        return Reply(body=b"{}", content_type="text/plain; charset=utf-8")

    async def _testall(self, request: Request) -> Reply:
        rows = []
        for row in self.store.rows(self.kind.table):
            await self.kind.test(row)
            rows.append({"id": row["id"], "isValid": True, "validationFailures": []})
        return Reply(body=rows, content_type=JSON)

    async def _create(self, request: Request) -> Reply:
        row = self._given(request)
        row.pop("id", None)
        if row.get("enable", True):
            await self.kind.test(row)
        self.store.add(self.kind.table, row)
        self.kind.changed()
        location = f"/api/v3/{self.kind.table}/{row['id']}"
        return Reply(status=201, body=self.kind.resource(row), headers={"Location": location})

    async def _update(self, request: Request) -> Reply:
        old = self._stored(request)
        row = {**self._given(request), "id": old["id"]}
        if self.kind.resource(row) != self.kind.resource(old) or row.get("fields") != old.get("fields"):
            await self.kind.test(row)
        old.clear()
        old.update(row)
        self.store.touch()
        self.kind.changed()
        location = f"/api/v3/{self.kind.table}/{old['id']}"
        return Reply(status=202, body=self.kind.resource(old), headers={"Location": location})

    async def _delete(self, request: Request) -> Reply:
        self._stored(request)
        self.store.remove(self.kind.table, lambda row: row["id"] == request.params["id"])
        self.kind.changed()
        return Reply(body={})
