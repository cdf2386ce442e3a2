"""How the products tell Plex that a folder has something new."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import httpx

from vaderflix_core.api import Peer


class PlexScanner:
    """Asks a Plex server to scan one folder of the section that holds it."""

    def __init__(self, peer: Peer) -> None:
        headers = {"X-Plex-Token": peer.credentials["token"], "Accept": "application/json"}
        self._http = httpx.AsyncClient(base_url=peer.url, headers=headers, timeout=10, trust_env=False)
        self.scanned: list[str] = []

    async def scan(self, folder: Path) -> None:
        """Scan the folder; a server that is away learns of it when it scans by itself."""
        with suppress(httpx.HTTPError, ValueError, KeyError):
            answer = (await self._http.get("/library/sections")).raise_for_status().json()
            for section in answer["MediaContainer"].get("Directory", []):
                places = [Path(place["path"]) for place in section.get("Location", [])]
                if any(folder.is_relative_to(place) for place in places):
                    path = f"/library/sections/{section['key']}/refresh"
                    (await self._http.get(path, params={"path": str(folder)})).raise_for_status()
                    self.scanned.append(str(folder))

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()
