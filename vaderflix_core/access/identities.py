"""Signing in with an account elsewhere: begun by one browser, finished once by the same, known by the id it has there.

An address never says who somebody is. Somebody who is new comes in with an invitation, or where an admin has opened a
way for newcomers. When a provider cannot be asked, nobody gets in by it. Who may not use the provider's service comes
in only for a share of it that the house has promised them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from msgspec import Struct, structs
from sqlalchemy import Connection

from ..api.errors import Rejected, ServiceError
from ..api.people import Person
from ..api.roles import Identity
from ..failures import Conflict, Failure, Missing, NotAllowed
from ..plugins.answers import Outcome
from ..plugins.apart import Apart
from ..plugins.pool import Binding, Pool
from ..store import identities as store
from ..store import shares as share_store
from ..store.database import Database
from ..store.identities import Linked
from ..vault import Vault
from .activity import Activity
from .invites import Invites
from .models import User
from .oidc import Attempt, Oidc, Proven, Provider
from .outside import (
    Begun,
    CannotAsk,
    Finished,
    NoAccess,
    SignInOver,
    SignInTaken,
    Unknown,
    Waiting,
    Way,
    address_of,
    label_of,
    name_of,
    provider_of,
    user_name,
)
from .providers import PREFIX, Newcomers, Providers
from .service import Access
from .sessions import digest
from .sharing import PROMISED
from .ways import keep_one

log = structlog.get_logger("access")

LIVES = timedelta(minutes=15)
BRINGS_IN = timedelta(seconds=20)  # how long whoever took a sign-in may need until their browser knows that it is in
NAME_TRIES = 50


class _Pending(Struct, frozen=True, kw_only=True):
    url: str
    target: str
    state: str = ""  # the plugin's
    attempt: Attempt | None = None
    user_id: int | None = None  # who wants to link it
    code: str = ""  # an invitation's
    refused: str = ""  # why nobody came in: it is over, but the other tab of the person shall say so too
    taken: bool = False  # a tab of the person is bringing them in: the other one waits for the outcome


class Identities:
    """All ways in through other houses."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        pool: Pool,
        apart: Apart,
        access: Access,
        invites: Invites,
        providers: Providers,
        oidc: Oidc,
        activity: Activity,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._vault = vault
        self._pool = pool
        self._apart = apart
        self._access = access
        self._invites = invites
        self._providers = providers
        self._oidc = oidc
        self._activity = activity
        self._clock = clock

    async def ways(self) -> list[Way]:
        """The ways that are open now."""
        plugins = [self._way_of(binding) for binding in self._pool.bindings(Identity)]
        return plugins + [
            Way(id=PREFIX + p.id, provider=PREFIX + p.id, name=p.name, waits=False)
            for p in await self._providers.all()
            if p.enabled
        ]

    @staticmethod
    def _way_of(binding: Binding) -> Way:
        provider = provider_of(binding.plugin, binding.instance)
        return Way(id=binding.instance, provider=provider, name=binding.name, waits=True)

    async def way(self, way_id: str) -> Way:
        """One way. Raises `Missing`."""
        found = next((way for way in await self.ways() if way.id == way_id), None)
        if found is None:
            raise Missing("There is no such way in.")
        return found

    # -- beginning -----------------------------------------------------------------------------------------------

    async def begin(
        self,
        way_id: str,
        *,
        browser: str,
        site: str,
        target: str = "/",
        link_to: User | None = None,
        code: str = "",
    ) -> Begun:
        """Begin a sign-in for the browser that holds the secret `browser`.

        `site` is our own public address. `link_to` links what is proved to that account; `code` is an invitation's.
        Raises `Missing`, `CannotAsk`, `Failure`.
        """
        way = await self.way(way_id)
        if code:
            await self._invites.open(code)
        token = secrets.token_urlsafe(32)
        common: dict[str, Any] = {"target": target, "user_id": link_to.id if link_to else None, "code": code}
        if way.waits:
            back = f"{site}/signin/wait/{token}"
            answer = await self._apart.call(self._binding(way), "begin", back)
            if answer.value is None or not answer.value.url.startswith(("https://", "http://")):
                raise CannotAsk(way.name, answer.error or "It named no address to go on to.")
            pending = _Pending(url=answer.value.url, state=answer.value.state, **common)
        else:
            provider = await self._provider(way)
            try:
                url, attempt = await self._oidc.begin(provider, f"{site}/signin/back/{way.id}", token)
            except ServiceError as error:
                log.warning("a provider cannot be asked", way=way.id, reason=error.message)
                raise CannotAsk(way.name, error.message) from error
            pending = _Pending(url=url, attempt=attempt, **common)
        now = self._clock()
        kept = store.Begun(
            token_hash=digest(token),
            browser_hash=digest(browser),
            way=way.id,
            sealed=self._sealed(pending, way.id),
            expires_at=now + LIVES,
        )
        await self._db.write(lambda conn: store.begin(conn, kept, now))
        return Begun(token=token, url=pending.url, waits=way.waits)

    def _binding(self, way: Way) -> Binding:
        return self._pool.bindings(Identity, instance=way.id)[0]

    async def _provider(self, way: Way) -> Provider:
        return await self._providers.get(way.id.removeprefix(PREFIX))

    def _sealed(self, pending: _Pending, way: str) -> bytes:
        return self._vault.seal(msgspec.json.encode(pending), f"sign-in:{way}")

    def _opened(self, begun: store.Begun) -> _Pending:
        return msgspec.json.decode(self._vault.open(begun.sealed, f"sign-in:{begun.way}"), type=_Pending)

    async def _under_way(self, token: str, browser: str) -> tuple[store.Begun, _Pending]:
        now = self._clock()
        begun = await self._db.read(lambda conn: store.under_way(conn, digest(token), digest(browser), now))
        if begun is None:
            raise SignInOver
        pending = self._opened(begun)
        if pending.refused:
            raise NotAllowed(pending.refused, code="refused")
        return begun, pending

    async def _take(self, begun: store.Begun, pending: _Pending) -> None:
        """Whoever takes it first goes on alone. Raises `SignInTaken` for all others."""
        taken = _Pending(url=pending.url, target=pending.target, code=pending.code, taken=True)
        now = self._clock()
        after = structs.replace(begun, sealed=self._sealed(taken, begun.way), expires_at=now + BRINGS_IN)

        def work(conn: Connection) -> None:
            if not store.take(conn, begun, now):
                raise SignInTaken(pending.target)
            store.begin(conn, after, now)

        await self._db.write(work)

    async def _end(self, begun: store.Begun, pending: _Pending, failure: Failure) -> None:
        """Nobody comes in by this one any more; why is kept for the rest of its time."""
        over = _Pending(url="", target="/", code=pending.code, refused=failure.message)
        after, now = structs.replace(begun, sealed=self._sealed(over, begun.way)), self._clock()
        await self._db.write(lambda conn: store.begin(conn, after, now))

    # -- finishing -----------------------------------------------------------------------------------------------

    async def waiting(self, token: str, browser: str) -> Waiting:
        """A sign-in that waits for its person. Raises `SignInOver`, and `NotAllowed` with why it led nowhere."""
        begun, pending = await self._under_way(token, browser)
        to = pending.target if pending.taken else ""
        return Waiting(way=await self.way(begun.way), url=pending.url, code=pending.code, brought_to=to)

    async def invitation(self, token: str, browser: str) -> str:
        """The code of the invitation that a sign-in of this browser was begun with, refused or not; empty without."""
        now = self._clock()
        begun = await self._db.read(lambda conn: store.under_way(conn, digest(token), digest(browser), now))
        return self._opened(begun).code if begun is not None else ""

    async def poll(self, token: str, browser: str, viewer: User | None) -> Finished | None:
        """Whether the person has confirmed; None while not.

        Raises `SignInOver` and `NotAllowed`, both for good, `SignInTaken` while another tab finishes, and `CannotAsk`.
        """
        begun, pending = await self._under_way(token, browser)
        if pending.taken:
            raise SignInTaken(pending.target)
        way = await self.way(begun.way)
        if not way.waits:
            raise SignInOver
        answer = await self._apart.call(self._binding(way), "poll", pending.state)
        if answer.outcome in (Outcome.REJECTED, Outcome.NOT_FOUND):
            failure = SignInOver() if answer.outcome is Outcome.NOT_FOUND else NoAccess(way.name)
            await self._take(begun, pending)
            await self._end(begun, pending, failure)
            raise failure
        if not answer.ok:
            raise CannotAsk(way.name, answer.error)
        if answer.value is None:
            return None
        await self._take(begun, pending)
        return await self._enter(begun, way, pending, Proven(person=answer.value), viewer)

    async def come_back(self, way_id: str, answer: Mapping[str, str], browser: str, viewer: User | None) -> Finished:
        """Finish with what the browser brings from a provider. Raises `SignInOver`, `NotAllowed`, `CannotAsk`."""
        begun, pending = await self._under_way(answer.get("state", ""), browser)
        if pending.taken:
            raise SignInTaken(pending.target)
        await self._take(begun, pending)
        # a provider must not be able to answer for another one
        if begun.way != way_id or pending.attempt is None:
            raise SignInOver
        way = await self.way(way_id)
        try:
            proven = await self._proven(way, pending.attempt, answer)
        except Failure as failure:
            await self._end(begun, pending, failure)
            raise
        return await self._enter(begun, way, pending, proven, viewer)

    async def _proven(self, way: Way, attempt: Attempt, answer: Mapping[str, str]) -> Proven:
        if answer.get("error") or not answer.get("code"):
            raise NotAllowed(f"{way.name} did not let you in.", code="refused_there")
        try:
            return await self._oidc.finish(await self._provider(way), attempt, answer["code"], answer.get("iss"))
        except Rejected as error:
            log.warning("a sign-in was refused", way=way.id, reason=error.message)
            raise NotAllowed(f"{way.name} did not prove who you are. Begin again.", code="not_proven") from error
        except ServiceError as error:
            # who signs in is told nothing of it, and an admin has no other place to find it
            log.warning("a provider cannot be asked", way=way.id, reason=error.message)
            raise CannotAsk(way.name, error.message) from error

    async def _enter(
        self, begun: store.Begun, way: Way, pending: _Pending, proven: Proven, viewer: User | None
    ) -> Finished:
        try:
            return await self._let_in(way, pending, proven, viewer)
        except Failure as failure:
            await self._end(begun, pending, failure)
            raise

    async def _let_in(self, way: Way, pending: _Pending, proven: Proven, viewer: User | None) -> Finished:
        person = proven.person
        known = await self._db.read(lambda conn: store.user_of(conn, way.provider, person.subject))
        linking = pending.user_id is not None
        if not person.has_access:
            await self._check_promised(way, viewer if linking else known, "" if linking else pending.code)
        if linking:
            return await self._link(way, pending, person, known, viewer)
        if known is not None:
            if known.disabled:
                raise NotAllowed("Your account is closed. Ask an admin of this house.", code="closed")
            label = label_of(person)
            await self._db.write(lambda conn: store.relabel(conn, way.provider, person.subject, label))
            return Finished(user=known, way=way.id, target=pending.target)
        if pending.code:
            user = await self._named(person, lambda name: self._invited(way, pending.code, name, proven))
        else:
            role = await self._newcomer_role(way, proven)
            user = await self._named(person, lambda name: self._newcomer(way, name, role, person))
        return Finished(user=user, way=way.id, target=pending.target, new=True)

    async def _check_promised(self, way: Way, account: User | None, code: str) -> None:
        """Raise `NoAccess` unless libraries of the way's own source are promised to the person.

        To somebody new by the invitation that they bring: only coming in begins its sharing, so access cannot be asked
        for before. To an account by its own share, until they have accepted that at the source: up to then the source
        rightly says that they have no access, and would lock them out of the account that they have just made. Once
        they had access, the source's word counts alone. What was refused, suspended or ended promises nothing.
        """
        if account is not None:
            share = await self._db.read(lambda conn: share_store.get(conn, account.id, way.id))
            promised = share is not None and share.state in PROMISED
        else:
            promised = bool(code) and bool((await self._invites.open(code)).libraries.get(way.id))
        if not promised:
            raise NoAccess(way.name, invited=bool(code) and account is None)

    async def _link(
        self, way: Way, pending: _Pending, person: Person, known: User | None, viewer: User | None
    ) -> Finished:
        if viewer is None or viewer.id != pending.user_id:
            raise SignInOver
        if known is not None and known.id != viewer.id:
            raise Conflict("This account elsewhere opens another account here already.", code="linked_already")

        def work(conn: Connection) -> None:
            self._keep(conn, viewer, way, person)

        if known is None:
            await self._db.write(work)
        return Finished(user=viewer, way=way.id, target=pending.target, linked=True)

    def _keep(self, conn: Connection, user: User, way: Way, person: Person) -> None:
        store.link(conn, user.id, way.provider, person.subject, label_of(person), self._clock())
        self._activity.note(conn, user, "identity.linked", way.name, after={"account": label_of(person)})

    async def _newcomer_role(self, way: Way, proven: Proven) -> str:
        rules = (await self._providers.newcomers()).get(way.provider, Newcomers())
        if not rules.welcome or (await self._invites.house.get()).registration == "closed":
            raise Unknown(way.name)
        return proven.role or rules.role

    async def _newcomer(self, way: Way, name: str, role: str, person: Person) -> User:
        return await self._access.create_user(
            name,
            None,
            role=role,
            display_name=name_of(person),
            email=address_of(person),
            also=lambda conn, user: self._keep(conn, user, way, person),
        )

    async def _invited(self, way: Way, code: str, name: str, proven: Proven) -> User:
        person = proven.person
        return await self._invites.accept(
            code,
            username=name,
            display_name=name_of(person),
            email=address_of(person),
            also=lambda conn, user: self._keep(conn, user, way, person),
        )

    async def _named(self, person: Person, make: Callable[[str], Any]) -> User:
        """Make an account under the person's name there, or that with a number when it is taken."""
        base = user_name(person.name)
        for number in range(1, NAME_TRIES):
            try:
                made: User = await make(base if number == 1 else f"{base}{number}")
            except Conflict as failure:
                if failure.code != "username_taken":
                    raise
            else:
                return made
        made = await make(f"{base}-{secrets.token_hex(3)}")
        return made

    # -- what is linked ------------------------------------------------------------------------------------------

    async def linked(self, user: User) -> list[Linked]:
        """The accounts elsewhere that open an account."""
        return await self._db.read(lambda conn: store.of_user(conn, user.id))

    async def unlink(self, user: User, provider: str, subject: str) -> None:
        """Take one away. Raises `Missing`, and `Conflict` when it is the only way in."""

        def work(conn: Connection) -> None:
            if not store.unlink(conn, user.id, provider, subject):
                raise Missing("This is not linked to your account.")
            keep_one(conn, user.id)
            self._activity.note(conn, user, "identity.unlinked", provider)

        await self._db.write(work)
