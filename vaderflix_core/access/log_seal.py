"""The seal at the end of the activity log: what the chain of hashes cannot show, a cut-off end and a chain made anew.

Every minute the entries since the last seal are checked, and the new end is signed with a key that is not in the
database. When something is wrong nothing is sealed any more, until an admin has looked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection

from ..failures import Conflict
from ..jobs.broker import Jobs
from ..notify.letters import looks_like_address
from ..store import activity as store
from ..store import incidents, meta
from ..store import users as user_store
from ..store.activity import START, Mark
from ..store.database import Database
from ..store.incidents import Incident
from ..vault import Vault
from .activity import Activity
from .models import Permission, User
from .passwords import QueueMail

log = structlog.get_logger("access")

KEY = "activity.seal"
PURPOSE = "activity-seal"
HOUSE = ""  # the instance of incidents that are the house's own


class Trouble(StrEnum):
    """What is wrong with the log. The values are codes of incidents."""

    CHANGED = "log.changed"
    CUT = "log.cut"
    REWRITTEN = "log.rewritten"
    FORGED = "log.forged"
    PUT_BACK = "log.put_back"


SAID: dict[Trouble, str] = {
    Trouble.CHANGED: "Entry {entry} does not follow from the one before: it, or one before it, was changed or removed "
    "in the database, past this program.",
    Trouble.CUT: "The log was sealed up to entry {entry}, which is not there any more: the end of the log was cut off "
    "in the database, past this program.",
    Trouble.REWRITTEN: "Entry {entry} is another one than the one that was sealed: the log was made anew in the "
    "database, past this program.",
    Trouble.FORGED: "The seal of the log was not made with a key of this house: it was forged, or the key was replaced "
    "and the old one not kept.",
    Trouble.PUT_BACK: "The seal of the log is missing or an older one, though a newer one was made: somebody changed "
    "the database while this program ran.",
}


class Seal(Struct, frozen=True, kw_only=True):
    """A signed end of the log. `number` counts the seals: an old one that is put back has a smaller one."""

    end: Mark
    number: int
    at: datetime
    signature: str = ""


class Chain(Struct, frozen=True, kw_only=True):
    """How the log is: what is wrong with it, up to where it is sealed, and how many entries are younger than that."""

    trouble: Trouble | None
    entry: int | None  # the first that is wrong
    said: str
    sealed_to: int | None
    sealed_at: datetime | None
    younger: int
    alarm: Incident | None  # waits for an admin

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong that can be seen."""
        return self.trouble is None


class _Found(Struct, frozen=True, kw_only=True):
    kept: str | None  # the seal as it is stored
    seal: Seal | None
    end: Mark
    trouble: Trouble | None = None
    entry: int | None = None

    @property
    def said(self) -> str:
        return SAID[self.trouble].format(entry=self.entry) if self.trouble else ""


class LogSeal:
    """Seals the activity log, and tells whether it is as it was sealed."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        activity: Activity,
        mail: QueueMail,
        jobs: Jobs,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._vault = vault
        self._activity = activity
        self._mail = mail
        self._jobs = jobs
        self._clock = clock
        self._newest = 0  # the number of the newest seal that this process knows of

    # -- sealing -------------------------------------------------------------------------------------------------

    async def seal(self) -> None:
        """Check what came since the last seal, and seal it; raise the alarm when something is wrong."""
        if await self.alarm() is not None:
            self._newest = 0  # what an admin accepts counts from then on
            return
        known = self._newest  # before the look: another seal may be made during it
        found = await self._db.read(lambda conn: self._look(conn, whole=False))
        if found.trouble is not None:
            await self._raise(found.trouble, found.said)
            return
        number = found.seal.number if found.seal is not None else 0
        if number < known:
            await self._raise(Trouble.PUT_BACK, SAID[Trouble.PUT_BACK])
            return

        def write(conn: Connection) -> int:
            store.lock(conn)
            if meta.get(conn, KEY) != found.kept:
                return number  # another process was faster
            return self._keep(conn, found.end, number + 1)

        self._newest = max(self._newest, await self._db.write(write))

    def _keep(self, conn: Connection, end: Mark, number: int) -> int:
        seal = Seal(end=end, number=number, at=self._clock())
        signed = msgspec.structs.replace(seal, signature=self._vault.sign(PURPOSE, _text(seal)))
        meta.put(conn, KEY, msgspec.json.encode(signed).decode())
        return number

    async def _raise(self, trouble: Trouble, said: str) -> None:
        def write(conn: Connection) -> bool:
            store.lock(conn)
            if _alarm(conn) is not None:
                return False
            incidents.match(conn, HOUSE, {trouble.value: ("error", said)}, self._clock())
            for user in user_store.all_users(conn):
                if user.disabled or not user.may(Permission.ACTIVITY):
                    continue
                if user.email and looks_like_address(user.email):
                    self._mail(conn, "log_broken", user.email, {"name": user.display_name, "found": said})
            return True

        self._newest = 0
        if await self._db.write(write):
            self._jobs.wake()
            log.error("the activity log is not as it was sealed", code=trouble.value, found=said)

    # -- looking -------------------------------------------------------------------------------------------------

    async def alarm(self) -> Incident | None:
        """What was found and waits for an admin."""
        return await self._db.read(_alarm)

    async def check(self) -> Chain:
        """Check every entry, and the seal."""

        def read(conn: Connection) -> Chain:
            found, alarm = self._look(conn, whole=True), _alarm(conn)
            trouble = found.trouble or (Trouble(alarm.code) if alarm else None)
            sealed = found.seal
            return Chain(
                trouble=trouble,
                entry=found.entry,
                said=found.said or (alarm.message if alarm else ""),
                sealed_to=sealed.end.id if sealed else None,
                sealed_at=sealed.at if sealed else None,
                younger=store.count_after(conn, sealed.end.id if sealed else 0),
                alarm=alarm,
            )

        return await self._db.read(read)

    def _look(self, conn: Connection, *, whole: bool) -> _Found:
        """Compare the log with its seal, and walk the chain: the whole of it, or from the seal on."""
        kept = meta.get(conn, KEY)
        seal = self._opened(kept) if kept is not None else None
        if kept is not None and seal is None:
            return _Found(kept=kept, seal=None, end=START, trouble=Trouble.FORGED)
        if seal is not None and seal.end != START:
            there = store.hash_of(conn, seal.end.id)
            if there != seal.end.hash:
                lost = Trouble.CUT if there is None else Trouble.REWRITTEN
                return _Found(kept=kept, seal=seal, end=START, trouble=lost, entry=seal.end.id)
        end, broken = store.follow(conn, START if whole or seal is None else seal.end)
        trouble = Trouble.CHANGED if broken is not None else None
        return _Found(kept=kept, seal=seal, end=end, trouble=trouble, entry=broken)

    def _opened(self, kept: str) -> Seal | None:
        try:
            seal = msgspec.json.decode(kept, type=Seal)
        except msgspec.MsgspecError:
            return None
        return seal if self._vault.signed(PURPOSE, _text(seal), seal.signature) else None

    # -- going on ------------------------------------------------------------------------------------------------

    async def accept(self, by: User) -> None:
        """Go on from the log as it is now: an admin has seen what is wrong with it. The log says so."""

        def write(conn: Connection) -> int:
            store.lock(conn)
            alarm = _alarm(conn)
            if alarm is None:
                raise Conflict("Nothing is wrong with the log that waits for you.")
            kept = meta.get(conn, KEY)
            before = self._opened(kept) if kept is not None else None
            self._activity.note(conn, by, "log.accepted", alarm.message, after={"found": alarm.opened_at})
            incidents.match(conn, HOUSE, {}, self._clock())
            return self._keep(conn, store.end(conn), before.number + 1 if before else 1)

        self._newest = await self._db.write(write)


def _alarm(conn: Connection) -> Incident | None:
    return next(iter(incidents.open_incidents(conn, HOUSE)), None)


def _text(seal: Seal) -> str:
    """What is signed: all but the signature."""
    return msgspec.json.encode(msgspec.structs.replace(seal, signature="")).decode()
