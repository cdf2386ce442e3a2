"""The activity log is read by people: each deed that is noted has words."""

from __future__ import annotations

import ast
from pathlib import Path

import vaderflix_core
import vaderflix_web
from vaderflix_web.words.deeds import DEEDS, GROUPS

NOTERS = {"note", "log", "_note", "_noted"}


def noted() -> set[str]:
    """The actions that stand in the calls that note a deed."""
    found = set()
    for package in (vaderflix_core, vaderflix_web):
        for file in Path(package.__path__[0]).rglob("*.py"):
            for call in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)):
                name = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
                words = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                found |= {word for word in words if name in NOTERS and word.replace("_", "").count(".") == 1}
    return found


def test_every_deed_has_words_and_its_group_a_name():
    actions = noted()
    assert {"user.changed", "share.removed", "share.end_left"} <= actions
    assert actions - set(DEEDS) == set()
    assert {action.partition(".")[0] for action in actions} - set(GROUPS) == set()
