"""The documentation tells the truth: reference pages are those of the code, snippets run, links lead somewhere."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from vaderflix_core.api import Hint, HintScope, ServiceClient, Unavailable
from vaderflix_core.config import load_config
from vaderflix_core.testing.scaffold import new_plugin

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
TYPES = ROOT / ".mypy_cache" / "plugins"  # to read the product's own types takes ten seconds, once
GUIDE = ROOT / "docs" / "writing-plugins.md"
OURS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("plugins/*/README.md")),
    *sorted(ROOT.glob("libs/*/README.md")),
]
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.M | re.S)


def load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load("generate", ROOT / "docs" / "generate.py")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_reference_page_is_that_of_the_code(name: str) -> None:
    written = (ROOT / "docs" / name).read_text("utf-8")
    assert written == generate.PAGES[name](), "run: make docs"


def test_the_reference_is_complete() -> None:
    hooks = generate.hooks_page()
    for name in generate.hook_names():
        assert f"### {name}\n" in hooks
    for kind in generate.events.EVENTS:
        assert f"## {kind.__name__}\n" in generate.events_page()
    for plugin in generate.bundled():
        assert f"`{plugin}`" in generate.settings_page()


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_blocks_of_code_are_valid(path: Path) -> None:
    for language, text in BLOCK.findall(path.read_text("utf-8")):
        if language == "python":
            compile(text, name_of(path), "exec")
        elif language == "toml":
            tomllib.loads(text)


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", text)):
        place, _, anchor = target.partition("#")
        if place.startswith(("http:", "https:", "mailto:")):
            continue
        found = (path.parent / place).resolve() if place else path
        assert found.exists(), f"{target} is not there"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), re.M)
            slugs = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in slugs, f"{target}: there is no such heading"


def test_every_page_can_be_found_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in readme, f"{page.name} is not linked"


def test_the_configuration_that_the_docs_show_is_accepted(tmp_path: Path) -> None:
    shown = [
        text
        for page in ("admin.md", "operations.md")
        for language, text in BLOCK.findall((ROOT / "docs" / page).read_text("utf-8"))
        if language == "toml" and text.startswith("# vaderflix.toml")
    ]
    assert shown
    secrets = {name: "x" * 20 for text in shown for name in re.findall(r'"\$env" = "(\w+)"', text)}
    for number, text in enumerate(shown):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        load_config(file, secrets)


# the plugin of docs/writing-plugins.md


def snippets() -> Iterator[tuple[str, str, bool]]:
    """Each file of the guide: where it goes, its text, and whether it is added to what is there."""
    for _, text in BLOCK.findall(GUIDE.read_text("utf-8")):
        head = re.match(r"(?:#|\{#) (more of )?([\w/.]+)(?: #\})?\n", text)
        if head:
            yield head[2], text[head.end() :], bool(head[1])


def run(*command: str | Path, cwd: Path, path: Path) -> str:
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(cwd), "PYTHONPATH": str(path)}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def gotify(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The plugin as a reader of the guide has it at the end, and where it is installed."""
    folder = new_plugin("gotify", tmp_path_factory.mktemp("reader"), "notifier")
    for name, text, added in snippets():
        if name == "live.py":
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.read_text()}\n\n{text}" if added else text)
    site = tmp_path_factory.mktemp("site")
    options = ("--offline", "--quiet", "--no-deps", "--no-build-isolation", "--python", sys.executable)
    run(BIN / "uv", "pip", "install", *options, "--target", site, folder, cwd=folder, path=site)
    return folder, site


def test_the_guides_plugin_passes_its_tests(gotify: tuple[Path, Path]) -> None:
    folder, site = gotify
    said = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder, path=site)
    assert "passed" in said
    assert "skipped" not in said


def test_the_guides_plugin_has_sound_types(gotify: tuple[Path, Path]) -> None:
    folder, site = gotify
    run(BIN / "mypy", "--strict", "--cache-dir", TYPES, folder / "vaderflix_gotify", cwd=folder, path=site)


def test_the_guides_plugin_loads_with_all_its_hooks(gotify: tuple[Path, Path]) -> None:
    folder, site = gotify
    lines = run(BIN / "vaderflix", "plugins", cwd=folder, path=site).splitlines()
    row = next(line for line in lines if line.startswith("gotify"))
    assert row.split()[1] == "loaded"
    assert row.endswith("health_checks, notifiers, panels, simulator")


def test_the_guides_plugin_works_in_the_product(gotify: tuple[Path, Path]) -> None:
    """Its simulator is served, its instance runs against it, sends, and shows its panel."""
    folder, site = gotify
    script = folder / "journey.py"
    script.write_text(JOURNEY)
    assert run(sys.executable, script, cwd=folder, path=site).strip() == "ok"


JOURNEY = """
import asyncio
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from vaderflix_core.api import Notification, Recipient
from vaderflix_core.demo import simulated
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.loader import installed, load_plugins
from vaderflix_core.plugins.pool import Pool
from vaderflix_core.plugins.records import InstanceConfig
from vaderflix_core.plugins.supervisor import Supervisor


async def main():
    plugins = load_plugins(disabled=(), entry_points=[entry for entry in installed() if entry.name == "gotify"])
    pool, guard = Pool(), Guard()
    supervisor = Supervisor(plugins, pool, guard)
    async with simulated(plugins, Path("world")) as world:
        one = world["gotify"]
        settings = one.simulator.settings(one.service.url)
        result = await supervisor.test("gotify", settings)
        assert result.message == "Connected to Gotify 2.6.1.", result
        wrong = await supervisor.test("gotify", {**settings, "token": "A-wrong-token"})
        assert not wrong.ok and "you need a valid token" in wrong.message, wrong
        await supervisor.reconcile([InstanceConfig(id="gotify", plugin="gotify", name="Phone", settings=settings)])
        note = Notification(id="1", title="Ready", text="It is there.", recipients=(Recipient(name="Leia"),))
        answer = await guard.call(pool.bindings("Notifier")[0], "send", note)
        assert answer.ok, answer
        healthy = await guard.call(pool.bindings("HealthCheck")[0], "check")
        assert healthy.value == [], healthy
        ((record, panel),) = supervisor.panels()
        template = Environment(loader=FileSystemLoader("vaderflix_gotify/templates")).get_template(panel.template)
        assert "<li>Ready</li>" in template.render(data=await panel.data(), instance=record.config)
        await supervisor.stop()
    print("ok")


asyncio.run(main())
"""


@pytest.mark.anyio
async def test_the_guides_live_channel_hints_until_the_connection_ends(tmp_path: Path) -> None:
    file = tmp_path / "live.py"
    file.write_text(next(text for name, text, _ in snippets() if name == "live.py"))
    module = load("guide_live", file)

    async def lines() -> Iterator[bytes]:
        yield b"one\n\n"
        raise httpx.ReadError("gone")

    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=lines()))
    heard = []

    async def listen() -> None:
        async for hint in module.Ear(ServiceClient("http://service.test", transport=transport)).hints():
            heard.append(hint)

    with pytest.raises(Unavailable):
        await listen()
    assert heard == [Hint(scope=HintScope.DOWNLOADS)] * 2
