"""Which files browsers play, and why the others do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.api import Rejected
from vaderflix_plex import wire
from vaderflix_plex.files import parse_ref, playables
from vaderflix_plex.items import lines


def media(container="mp4", video="h264", audio="aac", **more):
    part = wire.Part(id=1, key="/library/parts/1/2/file.mp4", size=10, container=container)
    return wire.Media(container=container, video_codec=video, audio_codec=audio, **{"part": (part,), **more})


def verdict(*versions, **item):
    return playables(wire.Metadata(rating_key="7", type="movie", media=versions, **item))


@pytest.mark.parametrize(
    ("container", "video", "audio", "direct"),
    [
        ("mp4", "h264", "aac", True),
        ("m4v", "h264", "mp3", True),
        ("mov", "h264", "aac", True),
        ("mp4", "av1", "opus", True),
        ("webm", "vp9", "opus", True),
        ("webm", "vp8", "vorbis", True),
        ("mp4", "h264", "", True),
        ("mkv", "h264", "aac", False),
        ("mp4", "hevc", "aac", False),
        ("mov", "av1", "aac", False),
        ("mp4", "h264", "ac3", False),
        ("webm", "h264", "opus", False),
        ("avi", "mpeg4", "mp3", False),
        ("", "", "", False),
    ],
)
def test_direct_is_what_browsers_play_unchanged(container, video, audio, direct):
    (playable,) = verdict(media(container, video, audio))
    assert playable.direct is direct
    assert bool(playable.why_not) is not direct


@pytest.mark.parametrize("profile", ["high 10", "high 4:2:2", "high 4:4:4 predictive"])
def test_h264_profiles_that_browsers_lack_are_not_direct(profile):
    (playable,) = verdict(media(video_profile=profile))
    assert profile in playable.why_not


def test_a_film_split_over_files_is_not_direct_and_says_so():
    parts = (wire.Part(key="/library/parts/1/2/file.mp4", size=5), wire.Part(key="/library/parts/2/2/file.mp4", size=6))
    (playable,) = verdict(media(part=parts))
    assert playable.why_not == "It is split into 2 files."
    assert playable.size == 11


def test_a_version_that_plex_made_comes_after_the_original_and_its_height_does_not_count():
    small, large = media(height=480, width=640, proxy_type=42), media(height=1080, width=1920)
    found = verdict(small, large)
    assert [playable.height for playable in found] == [1080, 480]
    assert all(playable.direct for playable in found)


def test_a_small_direct_version_comes_before_a_large_one_that_browsers_refuse():
    found = verdict(media("mkv", height=2160), media(height=480, proxy_type=42))
    assert [playable.direct for playable in found] == [True, False]
    assert found[0].ref.startswith("7:1:0:")


def test_a_trashed_item_is_not_direct():
    (playable,) = verdict(media(), deleted_at=1_700_000_000)
    assert "gone from the disk" in playable.why_not


def test_a_file_that_plex_cannot_reach_is_not_direct():
    (playable,) = verdict(media(part=(wire.Part(key="/library/parts/1/2/file.mp4", accessible=False),)))
    assert "cannot reach" in playable.why_not


def test_an_item_without_files_has_no_playables():
    assert verdict() == []


@given(st.text())
def test_only_references_to_parts_are_references(text):
    try:
        ref = parse_ref(text)
    except Rejected:
        return
    assert ref.path.startswith("/library/parts/")
    assert ".." not in ref.path


@pytest.mark.parametrize(
    "ref",
    [
        "7:0:0:/library/parts/1/2/../../../etc/passwd",
        "7:0:0:/library/parts/1/2/file.mp4?x=1",
        "7:0:0:/library/parts/1/2/file.mp4\n",
        "7:0:0:http://elsewhere/library/parts/1/2/file.mp4",
        "7:0:0:/library/metadata/1",
        "/library/parts/1/2/file.mp4",
        "7:0:0:",
    ],
)
def test_other_references_are_rejected(ref):
    with pytest.raises(Rejected):
        parse_ref(ref)


@pytest.mark.parametrize(
    ("width", "height", "name"),
    [(3840, 1600, 2160), (1920, 800, 1080), (1440, 1080, 1080), (1280, 536, 720), (720, 576, 576), (640, 360, 360)],
)
def test_a_wide_picture_keeps_the_name_of_its_width(width, height, name):
    assert lines(wire.Media(width=width, height=height)) == name
