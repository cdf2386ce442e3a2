"""Logging for the whole process: structlog and the standard library's loggers, as text for people or JSON for machines.

No secret is written: known values are replaced wherever they stand, values under telling names are masked, and so are
credentials in URLs.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

import structlog

HIDDEN = "***"
SHORTEST_SECRET = 5  # shorter values would blot out ordinary text

_TELLING = re.compile(
    r"passw|passphrase|secret|token|api[_-]?key|authorization|cookie|credential|private[_-]?key|signature", re.I
)
_IN_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s@\"']+@", re.I)
_IN_QUERY = re.compile(r"(?P<name>[?&;][\w.-]*(?:passw|secret|token|api[_-]?key|signature)[\w.-]*=)[^&\s\"'#]+", re.I)
_IN_HEADER = re.compile(r"\b(?P<scheme>Bearer|Basic)\s+[A-Za-z0-9+/._~=-]{6,}")
# links in our mails let their reader in, and mail servers repeat links that they refuse
_IN_LINK = re.compile(r"(?P<page>/(?:invite|reset|email)/)[\w.~-]{16,}", re.I)


class Redactor:
    """Takes secrets out of text. The supervisor tells it each secret before a plugin sees it."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        """Hide this value from now on, as it is and as it would stand in a URL."""
        if len(value) >= SHORTEST_SECRET and value not in self._known:
            self._known |= {value, quote(value, safe=""), quote_plus(value)}
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def clean(self, text: str) -> str:
        """The text without known secrets, and without credentials in URLs, headers and links of our mails."""
        if self._pattern is not None:
            text = self._pattern.sub(HIDDEN, text)
        text = _IN_URL.sub(rf"\g<scheme>{HIDDEN}@", text)
        text = _IN_QUERY.sub(rf"\g<name>{HIDDEN}", text)
        text = _IN_LINK.sub(rf"\g<page>{HIDDEN}", text)
        return _IN_HEADER.sub(rf"\g<scheme> {HIDDEN}", text)

    def clean_value(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """The same for a logged value: text, numbers, mappings and lists as they are, anything else as its `repr`."""
        if name and _TELLING.search(name) and value not in (None, "", True, False):
            return HIDDEN
        if isinstance(value, str):
            return self.clean(value)
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if depth < 4 and isinstance(value, Mapping):
            return {str(key): self.clean_value(item, str(key), depth + 1) for key, item in value.items()}
        if depth < 4 and isinstance(value, (list, tuple, set, frozenset)):
            return [self.clean_value(item, "", depth + 1) for item in value]
        return self.clean(repr(value))

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Act as a structlog processor."""
        return {name: item if name.startswith("_") else self.clean_value(item, name) for name, item in event.items()}


def configure_logging(
    redactor: Redactor, *, level: str = "info", format: str = "console", stream: TextIO | None = None
) -> None:
    """Set up logging for this process, to `stream` (standard error). `format` is "console" or "json"."""
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,  # plain text: richer tracebacks print local variables
        redactor,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=False
        )
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # they write URLs, every statement and their own set-up at INFO
    for name in ("httpx", "httpcore", "sqlalchemy.engine", "uvicorn.access", "alembic"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
