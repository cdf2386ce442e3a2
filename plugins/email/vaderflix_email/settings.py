"""What an admin says about the mail server."""

from __future__ import annotations

from typing import Annotated

from vaderflix_core.api import Secret, Settings, setting

HOST_PATTERN = r"^[^\s/:@\[\]]+$|^[0-9A-Fa-f:.]+$"
# "=?" would begin an encoded word, which may hold line ends
ADDRESS_PATTERN = r"^(?!.*=\?)[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+$"


class EmailSettings(Settings, frozen=True, kw_only=True):
    """One account at one SMTP server."""

    host: Annotated[str, setting("Mail server", pattern=HOST_PATTERN, placeholder="smtp.example.org", leads=True)]
    port: Annotated[
        int, setting("Port", "587 for STARTTLS, 465 for TLS, 25 without encryption.", ge=1, le=65535, leads=True)
    ] = 587
    security: Annotated[
        str,
        setting(
            "Encryption",
            "Without encryption, the password and all mails can be read on the way.",
            pattern="^(starttls|tls|none)$",
            choices={"starttls": "STARTTLS", "tls": "TLS from the start", "none": "None"},
            leads=True,
        ),
    ] = "starttls"
    username: Annotated[str, setting("User name", "Leave empty when the server asks for none.")] = ""
    password: Annotated[Secret, setting("Password", "Some providers want an app password here.")] = Secret("")
    from_address: Annotated[
        str, setting("Sender's address", pattern=ADDRESS_PATTERN, placeholder="vaderflix@example.org")
    ]
    from_name: Annotated[str, setting("Sender's name")] = "Vader Flix"
    verify_tls: Annotated[
        bool,
        setting(
            "Check the certificate", "Off only for a server of your own that made its own.", advanced=True, leads=True
        ),
    ] = True
