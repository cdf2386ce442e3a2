"""What a provider can do whichever service it is for: connection test, choices, disks, pictures, health, snapshots."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from vaderflix_arr import images
from vaderflix_arr.replay import RECORDED_AT, Replay, instance, recording
from vaderflix_arr.service import ArrService
from vaderflix_arr.settings import ArrSettings
from vaderflix_arr.wire import Picture
from vaderflix_core.api import (
    BadAnswer,
    Choice,
    NotFound,
    Rejected,
    Secret,
    Severity,
    Unavailable,
    WrongService,
)

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
JPEG = httpx.Response(200, headers={"Content-Type": "image/jpeg"}, content=b"jpeg")
KEY = "a-secret-key-of-the-service"


class Sonarr(ArrService[ArrSettings]):
    product = "Sonarr"


class Clock:
    def __init__(self) -> None:
        self.now = RECORDED_AT

    def __call__(self):
        return self.now


def service(replay: Replay, clock: Any = None, **settings: Any) -> Sonarr:
    given = ArrSettings(url="http://arr.test/base", api_key=Secret(KEY), **settings)
    return Sonarr(instance(given, replay, clock or Clock()))


def replay(*files: str) -> Replay:
    made = Replay()
    for file in files:
        exchange = recording(DATA / f"{file}.json")
        made.play(exchange, "/base" + exchange["path"])
    return made


async def test_the_connection_test_names_product_and_version() -> None:
    info = await service(replay("sonarr/system-status")).test()
    assert (info.product, info.version, info.detail) == ("Sonarr", "10.0.0.1044", "")


async def test_the_other_product_is_named_not_accepted() -> None:
    with pytest.raises(WrongService, match="Radarr answers there, not Sonarr"):
        await service(replay("radarr/system-status")).test()


@pytest.mark.parametrize(
    "answer", [httpx.Response(404), httpx.Response(200, text="<html>"), httpx.Response(200, json={})]
)
async def test_something_else_at_the_address_is_the_wrong_service(answer: httpx.Response) -> None:
    made = Replay()
    made.on("GET", "/base/api/v3/system/status", answer)
    with pytest.raises(WrongService):
        await service(made).test()


async def test_a_version_too_old_is_refused_with_both_numbers() -> None:
    made = Replay()
    made.on("GET", "/base/api/v3/system/status", {"appName": "Sonarr", "version": "3.0.10.1567"})
    with pytest.raises(WrongService, match=r"3\.0\.10\.1567 is too old; 4 or later"):
        await service(made).test()


async def test_the_form_offers_profiles_and_root_folders_by_name() -> None:
    choices = await service(replay("sonarr/qualityprofile", "sonarr/rootfolder")).choices()
    assert Choice(value="HD-1080p", label="HD-1080p") in choices["quality_profile"]
    assert choices["root_folder"] == [Choice(value="/data/media/tv", label="/data/media/tv")]


async def test_a_profile_is_found_by_name_and_a_root_folder_with_or_without_its_slash() -> None:
    made = replay("sonarr/qualityprofile", "sonarr/rootfolder")
    arr = service(made, quality_profile="hd-1080P", root_folder="/data/media/tv/")
    assert await arr.lists.profile_id() == 4
    assert await arr.lists.root_path() == "/data/media/tv"


async def test_an_unknown_profile_or_folder_names_the_setting_and_the_choices() -> None:
    arr = service(replay("sonarr/qualityprofile", "sonarr/rootfolder"), quality_profile="8K", root_folder="/nowhere")
    with pytest.raises(Rejected, match=r"no quality profile “8K”.*“HD-1080p”") as profile:
        await arr.lists.profile_id()
    assert profile.value.field == "quality_profile"
    with pytest.raises(Rejected, match=r"no root folder “/nowhere”.*“/data/media/tv”") as root:
        await arr.lists.root_path()
    assert root.value.field == "root_folder"


async def test_an_empty_choice_takes_the_first_profile_and_says_so_but_never_guesses_a_folder() -> None:
    made = replay("sonarr/qualityprofile", "sonarr/rootfolder", "sonarr/health-restored", "sonarr/diskspace")
    arr = service(made)
    assert await arr.lists.root_path() == "/data/media/tv"
    assert await arr.lists.profile_id() == 1
    assert [(r.severity, r.code) for r in await arr.check()] == [(Severity.NOTICE, "setting:quality_profile")]
    made.on("GET", "/base/api/v3/rootfolder", [{"path": "/tv"}, {"path": "/anime"}])
    with pytest.raises(Rejected, match=r"more than one root folder.*“/tv”, “/anime”"):
        await service(made).lists.root_path()


async def test_a_missing_tag_is_made_once_since_an_unknown_id_would_be_dropped() -> None:
    made = replay("sonarr/tag-create")
    stored: list[dict[str, Any]] = []
    made.on("GET", "/base/api/v3/tag", lambda _: httpx.Response(200, json=stored))

    def create(request: httpx.Request) -> httpx.Response:
        stored.append({"id": len(stored) + 1, **msgspec.json.decode(request.content)})
        return httpx.Response(201, json=stored[-1])

    made.on("POST", "/base/api/v3/tag", create)
    arr = service(made, tags=("Requested by lab", "requested-by-lab"))
    assert await arr.lists.tag_ids() == [1]
    assert await arr.lists.tag_ids() == [1]
    assert stored == [{"id": 1, "label": "requested-by-lab"}]
    with pytest.raises(Rejected) as refused:
        await service(made, tags=("café",)).lists.tag_ids()
    assert refused.value.field == "tags"


async def test_health_holds_the_services_rows_and_settings_that_no_longer_fit() -> None:
    made = replay(
        "sonarr/health-download-client-down", "sonarr/diskspace", "sonarr/rootfolder", "sonarr/qualityprofile"
    )
    reports = await service(made, quality_profile="Gone").check()
    assert [r.code for r in reports] == ["download_client_check", "setting:quality_profile"]


async def test_root_folders_on_a_dead_mount_do_not_hide_the_rest_of_the_health() -> None:
    made = replay("sonarr/health-download-client-down", "sonarr/diskspace")

    def hang(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    made.on("GET", "/base/api/v3/rootfolder", hang)
    reports = await service(made).check()
    assert [(r.code, r.severity) for r in reports] == [
        ("download_client_check", Severity.ERROR),
        ("root_folders_unread", Severity.WARNING),
    ]


async def test_disks_come_with_free_and_total_bytes() -> None:
    volumes = await service(replay("sonarr/diskspace")).volumes()
    assert [(v.path, v.free, v.total) for v in volumes] == [("/", 82330566656, 270553174016)]


# pictures


def test_only_the_services_own_pictures_are_referred_to() -> None:
    own = "/base/MediaCover/2/poster.jpg?lastWrite=639309918014121298"
    assert images.reference([Picture(cover_type="poster", url=own)], "poster") == own.removeprefix("/base")
    proxied = Picture(cover_type="poster", url="/MediaCoverProxy/140331942ef5/910001-poster.jpg")
    assert images.reference([proxied], "poster") == proxied.url
    for url in (None, "", "https://elsewhere.test/poster.jpg", "/MediaCover/../config.xml"):
        assert (
            images.reference([Picture(cover_type="poster", url=url, remote_url="http://cdn.test/x.jpg")], "poster")
            is None
        )


@pytest.mark.parametrize(
    "ref",
    [
        "http://elsewhere.test/MediaCover/2/poster.jpg",
        "//elsewhere.test/MediaCover/2/poster.jpg",
        "/MediaCover/../../api/v3/system/backup.png",
        "/MediaCover/2/..%2f..%2fconfig.jpg",
        "/MediaCover/2/poster.jpg?apikey=x",
        "/MediaCover/2/poster.jpg\n",
        "/api/v3/config/host",
        "",
    ],
)
async def test_any_other_reference_is_rejected_without_a_call(ref: str) -> None:
    made = Replay()
    with pytest.raises(Rejected):
        await service(made).image(ref, 300)
    assert made.calls == []


async def test_a_picture_is_fetched_with_the_key_in_the_header() -> None:
    made = Replay()
    made.on(
        "GET",
        "/base/MediaCoverProxy/ab12/1-poster.jpg",
        JPEG,
    )
    image = await service(made).image("/MediaCoverProxy/ab12/1-poster.jpg", 300)
    assert (image.content_type, image.data) == ("image/jpeg", b"jpeg")
    assert made.requests[0].headers["X-Api-Key"] == KEY


async def test_a_library_picture_comes_over_the_api_in_the_fitting_size_else_whole() -> None:
    made = Replay()
    made.on("GET", "/base/api/v3/mediacover/2/poster-500.jpg", httpx.Response(404))
    made.on("GET", "/base/api/v3/mediacover/2/poster.jpg", httpx.Response(404))
    made.on(
        "GET",
        "/base/MediaCover/2/poster.jpg",
        JPEG,
    )
    await service(made).image("/MediaCover/2/poster.jpg?lastWrite=1", 300)
    assert [path for _, path in made.calls] == [
        "/base/api/v3/mediacover/2/poster-500.jpg",
        "/base/api/v3/mediacover/2/poster.jpg",
        "/base/MediaCover/2/poster.jpg",
    ]


async def test_a_sign_in_page_or_a_document_is_not_a_picture() -> None:
    made = Replay()
    path = "/base/MediaCoverProxy/ab12/1-poster.jpg"
    made.on("GET", path, httpx.Response(200, headers={"Content-Type": "text/html; charset=utf-8"}, text="<html>"))
    with pytest.raises(NotFound):
        await service(made).image("/MediaCoverProxy/ab12/1-poster.jpg", 300)
    made.on("GET", path, httpx.Response(200, headers={"Content-Type": "image/svg+xml"}, text="<svg/>"))
    with pytest.raises(BadAnswer):
        await service(made).image("/MediaCoverProxy/ab12/1-poster.jpg", 300)


# snapshots


def snapshot_replay(pages: dict[int, list[dict[str, Any]]], total: int) -> Replay:
    made = Replay()

    def queue(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        return httpx.Response(200, json={"page": page, "totalRecords": total, "records": pages.get(page, [])})

    made.on("GET", "/base/api/v3/queue", queue)
    made.on("GET", "/base/api/v3/health", [])
    made.on("GET", "/base/api/v3/command", [])
    return made


async def test_the_queue_is_read_to_its_end_beyond_the_services_ten_rows() -> None:
    made = snapshot_replay({1: [{"id": n} for n in range(1000)], 2: [{"id": 1000}]}, total=1001)
    assert len((await service(made).snapshots.read()).queue) == 1001


async def test_half_a_queue_is_no_answer() -> None:
    with pytest.raises(Unavailable):
        await service(snapshot_replay({1: [{"id": 1}]}, total=9)).snapshots.read()


async def test_all_who_ask_at_a_time_share_one_reading_until_something_changes() -> None:
    made = snapshot_replay({}, total=0)
    clock = Clock()
    arr = service(made, clock)
    for _ in range(3):
        await arr.snapshots.read()
    assert len(made.calls) == 3
    arr.snapshots.forget()
    await arr.snapshots.read()
    assert len(made.calls) == 6
    clock.now += timedelta(seconds=3)
    await arr.snapshots.read()
    assert len(made.calls) == 9


async def test_a_webhook_has_the_next_reading_made_anew() -> None:
    made = snapshot_replay({}, total=0)
    arr = service(made)
    await arr.snapshots.read()
    await arr.webhook({}, b'{"eventType":"Grab"}')
    await arr.snapshots.read()
    assert len(made.calls) == 6


async def test_the_service_is_nudged_politely_and_a_refusal_harms_nothing() -> None:
    made = Replay()
    made.on("POST", "/base/api/v3/command", httpx.Response(500))
    clock = Clock()
    arr = service(made, clock)
    for _ in range(5):
        await arr.snapshots.nudge()
    assert made.sent("POST", "/base/api/v3/command") == [{"name": "RefreshMonitoredDownloads"}]
    clock.now += timedelta(seconds=16)
    await arr.snapshots.nudge()
    assert len(made.calls) == 2


def test_the_key_is_in_no_text_of_a_provider() -> None:
    arr = service(Replay())
    for thing in (arr, arr.settings, arr.client, arr.client.http, arr.lists, arr.instance):
        assert KEY not in repr(thing)
        assert KEY not in str(getattr(thing, "__dict__", ""))
