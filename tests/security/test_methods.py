"""`Allow` is true for every path of the application, whoever asks for it, and however."""

from __future__ import annotations

from typing import Any

import pytest
from attack import Besieged, Person, routes_of

pytestmark = pytest.mark.anyio
METHODS = ("DELETE", "PATCH", "PUT", "POST", "HEAD")  # a wrong GET may lead on to a page


def named(answer: Any) -> set[str]:
    return set(answer.headers.get("allow", "").split(", "))


async def deviations(app: Any, person: Person) -> tuple[list[str], int]:
    """Each path whose `Allow` differs from its routes, and how many were asked."""
    wrong, paths = [], dict[str, list[Any]]()
    for route in routes_of(app):
        paths.setdefault(route.path, []).append(route)
    for routes in paths.values():
        path, methods = routes[0].filled(), {route.method for route in routes}
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
