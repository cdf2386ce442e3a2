"""What makes a simulator a Radarr or a Sonarr: the facts, words and steps that the shared engine asks a product for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from vaderflix_core.api.models import MediaKind

from .commands import Spec
from .http import Refused, Request, Router, Row, complaint, problem, spaced
from .quality import Qualities
from .releases import Offer
from .store import Store, moment


class Product(ABC):
    """The product's part of a simulator."""

    store: Store
    qualities: Qualities
    profiles: list[Row]
    client_name: str
    app_name: ClassVar[str]
    slug: ClassVar[str]
    noun: ClassVar[str]  # "movie" or "series"
    table: ClassVar[str]  # its table, also the folder below the media folder
    kind: ClassVar[MediaKind]
    category: ClassVar[str]  # in the download client
    part: ClassVar[str]  # what fields of the download client are called after: "movie" or "tv"
    events: ClassVar[dict[int, str]]
    tag_lists: ClassVar[tuple[str, ...]]
    blocked_state: ClassVar[str]
    mismatch_text: ClassVar[str]
    unknown_has_formats: ClassVar[bool]
    type_exclusive: ClassVar[bool]
    root_total: ClassVar[bool]
    cover_kinds: ClassVar[tuple[str, ...]]
    version: str
    five = False  # Sonarr 5: the dialect that prefers /api/v5
    lenient = False  # invalid operations are 400 instead of 500

    def labels(self, tags: list[int]) -> list[str]:
        """Tag ids as labels, as webhooks carry them."""
        return [row["label"] for row in self.store.rows("tags") if row["id"] in tags]

    def missing(self, what: str) -> Refused:
        """404 for an id that nothing has."""
        return problem(404, "Not Found", content_type="application/problem+json; charset=utf-8")

    def below_cutoff(self, quality: Row) -> bool:
        """Whether the profile's cutoff is not met; told of every quality, also while upgrades are off."""
        return self.qualities.weight_of(quality) < self.qualities.weight_of(
            self.qualities.by_name["Bluray-1080p"].model()
        )

    def profile_complaints(self, ident: int) -> list[Row]:
        """What is wrong with a quality profile id."""
        if ident <= 0:
            text = "'Quality Profile Id' must be greater than '0'."
            more = {"comparisonValue": 0, "comparisonProperty": ""}
            return [complaint("QualityProfileId", text, ident, "GreaterThanValidator", **more)]
        if all(profile["id"] != ident for profile in self.profiles):
            text = "Quality Profile does not exist"
            return [complaint("QualityProfileId", text, ident, "QualityProfileExistsValidator")]
        return []

    def place_complaints(self, body: Row) -> list[Row]:
        """What is wrong with the place of a new item: a path, or a root folder that is configured."""
        if body.get("path"):
            return []
        root = body.get("rootFolderPath")
        if not root:
            return [
                complaint(name, f"'{spaced(name)}' must not be empty.", None, "NotEmptyValidator")
                for name in ("Path", "RootFolderPath")
            ]
        if not self.store.where("roots", path=root.rstrip("/")):
            text = f"Root folder '{root}' does not exist"
            return [complaint("RootFolderPath", text, root, "RootFolderExistsValidator", path=root)]
        return []

    @staticmethod
    def edited_tags(tags: list[int], body: Row) -> list[int]:
        """The tags of an item after a bulk edit."""
        given = body.get("tags")
        if given is None:
            return tags
        how = body.get("applyTags", "add")
        if how == "replace":
            return list(given)
        if how == "remove":
            return [tag for tag in tags if tag not in given]
        return [*tags, *(tag for tag in given if tag not in tags)]

    def rejections(self, offer: Offer) -> list[str]:
        """Why the automatic search would not take a release; products add their reasons."""
        return []

    def command_body(self, body: Row) -> Row:
        """A posted command's body as the product keeps it."""
        return body

    # parts of payloads that both products share

    def hook_client(self, download: str) -> Row:
        """The download client in a webhook."""
        return {"downloadClient": self.client_name, "downloadClientType": "qBittorrent", "downloadId": download}

    @staticmethod
    def hook_formats() -> Row:
        """The custom formats in a webhook: none."""
        return {"customFormatInfo": {"customFormats": [], "customFormatScore": 0}}

    @staticmethod
    def hook_release(grab: Row) -> Row:
        """The release in a Grab webhook."""
        row: Row = {"quality": grab["quality"]["quality"]["name"], "qualityVersion": 1, "releaseGroup": grab["group"]}
        row |= {"releaseTitle": grab["name"], "indexer": "lab", "size": grab["size"], "customFormatScore": 0}
        return {**row, "customFormats": [], "languages": grab["languages"], "indexerFlags": []}

    def grab_data(self, grab: Row) -> Row:
        """How the data of a grabbed row of the history begins."""
        hours = (moment(grab["added"]) - moment(grab["published"])).total_seconds() / 3600
        data: Row = {"indexer": "lab", "nzbInfoUrl": None, "releaseGroup": grab["group"]}
        data |= {"age": str(int(hours // 24)), "ageHours": str(hours), "ageMinutes": str(hours * 60)}
        data |= {"publishedDate": grab["published"], "downloadClient": "qBittorrent"}
        data |= {"downloadClientName": self.client_name, "size": str(grab["size"])}
        return {**data, "downloadUrl": grab["guid"], "guid": grab["guid"]}

    # what a product adds

    @abstractmethod
    def configuration(self) -> dict[str, Row]:
        """What its config pages say beyond the shared part: downloadclient, mediamanagement, naming."""

    @abstractmethod
    def quality_table(self) -> Qualities:
        """Its qualities."""

    @abstractmethod
    def routes(self, router: Router) -> None:
        """Serve what only this product has."""

    @abstractmethod
    def specs(self) -> Iterable[Spec]:
        """Its commands."""

    @abstractmethod
    def test_payload(self) -> Row:
        """The body of a webhook's test event."""

    @abstractmethod
    def notification_flags(self) -> tuple[str, ...]:
        """The events a notification may want, without "on"."""

    @abstractmethod
    async def adopt_library(self) -> None:
        """Take in what lies in the root folder already."""

    @abstractmethod
    def brief(self, item: Row) -> Row:
        """An item as it is embedded in other resources."""

    @abstractmethod
    def embed(self, row: Row, request: Request) -> Row:
        """A queue or history row with the item and episode that the request asks to include."""

    @abstractmethod
    def queue_parts(self, grab: Row | None) -> list[tuple[Row, Row]]:
        """What comes before and after the shared fields of a download's rows; one pair per row."""

    @abstractmethod
    def blocklist_head(self, row: Row) -> Row:
        """The fields of a blocklist row that name the item."""

    @abstractmethod
    def candidate_parts(self, grab: Row | None) -> tuple[Row, Row]:
        """What a candidate of manual import says of its item, and what follows; the first is empty when unknown."""

    @abstractmethod
    def grab_echo(self, body: Row) -> Row:
        """What POST release answers."""

    @abstractmethod
    def record_grab(self, grab: Row, source: str) -> None:
        """Write a grab into the history."""

    @abstractmethod
    def announce_grab(self, grab: Row) -> None:
        """Tell webhooks and listeners of a grab."""

    @abstractmethod
    def record_failure(self, grab: Row, message: str) -> None:
        """Write a failed download into the history."""

    @abstractmethod
    def search_again(self, grab: Row) -> None:
        """Search anew for what a failed download was to bring."""

    @abstractmethod
    def mismatch(self, grab: Row) -> str:
        """Why an overridden grab is not imported by itself."""

    @abstractmethod
    def ask_person(self, grab: Row, torrent: Row) -> None:
        """Tell webhooks that an import waits for a person."""

    @abstractmethod
    async def import_file(self, grab: Row, source: Path) -> None:
        """Bring a finished file into the library."""
