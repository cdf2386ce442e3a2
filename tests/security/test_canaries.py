"""Secrets are set everywhere and services repeat them in every error: no answer, header, log line or export has one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
import structlog
from attack import PASSWORD, Besieged, Endless, Person, routes_of

from vaderflix_core.api.settings import fields
from vaderflix_core.config import load_config
from vaderflix_core.host import Host
from vaderflix_core.log import Redactor, configure_logging
from vaderflix_core.testing.serving import served
from vaderflix_web.app import create_app
from vaderflix_web.limits import Limiter

pytestmark = pytest.mark.anyio


class Parrot:
    """A service that answers everything with an error that repeats what it was sent, or sends us on with it."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.status = 500

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        sent = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        said = json.dumps(
            {
                "message": f"{sent} {scope['path']} {scope['query_string'].decode()} {body.decode('latin-1')}",
                "error": sent,
            }
        )
        self.heard.append(said)
        headers = [(b"content-type", b"application/json"), (b"x-echo", said.encode("latin-1", "replace")[:900])]
        if self.status == 302:
            headers.append((b"location", b"http://elsewhere.example/?said=" + quote(said)[:900].encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": said.encode()})


async def parrot_by_mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same as a mail server: it knows AUTH, and refuses it in the words that it was given."""
    writer.write(b"220 parrot\r\n")
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            greeting = line.upper().startswith((b"EHLO", b"HELO"))
            writer.write(b"250-parrot\r\n250 AUTH PLAIN LOGIN\r\n" if greeting else b"535 5.7.8 no: " + line)
            await writer.drain()
    writer.close()


def canary(plugin: str, field: str) -> str:
    """A secret that is changed by every way of quoting; no field's pattern minds its signs."""
    return f"cAnArY-{plugin}-{field}/+&=<\"'"


def values(settings: type[Any], plugin: str, url: str, mail_port: int) -> dict[str, Any]:
    """Settings of a plugin with a canary in every secret, and an address that answers in every address."""
    address = httpx.URL(url)
    found: dict[str, Any] = {}
    for field in fields(settings):
        if field.kind == "secret":
            found[field.name] = canary(plugin, field.name)
        elif field.kind == "url" or field.name in ("url", "address", "account_url"):
            found[field.name] = url.replace("http://", "tcp://") if field.name == "address" else url
        elif field.name == "host":
            found[field.name] = address.host
        elif field.name == "port":
            found[field.name] = mail_port
        elif field.name == "security":
            found[field.name] = "none"
        elif field.name == "username":
            found[field.name] = "someone"
        elif field.required:
            found[field.name] = "house@example.org" if "address" in field.name else "1"
    return found


def spellings(secret: str) -> set[str]:
    """How a secret could look where it does not belong."""
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), quote_plus(secret), quote(secret), json.dumps(secret)[1:-1], raw.hex()}
    found |= {f.lower() for f in (quote(secret, safe=""),)}
    for shift in range(3):
        # where it stands in the encoded text decides its letters; its two ends mix with what stands beside it
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(b"x" * shift + raw).decode().rstrip("=")
            found.add(whole[4 if shift else 0 : -3])
    return found


class Watch:
    """Every answer and every log line, searched for canaries."""

    def __init__(self, secrets: list[str]) -> None:
        self.secrets = {secret: spellings(secret) for secret in secrets}
        self.leaks: list[str] = []
        self.seen = 0
        self.log = io.StringIO()

    def search(self, where: str, text: str) -> None:
        plain = unescape(text)
        for secret, forms in self.secrets.items():
            for form in forms:
                if form in text or form in plain:
                    self.leaks.append(f"{where}: {secret} as {form}")
                    break

    async def answer(self, response: httpx.Response) -> None:
        await response.aread()
        self.seen += 1
        import sys

        print(
            round(response.elapsed.total_seconds(), 2), response.request.url, file=sys.__stderr__
        ) if response.elapsed.total_seconds() > 0.7 else None
        where = f"{response.request.method} {response.request.url.path} {response.status_code}"
        text = response.content.decode("utf-8", "replace")
        own = response.request.url.path in ("/api/v1/session", "/signin")
        for name, value in response.headers.multi_items():
            if not (own and name == "set-cookie"):
                self.search(f"{where} header {name}", value)
        self.search(where, text)


@contextlib.contextmanager
def logging_to(watch: Watch, redactor: Redactor) -> Iterator[None]:
    """Our own logging, at its most talkative, into the watch."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logging(redactor, level="debug", stream=watch.log)
    try:
        yield
    finally:
        root.handlers[:], _ = before, root.setLevel(level)
        structlog.reset_defaults()


class World:
    def __init__(self, host: Host, house: Besieged, watch: Watch, parrot: Parrot, url: str, mail_port: int) -> None:
        self.host, self.house, self.watch, self.parrot = host, house, watch, parrot
        self.url, self.mail_port = url, mail_port

    def hear(self, person: Person) -> Person:
        person.http.event_hooks["response"].append(self.watch.answer)
        return person


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The real plugins, every one configured with canaries and with a service that repeats them."""
    folder: Path = tmp_path_factory.mktemp("canaries")
    parrot, redactor = Parrot(), Redactor()
    mail = await asyncio.start_server(parrot_by_mail, "127.0.0.1", 0)
    mail_port = mail.sockets[0].getsockname()[1]
    async with mail, served(parrot) as url:
        host = Host(load_config(None, {"VADERFLIX_DATA_DIR": str(folder)}), redactor=redactor)
        usable = {id: record.info for id, record in host.plugins.items() if record.info is not None}
        secrets = [
            canary(plugin, field.name)
            for plugin, info in usable.items()
            for field in fields(info.settings)
            if field.kind == "secret"
        ]
        secrets.append(PASSWORD)
        watch = Watch(secrets)
        with logging_to(watch, redactor):
            await host.start()
            house = Besieged(host, create_app(host, manage_host=False, limiter=Limiter(Endless())), None, folder)  # type: ignore[arg-type]
            for name, role in (("mara", "admin"), ("edith", "requester")):
                house.users[name] = await host.access.create_user(name, PASSWORD, role=role)
            for plugin, info in usable.items():
                id, settings = plugin.replace("_", "-"), values(info.settings, plugin, url, mail_port)
                await host.instances.save(id=id, plugin=plugin, name=plugin, settings=settings, new=True)
            try:
                yield World(host, house, watch, parrot, url, mail_port)
            finally:
                await host.stop()


async def everything(world: World, person: Person, instances: list[str]) -> None:
    """Ask for every page and every part of the API, once for each service where one is named."""
    kinds = {"kind": "movie", "ref": "tmdb-19", "plugin": "", "code": "x", "token": "x"}
    for route in world.house.pages():
        names = [name for name, _ in route.parameters]
        about_one = any(name in ("instance", "instance_id", "plugin_id") for name in names)
        for instance in instances if about_one else instances[:1]:
            path = route.filled(
                lambda name, kind, instance=instance: "1" if kind == "int" else kinds.get(name) or instance  # type: ignore[misc]
            )
            await person.http.get(path)


async def test_no_secret_comes_back_from_anywhere(world: World) -> None:
    host, watch = world.host, world.watch
    instances = sorted(world.host.supervisor.records)
    assert len(instances) >= 6
    assert len(watch.secrets) >= 7
    mara, edith = await world.house.person("mara"), await world.house.person("edith")
    world.hear(mara), world.hear(edith)
    headers = {"X-Vaderflix": "1"}
    for status in (500, 401, 302):
        world.parrot.status = status
        for id in instances:
            plugin = host.supervisor.records[id].config.plugin
            settings = host.plugins[plugin].info.settings  # type: ignore[union-attr]
            body = {"plugin": plugin, "settings": values(settings, plugin, world.url, world.mail_port)}
            for what in ("test", "choices"):
                await mara.http.post(f"/api/v1/services/{what}", json=body, headers=headers)
            form = {f"s.{name}": str(value) for name, value in body["settings"].items()}
            for path in ("/admin/test-connection", "/admin/choices", f"/admin/services/new/{plugin}"):
                await mara.form(
                    path, {"plugin": plugin, "plugin_id": plugin, "id": "", "name": "", "instance": id, **form}
                )
            await mara.http.post(f"/api/v1/services/{id}/retry", headers=headers)
            await host.monitor.check_now(id)
        await mara.http.get("/api/v1/search?q=metropolis")
        await edith.http.get("/search?q=metropolis")
        await edith.http.get("/live/search?q=metropolis")
        if status != 302:
            await everything(world, mara, instances)
        if status == 500:
            await everything(world, edith, instances[:1])
    for path in ("/you/data/export",):
        await edith.form(path, {"password": PASSWORD})
    heard = " ".join(world.parrot.heard)
    assert any(json.dumps(one)[1:-1] in heard or one in heard for one in watch.secrets), (
        "the services were given secrets"
    )
    for route in world.house.routes:
        await edith.ask(route)
    watch.search("the log", watch.log.getvalue())
    assert watch.seen > 300
    assert watch.log.getvalue()
    assert watch.leaks == []


async def test_what_is_kept_is_sealed(world: World) -> None:
    """The database file, which backups copy, holds no secret as it is; what is shown of people holds no hash."""
    stored = b"".join(path.read_bytes() for path in world.house.folder.glob("vaderflix.db*"))
    assert len(stored) > 100_000
    watch = Watch(list(world.watch.secrets))
    watch.search("the database", stored.decode("latin-1"))
    assert watch.leaks == []


async def test_hashes_and_tokens_of_people_are_in_no_page_and_no_log(world: World) -> None:
    key, _ = await world.host.sessions.create_key(world.house.users["edith"], "hers", None)
    mara, edith = await world.house.person("mara"), await world.house.person("edith")
    tokens = [key, *(person.http.cookies[name] for person in (mara, edith) for name in ("vf_access", "vf_refresh"))]
    watch = Watch(tokens)
    for person in (mara, edith):
        person.http.event_hooks["response"].append(watch.answer)
        await everything(world, person, sorted(world.host.supervisor.records)[:1])
        await person.http.get("/api/v1/me", headers={"X-Api-Key": key})
    watch.search("the log", world.watch.log.getvalue())
    assert watch.leaks == []
    pages = [(await mara.http.get(path)).text for path in ("/api/v1/users", "/admin/people", "/api/v1/me/keys")]
    assert not re.search(r"argon2|password_hash|totp_secret|\$v=19", "".join(pages))


def test_no_route_is_left_out_of_the_search(world: World) -> None:
    assert {str(r) for r in routes_of(world.house.app)} == {str(r) for r in world.house.routes}
