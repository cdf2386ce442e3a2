"""The quality list: what every plugin says of itself in `quality.toml`, so that users see what is missing.

The file has one table for each tier, with every rule of it. An answer is "done", "todo", or
`{ exempt = "why it does not apply" }`:

    [must]
    errors-mapped = "done"
    secrets-typed = { exempt = "it has no secrets" }
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct

FILE_NAME = "quality.toml"


class Tier(StrEnum):
    """How much a rule weighs. A plugin is bundled only when nothing is left to do in the first."""

    MUST = "must"
    RELIABLE = "reliable"
    PLEASANT = "pleasant"


class State(StrEnum):
    """How a plugin answers a rule."""

    DONE = "done"
    TODO = "todo"
    EXEMPT = "exempt"


class Rule(Struct, frozen=True):
    """One rule: its name in the file, and what a plugin that says "done" promises."""

    tier: Tier
    name: str
    promise: str


class Answer(Struct, frozen=True):
    """What a plugin says to a rule. `reason` is given when it is exempt."""

    rule: Rule
    state: State
    reason: str = ""


RULES: tuple[Rule, ...] = tuple(
    Rule(tier, name, promise)
    for tier, rules in {
        Tier.MUST: {
            "connection-tested-before-save": "Test connection works before anything is saved, and says what is wrong",
            "unique-instance": "The same service cannot be added twice",
            "errors-mapped": "Only the errors of the plugin API leave a provider",
            "no-blocking-calls": "Nothing blocks the event loop",
            "types-checked": "The code passes a strict type check",
            "stop-releases-all": "Stopping releases every connection and task, and is safe to repeat",
            "secrets-typed": "Every credential is a Secret and stays out of URLs, logs and error texts",
            "readme-setup-steps": "The README leads through the set-up step by step",
            "contract-suite-green": "The contract tests of every role it fills pass",
        },
        Tier.RELIABLE: {
            "auth-failure-asks-admin": "A refused credential stops the calls and asks the admin",
            "retry-after-honoured": "A service that asks for a pause gets it",
            "log-once-per-outage": "An outage is logged when it begins and when it ends, not at every call",
            "idempotent-submit": "The same request or transfer twice adds nothing twice",
            "recorded-fixtures": "Tests use recorded answers of the real service, with its version",
            "fake-service": "A simulator stands in for the service in the demo and in tests",
            "old-settings-upgrade": "Settings stored by an older version still work",
        },
        Tier.PLEASANT: {
            "panel": "It shows what matters on the dashboard",
            "webhook-or-polling-explained": "The README says how changes are noticed",
            "diagnostics-redacted": "What it writes for a bug report holds no secret",
            "help-links-on-health": "Health findings link to what helps",
            "keyboard-and-narrow-screen": "Its pages work by keyboard and on a narrow screen",
            "known-limits-documented": "The README says what it cannot do",
        },
    }.items()
    for name, promise in rules.items()
)


class BadQuality(ValueError):
    """A quality file breaks the format; the text names the file and every mistake."""


def read_quality(path: Path) -> list[Answer]:
    """A plugin's answers, in the order of `RULES`. Raises `BadQuality`."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadQuality(f"{path} cannot be read: {error}") from error
    known = {(rule.tier.value, rule.name) for rule in RULES}
    given = {
        (tier, name): value
        for tier, rules in tables.items()
        for name, value in (rules.items() if isinstance(rules, dict) else {"": rules}.items())
    }
    wrong = [f"there is no rule [{tier}] {name}" for tier, name in given if (tier, name) not in known]
    answers = []
    for rule in RULES:
        value = given.get((rule.tier.value, rule.name))
        answer = _answer(rule, value)
        if answer is None:
            wrong.append(
                f"[{rule.tier}] {rule.name} is missing"
                if value is None
                else f'[{rule.tier}] {rule.name} must be "done", "todo" or {{ exempt = "why" }}'
            )
        else:
            answers.append(answer)
    if wrong:
        raise BadQuality(f"{path}: " + "; ".join(wrong))
    return answers


def _answer(rule: Rule, value: Any) -> Answer | None:
    if value in (State.DONE.value, State.TODO.value):
        return Answer(rule, State(value))
    if isinstance(value, dict) and set(value) == {State.EXEMPT.value}:
        reason = value[State.EXEMPT.value]
        if isinstance(reason, str) and reason.strip():
            return Answer(rule, State.EXEMPT, reason.strip())
    return None
