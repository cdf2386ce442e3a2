"""OpenID Connect: the whole flow at a real provider, and every lie of one that tests can make lie."""

from __future__ import annotations

import asyncio
import html
import re
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa

sys.path.insert(0, str(Path(__file__).parent))

from provider import Liar

from vaderflix_core.access.oidc import Oidc
from vaderflix_core.failures import Conflict, Invalid, NotAllowed
from vaderflix_core.store import identities, users
from vaderflix_core.testing import served

pytestmark = pytest.mark.anyio
REFRESH = re.compile(r'http-equiv="refresh" content="0;url=([^"]+)"')


@pytest.fixture
async def liar(monkeypatch):
    monkeypatch.setattr("vaderflix_core.access.oidc.KEYS_AGAIN", 0.0)
    provider = Liar()
    async with served(provider) as url:
        provider.url = url
        yield provider


async def add(host: Any, mara: Any, issuer: str, name: str = "Club", **more: Any) -> str:
    values = {"client_id": "vaderflix", "client_secret": "a secret of the client"} | more
    provider = await host.providers.save(mara, name=name, issuer=issuer, **values)
    await host.providers.welcome(mara, f"oidc.{provider.id}", welcome=True, role="viewer")
    return provider.id


async def leave(visitor: Any, way: str = "oidc.club", **form: str) -> str:
    """Press the button; gives where the browser is sent."""
    answer = await visitor.post(f"/signin/with/{way}", form)
    assert answer.status_code == 200, answer.text
    return html.unescape(REFRESH.search(answer.text)[1])


async def back(visitor: Any, given: dict[str, str], way: str = "oidc.club") -> httpx.Response:
    return await visitor.get(f"/signin/back/{way}?{urlencode(given)}")


async def test_the_whole_way_at_a_real_provider(host, mara, visitor, issuer):
    await add(host, mara, issuer)
    someone = visitor()
    assert 'action="/signin/with/oidc.club"' in (await someone.get("/signin")).text
    url = await leave(someone, next="/films")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://vaderflix.test/signin/back/oidc.club"
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(url)).status_code == 200
        agreed = await browser.post(url, data={"sub": "pat@club.example"})
    home = urlsplit(agreed.headers["location"])
    assert f"{home.scheme}://{home.netloc}" == "http://vaderflix.test"
    answer = await someone.get(f"{home.path}?{home.query}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/films")
    assert await someone.name() == "pat"
    # the code and the sign-in are good once
    again = await someone.get(f"{home.path}?{home.query}")
    assert again.status_code == 410


async def test_the_person_is_known_by_their_subject_whatever_they_are_called(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    for name in ("Pat Proven", "Pat Newname"):
        someone = visitor()
        liar.claims = {"name": name, "email": f"{name[4:].lower()}@club.example", "email_verified": True}
        answer = await back(someone, liar.allow(await leave(someone)))
        assert answer.status_code == 303, answer.text
        assert await someone.name() == "pat.proven"
    liar.claims = {"sub": "person-2", "name": "Pat Newname", "email": "newname@club.example", "email_verified": True}
    other = visitor()
    await back(other, liar.allow(await leave(other)))
    assert await other.name() == "pat.newname"


async def test_an_address_opens_nothing_and_an_unverified_one_is_not_kept(host, mara, edith, visitor, liar):
    await host.access.change_user(edith.id, email="edith@house.example")
    await add(host, mara, liar.url)
    liar.claims = {"email": "edith@house.example", "email_verified": False}
    someone = visitor()
    await back(someone, liar.allow(await leave(someone)))
    assert await someone.name() == "pat.proven"
    made = next(u for u in await host.access.list_users() if u.username == "pat.proven")
    assert made.email is None


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "another audience": {"claims": {"aud": "another-app"}},
    "several audiences, for another": {"claims": {"aud": ["vaderflix", "other"], "azp": "other"}},
    "several audiences, for nobody": {"claims": {"aud": ["vaderflix", "other"]}},
    "expired": {"claims": {"exp": int(time.time()) - 120}},
    "from the future": {"claims": {"iat": int(time.time()) + 3600}},
    "another nonce": {"claims": {"nonce": "replayed"}},
    "no nonce": {"drop": ("nonce",)},
    "no subject": {"drop": ("sub",)},
    "an empty subject": {"claims": {"sub": ""}},
    "a subject that is no text": {"claims": {"sub": 7}},
    "no expiry": {"drop": ("exp",)},
    "not signed": {"algorithm": "none"},
    "signed with the client's secret": {"algorithm": "HS256", "signing": "a secret of the client" + " " * 20},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_token_that_lies_lets_nobody_in(host, mara, visitor, liar, lie):
    await add(host, mara, liar.url)
    for name, value in LIES[lie].items():
        setattr(liar, name, value)
    someone = visitor()
    answer = await back(someone, liar.allow(await leave(someone)))
    assert answer.status_code in (403, 503), answer.text
    assert await someone.name() is None
    assert len(await host.access.list_users()) == 2


async def test_a_token_signed_by_a_key_of_somebody_else_lets_nobody_in(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    published = liar.answer("/keys", {}, "")[1]["keys"]
    liar.published = published
    liar.keys["one"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    someone = visitor()
    assert (await back(someone, liar.allow(await leave(someone)))).status_code == 403
    # a public key must never be taken for a shared secret
    liar.published = [{"kty": "oct", "kid": "one", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ"}]
    liar.algorithm, liar.keys["one"] = "HS256", "secret-secret-secret-secret-1234"
    assert (await back(someone, liar.allow(await leave(someone)))).status_code == 403
    assert await someone.name() is None


async def test_a_provider_may_change_its_keys_and_their_kind(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    first = visitor()
    assert (await back(first, liar.allow(await leave(first)))).status_code == 303
    liar.keys = {"two": ec.generate_private_key(ec.SECP256R1())}
    liar.signing, liar.algorithm = "two", "ES256"
    second = visitor()
    assert (await back(second, liar.allow(await leave(second)))).status_code == 303


async def test_clocks_may_differ_by_a_minute(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    now = int(time.time())
    for claims in ({"exp": now - 30}, {"iat": now + 30}):
        liar.claims = claims
        someone = visitor()
        assert (await back(someone, liar.allow(await leave(someone)))).status_code == 303


async def test_a_state_of_another_browser_of_nobody_or_of_before_is_refused(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    attacker, victim = visitor(), visitor()
    given = liar.allow(await leave(attacker))
    for one in (victim, visitor()):
        assert (await back(one, given)).status_code == 410
        assert await one.name() is None
    await leave(victim)
    assert (await back(victim, given)).status_code == 410
    assert (await back(attacker, {**given, "state": "guessed"})).status_code == 410
    assert (await back(attacker, {"code": given["code"]})).status_code == 410
    assert (await back(attacker, given)).status_code == 303
    assert (await back(attacker, given)).status_code == 410


async def test_a_code_that_was_used_before_is_refused(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    first, second = visitor(), visitor()
    given = liar.allow(await leave(first))
    assert (await back(first, given)).status_code == 303
    state = parse_qs(urlsplit(await leave(second)).query)["state"][0]
    assert (await back(second, {"code": given["code"], "state": state})).status_code == 403
    assert await second.name() is None


async def test_a_stolen_code_is_worth_nothing_without_what_only_our_browser_began(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    victim, thief = visitor(), visitor()
    stolen = liar.allow(await leave(victim))
    state = parse_qs(urlsplit(await leave(thief)).query)["state"][0]
    answer = await back(thief, {"code": stolen["code"], "state": state})
    assert answer.status_code == 403
    assert await thief.name() is None


async def test_one_provider_cannot_answer_for_another(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    other = Liar()
    async with served(other) as url:
        other.url = url
        await add(host, mara, url, name="Evil")
        someone = visitor()
        given = liar.allow(await leave(someone))
        assert (await back(someone, given, way="oidc.evil")).status_code == 410
        given = liar.allow(await leave(someone))
        assert (await back(someone, {**given, "iss": url})).status_code == 403
        liar.description = {"authorization_response_iss_parameter_supported": True}
        await host.providers.test(liar.url)
        given = liar.allow(await leave(someone))
        assert (await back(someone, given)).status_code == 403
        given = liar.allow(await leave(someone))
        assert (await back(someone, {**given, "iss": liar.url})).status_code == 303
        assert other.forms == []


async def test_the_same_subject_at_two_providers_is_two_people(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    other = Liar()
    async with served(other) as url:
        other.url = url
        await add(host, mara, url, name="Second")
        one, two = visitor(), visitor()
        await back(one, liar.allow(await leave(one)))
        await back(two, other.allow(await leave(two, "oidc.second")), way="oidc.second")
        assert (await one.name(), await two.name()) == ("pat.proven", "pat.proven2")


async def test_nobody_is_sent_to_a_foreign_page_afterwards(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    for target in ("https://evil.example", "//evil.example/x", "/\\evil.example"):
        someone = visitor()
        answer = await back(someone, liar.allow(await leave(someone, next=target)))
        assert answer.headers["location"] == "/"


async def test_saying_no_there_is_told_plainly_and_their_words_are_not_shown(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    someone = visitor()
    state = parse_qs(urlsplit(await leave(someone)).query)["state"][0]
    answer = await back(someone, {"state": state, "error": "access_denied<script>alert(1)</script>"})
    assert answer.status_code == 403
    assert "did not let you in" in answer.text
    assert "alert(1)" not in answer.text


async def test_the_client_proves_itself_in_a_header_and_no_secret_is_in_an_address(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    liar.secret = "a+secret+of+the+client".replace("+", "%20")
    someone = visitor()
    url = await leave(someone)
    assert "secret" not in url
    assert (await back(someone, liar.allow(url))).status_code == 303
    assert "client_secret" not in liar.forms[0]


async def test_more_about_the_person_counts_only_when_it_is_about_them(host, mara, visitor, liar):
    liar.userinfo = {}  # it is described from the start
    await add(host, mara, liar.url, role_claim="groups.all", role_value="bosses", role="admin")
    liar.drop = ("name",)
    liar.userinfo = {"sub": "somebody-else", "name": "Foreign", "groups": {"all": ["bosses"]}}
    someone = visitor()
    await back(someone, liar.allow(await leave(someone)))
    assert await someone.name() == "person-1"
    liar.userinfo = {"sub": "person-2", "name": "Quite Right", "groups": {"all": ["bosses"]}}
    liar.claims = {"sub": "person-2"}
    other = visitor()
    await back(other, liar.allow(await leave(other)))
    made = next(u for u in await host.access.list_users() if u.username == "quite.right")
    assert made.role == "admin"


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"issuer": "https://another.example"}, "calls itself"),
        ({"jwks_uri": "file:///etc/passwd"}, "do not go to"),
        ({"token_endpoint": "http://user@evil.example/token"}, "do not go to"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "do not go to"),
        ({"jwks_uri": "http://169.254.169.254/keys"}, "169.254.169.254"),
        ({"token_endpoint": None}, "does not allow"),
        ({"jwks_uri": "http://[::1/keys"}, "that is none"),
        ({"token_endpoint": "http://club.example:99999/"}, "that is none"),
    ],
)
async def test_a_provider_that_describes_itself_wrongly_is_not_saved(host, mara, liar, description, words):
    liar.description = description
    with pytest.raises(Invalid) as refusal:
        await add(host, mara, liar.url)
    assert words in refusal.value.fields["issuer"]
    assert await host.providers.all() == []


async def test_a_provider_that_cannot_be_reached_is_told_in_words(host, mara):
    for issuer, words in (("http://127.0.0.1:9", "nothing answers there"), ("http://nowhere.invalid", "no such host")):
        with pytest.raises(Invalid) as refusal:
            await add(host, mara, issuer)
        assert words in refusal.value.fields["issuer"]


async def test_a_provider_that_is_away_lets_nobody_in(host, mara, visitor):
    liar = Liar()
    someone = visitor()
    async with served(liar) as url:
        liar.url = url
        await add(host, mara, url)
        given = liar.allow(await leave(someone))
    assert (await back(someone, given)).status_code == 503
    host.oidc._descriptions.clear()
    assert (await someone.post("/signin/with/oidc.club")).status_code == 503


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/me"])
async def test_an_answer_that_trickles_in_holds_nobody_up(host, mara, visitor, liar, monkeypatch, path):
    await add(host, mara, liar.url)
    monkeypatch.setattr("vaderflix_core.access.oidc.LONGEST", 0.3)
    liar.userinfo = {"sub": "person-1", "email": "pat@club.example"}
    host.oidc._descriptions.clear()
    host.oidc._keys.clear()
    liar.trickles, someone = path, visitor()
    async with asyncio.timeout(20):
        answer = await someone.post("/signin/with/oidc.club")
        if answer.status_code == 200:
            url = html.unescape(REFRESH.search(answer.text)[1])
            answer = await back(someone, liar.allow(url))
    assert answer.status_code == (303 if path == "/me" else 503)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
async def test_an_answer_nested_beyond_reason_is_the_provider_s_fault(host, mara, visitor, liar, path):
    await add(host, mara, liar.url)
    host.oidc._descriptions.clear()
    host.oidc._keys.clear()
    liar.raw[path], someone = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", visitor()
    answer = await someone.post("/signin/with/oidc.club")
    if answer.status_code == 200:
        answer = await back(someone, liar.allow(html.unescape(REFRESH.search(answer.text)[1])))
    assert answer.status_code == 503


@pytest.mark.parametrize("subject", ["pat\x00", "\ud800"])
async def test_a_subject_that_cannot_be_kept_is_the_provider_s_fault(host, mara, visitor, liar, subject):
    await add(host, mara, liar.url)
    liar.claims, someone = {"sub": subject}, visitor()
    assert (await back(someone, liar.allow(await leave(someone)))).status_code == 503


async def test_why_a_provider_lets_nobody_in_is_in_the_log(host, mara, visitor, liar):
    await add(host, mara, liar.url)
    liar.secret, someone = "another one by now", visitor()
    given = liar.allow(await leave(someone))
    with structlog.testing.capture_logs() as logs:
        answer = await back(someone, given)
    assert answer.status_code == 503
    assert "invalid_client" not in answer.text
    assert [one["way"] for one in logs if "invalid_client" in one.get("reason", "")] == ["oidc.club"]


async def test_the_secret_is_sealed_and_stays_when_it_is_not_sent(host, mara, liar):
    id = await add(host, mara, liar.url)
    kept = host.db.read_sync(lambda c: c.exec_driver_sql("SELECT client_secret FROM oidc_providers").scalar())
    assert b"secret of the client" not in kept
    provider = await host.providers.get(id)
    assert "secret of" not in repr(provider)
    values = {"name": "Club", "issuer": liar.url, "client_id": "other"}
    await host.providers.save(mara, id=id, client_secret=None, **values)
    assert (await host.providers.get(id)).client_secret.reveal() == "a secret of the client"
    await host.providers.save(mara, id=id, client_secret="", **values)
    assert (await host.providers.get(id)).client_secret is None


async def test_the_people_of_a_provider_never_become_those_of_another(host, mara, visitor, liar):
    id = await add(host, mara, liar.url)
    someone = visitor()
    await back(someone, liar.allow(await leave(someone)))
    with pytest.raises(Invalid, match="could not be saved"):
        await host.providers.save(
            mara, id=id, name="Club", issuer="http://localhost:1", client_id="x", client_secret=None
        )
    with pytest.raises(Conflict):
        await add(host, mara, liar.url)
    assert await host.providers.remove(mara, id) == 1
    await add(host, mara, liar.url)
    again = visitor()
    await back(again, liar.allow(await leave(again)))
    assert await again.name() == "pat.proven2"


async def test_an_admin_cannot_remove_the_provider_that_is_their_only_way_in(host, mara, liar):
    id = await add(host, mara, liar.url)
    await host.db.write(lambda conn: identities.link(conn, mara.id, f"oidc.{id}", "1", "mara", host.clock()))
    await host.db.write(lambda conn: users.change(conn, mara.id, password_hash=None))
    with pytest.raises(Conflict, match="only way into your account"):
        await host.providers.remove(mara, id)
    assert [one.id for one in await host.providers.all()] == [id]
    assert len(await host.identities.linked(mara)) == 1
    await host.db.write(lambda conn: users.change(conn, mara.id, password_hash="x"))
    assert await host.providers.remove(mara, id) == 1


async def test_nobody_gives_more_rights_by_a_rule_than_they_have(host, edith, liar):
    with pytest.raises(NotAllowed):
        await add(host, edith, liar.url, role_claim="groups", role_value="x", role="admin")


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ("Анна Smith", "Анна Smith"),
        ("--", "--"),
        ("\u200b", None),
        ("\u3164\ufe0f", None),
        ("edith\u1160", "edith"),
        *((f"Ma{sign}ra", "Ma ra") for sign in ("\u202e", "\ud800", "\x00", "\r")),
    ],
)
async def test_whatever_somebody_is_called_there_they_come_in_and_are_shown_plainly(
    host, mara, visitor, liar, called, shown
):
    await add(host, mara, liar.url)
    liar.claims = {"name": called}
    someone = visitor()
    answer = await back(someone, liar.allow(await leave(someone)))
    assert answer.status_code == 303, answer.text
    [user] = [one for one in await host.access.list_users() if one.username not in ("mara", "edith")]
    assert user.username.startswith("guest-") or called.startswith("Ma")
    assert user.display_name == (shown or user.username)


@pytest.mark.parametrize("rule", [{"role_claim": "sub"}, {"role_value": "edith's own"}])
async def test_nobody_makes_themselves_fit_a_rule_that_gives_more_than_they_have(host, mara, edith, liar, rule):
    given = {"role_claim": "groups", "role_value": "masters", "role": "admin"}
    id = await add(host, mara, liar.url, **given)
    kept = {"name": "Club", "issuer": liar.url, "client_id": "vaderflix", "client_secret": None, "id": id}
    with pytest.raises(NotAllowed):
        await host.providers.save(edith, **kept, **given | rule)
    assert (await host.providers.save(edith, **kept | {"name": "Our club"}, **given)).name == "Our club"


async def test_the_protocol_speaks_to_the_issuer_alone(liar):
    oidc = Oidc()
    await oidc.test(liar.url)
    assert liar.calls == ["/.well-known/openid-configuration", "/keys"]
    await oidc.close()
