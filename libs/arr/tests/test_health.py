"""Health rows and root folders as reports whose codes stay the same for the same trouble."""

from pathlib import Path

import msgspec
import pytest

from vaderflix_arr.health import folder_reports, service_reports
from vaderflix_arr.replay import recording
from vaderflix_arr.wire import DiskSpace, HealthRow, RootFolder
from vaderflix_core.api import Severity

DATA = Path(__file__).parent / "data"
GIB = 2**30


def rows(file: str) -> list[HealthRow]:
    return msgspec.convert(recording(DATA / f"{file}.json")["response"], list[HealthRow])


def test_each_row_keeps_its_severity_its_words_and_its_help() -> None:
    found = {r.code: r for r in service_reports(rows("sonarr/health-after-setup"))}
    assert set(found) == {"indexer_rss_check", "download_client_check", "indexer_search_check"}
    assert found["indexer_rss_check"].severity is Severity.ERROR
    assert found["download_client_check"].severity is Severity.WARNING
    assert found["download_client_check"].message == "No download client is available"
    assert (found["download_client_check"].help_url or "").startswith("https://wiki.servarr.com/sonarr/")


def test_all_well_is_an_empty_list() -> None:
    assert service_reports(rows("sonarr/health-restored")) == []
    assert service_reports([HealthRow(source="X", type="ok", message="fine")]) == []


def test_two_rows_of_one_source_are_one_trouble() -> None:
    found = service_reports(
        [
            HealthRow(source="IndexerStatusCheck", type="warning", message="a"),
            HealthRow(source="IndexerStatusCheck", type="error", message="b"),
        ]
    )
    assert [(r.code, r.severity, r.message) for r in found] == [("indexer_status_check", Severity.ERROR, "a; b")]


def test_a_severity_we_do_not_know_is_a_warning() -> None:
    assert service_reports([HealthRow(source="NewCheck", type="dire", message="x")])[0].severity is Severity.WARNING


def test_a_root_folder_that_cannot_be_reached_is_an_error() -> None:
    found = folder_reports([RootFolder(path="/tv", accessible=False, free_space=None)], [])
    assert [(r.severity, r.code) for r in found] == [(Severity.ERROR, "root_folder_inaccessible:/tv")]


@pytest.mark.parametrize(
    ("free", "total", "severity"),
    [
        (82 * GIB, 270 * GIB, None),
        (1 * GIB, 270 * GIB, Severity.ERROR),
        (12 * GIB, 270 * GIB, Severity.WARNING),
        (90 * GIB, 4000 * GIB, Severity.WARNING),
        (500 * GIB, 16000 * GIB, None),
        (15 * GIB, None, Severity.WARNING),
        (900 * GIB, None, None),
    ],
)
def test_a_disk_is_reported_before_it_is_full(free: int, total: int | None, severity: Severity | None) -> None:
    found = folder_reports([RootFolder(path="/tv", free_space=free, total_space=total)], [])
    assert [r.severity for r in found] == ([severity] if severity else [])


def test_the_size_of_a_folders_disk_comes_from_the_nearest_mount() -> None:
    disks = [DiskSpace(path="/", total_space=10 * GIB), DiskSpace(path="/data", total_space=1000 * GIB)]
    found = folder_reports([RootFolder(path="/data/tv", free_space=8 * GIB)], disks)
    assert found[0].metrics == {"free_bytes": 8 * GIB, "total_bytes": 1000 * GIB, "free_percent": 0.8}
