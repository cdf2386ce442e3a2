"""News of requests and problems, written down in the transaction that makes them: nobody hears of what was not kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ..store import jobs

NEWS = "notify.news"
PROBLEM_NEWS = "notify.problem_news"


def queue_request_news(conn: Connection, request_id: int, what: str, now: datetime) -> None:
    """Enqueue telling people that a request was asked, approved, declined, failed, or can be watched."""
    key = f"news:{request_id}:{what}:{int(now.timestamp() * 1000)}"
    jobs.enqueue(conn, key=key, kind=NEWS, payload={"request": request_id, "what": what, "key": key}, now=now)


def queue_problem_news(conn: Connection, problem_id: int, what: str, now: datetime) -> None:
    """Enqueue telling people that a problem was reported, or solved."""
    key = f"news:problem:{problem_id}:{what}:{int(now.timestamp() * 1000)}"
    jobs.enqueue(conn, key=key, kind=PROBLEM_NEWS, payload={"problem": problem_id, "what": what, "key": key}, now=now)
