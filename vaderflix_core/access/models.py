"""Accounts, and what they may do."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Permission(StrEnum):
    """One thing an account may do. Every route names the one it needs."""

    BROWSE = "browse"
    PLAY = "play"
    REQUEST = "request"
    AUTO_APPROVE = "request.auto_approve"
    MANAGE_REQUESTS = "requests.manage"
    MANAGE_USERS = "users.manage"
    DASHBOARD = "dashboard"
    MANAGE_DOWNLOADS = "downloads.manage"
    CONTAINERS = "containers.view"
    SETTINGS = "settings"


ROLES: dict[str, frozenset[Permission]] = {
    "viewer": frozenset({Permission.BROWSE, Permission.PLAY}),
    "requester": frozenset({Permission.BROWSE, Permission.PLAY, Permission.REQUEST}),
    "admin": frozenset(Permission),
}


class User(Struct, frozen=True, kw_only=True):
    """A person with an account."""

    id: int
    username: str
    display_name: str
    email: str | None
    role: str
    disabled: bool
    time_zone: str | None
    created_at: datetime
    last_seen_at: datetime | None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role allows; nothing for a disabled account or an unknown role."""
        return frozenset() if self.disabled else ROLES.get(self.role, frozenset())

    def may(self, permission: Permission | str) -> bool:
        """Whether the account has a permission."""
        return permission in self.permissions
