"""`vaderflix plugin new`: a small plugin that installs, and passes its own tests, to begin from."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path

from ..plugins.loader import installed
from .quality import FILE_NAME, RULES, State, Tier

SKELETON = Path(__file__).parent / "skeleton"
NAME = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
LONGEST = 30

# what differs in the README by the role
ROLES: dict[str, dict[str, str]] = {
    "health_check": {
        "@does@": "Says whether @label@ can be reached, and what is wrong when it cannot.",
        "@then@": "",
        "@news@": "It is asked every minute.",
        "@limit@": "It only watches.",
    },
    "notifier": {
        "@does@": "Tells people over @label@ what became of their requests.",
        "@then@": ", save, and send yourself a test message",
        "@news@": "It hears of nothing: it only sends.",
        "@limit@": "It only sends.",
    },
}
# what an author's own work must prove first is "todo"; this holds for the skeleton whatever it is made into
PROVEN = frozenset({"webhook-or-polling-explained", "known-limits-documented"})
EXEMPT = {
    "unique-instance": "the core compares addresses",
    "log-once-per-outage": "the core logs outages",
    "idempotent-submit": "it adds nothing anywhere",
    "old-settings-upgrade": "first version",
    "keyboard-and-narrow-screen": "it has no pages of its own",
}


class CannotMake(RuntimeError):
    """The plugin cannot be made under this name; the text is for the person who asked."""


def new_plugin(name: str, folder: Path, role: str = "health_check") -> Path:
    """Make the plugin `name` (its id, such as "gotify") in a new folder of `folder`; gives the new folder.

    `role` is one of `ROLES`: what the skeleton does.

    Raises `CannotMake` for a name that does not fit or is taken.
    """
    if not NAME.match(name) or keyword.iskeyword(name):
        raise CannotMake(
            f"{name!r} cannot be a plugin's name. Use small letters, digits and single underscores, and begin with a "
            "letter: gotify, my_service."
        )
    if len(name) > LONGEST:
        raise CannotMake(f"{name!r} is too long: a plugin's name has at most {LONGEST} characters.")
    package = f"vaderflix_{name}"
    if name in {entry.name for entry in installed()}:
        raise CannotMake(f"A plugin {name!r} is installed here already. Choose another name.")
    if importlib.util.find_spec(package) is not None:
        raise CannotMake(f"There is a Python package {package} already. Choose another name.")
    distribution = package.replace("_", "-")
    target = folder / distribution
    if target.exists():
        raise CannotMake(f"{target} exists already. Remove it, or choose another name.")
    words = {
        **ROLES[role],
        "@name@": name,
        "@package@": package,
        "@distribution@": distribution,
        "@class@": "".join(part.capitalize() for part in name.split("_")),
        "@label@": " ".join(part.capitalize() for part in name.split("_")),
    }
    for template in sorted([*(SKELETON / "common").rglob("*.in"), *(SKELETON / role).rglob("*.in")]):
        text = template.read_text(encoding="utf-8")
        for mark, word in words.items():
            text = text.replace(mark, word)
        # the first part of the path is the role
        parts = [package if part == "package" else part for part in template.relative_to(SKELETON).parts[1:]]
        path = target.joinpath(*parts).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (target / package / "py.typed").touch()
    (target / FILE_NAME).write_text(_quality(), encoding="utf-8")
    return target


def _quality() -> str:
    """The quality list of a plugin that has proven nothing yet."""
    tables = []
    for tier in Tier:
        lines = [f"[{tier}]"]
        for rule in (rule for rule in RULES if rule.tier is tier):
            if rule.name in EXEMPT:
                lines.append(f'{rule.name} = {{ exempt = "{EXEMPT[rule.name]}" }}')
            else:
                state = State.DONE if rule.name in PROVEN else State.TODO
                lines.append(f'{rule.name} = "{state}"')
        tables.append("\n".join(lines) + "\n")
    return "\n".join(tables)
