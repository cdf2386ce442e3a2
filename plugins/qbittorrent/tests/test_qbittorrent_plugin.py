"""What the plugin declares, and the objects its hooks make."""

import json

import pluggy
import pytest
import structlog

import vaderflix_qbittorrent as plugin
import vaderflix_qbittorrent.simulator
from vaderflix_core.api import API_VERSION, BadSettings, Instance
from vaderflix_core.api.hookspecs import Hooks
from vaderflix_core.api.settings import dump, parse
from vaderflix_qbittorrent.downloader import Qbittorrent
from vaderflix_qbittorrent.health import QbittorrentHealth
from vaderflix_qbittorrent.settings import QbittorrentSettings


def instance(**values) -> Instance[QbittorrentSettings]:
    settings = parse(QbittorrentSettings, {"url": "http://127.0.0.1:1", **values})
    return Instance(
        id="q", plugin="qbittorrent", name="Downloads", settings=settings, install_id="i", log=structlog.get_logger()
    )


def test_it_declares_itself():
    info = plugin.plugin()
    assert (info.name, info.api, info.settings) == ("qBittorrent", API_VERSION, QbittorrentSettings)


def test_all_roles_of_an_instance_share_one_session():
    made = instance()
    (downloader,) = plugin.downloaders(made)
    (health,) = plugin.health_checks(made)
    assert isinstance(downloader, Qbittorrent)
    assert isinstance(health, QbittorrentHealth)
    assert downloader._client is health._client
    assert plugin.downloaders(made) == [downloader]


def test_the_menu_leads_to_the_web_ui_and_carries_no_password():
    (item,) = plugin.menu(instance(url="http://user:hunter2@nas:8080/qb/"))
    assert (item.label, item.url) == ("Downloads", "http://nas:8080/qb/")


def test_secrets_are_masked():
    settings = instance(password="hunter2", api_key="qbt_secret").settings
    assert "hunter2" not in repr(settings) + json.dumps(dump(settings))
    assert "qbt_secret" not in repr(settings) + json.dumps(dump(settings))


@pytest.mark.parametrize("url", ["", "qbittorrent:8080", "ftp://qbittorrent"])
def test_an_address_must_be_one(url):
    with pytest.raises(BadSettings):
        instance(url=url)


def registered() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("vaderflix")
    manager.add_hookspecs(Hooks)
    manager.register(plugin)
    manager.check_pending()
    return manager


def test_its_hooks_are_known_also_after_the_simulator_was_imported(tmp_path):
    assert plugin.simulator.QbittorrentSimulator
    manager = registered()
    assert {hook.name for hook in manager.get_hookcallers(plugin)} == {
        "plugin",
        "downloaders",
        "health_checks",
        "menu",
        "simulator",
    }


def test_the_simulator_gives_settings_that_are_valid(tmp_path):
    (spec,) = registered().hook.simulator()
    assert (spec.instance, spec.name) == ("qbittorrent", "qBittorrent")
    simulated = spec.make(tmp_path / "own", tmp_path / "media")
    settings = parse(QbittorrentSettings, simulated.settings("http://127.0.0.1:1"))
    assert settings.password.reveal() == simulated.credentials["password"]
