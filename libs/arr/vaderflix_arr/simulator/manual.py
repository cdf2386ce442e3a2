"""Manual import: what lies in a download, and the import that a person asks for."""

from __future__ import annotations

import asyncio
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from .downloads import VIDEO
from .http import Reply, Request, Router, Row
from .quality import ENGLISH, UNKNOWN_LANGUAGE
from .store import stamp

if TYPE_CHECKING:
    from .engine import ArrSimulator


class ManualImport:
    """GET manualimport and the ManualImport command."""

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve the candidates."""
        router.add("GET", "/api/v3/manualimport", self._list)

    async def _list(self, request: Request) -> Reply:
        downloads = {value.upper() for name in ("downloadid", "downloadids") for value in request.query.get(name, [])}
        if downloads:
            torrents = await self.sim.downloads.torrents()
            places = [(Path(t["content_path"]), t["hash"].upper()) for t in torrents if t["hash"].upper() in downloads]
        else:
            places = [(Path(request.one("folder")), "")] if request.one("folder") else []
        rows = [row for path, ident in places for row in await asyncio.to_thread(self._inside, path, ident)]
        return Reply(body=rows)

    def _inside(self, path: Path, download: str) -> list[Row]:
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        return [self._candidate(file, path, download) for file in files]

    def _candidate(self, file: Path, base: Path, download: str) -> Row:
        grab = next(iter(self.sim.store.where("grabs", downloadId=download)), None)
        parsed = self.sim.qualities.parse(file.stem)
        relative = file.name if file == base else str(file.relative_to(base))
        row: Row = {"path": str(file), "relativePath": relative, "name": file.stem, "size": file.stat().st_size}
        head, tail = self.sim.candidate_parts(grab)
        row |= head
        reasons = [text for message in (grab or {"messages": []})["messages"] for text in message["messages"]]
        if not head:
            reasons = [f"Unknown {self.sim.noun.capitalize()}"]
        elif file.suffix.lower() not in VIDEO:
            reasons = ["Unable to determine if file is a sample"]
        row |= {"releaseGroup": parsed.group, "quality": parsed.quality.model()}
        row |= {"languages": [ENGLISH if head else UNKNOWN_LANGUAGE], "qualityWeight": parsed.quality.weight}
        if download:
            row["downloadId"] = download
        row |= {"customFormats": [], "customFormatScore": 0, "indexerFlags": 0, **tail}
        row["rejections"] = [{"reason": text, "type": "permanent"} for text in reasons]
        return {**row, "id": zlib.crc32(str(file).encode()) & 0x7FFFFFFF}

    async def run(self, body: Row) -> str:
        """Import what a person chose, whatever stood in the way."""
        for given in body["files"]:
            source = Path(given["path"])
            parsed = self.sim.qualities.parse(source.stem)
            download = str(given.get("downloadId") or "").upper()
            grab = next(iter(self.sim.store.where("grabs", downloadId=download)), None)
            if grab is None:
                size = (await asyncio.to_thread(source.stat)).st_size
                grab = {"downloadId": download, "name": source.stem, "group": parsed.group, "messages": []}
                grab |= {"size": size, "state": "importPending", "slug": "", "added": stamp(), "pack": False}
                grab |= {"overridden": False, "notified": True, "guid": "", "languages": [ENGLISH]}
                grab |= {"quality": parsed.quality.model(), "fileName": source.name, "published": stamp()}
                if download:
                    self.sim.store.add("grabs", grab)
            grab["itemId"] = given[self.sim.item_field]
            grab["episodeIds"] = list(given.get("episodeIds") or [])
            grab["byHand"] = True  # such files keep no scene name
            grab["quality"] = given.get("quality") or grab["quality"]
            await self.sim.downloads.finish(grab, source)
        await self.sim.downloads.refresh()
        return f"Manually imported {len(body['files'])} files"
