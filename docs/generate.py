#!/usr/bin/env python3
"""Write the reference pages of this folder from the code itself: `make docs`. A test fails when they are old."""

from __future__ import annotations

import inspect
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from vaderflix_core.api import (
    errors,
    events,
    hookspecs,
    http,
    instance,
    models,
    people,
    roles,
    settings,
    simulator,
    web,
)
from vaderflix_core.plugins.loader import hook_names, installed, load_plugins
from vaderflix_core.plugins.records import PluginRecord
from vaderflix_core.testing.quality import RULES, Answer, State, Tier, read_quality

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
NOTE = "<!-- Written by docs/generate.py from the code. Change the code, then run: make docs -->\n\n"
WIDTH = 110
CELL = str.maketrans({"|": "\\|", "\n": " "})


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.translate(CELL) for cell in line) + " |" for line in lines) + "\n"


def text_of(thing: Any) -> str:
    """A docstring as a paragraph or more."""
    return inspect.getdoc(thing) or ""


def signature(function: Callable[..., Any], *, method: bool = True) -> str:
    """A function's head as it is written."""
    found = inspect.signature(function)
    parts = []
    for parameter in list(found.parameters.values())[1 if method else 0 :]:
        annotation = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}"
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
        parts.append(f"{stars}{parameter.name}{annotation}{default}")
    asynchronous = "async " if inspect.iscoroutinefunction(function) else ""
    returned = "" if found.return_annotation is found.empty else f" -> {found.return_annotation}"
    head, tail = f"{asynchronous}def {function.__name__}(", f"){returned}: ..."
    line = f"{head}{', '.join(parts)}{tail}"
    return line if len(line) <= WIDTH else "\n".join([head, *(f"    {part}," for part in parts), tail])


def code(*lines: str) -> str:
    """A block of Python."""
    return "```python\n" + "\n".join(lines) + "\n```\n"


def source(thing: type) -> str:
    """A type as it is written, comments included."""
    return code(inspect.getsource(thing).rstrip())


def defined_in(module: Any, base: type = object) -> list[type]:
    """The public classes that a module defines, in the order they are written."""
    return [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and issubclass(value, base)
        and not name.startswith("_")
    ]


def protocol(kind: type, hook: str | None) -> str:
    """A role or an ability: what it is, the hook that returns it, its attributes and methods."""
    parts = [f"### {kind.__name__}\n", text_of(kind)]
    if hook:
        parts.append(f"Returned by the hook `{hook}`.")
    for name, annotation in vars(kind).get("__annotations__", {}).items():
        parts.append(f"`{name}: {annotation}`")
    for name, method in vars(kind).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            parts.append(code(signature(method)) + "\n" + text_of(method))
    return "\n\n".join(parts) + "\n"


def methods(kind: type) -> str:
    """A class that plugins use: what it is, and what it can do."""
    parts = [f"### {kind.__name__}\n", text_of(kind)]
    for name, member in vars(kind).items():
        function = getattr(member, "__wrapped__", member)  # behind a context manager
        if inspect.isfunction(function) and not name.startswith("_"):
            parts.append(code(signature(function)) + "\n" + text_of(function))
    return "\n\n".join(parts) + "\n"


def hooks_page() -> str:
    """Every hook with its exact head, what hooks return, roles, abilities, errors and models."""
    parts = [NOTE + "# Hooks and roles\n", text_of(hookspecs), text_of(roles)]
    parts.append(f"This is version {hookspecs.API_VERSION} of the plugin API.\n\n## Hooks")
    for name in hook_names():
        hook = vars(hookspecs.Hooks)[name]
        parts.append(f"### {name}\n\n{code(signature(hook))}\n{text_of(hook)}")
    parts.append("## What hooks return")
    returned = [hookspecs.PluginInfo, hookspecs.Job, hookspecs.Listener, web.Panel, web.MenuItem]
    parts += [source(kind) for kind in (*returned, simulator.SimulatorSpec, simulator.Simulator, simulator.Peer)]
    parts.append("## What a provider works with")
    parts += [methods(instance.Instance), methods(http.ServiceClient)]
    parts.append("### Settings\n\n" + text_of(settings.setting))
    parts.append(code(signature(settings.setting, method=False)))
    parts.append("## Roles")
    parts += [protocol(role.protocol, role.hook) for role in roles.ROLES]
    parts.append(
        "## Abilities\n\nA provider of any role may also have these methods and attributes. Who has all of an"
        " ability has it; there is nothing to register."
    )
    parts += [protocol(role.protocol, None) for role in roles.ABILITIES]
    parts.append(protocol(roles.ByteStream, None))
    parts.append("## Errors\n\n" + text_of(errors))
    parts += [source(kind) for kind in defined_in(errors)]
    parts.append("## Models\n\n" + text_of(models))
    parts += [source(kind) for kind in (*defined_in(models), *defined_in(people))]
    return "\n\n".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n"


def bundled() -> dict[str, Path]:
    """The plugins of this repository: their ids and folders."""
    found = {}
    for manifest in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        points = tomllib.loads(manifest.read_text("utf-8"))["project"]["entry-points"][hookspecs.ENTRY_POINT_GROUP]
        found |= dict.fromkeys(points, manifest.parent)
    return found


def bundled_records() -> list[PluginRecord]:
    """The same, loaded. Raises `RuntimeError` when one cannot be."""
    ids = bundled()
    records = load_plugins(disabled=(), entry_points=[entry for entry in installed() if entry.name in ids])
    missing = [plugin for plugin in ids if plugin not in records or records[plugin].info is None]
    if missing:
        raise RuntimeError(f"These plugins did not load: {', '.join(missing)}. Run: vaderflix plugins")
    return [records[plugin] for plugin in ids]


def limits(annotation: Any) -> str:
    """The limits that a setting declares, in words."""
    meta = next((extra for extra in get_args(annotation)[1:] if isinstance(extra, msgspec.Meta)), None)
    bare = get_args(annotation)[0] if meta else annotation
    words = []
    if meta is not None:
        if meta.ge is not None or meta.le is not None:
            words.append(" to ".join(f"{limit:g}" for limit in (meta.ge, meta.le) if limit is not None))
        if meta.min_length:
            words.append(f"at least {meta.min_length} characters")
        if meta.pattern == settings.URL_PATTERN:
            words.append("an http or https address")
        elif meta.pattern and not (meta.extra or {}).get("choices"):
            words.append(f"matches `{meta.pattern}`")
        words += [f"one of {', '.join(f'`{value}`' for value in (meta.extra or {}).get('choices', ()))}"]
    elif str(get_origin(bare)) == "typing.Literal":
        words.append(f"one of {', '.join(f'`{value}`' for value in get_args(bare))}")
    return "; ".join(word for word in words if word and word != "one of ")


def default(field: settings.SettingField) -> str:
    """What a setting is when nobody sets it."""
    if field.required:
        return "needed"
    if field.default in ("", (), None) or isinstance(field.default, settings.Secret):
        return "empty"
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    return f"`{field.default}`"


def settings_page() -> str:
    """Each plugin's settings."""
    parts = [
        NOTE + "# Settings of the bundled plugins\n",
        "The names are those of `[instance.settings]` in `vaderflix.toml`; the labels are those of the form under"
        " Services. A *secret* is stored encrypted, never shown again, and may come from `$env` or `$file`."
        " *Advanced* settings stand below a fold. For a *choice*, the form asks the service what there is.",
    ]
    for record in bundled_records():
        assert record.info is not None
        kind = record.info.settings
        hints = get_type_hints(kind, include_extras=True)
        rows = []
        for field in settings.fields(kind):
            marks = [field.kind, *(["choice"] if field.dynamic else []), *(["advanced"] if field.advanced else [])]
            about = " ".join(
                part for part in (field.help, f"Such as `{field.placeholder}`." if field.placeholder else "") if part
            )
            rows.append(
                (f"`{field.name}`", field.label, ", ".join(marks), default(field), limits(hints[field.name]), about)
            )
        parts.append(f"## {record.info.name}\n\n{record.info.summary} Plugin id: `{record.id}`.\n")
        parts.append(table(("name", "label", "type", "default", "limits", "what it is"), rows))
    return "\n\n".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n"


def events_page() -> str:
    """Each event with its fields."""
    parts = [NOTE + "# Events\n", text_of(events), source(events.Event)]
    parts += [f"## {kind.__name__}\n\n{source(kind)}" for kind in events.EVENTS]
    return "\n\n".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n"


def api_page() -> str:
    """Each route of the JSON API, with the permission it needs and what it takes."""
    from vaderflix_web import api
    from vaderflix_web.api import shapes

    rows = []
    for route in api.ROUTER.routes:
        for handler in getattr(route, "route_handlers", ()):
            method = next(iter(sorted(handler.http_methods)))
            if method == "OPTIONS":
                continue
            fields = handler.parsed_fn_signature.parameters
            body = getattr(fields["data"].annotation, "__name__", "") if "data" in fields else ""
            inputs = [kind for kind in defined_in(shapes, shapes.Input) if kind.__name__ in str(body)] if body else []
            query = [name for name in fields if name not in ("request", "data") and f"{{{name}:" not in route.path]
            takes = [f"[{kind.__name__}](#{kind.__name__.lower()})" for kind in inputs]
            takes += [f"`{name}`" for name in query]
            summary = text_of(handler.fn).replace("\n", " ")
            path = route.path if route.path.startswith(api.PREFIX) else f"{api.PREFIX}{route.path}"
            rows.append((f"`{method} {path}`", str(handler.opt.get("permission", "")), ", ".join(takes), summary))
    parts = [NOTE + "# The JSON API\n", text_of(api), text_of(shapes)]
    parts.append(
        "The whole description, with all answers, is `GET /api/v1/openapi.json` (OpenAPI 3.1). `browse` and the other"
        " permissions are those of the account; `public` needs none, `signed_in` any account.\n\n## Routes\n"
    )
    parts.append(
        table(("route", "permission", "takes", "what it does"), sorted(rows, key=lambda row: row[0].split()[::-1]))
    )
    parts.append("## What is sent")
    sent = [kind for kind in defined_in(shapes, shapes.Input) if kind is not shapes.Input]
    parts += [f"### {kind.__name__}\n\n{source(kind)}" for kind in sent]
    return "\n\n".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n"


def integrations_page() -> str:
    """What each bundled plugin holds to, from its quality list."""
    answers = {plugin: read_quality(folder / "quality.toml") for plugin, folder in bundled().items()}
    names = {record.id: record.info.name for record in bundled_records() if record.info}
    parts = [
        NOTE + "# Integrations\n",
        "Every plugin answers the same list of rules in its `quality.toml`; this page is made of the answers. *done*"
        " holds, *to do* does not hold yet, – does not apply.",
    ]
    for tier in Tier:
        rows = [
            (f"**{rule.name}**: {rule.promise}", *(_mark(answers[plugin], rule.name) for plugin in answers))
            for rule in RULES
            if rule.tier is tier
        ]
        parts.append(f"## {tier.capitalize()}\n\n" + table(("rule", *(names[plugin] for plugin in answers)), rows))
    parts.append("## Why a rule does not apply")
    for plugin, given in answers.items():
        exempt = [f"- {names[plugin]}, {one.rule.name}: {one.reason}" for one in given if one.state is State.EXEMPT]
        parts += ["\n".join(exempt)] if exempt else []
    parts.append(f"## The format of `quality.toml`\n\n{text_of(sys.modules[read_quality.__module__])}")
    return "\n\n".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n"


def _mark(answers: list[Answer], name: str) -> str:
    state = next(answer.state for answer in answers if answer.rule.name == name)
    return {State.DONE: "done", State.TODO: "to do", State.EXEMPT: "–"}[state]


PAGES: dict[str, Callable[[], str]] = {
    "hooks.md": hooks_page,
    "settings.md": settings_page,
    "events.md": events_page,
    "api.md": api_page,
    "integrations.md": integrations_page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
