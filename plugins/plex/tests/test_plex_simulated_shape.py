"""The simulated server's answers, held against recorded ones: no key of its own making, no other type, none missing."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
PAGED = {"X-Plex-Container-Start": "0", "X-Plex-Container-Size": "50"}

# (path, recordings of the same call)
JSON = [
    ("/identity", ["spec-identity.json"]),
    ("/library/sections", ["watchstate-sections-get-200.json"]),
    ("/library/sections/1/all?includeGuids=1", ["watchstate-library-movie-get-200.json", "section-all-movies.json"]),
    (
        "/library/sections/2/all?type=2&includeGuids=1",
        ["watchstate-library-show-get-200.json", "section-all-shows.json"],
    ),
    (
        "/library/sections/2/all?type=4&includeGuids=1",
        ["watchstate-library-episodes-get-200.json", "section-all-episodes.json"],
    ),
    ("/library/metadata/15/children", ["section-all-seasons.json"]),
    (
        "/library/metadata/16/children?includeGuids=1",
        ["section-all-episodes.json", "watchstate-library-episodes-get-200.json"],
    ),
    ("/library/metadata/7", ["metadata-movie.json", "watchstate-library-movie-get-200.json"]),
    ("/hubs/search?query=general", ["spec-hubs-search.json", "metadata-movie.json"]),
    ("/status/sessions/history/all", ["spec-history.json"]),
    ("/activities", ["spec-activities.json"]),
]
XML = [
    ("/", ["server-root.xml"]),
    ("/accounts", ["accounts.xml"]),
    ("/library/sections", ["library-sections.xml"]),
    ("/library/metadata/7", ["metadata-movie.xml"]),
    ("/status/sessions", ["status-sessions-plexweb.xml", "metadata-movie.xml"]),
]
# Keys that recordings lack and real servers send, each with the reason that we know it
KNOWN = {
    "totalSize": "sent when the caller pages",
    "offset": "sent when the caller pages",
    "titleSort": "only sent where it differs from the title",
    "claimed": "since 1.32, in the API description",
    "userRating": "sent once an item was rated",
    "viewOffset": "sent while an item is half watched",
    "lastViewedAt": "sent once an item was watched",
    "viewCount": "sent once an item was watched",
    "audienceRating": "sent by the agents of today",
    "Guid": "sent by the agents of today",
    "originallyAvailableAt": "missing where nobody knows the date",
    "studio": "missing where nobody knows it",
    "parentYear": "missing in old recordings",
    "nocache": "comes and goes between versions",
    "local": "in the API description",
    "MediaContainer.Hub[].Metadata[]": "the example of the API description is abridged to three fields",
    "MediaContainer.Hub[].style": "python-plexapi reads it",
    "MediaContainer.Metadata[].librarySectionID": "text in the example, a number elsewhere",
    "audioChannels": "missing for files without sound",
    "Filter": "in the API description",
    "year": "missing where nobody knows it",
}
# What recordings always have and we leave out
LEFT_OUT = {
    "Role", "Director", "Writer", "Country", "Collection", "Producer", "Similar", "Chapter",  # the world has no people
    "art", "banner", "theme", "parentTheme", "grandparentTheme",  # no music, and some rows have no picture
    "chapterSource", "primaryExtraKey", "ratingImage", "audienceRatingImage", "tagline", "hasPremiumPrimaryExtra",
    "audioProfile", "skipChildren", "sortAsc", "originalTitle", "Metadata[].lastViewedAt", "Metadata[].viewCount",
    "parentStudio", "grandparentContentRating", "grandparentRatingKey", "grandparentStudio", "grandparentThumb",
    "grandparentTitle", "contentRating", "Directory",
}  # fmt: skip


def paths(value, at="") -> Iterator[tuple[str, str]]:
    """Every key of a JSON value as (path, type)."""
    if isinstance(value, dict):
        for key, inner in value.items():
            path = f"{at}.{key}" if at else key
            yield path, type(inner).__name__
            yield from paths(inner, path)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}[]")


def elements(node, at="") -> Iterator[str]:
    """Every attribute and element of an XML document as a path."""
    path = f"{at}/{node.tag}"
    yield path
    yield from (f"{path}@{name}" for name in node.attrib)
    for child in node:
        yield from elements(child, path)


def excused(path: str, names) -> bool:
    """Whether a path ends in one of the names, lies below one, or begins with one that is a path itself."""
    steps = [step.removesuffix("[]") for step in re.split(r"[./@]", path) if step]
    return (
        steps[-1] in names
        or any(step in names for step in steps[:-1] if step[0].isupper())
        or any(path.startswith(name) for name in names if "." in name)
    )


def as_elements(value, at="/MediaContainer") -> Iterator[str]:
    """A JSON answer's keys as the XML answer would hold them."""
    for key, inner in value.items():
        rows = inner if isinstance(inner, list) else [inner]
        if not isinstance(rows[0], dict):
            yield f"{at}@{key}"
            continue
        path = f"{at}/{'Video' if key == 'Metadata' else key}"
        yield path
        for row in rows:
            yield from as_elements(row, path)


def recorded(name: str):
    value = json.loads((DATA / name).read_text())
    return value["body"] if "_status" in value else value


@pytest.fixture
async def ask(simulated):
    """Asks a simulated server on which somebody has watched something."""
    async with simulated() as (simulator, url), httpx.AsyncClient(base_url=url) as client:
        simulator.scanner.seconds = 5.0
        client.headers["X-Plex-Token"] = simulator.token
        for at, state in ((70_000, "stopped"), (10_000, "playing")):
            params = {"ratingKey": "7", "time": at, "duration": 75_000, "state": state}
            await client.get("/:/timeline", params=params)
        await client.get("/library/sections/1/refresh")

        async def get(path: str, accept: str) -> bytes:
            answer = await client.get(path, headers={**PAGED, "Accept": accept})
            assert answer.status_code == 200, answer.text
            return answer.content

        yield get


@pytest.mark.parametrize(("path", "names"), JSON)
async def test_json_answers_have_the_keys_and_types_of_recorded_ones(ask, path, names):
    ours = json.loads(await ask(path, "application/json"))
    known: dict[str, set[str]] = {}
    for name in names:
        for key, kind in paths(recorded(name)):
            known.setdefault(key, set()).add(kind)
    known = {**known, **{key.replace("Hub[].Metadata[]", "Metadata[]"): kinds for key, kinds in known.items()}}
    made_up = {
        key for key, kind in paths(ours) if kind not in known.get(key, ()) and not excused(key, KNOWN)
        and not (key in known and known[key] <= {"int", "float"} and kind in ("int", "float"))
    }  # fmt: skip
    assert made_up == set()


@pytest.mark.parametrize(("path", "names"), [each for each in JSON if "spec-" not in each[1][0]])
async def test_json_answers_lack_nothing_that_recorded_ones_always_have(ask, path, names):
    ours = {key for key, _ in paths(json.loads(await ask(path, "application/json")))}
    always = set.intersection(*({key for key, _ in paths(recorded(name))} for name in names))
    streams = {key for key in always if "Stream[]" in key}
    assert {key for key in always - ours - streams if not excused(key, LEFT_OUT)} == set()


@pytest.mark.parametrize(("path", "names"), XML)
async def test_xml_answers_have_the_attributes_of_recorded_ones(ask, path, names):
    body = await ask(path, "*/*")
    assert body.startswith(b"<?xml")
    ours = set(elements(ElementTree.fromstring(body)))
    known = {each for name in names for each in elements(ElementTree.parse(DATA / name).getroot())}
    known |= set(as_elements(recorded("metadata-movie.json")["MediaContainer"]))
    assert {each for each in ours - known if not excused(each, KNOWN)} == set()


async def test_refusals_are_worded_as_recorded(simulated):
    errors = recorded("spec-error-bodies-html.json")
    async with simulated() as (simulator, url), httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/library/sections", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.text) == (401, recorded("watchstate-sections-get-401.json"))
        headers = {"X-Plex-Token": simulator.token}
        answer = await client.get("/library/metadata/99999", headers=headers)
        assert (answer.status_code, answer.text) == (404, errors["404"])


async def test_the_token_may_come_in_the_query_and_identity_needs_none(simulated):
    async with simulated() as (simulator, url), httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/identity")).status_code == 200
        assert (await client.get("/", params={"X-Plex-Token": simulator.token})).status_code == 200
        assert (await client.get("/", params={"X-Plex-Token": "wrong"})).status_code == 401


async def test_pages_come_by_header_and_by_query(simulated):
    async with simulated() as (simulator, url), httpx.AsyncClient(base_url=url) as client:
        client.headers.update({"X-Plex-Token": simulator.token, "Accept": "application/json"})
        window = {"X-Plex-Container-Start": "3", "X-Plex-Container-Size": "2"}
        for options in ({"headers": window}, {"params": window}):
            answer = await client.get("/library/sections/1/all", **options)
            body = answer.json()["MediaContainer"]
            assert (body["size"], body["totalSize"], body["offset"]) == (2, 14, 3)
            assert answer.headers["X-Plex-Container-Total-Size"] == "14"
        totals = (await client.get("/library/sections/1/all", params={"X-Plex-Container-Size": "0"})).json()
        assert totals["MediaContainer"]["totalSize"] == 14
        assert "Metadata" not in totals["MediaContainer"]
        assert "totalSize" not in (await client.get("/library/sections/1/all")).json()["MediaContainer"]
        head = await client.head("/library/sections/1/all", params=window)
        assert (head.headers["X-Plex-Container-Total-Size"], head.content) == ("14", b"")


async def test_unknown_ids_are_left_out_of_a_batch(simulated):
    async with simulated() as (simulator, url), httpx.AsyncClient(base_url=url) as client:
        client.headers.update({"X-Plex-Token": simulator.token, "Accept": "application/json"})
        rows = (await client.get("/library/metadata/7,99999,1")).json()["MediaContainer"]["Metadata"]
        assert [row["ratingKey"] for row in rows] == ["7", "1"]


async def test_a_scan_says_that_it_runs_and_forgets_files_that_nobody_knows_by_name(simulated, tmp_path, clip):
    async with simulated() as (simulator, url), httpx.AsyncClient(base_url=url) as client:
        client.headers.update({"X-Plex-Token": simulator.token, "Accept": "application/json"})
        folder = tmp_path / "media" / "movies" / "Holiday 2019"
        folder.mkdir(parents=True)
        shutil.copy(clip, folder / "beach.mp4")
        await client.get("/library/sections/1/refresh")
        section = (await client.get("/library/sections")).json()["MediaContainer"]["Directory"][0]
        assert section["refreshing"] is True or simulator.state.section("1").refreshing is False
        while simulator.state.section("1").refreshing:
            await client.get("/activities")
        rows = (await client.get("/library/sections/1/all?title=holiday&includeGuids=1")).json()["MediaContainer"][
            "Metadata"
        ]
        assert [(row["title"], row["guid"].partition("://")[0], row.get("Guid")) for row in rows] == [
            ("Holiday 2019", "local", None)
        ]
