"""What signing in through another house speaks of: the ways, how one ends, and the names people get."""

from __future__ import annotations

import re
import secrets
import unicodedata

from msgspec import Struct

from ..api.people import Person
from ..failures import Failure, NotAllowed
from ..notify.letters import looks_like_address
from .models import User
from .policy import LONGEST_NAME, shown_name, unseen
from .service import looks_like_another


class SignInOver(Failure):
    """The sign-in is over, was begun in another browser, or has been finished already."""

    code = "sign_in_over"
    status = 410

    def __init__(self) -> None:
        super().__init__("This sign-in is over. Begin again.")


class SignInTaken(SignInOver):
    """Another tab of the same browser was quicker, and may be bringing the person in at this moment, to `target`."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target


class CannotAsk(Failure):
    """The provider cannot be asked now, so nobody gets in by it. `evidence` is for admins."""

    code = "provider_away"
    status = 503

    def __init__(self, name: str, evidence: str = "") -> None:
        super().__init__(f"{name} cannot be asked now. Try again in a while, or sign in another way.")
        self.evidence = evidence


class NoAccess(NotAllowed):
    """The person proved who they are, but may not use the provider's service, and nothing of it is promised to them."""

    def __init__(self, name: str, invited: bool = False) -> None:
        more = " The invitation shares nothing of it: choose another way to come in." if invited else ""
        super().__init__(f"This account has no access to {name} here.{more}", code="no_access")


class Unknown(NotAllowed):
    """The person proved who they are, but has no account here and may not make one by this way."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Your {name} account opens no account here yet. Sign in another way and link it under Security, "
            "or come with an invitation.",
            code="not_linked",
        )


class Way(Struct, frozen=True, kw_only=True):
    """A way in through another house. `provider` keeps its people apart from others'; `waits`: our page asks how far
    it is, instead of the browser coming back with the answer."""

    id: str
    provider: str
    name: str
    waits: bool


class Begun(Struct, frozen=True, kw_only=True):
    """A sign-in that has begun: `token` names it to the browser that holds the cookie, `url` is where that goes on."""

    token: str
    url: str
    waits: bool


class Waiting(Struct, frozen=True, kw_only=True):
    """A sign-in that waits for its person at `url`. `code` is the invitation's that it was begun with, or empty."""

    way: Way
    url: str
    code: str
    brought_to: str  # where another tab is bringing them in; empty while none does


class Finished(Struct, frozen=True, kw_only=True):
    """A sign-in that led to an account. `new`: it was made by it; `linked`: it was linked by somebody signed in."""

    user: User
    way: str
    target: str
    new: bool = False
    linked: bool = False


def provider_of(plugin: str, instance: str) -> str:
    """What keeps the people of a service apart: with the plugin's name, as an id that goes to another plugin must not
    bring people along."""
    return f"{plugin}:{instance}"[:64]


def user_name(name: str) -> str:
    """A user name out of what somebody is called elsewhere."""
    plain = unicodedata.normalize("NFKC", name).partition("@")[0]
    words = re.sub(r"[^\w.+-]+", ".", plain).strip(".").lower()[:40]
    fits = len(words) >= 2 and any(sign.isalnum() for sign in words) and not looks_like_another(words)
    return words if fits else f"guest-{secrets.token_hex(3)}"


def name_of(person: Person) -> str:
    """What somebody is called elsewhere, as it is shown here; empty when nothing of it can be seen."""
    return shown_name("".join(" " if unseen(sign) else sign for sign in person.name).strip()[:LONGEST_NAME]) or ""


def address_of(person: Person) -> str | None:
    """Their address elsewhere, if a mail can be written to it."""
    return person.email if person.email and looks_like_address(person.email) else None


def label_of(person: Person) -> str:
    """How a linked account is shown."""
    return f"{person.name} ({person.email})" if person.email and person.email != person.name else person.name
