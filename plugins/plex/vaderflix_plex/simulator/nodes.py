"""One answer, two encodings: XML as the server speaks by itself, JSON for those who accept it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

import msgspec

Value = str | int | float | bool
Attrs = dict[str, Value | None]
_ITEMS = {"Video", "Directory", "Track", "Photo"}
_SINGLE = {"Player", "User", "Session", "TranscodeSession", "Meta"}


@dataclass
class Node:
    """An element: attributes in the order they were given, then children."""

    tag: str
    attrs: Attrs = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def add(self, *children: Node) -> Node:
        """The same node with more children."""
        self.children.extend(children)
        return self

    @property
    def json_name(self) -> str:
        """What JSON calls it: all items are `Metadata`, whatever their element is."""
        return (
            "Metadata" if self.tag in _ITEMS and ("ratingKey" in self.attrs or "historyKey" in self.attrs) else self.tag
        )


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return "".join(c for c in str(value) if c in "\t\n\r" or ord(c) >= 32)


def _xml(node: Node, parts: list[str]) -> None:
    attrs = "".join(f" {k}={quoteattr(_text(v))}" for k, v in node.attrs.items() if v is not None)
    if not node.children:
        parts.append(f"<{node.tag}{attrs} />\n")
        return
    parts.append(f"<{node.tag}{attrs}>\n")
    for child in node.children:
        _xml(child, parts)
    parts.append(f"</{node.tag}>\n")


def to_xml(node: Node) -> bytes:
    """The document, its declaration at the first byte."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _xml(node, parts)
    return "".join(parts).encode()


def plain(node: Node, *, numbers_as_text: bool = False, single_objects: bool = False) -> dict[str, Any]:
    """The node as JSON values. The switches send what some servers and versions send."""
    made: dict[str, Any] = {}
    for name, value in node.attrs.items():
        if value is None:
            continue
        loose = numbers_as_text and isinstance(value, (bool, int, float))
        made[name] = _text(value) if loose else value
    for child in node.children:
        encoded = plain(child, numbers_as_text=numbers_as_text, single_objects=single_objects)
        if child.tag in _SINGLE:
            made[child.json_name] = encoded
        else:
            made.setdefault(child.json_name, []).append(encoded)
    if single_objects:
        made = {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in made.items()}
    return made


def to_json(node: Node, *, numbers_as_text: bool = False, single_objects: bool = False) -> bytes:
    """The document under its own name."""
    return msgspec.json.encode({node.tag: plain(node, numbers_as_text=numbers_as_text, single_objects=single_objects)})
