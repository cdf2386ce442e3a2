"""Infohashes of magnets and .torrent files."""

import base64

import pytest
import torf
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.api import NewDownload, Rejected
from vaderflix_qbittorrent.infohash import NotTorrent, hashes_of, is_id, magnet_hashes, read_torrent, torrent_hashes

OLD = "0123456789abcdef0123456789abcdef01234567"
NEW = "f" * 40 + "0" * 24


def test_a_torrent_file_has_the_hash_that_torf_gives_it(tmp_path):
    (tmp_path / "film").mkdir()
    (tmp_path / "film" / "a.mkv").write_bytes(b"x" * 100_000)
    (tmp_path / "film" / "b.srt").write_bytes(b"y" * 1000)
    torrent = torf.Torrent(path=tmp_path / "film", trackers=["http://127.0.0.1:9/announce"])
    torrent.generate()
    assert torrent_hashes(torrent.dump()) == (torrent.infohash,)


@pytest.mark.parametrize("digest", [OLD, OLD.upper(), base64.b32encode(bytes.fromhex(OLD)).decode()])
def test_a_magnet_is_read_in_every_spelling(digest):
    assert magnet_hashes(f"magnet:?dn=A+film&xt=urn:btih:{digest}&tr=http%3a%2f%2f127.0.0.1") == (OLD,)


def test_a_hybrid_magnet_is_known_by_its_new_hash_first():
    assert magnet_hashes(f"magnet:?xt=urn:btih:{OLD}&xt=urn:btmh:1220{NEW}") == (NEW[:40], OLD)


@pytest.mark.parametrize("text", ["", "all", "http://x/a.torrent", "magnet:?dn=x", "magnet:?xt=urn:btih:all"])
def test_what_is_no_magnet_is_refused(text):
    with pytest.raises(Rejected):
        hashes_of(NewDownload(magnet=text))


def test_a_download_is_one_thing(release):
    for download in (NewDownload(), NewDownload(magnet=f"magnet:?xt=urn:btih:{OLD}", torrent=release.torrent)):
        with pytest.raises(Rejected):
            hashes_of(download)


@given(st.one_of(st.binary(max_size=200), st.text("0123456789:dilei-x", max_size=60).map(str.encode)))
def test_garbage_is_never_a_torrent_and_never_crashes(data):
    with pytest.raises(NotTorrent):
        read_torrent(b"d4:info" + data)


@given(st.text(max_size=50))
def test_only_forty_hex_digits_are_an_id(text):
    assert is_id(text) == (len(text) == 40 and set(text) <= set("0123456789abcdef"))


@pytest.mark.parametrize("text", ["all", OLD.upper(), OLD + "|" + OLD, OLD + "\n", "*", ""])
def test_nothing_that_means_many_is_an_id(text):
    assert not is_id(text)
