"""Reported problems in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, insert, or_, select, update

from ..api.models import ExternalIds, MediaKind
from ..problems.models import Problem, ProblemSort, ProblemState
from .tables import problems, users

p = problems.c


def _select() -> Select[Any]:
    return select(problems, users.c.display_name.label("username")).join(users, users.c.id == p.user_id)


def _problem(row: Any) -> Problem:
    values = dict(row._mapping)
    ids = ExternalIds(imdb=values.pop("imdb"), tmdb=values.pop("tmdb"), tvdb=values.pop("tvdb"))
    values["kind"] = MediaKind(values["kind"])
    values["sort"] = ProblemSort(values["sort"])
    values["state"] = ProblemState(values["state"])
    return Problem(ids=ids, **values)


def _same_title(kind: MediaKind, ids: ExternalIds, title: str) -> ColumnElement[bool]:
    """Same kind and one id in common; for a title that no catalogue knows, the same name and no id either."""
    shared = [getattr(p, name) == getattr(ids, name) for name in ("imdb", "tmdb", "tvdb") if getattr(ids, name)]
    nameless = p.imdb.is_(None) & p.tmdb.is_(None) & p.tvdb.is_(None) & (p.title == title)
    return (p.kind == kind) & (or_(*shared) if shared else nameless)


def lock_reporter(conn: Connection, user_id: int) -> None:
    """Of two reports that somebody sends at once, let one wait for the other (SQLite has one writer anyway)."""
    conn.execute(select(users.c.id).where(users.c.id == user_id).with_for_update())


def open_one(
    conn: Connection,
    *,
    user_id: int,
    kind: MediaKind,
    ids: ExternalIds,
    title: str,
    season: int | None,
    episode: int | None,
    sort: ProblemSort,
) -> Problem | None:
    """Somebody's open problem of one sort at one place of a title."""
    query = _select().where(
        p.user_id == user_id,
        p.state == ProblemState.OPEN,
        p.sort == sort,
        p.season.is_(None) if season is None else p.season == season,
        p.episode.is_(None) if episode is None else p.episode == episode,
        _same_title(kind, ids, title),
    )
    row = conn.execute(query.order_by(p.id.desc()).limit(1)).first()
    return _problem(row) if row else None


def add(
    conn: Connection,
    *,
    user_id: int,
    kind: MediaKind,
    ids: ExternalIds,
    title: str,
    season: int | None,
    episode: int | None,
    sort: ProblemSort,
    message: str,
    now: datetime,
) -> int:
    """Store a new open problem; gives its id."""
    problem_id: int = conn.execute(
        insert(problems)
        .values(
            user_id=user_id,
            kind=kind,
            imdb=ids.imdb,
            tmdb=ids.tmdb,
            tvdb=ids.tvdb,
            title=title,
            season=season,
            episode=episode,
            sort=sort,
            message=message,
            state=ProblemState.OPEN,
            answer="",
            solved_by="",
            created_at=now,
            updated_at=now,
        )
        .returning(p.id)
    ).scalar_one()
    return problem_id


def get(conn: Connection, problem_id: int, *, owner: int | None = None) -> Problem | None:
    """One problem; with `owner`, only if it is that account's."""
    query = _select().where(p.id == problem_id)
    if owner is not None:
        query = query.where(p.user_id == owner)
    row = conn.execute(query).first()
    return _problem(row) if row else None


def find(
    conn: Connection,
    *,
    owner: int | None = None,
    state: ProblemState | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[Problem]:
    """Problems, newest first; `before` is the id of the last one of the page before."""
    query = _select().order_by(p.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(p.user_id == owner)
    if state is not None:
        query = query.where(p.state == state)
    if before is not None:
        query = query.where(p.id < before)
    return [_problem(row) for row in conn.execute(query)]


def count_open(conn: Connection, owner: int | None = None) -> int:
    """How many problems are open."""
    query = select(func.count()).select_from(problems).where(p.state == ProblemState.OPEN)
    if owner is not None:
        query = query.where(p.user_id == owner)
    return conn.execute(query).scalar_one()


def change(conn: Connection, problem_id: int, expected: ProblemState, **values: Any) -> bool:
    """Set columns if the problem is still in the expected state; False when somebody was faster."""
    done = conn.execute(
        update(problems).where(p.id == problem_id, p.state == expected).values(**values).returning(p.id)
    )
    return done.first() is not None
