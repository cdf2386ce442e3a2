"""The simulated Radarr answers like the running one did: each recording is asked again, in a world like it was then."""

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from vaderflix_arr.simulator.releases import Wanted
from vaderflix_arr.simulator.shapes import differences
from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.testing import Title, served
from vaderflix_radarr.simulator import RadarrSimulator

pytestmark = pytest.mark.anyio
DATA = Path(__file__).parent / "data" / "real"
RECORDINGS = {row["name"]: row["recording"] for row in map(json.loads, (DATA / "exchanges.ndjson").open())}

# Recordings that no simulator answers, with the reason; every other one is asked again below.
NOT_ASKED = {
    "add-eight-at-once": "a race of eight calls: test_simulator_radarr.py holds it",
    "command-manual-import-lifecycle": "frames of one command, held by test_a_command_goes_through_its_states",
    "command-missing-search-lifecycle": "the same",
    "command-movies-search-lifecycle": "the same",
    "command-refresh-movie-lifecycle": "the same",
    "command-rename-files-lifecycle": "the same",
    "command-rss-sync-lifecycle": "the same",
    "history-grabbed-only": "a defect of that build (500 for every eventType), which releases do not have",
    "history-imported-only": "the same defect",
    "log-errors": "the simulator has no errors of its own to log; it answers an empty page",
    "qbittorrent-torrents-info-of-radarr-download": "an answer of qBittorrent, not of Radarr",
    "queue-frames-download-to-import": "frames of the queue over time: the journey test holds them",
}

# Fields that are there or not by what is known of a title or a file, not by the product.
HISTORY: dict[str, list[dict]] = {}
for _name, _recording in RECORDINGS.items():
    _rows = _recording["response"] if _name.startswith("history") else []
    for _row in _rows if isinstance(_rows, list) else _rows.get("records", []):
        HISTORY.setdefault(_row["eventType"], []).append(_row)
# A command may have started by the time its answer is written.
RACED = frozenset({"started", "stateChangeTime"})
FREE = frozenset({"secondaryYear", "certification", "imdbId", "lastSearchTime", "helpText", "isContainerized", "unit"})


def film(slug: str, title: str, year: int, tmdb: int, imdb: str | None, **more: Any) -> Title:
    facts = {"overview": f"About {title}.", "genres": ("Drama",), "runtime_minutes": 2, "rating": 7.8}
    ids = ExternalIds(tmdb=tmdb, imdb=imdb)
    kind = MediaKind.MOVIE
    return Title(
        slug=slug, kind=kind, title=title, year=year, ids=ids, certification="PG-13", studio="Studio", **facts, **more
    )


FILMS = (
    film("nosferatu", "Nosferatu", 1922, 653, "tt0013442"),
    film("living-dead", "Night of the Living Dead", 1968, 10331, "tt0063350"),
    film("metropolis", "Metropolis", 1927, 19, "tt0017136"),
    film("charade", "Charade", 1963, 4808, "tt0056923"),
    film("friday", "His Girl Friday", 1940, 3085, "tt0032599"),
    film("general", "The General", 1926, 961, "tt0017925"),
    film("unreleased", "The Unreleased", 2027, 999001, "tt9990011", released=False),
    film("amelie", 'Amélie\'s "Tale" <b>& Co', 2011, 999002, None),
)
SEVEN = ("nosferatu", "living-dead", "metropolis", "charade", "friday", "general", "unreleased")


class StubClient:
    """A download client with the torrents a test gives it."""

    def __init__(self) -> None:
        self.rows: list[dict] = []
        self.added: list[str] = []

    async def test(self) -> None: ...

    async def close(self) -> None: ...

    async def torrents(self, category: str) -> list[dict]:
        return self.rows

    async def add(self, release: Any, category: str) -> None:
        self.added.append(release.infohash)

    async def delete(self, infohash: str) -> None:
        self.rows = [row for row in self.rows if row["hash"].upper() != infohash.upper()]


class Lab:
    """A simulator in the state of the laboratory, with seven films under the ids they had there."""

    def __init__(self, tmp: Path, hooks: str, torrents: str) -> None:
        self.clip = tmp / "clip.mp4"
        self.clip.write_bytes(bytes(300_000))
        sources = {title.slug: self.clip for title in FILMS}
        self.sim = RadarrSimulator(tmp / "own", tmp / "media", titles=FILMS, sources=sources)
        self.sim.search_seconds = self.sim.metadata_seconds = 0
        self.sim.refresh_delay_seconds = 60
        self.sim.hub.keep_alive_seconds = 60
        self.client = StubClient()
        self.hooks, self.torrents = hooks, torrents
        self.queue: list[dict] = []

    def use_client(self) -> None:
        self.sim.client = self.client

    def add(self, *slugs: str) -> None:
        for slug in slugs:
            title = next(title for title in FILMS if title.slug == slug)
            if self.sim.store.where("movies", slug=slug):
                continue
            row = {"slug": slug, "tmdbId": title.ids.tmdb, "path": f"{self.sim.root}/{title.title} ({title.year})"}
            row |= {"rootFolderPath": str(self.sim.root), "qualityProfileId": 4, "monitored": True, "tags": [1]}
            row |= {"minimumAvailability": "released", "added": "2026-11-23T00:44:42Z", "refreshed": True}
            self.sim.store.add("movies", {**row, "id": SEVEN.index(slug) + 1})

    def quality(self, name: str) -> dict:
        return self.sim.qualities.by_name[name].model()

    def file(self, slug: str, ident: int, name: str, scene: bool = True) -> None:
        row = self.sim.store.where("movies", slug=slug)[0]
        path = Path(row["path"]) / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.clip.read_bytes())
        about = {"movieId": row["id"], "relativePath": path.name, "path": str(path), "size": 300_000, "codec": "x264"}
        about |= {"dateAdded": "2026-11-23T00:45:01Z", "sceneName": name if scene else "", "releaseGroup": "LAB"}
        about |= {"quality": self.quality("WEBDL-720p"), "originalFilePath": path.name, "id": ident}
        self.sim.store.add("files", about)

    def grab(self, slug: str, download: str, state: str = "downloading", **more: Any) -> dict:
        row = self.sim.store.where("movies", slug=slug)[0]
        about = {"downloadId": download, "itemId": row["id"], "episodeIds": [], "name": f"{slug}.1080p.WEB.H264-LAB"}
        about |= {"quality": self.quality("WEBDL-1080p"), "languages": [{"id": 1, "name": "English"}], "group": "LAB"}
        about |= {"size": 300_000, "pack": False, "slug": slug, "overridden": False, "guid": "g", "messages": []}
        about |= {"published": "2026-11-21T00:44:43Z", "added": "2026-11-23T00:44:45Z", "state": state}
        return self.sim.store.add("grabs", {**about, "notified": False, **more})

    def torrent(self, download: str, state: str, **more: Any) -> None:
        path = self.clip.with_name(f"{download[:6]}.mp4")
        path.write_bytes(self.clip.read_bytes())
        row = {"hash": download.lower(), "name": "Some.Name-LAB", "state": state, "size": 300_000, "eta": 8640000}
        row |= {"amount_left": 100_000, "save_path": str(path.parent), "content_path": str(path)}
        self.client.rows.append({**row, **more})

    async def refresh(self, times: int = 1) -> None:
        self.use_client()
        for _ in range(times):
            await self.sim.downloads.refresh()
        self.queue = self.sim.downloads.rows

    def rewrite(self, text: str) -> str:
        """A recorded request in the names of this world."""
        for old, new in (
            ("/data/media/movies", str(self.sim.root)),
            ("http://127.0.0.1:9700/hooks/radarr", f"{self.hooks}/hook"),
            ("http://127.0.0.1:9697/dl/", "http://indexer.invalid/dl/"),
            ("/data/torrents/Nosferatu.1922.1080p.WEB.H264-LAB.mkv", str(self.clip)),
        ):
            text = text.replace(old, new)
        port = self.torrents.rsplit(":", 1)[-1]
        text = text.replace("28102", port)
        if self.queue:
            text = re.sub(r"/queue/1707444078", f"/queue/{self.queue[0]['id']}", text)
        return text


def library(lab: Lab) -> None:
    lab.sim.store.add("tags", {"label": "requested-by-lab"})
    lab.add(*SEVEN)
    lab.file("living-dead", 1, "Night.of.the.Living.Dead.1968.720p.WEB.H264-LAB")


def empty(lab: Lab) -> None:
    for table in ("roots", "indexer"):
        lab.sim.store.remove(table, lambda row: True)


def tagged(lab: Lab) -> None:
    lab.sim.store.add("tags", {"label": "requested-by-lab"})


def hooked(lab: Lab) -> None:
    fields = [{"name": "url", "value": f"{lab.hooks}/hook"}, {"name": "password", "value": "s3cret"}]
    fields += [{"name": "username", "value": "arr"}, {"name": "method", "value": 1}, {"name": "headers", "value": []}]
    lab.sim.store.add("notification", {"name": "Vaderflix", "fields": fields, "tags": [], "onGrab": True})


def client_kept(lab: Lab) -> None:
    fields = [{"name": "host", "value": "127.0.0.1"}, {"name": "port", "value": int(lab.torrents.rsplit(":", 1)[-1])}]
    fields += [{"name": "username", "value": "admin"}, {"name": "password", "value": "adminadmin"}]
    lab.sim.store.add("downloadclient", {"name": "qb", "enable": True, "fields": fields, "tags": []})


async def client_down(lab: Lab) -> None:
    client_kept(lab)
    lab.sim.connections.rebuild()
    lab.sim.client_down = True
    await lab.sim.downloads.refresh()


async def past(lab: Lab) -> None:
    """Everything that the history can hold."""
    library(lab)
    lab.file("metropolis", 3, "Metropolis.1927.720p.WEB.H264-LAB")
    lab.use_client()
    for slug, download in (("living-dead", "E4ED"), ("metropolis", "44CE"), ("nosferatu", "A367"), ("general", "C222")):
        grab = lab.grab(slug, download, state="importPending")
        lab.sim.record_grab(grab, "Search")
        if slug != "general":
            await lab.sim.downloads.finish(grab, lab.clip)
    lab.sim.queue.fail(lab.sim.store.where("grabs", downloadId="C222")[0], "Manually marked as failed")
    lab.sim.config_extra["naming"]["renameMovies"] = True
    await lab.sim.library.rename(lab.sim.store.get("movies", 2))


async def after_removal(lab: Lab) -> None:
    library(lab)
    lab.sim.store.where("movies", slug="general")[0]["id"] = 9
    lab.sim.record_grab(lab.grab("general", "C222"), "InteractiveSearch")
    await lab.refresh()


def waiting(slug: str, download: str, state: str, **more: Any) -> Callable[[Lab], Any]:
    async def prepare(lab: Lab) -> None:
        library(lab)
        lab.grab(slug, download)
        lab.torrent(download, state, **more)
        await lab.refresh()

    return prepare


def blocked(*downloads: tuple[str, str]) -> Callable[[Lab], Any]:
    async def prepare(lab: Lab) -> None:
        library(lab)
        for slug, download in downloads:
            lab.grab(slug, download)
            lab.torrent(download, "stalledUP", amount_left=0)
            lab.sim.import_blocked[slug] = "Caution: Found executable file with extension: '.exe'"
        await lab.refresh(2)

    return prepare


async def unknown_item(lab: Lab) -> None:
    lab.torrent("261C29E781D917FB85B6B73E0DA29E0FF5DE57D2", "stalledUP", amount_left=0)
    await blocked(("charade", "0F75"), ("friday", "665E"))(lab)


def paused_ninth(lab: Lab) -> Any:
    async def prepare() -> None:
        library(lab)
        lab.sim.store.where("movies", slug="general")[0]["id"] = 9
        lab.grab("general", "C222")
        lab.torrent("C222", "pausedDL")
        await lab.refresh()

    return prepare()


async def text_only(lab: Lab) -> None:
    library(lab)
    download = "665E419E70199CBF175549521B3FFBED99280746"
    lab.grab("friday", download)
    lab.torrent(download, "stalledUP", amount_left=0)
    path = Path(lab.client.rows[0]["content_path"]).with_suffix(".txt")
    path.write_bytes(bytes(3000))
    lab.client.rows[0]["content_path"] = str(path)
    await lab.refresh(2)


async def searched(lab: Lab) -> None:
    library(lab)
    lab.use_client()
    names = ("Metropolis.1927.1080p.WEB.H264-LAB", "Metropolis.1927.German.DVDRip.x264-LAB")
    row = lab.sim.store.where("movies", slug="metropolis")[0]
    await lab.sim.finder.search(row, [Wanted(name=name) for name in names])
    other = lab.sim.store.where("movies", slug="nosferatu")[0]
    await lab.sim.finder.search(other, [Wanted(name="Nosferatu.1922.1080p.WEB.H264-LAB")])


def seedless(lab: Lab) -> None:
    library(lab)
    lab.sim.library.wanted = lambda row: [Wanted(name="The.General.1926.1080p.BluRay.x264-STALL", seeders=0)]


def rejected(lab: Lab) -> None:
    library(lab)
    lab.sim.store.add("blocklist", {"sourceTitle": "Metropolis.1927.1080p.WEB.H264-LAB"})


def renaming(lab: Lab) -> None:
    library(lab)
    lab.sim.config_extra["naming"]["renameMovies"] = True


def third_file(lab: Lab) -> None:
    library(lab)
    lab.file("metropolis", 3, "Metropolis.1927.1080p.WEB.H264-LAB")


def imported(lab: Lab) -> None:
    library(lab)
    lab.file("nosferatu", 4, "Nosferatu.1922.1080p.WEB.H264-LAB", scene=False)


def excluded(lab: Lab) -> None:
    lab.sim.store.add("exclusions", {"tmdbId": 19, "movieTitle": "Metropolis", "movieYear": 1927})


def without_root(lab: Lab) -> None:
    lab.sim.store.remove("roots", lambda row: True)


def without_indexer(lab: Lab) -> None:
    lab.sim.store.remove("indexer", lambda row: True)


async def some_commands(lab: Lab) -> None:
    lab.use_client()
    lab.sim.commands.push("RefreshMonitoredDownloads", trigger="scheduled")
    lab.sim.commands.push("ProcessMonitoredDownloads")
    await lab.sim.settled()


def announced(lab: Lab) -> None:
    library(lab)
    recorded = RECORDINGS["calendar"]["response"][0]
    lab.sim.store.where("movies", slug="unreleased")[0]["addOptions"] = recorded["addOptions"]


STALLED = waiting("general", "82B9", "stalledDL")
DOWNLOADING = waiting("living-dead", "E4ED", "stalledDL")
MANUAL = blocked(("nosferatu", "A367B783A1ACFF1273E2BF2F6E29A8CA0632A850"))
TWO = blocked(("charade", "0F75"), ("friday", "665E"))
SETUPS: dict[str, Callable[[Lab], Any]] = {
    "add-error-bad-profile": tagged,
    "add-error-bad-root": tagged,
    "add-error-duplicate": library,
    "add-error-unknown-tmdb": tagged,
    "add-minimal-body-of-an-excluded-movie": excluded,
    "add-with-search": tagged,
    "blocklist": past,
    "calendar": announced,
    "command-manual-import-post": MANUAL,
    "command-movies-search-post": library,
    "command-refresh-movie-post": library,
    "command-rename-files-post": library,
    "commands-recent": some_commands,
    "downloadclient": client_kept,
    "downloadclient-testall": client_kept,
    "exclusions": excluded,
    "health-after-setup": without_indexer,
    "health-download-client-down": client_down,
    "health-fresh-install": empty,
    "health-restored": lambda lab: lab.use_client(),
    "history": past,
    "history-final": past,
    "history-movie": past,
    "history-movie-after-upgrade": past,
    "history-movie-after-torrent-removed-by-hand": after_removal,
    "history-since": past,
    "indexer-create": without_indexer,
    "manualimport-blocked": MANUAL,
    "manualimport-no-files": text_only,
    "movie-after-manual-import": imported,
    "movie-delete-with-files": library,
    "movie-editor": library,
    "movie-update-unmonitor": library,
    "movie-with-file": library,
    "moviefile": library,
    "moviefile-after-rename": library,
    "moviefile-delete": third_file,
    "movies": library,
    "movies-filter-tmdb": library,
    "notification": hooked,
    "notification-create-error-duplicate-name": hooked,
    "notification-test-ok": hooked,
    "notification-update-unchanged": hooked,
    "queue-after-import": library,
    "queue-delete-blocklist-research": STALLED,
    "queue-details-after-torrent-removed-by-hand": after_removal,
    "queue-details-downloading": DOWNLOADING,
    "queue-details-paused-by-hand": paused_ninth,
    "queue-details-stalled": STALLED,
    "queue-download-client-down": client_down,
    "queue-downloading": DOWNLOADING,
    "queue-import-blocked-executable": blocked(("charade", "0F75")),
    "queue-import-blocked-matched-by-id": TWO,
    "queue-import-blocked-no-files": TWO,
    "queue-paged-size-3": TWO,
    "queue-status-downloading": DOWNLOADING,
    "queue-status-with-warnings": TWO,
    "queue-with-unknown-item": unknown_item,
    "queue-without-unknown-items": unknown_item,
    "release-grab-ok": searched,
    "release-grab-override-other-movie": searched,
    "release-grab-rejected-release": searched,
    "release-search": rejected,
    "release-search-no-seeders": seedless,
    "rename-preview": renaming,
    "rename-preview-disabled": library,
    "rootfolder-create": without_root,
    "rootfolder-empty": without_root,
    "tag-detail": tagged,
    "tag-one": tagged,
    "wanted-cutoff": imported,
    "wanted-missing": library,
}
KEYLESS = {"error-401-no-key": None, "error-401-bad-key": "wrong", "signalr-negotiate-error-401": None}


async def neighbour(scope, receive, send):
    """A receiver of webhooks, and a qBittorrent that only knows its password."""
    if scope["type"] == "lifespan":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    text = b"2.8.19"
    if scope["path"].endswith("login"):
        text = b"Ok." if b"adminadmin" in body else b"Fails."
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text})


def neighbourhood(name: str):
    """The neighbour, where a recording needs one."""
    needed = name.startswith(("notification", "downloadclient"))
    return served(neighbour) if needed else nullcontext("http://127.0.0.1:28102")


async def ask(lab: Lab, recording: dict, key: str | None) -> httpx.Response:
    headers = {"X-Api-Key": key} if key else {}
    transport = httpx.ASGITransport(lab.sim.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://radarr", headers=headers) as http:
        path = lab.rewrite(recording["path"])
        body = recording["request"]
        if recording["method"] in ("POST", "PUT", "DELETE") and body is not None:
            sent = lab.rewrite(json.dumps(body, ensure_ascii=False)).encode()
            return await http.request(
                recording["method"], path, content=sent, headers={"Content-Type": "application/json"}
            )
        if "malformed" in recording.get("name", ""):
            return await http.post(path, content=b"{nonsense", headers={"Content-Type": "application/json"})
        return await http.request(recording["method"], path)


def found(name: str, expected: Any, given: Any) -> list[str]:
    """What is wrong with an answer. Rows of the history are held against all recorded rows of their event."""
    if name.startswith("history") and name != "history-since-error-bad-date":
        rows = given if isinstance(given, list) else given["records"]
        return [line for row in rows for line in differences(HISTORY[row["eventType"]], [row], free=FREE)]
    return differences(expected, given, free=FREE | (RACED if name.startswith("command-") else frozenset()))


@pytest.mark.parametrize("name", sorted(set(RECORDINGS) - set(NOT_ASKED)))
async def test_it_answers_as_the_running_service_did(name: str, tmp_path: Path):
    recording = {**RECORDINGS[name], "name": name}
    async with neighbourhood(name) as url:
        lab = Lab(tmp_path, url, url)
        prepared = SETUPS.get(name, lambda lab: None)(lab)
        if prepared is not None:
            await prepared
        answer = await ask(lab, recording, KEYLESS.get(name, lab.sim.api_key))
        await lab.sim.stop()
    expected = recording["response"]
    assert answer.status_code == recording["status"], answer.text
    kind = {key.lower(): value for key, value in recording["headers"].items()}.get("content-type")
    if expected is None:
        assert answer.content in (b"", b"{}")
    else:
        assert answer.headers["content-type"] == kind
        assert found(name, expected, answer.json()) == []
    version = "X-Application-Version" in recording["headers"]
    assert ("X-Application-Version" in answer.headers) == version


def test_no_recording_is_left_out():
    assert set(SETUPS) | set(NOT_ASKED) <= set(RECORDINGS)
    assert len(RECORDINGS) == 145


# webhooks

HOOKS = {row["name"]: row["recording"]["body"] for row in map(json.loads, (DATA / "webhooks.ndjson").open())}


async def everything(lab: Lab) -> None:
    """Make every event happen that Radarr was recorded with."""
    tagged(lab)
    flags = {f"on{flag}": True for flag in lab.sim.notification_flags()}
    lab.sim.store.add("notification", {"name": "all", "fields": [], "tags": [], **flags})
    lab.use_client()
    body = {"title": "Nosferatu", "tmdbId": 653, "qualityProfileId": 4, "rootFolderPath": str(lab.sim.root)}
    await ask(lab, {"method": "POST", "path": "/api/v3/movie", "request": {**body, "tags": [1]}}, lab.sim.api_key)
    lab.sim.commands.push("RefreshMovie", {"movieIds": [1]})
    await lab.sim.commands.idle()
    row = lab.sim.store.get("movies", 1)
    small, large = "Nosferatu.1922.German.DVDRip.x264-LAB", "Nosferatu.1922.1080p.WEB.H264-LAB"
    for offer in await lab.sim.finder.search(row, [Wanted(name=small)]):
        await lab.sim.downloads.finish(await lab.sim.finder.grab(offer, "Search"), lab.clip)
    for offer in await lab.sim.finder.search(row, [Wanted(name=large)]):
        await lab.sim.downloads.finish(await lab.sim.finder.grab(offer, "Search"), lab.clip)
    lab.sim.config_extra["naming"]["renameMovies"] = True
    await lab.sim.library.rename(row)
    file = lab.sim.store.rows("files")[0]
    for path in (f"moviefile/{file['id']}", "movie/1?deleteFiles=true"):
        await ask(lab, {"method": "DELETE", "path": f"/api/v3/{path}", "request": None}, lab.sim.api_key)
    lab.sim.client_down = True
    await lab.sim.downloads.refresh()
    lab.sim._watch_health()
    lab.sim.client_down = False
    await lab.sim.downloads.refresh()
    lab.sim._watch_health()


def kind_of(payload: dict) -> tuple:
    """What tells two events apart that have one name."""
    return payload["eventType"], payload.get("deleteReason"), payload.get("isUpgrade"), "episodeFiles" in payload


async def test_webhooks_are_worded_as_recorded(tmp_path: Path):
    lab = Lab(tmp_path, "", "")
    await everything(lab)
    sent = {}
    while not lab.sim.webhooks.waiting.empty():
        payload = lab.sim.webhooks.waiting.get_nowait()[1]
        sent[kind_of(payload)] = payload
    test = lab.sim.webhooks.payload("Test", lab.sim.test_payload())
    sent[kind_of(test)] = test
    await lab.sim.stop()
    wrong = {}
    for name, recorded in HOOKS.items():
        lines = differences(recorded, sent[kind_of(recorded)], free=FREE) if kind_of(recorded) in sent else ["not sent"]
        if lines:
            wrong[name] = lines
    assert wrong == {}


# the live channel


async def test_live_messages_are_worded_as_recorded(tmp_path: Path):
    recorded = json.loads((DATA / "signalr-messages.json").read_text())
    lab = Lab(tmp_path, "", "")
    given: dict[str, dict] = {}
    send = lab.sim.hub._push
    lab.sim.hub._push = lambda argument: (given.setdefault(argument["name"], argument), send(argument))
    await everything(lab)
    lab.sim.commands.push("RefreshMonitoredDownloads", trigger="manual")
    await lab.sim.commands.idle()
    await lab.sim.stop()
    names = [m["arguments"][0] for m in recorded if m.get("type") == 1]
    rest = {"version", "system/task"}  # the first comes with the handshake; no client reads again for the second
    free = (
        FREE | RACED | {"addOptions", "grabbed", "movieFile", "ended", "duration", "message", "isNewMovie", "movieIds"}
    )
    free |= {"isLongRunning", "completionMessage"}
    for argument in [a for a in names if a["name"] not in rest]:
        assert differences(argument, given[argument["name"]], free=free) == [], argument["name"]
