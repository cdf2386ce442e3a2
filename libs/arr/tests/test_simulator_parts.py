"""The parts of the simulators that stand on their own: shapes, names, times, the store, and their torrent client."""

from pathlib import Path

import httpx
import pytest

from vaderflix_arr.simulator.http import Refused, Request
from vaderflix_arr.simulator.names import clean_title, folder_name, matches, scene_name, sort_title
from vaderflix_arr.simulator.shapes import differences
from vaderflix_arr.simulator.store import Store, span, stamp
from vaderflix_arr.simulator.torrents import ClientError, QBittorrent, status_of
from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.testing import Title, make_release

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("recorded", "given", "lines"),
    [
        ({"a": 1}, {"a": 2.5}, []),
        ({"a": 1}, {"a": "1"}, ["$.a: text instead of number"]),
        ({"a": 1}, {}, ["$.a: missing"]),
        ({"a": 1}, {"a": 1, "b": 1}, ["$.b: not in the recording"]),
        ({"a": True}, {"a": 1}, ["$.a: number instead of boolean"]),
        ({"a": "2026-01-01T00:00:00Z"}, {"a": "soon"}, ["$.a: text instead of date"]),
        ([{"a": 1}, {"a": 1, "b": 1}], [{"a": 1, "b": 2}, {"b": 1}], ["$[1].a: missing"]),
        ([{"a": [1]}], [], []),
    ],
)
def test_shapes_are_told_apart(recorded: object, given: object, lines: list[str]):
    assert differences(recorded, given) == lines
    assert differences(recorded, given, free=frozenset({"a", "b"})) == [line for line in lines if " instead" in line]


def test_names_are_derived_as_the_products_do():
    assert clean_title("Night of the Living Dead") == "nightlivingdead"
    assert clean_title("The General") == "thegeneral"
    assert sort_title("The General") == "general"
    assert folder_name('Amélie\'s "Tale" <b>& Co') == "Amélie's Tale b& Co"
    assert folder_name("Alien: Covenant") == "Alien - Covenant"
    assert scene_name("Étoile du Nord") == "Etoile.du.Nord"


@pytest.mark.parametrize(
    ("term", "found"), [("etoile", True), ("Étoile nor", True), ("nord 2016", True), ("sud", False)]
)
def test_a_lookup_finds_words_without_their_accents(term: str, found: bool):
    facts = {"overview": "", "genres": (), "runtime_minutes": 1, "rating": 1.0}
    title = Title(slug="x", kind=MediaKind.SERIES, title="Étoile du Nord", year=2016, ids=ExternalIds(tvdb=1), **facts)
    assert matches(title, term) is found


def test_times_are_written_as_theirs():
    assert span(12 * 60 + 33) == "00:12:33"
    assert span(2 * 86400 + 3661) == "2.01:01:01"
    assert stamp().endswith("Z")
    assert len(stamp()) == 20


def test_the_store_keeps_rows_and_never_gives_an_id_twice(tmp_path: Path):
    store = Store(tmp_path / "state.json")
    first = store.add("tags", {"label": "a"})
    store.remove("tags", lambda row: True)
    assert store.add("tags", {"label": "b"})["id"] == first["id"] + 1
    store.save()
    again = Store(tmp_path / "state.json")
    assert again.rows("tags") == [{"label": "b", "id": 2}]
    assert again.add("tags", {"label": "c"})["id"] == 3


@pytest.mark.parametrize("body", [b"[]", b"{oops", b'{"tmdbId": "abc"}'])
def test_a_body_of_a_wrong_type_is_a_problem_document(body: bytes):
    request = Request(method="POST", path="/", query={}, body=body, headers={})
    with pytest.raises(Refused) as refused:
        request.json({"tmdbId": int})
    assert refused.value.reply.status == 400
    assert refused.value.reply.body["title"] == "One or more validation errors occurred."


def test_property_names_are_taken_in_either_case():
    request = Request(method="POST", path="/", query={}, body=b'{"TmdbId": 1}', headers={})
    assert request.json({"tmdbId": int}) == {"tmdbId": 1}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        *(("downloading", "downloading"), ("metaDL", "queued"), ("pausedDL", "paused"), ("stoppedDL", "paused")),
        *(("stalledUP", "completed"), ("stoppedUP", "completed"), ("missingFiles", "warning"), ("strange", "unknown")),
    ],
)
def test_states_of_qbittorrent_are_mapped(state: str, status: str):
    assert status_of({"state": state, "content_path": "/a/b", "save_path": "/a"})[0] == status


async def test_a_stalled_torrent_is_a_warning_with_a_message():
    assert status_of({"state": "stalledDL"}) == ("warning", "The download is stalled with no connections")


def _client(answers: dict[str, httpx.Response]) -> QBittorrent:
    client = QBittorrent("http://qb:8080", "admin", "secret")

    def answer(request: httpx.Request) -> httpx.Response:
        return answers.get(request.url.path.rsplit("/", 1)[-1], httpx.Response(200, text="Ok."))

    client._http = httpx.AsyncClient(base_url="http://qb:8080", transport=httpx.MockTransport(answer))
    return client


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"login": httpx.Response(200, text="Fails.")}, "auth"),
        ({"login": httpx.Response(401)}, "auth"),
        ({"add": httpx.Response(200, text="Fails.")}, "refused"),
        ({"add": httpx.Response(409)}, "refused"),
    ],
)
async def test_a_client_that_will_not_is_told_from_one_that_cannot(answer: dict, reason: str, tmp_path: Path):
    source = tmp_path / "x.mp4"
    source.write_bytes(b"x")
    client = _client(answer)
    with pytest.raises(ClientError) as error:
        await client.add(make_release("x", source), "radarr")
    assert error.value.reason == reason
    assert "secret" not in str(error.value)
    await client.close()


async def test_a_login_without_a_word_is_a_login(tmp_path: Path):
    client = _client({"login": httpx.Response(204), "info": httpx.Response(200, json=[])})
    assert await client.torrents("radarr") == []
    await client.close()
