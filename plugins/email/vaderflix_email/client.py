"""One conversation with a mail server; whatever goes wrong comes out as one of `vaderflix_core.api`'s errors."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.message import EmailMessage

import aiosmtplib

from vaderflix_core.api import AuthFailed, Cause, Instance, Rejected, ServiceError, Unavailable, WrongService

from .settings import EmailSettings

TIMEOUT = 15.0  # seconds, for connecting and for every answer up to the mail itself
# a server may look into a mail before it answers (RFC 5321 4.5.3.2.6 gives it ten minutes); who goes earlier does not
# know that it was taken, and sends it again
TAKING = 150.0
# RFC 4954: 530 authentication required, 534 mechanism too weak, 535 credentials invalid, 538 encryption required
AUTH_CODES = frozenset({530, 534, 535, 538})
CLOSING = 421  # RFC 5321: the answer to any command when the server ends the conversation
REDACTED = "***"


class Conversation:
    """An open connection, signed in where the settings say so."""

    def __init__(self, smtp: aiosmtplib.SMTP, settings: EmailSettings, banner: str) -> None:
        self._smtp = smtp
        self._settings = settings
        self.banner = banner

    async def hand_over(self, message: EmailMessage, sender: str, recipient: str) -> str:
        """Give one mail to the server; returns its words. Raises `Rejected` when this recipient or mail is refused."""
        with explained(self._settings):
            _, said = await self._smtp.send_message(message, sender=sender, recipients=[recipient], timeout=TAKING)
        return _plain(said)


@asynccontextmanager
async def conversation(instance: Instance[EmailSettings], *, sign_in: bool = True) -> AsyncIterator[Conversation]:
    """Connect, encrypt and sign in as the settings say; quit at the end."""
    settings = instance.settings
    smtp = aiosmtplib.SMTP(
        # beside a socket, the name is only what a certificate is checked for, with both kinds of TLS
        hostname=settings.host,
        sock=await instance.connect(settings.host, settings.port, timeout=TIMEOUT),
        use_tls=settings.security == "tls",
        start_tls=settings.security == "starttls",
        validate_certs=settings.verify_tls,
        # the sender's domain is no secret to the server, the name of this machine would be news to it
        local_hostname=_greeting_name(settings),
        timeout=TIMEOUT,
    )
    try:
        with explained(settings):
            banner = (await smtp.connect()).message
            if sign_in and settings.username:
                await smtp.login(settings.username, settings.password.reveal())
            elif smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        yield Conversation(smtp, settings, _plain(banner))
        try:
            await smtp.quit()
        except (aiosmtplib.SMTPException, OSError):
            pass  # the mail is handed over; a server that does not say goodbye changes nothing
    finally:
        smtp.close()


@contextmanager
def explained(settings: EmailSettings) -> Iterator[None]:
    """Turn the library's exceptions into ours. The password never shows up in what a server repeats."""
    try:
        yield
    except ServiceError:
        raise
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise _translate(error, settings) from None


def _translate(error: BaseException, settings: EmailSettings) -> ServiceError:
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return _translate(error.recipients[0], settings)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _answered(error, where, settings)
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLError):
            return Unavailable(f"{where}: {_tls_words(cause, settings)}", cause=Cause.TLS)
    if isinstance(error, (aiosmtplib.SMTPTimeoutError, TimeoutError)):
        return Unavailable(
            f"{where} did not answer in time. Check the port, and whether it wants TLS from the start.",
            cause=Cause.TIMEOUT,
        )
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return Rejected(f"{where} takes plain addresses only, without accents or umlauts.")
    if isinstance(error, ValueError):
        return Rejected(f"This cannot be sent by mail ({_plain(str(error), settings)}).")
    if isinstance(error, (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError, OSError)):
        return Unavailable(f"{where}: the connection ended in the middle of an answer.", cause=Cause.BROKEN)
    text = _plain(str(error), settings)
    if "AUTH" in text or "authentication" in text:
        return WrongService(
            f"{where} takes no user name and password this way. Choose encryption, or leave the user name empty."
        )
    if "STARTTLS" in text:
        return WrongService(f"{where} offers no STARTTLS. Choose another encryption, or the server's other port.")
    return WrongService(f"{where} does not answer like a mail server ({text}).")


def _answered(error: aiosmtplib.SMTPResponseException, where: str, settings: EmailSettings) -> ServiceError:
    code, said = error.code, _plain(error.message, settings)
    if code < 400:
        return WrongService(f"{where} does not answer like a mail server ({said}).")
    if code in AUTH_CODES or (isinstance(error, aiosmtplib.SMTPAuthenticationError) and code >= 500):
        return AuthFailed(f"{where} refused the user name or password. It says: {code} {said}")
    if code < 500 and code != CLOSING and isinstance(error, aiosmtplib.SMTPRecipientRefused):
        return Unavailable(f"{where} cannot take mail for them now. It says: {code} {said}", cause=Cause.PUT_OFF)
    if code < 500:
        return Unavailable(f"{where} cannot take mail now. It says: {code} {said}", cause=Cause.SERVER_ERROR)
    if isinstance(error, aiosmtplib.SMTPConnectResponseError):
        return Unavailable(f"{where} talks to nobody now. It says: {code} {said}", cause=Cause.SERVER_ERROR)
    if isinstance(error, aiosmtplib.SMTPRecipientRefused):
        return Rejected(f"{where} refused the recipient. It says: {code} {said}", status=code)
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return Rejected(f"{where} refused the sender. It says: {code} {said}", status=code, field="from_address")
    return Rejected(f"{where} refused. It says: {code} {said}", status=code)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _tls_words(error: ssl.SSLError, settings: EmailSettings) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate cannot be trusted ({error.verify_message})."
    if "WRONG_VERSION_NUMBER" in str(error) and settings.security == "tls":
        return "it does not begin with TLS. Choose STARTTLS, or the server's other port."
    return f"the TLS handshake failed ({error.reason or error})."


def _plain(text: str, settings: EmailSettings | None = None) -> str:
    """A server's words on one line of at most 300 characters."""
    if settings is not None and settings.password:
        text = text.replace(settings.password.reveal(), REDACTED)
    return " ".join(text.split())[:300]


def _greeting_name(settings: EmailSettings) -> str:
    domain = settings.from_address.rpartition("@")[2]
    return domain if domain.isascii() else "[127.0.0.1]"
