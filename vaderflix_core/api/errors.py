"""The failures a provider may raise. Each class decides what the core does next; anything else counts as a bug."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why a service could not be used, as fine as an admin needs to mend it."""

    DNS = "dns"
    REFUSED = "refused"
    TLS = "tls"
    TIMEOUT = "timeout"
    BROKEN = "broken"  # the connection ended in the middle of an answer
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    STARTING = "starting"
    PUT_OFF = "put_off"  # this one call, such as a mail to a full mailbox; it serves others


class ServiceError(Exception):
    """Base of all failures of an outside service. `message` is shown to admins and never holds a secret."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unavailable(ServiceError):
    """The service cannot be used now; the core tries again later, after `retry_after` seconds where it said so."""

    def __init__(self, message: str, *, cause: Cause = Cause.SERVER_ERROR, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.cause = cause
        self.retry_after = retry_after


class AuthFailed(ServiceError):
    """The service refused our credentials; the core stops calling and asks the admin."""


class Rejected(ServiceError):
    """The service understood and said no. Final: the same call is not repeated. `field` names the setting to mend."""

    def __init__(self, message: str, *, status: int | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.field = field


class NotFound(Rejected):
    """The service answered that the thing asked for is not there."""


class BadAnswer(ServiceError):
    """The service answered something that its API does not allow: garbage, half a document, another type."""


class WrongService(ServiceError):
    """Something answers at this address, but it is another product, or a version this plugin cannot speak to."""
