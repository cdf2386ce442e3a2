"""Why a request does not move, in words: for the viewer who waits, and for the admin who can mend it."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from ..api.models import Reason

# a healthy download passes through "stalled" in its first seconds: alarm only when it lasts
STUCK_AFTER: dict[Reason, timedelta] = {
    Reason.STALLED: timedelta(minutes=2),
    Reason.REMOVED_BY_HAND: timedelta(minutes=1),
    Reason.SERVICE_DOWN: timedelta(seconds=30),
    Reason.NOT_IN_LIBRARY: timedelta(minutes=10),  # a scan takes its time
}


class Words(Struct, frozen=True, kw_only=True):
    """`viewer` says what is going on, `fix` what an admin can do. `stuck`: it needs somebody; else it only waits."""

    viewer: str
    fix: str
    stuck: bool


def N_(text: str) -> str:
    """Mark a text for translation; the page translates it."""
    return text


WORDS: dict[Reason, Words] = {
    Reason.NOT_RELEASED: Words(
        viewer=N_("It is not out yet. We look again when it is."), fix=N_("Nothing to do."), stuck=False
    ),
    Reason.NO_RELEASE: Words(
        viewer=N_("No good copy was found yet. We go on looking."),
        fix=N_("Search again, or choose a copy by hand in the service."),
        stuck=False,
    ),
    Reason.STALLED: Words(
        viewer=N_("Nobody is sharing it at the moment. It goes on by itself when somebody does."),
        fix=N_("Wait, or remove the download in the service and block the release, so that another one is taken."),
        stuck=True,
    ),
    Reason.PAUSED: Words(viewer=N_("The download is paused."), fix=N_("Resume it under Downloads."), stuck=True),
    Reason.IMPORT_BLOCKED: Words(
        viewer=N_("It is downloaded, but somebody has to look at it before it can be added."),
        fix=N_("Open the queue of the service and import it by hand, or remove it and block the release."),
        stuck=True,
    ),
    Reason.PATH_MISMATCH: Words(
        viewer=N_("It is downloaded, but cannot be added to the library yet."),
        fix=N_("The service does not see the download's folder: set a remote path mapping, or the same mount in both."),
        stuck=True,
    ),
    Reason.DISK_FULL: Words(
        viewer=N_("There is no room for it at the moment."), fix=N_("Make room on the disk named below."), stuck=True
    ),
    Reason.DOWNLOADER_DOWN: Words(
        viewer=N_("Downloading has stopped for the moment. Your request is kept and goes on by itself."),
        fix=N_("Start the download client, and check its address in the service."),
        stuck=True,
    ),
    Reason.SERVICE_DOWN: Words(
        viewer=N_("A part of the house does not answer. Your request is kept and goes on by itself."),
        fix=N_("Start the service named below, or correct its address under Services."),
        stuck=True,
    ),
    Reason.REMOVED_BY_HAND: Words(
        viewer=N_("Its download was taken away. An admin can send it again."),
        fix=N_("The download is gone from the download client, and nothing was imported. Search again in the service."),
        stuck=True,
    ),
    Reason.NOT_IN_LIBRARY: Words(
        viewer=N_("It has been fetched, but the library does not show it yet. An admin can see why."),
        fix=N_("Let the media server scan its libraries, and check that one of them covers the folder it was put in."),
        stuck=True,
    ),
}
