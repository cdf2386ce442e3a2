"""Ways in and out, and what keeps the rest out."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from litestar import get

from vaderflix_core.host import Host
from vaderflix_web.app import create_app
from vaderflix_web.auth import local_path
from vaderflix_web.guards import UndeclaredRoutes
from vaderflix_web.proof import site_of

from ..visitor import Visitor

pytestmark = pytest.mark.anyio


async def test_an_app_with_a_route_that_declares_no_permission_refuses_to_start(bare_host: Host) -> None:
    @get("/open-to-all")
    async def forgotten() -> None: ...

    @get("/misspelt", opt={"permission": "brwose"})
    async def misspelt() -> None: ...

    with pytest.raises(UndeclaredRoutes, match=r"/(misspelt|open-to-all).*/(misspelt|open-to-all)"):
        create_app(bare_host, handlers=[forgotten, misspelt], manage_host=False)


async def test_every_route_of_the_product_declares_a_permission(app: Any) -> None:
    declared = {
        handler.opt.get("permission")
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if "OPTIONS" not in handler.http_methods
    }
    assert None not in declared
    assert len(declared) >= 8


async def test_the_first_start_leads_to_the_set_up_page_and_it_is_gone_afterwards(bare_host: Host) -> None:
    visitor = Visitor(create_app(bare_host, manage_host=False))
    assert (await visitor.get("/")).headers["location"] == "/setup"
    assert (await visitor.get("/signin")).headers["location"] == "/setup"
    form = {"token": "guessed", "username": "mara", "password": "correct horse battery"}
    wrong = await visitor.post("/setup", form)
    assert wrong.status_code == 422
    assert await bare_host.access.needs_setup()

    form["token"] = await bare_host.access.setup_token()
    made = await visitor.post("/setup", form)
    assert made.status_code == 303
    assert made.headers["set-cookie"].count("HttpOnly") == made.headers["set-cookie"].count("vf_") >= 2
    assert (await visitor.get("/")).status_code == 200
    assert (await visitor.get("/setup")).status_code == 404


async def test_a_stranger_is_led_to_sign_in_and_back_to_where_they_wanted(stranger: Visitor) -> None:
    answer = await stranger.get("/title/movie/tmdb-653?x=1")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/signin?next=/title/movie/tmdb-653")
    form = await stranger.get(answer.headers["location"])
    assert 'name="next" value="/title/movie/tmdb-653?x=1"' in form.text


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/ok\r\nx: y", ""]
)
def test_after_signing_in_nobody_is_sent_to_a_foreign_site(target: str) -> None:
    assert local_path(target) == "/"


async def test_a_wrong_password_says_so_and_keeps_the_name(stranger: Visitor) -> None:
    answer = await stranger.sign_in("mara", "wrong")
    assert answer.status_code == 422
    assert "That did not match." in answer.text
    assert 'value="mara"' in answer.text
    # heard by whoever does not see it: it describes the field that has the focus
    assert re.search(r'<input[^>]*name="password"[^>]*autofocus[^>]*aria-describedby="[^"]*f-password-e', answer.text)
    assert "vf_access" not in answer.headers.get("set-cookie", "")


async def test_signing_out_ends_the_session_on_the_server(visit: Any) -> None:
    visitor = await visit("mara")
    cookies = {name: visitor.http.cookies[name] for name in ("vf_access", "vf_refresh")}
    await visitor.post("/signout")
    visitor.http.cookies.update(cookies)
    assert (await visitor.get("/")).status_code == 303


async def test_the_session_cookie_is_only_sent_over_https_when_the_house_has_https(bare_host: Host) -> None:
    await bare_host.access.create_user("mara", "correct horse battery", role="admin")
    app = create_app(bare_host, manage_host=False)
    visitor = Visitor(app)
    assert "Secure" not in (await visitor.sign_in("mara", "correct horse battery")).headers["set-cookie"]
    secure = Visitor(app)
    secure.http.base_url = "https://vaderflix.test"
    assert "Secure" in (await secure.sign_in("mara", "correct horse battery")).headers["set-cookie"]


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("/admin/invitations/1/reissue", "/admin/invitations"),
        ("/you/security/second", "/you/security"),
        ("/you/profile/email", "/you/profile"),
    ],
)
async def test_a_reload_where_only_forms_go_leads_to_the_page_above(visit: Any, path: str, above: str) -> None:
    visitor = await visit("mara")
    answer = await visitor.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, above)
    assert (await visitor.get(above)).status_code == 200


# no person comes there: services and the player's script do
NO_PAGES = {"/hooks/{instance:str}/{token:str}", "/playback/position"}


async def test_wherever_only_forms_go_a_reload_leads_to_a_page(visit: Any, app: Any) -> None:
    visitor, asked = await visit("mara"), 0
    for route in app.routes:
        if "GET" in route.methods or route.path.startswith("/api/") or route.path in NO_PAGES:
            continue
        path = re.sub(r"\{\w+:(\w+)\}", lambda found: "7" if found[1] == "int" else "nothing", route.path)
        answer = await visitor.get(path)
        assert answer.status_code == 303, path
        above = await visitor.get(answer.headers["location"])
        assert above.status_code in (200, 303, 404), path  # 404: what was made up is not there
        asked += 1
    assert asked > 50


async def test_opening_the_address_for_signing_out_asks_first(visit: Any, stranger: Visitor) -> None:
    visitor = await visit("edith")
    for _ in range(2):
        asks = await visitor.get("/signout")
        assert asks.status_code == 200
    assert "You are signed in as Edith" in asks.text
    [form] = re.findall(r'<form method="post" action="/signout">.*?</form>', asks.text)
    assert (await visitor.get("/")).status_code == 200  # nothing has changed yet
    token = re.search(r'name="_csrf_token" value="(\w+)"', form)
    assert token is not None
    done = await visitor.http.post("/signout", data={"_csrf_token": token[1]})
    assert (done.status_code, done.headers["location"]) == (303, "/signin")
    assert (await visitor.get("/")).status_code == 303
    assert (await stranger.get("/signout")).headers["location"] == "/signin"


async def test_programs_are_told_that_the_method_is_wrong(visit: Any) -> None:
    visitor = await visit("mara")
    assert (await visitor.get("/api/v1/session/forgot")).status_code == 405
    assert (await visitor.get("/you/security/second", hx_request="true")).status_code == 405
    assert (await visitor.http.put("/you/profile/email")).status_code in (403, 405)


async def test_forms_without_their_token_change_nothing(visit: Any, host: Host) -> None:
    visitor = await visit("mara")
    for path in (
        "/admin/people",
        "/admin/services/films/remove",
        "/title/movie/tmdb-19/request",
        "/you/profile",
        "/you/keys",
        "/you/devices/end-others",
        "/you/data/export",
        "/you/data/delete",
        "/signout",
    ):
        answer = await visitor.http.post(path, data={"username": "eve"})
        assert answer.status_code == 403, path
        assert "open for too long" in answer.text
    assert len(await host.access.list_users()) == 3
    assert len(await host.instances.list()) == 5
    assert (await visitor.get("/")).status_code == 200


@pytest.mark.parametrize(
    ("public", "asked", "site"),
    [
        (None, "http://films.lan:8484", "http://films.lan:8484"),
        ("https://films.example", "http://10.0.0.2:8484", "https://films.example"),
        ("https://films.example", "http://localhost:8484", "https://films.example"),
        ("http://localhost:8484", "http://127.0.0.1:8484", "http://127.0.0.1:8484"),
        ("http://127.0.0.1:8484", "http://localhost:8484", "http://localhost:8484"),
    ],
)
def test_a_site_is_the_public_address_or_whichever_name_of_this_machine_was_asked(
    public: str | None, asked: str, site: str
) -> None:
    app = SimpleNamespace(state=SimpleNamespace(host=SimpleNamespace(config=SimpleNamespace(base_url=public))))
    connection = SimpleNamespace(base_url=f"{asked}/", app=app)
    assert site_of(connection).origin == site  # type: ignore[arg-type]
