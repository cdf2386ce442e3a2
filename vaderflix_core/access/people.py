"""Looking after accounts: who has one, changing, closing and removing them. Nobody gives or takes what they lack."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..failures import Conflict, Invalid
from ..notify.letters import looks_like_address
from ..store import own_data, ways
from ..store import people as people_store
from ..store import users as store
from ..store.database import Database
from .activity import Activity, changed
from .links import Links
from .models import ADMIN, User
from .policy import UNFIT_NAME, shown_name
from .rights import (
    check_above,
    check_giving,
    check_giving_role,
    check_not_own,
    found,
    known_permissions,
    role_named,
)
from .service import Access
from .sessions import Sessions
from .share_ends import at_stake, queue_ends

# what becomes of an account's requests: the open ones are cancelled and the history stays without a name, all of
# them go on without a name, or all of them go
Afterwards = Literal["cancel", "keep", "delete"]
AFTERWARDS: tuple[Afterwards, ...] = ("cancel", "keep", "delete")


class Person(Struct, frozen=True, kw_only=True):
    """An account, and how much its person has asked for."""

    user: User
    requests: int


class People:
    """The accounts of the house, for those who look after them."""

    def __init__(
        self,
        db: Database,
        access: Access,
        sessions: Sessions,
        links: Links,
        activity: Activity,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._access = access
        self._sessions = sessions
        self._links = links
        self._activity = activity
        self._clock = clock

    async def all(self) -> list[Person]:
        """All accounts, by name."""

        def read(conn: Connection) -> list[Person]:
            counts = people_store.request_counts(conn)
            return [Person(user=user, requests=counts.get(user.id, 0)) for user in store.all_users(conn)]

        return await self._db.read(read)

    async def get(self, user_id: int) -> Person:
        """One account. Raises `Missing`."""

        def read(conn: Connection) -> Person:
            user = found(_living(store.get(conn, user_id)))
            return Person(user=user, requests=people_store.request_counts(conn).get(user_id, 0))

        return await self._db.read(read)

    async def create(
        self,
        actor: User,
        username: str,
        password: str,
        *,
        role: str = "requester",
        display_name: str = "",
        email: str | None = None,
    ) -> User:
        """Make an account for somebody. Raises `Invalid`, `Conflict`, `NotAllowed`."""
        check_giving_role(actor, role_named(await self._access.roles(), role))

        def note(conn: Connection, user: User) -> None:
            self._activity.note(conn, actor, "user.created", user.username, after=_values(user))

        return await self._access.create_user(
            username, password, role=role, display_name=display_name, email=email, also=note
        )

    async def change(
        self,
        actor: User,
        user_id: int,
        *,
        role: str | None = None,
        disabled: bool | None = None,
        display_name: str | None = None,
        email: str | None = None,
        granted: Iterable[str] | None = None,
        withheld: Iterable[str] | None = None,
        seen: str = "",
    ) -> User:
        """Change what is given; an empty `email` removes it. What changes their rights signs them out.

        `seen` is the `stamp` of the account that the actor looked at. Raises `Missing`, `Invalid`, `Conflict` for the
        last admin, one's own rights or an account that is not as it was seen, `NotAllowed` for somebody with more
        rights.
        """
        wrong: dict[str, str] = {}
        name = shown_name(display_name) if display_name is not None else None
        if display_name is not None and name is None:
            wrong["display_name"] = UNFIT_NAME
        if email and not looks_like_address(email.strip()):
            wrong["email"] = "This is not an email address"
        more = known_permissions(granted, "granted") if granted is not None else None
        less = known_permissions(withheld, "withheld") if withheld is not None else None
        if more and less and more & less:
            wrong["withheld"] = "A right is either given or taken, not both"
        if wrong:
            raise Invalid("The account could not be changed.", wrong)
        given: dict[str, object] = {
            field: value
            for field, value in {
                "role": role,
                "disabled": disabled,
                "display_name": name,
                "granted": tuple(sorted(more)) if more is not None else None,
                "withheld": tuple(sorted(less)) if less is not None else None,
            }.items()
            if value is not None
        }
        if email is not None:
            given["email"] = email.strip() or None

        def work(conn: Connection) -> tuple[User, bool]:
            before = self._reach(conn, actor, user_id)
            if seen and seen != stamp(before):
                text = "Somebody changed this account meanwhile. Nothing of yours was saved: look at it again."
                raise Conflict(text, code="changed_meanwhile")
            if role is not None and role != before.role:
                check_giving_role(actor, role_named(store.all_roles(conn), role))
            check_giving(actor, (more or frozenset()) - set(before.granted))
            _check_own(actor, before, given)
            demoted = disabled or (role is not None and role != ADMIN)
            self._check_last_admin(conn, before, bool(demoted))
            if given:
                store.change(conn, user_id, **given)
            if given.get("email", before.email) != before.email:
                self._links.revoke(conn, user_id)
            after = found(store.get(conn, user_id))
            # opening an account brings its rights back: they must not be more than the actor's
            check_above(actor, after)
            old, new = changed(_values(before), _values(after))
            if new or old:
                self._activity.note(conn, actor, "user.changed", after.username, before=old, after=new)
            return after, after.permissions != before.permissions or after.role != before.role

        user, rights_changed = await self._db.write(work)
        if rights_changed:
            await self._sessions.end_all(user_id)
        self._sessions.forget(user_id)
        return user

    async def sign_out(self, actor: User, user_id: int) -> None:
        """End all sessions of an account. Raises `Missing`, `NotAllowed`."""

        def work(conn: Connection) -> None:
            other = self._reach(conn, actor, user_id)
            self._activity.note(conn, actor, "user.signed_out", other.username)

        await self._db.write(work)
        await self._sessions.end_all(user_id)

    async def remove(
        self, actor: User, user_id: int, *, requests: Afterwards = "cancel", end_shares: bool = True
    ) -> None:
        """Remove an account with its sessions, keys and sign-ins; `requests` says what becomes of what it asked for.

        What is shared with it is ended at the sources, as work that waits for those that are away (wake `host.jobs`
        to have it begin at once); without `end_shares` it stays there, without an account.

        Their history stays under one closed account, “A former member”, so that what the house fetched can still be
        explained without naming who left. Raises `Missing`, `Conflict` for one's own account, `NotAllowed` for somebody
        with more rights.
        """
        check_not_own(actor, await self._access.user(user_id))
        await self._remove(actor, user_id, requests=requests, end_shares=end_shares)

    async def leave(self, user: User, *, requests: Afterwards = "cancel") -> None:
        """Remove one's own account, in the same way; the caller has made sure that it is its owner who asks.

        Raises `Conflict` for the last admin.
        """
        await self._remove(user, user.id, requests=requests, end_shares=True)

    async def _remove(self, actor: User, user_id: int, *, requests: Afterwards, end_shares: bool) -> None:
        if requests not in AFTERWARDS:
            raise Invalid("Say what becomes of the requests.", {"requests": "Choose one of " + ", ".join(AFTERWARDS)})
        now = self._clock()

        def work(conn: Connection) -> None:
            other = self._reach(conn, actor, user_id)
            self._check_last_admin(conn, other, True)
            after: dict[str, object] = {"requests": requests}
            if shared := at_stake(conn, user_id):
                after["shares"] = "end" if end_shares else "keep"
                after["shared_at"] = [one.instance for one in shared]
            if end_shares:
                queue_ends(conn, shared, now)
            if requests == "cancel":
                after["cancelled"] = people_store.cancel_open(conn, user_id, actor.display_name, now)
            if requests != "delete":
                people_store.hand_over(conn, user_id, other.display_name, now)
            self._activity.note(conn, actor, "user.removed", other.username, before=_values(other), after=after)
            own_data.forget_deliveries(conn, other)
            own_data.remove(conn, user_id)

        await self._db.write(work)
        # its sessions went with it; none is to be served from memory
        self._sessions.forget(user_id)

    @staticmethod
    def _reach(conn: Connection, actor: User, user_id: int) -> User:
        ways.lock(conn, user_id)  # of two who change or remove it at once, the second finds what the first has done
        other = found(_living(store.get(conn, user_id)))
        check_above(actor, other)
        return other

    @staticmethod
    def _check_last_admin(conn: Connection, before: User, ends: bool) -> None:
        if before.role == ADMIN and not before.disabled and ends:
            store.lock_role(conn, ADMIN)
            if not store.other_admins(conn, before.id):
                raise Conflict("This is the only admin. Make somebody else an admin first.", code="last_admin")


def _living(user: User | None) -> User | None:
    return None if user is not None and user.username == store.FORMER else user


def _check_own(actor: User, before: User, given: dict[str, object]) -> None:
    if actor.id == before.id and {"role", "disabled", "granted", "withheld"} & set(given):
        raise Conflict("Another admin has to change your own rights.", code="own_account")
    if "email" in given and given["email"] != before.email:
        check_not_own(actor, before)


def stamp(user: User) -> str:
    """A short text that is another one once anything that can be changed of an account has changed."""
    return hashlib.sha256(msgspec.json.encode(_values(user))).hexdigest()[:16]


def _values(user: User) -> dict[str, object]:
    return {
        "name": user.display_name,
        "email": user.email,
        "role": user.role,
        "closed": user.disabled,
        "granted": ", ".join(user.granted),
        "withheld": ", ".join(user.withheld),
    }
