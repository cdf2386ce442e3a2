"""Requests and their event log in the database. The log is only ever appended to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, insert, or_, select, update

from ..api.models import ExternalIds, MediaKind, Quality, Reason
from ..requests.models import Request, RequestState, TimelineEntry
from .tables import request_events, requests, users

r = requests.c


def _select() -> Select[Any]:
    return select(requests, users.c.display_name.label("username")).join(users, users.c.id == r.user_id)


def _request(row: Any) -> Request:
    values = dict(row._mapping)
    ids = ExternalIds(imdb=values.pop("imdb"), tmdb=values.pop("tmdb"), tvdb=values.pop("tvdb"))
    values["kind"] = MediaKind(values["kind"])
    values["quality"] = Quality(values["quality"])
    values["state"] = RequestState(values["state"])
    values["reason"] = Reason(values["reason"]) if values["reason"] else None
    return Request(ids=ids, **values)


def same_title(kind: MediaKind, ids: ExternalIds) -> ColumnElement[bool]:
    """The condition that a request is for this title: same kind, and one id in common."""
    shared = [getattr(r, name) == getattr(ids, name) for name in ("imdb", "tmdb", "tvdb") if getattr(ids, name)]
    return (r.kind == kind) & or_(False, *shared)


def add(
    conn: Connection,
    *,
    user_id: int,
    kind: MediaKind,
    ids: ExternalIds,
    title: str,
    year: int | None,
    poster: str | None,
    seasons: tuple[int, ...],
    quality: Quality,
    now: datetime,
) -> int:
    """Store a new pending request; gives its id."""
    request_id: int = conn.execute(
        insert(requests)
        .values(
            user_id=user_id,
            kind=kind,
            title=title,
            year=year,
            imdb=ids.imdb,
            tmdb=ids.tmdb,
            tvdb=ids.tvdb,
            poster=poster,
            seasons=seasons,
            quality=quality,
            state=RequestState.PENDING,
            routing=(),
            download_ids=(),
            evidence="",
            decline_reason="",
            created_at=now,
            updated_at=now,
        )
        .returning(r.id)
    ).scalar_one()
    return request_id


def get(conn: Connection, request_id: int, *, owner: int | None = None) -> Request | None:
    """One request; with `owner`, only if it is that account's."""
    query = _select().where(r.id == request_id)
    if owner is not None:
        query = query.where(r.user_id == owner)
    row = conn.execute(query).first()
    return _request(row) if row else None


def find(
    conn: Connection,
    *,
    owner: int | None = None,
    states: Collection[RequestState] = (),
    limit: int = 50,
    before: int | None = None,
) -> list[Request]:
    """Requests, newest first; `before` is the id of the last one of the page before."""
    query = _select().order_by(r.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(r.user_id == owner)
    if states:
        query = query.where(r.state.in_(states))
    if before is not None:
        query = query.where(r.id < before)
    return [_request(row) for row in conn.execute(query)]


def for_title(
    conn: Connection,
    kind: MediaKind,
    ids: ExternalIds,
    states: Collection[RequestState],
    quality: Quality | None = None,
) -> list[Request]:
    """Requests for one title in some states, newest first; with `quality`, only those for such copies."""
    query = _select().where(same_title(kind, ids), r.state.in_(states)).order_by(r.id.desc())
    if quality is not None:
        query = query.where(r.quality == quality)
    return [_request(row) for row in conn.execute(query)]


def counts(conn: Connection, owner: int | None = None) -> dict[RequestState, int]:
    """How many requests are in each state."""
    query = select(r.state, func.count()).group_by(r.state)
    if owner is not None:
        query = query.where(r.user_id == owner)
    return {RequestState(state): n for state, n in conn.execute(query)}


def change(conn: Connection, request_id: int, expected: RequestState, **values: Any) -> bool:
    """Set columns if the request is still in the expected state; False when somebody was faster."""
    done = conn.execute(
        update(requests).where(r.id == request_id, r.state == expected).values(**values).returning(r.id)
    )
    return done.first() is not None


def log(
    conn: Connection,
    request_id: int,
    *,
    at: datetime,
    type: str,
    state: RequestState,
    actor: str = "",
    data: dict[str, str] | None = None,
) -> None:
    """Append to a request's timeline."""
    conn.execute(
        insert(request_events).values(
            request_id=request_id, at=at, type=type, state=state, actor=actor, data=data or {}
        )
    )


def timeline(conn: Connection, request_id: int) -> list[TimelineEntry]:
    """What happened to a request, oldest first."""
    e = request_events.c
    rows = conn.execute(
        select(e.id, e.at, e.type, e.state, e.actor, e.data).where(e.request_id == request_id).order_by(e.id)
    )
    return [
        TimelineEntry(
            id=row.id, at=row.at, type=row.type, state=RequestState(row.state), actor=row.actor, data=row.data
        )
        for row in rows
    ]
