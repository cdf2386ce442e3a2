"""Turns the bytes of a container's log into lines: frames, times, and no control characters.

Without a terminal a log comes in frames: stream number, three zero bytes, length (big endian), then as many bytes.
With one it comes as it was written. Asked for with times, each message begins with one.
"""

from __future__ import annotations

import re
import struct
from collections import deque
from datetime import datetime

from vaderflix_core.api import LogLine

MOST_LINES = 500
LONGEST = 4000  # characters of one line
HEADER = struct.Struct(">BxxxI")

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*Z ")
_ESCAPES = re.compile(
    "\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]?"  # colours and cursor
    "|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?"  # titles, links and other strings up to their end
    r"|[ -/]*[0-~]?"
    ")"
)
# C0, C1, and what turns the direction of text or breaks lines without being seen
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """One line as a terminal would leave it, without what only a terminal understands."""
    text = _ESCAPES.sub("", text).rstrip("\r").rpartition("\r")[2]
    return _CONTROL.sub("", text)[:LONGEST]


class LogReader:
    """Takes a log in pieces, and keeps its last lines; what it holds does not grow with what it is fed."""

    def __init__(self, *, terminal: bool, lines: int) -> None:
        self._terminal = terminal
        self._raw = b""
        self._left = 0  # bytes of the current frame that have not come yet
        self._stream = 1
        self._fresh = True  # whether the next bytes of the stream begin a message
        self._open: dict[int, bytes] = {}
        self._lines: deque[LogLine] = deque(maxlen=lines)

    def feed(self, data: bytes) -> None:
        """The next bytes. Bytes that are no frames are taken as they are."""
        if self._terminal:
            self._take(1, data, begins=False)
            return
        self._raw += data
        while self._raw:
            if not self._left:
                if len(self._raw) < HEADER.size:
                    return
                stream, length = HEADER.unpack_from(self._raw)
                if stream > 2 or self._raw[1:4] != b"\0\0\0":
                    self._terminal = True
                    raw, self._raw = self._raw, b""
                    self._take(1, raw, begins=False)
                    return
                self._stream, self._left, self._fresh = stream, length, True
                self._raw = self._raw[HEADER.size :]
                continue
            part, self._raw = self._raw[: self._left], self._raw[self._left :]
            self._left -= len(part)
            self._take(self._stream, part, begins=self._fresh)
            self._fresh = False

    def lines(self) -> list[LogLine]:
        """What came, oldest first, with the line that was not ended yet."""
        for stream, begun in self._open.items():
            if begun:
                self._add(stream, begun)
        self._open.clear()
        return list(self._lines)

    def _take(self, stream: int, data: bytes, *, begins: bool) -> None:
        begun = self._open.get(stream, b"")
        if begun and begins:
            data = _STAMP.sub(b"", data, count=1) if _STAMP.match(data) else data  # a long line goes on
        *whole, rest = (begun + data).split(b"\n")
        for line in whole:
            self._add(stream, line)
        self._open[stream] = rest[: LONGEST * 4]

    def _add(self, stream: int, line: bytes) -> None:
        found = _STAMP.match(line)
        at = datetime.fromisoformat(found[1].decode() + "+00:00") if found else None
        text = clean(line[found.end() if found else 0 :].decode("utf-8", "replace"))
        self._lines.append(LogLine(at=at, stream="stderr" if stream == 2 else "stdout", text=text))
