"""How far a title is: each reading as it was recorded from the live services."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from vaderflix_arr.progress import Title, progress
from vaderflix_arr.replay import recording
from vaderflix_arr.transfers import seconds
from vaderflix_arr.wire import Command, HealthRow, HistoryRecord, QueueRecord
from vaderflix_core.api import Progress, Reason, Stage

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
FILM = Title(wanted=1, held=0, film=True)
SEASON = Title(wanted=4, held=0, film=False)


def response(file: str) -> Any:
    body = recording(DATA / f"{file}.json")["response"]
    return body["records"] if isinstance(body, dict) and "records" in body else body


def queue(file: str, **only: int) -> list[QueueRecord]:
    rows = msgspec.convert(response(file), list[QueueRecord], strict=False)
    return [r for r in rows if all(getattr(r, name) == value for name, value in only.items())]


def frames(file: str) -> list[list[QueueRecord]]:
    return [
        msgspec.convert(f["queue"]["records"], list[QueueRecord], strict=False)
        for f in recording(DATA / f"{file}.json")
    ]


def history(file: str) -> list[HistoryRecord]:
    return msgspec.convert(response(file), list[HistoryRecord], strict=False)


def health(file: str) -> list[HealthRow]:
    return msgspec.convert(response(file), list[HealthRow])


def read(title: Title = FILM, **given: Any) -> Progress:
    empty: dict[str, Any] = {"queue": [], "history": [], "health": [], "searches": [], "absent_since": None, "now": NOW}
    return progress(title, **{**empty, **given})


def search(
    at: datetime, status: str = "completed", message: str = "Completed search for 1 movies. 0 reports downloaded."
):
    return Command(name="MoviesSearch", status=status, ended=at if status == "completed" else None, message=message)


def test_a_film_goes_from_download_to_import_without_false_alarms() -> None:
    now = datetime(2026, 11, 23, 0, 45, 10, tzinfo=UTC)
    found = [read(queue=rows, now=now) for rows in frames("radarr/queue-frames-download-to-import") if rows]
    assert [p.stage for p in found] == [Stage.DOWNLOADING] * 5 + [Stage.IMPORTING]
    assert [p.reason for p in found] == [None] * 6
    percents = [p.percent for p in found]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert found[1].eta_seconds == 127
    assert {p.download_ids for p in found} == {("e4eddcd3227173881d412d03fd27af77582ec69a",)}


def test_a_season_pack_counts_once_however_many_episodes_it_holds() -> None:
    found = [read(SEASON, queue=rows) for rows in frames("sonarr/queue-frames-season-pack-download-to-import") if rows]
    assert {p.size for p in found} == {193457564}
    assert found[1].left == 177614236
    assert {len(p.download_ids) for p in found} == {1}


def test_an_import_needs_a_file_or_a_history_entry_an_empty_queue_is_neither() -> None:
    assert read().stage is Stage.SEARCHING
    assert read(Title(wanted=1, held=1, film=True)).stage is Stage.IMPORTED
    assert read(history=history("radarr/history-movie")).stage is Stage.IMPORTED
    assert read(history=history("radarr/history-movie-after-upgrade")).stage is Stage.IMPORTED


def test_a_file_deleted_after_its_import_is_not_there() -> None:
    rows = history("radarr/history-movie")
    gone = HistoryRecord(id=9, movie_id=2, date=NOW, event_type="movieFileDeleted", data={"reason": "MissingFromDisk"})
    assert read(history=[*rows, gone]).stage is Stage.SEARCHING


@pytest.mark.parametrize(
    ("file", "only", "words"),
    [
        ("radarr/queue-import-blocked-executable", {"movie_id": 4}, "Caution: Found executable file"),
        ("radarr/queue-import-blocked-matched-by-id", {"movie_id": 4}, "Caution: Found executable file"),
        ("sonarr/queue-import-blocked-and-stalled", {"episode_id": 25}, "Caution: Found executable file"),
    ],
)
def test_completed_with_a_warning_is_blocked_whatever_the_state_is_called(file: str, only: Any, words: str) -> None:
    found = read(queue=queue(file, **only))
    assert (found.stage, found.reason) == (Stage.IMPORTING, Reason.IMPORT_BLOCKED)
    assert words in found.evidence


def test_a_path_the_service_cannot_see_is_a_path_mismatch() -> None:
    row = QueueRecord(
        id=1,
        movie_id=1,
        size=10,
        status="completed",
        tracked_download_status="warning",
        tracked_download_state="importPending",
        download_id="AB",
        error_message="/downloads/x is not a valid local path. You may need a Remote Path Mapping",
    )
    assert read(queue=[row]).reason is Reason.PATH_MISMATCH


def test_a_full_disk_is_named_before_the_block_it_causes() -> None:
    row = QueueRecord(
        id=1,
        size=10,
        status="completed",
        tracked_download_status="warning",
        download_id="AB",
        error_message="Import failed, no space left on device",
    )
    assert read(queue=[row]).reason is Reason.DISK_FULL


def test_stalled_is_said_only_after_it_lasts() -> None:
    rows = queue("radarr/queue-details-stalled")
    added = rows[0].added
    assert added is not None
    assert read(queue=rows, now=added + timedelta(seconds=20)).reason is None
    found = read(queue=rows, now=added + timedelta(minutes=6))
    assert (found.stage, found.reason) == (Stage.DOWNLOADING, Reason.STALLED)
    assert "stalled" in found.evidence


def test_paused_by_hand_is_paused_with_its_figures() -> None:
    found = read(queue=queue("radarr/queue-details-paused-by-hand"))
    assert (found.stage, found.reason) == (Stage.DOWNLOADING, Reason.PAUSED)
    assert found.percent == pytest.approx(5.1)


def test_one_halted_download_does_not_hide_that_another_moves() -> None:
    halted = queue("radarr/queue-details-paused-by-hand")
    moving = frames("radarr/queue-frames-download-to-import")[2]
    assert read(queue=[*halted, *moving]).reason is None


def test_an_empty_queue_while_the_downloader_is_down_means_the_downloader_is_down() -> None:
    down = health("radarr/health-download-client-down")
    grabbed = history("radarr/history-movie-after-torrent-removed-by-hand")
    found = read(history=grabbed, health=down, absent_since=NOW - timedelta(hours=1))
    assert (found.stage, found.reason) == (Stage.DOWNLOADING, Reason.DOWNLOADER_DOWN)
    assert "Connection refused" in found.evidence
    assert read(health=down).reason is Reason.DOWNLOADER_DOWN


def test_removed_by_hand_is_said_when_the_downloader_is_healthy_and_the_absence_lasts() -> None:
    grabbed = history("radarr/history-movie-after-torrent-removed-by-hand")
    found = read(history=grabbed, absent_since=NOW - timedelta(minutes=2))
    assert (found.stage, found.reason) == (Stage.SEARCHING, Reason.REMOVED_BY_HAND)
    assert "The.General.1926.720p.WEB.H264-LAB" in found.evidence
    for given in ({"absent_since": None}, {"absent_since": NOW - timedelta(seconds=30)}):
        assert read(history=grabbed, **given).reason is None
    fresh = grabbed[0].date + timedelta(minutes=1)
    assert read(history=grabbed, absent_since=fresh - timedelta(hours=1), now=fresh).reason is None


def test_not_released_is_said_before_no_release() -> None:
    title = Title(wanted=1, held=0, film=True, released=False, searched_at=NOW - timedelta(hours=1))
    assert read(title).reason is Reason.NOT_RELEASED


def test_no_release_needs_a_completed_search_that_led_to_no_grab() -> None:
    found = read(searches=[search(NOW - timedelta(minutes=2))])
    assert found.reason is Reason.NO_RELEASE
    assert "0 reports downloaded" in found.evidence
    assert read(Title(wanted=1, held=0, film=True, searched_at=NOW - timedelta(days=1))).reason is Reason.NO_RELEASE
    assert read(searches=[search(NOW, "started")]).reason is None
    assert read(searches=[search(NOW - timedelta(minutes=9)), search(NOW, "queued")]).reason is None
    assert read(searches=[search(NOW - timedelta(seconds=2))]).reason is None
    assert read().reason is None


def test_missing_indexers_are_the_evidence_when_nothing_is_found() -> None:
    rows = health("sonarr/health-after-setup")
    without_client = [row for row in rows if row.source != "DownloadClientCheck"]
    found = read(Title(wanted=1, held=0, film=True, searched_at=NOW - timedelta(days=1)), health=without_client)
    assert "Automatic Search" in found.evidence


def test_a_failed_download_goes_back_to_searching_with_the_services_words() -> None:
    rows = [
        HistoryRecord(id=1, movie_id=6, date=NOW - timedelta(hours=2), event_type="grabbed", download_id="AA"),
        HistoryRecord(
            id=2,
            movie_id=6,
            date=NOW - timedelta(hours=1),
            event_type="downloadFailed",
            download_id="AA",
            data={"message": "Manually marked as failed"},
        ),
    ]
    found = read(history=rows, absent_since=NOW - timedelta(hours=1))
    assert (found.stage, found.reason, found.evidence) == (Stage.SEARCHING, None, "Manually marked as failed")


def test_an_import_under_another_hash_ends_the_grab_of_a_hybrid_torrent() -> None:
    rows = [
        HistoryRecord(id=1, episode_id=5, date=NOW - timedelta(hours=2), event_type="grabbed", download_id="V1"),
        HistoryRecord(
            id=2, episode_id=5, date=NOW - timedelta(hours=1), event_type="downloadFolderImported", download_id="V2"
        ),
    ]
    found = read(SEASON, history=rows, absent_since=NOW - timedelta(hours=1))
    assert found.reason is None


def test_some_episodes_with_files_are_partly_there_with_the_download_of_the_rest() -> None:
    rows = queue("sonarr/queue-paged-size-1")
    found = read(Title(wanted=6, held=2, film=False), queue=rows)
    assert found.stage is Stage.PARTLY
    assert found.download_ids


def test_nothing_aired_yet_is_not_released() -> None:
    assert read(Title(wanted=0, held=0, film=False, released=False)).reason is Reason.NOT_RELEASED


def test_a_found_release_that_waits_for_the_downloader_says_so() -> None:
    waiting = QueueRecord(id=1, movie_id=1, size=10, sizeleft=10, status="downloadClientUnavailable")
    assert read(queue=[waiting]).reason is Reason.DOWNLOADER_DOWN
    delayed = QueueRecord(id=1, movie_id=1, size=10, sizeleft=10, status="delay")
    assert (read(queue=[delayed]).stage, read(queue=[delayed]).reason) == (Stage.SEARCHING, None)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("00:12:33", 753),
        ("1.02:03:04", 93784),
        ("00:00:00.0044975", 0),
        (None, None),
        ("soon", None),
        ("-00:00:01", None),
    ],
)
def test_time_spans_are_read_in_their_own_format(text: str | None, length: int | None) -> None:
    assert seconds(text) == length
