"""Which news somebody wants. What is muted is kept with the account; some messages cannot be muted, and say why."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from msgspec import Struct

from ..access.models import Permission, User


class News(StrEnum):
    """One kind of message. The values are what `users.muted` holds and what news jobs carry."""

    ASKED = "asked"
    FAILED = "failed"
    APPROVED = "approved"
    DECLINED = "declined"
    PARTLY = "partly"
    AVAILABLE = "available"
    PROBLEM_REPORTED = "problem_reported"
    PROBLEM_SOLVED = "problem_solved"
    ACCESS_RECEIVED = "access_received"
    NEW_SIGN_IN = "new_sign_in"
    PASSWORD_RESET = "password_reset"
    EMAIL_CHANGE = "email_change"
    LOG_BROKEN = "log_broken"


class Kind(Struct, frozen=True, kw_only=True):
    """How a kind is offered: who gets it at all, and why it cannot be muted, if so."""

    news: News
    needs: Permission | None = None
    always: str = ""
    by_mail: bool = False  # about an account or access: a mail to one person, over no other channel


KINDS = (
    Kind(news=News.AVAILABLE, needs=Permission.REQUEST),
    Kind(news=News.PARTLY, needs=Permission.REQUEST),
    Kind(news=News.APPROVED, needs=Permission.REQUEST),
    Kind(news=News.DECLINED, needs=Permission.REQUEST),
    Kind(news=News.ASKED, needs=Permission.MANAGE_REQUESTS),
    Kind(news=News.FAILED, needs=Permission.MANAGE_REQUESTS),
    Kind(news=News.PROBLEM_SOLVED, needs=Permission.REPORT_PROBLEMS),
    Kind(news=News.PROBLEM_REPORTED, needs=Permission.MANAGE_PROBLEMS),
    Kind(news=News.ACCESS_RECEIVED, needs=Permission.MANAGE_USERS, by_mail=True),
    Kind(news=News.NEW_SIGN_IN, by_mail=True),
    Kind(
        news=News.PASSWORD_RESET,
        always="You ask for it yourself, and without it there is no way back in.",
        by_mail=True,
    ),
    Kind(news=News.EMAIL_CHANGE, always="It proves that the new address is yours.", by_mail=True),
    Kind(
        news=News.LOG_BROKEN,
        needs=Permission.ACTIVITY,
        always="Whoever changes the log must not be able to keep it from you.",
        by_mail=True,
    ),
)
MUTABLE = frozenset(kind.news for kind in KINDS if not kind.always)


def offered(user: User) -> list[Kind]:
    """The kinds that somebody can get."""
    return [kind for kind in KINDS if kind.needs is None or user.may(kind.needs)]


def wants(user: User, what: str) -> bool:
    """Whether somebody wants to hear of this. What cannot be muted is always wanted."""
    return what not in MUTABLE or what not in user.muted


def mutable(names: Collection[str]) -> tuple[str, ...]:
    """Of some names those that can be muted, in one order, to be kept."""
    return tuple(sorted(MUTABLE & set(names)))
