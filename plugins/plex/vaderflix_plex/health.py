"""Connection test and health of a Plex Media Server."""

from __future__ import annotations

from vaderflix_core.api import BadAnswer, HealthReport, NotFound, Rejected, ServiceInfo, Severity, WrongService

from .account import PlexTv
from .client import PlexClient

HELP = "https://support.plex.tv/articles/"


class Health:
    """HealthCheck and Connectable of one server."""

    def __init__(self, client: PlexClient, account: PlexTv) -> None:
        self.client = client
        self.account = account

    async def test(self) -> ServiceInfo:
        """Who answers: asked without the token first, so that a stranger never gets it."""
        try:
            identity = await self.client.identity()
        except (BadAnswer, NotFound) as error:
            raise WrongService(f"{self.client.url} answers, but not as a Plex Media Server does.") from error
        root = await self.client.root()
        sections = await self.client.sections()
        if missing := self.client.missing(await self.client.all_sections()):
            raise Rejected(f"The server has no library called {', '.join(missing)}.", field="sections")
        names = ", ".join(section.title for section in sections)
        return ServiceInfo(
            product="Plex Media Server",
            version=identity.version,
            detail=f"{root.friendly_name}: {names}" if root.friendly_name else names,
        )

    async def check(self) -> list[HealthReport]:
        """What an admin should mend. Raises when the server cannot be asked."""
        await self.client.identity()
        root = await self.client.root()
        sections = await self.client.all_sections()
        reports = []
        if not sections:
            reports.append(
                HealthReport(
                    severity=Severity.ERROR,
                    code="no-libraries",
                    message="Plex shows no film or series library to this token.",
                    help_url=f"{HELP}200288926-creating-libraries/",
                )
            )
        reports += [
            HealthReport(
                severity=Severity.WARNING,
                code=f"library-missing:{name}",
                message=f"Plex has no library called {name}, which the settings choose. Was it renamed?",
                help_url=f"{HELP}200288926-creating-libraries/",
            )
            for name in (self.client.missing(sections) if sections else [])
        ]
        if self.account.refused:
            reports.append(
                HealthReport(
                    severity=Severity.WARNING,
                    code="account-refused",
                    message=f"{self.account.url} refuses the token: nobody is invited, and no share is followed. Enter "
                    "the token of the server's owner. If it is the right one, open Sharing to try it again.",
                    help_url=f"{HELP}204059436-finding-an-authentication-token-x-plex-token/",
                )
            )
        if root.sign_in not in ("", "ok", "none"):
            reports.append(
                HealthReport(
                    severity=Severity.WARNING,
                    code="signed-out",
                    message="Plex has lost its own sign-in: nobody reaches it from outside until its owner signs in.",
                    help_url=f"{HELP}200878643-sign-in-to-your-plex-account/",
                )
            )
        return reports
