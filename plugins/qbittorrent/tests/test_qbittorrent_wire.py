"""What qBittorrent says about torrents, and what we make of it."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.api import DownloadState
from vaderflix_qbittorrent.wire import STATES, MainData, Torrent, download_of, state_of

DATA = Path(__file__).parent / "data"
LISTS = sorted(p for p in DATA.rglob("torrents-info-*.json") if "filter" not in p.name)


def rows(path: Path) -> list[dict]:
    loaded = json.loads(path.read_text())
    return loaded if isinstance(loaded, list) else [loaded]


@pytest.mark.parametrize("path", LISTS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_recorded_torrent_is_a_download(path):
    for row in rows(path):
        download = download_of(msgspec.convert(row, Torrent, strict=False))
        assert download.state is not DownloadState.UNKNOWN
        assert (download.id, download.name, download.category) == (row["hash"], row["name"], row["category"])
        assert download.left == row["amount_left"]
        assert download.eta_seconds is None or download.eta_seconds < 8640000
        assert bool(download.error) == (row["state"] in ("error", "missingFiles"))


@pytest.mark.parametrize("version", ["4.5.2", "5.1.0"])
def test_every_recorded_state_is_known(version):
    seen = {row["state"] for path in (DATA / version).glob("torrents-info-*.json") if "filter" not in path.name
            for row in rows(path)}  # fmt: skip
    assert len(seen) >= 15
    assert seen <= STATES.keys()


def test_a_complete_torrent_has_no_time_left():
    assert download_of(Torrent(hash="a" * 40, state="stalledUP", progress=1, eta=5)).eta_seconds is None


def test_an_eta_of_a_hundred_days_means_unknown():
    assert download_of(Torrent(state="downloading", eta=8640000)).eta_seconds is None
    assert download_of(Torrent(state="downloading", eta=61)).eta_seconds == 61


def test_a_magnet_without_metadata_is_queued_not_complete():
    row = next(r for r in rows(DATA / "4.5.2/torrents-info-one-per-state.json") if r["state"] == "metaDL")
    download = download_of(msgspec.convert(row, Torrent))
    assert (download.state, download.size, download.progress) == (DownloadState.QUEUED, 0, 0)


def test_a_hybrid_torrent_answers_to_both_its_hashes():
    torrent = Torrent(hash="b" * 40, infohash_v1="A" * 40, infohash_v2="b" * 64)
    assert download_of(torrent).aliases == ("a" * 40,)


def test_numbers_written_as_text_are_read():
    data = msgspec.json.decode(
        (DATA / "sync-maindata-full-5x-home-assistant.json").read_bytes(), type=MainData, strict=False
    )
    for key, part in data.torrents.items():
        download = download_of(msgspec.convert({**part, "hash": key}, Torrent, strict=False))
        assert download.size > 0


integers = st.integers(-(2**53), 2**53)


@given(
    state=st.one_of(st.sampled_from(sorted(STATES)), st.text(max_size=20)),
    progress=st.floats(allow_nan=False),
    figures=st.lists(integers, min_size=6, max_size=6),
    added=integers,
)
def test_any_state_and_any_figures_make_a_lawful_download(state, progress, figures, added):
    size, left, down, up, eta, _ = figures
    torrent = Torrent(
        hash="a" * 40, state=state, progress=progress, size=size, amount_left=left,
        dlspeed=down, upspeed=up, eta=eta, added_on=added,
    )  # fmt: skip
    download = download_of(torrent)
    assert state_of(torrent) is STATES.get(state, DownloadState.UNKNOWN)
    assert 0 <= download.progress <= 1
    assert min(download.size, download.left, download.down, download.up) >= 0
    assert download.eta_seconds is None or 0 <= download.eta_seconds < 8640000
