"""`vaderflix plugins` and `vaderflix check`."""

import io
import json
import os
from pathlib import Path

import pytest

from vaderflix_core.api import Unavailable
from vaderflix_core.config import Config, load_config
from vaderflix_core.plugins import report
from vaderflix_core.plugins.loader import load_plugins
from vaderflix_core.plugins.records import InstanceConfig, PluginState
from vaderflix_core.testing.fakes import FakeMediaSource
from vaderflix_core.testing.modules import MemoryEntryPoint, memory_plugin


def broken() -> None:
    raise ImportError("No module named 'nowhere'")


def plugins(source: FakeMediaSource | None = None):
    return load_plugins(
        disabled=["off"],
        entry_points=[
            memory_plugin("good", media_sources=lambda instance: [source or FakeMediaSource()]),
            MemoryEntryPoint("bad", broken),
            memory_plugin("off"),
        ],
    )


def config(tmp_path: Path, *instances: InstanceConfig) -> Config:
    return Config(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/vaderflix.db", instances=instances)


def test_the_table_says_what_each_plugin_does_or_why_it_does_nothing() -> None:
    head, bad, good, off = report.plugins_table(plugins()).splitlines()
    assert head.split() == ["PLUGIN", "STATE", "VERSION", "FROM", "DOES"]
    assert "No module named 'nowhere'" in bad
    assert good.split() == ["good", "loaded", "1.0", "test-good", "media_sources"]
    assert "Disabled by the admin" in off


def test_the_json_holds_the_traces_for_plugin_authors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(report, "load_plugins", lambda **options: plugins())
    out = io.StringIO()
    assert report.print_plugins(config(tmp_path), as_json=True, out=out) == 1
    rows = {row["id"]: row for row in json.loads(out.getvalue())}
    assert rows["bad"]["state"] == PluginState.FAILED
    assert "in broken" in rows["bad"]["trace"]
    assert rows["good"]["hooks"] == ["media_sources", "plugin"]


@pytest.mark.anyio
async def test_a_check_of_a_fresh_installation_changes_nothing(tmp_path: Path) -> None:
    findings = {f.subject: f for f in await report.check(config(tmp_path / "data"), plugins=plugins())}
    assert not (tmp_path / "data").exists()
    assert {subject for subject, finding in findings.items() if not finding.ok} == {"plugin bad"}


@pytest.mark.anyio
async def test_a_check_asks_every_instance_who_answers(tmp_path: Path) -> None:
    source = FakeMediaSource()
    wanted = [InstanceConfig(id="one", plugin="good", name="One"), InstanceConfig(id="two", plugin="bad", name="Two")]
    wanted.append(InstanceConfig(id="three", plugin="good", name="Three", enabled=False))
    findings = {f.subject: f for f in await report.check(config(tmp_path, *wanted), plugins=plugins(source))}
    assert findings["instance one"].message == "Connected to Fake 1.0."
    assert "could not be loaded" in findings["instance two"].message
    assert findings["instance three"].message == "switched off"
    source.fail(Unavailable("http://x: nothing answers there."))
    findings = {f.subject: f for f in await report.check(config(tmp_path, *wanted), plugins=plugins(source))}
    assert (findings["instance one"].ok, findings["instance one"].message) == (
        False,
        "http://x: nothing answers there.",
    )


@pytest.mark.anyio
async def test_a_check_names_a_bad_key_and_a_database_that_is_behind(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("x")
    os.chmod(tmp_path / "secret.key", 0o644)
    (tmp_path / "vaderflix.db").touch()
    findings = {f.subject: f for f in await report.check(config(tmp_path), plugins={})}
    assert "chmod 600" in findings["key"].message
    assert "vaderflix migrate" in findings["database"].message


@pytest.mark.anyio
async def test_an_unreachable_database_is_named_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://u:hunter22@127.0.0.1:1/x"
    settings = load_config(None, {"VADERFLIX_DATABASE_URL": url, "VADERFLIX_DATA_DIR": str(tmp_path)})
    (found,) = [f for f in await report.check(settings, plugins={}) if f.subject == "database"]
    assert not found.ok
    assert "hunter22" not in found.message
