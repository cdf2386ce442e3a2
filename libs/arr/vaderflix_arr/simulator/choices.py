"""Settings that a client only reads: profiles, qualities, languages, configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .http import Handler, Reply, Request, Router, Row

if TYPE_CHECKING:
    from .engine import ArrSimulator

_LANGUAGES = {-1: "Any", -2: "Original", 0: "Unknown", 1: "English", 2: "French", 4: "German", 3: "Spanish"}
_DELAY = {
    "enableUsenet": True,
    "enableTorrent": True,
    "preferredProtocol": "usenet",
    "usenetDelay": 0,
    "torrentDelay": 0,
    "bypassIfHighestQuality": True,
    "bypassIfAboveCustomFormatScore": False,
    "minimumCustomFormatScore": 0,
    "order": 2147483647,
    "tags": [],
    "id": 1,
}
_DOWNLOAD_CLIENT = {
    "downloadClientWorkingFolders": "_UNPACK_|_FAILED_",
    "enableCompletedDownloadHandling": True,
    "autoRedownloadFailed": True,
    "autoRedownloadFailedFromInteractiveSearch": True,
    "id": 1,
}
_MEDIA = {
    "recycleBin": "",
    "recycleBinCleanupDays": 7,
    "downloadPropersAndRepacks": "preferAndUpgrade",
    "deleteEmptyFolders": False,
    "fileDate": "none",
    "rescanAfterRefresh": "always",
    "setPermissionsLinux": False,
    "chmodFolder": "755",
    "chownGroup": "",
    "skipFreeSpaceCheckWhenImporting": False,
    "minimumFreeSpaceWhenImporting": 100,
    "copyUsingHardlinks": True,
    "useScriptImport": False,
    "scriptImportPath": "",
    "importExtraFiles": False,
    "extraFileExtensions": "srt",
    "enableMediaInfo": True,
}


class Choices:
    """The routes of all that is only read."""

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve them."""
        language = {"id": 1, "name": "English"}
        fake: Row = {"name": "Deprecated", "upgradeAllowed": True, "cutoff": language}
        fake["languages"] = [{"language": language, "allowed": True}]
        sim = self.sim
        languages = [{"id": n, "name": name, "nameLower": name.lower()} for n, name in _LANGUAGES.items()]
        fixed: dict[str, object] = {
            "qualitydefinition": sim.qualities.definitions(),
            "language": languages,
            "languageprofile": [{**fake, "id": 1}],
            "customformat": [],
            "delayprofile": [_DELAY],
            "collection": [],
            "credit": [],
            "update": [],
            "indexerflag": [{"id": 1, "name": "G_Freeleech", "nameLower": "g_freeleech"}],
            "config/downloadclient": {**_DOWNLOAD_CLIENT, **sim.config_extra["downloadclient"]},
            "config/mediamanagement": {**_MEDIA, **sim.config_extra["mediamanagement"], "id": 1},
        }
        for path, body in fixed.items():
            router.add("GET", f"/api/v3/{path}", _constant(body))
        router.add("GET", "/api/v3/qualityprofile", self._profiles)
        router.add("GET", "/api/v3/qualityprofile/{id}", self._profile)
        router.add("GET", "/api/v3/config/naming", self._naming)
        router.add("PUT", "/api/v3/config/naming", self._set_naming)

    async def _profiles(self, request: Request) -> Reply:
        return Reply(body=self.sim.profiles)

    async def _profile(self, request: Request) -> Reply:
        row = next((row for row in self.sim.profiles if row["id"] == request.params["id"]), None)
        if row is None:
            raise self.sim.missing("qualityprofile")
        return Reply(body=row)

    async def _naming(self, request: Request) -> Reply:
        return Reply(body={**self.sim.config_extra["naming"], "id": 1})

    async def _set_naming(self, request: Request) -> Reply:
        naming: Row = self.sim.config_extra["naming"]
        naming.update({name: value for name, value in request.json().items() if name in naming})
        return Reply(status=202, body={**naming, "id": 1})


def _constant(body: object) -> Handler:
    async def answer(request: Request) -> Reply:
        return Reply(body=body)

    return answer
