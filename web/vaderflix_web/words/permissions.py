"""What each permission lets somebody do, in plain words, in groups."""

from __future__ import annotations

from collections.abc import Collection

from vaderflix_core.access.models import Permission as P

from ..i18n import _

GROUPS: tuple[tuple[str, tuple[tuple[P, str], ...]], ...] = (
    ("Watch", ((P.BROWSE, "See and search the library"), (P.PLAY, "Play films and episodes"))),
    (
        "Request",
        (
            (P.REQUEST_MOVIE, "Request films"),
            (P.REQUEST_SERIES, "Request series"),
            (P.AUTO_APPROVE_MOVIE, "Requested films need no approval"),
            (P.AUTO_APPROVE_SERIES, "Requested series need no approval"),
            (P.REQUEST_4K_MOVIE, "Request films in 4K"),
            (P.REQUEST_4K_SERIES, "Request series in 4K"),
            (P.AUTO_APPROVE_4K_MOVIE, "Films requested in 4K need no approval"),
            (P.AUTO_APPROVE_4K_SERIES, "Series requested in 4K need no approval"),
        ),
    ),
    (
        "Look after requests",
        ((P.VIEW_REQUESTS, "See everybody's requests"), (P.MANAGE_REQUESTS, "Approve and decline requests")),
    ),
    (
        "Problems with titles",
        (
            (P.REPORT_PROBLEMS, "Report problems with titles"),
            (P.VIEW_PROBLEMS, "See everybody's problems"),
            (P.MANAGE_PROBLEMS, "Answer and solve problems"),
        ),
    ),
    (
        "Run the house",
        (
            (P.INVITE, "Invite people"),
            (P.MANAGE_USERS, "Change and close accounts"),
            (P.ACTIVITY, "Read the activity log"),
            (P.DASHBOARD, "See the dashboard"),
            (P.MANAGE_DOWNLOADS, "Pause and remove downloads"),
            (P.CONTAINERS, "See containers"),
            (P.VIEW_LOGS, "Read the logs of containers"),
            (P.RESTART_CONTAINERS, "Restart containers"),
            (P.SETTINGS, "Change services and settings"),
        ),
    ),
)
_WORDS = {permission: words for _title, entries in GROUPS for permission, words in entries}


def permission_words(name: str) -> str:
    """What one permission lets somebody do; its name when it is not of this list."""
    return _(_WORDS[P(name)]) if name in set(P) and P(name) in _WORDS else name


def scope_words(scopes: Collection[str]) -> str:
    """What a key may do, in one line. The right to request follows from its kinds and is not said twice."""
    if set(scopes) >= set(_WORDS):
        return _("Everything")
    return ", ".join(permission_words(name) for name in _WORDS if name in scopes)


def groups_of(given: Collection[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The permissions among those given, in groups: for choosing some of them."""
    found = [(_(title), [(str(p), _(words)) for p, words in entries if p in given]) for title, entries in GROUPS]
    return [(title, entries) for title, entries in found if entries]
