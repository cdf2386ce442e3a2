"""What a call may be at all: whose page sent it, with which method, fields and size; and where an answer leads."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, get_args, get_origin

import httpx
import msgspec
import pytest
from attack import BASE, PASSWORD, Besieged, Person
from litestar._parsers import parse_url_encoded_form_data
from msgspec import Struct

from vaderflix_web.app import MAX_BODY, create_app
from vaderflix_web.auth import local_path
from vaderflix_web.limits import CLASSES, Limiter, MemoryCounter
from vaderflix_web.sent import MAX_FIELDS, MAX_FORM

pytestmark = pytest.mark.anyio

FOREIGN = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
CALLED_BY_SERVICES = re.compile(r"^/hooks/")


# -- forgery ---------------------------------------------------------------------------------------------------------


async def test_no_route_changes_anything_for_a_foreign_page(house: Besieged) -> None:
    """With the session's cookies, and without the token or the header that only our own pages have."""
    mara = await house.person("mara")
    tried = 0
    for route in house.routes:
        if route.method in ("GET", "HEAD") or CALLED_BY_SERVICES.match(route.path):
            continue
        form: dict[str, Any] = {"data": {"a": "b"}}
        text: dict[str, Any] = {"content": '{"a": "b"}'}
        for body, headers in (
            (form, FOREIGN),
            (form, {"X-HTTP-Method-Override": "GET"}),
            (text, {"Content-Type": "text/plain"}),
            (text, {"Content-Type": "application/json", "Sec-Fetch-Site": "same-site"}),
        ):
            answer = await mara.http.request(route.method, route.filled(), headers=headers, **body)
            assert answer.status_code in (403, 415), f"{route} {headers}: {answer.status_code}"
            tried += 1
    assert tried > 200


async def test_a_token_of_another_browser_is_no_good(house: Besieged) -> None:
    mara, evil = await house.person("mara"), await house.stranger()
    for token in (evil.token, evil.token[:-1], "", "0" * len(evil.token)):
        answer = await mara.http.post("/admin/people", data={"_csrf_token": token, "username": "eve"})
        assert answer.status_code == 403


async def test_no_page_can_sign_a_browser_in_as_somebody_else(house: Besieged) -> None:
    stranger = await house.stranger()
    sent = {"username": "mara", "password": PASSWORD}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"):
        content = msgspec.json.encode(sent)
        answer = await stranger.http.post("/api/v1/session", content=content, headers={"Content-Type": kind})
        assert answer.status_code == 415
        assert "set-cookie" not in answer.headers
    answer = await stranger.http.post("/api/v1/session", json=sent, headers=FOREIGN)
    assert answer.status_code == 403
    answer = await stranger.form("/signin", sent, headers=FOREIGN)
    assert answer.status_code == 403
    assert (await stranger.form("/signin", sent, headers={"Sec-Fetch-Site": "same-origin"})).status_code == 303


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", f"{BASE}:8741", "https://evil.example@vaderflix.test"]
)
async def test_a_browser_that_says_only_the_origin_is_known_by_it(house: Besieged, origin: str) -> None:
    """As over plain http, where browsers leave Sec-Fetch-Site out: other ports of our own host are foreign, too."""
    stranger = await house.stranger()
    sent = {"username": "mara", "password": PASSWORD}
    for answer in (
        await stranger.http.post("/api/v1/session", json=sent, headers={"Origin": origin}),
        await stranger.form("/signin", sent, headers={"Origin": origin}),
    ):
        assert (answer.status_code, "vf_access" in answer.headers.get("set-cookie", "")) == (403, False)
    assert (await stranger.http.post("/api/v1/session", json=sent, headers={"Origin": BASE})).status_code == 200


async def test_a_body_without_a_kind_is_no_json(house: Besieged) -> None:
    """A page can send one, as a blob without a type, and no browser asks us before."""
    stranger = await house.stranger()
    content = msgspec.json.encode({"username": "mara", "password": PASSWORD})

    async def in_chunks() -> AsyncIterator[bytes]:
        yield content

    for body in (content, in_chunks()):
        answer = await stranger.http.post("/api/v1/session", content=body)
        assert (answer.status_code, "set-cookie" in answer.headers) == (415, False)


async def test_foreign_sites_may_not_read_our_answers(house: Besieged) -> None:
    mara = await house.person("mara")
    for path in ("/api/v1/me", "/", "/api/v1/openapi.json"):
        for method in ("GET", "OPTIONS"):
            asked = {**FOREIGN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-vaderflix"}
            answer = await mara.http.request(method, path, headers=asked)
            assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_showing_a_page_needs_no_more_than_a_get_and_gets_change_nothing(house: Besieged) -> None:
    """Every GET and HEAD of the house as an admin; afterwards the same people, services and requests are there."""

    async def all_there() -> tuple[Any, ...]:
        host, mara = house.host, house.users["mara"]
        users = [(u.username, u.role, u.disabled, u.display_name) for u in await host.access.list_users()]
        services = [(s.id, s.enabled, s.version) for s in await host.instances.list()]
        requests = [(r.id, r.state) for r in await host.requests.list(mara, scope="all")]
        return users, services, requests, len(await host.sessions.keys(mara))

    before = await all_there()
    mara = await house.person("mara")
    for route in house.routes:
        if route.method in ("GET", "HEAD") and not route.is_stream:
            for value in ("films", "1"):
                path = route.filled(lambda name, kind, value=value: "1" if kind == "int" else value)  # type: ignore[misc]
                answer = await mara.http.request(route.method, path)
                assert answer.status_code < 500 or answer.status_code == 502, f"{path}: {answer.status_code}"
    assert await all_there() == before


# -- where answers lead ----------------------------------------------------------------------------------------------

ELSEWHERE = ["//evil.example", "///evil.example", "https://evil.example", "http:evil.example", "/\\evil.example",
             "\\\\evil.example", "/\tevil", "/\n/evil.example", "javascript:alert(1)", "data:text/html,x", "//evil@x",
             "/%09/evil.example\t", " //evil.example", "https:/evil.example", "/.//evil.example\r\n",
             "//[::1]/"]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_after_signing_in_nobody_is_sent_elsewhere(target: str) -> None:
    assert local_path(target) == "/"


@pytest.mark.parametrize(
    ("target", "there"),
    [("/\u2028/x", "/"), ("/\x7f", "/"), ("/search?q=Amélie 映画", "/search?q=Am%C3%A9lie%20%E6%98%A0%E7%94%BB"),
     ("/a%C3%A9?b=c&d=%2F#e", "/a%C3%A9?b=c&d=%2F#e")],
)  # fmt: skip
def test_after_signing_in_the_way_is_one_that_a_header_can_carry(target: str, there: str) -> None:
    assert local_path(target) == there


async def test_no_answer_leads_to_another_site(house: Besieged) -> None:
    """Every route with every usual name of a target, as somebody and as nobody."""
    mara, stranger = await house.person("mara"), await house.stranger()
    names = ("next", "url", "return", "return_to", "redirect", "redirect_uri", "continue", "back", "target")
    for target in ("//evil.example/x", "/\\evil.example/x"):
        query = dict.fromkeys(names, target)
        for route in house.routes:
            if route.is_stream or (route.method not in ("GET", "HEAD") and not route.path.startswith("/signin")):
                continue
            for person in (mara, stranger):
                headers = {"Referer": target, "Host": "localhost", "X-Forwarded-Host": "evil.example"}
                answer = await person.ask(route, params=query, headers=headers)
                for name in ("location", "hx-redirect", "hx-location", "refresh"):
                    leads = httpx.URL(house_url := str(answer.request.url)).join(answer.headers.get(name, ""))
                    assert leads.host == httpx.URL(house_url).host, f"{person.name} {route}: {leads}"
    for target in ELSEWHERE:
        person = await house.stranger()
        answer = await person.form("/signin", {"username": "noor", "password": PASSWORD, "next": target})
        assert answer.headers["location"] == "/"


# -- paths -----------------------------------------------------------------------------------------------------------

TRAVERSAL = ["../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
             "....//....//etc/passwd", "..%5c..%5cetc%5cpasswd", "/etc/passwd", "%2fetc%2fpasswd", "..%00/etc/passwd",
             "css/../../app.py", "css/%2e%2e/%2e%2e/app.py", "..;/app.py", "file:///etc/passwd",
             "%252e%252e%252fapp.py"]  # fmt: skip
LEAKED = re.compile(r"root:.*:0:0|def create_app|secret\.key|\[build-system\]")


@pytest.mark.parametrize("path", TRAVERSAL)
async def test_no_path_leads_out_of_its_folder(house: Besieged, path: str) -> None:
    mara = await house.person("mara")
    places = ("/static/x/", "/images/", "/play/", "/admin/panels/library/", "/admin/services/new/", "/hooks/",
              "/api/v1/description/", "/api/v1/services/", "/title/movie/")  # fmt: skip
    for place in places:
        # httpx would tidy the dots away; the application gets them as they are
        raw = httpx.URL(f"http://localhost{place}").copy_with(raw_path=(place + path).encode())
        answer = await mara.http.request("GET", raw)
        assert answer.status_code in (200, 303, 400, 403, 404, 405, 422, 502), f"{place}{path}: {answer.status_code}"
        assert not LEAKED.search(answer.text), f"{place}{path}"


async def test_a_plugins_template_stays_in_its_folder(house: Besieged) -> None:
    from jinja2 import TemplateNotFound

    templates = house.app.state.templates
    for name in ("../settings.py", "../../shelf/settings.py", "/etc/passwd", "..%2fsettings.py", "x/../../settings.py"):
        for plugin in ("shelf", "plex", "nobody", "", "..", "/etc"):
            with pytest.raises(TemplateNotFound):
                templates.env.get_template(f"{plugin}::{name}")


# -- fields ----------------------------------------------------------------------------------------------------------


def structs_in(kind: Any) -> set[type[Struct]]:
    """The Structs that an annotation takes."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        inner = [structs_in(field.type) for field in msgspec.structs.fields(kind)]
        return {kind}.union(*inner)
    if get_origin(kind) is None:
        return set()
    return set().union(*(structs_in(one) for one in get_args(kind) if one is not type(None)), set())


def bodies(house: Besieged) -> dict[str, set[type[Struct]]]:
    found = {}
    for route in house.routes:
        data = route.handler.parsed_fn_signature.parameters.get("data")
        if data is not None:
            found[str(route)] = structs_in(data.annotation)
    return found


def test_every_json_body_refuses_fields_it_does_not_know(house: Besieged) -> None:
    found = bodies(house)
    assert len(found) >= 10
    lax = {
        f"{route}: {kind.__name__}"
        for route, kinds in found.items()
        for kind in kinds
        if not kind.__struct_config__.forbid_unknown_fields
    }
    assert lax == set()
    assert [route for route, kinds in found.items() if not kinds] == [], "a body without a shape takes anything"


PRIVILEGED = {"id": 1, "user_id": 1, "role": "admin", "permissions": ["settings"], "granted": ["settings"],
              "withheld": [], "disabled": False, "username": "root", "password_hash": "x", "totp_secret": "x",
              "is_admin": True, "admin": True, "state": "approved", "approved": True, "owner": 1}  # fmt: skip


async def test_nobody_gains_rights_by_sending_more_fields_than_asked(house: Besieged) -> None:
    """Every form and JSON route that a member may use, with every privileged field there is."""
    before = {u.username: (u.id, u.role, u.permissions, u.disabled) for u in await house.host.access.list_users()}
    edith = await house.person("edith")
    members = {"public", "signed_in", "in_person", *house.users["edith"].permissions}
    skipped = re.compile(r"delete|signout|end|/session$|devices")
    for route in house.routes:
        if route.method in ("GET", "HEAD") or route.permission not in members or skipped.search(route.path):
            continue
        usual = {"display_name": "Edith", "time_zone": "UTC", "theme": "dark", "name": "x", "kind": "movie"}
        if route.is_api:
            for body in (PRIVILEGED, [PRIVILEGED], "x", None, {**usual, **PRIVILEGED}):
                answer = await edith.ask(route, json=body)
                assert answer.status_code < 500, f"{route}: {answer.status_code}"
        else:
            flat = {name: str(value) for name, value in PRIVILEGED.items()}
            answer = await edith.form(route.filled(), {**usual, **flat})
            assert answer.status_code < 500, f"{route}: {answer.status_code}"
    after = {u.username: (u.id, u.role, u.permissions, u.disabled) for u in await house.host.access.list_users()}
    assert after == before


# -- methods, sizes, cookies -----------------------------------------------------------------------------------------


async def test_methods_that_a_path_does_not_have_are_refused(house: Besieged) -> None:
    mara = await house.person("mara")
    known: dict[str, set[str]] = {}
    for route in house.routes:
        known.setdefault(route.path, set()).add(route.method)
    for path, methods in known.items():
        filled = next(route for route in house.routes if route.path == path).filled()
        for method in {"GET", "POST", "DELETE", "TRACE"} - methods:
            answer = await mara.http.request(method, filled, headers={"X-Vaderflix": "1", "X-CSRFToken": mara.token})
            if method == "GET" and answer.status_code == 303 and not path.startswith("/api/"):
                # where only forms go, a browser is led to the page above, which asks for its own permission
                assert filled.startswith(answer.headers["location"] + "/"), f"{path}: {answer.headers['location']}"
                continue
            assert answer.status_code in (403, 404, 405), f"{method} {path}: {answer.status_code}"
        trick = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
        if "GET" in methods and "DELETE" in methods:
            before = await mara.http.get(filled)
            assert (await mara.http.get(filled, headers=trick)).status_code == before.status_code


async def test_a_body_that_is_too_large_is_refused_everywhere(house: Besieged) -> None:
    mara = await house.person("mara")
    large = b'{"a": "' + b"x" * (MAX_BODY + 1024) + b'"}'
    took = []
    for route in house.routes:
        if route.method not in ("POST", "PUT", "PATCH") or re.search(r"signout|sign-out|end", route.path):
            continue
        kind = "application/json" if route.is_api else "application/x-www-form-urlencoded"
        answer = await mara.ask(route, content=large, headers={"Content-Type": kind})
        # who does not read the body need not care for its size
        reads = route.handler.parsed_fn_signature.parameters.get("data") is not None
        if answer.status_code >= 500 or (reads and answer.status_code != 413):
            took.append(f"{route}: {answer.status_code}")
    assert took == []
    sign_in = next(route for route in house.routes if str(route) == "POST /api/v1/session")
    assert (await mara.ask(sign_in, content=large, headers={"Content-Type": "application/json"})).status_code == 413


async def test_a_form_of_a_stranger_is_small_only_text_and_forgotten(house: Besieged) -> None:
    """It is read to find its token, before anything counts who sends it."""
    stranger, remembered = await house.stranger(), parse_url_encoded_form_data.cache_info().currsize
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    field = f"_csrf_token={stranger.token}&username="
    for rest, status in (
        ("x" * MAX_FORM, 413),
        ("&x=" * MAX_FIELDS, 400),
        ("&x=%ff%00&%", 422),
        ("x" * 30_000, 422),
    ):
        answer = await stranger.http.post("/signin", content=field + rest, headers=kind)
        assert answer.status_code == status, rest[:20]
    assert (await stranger.form("/signin", {"username": "x"}, files={"a": b"x"})).status_code == 422
    assert (await stranger.form("/signin", files={"password": b"x"})).status_code == 422
    as_file = {"_csrf_token": stranger.token.encode()}
    assert (await stranger.http.post("/signin", files=as_file)).status_code == 403
    parts = {f"a{n}": (None, "x") for n in range(MAX_FORM // 50)}
    assert (await stranger.http.post("/signin", files=parts)).status_code == 413
    assert parse_url_encoded_form_data.cache_info().currsize == remembered


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b'{"username": NaN}', b"null", b"0",
                b'{"username": 1e999}',
                b'{"username":"\\ud800","password":"x"}', b'{"username":"\x00","password":"\x00"}']
)  # fmt: skip
async def test_broken_bodies_are_the_senders_fault(house: Besieged, content: bytes) -> None:
    stranger = await house.stranger()
    answer = await stranger.http.post("/api/v1/session", content=content, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("base", ["http://localhost", "https://localhost"])
async def test_every_cookie_is_hidden_from_scripts_and_bound_to_our_site(house: Besieged, base: str) -> None:
    found: dict[str, str] = {}

    async def collect(response: httpx.Response) -> None:
        for line in response.headers.get_list("set-cookie"):
            found[line.partition("=")[0]] = line

    person = Person(house.app, "mara", base=base)
    person.http.event_hooks["response"].append(collect)
    await person.sign_in("mara")
    for route in house.pages():
        await person.http.get(route.filled())
    await person.form("/you/profile", {"display_name": "Mara", "theme": "dark", "time_zone": "UTC"})
    await person.form("/signout")
    assert {"vf_access", "vf_refresh", "vf_csrf"} <= set(found)
    for name, line in found.items():
        flags = {part.strip().lower() for part in line.split(";")[1:]}
        assert "httponly" in flags, line
        assert {"samesite=lax", "samesite=strict"} & flags, line
        assert not any(flag.startswith("domain") for flag in flags), line
        if base.startswith("https"):
            assert "secure" in flags, f"{name}: {line}"


async def test_every_answer_carries_the_headers_that_keep_it_ours(house: Besieged) -> None:
    mara, stranger = await house.person("mara"), await house.stranger()
    for path in ("/", "/signin", "/nowhere", "/api/v1/me", "/api/v1/nowhere", "/static/x/css/base.css", "/admin"):
        for person in (mara, stranger):
            headers = (await person.http.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert re.search(r"script-src '(none|nonce-[\w-]{22})'$", policy)
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert "server" not in headers
            assert "strict-transport-security" not in headers
    secure = await Person(house.app, "a stranger", base="https://localhost").http.get("/signin")
    assert secure.headers["strict-transport-security"].startswith("max-age=31536000")


# -- limits at the door ----------------------------------------------------------------------------------------------


async def test_who_asks_too_often_is_told_when_to_come_back_in_page_and_api(house: Besieged) -> None:
    app = create_app(house.host, manage_host=False, limiter=Limiter(MemoryCounter()))
    stranger = await house.stranger(app=app)
    most = CLASSES["sign_in"].address  # type: ignore[union-attr]
    answers = [await stranger.form("/signout") for _ in range(most + 1)]
    assert [a.status_code for a in answers[-2:]] == [303, 429]
    page = answers[-1]
    assert 1 <= int(page.headers["retry-after"]) <= 60
    assert "Try again in" in page.text
    program = await stranger.http.post("/api/v1/session/refresh", json={"refresh_token": "x" * 10})
    assert program.status_code == 429
    assert program.json()["error"]["code"] == "too_many"
    assert 1 <= int(program.headers["retry-after"]) <= 60
    part = await stranger.form("/signout", headers={"HX-Request": "true"})
    assert (part.status_code, "x-said" in part.headers) == (429, True)
    assert (await stranger.http.get("/signin")).status_code == 200


async def test_wrong_passwords_close_the_door_for_their_address_only(house: Besieged) -> None:
    app = create_app(house.host, manage_host=False, limiter=Limiter(MemoryCounter()))
    for kind in ("page", "api"):
        evil = await house.stranger(app=app)
        statuses = []
        for _ in range(12):
            sent = {"username": f"otto-{kind}", "password": "wrong password"}
            if kind == "page":
                statuses.append((await evil.form("/signin", sent)).status_code)
            else:
                statuses.append((await evil.http.post("/api/v1/session", json=sent)).status_code)
        assert statuses[-1] == 429, statuses
        assert 429 not in statuses[:9], statuses


async def test_unknown_names_and_wrong_passwords_are_answered_alike(house: Besieged) -> None:
    stranger = await house.stranger()
    pages, answers = [], []
    for name in ("mara", "nobody-here"):
        sent = {"username": name, "password": "wrong password"}
        page = (await stranger.form("/signin", sent)).text.replace(name, "NAME")
        pages.append(re.sub(r'nonce="[^"]+"', "", page))
        answers.append((await stranger.http.post("/api/v1/session", json=sent)).text)
    assert pages[0] == pages[1]
    assert answers[0] == answers[1]
