"""How an answer of a simulator differs in shape from one that was recorded: missing, extra and retyped values."""

from __future__ import annotations

import re
from typing import Any

_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?$")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "date" if _DATE.match(value) else "text"
    return {type(None): "null", list: "list", dict: "object"}.get(type(value), "unknown")


def differences(recorded: Any, given: Any, *, free: frozenset[str] = frozenset(), where: str = "$") -> list[str]:
    """Where the shapes part. `free` names fields that may be there or not, for what depends on the title's data.

    In lists every given element has to fit: all keys that every recorded element has, and none that no recorded one
    has. An empty list fits any list.
    """
    if _kind(recorded) != _kind(given):
        return [f"{where}: {_kind(given)} instead of {_kind(recorded)}"]
    if isinstance(recorded, dict):
        return _objects([recorded], given, free, where)
    if isinstance(recorded, list) and recorded:
        found = []
        for number, element in enumerate(given):
            if isinstance(recorded[0], dict) and isinstance(element, dict):
                found += _objects(recorded, element, free, f"{where}[{number}]")
            else:
                found += differences(recorded[0], element, free=free, where=f"{where}[{number}]")
        return found
    return []


def _objects(recorded: list[Any], given: dict[str, Any], free: frozenset[str], where: str) -> list[str]:
    always = set.intersection(*(set(row) for row in recorded))
    ever = set.union(*(set(row) for row in recorded))
    found = [f"{where}.{name}: missing" for name in sorted(always - set(given) - free)]
    found += [f"{where}.{name}: not in the recording" for name in sorted(set(given) - ever - free)]
    for name in ever & set(given):
        samples = [row[name] for row in recorded if name in row]
        own = f"{where}.{name}"
        if all(isinstance(sample, dict) for sample in samples) and isinstance(given[name], dict):
            found += _objects(samples, given[name], free, own)
            continue
        problems: list[list[str]] = [differences(sample, given[name], free=free, where=own) for sample in samples]
        nearest: list[str] = min(problems, key=len)
        found += nearest
    return found
