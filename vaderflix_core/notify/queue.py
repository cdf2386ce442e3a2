"""News about requests, written down in the transaction that makes them: nobody is told of what was not kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ..store import jobs

NEWS = "notify.news"


def queue_request_news(conn: Connection, request_id: int, what: str, now: datetime) -> None:
    """Enqueue telling people that a request was asked, approved, declined, failed, or can be watched."""
    key = f"news:{request_id}:{what}:{int(now.timestamp() * 1000)}"
    jobs.enqueue(conn, key=key, kind=NEWS, payload={"request": request_id, "what": what, "key": key}, now=now)
