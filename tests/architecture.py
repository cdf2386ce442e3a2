"""The rules of the house as functions over a source tree. Each gives one line for every place that breaks its rule."""

import ast
import re
import statistics
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from vaderflix_core.testing.quality import BadQuality, read_quality

CORE, WEB = "vaderflix_core", "vaderflix_web"
DOORS = (f"{CORE}.api", f"{CORE}.testing")  # all that plugins may import of us
PRODUCTS = re.compile(r"\b(plex|radarr|sonarr|qbittorrent|qbit|docker|seerr|overseerr)\b", re.I)
LONGEST, LONGEST_TEST, MEDIAN = 400, 600, 150
JUNK_DRAWERS = {"util", "utils", "helper", "helpers", "misc"}
SOURCES = {".py", ".html", ".js", ".css"}

# what is shown in the simulated world, and what the build fetches, is data
NOT_OURS = ("testing/world", "static/vendor", "node_modules", "__pycache__")
FROZEN = "store/migrations/versions"  # each is written once, by a tool, and holds a whole schema

Check = Callable[[Path], list[str]]


def files(folder: Path, suffixes: set[str]) -> list[Path]:
    """The files below a folder that are written by us."""
    found = (path for path in folder.rglob("*") if path.suffix in suffixes and path.is_file())
    return sorted(path for path in found if not any(f"/{part}/" in path.as_posix() for part in NOT_OURS))


def members(root: Path) -> dict[str, Path]:
    """Every distribution beside the product itself: its package's name and its folder."""
    return {
        package.name: package.parent
        for place in ("plugins", "libs")
        for package in sorted(root.glob(f"{place}/*/vaderflix_*"))
        if package.is_dir()
    }


def product(root: Path) -> list[Path]:
    """The folders of all product code."""
    return [root / CORE, root / "web" / WEB, *(folder / package for package, folder in members(root).items())]


class Import:
    """One import: the module it names in full, and whether it stands inside a function."""

    def __init__(self, module: str, line: int, lazy: bool) -> None:
        self.module, self.line, self.lazy = module, line, lazy

    def within(self, *packages: str) -> bool:
        return any(self.module == package or self.module.startswith(f"{package}.") for package in packages)


def imports(path: Path, package_root: Path) -> Iterator[Import]:
    """All imports of a file, relative ones resolved; `from a import b` counts as `a.b`."""
    here = list(path.relative_to(package_root).with_suffix("").parts)[:-1]
    tree = ast.parse(path.read_text("utf-8"))
    lazy = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            names = [a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        for name in names:
            yield Import(name, node.lineno, id(node) in lazy)


def plugins_use_only_the_doors(root: Path) -> list[str]:
    """A plugin or library imports the API, the kit, itself, third parties, and libraries of ours that it declares."""
    found = []
    everyone = members(root)
    for package, folder in everyone.items():
        declared = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"].get("dependencies", [])
        named = {re.split(r"[^\w-]", name)[0].replace("-", "_") for name in declared}
        shared = [lib for lib, place in everyone.items() if place.parent.name == "libs" and lib in named]
        for path in files(folder / package, {".py"}):
            for one in imports(path, folder):
                if one.within(CORE, WEB, *everyone) and not one.within(*DOORS, package, *shared):
                    found.append(f"{path.relative_to(root)}:{one.line} imports {one.module}")
    return found


def core_imports_neither_pages_nor_plugins(root: Path) -> list[str]:
    """The core imports the web package only inside functions of `cli.py`; core and web import no plugin."""
    found = []
    everyone = members(root)
    for base, package in ((root, CORE), (root / "web", WEB)):
        for path in files(base / package, {".py"}):
            for one in imports(path, base):
                from_cli = path == root / CORE / "cli.py" and one.lazy
                if one.within(*everyone) or (package == CORE and one.within(WEB) and not from_cli):
                    found.append(f"{path.relative_to(root)}:{one.line} imports {one.module}")
    return found


def the_api_stands_alone(root: Path) -> list[str]:
    """The plugin API imports nothing of the runtime behind it."""
    return [
        f"{path.relative_to(root)}:{one.line} imports {one.module}"
        for path in files(root / CORE / "api", {".py"})
        for one in imports(path, root)
        if one.within(CORE, WEB) and not one.within(f"{CORE}.api")
    ]


def core_and_web_name_no_product(root: Path) -> list[str]:
    """Neither code, strings, templates nor scripts of core and web name a product; docstrings and comments may."""
    found = []
    for folder in (root / CORE, root / "web" / WEB):
        for path in files(folder, {".py"}):
            found += [f"{path.relative_to(root)}:{line} names {word}" for line, word in _names_in_code(path)]
        for path in files(folder, {".html", ".txt", ".js", ".css", ".svg", ".json", ".toml"}):
            for number, line in enumerate(_without_comments(path).splitlines(), 1):
                found += [f"{path.relative_to(root)}:{number} names {word}" for word in PRODUCTS.findall(line)]
    return found


def _names_in_code(path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {id(doc) for node in ast.walk(tree) if (doc := _docstring(node)) is not None}
    for node in ast.walk(tree):
        if id(node) in docstrings:
            continue
        for field in ("value", "id", "attr", "name", "arg", "asname", "module"):
            text = getattr(node, field, None)
            if isinstance(text, str):
                words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")
                yield from ((getattr(node, "lineno", 0), word) for word in PRODUCTS.findall(words))


def _docstring(node: ast.AST) -> ast.Constant | None:
    body = getattr(node, "body", None)
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            return first.value
    return None


def _without_comments(path: Path) -> str:
    text = path.read_text("utf-8", errors="replace")
    comments = {
        ".html": r"\{#.*?#\}|<!--.*?-->",
        ".svg": r"<!--.*?-->",
        ".js": r"/\*.*?\*/|(?m:^[ \t]*//[^\n]*)",
        ".css": r"/\*.*?\*/",
    }
    pattern = comments.get(path.suffix)
    if pattern is None:
        return text
    # the line breaks stay, so that line numbers do
    return re.sub(pattern, lambda match: "\n" * match[0].count("\n"), text, flags=re.S)


def files_are_short(root: Path) -> list[str]:
    """No file is too long to read in one sitting, and half of them are short."""
    ours = [path for folder in product(root) for path in files(folder, SOURCES)]
    tests = [path for place in ("tests", "plugins/*/tests", "libs/*/tests") for path in root.glob(f"{place}/**/*.py")]
    ours = [path for path in ours if FROZEN not in path.as_posix()]
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in [*ours, *tests]}
    found = [
        f"{path.relative_to(root)} has {length} lines"
        for path, length in lengths.items()
        if length > (LONGEST if path in ours else LONGEST_TEST)
    ]
    median = statistics.median([lengths[path] for path in ours if path.suffix == ".py"] or [0])
    return found + ([f"the median file has {median:g} lines"] if median >= MEDIAN else [])


def nothing_is_called_utils(root: Path) -> list[str]:
    """Each thing has a home that its name tells."""
    return [
        f"{path.relative_to(root)} says nothing about what it holds"
        for folder in product(root)
        for path in files(folder, {".py"})
        if path.stem in JUNK_DRAWERS or path.parent.name in JUNK_DRAWERS
    ]


def nothing_lives_in_a_module(root: Path) -> list[str]:
    """No module holds a service of the core, an empty container to be filled, or a global that functions rebind."""
    trees = {path: ast.parse(path.read_text("utf-8")) for folder in product(root) for path in files(folder, {".py"})}
    services = {
        node.name
        for path, tree in trees.items()
        if path.relative_to(root).parts[0] == CORE and path.relative_to(root).parts[1] not in ("api", "testing")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(part, ast.FunctionDef) and part.name == "__init__" for part in node.body)
    }
    found = []
    for path, tree in trees.items():
        where = path.relative_to(root)
        found += [f"{where}:{n.lineno} rebinds a global" for n in ast.walk(tree) if isinstance(n, ast.Global)]
        for node in tree.body:
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if value is not None and (_is_empty(value) or _makes(value, services)):
                found.append(f"{where}:{node.lineno} keeps state in the module")
    return found


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        name = getattr(value.func, "id", getattr(value.func, "attr", ""))
        return name in {"defaultdict", "deque", "WeakKeyDictionary", "WeakValueDictionary"} or (
            name in {"list", "dict", "set"} and not value.args and not value.keywords
        )
    return (isinstance(value, ast.List) and not value.elts) or (isinstance(value, ast.Dict) and not value.keys)


def _makes(value: ast.expr, services: set[str]) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in services


def hooks(root: Path) -> dict[str, str]:
    """Every hook and its docstring."""
    tree = ast.parse((root / CORE / "api" / "hookspecs.py").read_text("utf-8"))
    holder = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Hooks")
    return {node.name: ast.get_docstring(node) or "" for node in holder.body if isinstance(node, ast.FunctionDef)}


def used_hooks(root: Path) -> set[str]:
    """The hooks that bundled plugins implement."""
    used = set()
    for path in root.glob("plugins/*/vaderflix_*/__init__.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                call = mark if isinstance(mark, ast.Call) else None
                if getattr(call.func if call else mark, "id", "") == "hookimpl":
                    named = [k.value.value for k in call.keywords if k.arg == "specname"] if call else []
                    used.add(named[0] if named else node.name)
    return used


def hooks_are_documented_and_used(root: Path) -> list[str]:
    """A hook says what it is for, and at least one bundled plugin needs it."""
    used = used_hooks(root)
    return [f"the hook {name} has no docstring" for name, text in hooks(root).items() if not text] + [
        f"no bundled plugin uses the hook {name}" for name in hooks(root) if name not in used
    ]


def plugins_say_what_they_are(root: Path) -> list[str]:
    """Every plugin has set-up steps and an honest quality list."""
    found = []
    for manifest in sorted(root.glob("plugins/*/pyproject.toml")):
        readme = manifest.parent / "README.md"
        if not readme.is_file() or not readme.read_text("utf-8").strip():
            found.append(f"{manifest.parent.relative_to(root)} has no README.md")
        try:
            read_quality(manifest.parent / "quality.toml")
        except BadQuality as error:
            found.append(str(error))
    return found


def the_api_is_documented(root: Path) -> list[str]:
    """Every public module, class, function and method of the plugin API has a docstring."""
    found = []
    for path in files(root / CORE / "api", {".py"}):
        for name, node in _public(ast.parse(path.read_text("utf-8")), path.stem):
            if _docstring(node) is None:
                found.append(f"{path.relative_to(root)}: {name} has no docstring")
    return found


def _public(node: ast.AST, name: str) -> Iterator[tuple[str, ast.AST]]:
    yield name, node
    if isinstance(node, ast.Module | ast.ClassDef):
        for inner in node.body:
            if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith(
                "_"
            ):
                yield from _public(inner, f"{name}.{inner.name}")


CHECKS: tuple[Check, ...] = (
    plugins_use_only_the_doors,
    core_imports_neither_pages_nor_plugins,
    the_api_stands_alone,
    core_and_web_name_no_product,
    files_are_short,
    nothing_is_called_utils,
    nothing_lives_in_a_module,
    hooks_are_documented_and_used,
    plugins_say_what_they_are,
    the_api_is_documented,
)
