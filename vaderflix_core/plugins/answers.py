"""How a call of a plugin ended, and which exception means what."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct

from ..api.errors import AuthFailed, BadAnswer, Cause, NotFound, Rejected, ServiceError, Unavailable, WrongService
from .limits import OutOfTime, TriedToExit
from .validation import WrongAnswer

T = TypeVar("T")


class Outcome(StrEnum):
    """How a call ended."""

    OK = "ok"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    AUTH_FAILED = "auth_failed"
    REJECTED = "rejected"
    NOT_FOUND = "not_found"
    BAD_ANSWER = "bad_answer"  # of the service, or of the plugin: not what its role declares
    FAILED = "failed"  # a bug of the plugin
    SKIPPED = "skipped"  # not called: the breaker is open


class Answer(Struct, Generic[T], frozen=True, kw_only=True):
    """What came of one call. `value` is set when `ok`; `error` is one line for admins, without secrets."""

    instance: str
    name: str
    outcome: Outcome
    value: T | None = None
    error: str = ""
    seconds: float = 0.0
    cause: Cause | None = None
    field: str | None = None
    trace: str = ""

    @property
    def ok(self) -> bool:
        """Whether the call gave a value."""
        return self.outcome is Outcome.OK


class Verdict(Struct, frozen=True):
    """What one exception means."""

    outcome: Outcome
    error: str = ""
    cause: Cause | None = None
    field: str | None = None
    retry_after: float | None = None
    trace: str = ""


def judge(error: Exception, what: str, clean: Callable[[str], str]) -> Verdict:
    """What an exception of `what` (such as `MediaSource.search`) means; `clean` takes secrets out of its text."""
    if isinstance(error, ServiceError):
        text = clean(error.message)
        if isinstance(error, Unavailable):
            outcome = Outcome.TIMEOUT if error.cause is Cause.TIMEOUT else Outcome.UNAVAILABLE
            return Verdict(outcome, text, cause=error.cause, retry_after=error.retry_after)
        if isinstance(error, AuthFailed):
            return Verdict(Outcome.AUTH_FAILED, text)
        if isinstance(error, Rejected):
            outcome = Outcome.NOT_FOUND if isinstance(error, NotFound) else Outcome.REJECTED
            return Verdict(outcome, text, field=error.field)
        if isinstance(error, (BadAnswer, WrongService)):
            return Verdict(Outcome.BAD_ANSWER, text)
    if isinstance(error, OutOfTime):
        text = f"It did not answer in {error.seconds:g} s."
        if error.ignored_cancel:
            text = f"{text} {what}() ignores that it was cancelled."
        return Verdict(Outcome.TIMEOUT, text, cause=Cause.TIMEOUT)
    trace = clean(plugin_trace(error))
    if isinstance(error, TimeoutError):
        return Verdict(Outcome.TIMEOUT, f"{what}() ran into a time limit of its own", cause=Cause.TIMEOUT, trace=trace)
    if isinstance(error, WrongAnswer):
        return Verdict(Outcome.BAD_ANSWER, clean(f"{what}() returned what its role does not declare: {error}"))
    if isinstance(error, TriedToExit):
        return Verdict(Outcome.FAILED, f"{what}() {error}", trace=trace)
    return Verdict(Outcome.FAILED, clean(f"{what}() raised {type(error).__name__}: {error}"), trace=trace)


def plugin_trace(error: BaseException) -> str:
    """The traceback of an exception, from the first frame that is the plugin's own."""
    own = str(Path(__file__).parent)
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(own):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))
