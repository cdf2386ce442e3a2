"""Bytes, ranges and pictures through the provider."""

import httpx
import pytest

from vaderflix_core.api import BadAnswer, NotFound, Rejected, Unavailable
from vaderflix_core.testing import Fault

pytestmark = pytest.mark.anyio


@pytest.fixture
async def film(plex):
    """(simulator, provider, reference, bytes) of one film."""
    simulator, provider = plex
    (playable,) = await provider.playables("7")
    return simulator, provider, playable.ref, simulator.state.items[7].file.read_bytes()


async def read(stream):
    return b"".join([chunk async for chunk in stream.chunks()])


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        (None, 200, 0, None),
        ("bytes=0-", 206, 0, None),
        ("bytes=0-0", 206, 0, 0),
        ("bytes=100-199", 206, 100, 199),
        ("bytes=1000-99999999", 206, 1000, None),
        ("bytes=-500", 206, -500, None),
        ("bytes=0-1,5-6", 200, 0, None),
        ("items=0-1", 200, 0, None),
        ("bytes=5-\r\nX-Evil: 1", 200, 0, None),
    ],
)
async def test_the_asked_range_comes_back_and_nothing_else(film, asked, status, first, last):
    _, provider, ref, whole = film
    expected = whole[first:] if last is None else whole[first : last + 1]
    stream = await provider.open(ref, asked)
    assert stream.status == status
    assert stream.headers["Content-Length"] == str(len(expected))
    assert await read(stream) == expected
    if status == 206:
        start = first if first >= 0 else len(whole) + first
        assert stream.headers["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/{len(whole)}"


async def test_a_range_behind_the_end_is_416_with_the_length(film):
    _, provider, ref, whole = film
    stream = await provider.open(ref, f"bytes={len(whole)}-")
    assert stream.status == 416
    assert stream.headers["Content-Range"] == f"bytes */{len(whole)}"
    assert await read(stream) == b""


async def test_only_harmless_headers_are_passed_on(film):
    _, provider, ref, _ = film
    stream = await provider.open(ref, None)
    assert set(stream.headers) == {"Content-Type", "Content-Length", "Accept-Ranges", "ETag", "Last-Modified"}
    assert stream.headers["Content-Type"] == "video/mp4"
    await stream.close()
    await stream.close()


async def test_the_token_is_in_no_address(film):
    simulator, provider, ref, _ = film
    await read(await provider.open(ref, None))
    await provider.image("/library/metadata/7/thumb/1", 300)
    await provider.search("general", 3)
    assert all(simulator.token not in path for _, path in simulator.faults.calls)


async def test_a_playback_is_announced_once_not_for_every_range(film):
    simulator, provider, ref, _ = film
    simulator.require_decision = True
    for asked in ("bytes=0-9", "bytes=10-19", None):
        await read(await provider.open(ref, asked))
    assert sum("/decision" in path for _, path in simulator.faults.calls) == 1


async def test_a_server_that_refuses_the_announcement_still_gives_the_file(film):
    simulator, provider, ref, whole = film
    simulator.faults.set(Fault.SERVER_ERROR, path="/decision")
    assert await read(await provider.open(ref, None)) == whole


async def test_a_file_that_breaks_off_raises_and_closes(film):
    simulator, provider, ref, _ = film
    simulator.faults.set(Fault.HALF, path="/library/parts")
    stream = await provider.open(ref, None)
    with pytest.raises(Unavailable):
        await read(stream)
    await stream.close()


async def test_a_forbidden_file_is_rejected_and_does_not_question_the_token(replayed):
    provider = replayed(
        {"/library/parts/1/2/file.mp4": lambda request: httpx.Response(403, html="<h1>403 Forbidden</h1>")}
    )
    with pytest.raises(Rejected) as caught:
        await provider.open("7:0:0:/library/parts/1/2/file.mp4", None)
    assert caught.value.status == 403


async def test_a_missing_file_is_not_found(film):
    _, provider, ref, _ = film
    with pytest.raises(NotFound):
        await provider.open(ref.replace("file.mp4", "file.mkv"), None)


async def test_an_episode_plays_too(plex):
    _, provider = plex
    (episode, *_) = await provider.episodes("15", 1)
    (playable,) = await provider.playables(episode.key)
    assert playable.direct
    assert await read(await provider.open(playable.ref, "bytes=0-3"))


async def test_the_link_leads_to_the_item_on_this_server(plex):
    simulator, provider = plex
    link = await provider.link("7")
    assert link.startswith(f"https://app.plex.tv/desktop/#!/server/{simulator.state.machine}/details")
    assert link.endswith("key=%2Flibrary%2Fmetadata%2F7")
    with pytest.raises(Rejected):
        await provider.link("7&x=1")


async def test_a_poster_and_a_backdrop_come_as_pictures(plex):
    _, provider = plex
    item = await provider.item("7")
    for ref in (item.poster, item.backdrop):
        image = await provider.image(ref, 300)
        assert image.content_type == "image/jpeg"
        assert image.data.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    "ref",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://plex.test/library/metadata/1/thumb/2",
        "//evil/library/metadata/1/thumb/2",
        "/library/metadata/1/thumb/../../../identity",
        "/library/metadata/1/thumb/2?url=http://evil",
        "/library/metadata/1/thumb/2\n",
        "/:/resources/movie.png",
        "/library/parts/1/2/file.mp4",
        "",
    ],
)
async def test_only_the_librarys_own_pictures_are_fetched(replayed, ref):
    with pytest.raises(Rejected):
        await replayed({}).image(ref, 300)


async def test_pictures_from_elsewhere_are_not_handed_out(replayed):
    row = {"ratingKey": "1", "type": "movie", "title": "x", "thumb": "https://evil/x.jpg", "art": "/:/resources/a.png"}
    item = await replayed({"/library/metadata/1": {"MediaContainer": {"Metadata": [row]}}}).item("1")
    assert (item.poster, item.backdrop) == (None, None)


async def test_a_picture_that_is_none_is_a_bad_answer(replayed):
    page = {"/photo/:/transcode": lambda request: httpx.Response(200, html="<svg onload=alert(1)>")}
    with pytest.raises(BadAnswer):
        await replayed(page).image("/library/metadata/1/thumb/2", 300)


async def test_a_missing_picture_is_not_found(plex):
    _, provider = plex
    with pytest.raises(NotFound):
        await provider.image("/library/metadata/99999/thumb/1", 300)
