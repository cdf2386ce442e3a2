"""Who may come in: accounts, sessions and API keys. Passwords are argon2id; tokens are kept only as hashes."""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from ..failures import Conflict, Invalid, Missing
from ..notify.letters import looks_like_address
from ..store import activity as activity_store
from ..store import meta
from ..store import users as store
from ..store.database import Database
from .arrivals import SIGNED_IN, network_of
from .hashing import Hashing
from .models import ADMIN, PasswordProof, Role, User
from .policy import UNFIT_NAME, shown_name, unseen, weakness
from .sessions import Sessions, digest

SETUP = "setup_token"
ALIKE = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"}  # scripts that share the looks of letters
NAME = re.compile(r"^[\w.@+-]{2,64}$")


def looks_like_another(username: str) -> bool:
    """Whether a name could be read as another one: wide letters, unseen ones, or Cyrillic ones among Latin ones."""
    scripts = {unicodedata.name(sign, "").partition(" ")[0] for sign in username if sign.isalpha()}
    plain = unicodedata.normalize("NFKC", username) == username and not any(map(unseen, username))
    return not plain or len(scripts & ALIKE) > 1


class Access:
    """Accounts and their credentials."""

    def __init__(self, db: Database, sessions: Sessions, clock: Callable[[], datetime]) -> None:
        self._db = db
        self.sessions = sessions
        self._clock = clock
        self._hashing = Hashing()
        self._decoy: str | None = None

    # -- first start ---------------------------------------------------------------------------------------------

    async def needs_setup(self) -> bool:
        """Whether there is no account yet."""
        return await self._db.read(store.count) == 0

    async def setup_token(self) -> str:
        """The one-time token that makes the first admin; the same in all processes until it is used."""

        def work(conn: Connection) -> str:
            store.lock_role(conn, ADMIN)  # of several processes that start at once, the second sees the first one's
            known = meta.get(conn, SETUP)
            if known is None:
                known = secrets.token_urlsafe(24)
                meta.put(conn, SETUP, known)
            return known

        return await self._db.write(work)

    async def complete_setup(self, token: str, username: str, password: str) -> User:
        """Make the first admin. Raises `Invalid` for a wrong token and `Conflict` when there is an account."""
        if not await self.needs_setup():
            raise Conflict("Vader Flix is set up already.")
        known = await self._db.read(lambda conn: meta.get(conn, SETUP))
        right = known is not None and hmac.compare_digest(token.encode("utf-8", "replace"), known.encode())
        wrong = {} if right else {"token": "This is not the set-up code. Copy the whole code from the log"}

        def first(conn: Connection, user: User) -> None:
            # the role's row is locked: of several at once each sees the account of the one before
            store.lock_role(conn, ADMIN)
            if store.count(conn) > 1:
                raise Conflict("Vader Flix is set up already.")
            meta.put(conn, SETUP, None)

        return await self.create_user(username, password, role=ADMIN, also=first, wrong=wrong)

    # -- accounts ------------------------------------------------------------------------------------------------

    async def create_user(
        self,
        username: str,
        password: str | None,
        *,
        role: str = "requester",
        display_name: str = "",
        email: str | None = None,
        also: Callable[[Connection, User], None] | None = None,
        wrong: Mapping[str, str] | None = None,
    ) -> User:
        """Make an account. Raises `Invalid` with all that is wrong, `Conflict` when only the name is taken.

        `also` is done in the same transaction; when it raises, there is no account either. `wrong` is what the caller
        found already, by field: then there is no account, and all is said at once.
        """
        username = username.strip()
        await self.check_account(username, password, role=role, display_name=display_name, email=email, wrong=wrong)
        hashed = await self.hash_password(password) if password is not None else None
        now = self._clock()

        def work(conn: Connection) -> User:
            user = store.add(
                conn,
                username=username,
                display_name=shown_name(display_name) or username,
                email=(email or "").strip() or None,
                password_hash=hashed,
                role=role,
                now=now,
            )
            if also is not None:
                also(conn, user)
            return user

        return await self._db.write(work)

    async def check_account(
        self,
        username: str,
        password: str | None,
        *,
        role: str,
        display_name: str,
        email: str | None,
        wrong: Mapping[str, str] | None = None,
    ) -> None:
        """Raise `Invalid` with all that is wrong with an account before it is made, and with what the caller found.

        A name that is taken is said with the rest, but is no reason by itself: only making the account decides that.
        """
        wrong = dict(wrong or {})
        username = username.strip()
        if not NAME.fullmatch(username) or not any(sign.isalnum() for sign in username):
            wrong["username"] = "Use 2 to 64 letters, digits or . _ @ + -"
        elif looks_like_another(username):
            wrong["username"] = "Use letters of one alphabet, written plainly: this could be taken for another name"
        if display_name.strip() and shown_name(display_name) is None:
            wrong["display_name"] = UNFIT_NAME
        if password is not None and (problem := weakness(password, username)):
            wrong["password"] = problem
        if role not in await self._role_names():
            wrong["role"] = "Choose one of " + ", ".join(await self._role_names())
        if email and not looks_like_address(email.strip()):
            wrong.setdefault("email", "This is not an email address")
        if wrong:
            if "username" not in wrong and await self._db.read(lambda c: store.credentials(c, username)) is not None:
                wrong["username"] = store.TAKEN.format(name=username)
            raise Invalid("The account could not be made.", wrong)

    async def check_free(self, username: str) -> None:
        """Raise `Conflict` when a name is taken now."""
        if await self._db.read(lambda conn: store.credentials(conn, username.strip())) is not None:
            raise store.taken(username.strip())

    async def _role_names(self) -> list[str]:
        return [role.name for role in await self.roles()]

    async def roles(self) -> list[Role]:
        """All roles, the built-in ones first."""
        return await self._db.read(store.all_roles)

    async def list_users(self) -> list[User]:
        """All accounts, by name."""
        return await self._db.read(store.all_users)

    async def user(self, user_id: int) -> User:
        """One account. Raises `Missing`."""
        found = await self._db.read(lambda conn: store.get(conn, user_id))
        if found is None:
            raise Missing("There is no such account.")
        return found

    async def change_user(
        self,
        user_id: int,
        *,
        role: str | None = None,
        disabled: bool | None = None,
        display_name: str | None = None,
        email: str | None = None,
        time_zone: str | None = None,
    ) -> User:
        """Change what is given; a new role or a disabled account ends its sessions. The last admin stays one."""
        if role is not None and role not in await self._role_names():
            raise Invalid("There is no such role.", {"role": "Choose one of " + ", ".join(await self._role_names())})
        values = {"role": role, "disabled": disabled, "display_name": display_name, "email": email}
        values["time_zone"] = time_zone
        given = {name: value for name, value in values.items() if value is not None}
        if given:

            def change(conn: Connection) -> None:
                before = store.get(conn, user_id)
                if before is None:
                    raise Missing("There is no such account.")
                demoted = disabled or (role is not None and role != ADMIN)
                if before.role == ADMIN and demoted and not store.other_admins(conn, user_id):
                    raise Conflict("This is the only admin. Make somebody else an admin first.")
                store.change(conn, user_id, **given)

            await self._db.write(change)
            if role is not None or disabled:
                await self.sessions.end_all(user_id)
            self.sessions.forget(user_id)
        return await self.user(user_id)

    # -- signing in ----------------------------------------------------------------------------------------------

    async def hash_password(self, password: str) -> str:
        """What is kept of a password. Raises `TooMany` while very many others wait for the same."""
        return await self._hashing.hash(password)

    async def familiar(self, username: str, ip: str) -> bool:
        """Whether the account was signed in to from this network before: a storm of others does not stop that one."""
        network = network_of(ip)

        def read(conn: Connection) -> bool:
            found = store.credentials(conn, username.strip())
            seen = activity_store.known(conn, actor_id=found[0].id if found else 0, action=SIGNED_IN)
            return bool(network) and any(one.get("network") == network for one in seen)

        return await self._db.read(read)

    async def authenticate(self, username: str, password: str, *, familiar: bool = False) -> PasswordProof | None:
        """Whose credentials these are; None when they are nobody's. Takes as long for a name that does not exist.

        Raises `TooMany` while very many others wait for the same; those who are `familiar` wait among themselves.
        """
        self._hashing.check_room(familiar)
        if self._decoy is None:  # before anything is looked up, so that the first try of all takes as long for any name
            self._decoy = await self.hash_password(secrets.token_hex(8))
        found = await self._db.read(lambda conn: store.credentials(conn, username.strip()))
        user, hashed = found or (None, None)
        if hashed is None:
            user, hashed = None, self._decoy
        right = await self._hashing.verify(hashed, password, familiar)
        return (
            PasswordProof(user=user, password=digest(hashed))
            if right and user is not None and not user.disabled
            else None
        )
