"""`vaderflix plugin new` makes a plugin that installs, loads, passes its own tests, and is clean."""

import subprocess
import sys
from pathlib import Path

import pytest

from vaderflix_core.testing.quality import State, Tier, read_quality
from vaderflix_core.testing.scaffold import PROVEN, ROLES, CannotMake, new_plugin

BIN = Path(sys.executable).parent
# to read the product's own types takes ten seconds, once
TYPES = Path(__file__).parents[2] / ".mypy_cache" / "plugins"


def run(*command: str | Path, cwd: Path, path: Path | None = None) -> str:
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(cwd), "PYTHONPATH": str(path or "")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module", params=["health_check", "notifier"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin of each role, made by the command."""
    folder = tmp_path_factory.mktemp("author")
    said = run(BIN / "vaderflix", "plugin", "new", "film_bell", "--role", request.param, cwd=folder)
    assert str(folder / "vaderflix-film-bell") in said
    assert "pip install -e '.[test]'" in said
    return folder / "vaderflix-film-bell"


@pytest.fixture(scope="module")
def site(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed."""
    site = tmp_path_factory.mktemp("site")
    options = ("--offline", "--quiet", "--no-deps", "--no-build-isolation", "--python", sys.executable)
    run(BIN / "uv", "pip", "install", *options, "--target", site, made, cwd=made)
    return site


def test_a_new_plugin_passes_its_own_tests(made: Path, site: Path) -> None:
    said = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=made, path=site)
    assert "passed" in said
    assert "skipped" not in said


def test_a_new_plugin_is_seen_by_the_product(made: Path, site: Path) -> None:
    lines = run(BIN / "vaderflix", "plugins", cwd=made, path=site).splitlines()
    assert next(line for line in lines if line.startswith("film_bell")).split()[1] == "loaded"


def test_a_new_plugin_is_clean(made: Path, site: Path) -> None:
    plain = ("--isolated", "--no-cache", "--line-length", "120")
    run(BIN / "ruff", "check", *plain, "--select", "E,F,I,UP,B,ASYNC", made, cwd=made)
    run(BIN / "ruff", "format", *plain, "--check", made, cwd=made)
    run(BIN / "mypy", "--strict", "--cache-dir", TYPES, made / "vaderflix_film_bell", cwd=made)


def test_a_new_plugin_answers_every_rule_and_claims_nothing_unproven(made: Path) -> None:
    answers = read_quality(made / "quality.toml")
    assert {a.rule.name for a in answers if a.state is State.DONE} == PROVEN
    assert not [a for a in answers if a.rule.tier is Tier.MUST and a.state is State.DONE]


def test_a_new_plugins_readme_is_whole(made: Path) -> None:
    text = (made / "README.md").read_text()
    assert text.startswith("# Film Bell for Vader Flix")
    assert "@" not in text
    assert "pip install -e '.[test]'" in text


def test_without_a_role_it_watches(tmp_path: Path) -> None:
    folder = new_plugin("bell", tmp_path)
    assert "HealthCheck" in (folder / "vaderflix_bell" / "__init__.py").read_text()


def test_the_command_offers_the_roles_that_there_are() -> None:
    said = run(BIN / "vaderflix", "plugin", "new", "--help", cwd=Path.cwd())
    assert "{" + ",".join(sorted(ROLES)) + "}" in said


@pytest.mark.parametrize(
    "name", ["", "Gotify", "1st", "my-service", "my__service", "_x", "x_", "class", "a b", "../x", "ä"]
)
def test_a_name_that_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CannotMake, match="cannot be a plugin's name"):
        new_plugin(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "said"),
    [("a" * 31, "too long"), ("email", "installed here already"), ("core", "Python package vaderflix_core already")],
)
def test_a_name_that_is_taken_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CannotMake, match=said):
        new_plugin(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "vaderflix-bell").mkdir()
    with pytest.raises(CannotMake, match="exists already"):
        new_plugin("bell", tmp_path)
    assert not list((tmp_path / "vaderflix-bell").iterdir())


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [BIN / "vaderflix", "plugin", "new", "My-Plugin"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("vaderflix: 'My-Plugin' cannot be a plugin's name.")
    assert len(done.stderr.strip().splitlines()) == 1
