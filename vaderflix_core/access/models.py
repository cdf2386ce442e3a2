"""Accounts, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Permission(StrEnum):
    """One thing an account may do. Every route names the one it needs."""

    BROWSE = "browse"
    PLAY = "play"
    REQUEST = "request"  # follows from the right to request films or series
    REQUEST_MOVIE = "request.movie"
    REQUEST_SERIES = "request.series"
    AUTO_APPROVE_MOVIE = "request.auto_approve.movie"
    AUTO_APPROVE_SERIES = "request.auto_approve.series"
    REQUEST_4K_MOVIE = "request.4k.movie"
    REQUEST_4K_SERIES = "request.4k.series"
    AUTO_APPROVE_4K_MOVIE = "request.auto_approve.4k.movie"
    AUTO_APPROVE_4K_SERIES = "request.auto_approve.4k.series"
    VIEW_REQUESTS = "requests.view"
    MANAGE_REQUESTS = "requests.manage"
    REPORT_PROBLEMS = "problems.report"
    VIEW_PROBLEMS = "problems.view"
    MANAGE_PROBLEMS = "problems.manage"
    INVITE = "users.invite"
    MANAGE_USERS = "users.manage"
    ACTIVITY = "activity.view"
    DASHBOARD = "dashboard"
    MANAGE_DOWNLOADS = "downloads.manage"
    CONTAINERS = "containers.view"
    RESTART_CONTAINERS = "containers.restart"
    VIEW_LOGS = "logs.view"
    SETTINGS = "settings"


# what one permission brings along
IMPLIED: dict[Permission, frozenset[Permission]] = {
    Permission.REQUEST_MOVIE: frozenset({Permission.REQUEST}),
    Permission.REQUEST_SERIES: frozenset({Permission.REQUEST}),
    Permission.REQUEST_4K_MOVIE: frozenset({Permission.REQUEST}),
    Permission.REQUEST_4K_SERIES: frozenset({Permission.REQUEST}),
    Permission.MANAGE_REQUESTS: frozenset({Permission.VIEW_REQUESTS}),
    Permission.RESTART_CONTAINERS: frozenset({Permission.CONTAINERS}),
    Permission.VIEW_LOGS: frozenset({Permission.CONTAINERS}),
    Permission.MANAGE_PROBLEMS: frozenset({Permission.VIEW_PROBLEMS}),
    Permission.MANAGE_USERS: frozenset({Permission.INVITE}),
}

ADMIN = "admin"
VIEWER = frozenset({Permission.BROWSE, Permission.PLAY, Permission.REPORT_PROBLEMS})
ROLES: dict[str, frozenset[Permission]] = {
    "viewer": VIEWER,
    "requester": VIEWER | {Permission.REQUEST_MOVIE, Permission.REQUEST_SERIES},
    ADMIN: frozenset(Permission),
}


def effective(
    role: str, role_permissions: Iterable[str] | None, granted: Iterable[str], withheld: Iterable[str]
) -> frozenset[Permission]:
    """The permissions of an account: its role's, plus those granted, minus those withheld, with what they bring along.

    An admin has all of them, those of later versions too. Names that no longer exist are dropped.
    """
    if role == ADMIN:
        return frozenset(Permission)
    known = set(Permission)
    return whole(Permission(p) for p in (set(role_permissions or ()) | set(granted)) - set(withheld) if p in known)


def whole(permissions: Iterable[Permission]) -> frozenset[Permission]:
    """Permissions with what they bring along."""
    direct = frozenset(permissions)
    return direct.union(*(IMPLIED.get(p, frozenset()) for p in direct))


class User(Struct, frozen=True, kw_only=True):
    """A person with an account."""

    id: int
    username: str
    display_name: str
    email: str | None
    role: str
    disabled: bool
    time_zone: str | None
    granted: tuple[str, ...]
    withheld: tuple[str, ...]
    muted: tuple[str, ...]  # kinds of news that are not wanted (`notify/wishes.py`)
    rights: frozenset[Permission]  # what it may do while it is open
    permissions: frozenset[Permission]  # what it may do now: nothing while it is disabled
    created_at: datetime
    last_seen_at: datetime | None

    def may(self, permission: Permission | str) -> bool:
        """Whether the account has a permission."""
        return permission in self.permissions


class PasswordProof(Struct, frozen=True, kw_only=True):
    """That somebody knew a password: whose it is, and which one, as it is worth nothing once there is another."""

    user: User
    password: bytes  # a hash of what is kept of it


class Role(Struct, frozen=True, kw_only=True):
    """A named set of permissions. `builtin` ones cannot be removed, and `admin` cannot be changed."""

    name: str
    title: str
    permissions: frozenset[Permission]
    builtin: bool
