"""What the abilities about people speak of: a person who signs in, and what is shared with whom."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class PendingSignIn(Struct, frozen=True, kw_only=True):
    """A sign-in that has begun at a service.

    `url` is where the person's browser goes on. `state` is what `poll` needs to ask for the outcome: the core keeps it
    and shows it to nobody.
    """

    url: str
    state: str


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who proved to a service who they are.

    `subject` is the service's own id of the person, which never changes and is never given to anybody else. A name or
    an address is for showing only: both can change hands. `has_access` says whether they may use *our* service there
    now; without, they come in only for a share that the house has promised them.
    """

    subject: str
    name: str
    email: str | None = None
    has_access: bool = True


class SharedLibrary(Struct, frozen=True, kw_only=True):
    """A library that can be shared. `id` is the one that sharing uses."""

    id: str
    title: str


class ShareState(StrEnum):
    """How far a share is."""

    PENDING = "pending"  # the person has not accepted the invitation yet
    ACCEPTED = "accepted"


class Share(Struct, frozen=True, kw_only=True):
    """What one person may see of a service.

    `id` names the share, `subject` the person as in `Person`; None while the service does not know who was invited.
    `everything` means all libraries, those of later too; `libraries` may be empty then.
    """

    id: str
    subject: str | None
    name: str
    state: ShareState
    libraries: tuple[str, ...]
    email: str | None = None
    everything: bool = False
