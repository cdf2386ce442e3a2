"""What the domains refuse, in words for people. The web and the API turn each into its answer."""

from __future__ import annotations

from collections.abc import Mapping


class Failure(Exception):
    """Base: `code` is stable for programs, `message` is for people, `status` is HTTP's."""

    code = "failed"
    status = 400

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class NotAllowed(Failure):
    """The account may not do this."""

    code = "not_allowed"
    status = 403


class Missing(Failure):
    """There is no such thing, or it is not the asker's to see."""

    code = "not_found"
    status = 404


class Conflict(Failure):
    """It cannot be done in this state."""

    code = "conflict"
    status = 409


class Invalid(Failure):
    """What was sent does not make sense; `fields` maps each field to what is wrong with it."""

    code = "invalid"
    status = 422

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class TooMany(Failure):
    """Asked too often; good again after `retry_after` seconds."""

    code = "too_many"
    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceFailed(Failure):
    """A service that is needed for this did not do its part; `evidence` holds its own words, for admins only."""

    code = "source_failed"
    status = 502

    def __init__(self, message: str, *, evidence: str = "") -> None:
        super().__init__(message)
        self.evidence = evidence
