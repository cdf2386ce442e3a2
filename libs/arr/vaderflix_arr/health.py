"""A service's own health rows, and what we see of its root folders, as reports with stable codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vaderflix_core.api import HealthReport, Severity

from .wire import DiskSpace, HealthRow, RootFolder

GIB = 2**30
SEVERITIES = {
    "ok": Severity.OK,
    "notice": Severity.NOTICE,
    "warning": Severity.WARNING,
    "error": Severity.ERROR,
}
ORDER = list(Severity)


def service_reports(rows: Iterable[HealthRow]) -> list[HealthReport]:
    """One report per source: two rows of one source are one trouble, so that an incident opens once."""
    sources: dict[str, list[HealthRow]] = {}
    for row in rows:
        if row.type.lower() != "ok":
            sources.setdefault(row.source, []).append(row)
    return [_service_report(source, found) for source, found in sources.items()]


def _service_report(source: str, rows: Sequence[HealthRow]) -> HealthReport:
    url = next((row.wiki_url for row in rows if row.wiki_url and row.wiki_url.startswith("https://")), None)
    return HealthReport(
        severity=max((SEVERITIES.get(row.type.lower(), Severity.WARNING) for row in rows), key=ORDER.index),
        code=re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", source).lower() or "unnamed",
        message="; ".join(dict.fromkeys(row.message for row in rows)),
        help_url=url,
    )


def folder_reports(folders: Iterable[RootFolder], disks: Sequence[DiskSpace]) -> list[HealthReport]:
    """Root folders that cannot be reached, and disks of root folders that are nearly full."""
    reports = []
    for folder in folders:
        if not folder.accessible:
            reports.append(
                HealthReport(
                    severity=Severity.ERROR,
                    code=f"root_folder_inaccessible:{folder.path}",
                    message=f"The service cannot reach its root folder {folder.path}.",
                )
            )
        elif folder.free_space is not None:
            reports += _space(folder.path, folder.free_space, folder.total_space or _total(folder.path, disks))
    return reports


def _total(path: str, disks: Sequence[DiskSpace]) -> int | None:
    """The size of the disk that holds a path: the row with the longest path above it."""
    above = [d for d in disks if path.startswith(d.path.rstrip("/\\") + "/") or path == d.path]
    return max(above, key=lambda d: len(d.path)).total_space or None if above else None


def _space(path: str, free: int, total: int | None) -> list[HealthReport]:
    share = free / total if total else 1.0
    if free < 2 * GIB or share < 0.01:
        severity = Severity.ERROR
    elif (free < 20 * GIB and (total is None or share < 0.1)) or (share < 0.05 and free < 200 * GIB):
        severity = Severity.WARNING
    else:
        return []
    metrics = {"free_bytes": float(free)}
    if total:
        metrics |= {"total_bytes": float(total), "free_percent": round(100 * share, 2)}
    return [
        HealthReport(
            severity=severity,
            code=f"disk_low:{path}",
            message=f"The disk of {path} has {free / GIB:.1f} GB left.",
            metrics=metrics,
        )
    ]
