"""Services at run time: added, edited, switched, removed, from the page or the file, without a restart."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import msgspec
import pytest

from vaderflix_core.access.models import Permission
from vaderflix_core.api import (
    MASK,
    Availability,
    ExternalIds,
    Instance,
    LibraryItem,
    MediaKind,
    Secret,
    Settings,
)
from vaderflix_core.config import load_config
from vaderflix_core.failures import Conflict, Invalid, Missing, NotAllowed
from vaderflix_core.host import Host
from vaderflix_core.plugins.records import InstanceState
from vaderflix_core.store import identities
from vaderflix_core.store.users import seed_roles
from vaderflix_core.testing.fakes import FakeMediaSource, FakeNotifier
from vaderflix_core.testing.modules import memory_plugin

pytestmark = pytest.mark.anyio


class ShelfSettings(Settings, kw_only=True, frozen=True):
    url: str
    token: Secret = Secret("")
    title: str = "Nosferatu"


class Shelf(FakeMediaSource):
    def __init__(self, instance: Instance[ShelfSettings]) -> None:
        title = instance.settings.title
        super().__init__(
            [LibraryItem(key=title, kind=MediaKind.MOVIE, title=title, ids=ExternalIds(imdb=f"tt{len(title)}"))]
        )


def shelf_plugin():
    return memory_plugin("shelf", settings=ShelfSettings, media_sources=lambda instance: [instance.shared(Shelf)])


def post_plugin():
    return memory_plugin("post", settings=ShelfSettings, notifiers=lambda instance: [FakeNotifier()])


@pytest.fixture
async def host(tmp_path: Path):
    config = tmp_path / "vaderflix.toml"
    config.write_text('[[instance]]\nid = "by-file"\nplugin = "shelf"\n[instance.settings]\nurl = "http://file"\n')
    made = Host(load_config(config, {}, {"data_dir": tmp_path / "data"}), entry_points=[shelf_plugin(), post_plugin()])
    await made.instances.reconcile()
    yield made
    await made.stop()


async def until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def running(host: Host) -> set[str]:
    return {id for id, r in host.supervisor.records.items() if r.state is InstanceState.RUNNING}


async def test_two_instances_of_one_plugin_work_side_by_side(host):
    for name in ("one", "two"):
        await host.instances.save(
            id=name, plugin="shelf", name=name.title(), settings={"url": f"http://{name}", "title": f"Film {name}"}
        )
    assert running(host) == {"by-file", "one", "two"}
    for name in ("one", "two"):
        await host.library.sweep(name)
    assert {held.instance for held in await host.library.search("film")} == {"one", "two"}


async def test_what_the_file_sets_can_only_be_changed_there(host):
    with pytest.raises(Conflict, match="configuration file"):
        await host.instances.save(id="by-file", plugin="shelf", name="X", settings={"url": "http://x"})
    with pytest.raises(Conflict, match="configuration file"):
        await host.instances.remove("by-file")


async def test_an_edited_file_is_carried_out_without_a_restart(host):
    file = host.config.file
    file.write_text(file.read_text().replace("by-file", "by-edit"))
    os.utime(file, (1, 1))
    await host.instances.follow_file()
    assert running(host) == {"by-edit"}


async def test_a_broken_file_leaves_what_runs_alone(host):
    host.config.file.write_text("[[instance]\n")
    os.utime(host.config.file, (1, 1))
    await host.instances.follow_file()
    assert running(host) == {"by-file"}


async def test_a_secret_is_stored_sealed_shown_masked_and_kept_by_its_mask(host):
    values = {"url": "http://one", "token": "canary-7f3a"}
    await host.instances.save(id="one", plugin="shelf", name="One", settings=values)
    raw = await host.db.read(lambda conn: conn.exec_driver_sql("select settings from instances").scalar())
    assert b"canary-7f3a" not in bytes(raw)
    await host.instances.save(id="one", plugin="shelf", name="One", settings={**values, "token": MASK})
    kept = await host.instances.get("one")
    assert kept.settings["token"] == "canary-7f3a"
    assert "canary-7f3a" not in repr(kept)


async def test_a_stored_secret_is_neither_saved_nor_tried_with_another_address(host):
    await host.instances.save(id="one", plugin="shelf", name="One", settings={"url": "http://one", "token": "canary"})
    elsewhere = {"url": "http://evil", "token": MASK}
    with pytest.raises(Invalid) as refused:
        await host.instances.save(id="one", plugin="shelf", name="One", settings=elsewhere)
    assert set(refused.value.fields) == {"token"}
    with pytest.raises(Invalid):
        host.instances.checked("shelf", elsewhere, await host.instances.get("one"))


async def test_the_same_address_twice_is_refused(host):
    await host.instances.save(id="one", plugin="shelf", name="One", settings={"url": "http://one/"})
    with pytest.raises(Invalid) as refused:
        await host.instances.save(id="two", plugin="shelf", name="Two", settings={"url": "http://ONE"})
    assert refused.value.fields == {"url": "One has this address"}


@pytest.fixture
async def people(host):
    await host.db.write(seed_roles)
    mara = await host.access.create_user("mara", "correct horse battery", role="admin")
    await host.roles.create(mara, title="Technician", permissions=["browse", "settings"])
    return mara, await host.access.create_user("tech", "correct horse battery", role="technician")


async def test_only_an_admin_says_where_mails_go_as_they_carry_links_for_new_passwords(host, people):
    mara, tech = people
    post = {"id": "post", "plugin": "post", "name": "Post"}
    with pytest.raises(NotAllowed):
        await host.instances.save(**post, settings={"url": "http://thief"}, actor=tech)
    await host.instances.save(**post, settings={"url": "http://post"}, actor=mara)
    with pytest.raises(NotAllowed):
        await host.instances.save(**post, settings={"url": "http://thief"}, actor=tech)
    narrow = msgspec.structs.replace(mara, permissions=frozenset({Permission.SETTINGS}))  # as with a key
    with pytest.raises(NotAllowed):
        await host.instances.save(**post, settings={"url": "http://thief"}, actor=narrow)
    assert (await host.instances.get("post")).settings["url"] == "http://post"
    await host.instances.save(**post | {"name": "Letters"}, settings={"url": "http://post"}, actor=tech)
    await host.instances.set_enabled("post", False, tech)
    await host.instances.save(id="one", plugin="shelf", name="One", settings={"url": "http://one"}, actor=tech)


@pytest.mark.parametrize("anew", [False, True], ids=["moved", "removed and added again"])
async def test_a_service_by_which_somebody_with_more_rights_signs_in_is_not_led_elsewhere(host, people, anew):
    mara, tech = people
    shelf = {"id": "one", "plugin": "shelf", "name": "One"}
    await host.instances.save(**shelf, settings={"url": "http://one"}, actor=tech)
    await host.instances.save(**shelf, settings={"url": "http://two"}, actor=tech)
    await host.db.write(lambda conn: identities.link(conn, mara.id, "shelf:one", "7", "mara", host.clock()))
    if anew:
        await host.instances.remove("one", tech)
    with pytest.raises(NotAllowed):
        await host.instances.save(**shelf, settings={"url": "http://thief"}, actor=tech)
    await host.instances.save(**shelf, settings={"url": "http://three"}, actor=mara)
    await host.instances.save(**shelf, settings={"url": "http://three", "title": "M"}, actor=tech)


async def test_bad_settings_say_what_is_wrong_with_each_field_and_change_nothing(host):
    with pytest.raises(Invalid) as refused:
        await host.instances.save(id="one", plugin="shelf", name="One", settings={"colour": "red"})
    assert set(refused.value.fields) == {"url", "colour"}
    with pytest.raises(Missing):
        await host.instances.get("one")


async def test_switching_off_stops_and_switching_on_starts(host):
    await host.instances.save(id="one", plugin="shelf", name="One", settings={"url": "http://one"})
    await host.instances.set_enabled("one", False)
    assert running(host) == {"by-file"}
    await host.instances.set_enabled("one", True)
    assert running(host) == {"by-file", "one"}
    await host.instances.switch_plugin("shelf", False)
    assert running(host) == set()
    await host.instances.switch_plugin("shelf", True)
    assert running(host) == {"by-file", "one"}


async def test_a_removed_service_takes_its_titles_along_and_no_other(host):
    await host.instances.save(id="one", plugin="shelf", name="One", settings={"url": "http://one", "title": "Gone"})
    await host.library.sweep("one")
    await host.library.sweep("by-file")
    await host.instances.remove("one")
    held, _ = await host.library.browse(MediaKind.MOVIE)
    assert [one.instance for one in held] == ["by-file"]


async def test_an_empty_answer_removes_nothing(host):
    await host.library.sweep("by-file")
    shelf = host.pool.bindings("MediaSource")[0].provider
    shelf.items = []
    shelf.lie(Availability(), "locate")
    await host.library.sweep("by-file")
    assert (await host.library.count())[MediaKind.MOVIE] == 1


async def test_the_state_is_kept_over_a_restart(host, tmp_path):
    await host.instances.save(id="one", plugin="shelf", name="One", settings={"url": "http://one", "token": "t"})
    await host.stop()
    again = Host(host.config, entry_points=[shelf_plugin()])
    try:
        assert (await again.instances.get("one")).settings["token"] == "t"
        assert again.install_id == host.install_id
    finally:
        await again.stop()
