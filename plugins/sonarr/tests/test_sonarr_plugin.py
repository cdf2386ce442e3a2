"""The plugin's hooks, settings and connection test."""

from pathlib import Path

import pluggy
import pytest

import vaderflix_sonarr as plugin
from vaderflix_arr.replay import Replay, instance, recording
from vaderflix_core.api import Secret, WrongService
from vaderflix_core.api.hookspecs import PROJECT, Hooks
from vaderflix_core.api.settings import BadSettings, check_settings_type, dump, fields, parse
from vaderflix_sonarr.settings import SonarrSettings

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
SETTINGS = SonarrSettings(url="http://sonarr.test/sonarr", api_key=Secret("the-key"))


def test_every_hook_is_one_the_core_knows() -> None:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    manager.register(plugin)
    manager.check_pending()


def test_both_hooks_give_the_one_provider_of_the_instance() -> None:
    made = instance(SETTINGS, Replay())
    assert plugin.requesters(made)[0] is plugin.health_checks(made)[0]
    assert plugin.menu(made)[0].url == "http://sonarr.test/sonarr"


def test_settings_make_a_form_and_hide_the_key() -> None:
    check_settings_type(SonarrSettings)
    assert {f.name for f in fields(SonarrSettings) if f.dynamic} == {"quality_profile", "root_folder"}
    assert "the-key" not in repr(SETTINGS)
    assert dump(SETTINGS)["api_key"] == "********"
    assert parse(SonarrSettings, dump(SETTINGS), SETTINGS) == SETTINGS
    with pytest.raises(BadSettings) as bad:
        parse(SonarrSettings, {"url": "sonarr:8989", "api_key": "k", "season_folders": "perhaps"})
    assert set(bad.value.errors) == {"url", "season_folders"}


async def test_radarr_at_the_address_is_named() -> None:
    made = Replay()
    made.on("GET", "/sonarr/api/v3/system/status", {"appName": "Radarr", "version": "4.0.19"})
    with pytest.raises(WrongService, match="Radarr answers there, not Sonarr"):
        await plugin.requesters(instance(SETTINGS, made))[0].test()
    made.play(recording(DATA / "system-status.json"), "/sonarr/api/v3/system/status")
    assert (await plugin.requesters(instance(SETTINGS, made))[0].test()).product == "Sonarr"
