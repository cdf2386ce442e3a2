"""Invitations: a link lets people in as often and as long as its maker said. The code is shown once and kept hashed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection

from ..failures import Conflict, Invalid, Missing
from ..notify.letters import looks_like_address
from ..notify.mails import Mails
from ..store import invites as store
from ..store import users as user_store
from ..store.database import Database
from ..store.invites import Invite, InviteUse
from .activity import Activity, changed
from .house import HouseRules
from .models import Permission, User
from .rights import check_giving_role, may_give, role_named
from .service import Access
from .sessions import digest

CODE_BYTES = 24  # 192 bits
MAX_USES, MAX_DAYS, MAX_NOTE = 100, 365, 500
Accepted = Callable[[Connection, User, Invite], None]


class Listed(Struct, frozen=True, kw_only=True):
    """An invitation, who came in by it, and whether its maker may still give what it gives."""

    invite: Invite
    uses: list[InviteUse]
    backed: bool

    def state(self, now: datetime) -> str:
        """open, used, revoked, expired, or lapsed: it would be open if its maker could still make it."""
        state = self.invite.state(now)
        return "lapsed" if state == "open" and not self.backed else state


class Invites:
    """All invitations."""

    def __init__(
        self,
        db: Database,
        access: Access,
        house: HouseRules,
        activity: Activity,
        mails: Mails,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._access = access
        self.house = house
        self._activity = activity
        self._mails = mails
        self._clock = clock
        # told in the transaction that makes the account; sharing of libraries begins here
        self.on_accepted: list[Accepted] = []

    # -- making and ending ---------------------------------------------------------------------------------------

    async def create(
        self,
        actor: User,
        *,
        role: str,
        uses: int = 1,
        days: int = 7,
        note: str = "",
        email: str | None = None,
        libraries: Mapping[str, Sequence[str]] | None = None,
        send: bool = False,
    ) -> tuple[str, Invite]:
        """A new invitation and its code, which is shown this once. `send` mails it to the `email` it is bound to.

        Raises `Invalid`, and `NotAllowed` for a role that can do more than the actor.
        """
        wrong: dict[str, str] = {}
        email = (email or "").strip() or None
        if not 1 <= uses <= MAX_USES:
            wrong["uses"] = f"Choose 1 to {MAX_USES}"
        if not 1 <= days <= MAX_DAYS:
            wrong["days"] = f"Choose 1 to {MAX_DAYS} days"
        if len(note) > MAX_NOTE:
            wrong["note"] = f"Use at most {MAX_NOTE} letters"
        if email is not None and not looks_like_address(email):
            wrong["email"] = "This is not an email address"
        if send and email is None:
            wrong["email"] = "To mail the invitation, say to whom"
        if email is not None and uses != 1:
            wrong["uses"] = "One address lets in one person: choose 1, or leave the address out"
        if wrong:
            raise Invalid("The invitation could not be made.", wrong)
        await self.check_role(actor, role)
        code, now = secrets.token_urlsafe(CODE_BYTES), self._clock()
        new = Invite(
            id=0,
            created_by=actor.id,
            inviter=actor.display_name,
            role=role,
            note=note.strip(),
            email=email,
            libraries={name: tuple(ids) for name, ids in (libraries or {}).items() if ids},
            uses=uses,
            used=0,
            created_at=now,
            expires_at=now + timedelta(days=days),
            revoked_at=None,
        )

        def work(conn: Connection) -> Invite:
            made = self.keep(conn, new, code)
            self._activity.note(conn, actor, "invite.created", f"invitation {made.id}", after=_terms(made))
            if send:
                self.send(conn, made, code)
            return made

        return code, await self._db.write(work)

    async def check_role(self, actor: User, role: str) -> None:
        """Raise `Invalid` for a role that does not exist, `NotAllowed` for one that can do more than the actor."""
        check_giving_role(actor, role_named(await self._access.roles(), role))

    @staticmethod
    def keep(conn: Connection, new: Invite, code: str) -> Invite:
        """Keep an invitation in the caller's transaction."""
        return store.add(conn, new, digest(code))

    def send(self, conn: Connection, invite: Invite, code: str) -> None:
        """Queue the mail that brings an invitation to its address."""
        assert invite.email is not None
        until = f"{invite.expires_at:%-d %B %Y}"
        data = {"inviter": invite.inviter, "note": invite.note, "until": until, "path": f"/invite/{code}"}
        self._mails.queue(conn, "invitation", invite.email, data)

    async def revoke(self, actor: User, invite_id: int) -> None:
        """End an invitation at once; who came in by it stays. Raises `Missing`, `Conflict`, `NotAllowed`."""
        now = self._clock()
        before = await self._db.read(lambda conn: store.get(conn, invite_id))
        if before is not None and before.created_by != actor.id:
            await self.check_role(actor, before.role)

        def work(conn: Connection) -> None:
            ended = store.get(conn, invite_id)
            if ended is None:
                raise Missing("There is no such invitation.")
            if not store.revoke(conn, invite_id, now):
                raise Conflict("This invitation was revoked already.")
            self._activity.note(conn, actor, "invite.revoked", f"invitation {invite_id}", before=_terms(ended))

        await self._db.write(work)

    async def reissue(self, actor: User, invite_id: int, *, send: bool = False) -> tuple[str, Invite]:
        """A new code and the full time again for what is left of an invitation, which is the actor's from now on.

        The old code is worth nothing.
        """
        before = await self._db.read(lambda conn: store.get(conn, invite_id))
        if before is None:
            raise Missing("There is no such invitation.")
        await self.check_role(actor, before.role)
        code, now = secrets.token_urlsafe(CODE_BYTES), self._clock()

        def work(conn: Connection) -> Invite:
            invite = store.get(conn, invite_id)
            if invite is None or invite.used >= invite.uses:
                raise Conflict("This invitation is used up. Make a new one.")
            until = now + (invite.expires_at - invite.created_at)
            # whoever renews it answers for it from now on
            terms = _terms(invite)
            store.renew(conn, invite_id, digest(code), until, created_by=actor.id, inviter=actor.display_name)
            renewed = store.get(conn, invite_id)
            assert renewed is not None
            old, new = changed(terms, _terms(renewed))
            self._activity.note(conn, actor, "invite.reissued", f"invitation {invite_id}", before=old, after=new)
            if send and renewed.email:
                self.send(conn, renewed, code)
            return renewed

        return code, await self._db.write(work)

    async def newest(self) -> list[Listed]:
        """Invitations, newest first, with who came in by them."""

        def read(conn: Connection) -> list[Listed]:
            backed = _backing(conn)
            return [Listed(invite=invite, uses=uses, backed=backed(invite)) for invite, uses in store.newest(conn)]

        return await self._db.read(read)

    # -- coming in -----------------------------------------------------------------------------------------------

    async def open(self, code: str) -> Invite:
        """The invitation of a code. Raises `Missing`, in the same words whatever is wrong with it.

        While the house is closed, those words say so, for every code alike.
        """
        if (await self.house.get()).registration == "closed":
            raise Missing("The house takes nobody in at the moment.", code="house_closed")
        now = self._clock()

        def read(conn: Connection) -> Invite | None:
            found = store.by_code(conn, digest(code), now)
            return found if found is not None and _backing(conn)(found) else None

        invite = await self._db.read(read)
        if invite is None:
            raise _not_open()
        return invite

    async def check(self, code: str, *, username: str, display_name: str = "", email: str | None = None) -> None:
        """Raise what `accept` would raise now for an account without a password."""
        invite = await self.open(code)
        email, wrong = _address(invite, email)
        await self._access.check_account(
            username, None, role=invite.role, display_name=display_name, email=email, wrong=wrong
        )
        await self._access.check_free(username)

    async def accept(
        self,
        code: str,
        *,
        username: str,
        password: str | None = None,
        display_name: str = "",
        email: str | None = None,
        also: Callable[[Connection, User], None] | None = None,
    ) -> User:
        """Make the account of a visitor. `also` (link an identity, keep a passkey) is done in the same transaction.

        However many bring a code at once, it makes as many accounts as it has uses. An invitation for one address
        needs that address. Raises `Missing` when it is not open, `Invalid`, and `Conflict` for a name that is taken.
        """
        invite = await self.open(code)
        email, wrong = _address(invite, email)
        now = self._clock()

        def come_in(conn: Connection, user: User) -> None:
            if not _backing(conn)(invite) or not store.use(conn, digest(code), user.id, now):
                raise _not_open()
            if also is not None:
                also(conn, user)
            for told in self.on_accepted:
                told(conn, user, invite)
            # by name: the actor is the new account itself
            self._activity.note(conn, user, "invite.used", f"invitation {invite.id}", after={"role": user.role})

        return await self._access.create_user(
            username,
            password,
            role=invite.role,
            display_name=display_name,
            email=email,
            also=come_in,
            wrong=wrong,
        )

    async def role_title(self, invite: Invite) -> str:
        """What the invited person will be."""
        roles = await self._db.read(user_store.all_roles)
        return next((role.title for role in roles if role.name == invite.role), invite.role)


def _address(invite: Invite, given: str | None) -> tuple[str | None, dict[str, str]]:
    """The address of somebody who comes in, as the invitation writes it, and what is wrong with it."""
    email = (given or "").strip() or None
    if invite.email is None:
        return email, {}
    if email is None or email.lower() != invite.email.lower():
        return email, {"email": "The invitation is for another address"}
    return invite.email, {}


def _not_open() -> Missing:
    return Missing("This link does not work any more.", code="link_ended")


def _backing(conn: Connection) -> Callable[[Invite], bool]:
    """Tells whether an invitation's maker may still give what it gives: it is worth what they are now."""
    makers = {user.id: user for user in user_store.all_users(conn)}
    roles = {role.name: role for role in user_store.all_roles(conn)}

    def backed(invite: Invite) -> bool:
        maker = makers.get(invite.created_by) if invite.created_by is not None else None
        gives = roles.get(invite.role)
        return maker is not None and gives is not None and maker.may(Permission.INVITE) and may_give(maker, gives)

    return backed


def _terms(invite: Invite) -> dict[str, object]:
    return {
        "role": invite.role,
        "uses": invite.uses,
        "expires": f"{invite.expires_at:%Y-%m-%d}",
        "email": invite.email,
        "libraries": named(invite),
    }


def named(invite: Invite) -> list[str]:
    """The libraries of an invitation, for the activity log."""
    return [f"{name}: {', '.join(ids)}" for name, ids in invite.libraries.items()]
