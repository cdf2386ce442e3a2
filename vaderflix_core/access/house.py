"""What the admin decided about the house as a whole: its name, and how new people come in."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..failures import Invalid
from ..store import meta
from ..store.database import Database
from .activity import Activity, changed
from .models import User

KEY = "house"
REGISTRATION = ("closed", "invitation", "request")


class House(Struct, frozen=True, kw_only=True):
    """The house. `registration`: nobody comes in by themselves, only by invitation, or by asking an admin too."""

    name: str = "Vader Flix"
    registration: Literal["closed", "invitation", "request"] = "invitation"


class HouseRules:
    """Reads and changes what is decided about the house."""

    def __init__(self, db: Database, activity: Activity) -> None:
        self._db = db
        self._activity = activity

    async def get(self) -> House:
        """The house as it is now."""
        return await self._db.read(_read)

    async def change(self, actor: User, *, name: str | None = None, registration: str | None = None) -> House:
        """Change what is given. Raises `Invalid`."""
        wrong: dict[str, str] = {}
        if name is not None and not 1 <= len(name.strip()) <= 60:
            wrong["name"] = "Write a name of 1 to 60 letters"
        if registration is not None and registration not in REGISTRATION:
            wrong["registration"] = "Choose one of " + ", ".join(REGISTRATION)
        if wrong:
            raise Invalid("That could not be saved.", wrong)
        given = {"name": " ".join(name.split()) if name is not None else None, "registration": registration}
        values = {key: value for key, value in given.items() if value is not None}

        def work(conn: Connection) -> House:
            before = _read(conn, lock=True)
            after = msgspec.convert({**msgspec.to_builtins(before), **values}, House)
            old, new = changed(msgspec.to_builtins(before), msgspec.to_builtins(after))
            if new:
                meta.put(conn, KEY, msgspec.json.encode(after).decode())
                self._activity.note(conn, actor, "house.changed", after.name, before=old, after=new)
            return after

        return await self._db.write(work)


def _read(conn: Connection, *, lock: bool = False) -> House:
    kept = meta.get(conn, KEY, lock=lock)
    return msgspec.json.decode(kept, type=House) if kept else House()
