"""How the versions of qBittorrent differ on the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

DATA = Path(__file__).parent / "data"


class Dialect(Struct, frozen=True, kw_only=True):
    """One version. 4.5.2 and 5.1.0 are shaped by recordings, 5.2 by its source: auth, statuses and `add` only."""

    app: str
    api: str
    stops: bool  # says stop and start, where 4.x says pause and resume
    modern: bool = False  # answers with statuses: 204 for nothing, 401 for a bad login, 409 for a refused torrent
    preferences: str

    def word(self, state: str) -> str:
        """A state as this version calls it."""
        return state.replace("paused", "stopped") if self.stops else state

    @property
    def never(self) -> int:
        """The time of what has not happened."""
        return -1 if self.stops else 0

    def cookie(self, port: int) -> str:
        """The name of the session cookie."""
        return f"QBT_SID_{port}" if self.modern else "SID"

    def load_preferences(self) -> dict[str, Any]:
        """All preferences as a fresh installation has them."""
        loaded: dict[str, Any] = msgspec.json.decode((DATA / self.preferences).read_bytes())
        return loaded


DIALECTS: dict[str, Dialect] = {
    "4.5.2": Dialect(app="v4.5.2", api="2.8.19", stops=False, preferences="preferences-4.5.json"),
    "5.1": Dialect(app="v5.1.0", api="2.11.4", stops=True, preferences="preferences-5.1.json"),
    "5.2": Dialect(app="v5.2.3", api="2.15.1", stops=True, modern=True, preferences="preferences-5.1.json"),
}
