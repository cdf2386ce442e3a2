"""The simulator answers as the real daemon was recorded to: status, content type, keys and types of every answer."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from vaderflix_qbittorrent.simulator import QbittorrentSimulator
from vaderflix_qbittorrent.simulator.torrent import SimTorrent
from vaderflix_qbittorrent.simulator.world import parse_torrent

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
DIALECTS = {"4.5.2": "4.5.2", "5.1.0": "5.1"}
META = {version: json.loads((DATA / version / "http-meta.json").read_text()) for version in DIALECTS}
MAGNET = (
    "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=Magnet.Without.Peers&tr=http%3a%2f%2f127.0.0.1"
)
UNKNOWN = "f" * 40

NOT_COVERED = {
    "log-main-file-error": "the log's wording of a broken disk; the simulator's disk does not break",
    "torrents-info-filter-to-states": "no answer of the API but a table of many; held by its own test below",
    "torrents-info-one-per-state": "put together from several answers of torrents/info, which are covered",
    "torrents-info-error-and-queuedup": "recorded without its request; torrents/info is covered",
}
FORMS = {
    "torrents-add-magnet-ok": {"urls": MAGNET},
    "torrents-add-nothing": {"urls": "junk"},
    "create-category-ok": {"category": "new"},
    "create-category-conflict-409": {"category": "radarr"},
    "create-category-invalid-409": {"category": "/a//b"},
    "set-category-missing-409": {"hashes": "COMPLETE", "category": "nosuch"},
    "torrents-delete-ok": {"hashes": "COMPLETE", "deleteFiles": "false"},
    "torrents-delete-unknown-hash": {"hashes": UNKNOWN, "deleteFiles": "false"},
    "add-peers": {"hashes": "DOWNLOADING", "peers": "127.0.0.1:5"},
}
ACTIONS = ("pause", "resume", "stop", "start")


def cases() -> list[tuple[str, str]]:
    files = ((v, p) for v in DIALECTS for p in sorted((DATA / v).iterdir()) if p.name != "http-meta.json")
    return [(version, path.name) for version, path in files if path.stem not in NOT_COVERED]


class World:
    """A simulator with one torrent of each kind the recordings are about, and a client that is logged in."""

    def __init__(self, simulator: QbittorrentSimulator, http: httpx.AsyncClient, releases, share) -> None:
        self.simulator, self.http, self.releases, self.share = simulator, http, releases, share
        self.names = {"no-metadata": MAGNET.split(":")[3][:40]}

    async def fill(self) -> None:
        world = self.simulator.world
        for name, torrent in self.releases.items():
            made = parse_torrent(torrent, save_path=str(world.save_path))
            made.category, made.tags = "radarr", ["keep"]
            self.names[name] = made.hash
            world.add(made)
        self.torrent("complete").done = self.torrent("complete").size
        self.torrent("complete").completion_on = self.torrent("complete").added_on
        self.share(self.torrent("downloading"))
        await self.http.post("torrents/add", data={"urls": MAGNET, "category": "radarr"})
        self.label()

    def label(self) -> None:
        self.simulator.world.categories |= {"radarr": "/downloads/movies", "tv-sonarr": "/downloads/tv"}
        self.simulator.world.tags = ["imported", "keep"]

    def torrent(self, name: str) -> SimTorrent:
        return self.simulator.world.torrents[self.names[name]]


@pytest.fixture
async def world(request, tmp_path):
    import torf

    def torrent(name: str, *files: str) -> bytes:
        root = tmp_path / "sources" / name
        for file in files or ("",):
            target = root / file if file else root
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(name.encode() * 40_000)
        made = torf.Torrent(path=root, trackers=["http://127.0.0.1:9/announce"], comment="synthetic content")
        made.generate()
        return made.dump()

    def share(shared: SimTorrent) -> None:
        (tmp_path / "swarm").mkdir()
        (tmp_path / "swarm" / shared.hash).write_bytes(b"x" * shared.total_size)

    version = request.param
    simulator = QbittorrentSimulator(tmp_path / "qbittorrent", tmp_path / "media")
    simulator.dialect = DIALECTS[version]
    simulator.seconds_per_download = 3600.0
    releases = {
        "complete": torrent("Idle.Seed.mkv"),
        "downloading": torrent("Show.S01E01.mkv"),
        "multi-file": torrent("Show.S02", "Show.S02E01.mkv", "Show.S02E02.mkv", "Subs/en.srt"),
    }
    transport = httpx.ASGITransport(app=simulator.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080/api/v2/") as http:
        await http.post("auth/login", data=simulator.credentials)
        made = World(simulator, http, releases, share)
        yield made


def shape(value, path=""):
    """The keys and types of a JSON value; whole and broken figures are one type, names of things are not keys."""
    if isinstance(value, dict):
        found = {}
        for key, part in value.items():
            named = re.fullmatch(r"[0-9a-f]{40}|https?://.*|udp://.*|\d+\.\d+\.\d+\.\d+:\d+", key)
            named = named or path.endswith("categories")
            key = "*" if named else key
            found.setdefault(key, set()).update(shape(part, f"{path}/{key}"))
        return {(f"{path}/{key}", "there") for key in found} | {item for part in found.values() for item in part}
    if isinstance(value, list):
        return {(path, "list")} | {item for part in value for item in shape(part, f"{path}[]")}
    kind = "null" if value is None else type(value).__name__
    return {(path, "number" if kind in ("int", "float") else kind)}


async def ask(world: World, version: str, name: str) -> httpx.Response:
    """The recorded request, made of the simulator."""
    stem = name.partition(".")[0]
    method, _, target = META[version][name]["request"].partition(" ")
    parts = urlsplit(target.removeprefix("/api/v2/"))
    params = dict(parse_qsl(parts.query))
    for kind in world.names:
        if kind in stem or (kind == "downloading" and "peers" in stem):
            params = {k: world.names[kind] if k == "hash" else v for k, v in params.items()}
    if stem == "auth-login-ok":
        world.http.cookies.clear()
        return await world.http.post("auth/login", data=world.simulator.credentials)
    if stem in ("auth-login-fails", "auth-login-banned-403"):
        world.http.cookies.clear()
        for _ in range(5 if "banned" in stem else 0):
            await world.http.post("auth/login", data={"username": "admin", "password": "wrong"})
        return await world.http.post("auth/login", data={"username": "admin", "password": "wrong"})
    if stem == "auth-no-cookie-403":
        world.http.cookies.clear()
    if stem.startswith("sync-maindata-incremental"):
        return await increment(world, stem)
    if method == "GET":
        return await world.http.get(parts.path, params=params)
    if stem in ("torrents-add-ok", "torrents-add-duplicate", "torrents-add-invalid-415"):
        data = b"not a torrent" if "invalid" in stem else world.releases["complete"]
        if stem == "torrents-add-ok":
            world.simulator.world.remove([world.torrent("complete")], with_files=False)
        return await world.http.post(parts.path, files={"torrents": ("bad.torrent", data)})
    form = FORMS.get(stem) or {"hashes": "COMPLETE"}
    form = {k: world.names.get(v.lower(), v) if k == "hashes" else v for k, v in form.items()}
    if stem == "torrents-add-magnet-ok":
        world.simulator.world.remove([world.torrent("no-metadata")], with_files=False)
    return await world.http.post(parts.path, data=form)


async def increment(world: World, stem: str) -> httpx.Response:
    inside, saved = world.simulator.world, dict(world.simulator.world.torrents)
    inside.free_space = 10**11
    if stem.endswith("added"):
        inside.torrents.clear()
    elif stem.endswith("nochange"):
        (inside.swarm / world.names["downloading"]).unlink()
    rid = (await world.http.get("sync/maindata")).json()["rid"]
    if stem.endswith("added"):
        inside.torrents.update(saved)
    elif stem.endswith("removed"):
        inside.remove([world.torrent("multi-file")], with_files=False)
        inside.categories.pop("tv-sonarr")
        inside.tags = ["keep", "new"]
    return await world.http.get("sync/maindata", params={"rid": rid})


@pytest.mark.parametrize(("world", "name"), cases(), indirect=["world"])
async def test_the_simulator_answers_as_recorded(world, request, name):
    version = request.node.callspec.params["world"]
    recorded, meta = (DATA / version / name).read_text(), META[version][name]
    if "empty" not in name:
        await world.fill()
    elif "maindata" in name:
        world.label()
    answer = await ask(world, version, name)
    assert (answer.status_code, answer.headers["content-type"]) == (meta["status"], meta["content_type"])
    assert ("set-cookie" in answer.headers) == bool(meta["set_cookie"])
    if meta["set_cookie"]:
        assert answer.headers["set-cookie"].startswith(meta["set_cookie"] + "=")
    if name.endswith(".txt"):
        if "path" not in name:
            assert answer.text == recorded
        return
    wanted, got = shape(json.loads(recorded)), shape(answer.json())
    if "incremental" in name:
        # which figures moved is chance; that a change has these members, of these types, is not
        assert {item for item in got if item[0].count("/") == 1 and item[1] == "there"} >= {
            item for item in wanted if item[0].count("/") == 1 and item[1] == "there" and "trackers" not in item[0]
        } - {("/server_state", "there"), ("/tags", "there")}
        whole = shape(json.loads((DATA / version / "sync-maindata-full.json").read_text()))
        removed = {item for item in got if "_removed" in item[0]}
        assert got - removed <= whole
        return
    if "torrents-info" in name or "maindata" in name:
        # a torrent without metadata has a null where others have a truth
        wanted, got = ({i for i in items if "private" not in i[0]} for items in (wanted, got))
    assert got == wanted


@pytest.mark.parametrize("world", ["4.5.2", "5.1.0"], indirect=True)
async def test_the_filters_pass_the_recorded_states(world, request):
    version = request.node.callspec.params["world"]
    table = json.loads((DATA / version / "torrents-info-filter-to-states.json").read_text())
    await world.fill()
    world.torrent("multi-file").paused = True
    for name, states in table.items():
        got = [row["state"] for row in (await world.http.get("torrents/info", params={"filter": name})).json()]
        present = {row["state"] for row in (await world.http.get("torrents/info")).json()}
        assert set(got) == set(states) & present, name


def test_every_recording_is_covered_or_excused():
    for version in DIALECTS:
        names = {path.stem for path in (DATA / version).iterdir()} - {"http-meta"}
        assert names - NOT_COVERED.keys() == {Path(name).stem for v, name in cases() if v == version}
        assert names >= NOT_COVERED.keys()
