"""Foreign words stay words: hostile names and titles through every page, mail and notification; no header is forged."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from attack import Besieged, Person, besieged
from msgspec.structs import replace
from world import Household

from vaderflix_core.api.errors import Unavailable
from vaderflix_core.api.models import ExternalIds, HealthReport, MediaKind, Notification, Recipient, Severity
from vaderflix_core.notify import letters
from vaderflix_core.notify.letters import KINDS, SAMPLES
from vaderflix_email.message import compose
from vaderflix_email.settings import EmailSettings

pytestmark = pytest.mark.anyio

EVIL = "x-evil"
PAYLOAD = (
    f"""</script></style></title></textarea>"'><{EVIL} onmouseover=alert(1)><img src=x onerror=alert(1)>{{{{7*7}}}}"""
)
SHORT = f"'\"><{EVIL}>"


class Inspector(HTMLParser):
    """Finds what must be in no page: elements of the payload, handlers, scripts and styles in it, foreign links."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.inline = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == EVIL or (tag == "img" and given.get("src") == "x"):
            self.wrong.append(f"<{tag}> of the payload")
        if tag in ("iframe", "object", "embed", "base", "style"):
            self.wrong.append(f"<{tag}>")
        if tag == "script":
            self.inline = "" if given.get("src") else given.get("type") or "text/javascript"
        for name, value in attrs:
            if name.startswith("on") or name == "style" or name == "srcdoc":
                self.wrong.append(f"{tag} {name}={value}")
            if name in ("href", "src", "action", "formaction", "hx-get", "hx-post", "poster"):
                scheme = re.match(r"\s*([a-z]+):", value or "", re.I)
                if scheme and scheme[1].lower() not in ("http", "https", "mailto", "otpauth"):
                    self.wrong.append(f"{tag} {name}={value}")
                if tag in ("script", "link", "img", "source", "video") and re.match(r"(https?:)?//", value or ""):
                    self.wrong.append(f"{tag} {name}={value} is not ours")

    def handle_data(self, data: str) -> None:
        if self.inline and "json" not in self.inline and data.strip():
            self.wrong.append(f"a script in the page: {data[:60]}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.inline = ""


def inspect(html: str) -> list[str]:
    inspector = Inspector()
    inspector.feed(html)
    return inspector.wrong


def test_the_inspector_sees_what_it_looks_for() -> None:
    more = "<a href='javascript:x'><script>alert(1)</script><p style='x'><script src=//evil.example/x>"
    seen = inspect(PAYLOAD + more)
    assert len(seen) >= 7


class Hostile(Household):
    """Services whose every word is an attack."""

    def __init__(self) -> None:
        super().__init__()
        self.library.items = [
            replace(
                item,
                title=f"{item.title} {PAYLOAD}",
                overview=PAYLOAD,
                genres=(PAYLOAD,),
                section=PAYLOAD,
                certification=SHORT,
            )
            for item in self.library.items
        ]
        self.client.held = {
            id: replace(one, name=f"{one.name} {PAYLOAD}", category=SHORT, error=PAYLOAD)
            for id, one in self.client.held.items()
        }
        bad = HealthReport(severity=Severity.ERROR, code="bad", message=PAYLOAD)
        self.health.reports = [bad]
        self.slow.reports = [bad]


@pytest.fixture(scope="module")
async def hostile(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Besieged]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    household = Hostile()
    async with besieged(folder, household) as house:
        host = house.host
        for finder in household.finders.values():
            finder.candidates = [
                replace(one, title=f"{one.title} {PAYLOAD}", overview=PAYLOAD) for one in finder.candidates
            ]
        for user in house.users.values():
            await host.access.change_user(user.id, display_name=f"{user.username} {SHORT}"[:80])
        edith, mara = house.users["edith"], house.users["mara"]
        for number in (1, 2, 3):
            made = await host.requests.create(
                edith, kind=MediaKind.MOVIE, ids=ExternalIds(tmdb=900 + number), title=PAYLOAD, year=1927,
                seasons=(), poster=None,
            )  # fmt: skip
            if number == 2:
                await host.requests.decline(mara, made.id, PAYLOAD)
        evil = {"url": "http://x'\"><x-evil>", "key": "sesame"}
        await host.instances.save(id="evil", plugin="filmfinder", name=SHORT, settings=evil, new=True)
        await host.sessions.create_key(edith, SHORT, None)
        await host.sessions.start(edith, method="password", user_agent=PAYLOAD, ip="127.0.0.1")
        await host.downloads.refresh()
        for id in list(host.supervisor.records):
            await host.monitor.check_now(id)
        household.finders["films"].fail(Unavailable(f"no {PAYLOAD}"), "search")
        yield house


async def read_all(house: Besieged, person: Person) -> tuple[list[str], int]:
    """What is wrong on any page, and how many pages showed the payload."""
    wrong, shown = [], 0
    items = (await person.http.get("/api/v1/library/recent")).json()
    requests = (await person.http.get("/api/v1/requests?scope=all")).json()
    ids = {"item_id": items[0]["id"], "request_id": requests[0]["id"] if requests else 1, "instance": "library",
           "instance_id": "evil", "plugin_id": "filmfinder", "panel_id": "now", "kind": "movie", "ref": "tmdb-901",
           "season": 1, "number": 1, "user_id": house.users["edith"].id, "download_id": f"{1:040x}"}  # fmt: skip
    addresses = [
        route.filled(lambda name, kind: str(ids.get(name, 1 if kind == "int" else "x"))) for route in house.pages()
    ]
    odd = "%3C%2Ftitle%3E%22%27%3E%3Cx-evil%3E"
    addresses += [f"/search?q={odd}", f"/signin?next=/{odd}", f"/{odd}", f"/title/movie/{odd}", "/search?q=metropolis",
                  f"/title/movie/item-{items[0]['id']}", f"/films?page={odd}", f"/admin/requests?show={odd}",
                  f"/setup?token={odd}", f"/admin/services/{odd}", f"/admin/activity?q={odd}",
                  "/live/search?q=the"]  # fmt: skip
    for address in addresses:
        answer = await person.http.get(address)
        assert answer.status_code < 500 or answer.status_code == 502, f"{address}: {answer.status_code}"
        kind = answer.headers.get("content-type", "")
        if not kind.startswith(("text/html", "text/event-stream")):
            assert "html" not in kind
            assert answer.headers["x-content-type-options"] == "nosniff"
            continue
        shown += EVIL in answer.text
        wrong += [f"{person.name}: {address}: {one}" for one in inspect(answer.text)]
        assert "49" not in re.findall(r"onerror=alert\(1\)&gt;(\S{1,2})", answer.text), f"{address}: a template was run"
    return wrong, shown


@pytest.mark.parametrize(("name", "least"), [("mara", 12), ("edith", 8), ("noor", 4)])
async def test_hostile_words_stay_words_on_every_page(hostile: Besieged, name: str, least: int) -> None:
    wrong, shown = await read_all(hostile, await hostile.person(name))
    assert wrong == []
    assert shown >= least, "the attack has to arrive to be told from one that never came"


async def test_forms_that_are_sent_back_hold_hostile_words_as_words(hostile: Besieged) -> None:
    mara, stranger = await hostile.person("mara"), await hostile.stranger()
    names = "username display_name email role password name note message reason token title time_zone code id next"
    fields = [*names.split(), "s.url", "s.key", "s.profile", "plugin", "instance"]
    skipped = re.compile(r"delete|remove|signout|sign-out|end|enabled|data")
    shown = 0
    for route in hostile.routes:
        if route.method != "POST" or route.is_api or skipped.search(route.path):
            continue
        for person in (mara, stranger):
            path = route.filled(lambda name, kind: "99999" if kind == "int" else "filmfinder")
            answer = await person.form(path, dict.fromkeys(fields, PAYLOAD))
            assert answer.status_code < 500, f"{route}: {answer.status_code}"
            shown += EVIL in answer.text
            assert inspect(answer.text) == [], str(route)
            assert EVIL not in answer.headers.get("location", "")
    assert shown >= 3


async def test_hostile_words_in_json_are_data(hostile: Besieged) -> None:
    mara = await hostile.person("mara")
    for path in ("/api/v1/requests?scope=all", "/api/v1/downloads", "/api/v1/library/recent", "/api/v1/search?q=a"):
        answer = await mara.http.get(path)
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert EVIL in answer.text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_mails_hold_foreign_words_on_one_line_and_cannot_be_given_headers(kind: str) -> None:
    evil = "Hi\r\nBcc: all@evil.example\r\n\r\n<x-evil>\u202eok\x00"
    data = {name: (value if name == "path" else evil) for name, value in SAMPLES[kind].items()}
    letter = letters.write(kind, data, "https://films.example.org")
    assert "\n" not in letter.title
    assert "\r" not in letter.title + letter.text
    assert not re.search(r"(?m)^Bcc:", letter.text)


def test_the_html_of_a_mail_holds_hostile_words_as_words_and_its_headers_are_ours() -> None:
    hostile = f"A\r\nBcc: evil@evil.example\r\n\r\n{PAYLOAD}"
    recipient = Recipient(name=hostile, email="mara@example.org")
    note = Notification(id="1", title=hostile, text=f"{PAYLOAD}\n{hostile}", url="https://films.example.org/requests/1")
    settings = EmailSettings(host="mail.example.org", from_address="house@example.org", from_name="House")
    mail = compose(note, recipient, settings, datetime.now(UTC))
    raw = mail.as_bytes()
    assert "bcc" not in {name.lower() for name in mail}
    assert not re.search(rb"(?m)^Bcc:", raw.partition(b"\r\n\r\n")[0])
    html = [part.get_content() for part in mail.walk() if part.get_content_type() == "text/html"]
    assert html
    for page in html:
        assert EVIL in page
        # a mail has no style sheet beside it
        assert [one for one in inspect(page) if " style=" not in one and one != "<style>"] == []


HEADERS = ["/signin?next=/%0d%0aX-Evil:%201", "/signin?next=/a%0aSet-Cookie:%20a=b", "/title/movie/x%0d%0aX-Evil:%201",
           "/%0d%0aX-Evil:%201", "/images/%0d%0aX-Evil:1"]  # fmt: skip


@pytest.mark.parametrize("address", HEADERS)
async def test_no_address_adds_a_header(hostile: Besieged, address: str) -> None:
    for person in (await hostile.stranger(), await hostile.person("mara")):
        answer = await person.http.get(address)
        assert "x-evil" not in answer.headers
        assert not any("\r" in value or "\n" in value for value in answer.headers.values())


async def test_no_form_adds_a_header(hostile: Besieged) -> None:
    mara = await hostile.person("mara")
    evil = "Mara\r\nX-Evil: 1\r\nSet-Cookie: vf_access=stolen"
    for path, data in (
        ("/you/profile", {"display_name": evil, "theme": evil, "time_zone": evil}),
        ("/signin", {"next": evil}),
        ("/admin/services/evil/retry", {}),
        ("/admin/people", {"username": evil, "display_name": evil}),
    ):
        answer = await mara.form(path, data)
        assert "x-evil" not in answer.headers
        assert not any("\r" in value or "\n" in value for value in answer.headers.values())
