"""The activity log: deeds and entries are kept together, found again, and exported safely."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import timedelta

import pytest

from vaderflix_core.access import activity
from vaderflix_core.access.activity import ActivityFilter, asking_from, changed

pytestmark = pytest.mark.anyio


async def test_an_entry_says_who_from_where_and_what_changed(house):
    mara = await house.person("mara", "admin")
    asking_from.set("192.0.2.7")
    await house.activity.log(
        mara, "user.changed", "noor", before={"role": "viewer"}, after={"role": "admin", "n": None}
    )
    [entry] = await house.activity.find()
    assert (entry.actor, entry.actor_id, entry.ip) == ("mara", mara.id, "192.0.2.7")
    assert (entry.before, entry.after) == ({"role": "viewer"}, {"role": "admin", "n": ""})
    assert entry.at == house.clock()


async def test_the_address_of_one_who_asks_does_not_stick_to_the_next(house):
    async def deed(ip: str) -> None:
        asking_from.set(ip)
        await house.activity.log(None, "test.deed", ip)

    await asyncio.gather(*(deed(f"192.0.2.{n}") for n in range(20)))
    assert all(entry.ip == entry.subject for entry in await house.activity.find())


async def test_an_entry_of_a_deed_that_failed_is_not_kept(house):
    def work(conn):
        house.activity.note(conn, None, "test.deed", "x")
        raise LookupError

    with pytest.raises(LookupError):
        await house.db.write(work)
    assert await house.activity.find() == []


async def test_entries_written_at_once_form_one_chain(house):
    await asyncio.gather(*(house.activity.log(None, "test.deed", str(n)) for n in range(40)))
    assert len(await house.activity.find()) == 40
    assert (await house.log_seal.check()).whole


async def test_filters_find_by_account_group_words_and_time(house):
    mara, jonas = await house.person("mara", "admin"), await house.person("jonas", "admin")
    await house.activity.log(mara, "request.approved", "Metropolis (100 %)", ip="192.0.2.7")
    house.clock.forward(days=1)
    await house.activity.log(jonas, "request.declined", "Nosferatu")
    await house.activity.log(jonas, "requests_like.other", "Detour")

    async def found(**wanted):
        return [entry.subject for entry in await house.activity.find(ActivityFilter(**wanted))]

    assert await found(actor_id=mara.id) == ["Metropolis (100 %)"]
    assert await found(action="request") == ["Nosferatu", "Metropolis (100 %)"]
    assert await found(action="request.declined") == ["Nosferatu"]
    assert await found(words="100 %") == ["Metropolis (100 %)"]
    assert await found(words="%") == ["Metropolis (100 %)"]
    assert await found(words="192.0.2") == ["Metropolis (100 %)"]
    assert await found(since=house.clock() - timedelta(hours=1)) == ["Detour", "Nosferatu"]
    assert await found(until=house.clock()) == ["Metropolis (100 %)"]
    assert await house.activity.actions() == ["request.approved", "request.declined", "requests_like.other"]


async def whole(pieces):
    return b"".join([piece async for piece in pieces])


async def csv_rows(house):
    text = (await whole(house.activity.export_csv(ActivityFilter()))).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
async def test_no_cell_of_the_csv_is_a_formula(house, cell):
    await house.activity.log(None, "test.deed", cell, after={"note": cell})
    rows = await csv_rows(house)
    assert len(rows) == 2
    for value in rows[1]:
        assert not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")), value
    assert rows[1][rows[0].index("subject")] == f"'{cell}"


async def test_the_json_export_holds_what_the_log_holds(house):
    await house.activity.log(None, "test.deed", '"quoted", <b>', after={"a": "b"})
    [entry] = json.loads(await whole(house.activity.export_json(ActivityFilter())))
    assert (entry["subject"], entry["after"]) == ('"quoted", <b>', {"a": "b"})


@pytest.mark.parametrize("entries", [0, 1, 3, 4, 7])
async def test_an_export_holds_every_entry_once_however_many_there_are(house, entries, monkeypatch):
    monkeypatch.setattr(activity, "EXPORT_PAGE", 3)
    for n in range(entries):
        await house.activity.log(None, "test.deed", f"deed {n}")
    wanted = [f"deed {n}" for n in reversed(range(entries))]
    heading, *rows = await csv_rows(house)
    assert [row[heading.index("subject")] for row in rows] == wanted
    assert [
        entry["subject"] for entry in json.loads(await whole(house.activity.export_json(ActivityFilter())))
    ] == wanted


async def test_what_is_noted_during_an_export_neither_doubles_nor_displaces_an_entry(house, monkeypatch):
    monkeypatch.setattr(activity, "EXPORT_PAGE", 2)
    for n in range(5):
        await house.activity.log(None, "test.deed", f"deed {n}")
    body = b""
    async for piece in house.activity.export_json(ActivityFilter()):
        body += piece
        await house.activity.log(None, "test.deed", "meanwhile")
    assert [entry["subject"] for entry in json.loads(body)][-5:] == [f"deed {n}" for n in reversed(range(5))]


def test_only_what_differs_is_noted():
    assert changed({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == ({"b": 2}, {"b": 3, "c": 4})


async def test_long_values_are_cut(house):
    await house.activity.log(None, "test.deed", "x" * 5000, after={"n": "y" * 5000})
    [entry] = await house.activity.find()
    assert len(entry.subject) == len(entry.after["n"]) == 500
