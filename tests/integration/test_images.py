"""Pictures: only what was given out, from disk when it is there, old ones while a source is down."""

from __future__ import annotations

import asyncio

import pytest

from vaderflix_core.api import BadAnswer, Image, NotFound, Rejected, Unavailable
from vaderflix_core.failures import Missing, SourceFailed
from vaderflix_core.playback.images import FRESH, Images
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.pool import Binding, Pool
from vaderflix_core.testing.fakes import PIXEL, Fake
from vaderflix_core.vault import Vault

pytestmark = pytest.mark.anyio

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 60


class Gallery(Fake):
    def __init__(self):
        super().__init__()
        self.data = JPEG
        self.content_type = "image/jpeg"

    async def image(self, ref, width):
        return await self._answer("image", (ref, width), Image(content_type=self.content_type, data=self.data))


class Room:
    def __init__(self, folder, clock, **how):
        self.gallery = Gallery()
        self.pool = Pool()
        self.bind("home", self.gallery)
        self.time = 1_000_000.0
        self.vault = Vault([b"k" * 32])
        self.guard = Guard(clock=clock)
        self.folder = folder
        self.images = Images(self.pool, self.guard, self.vault, folder, now=lambda: self.time, **how)

    def bind(self, instance, provider):
        self.pool.publish(
            instance, [Binding(plugin="fake", instance=instance, name=instance, role="Images", provider=provider)]
        )

    @property
    def asked(self):
        return len(self.gallery.calls)


@pytest.fixture
def room(tmp_path, clock):
    return Room(tmp_path / "images", clock)


async def test_an_id_is_always_the_same_and_says_nothing(room):
    one = room.images.id_for("home", "/library/metadata/1/thumb/2")
    assert one == room.images.id_for("home", "/library/metadata/1/thumb/2")
    assert "library" not in one
    assert "home" not in one
    assert room.images.id_for("home", None) is room.images.id_for("home", "") is None
    assert one != room.images.id_for("attic", "/library/metadata/1/thumb/2")


async def test_a_picture_is_read_once_and_then_comes_from_disk(room):
    image_id = room.images.id_for("home", "a")
    for _ in range(3):
        found = await room.images.fetch(image_id, 300)
        assert (found.content_type, found.data) == ("image/jpeg", JPEG)
    assert room.gallery.calls == [("image", ("a", 400))]


async def test_widths_are_of_a_few_steps(room):
    image_id = room.images.id_for("home", "a")
    for width in (-5, 1, 200, 201, 400, 1500, 10**9):
        await room.images.fetch(image_id, width)
    assert [width for _, (_, width) in room.gallery.calls] == [200, 400, 1600]


@pytest.mark.parametrize("forged", ["", "x", "../../etc/passwd", "A" * 100_000, "äöü", "%00"])
async def test_what_was_not_given_out_is_not_there(room, forged):
    with pytest.raises(Missing):
        await room.images.fetch(forged, 400)
    assert room.asked == 0


async def test_an_id_made_for_another_purpose_or_changed_is_not_there(room):
    good = room.images.id_for("home", "a")
    changed = good[:-2] + ("AA" if good[-2:] != "AA" else "BB")
    for forged in (changed, room.vault.opaque("home\0a", "stream"), room.vault.opaque("home", "image")):
        with pytest.raises(Missing):
            await room.images.fetch(forged, 400)
    assert room.asked == 0


async def test_many_who_want_a_picture_at_once_cause_one_call(room):
    image_id = room.images.id_for("home", "a")
    found = await asyncio.gather(*(room.images.fetch(image_id, 400) for _ in range(20)))
    assert {image.data for image in found} == {JPEG}
    assert room.asked == 1


async def test_an_old_picture_is_read_anew_and_serves_while_its_source_is_down(room):
    image_id = room.images.id_for("home", "a")
    await room.images.fetch(image_id, 400)
    room.time += FRESH + 1
    room.gallery.fail(Unavailable("down"))
    assert (await room.images.fetch(image_id, 400)).data == JPEG
    assert (await room.images.fetch(image_id, 400)).data == JPEG
    assert room.asked == 2
    room.time += 60
    room.gallery.work()
    room.gallery.data = PIXEL
    assert (await room.images.fetch(image_id, 400)).data == PIXEL


async def test_an_old_picture_serves_when_its_instance_is_gone(room):
    image_id = room.images.id_for("home", "a")
    await room.images.fetch(image_id, 400)
    room.pool.withdraw("home")
    room.time += FRESH + 1
    assert (await room.images.fetch(image_id, 400)).data == JPEG
    with pytest.raises(SourceFailed):
        await room.images.fetch(room.images.id_for("home", "b"), 400)


@pytest.mark.parametrize(
    ("error", "failure", "wait"),
    [
        (Unavailable("down"), SourceFailed, 31),
        (BadAnswer("garbage"), SourceFailed, 31),
        (NotFound("no"), Missing, 601),
        (Rejected("no"), Missing, 601),
    ],
)
async def test_a_failure_is_remembered_for_a_while(room, error, failure, wait):
    image_id = room.images.id_for("home", "a")
    room.gallery.fail(error)
    for _ in range(3):
        with pytest.raises(failure):
            await room.images.fetch(image_id, 400)
    assert room.asked == 1
    room.gallery.work()
    room.time += wait
    assert (await room.images.fetch(image_id, 400)).data == JPEG


async def test_a_picture_that_its_source_no_longer_has_is_forgotten(room):
    image_id = room.images.id_for("home", "a")
    await room.images.fetch(image_id, 400)
    room.time += FRESH + 1
    room.gallery.fail(NotFound("no"))
    with pytest.raises(Missing):
        await room.images.fetch(image_id, 400)
    assert not [path for path in room.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("data", [b"", b"<html><script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4"])
async def test_what_is_no_picture_is_never_served_whatever_its_type_says(room, data):
    room.gallery.data = data
    with pytest.raises(Missing):
        await room.images.fetch(room.images.id_for("home", "a"), 400)


async def test_the_type_is_what_the_bytes_are(room):
    room.gallery.data, room.gallery.content_type = PIXEL, "text/html"
    assert (await room.images.fetch(room.images.id_for("home", "a"), 400)).content_type == "image/gif"


async def test_the_disk_cache_stays_below_its_cap_and_drops_the_longest_unused(tmp_path, clock):
    room = Room(tmp_path / "images", clock, cap=10_000)
    room.gallery.data = JPEG + b"\0" * 900
    ids = [room.images.id_for("home", f"{n}") for n in range(30)]
    for image_id in ids:
        room.time += 1
        await room.images.fetch(image_id, 400)
        room.time += 1
        await room.images.fetch(ids[0], 400)
        assert sum(path.stat().st_size for path in room.folder.rglob("*") if path.is_file()) <= 10_000
    asked = room.asked
    await room.images.fetch(ids[0], 400)
    await room.images.fetch(ids[-1], 400)
    assert room.asked == asked
    await room.images.fetch(ids[1], 400)
    assert room.asked == asked + 1


async def test_a_damaged_file_is_read_anew(room):
    image_id = room.images.id_for("home", "a")
    await room.images.fetch(image_id, 400)
    [path] = [path for path in room.folder.rglob("*") if path.is_file()]
    path.write_bytes(path.read_bytes()[:-3])
    assert (await room.images.fetch(image_id, 400)).data == JPEG
    assert room.asked == 2


async def test_a_disk_that_cannot_be_written_serves_pictures_all_the_same(tmp_path, clock):
    (tmp_path / "images").write_text("a file in the way")
    room = Room(tmp_path / "images", clock)
    assert (await room.images.fetch(room.images.id_for("home", "a"), 400)).data == JPEG
