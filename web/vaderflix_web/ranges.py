"""The `Range` header, one part of it: what browsers send for video and large files."""

from __future__ import annotations

import re
from enum import Enum

_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")


class Span(Enum):
    """What a `Range` header comes to when it is not a part: the whole, or nothing that exists."""

    WHOLE = "whole"
    UNSATISFIABLE = "unsatisfiable"


def parse_range(header: str | None, length: int) -> slice | Span:
    """The asked part of `length` bytes. Anything that is not one plain range is answered with the whole (RFC 9110)."""
    match = _RANGE.match(header.strip()) if header else None
    if match is None or match.group(0) == "bytes=-":
        return Span.WHOLE
    first, last = match.groups()
    if not first:
        wanted = int(last)
        return slice(max(0, length - wanted), length) if wanted and length else Span.UNSATISFIABLE
    start, stop = int(first), min(int(last) + 1, length) if last else length
    if last and int(last) < start:
        return Span.WHOLE
    return slice(start, stop) if start < length else Span.UNSATISFIABLE
