"""`Allow` is true for every path of the application, whoever asks for it, and however."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from attack import Besieged, Person, routes_of

pytestmark = pytest.mark.anyio
METHODS = ("DELETE", "PATCH", "PUT", "POST")  # a wrong GET may lead on to a page


def named(answer: Any) -> set[str]:
    return set(answer.headers.get("allow", "").split(", "))


async def deviations(app: Any, person: Person) -> tuple[list[str], int]:
    """Each path whose `Allow` differs from its routes, and how many were asked."""
    wrong, paths = [], dict[str, list[Any]]()
    for route in routes_of(app):
        paths.setdefault(route.path, []).append(route)
    for routes in paths.values():
        path, methods = routes[0].filled(), {route.method for route in routes}
        methods |= {"HEAD"} if "GET" in methods else set()
        answers = {"OPTIONS": await person.http.options(path)}
        unused = next(method for method in METHODS if method not in methods)
        answers[unused] = await person.http.request(unused, path)
        for method, status in (("OPTIONS", 204), (unused, 405)):
            answer = answers[method]
            if answer.status_code != status or named(answer) != methods | {"OPTIONS"}:
                wrong.append(f"{method} {path}: {answer.status_code} {named(answer)}, not {methods}")
    return wrong, len(paths)


async def test_every_path_names_all_its_methods_and_no_other(house: Besieged) -> None:
    for person in (await house.stranger(), await house.person("mara")):
        wrong, asked = await deviations(house.app, person)
        assert wrong == []
        assert asked > 200


async def test_a_page_that_is_refused_says_which_methods_there_are(house: Besieged) -> None:
    stranger = await house.stranger()
    for path in ("/api/v1/session", "/hooks/library/nothing"):
        answer = await stranger.http.get(path)
        assert answer.status_code == 405
        assert "POST" in named(answer)


async def test_head_is_answered_as_get_without_a_body(house: Besieged) -> None:
    wrong, asked = [], 0
    for person in (await house.stranger(), await house.person("mara")):
        for route in house.routes:
            if route.method != "GET" or route.path.startswith("/play/"):  # has a HEAD of its own: a film is long
                continue
            asked += 1
            async with asyncio.timeout(60):
                answer = await person.http.head(route.filled())
            if route.is_stream and answer.status_code == 200:
                continue  # a GET would go on
            expected = await person.http.get(route.filled())
            if (answer.status_code, answer.headers.get("location"), answer.content) != (
                expected.status_code,
                expected.headers.get("location"),
                b"",
            ):
                wrong.append(f"{person.name} {route.path}: {answer.status_code}, not {expected.status_code}")
    assert wrong == []
    assert asked > 200
