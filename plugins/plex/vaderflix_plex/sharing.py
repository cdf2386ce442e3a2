"""Who may see which libraries of the server, as plex.tv keeps it.

Two lists are compared before either is believed: the people with their counts (v1), and the shares with their libraries
(v2, or v1 where v2 is gone). An empty list of libraries would mean *all* to plex.tv, so it is never sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from vaderflix_core.api import BadAnswer, NotFound, Rejected, Share, SharedLibrary, ShareState

from .account import PlexTv, moved
from .client import PlexClient
from .wire import Id


class _Section(Struct, frozen=True, rename="camel"):
    id: int
    title: str = ""
    key: Id = ""  # the server's own id


class _Server(Struct, frozen=True, rename="camel"):
    library_sections: tuple[_Section, ...] = ()


class _Invited(Struct, frozen=True, rename="camel"):
    id: int | None = None
    title: str | None = None
    username: str | None = None
    email: str | None = None


class _Shared(Struct, frozen=True, rename="camel"):
    id: int
    machine_identifier: str
    accepted: bool = False
    invited_id: int | None = None
    invited_email: str | None = None
    invited: _Invited | None = None
    libraries: tuple[_Section, ...] = ()
    all_libraries: bool = False

    def share(self) -> Share:
        """As the core knows it."""
        who = self.invited or _Invited()
        subject = self.invited_id or who.id
        email = who.email or self.invited_email
        return Share(
            id=str(self.id),
            subject=str(subject) if subject else None,
            name=who.username or who.title or email or str(subject or self.id),
            email=email or None,
            state=ShareState.ACCEPTED if self.accepted else ShareState.PENDING,
            libraries=tuple(str(section.id) for section in self.libraries),
            everything=self.all_libraries,
        )


class Shares:
    """The ability `Sharing`."""

    def __init__(self, client: PlexClient, account: PlexTv) -> None:
        self.client = client
        self.account = account

    # -- reading -------------------------------------------------------------------------------------------------

    async def libraries(self) -> list[SharedLibrary]:
        """The server's libraries under the ids that plex.tv gave them, which are not the server's own."""
        return [SharedLibrary(id=str(section.id), title=section.title) for section in await self._sections()]

    async def _sections(self) -> tuple[_Section, ...]:
        machine = await self.client.machine()
        try:
            answer = await self.account.as_owner("GET", f"/api/v2/servers/{machine}")
            found = self.account.owner.decode(answer, _Server).library_sections
        except Rejected as error:
            if not moved(error):
                raise
            document = self.account.document(await self.account.as_owner("GET", f"/api/servers/{machine}", xml=True))
            found = tuple(
                _Section(id=_number(section.get("id")), title=section.get("title", ""), key=section.get("key", ""))
                for section in document.iterfind("./Server/Section")
            )
        if not found:
            raise BadAnswer(f"{self.account.url} lists no library of the server.")
        return found

    async def people(self) -> list[Share]:
        """All shares of this server. Raises `BadAnswer` when the lists do not agree."""
        machine = await self.client.machine()
        expected = await self._expected(machine)
        shares = await self._listed(machine)
        missing = expected - {share.id for share in shares}
        if missing:
            raise BadAnswer(f"{self.account.url} left out {len(missing)} of {len(expected)} shares.")
        return shares

    async def _expected(self, machine: str) -> set[str]:
        """The ids of the shares that the list of people names, once the list is as long as it says."""
        document = self.account.document(await self.account.as_owner("GET", "/api/users", xml=True))
        users = document.findall("./User")
        total = document.get("totalSize")
        if document.tag != "MediaContainer" or total is None or len(users) < _number(total):
            raise BadAnswer(f"{self.account.url} gave {len(users)} of {total or 'an unknown number of'} people.")
        return {
            server.get("id", "")
            for user in users
            if user.get("home") != "1"  # whether members of the owner's home are listed as shares was never seen
            for server in user.iterfind("./Server")
            if server.get("machineIdentifier") == machine
        }

    async def _listed(self, machine: str) -> list[Share]:
        shares: list[Share] = []
        try:
            for path in ("/api/v2/shared_servers/owned/accepted", "/api/v2/shared_servers/invites/owned/pending"):
                answer = await self.account.as_owner("GET", path)
                found = self.account.owner.decode(answer, list[_Shared])
                shares += [one.share() for one in found if one.machine_identifier == machine]
        except Rejected as error:
            if not moved(error):
                raise
            return await self._listed_v1(machine)
        return shares

    async def _listed_v1(self, machine: str) -> list[Share]:
        """The older form: accepted ones with their libraries; of invitations only that they are there."""
        path = f"/api/servers/{machine}/shared_servers"
        document = self.account.document(await self.account.as_owner("GET", path, xml=True))
        shares = [
            Share(
                id=one.get("id", ""),
                subject=one.get("userID") or None,
                name=one.get("username") or one.get("email") or "",
                email=one.get("email") or None,
                state=ShareState.ACCEPTED if one.get("acceptedAt", "1") else ShareState.PENDING,
                libraries=tuple(s.get("id", "") for s in one.iterfind("./Section") if s.get("shared") == "1"),
                everything=one.get("allLibraries") == "1",
            )
            for one in document.iterfind("./SharedServer")
        ]
        known = {share.id for share in shares}
        people = self.account.document(await self.account.as_owner("GET", "/api/users", xml=True))
        for user in people.iterfind("./User"):
            for server in user.iterfind("./Server"):
                ours = server.get("machineIdentifier") == machine and server.get("pending") == "1"
                if ours and server.get("id", "") not in known:
                    shares.append(
                        Share(
                            id=server.get("id", ""),
                            subject=user.get("id"),
                            name=user.get("username") or user.get("title") or "",
                            email=user.get("email") or None,
                            state=ShareState.PENDING,
                            libraries=(),
                            everything=server.get("allLibraries") == "1",
                        )
                    )
        return shares

    # -- changing ------------------------------------------------------------------------------------------------

    async def _wanted(self, libraries: Sequence[str], there: Share | None = None) -> list[int]:
        """The ids to send. What is shared already may be kept, listed or not."""
        if not libraries:
            raise Rejected("Choose a library at least: an empty list would share all of them.", field="libraries")
        known = await self._sections()
        unknown = sorted(set(libraries) - {str(one.id) for one in known} - set(there.libraries if there else ()))
        if unknown:
            # plex.tv's list is short at times: only what the server itself has not is gone
            listed = {str(one.key) for one in known}
            missing = [name for key, name in await self.client.section_names() if key not in listed]
            if missing:
                raise BadAnswer(f"{self.account.url} does not list all libraries now: {', '.join(missing)} is missing.")
            raise Rejected(f"The server has no library with the number {', '.join(unknown)}.", field="libraries")
        return [int(one) for one in dict.fromkeys(libraries)]

    async def invite(self, person: str, libraries: list[str]) -> Share:
        """Share libraries with somebody; what is shared with them already stays."""
        person, ids = person.strip(), await self._wanted(libraries)
        if not person:
            raise Rejected("Say who is to be invited.", field="person")
        there = _find(await self.people(), person)
        if there is not None:
            return await self._add(there, libraries)
        machine = await self.client.machine()
        try:
            await self._invite(machine, person, ids)
        except Rejected as error:
            # 422 says that it is shared already, after all: by another hand, or by an answer that was lost
            there = _find(await self.people(), person) if error.status == 422 else None
            if there is None:
                raise
            return await self._add(there, libraries)
        there = _find(await self.people(), person)
        if there is None:
            raise BadAnswer(f"{self.account.url} took the invitation, but does not list it.")
        return there

    async def _add(self, there: Share, libraries: list[str]) -> Share:
        if there.everything or set(libraries) <= set(there.libraries):
            return there
        return await self.change(there.id, list(dict.fromkeys((*there.libraries, *libraries))))

    async def _invite(self, machine: str, person: str, ids: list[int]) -> None:
        if not person.isdigit():
            asked = {"machineIdentifier": machine, "invitedEmail": person, "librarySectionIds": ids, "settings": {}}
            try:
                await self.account.as_owner("POST", "/api/v2/shared_servers", json=asked)
                return
            except Rejected as error:
                # 404 means that nobody is called so, or that this form is gone: only the older one can tell
                if not moved(error):
                    raise
        who: dict[str, Any] = {"invited_id": int(person)} if person.isdigit() else {"invited_email": person}
        older = {"server_id": machine, "shared_server": {"library_section_ids": ids, **who}, "sharing_settings": {}}
        try:
            await self.account.as_owner("POST", f"/api/servers/{machine}/shared_servers", json=older, xml=True)
        except NotFound as error:
            raise Rejected(f"Plex knows nobody called {person}.", field="person", status=404) from error

    async def change(self, share: str, libraries: list[str]) -> Share:
        """Share these libraries instead; what restricts the person stays as it is."""
        _check(share)
        there = next((one for one in await self.people() if one.id == share), None)
        ids, machine = await self._wanted(libraries, there), await self.client.machine()
        body = {"server_id": machine, "shared_server": {"library_section_ids": ids}}
        try:
            await self.account.as_owner("PUT", f"/api/servers/{machine}/shared_servers/{share}", json=body, xml=True)
        except Rejected as error:
            if not moved(error):
                raise
            newer = {"librarySectionIds": ids}
            await self.account.as_owner("POST", f"/api/v2/shared_servers/{share}", json=newer)
        found = next((one for one in await self.people() if one.id == share), None)
        if found is None:
            raise NotFound("This share is gone.", status=404)
        return found

    async def remove(self, share: str) -> None:
        """End the share of this server only; the person stays a friend, and keeps what other servers share."""
        _check(share)
        machine = await self.client.machine()
        for path in (f"/api/servers/{machine}/shared_servers/{share}", f"/api/v2/shared_servers/{share}"):
            try:
                await self.account.as_owner("DELETE", path)
                break
            except Rejected as error:
                if not moved(error):
                    raise
        # an answer to an action has no body to judge by, and a share that stays must not look removed
        if any(one.id == share for one in await self.people()):
            raise BadAnswer(f"{self.account.url} keeps the share. Remove it in Plex's own settings.")


def _check(share: str) -> None:
    if not share.isdigit():
        raise NotFound("There is no such share.", status=404)


def _number(text: str | None) -> int:
    try:
        return int(text or "")
    except ValueError:
        raise BadAnswer("plex.tv gave a number that is none.") from None


def _find(shares: list[Share], person: str) -> Share | None:
    """The share with somebody who is named by id, address or user name, each of which is one person's only."""
    key = person.casefold()
    return next(
        (s for s in shares if person == s.subject or key in ((s.email or "").casefold(), s.name.casefold())), None
    )
