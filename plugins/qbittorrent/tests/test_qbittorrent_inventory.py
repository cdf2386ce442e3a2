"""Adding up the changes of `sync/maindata`."""

import itertools
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaderflix_qbittorrent.inventory import Inventory, OutOfStep
from vaderflix_qbittorrent.simulator.sync import difference
from vaderflix_qbittorrent.wire import MainData

DATA = Path(__file__).parent / "data"

hashes = st.sampled_from([c * 40 for c in "abcdef"])
torrent = st.fixed_dictionaries(
    {
        "name": st.text(max_size=5),
        "state": st.sampled_from(["downloading", "stalledDL", "stalledUP"]),
        "progress": st.floats(0, 1),
        "size": st.integers(0, 10**12),
        "category": st.sampled_from(["", "radarr"]),
    }
)
state = st.fixed_dictionaries(
    {
        "torrents": st.dictionaries(hashes, torrent, max_size=6),
        "server_state": st.fixed_dictionaries(
            {"connection_status": st.sampled_from(["connected", "firewalled"]), "free_space_on_disk": st.integers(0, 9)}
        ),
    }
).map(lambda s: {"categories": {}, "trackers": {}, "tags": [], **s})


def data(**fields) -> MainData:
    return msgspec.convert(json.loads(json.dumps(fields)), MainData)


def as_read(inventory: Inventory):
    snapshot = inventory.snapshot()
    return {t.hash: t for t in snapshot.torrents}, snapshot.server


@given(states=st.lists(state, min_size=1, max_size=8), fresh=st.sets(st.integers(1, 7)))
@settings(max_examples=200)
def test_merged_changes_equal_the_whole(states, fresh):
    merged = Inventory()
    merged.merge(data(rid=1, full_update=True, **states[0]))
    for rid, (before, after) in enumerate(itertools.pairwise(states), start=2):
        if rid in fresh:
            merged.merge(data(rid=rid, full_update=True, **after))
        else:
            merged.merge(data(rid=rid, **difference(before, after)))
        whole = Inventory()
        whole.merge(data(rid=rid, full_update=True, **after))
        assert as_read(merged) == as_read(whole)
        assert merged.rid == rid


def recorded(version: str, name: str) -> MainData:
    return msgspec.json.decode((DATA / version / f"sync-maindata-{name}.json").read_bytes(), type=MainData)


@pytest.mark.parametrize("version", ["4.5.2", "5.1.0"])
def test_recorded_changes_add_up(version):
    inventory = Inventory()
    inventory.merge(recorded(version, "empty-full"))
    assert inventory.snapshot().torrents == ()
    inventory.merge(recorded(version, "incremental-added"))
    names = {t.name for t in inventory.snapshot().torrents}
    assert len(names) == 7
    inventory.merge(recorded(version, "incremental-nochange"))
    assert {t.name for t in inventory.snapshot().torrents} == names
    progress = recorded(version, "incremental-progress")
    inventory.merge(progress)
    (moved,) = progress.torrents
    after = next(t for t in inventory.snapshot().torrents if t.hash == moved)
    assert after.progress > 0
    assert after.name in names


@pytest.mark.parametrize("version", ["4.5.2", "5.1.0"])
def test_a_removed_torrent_leaves(version):
    inventory = Inventory()
    inventory.merge(recorded(version, "full"))
    removed = recorded(version, "incremental-removed")
    (gone,) = removed.torrents_removed
    before = {t.hash for t in inventory.snapshot().torrents}
    inventory.merge(removed)
    assert {t.hash for t in inventory.snapshot().torrents} == before - {gone}


def test_a_change_of_a_torrent_never_seen_asks_for_the_whole_and_changes_nothing():
    inventory = Inventory()
    inventory.merge(data(rid=1, full_update=True))
    with pytest.raises(OutOfStep):
        inventory.merge(data(rid=2, torrents={"a" * 40: {"progress": 0.5}}))
    assert (inventory.rid, inventory.snapshot().torrents) == (1, ())
