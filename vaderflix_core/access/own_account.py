"""What people do with their own account: profile, devices, keys, the news they want. Each deed is noted once, here."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from zoneinfo import available_timezones

from sqlalchemy import Connection

from ..failures import Invalid
from ..notify.wishes import mutable
from ..store import users as store
from ..store.database import Database
from ..store.sessions import ApiKey
from .activity import Activity, changed
from .agents import agent_of
from .models import Permission, User, whole
from .policy import UNFIT_NAME, shown_name
from .sessions import Sessions


@functools.cache  # each of some 600 files is opened
def time_zones() -> tuple[str, ...]:
    """The time zones to choose from: places, and UTC."""
    places = (z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/")))
    return ("UTC", *sorted(places))


def _name(text: str, field: str) -> str:
    name = shown_name(text)
    if name is None:
        raise Invalid(f"{UNFIT_NAME}.", {field: UNFIT_NAME})
    return name


class OwnAccount:
    """Changes that an account makes to itself. Nothing here can change what it may do."""

    def __init__(self, db: Database, sessions: Sessions, activity: Activity) -> None:
        self._db = db
        self._sessions = sessions
        self._activity = activity

    async def change_profile(self, user: User, *, display_name: str, time_zone: str | None) -> None:
        """Set the name and the time zone; None for the zone of the browser. Raises `Invalid`."""
        name = _name(display_name, "display_name")
        if time_zone is not None and time_zone not in time_zones():
            raise Invalid("There is no such time zone.", {"time_zone": "Choose a time zone of the list"})
        before = {"display_name": user.display_name, "time_zone": user.time_zone}
        after = {"display_name": name, "time_zone": time_zone}
        await self._change(user, "profile.changed", before, after)

    async def mute(self, user: User, kinds: Collection[str]) -> None:
        """Set which kinds of news are not wanted. Kinds that cannot be muted are left out."""
        await self._change(user, "news.chosen", {"muted": user.muted}, {"muted": mutable(kinds)})

    async def _change(self, user: User, action: str, before: Mapping[str, object], after: Mapping[str, object]) -> None:
        was, now = changed(before, after)
        if not now:
            return

        def work(conn: Connection) -> None:
            store.change(conn, user.id, **now)
            self._activity.note(conn, user, action, user.username, before=was, after=now)

        await self._db.write(work)
        self._sessions.forget(user.id)

    # -- devices -------------------------------------------------------------------------------------------------

    async def end_device(self, user: User, session_id: int) -> bool:
        """Sign one device of the account out; False when it has no such device."""
        session = next((one for one in await self._sessions.devices(user) if one.id == session_id), None)
        if session is None or not await self._sessions.end(session_id, owner=user.id):
            return False
        before = {"device": agent_of(session.user_agent).words, "address": session.ip}
        await self._activity.log(user, "device.signed_out", user.username, before=before)
        return True

    async def end_other_devices(self, user: User, session_id: int | None) -> int:
        """Sign all devices out but the one that asks; gives how many there were."""
        others = [one for one in await self._sessions.devices(user) if one.id != session_id]
        await self._sessions.end_all(user.id, but=session_id)
        if others:
            await self._activity.log(user, "device.all_signed_out", user.username, before={"devices": len(others)})
        return len(others)

    # -- keys ----------------------------------------------------------------------------------------------------

    async def make_key(self, user: User, name: str, scopes: Collection[Permission] | None = None) -> tuple[str, ApiKey]:
        """A new API key, shown this once. Raises `Invalid`, also for scopes that the account itself lacks."""
        wanted = whole(scopes) if scopes is not None else user.permissions
        if not wanted <= user.permissions:
            raise Invalid("A key can do no more than its owner.", {"scopes": "Your account lacks some of these rights"})
        key, made = await self._sessions.create_key(user, _name(name, "name"), wanted)
        after = {"name": made.name, "begins": made.prefix, "scopes": made.scopes}
        await self._activity.log(user, "key.made", user.username, after=after)
        return key, made

    async def revoke_key(self, user: User, key_id: int) -> bool:
        """Revoke a key of the account; False when it has no such key."""
        key = next((one for one in await self._sessions.keys(user) if one.id == key_id), None)
        if key is None or not await self._sessions.revoke_key(user, key_id):
            return False
        before = {"name": key.name, "begins": key.prefix}
        await self._activity.log(user, "key.revoked", user.username, before=before)
        return True
