"""The API as its description says it: everything is called with odd values, and nothing breaks or surprises."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from attack import Besieged
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from vaderflix_core.testing.serving import served

pytestmark = pytest.mark.anyio

EXAMPLES = 5
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = "/events"
ROUTINE = settings(
    max_examples=EXAMPLES,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def call_everything(description: dict[str, Any], url: str, token: Callable[[], str]) -> tuple[list[str], Counter[int]]:
    """What went wrong, and how many answers had each status. `token` signs in: some calls end their session."""
    # it would make up keys, and be a stranger everywhere
    description.pop("security")
    description["components"].pop("securitySchemes")
    schema = schemathesis.openapi.from_dict(description)
    wrong: list[str] = []
    answers: Counter[int] = Counter()
    signed_in: dict[str, str] = {}

    def attempt(case: Any) -> None:
        response = case.call(base_url=url, headers=signed_in, timeout=20)
        answers[response.status_code] += 1
        case.validate_response(response, checks=CHECKS, headers=signed_in)

    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith(ENDLESS):
            continue
        signed_in = {"Authorization": f"Bearer {token()}"}
        name = f"{operation.method.upper()} {operation.path}"
        try:
            ROUTINE(seed(20261124)(given(case=operation.as_strategy())(attempt)))()
        except BaseExceptionGroup as group:
            wrong += [f"{name}: {one}"[:900] for one in group.exceptions]
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__} {error}"[:900])
    return wrong, answers


async def test_every_call_is_answered_as_described_and_none_breaks(house: Besieged) -> None:
    root = await house.host.access.create_user("root", "correct horse battery", role="admin")
    loop = asyncio.get_running_loop()

    def token() -> str:
        started = house.host.sessions.start(root, method="password", user_agent="schemathesis", ip="127.0.0.1")
        return asyncio.run_coroutine_threadsafe(started, loop).result(20).access

    async with served(house.app) as url:
        person = await house.stranger()
        description = (await person.http.get("/api/v1/openapi.json")).json()
        wrong, answers = await asyncio.to_thread(call_everything, description, url, token)
    assert not wrong, f"{len(wrong)} of the operations:\n" + "\n\n".join(wrong)
    assert sum(answers.values()) > 300
    assert answers[200] > 50, f"hardly anything was let in: {answers}"


async def test_the_description_names_every_route_of_the_api(house: Besieged) -> None:
    person = await house.stranger()
    described = (await person.http.get("/api/v1/openapi.json")).json()["paths"]
    own = {route.path for route in house.routes if route.is_api and "/description" not in route.path}
    missing = {path for path in own if path.replace(":int", "").replace(":str", "") not in described}
    assert missing <= {"/api/v1/openapi.json"}
