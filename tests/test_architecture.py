"""The rules of the house hold, and each check notices when its rule is broken."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from vaderflix_core.testing.quality import RULES, Tier

ROOT = Path(__file__).resolve().parent.parent

_spec = importlib.util.spec_from_file_location("architecture", Path(__file__).parent / "architecture.py")
assert _spec is not None
assert _spec.loader is not None
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)

QUALITY = "\n".join(
    f"[{tier}]\n" + "".join(f'{rule.name} = "done"\n' for rule in RULES if rule.tier is tier) for tier in Tier
)

SOUND = {
    "vaderflix_core/__init__.py": '"""The product."""\n',
    "vaderflix_core/api/__init__.py": '"""The API."""\n\nfrom .hookspecs import Hooks\n',
    "vaderflix_core/api/hookspecs.py": (
        '"""The hooks."""\n\n\nclass Hooks:\n    """All."""\n\n    def plugin(self):\n        """Say what it is."""\n'
    ),
    "vaderflix_core/cli.py": '"""Commands."""\n\n\ndef serve():\n    from vaderflix_web.app import create_app\n',
    "vaderflix_core/bus.py": (
        '"""Not plex: a docstring may say so."""\n\n\n'
        "class Bus:\n    def __init__(self):\n        self.queue = []  # radarr\n"
    ),
    "vaderflix_core/testing/__init__.py": '"""The kit."""\n\nfrom ..bus import Bus\n',
    "vaderflix_core/testing/world/catalogue.json": '{"plex": 1}\n',
    "web/vaderflix_web/__init__.py": '"""The pages."""\n',
    "web/vaderflix_web/app.py": '"""The app."""\n\nfrom vaderflix_core.bus import Bus\n\nfrom . import pages\n',
    "web/vaderflix_web/pages.py": '"""Pages."""\n',
    "web/vaderflix_web/templates/a.html": "{# plex #}\n<!-- radarr -->\n<p>A complex page</p>\n",
    "web/vaderflix_web/static/vendor/x.js": "plex\n",
    "libs/arr/pyproject.toml": '[project]\nname = "vaderflix-arr"\ndependencies = ["vaderflix"]\n',
    "libs/arr/vaderflix_arr/__init__.py": '"""Shared."""\n\nfrom vaderflix_core.api import hookimpl\n',
    "plugins/one/pyproject.toml": (
        '[project]\nname = "vaderflix-one"\ndependencies = ["vaderflix", "vaderflix-arr>=0.1"]\n'
    ),
    "plugins/one/README.md": "# One\n",
    "plugins/one/quality.toml": QUALITY,
    "plugins/one/vaderflix_one/__init__.py": (
        '"""One, which is about plex."""\n\nimport httpx\nimport vaderflix_arr\nfrom vaderflix_core import api\n'
        "from vaderflix_core.testing.faults import Faults\n\nfrom .client import NAME\n\n\n"
        '@hookimpl(specname="plugin")\ndef stand_in():\n    """It."""\n'
    ),
    "plugins/one/vaderflix_one/client.py": '"""Client."""\n\nNAME = "plex"\n',
    "plugins/two/pyproject.toml": '[project]\nname = "vaderflix-two"\n',
    "plugins/two/README.md": "# Two\n",
    "plugins/two/quality.toml": QUALITY,
    "plugins/two/vaderflix_two/__init__.py": '"""Two."""\n',
}

doors = rules.plugins_use_only_the_doors
direction = rules.core_imports_neither_pages_nor_plugins
names = rules.core_and_web_name_no_product
state = rules.nothing_lives_in_a_module
hooks = rules.hooks_are_documented_and_used
lists = rules.plugins_say_what_they_are

ONE, CORE, WEB = "plugins/one/vaderflix_one/x.py", "vaderflix_core/x.py", "web/vaderflix_web/x.py"
SPECS, MORE = "vaderflix_core/api/hookspecs.py", "\n    def more(self):\n        {}\n"
LONG = "x = 1\n"

BROKEN = [
    (doors, ONE, "import vaderflix_two\n", "imports vaderflix_two"),
    (doors, ONE, "from vaderflix_core.bus import Bus\n", "imports vaderflix_core.bus.Bus"),
    (doors, ONE, "from vaderflix_core import __version__\n", "imports vaderflix_core.__version__"),
    (doors, ONE, "def f():\n    import vaderflix_web.app\n", "imports vaderflix_web.app"),
    (doors, ONE, "import_module('vaderflix_core.host')\n", "imports vaderflix_core.host"),
    (doors, "plugins/two/vaderflix_two/x.py", "import vaderflix_arr\n", "imports vaderflix_arr"),
    (doors, "libs/arr/vaderflix_arr/x.py", "from vaderflix_core.store import users\n", "vaderflix_core.store.users"),
    (doors, "libs/arr/vaderflix_arr/x.py", "import vaderflix_one.client\n", "imports vaderflix_one.client"),
    (direction, CORE, "import vaderflix_web\n", "imports vaderflix_web"),
    (direction, CORE, "def f():\n    from vaderflix_web import app\n", "imports vaderflix_web.app"),
    (direction, "vaderflix_core/cli.py", "from vaderflix_web import app\n", "imports vaderflix_web.app"),
    (direction, CORE, "from vaderflix_one import client\n", "imports vaderflix_one.client"),
    (direction, WEB, "import vaderflix_arr\n", "imports vaderflix_arr"),
    (
        rules.the_api_stands_alone,
        "vaderflix_core/api/x.py",
        "from ..bus import Bus\n",
        "imports vaderflix_core.bus.Bus",
    ),
    (rules.the_api_stands_alone, "vaderflix_core/api/x.py", "from .. import bus\n", "imports vaderflix_core.bus"),
    (names, CORE, "x = 'Ask Radarr'\n", "names Radarr"),
    (names, CORE, "plex_token = 1\n", "names plex"),
    (names, CORE, "x.docker\n", "names docker"),
    (names, CORE, "class PlexThing:\n    pass\n", "names Plex"),
    (names, CORE, "def f(sonarr):\n    pass\n", "names sonarr"),
    (names, CORE, "f(qbittorrent=1)\n", "names qbittorrent"),
    (names, WEB, "x = f'{y} of Overseerr'\n", "names Overseerr"),
    (names, "web/vaderflix_web/templates/x.html", "{# no #}\n<p>Jellyseerr or Seerr</p>\n", "x.html:2 names Seerr"),
    (names, "web/vaderflix_web/static/js/x.js", "// no\nlet a = 'qbit'\n", "names qbit"),
    (rules.files_are_short, ONE, LONG * 401, "has 401 lines"),
    (rules.files_are_short, "web/vaderflix_web/static/css/x.css", "a {}\n" * 401, "has 401 lines"),
    (rules.files_are_short, "tests/unit/test_x.py", LONG * 601, "has 601 lines"),
    (rules.nothing_is_called_utils, "vaderflix_core/search/utils.py", LONG, "says nothing"),
    (rules.nothing_is_called_utils, "plugins/one/vaderflix_one/helpers/x.py", LONG, "says nothing"),
    (state, CORE, "from .bus import Bus\n\nbus = Bus()\n", "x.py:3 keeps state"),
    (state, ONE, "seen: dict[str, int] = {}\n", "keeps state"),
    (state, ONE, "seen = set()\n", "keeps state"),
    (state, WEB, "host = None\n\n\ndef f():\n    global host\n    host = 1\n", "rebinds a global"),
    (hooks, SPECS, SOUND[SPECS] + MORE.format("pass"), "the hook more has no docstring"),
    (hooks, SPECS, SOUND[SPECS] + MORE.format('"""Do."""'), "no bundled plugin uses the hook more"),
    (lists, "plugins/one/README.md", "", "plugins/one has no README.md"),
    (lists, "plugins/one/quality.toml", None, "cannot be read"),
    (
        lists,
        "plugins/one/quality.toml",
        QUALITY.replace('panel = "done"', 'panel = "nearly"'),
        "[pleasant] panel must be",
    ),
    (lists, "plugins/one/quality.toml", QUALITY.replace('panel = "done"', "panel = {exempt = ' '}"), "panel must be"),
    (lists, "plugins/one/quality.toml", QUALITY.replace('panel = "done"\n', ""), "[pleasant] panel is missing"),
    (lists, "plugins/one/quality.toml", QUALITY + 'fast = "done"\n', "there is no rule [pleasant] fast"),
    (rules.the_api_is_documented, "vaderflix_core/api/x.py", "x = 1\n", "x has no docstring"),
    (
        rules.the_api_is_documented,
        "vaderflix_core/api/x.py",
        '"""X."""\n\n\nclass A:\n    pass\n',
        "x.A has no docstring",
    ),
    (
        rules.the_api_is_documented,
        "vaderflix_core/api/x.py",
        '"""X."""\n\n\nclass A:\n    """A."""\n\n    async def b(self):\n        pass\n',
        "x.A.b has no docstring",
    ),
]


def plant(root: Path, tree: dict[str, str | None]) -> Path:
    for name, text in tree.items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return root


@pytest.mark.parametrize("check", rules.CHECKS, ids=lambda check: check.__name__)
def test_the_house_holds_its_rules(check: Callable[[Path], list[str]]) -> None:
    assert check(ROOT) == []


@pytest.mark.parametrize("check", rules.CHECKS, ids=lambda check: check.__name__)
def test_a_sound_tree_passes(check: Callable[[Path], list[str]], tmp_path: Path) -> None:
    assert check(plant(tmp_path, SOUND)) == []


@pytest.mark.parametrize(
    ("check", "path", "text", "said"), BROKEN, ids=[f"{check.__name__}: {said}" for check, _, _, said in BROKEN]
)
def test_a_broken_rule_is_noticed(check, path: str, text: str | None, said: str, tmp_path: Path) -> None:
    found = check(plant(tmp_path, {**SOUND, path: text}))
    assert said in found[0]


def test_a_median_that_grows_is_noticed(tmp_path: Path) -> None:
    swollen = {name: text + LONG * 150 for name, text in SOUND.items() if name.endswith(".py")}
    assert "the median file has" in rules.files_are_short(plant(tmp_path, {**SOUND, **swollen}))[-1]


def test_every_check_is_proven() -> None:
    assert {check for check, *_ in BROKEN} == set(rules.CHECKS)
