"""The simulated plex.tv: accounts, sign-in by PIN, who may see the server, and what is shared with them.

It is served by the same application under `/plex.tv`. Facts come from recorded answers and python-plexapi.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..state import Section, State

PREFIX = "/plex.tv"
GLOBAL = 7_000_000  # plex.tv numbers sections by itself: global id = this + the server's key
PIN_SECONDS = 1800
OTHER_MACHINE = "e15e0000e15e0000e15e0000e15e0000e15e0000"
WORDS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass
class Account:
    """Somebody with a Plex account. `servers` are servers of their own."""

    id: int
    username: str
    title: str
    email: str
    servers: tuple[str, ...] = ()
    restricted: bool = False
    home: bool = False

    @property
    def uuid(self) -> str:
        """The other id of the account."""
        return f"{self.id:016x}"


@dataclass
class Pin:
    """A sign-in under way."""

    id: int
    code: str
    client: str
    product: str
    created: int
    token: str | None = None


@dataclass
class Grant:
    """A share of the server: with an account, or with an address that nobody has yet."""

    id: int
    sections: tuple[int, ...]  # global ids
    account: Account | None = None
    email: str = ""
    pending: bool = False
    everything: bool = False
    filters: dict[str, str] = field(default_factory=dict)


class PlexTv:
    """What plex.tv remembers. The switches make it answer as it was seen to do at times."""

    def __init__(self, state: State, owner_token: str) -> None:
        self.state = state
        self.now = state.now
        self.accounts = [
            Account(4_000_001, "owner", "Olga Owner", "owner@example.org", servers=(state.machine,)),
            Account(4_000_002, "friend", "Fred Friend", "friend@example.org"),
            Account(4_000_003, "pending", "Petra Pending", "pending@example.org"),
            Account(4_000_004, "stranger", "Sten Stranger", "stranger@example.org"),
            Account(4_000_005, "elsewhere", "Else Elsewhere", "elsewhere@example.org", servers=(OTHER_MACHINE,)),
        ]
        first = self.global_ids(state.sections[:1])
        self.grants = [
            Grant(501, first, self.named("friend")),
            Grant(502, self.global_ids(state.sections), self.named("pending"), pending=True),
        ]
        self.pins: dict[int, Pin] = {}
        self.tokens: dict[str, tuple[Account, str]] = {owner_token: (self.accounts[0], "")}
        self._next = 600
        self.invites_v2_gone = False  # 404 with code 1002 for invitations, as reported since 2025
        self.v2_gone = False  # 410 for everything about shares in v2
        self.people_cut = 0  # leave out so many people, though the count says otherwise
        self.sections_cut = 0
        self.closed: set[str] = set()  # names of people who take no invitation: 403

    @staticmethod
    def global_ids(sections: Iterable[Section]) -> tuple[int, ...]:
        """The ids that sharing uses."""
        return tuple(GLOBAL + int(section.key) for section in sections)

    def named(self, name: str) -> Account | None:
        """An account by id, user name or address."""
        key = name.casefold()
        return next(
            (a for a in self.accounts if key in (str(a.id), a.username.casefold(), a.email.casefold())),
            None,
        )

    def number(self) -> int:
        """An id that nothing has yet."""
        self._next += 1
        return self._next

    # -- sign-in -------------------------------------------------------------------------------------------------

    def new_pin(self, client: str, product: str, strong: bool) -> Pin:
        """A sign-in for a client; strong codes are for the sign-in page, short ones for typing."""
        code = secrets.token_hex(12) if strong else "".join(secrets.choice(WORDS) for _ in range(4))
        pin = Pin(self.number(), code, client, product, self.now)
        self.pins[pin.id] = pin
        return pin

    def pin(self, pin_id: int, client: str) -> Pin | None:
        """A sign-in that this client began and that is not over."""
        pin = self.pins.get(pin_id)
        return pin if pin and pin.client == client and self.now - pin.created < PIN_SECONDS else None

    def claim(self, code: str, who: str) -> bool:
        """Somebody signs in on the page: the client gets a token for them, and loses the one it had."""
        account = self.named(who)
        pin = next((p for p in self.pins.values() if p.code == code), None)
        if account is None or pin is None:
            return False
        self.tokens = {t: owner for t, owner in self.tokens.items() if owner != (account, pin.client)}
        pin.token = f"token-{secrets.token_hex(8)}"
        self.tokens[pin.token] = (account, pin.client)
        return True

    def who(self, token: str) -> Account | None:
        """Whose token it is."""
        found = self.tokens.get(token)
        return found[0] if found else None

    # -- shares --------------------------------------------------------------------------------------------------

    def grant(self, grant_id: int) -> Grant | None:
        """A share by its id."""
        return next((g for g in self.grants if g.id == grant_id), None)

    def grant_of(self, name: str) -> Grant | None:
        """The share with somebody."""
        account = self.named(name)
        return next((g for g in self.grants if (account and g.account is account) or g.email == name), None)

    def reaches(self, account: Account) -> list[tuple[str, bool]]:
        """The servers an account may use, and whether they are its own."""
        own = [(machine, True) for machine in account.servers]
        shared = any(g.account is account and not g.pending for g in self.grants)
        return own + ([(self.state.machine, False)] if shared else [])

    def share(self, who: str, sections: tuple[int, ...]) -> Grant | None:
        """Invite somebody. An empty list means all libraries, now and later. None when it is shared already."""
        if self.grant_of(who) is not None:
            return None
        account = self.named(who)
        every = not sections
        grant = Grant(
            self.number(),
            sections or self.global_ids(self.state.sections),
            account,
            "" if account else who,
            pending=True,
            everything=every,
        )
        self.grants.append(grant)
        return grant

    def accept(self, name: str) -> None:
        """Somebody accepts the invitation."""
        found = self.grant_of(name)
        assert found is not None, name
        found.pending = False

    def revoke(self, name: str) -> None:
        """The owner takes a share away on plex.tv's own pages."""
        found = self.grant_of(name)
        assert found is not None, name
        self.grants.remove(found)
