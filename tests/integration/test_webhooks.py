"""Webhooks: an address that only the service knows, an answer at once, and a payload that is never taken as fact."""

from __future__ import annotations

import pytest

from vaderflix_core.api.models import Hint, HintScope
from vaderflix_core.hints import Hints
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.pool import Binding, Pool
from vaderflix_core.vault import Vault

pytestmark = pytest.mark.anyio


class Service:
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def webhook(self, headers, body):
        self.heard.append(body)
        return [Hint(scope=HintScope.REQUESTS, ref="7")]


def listening(service, readers=None):
    pool = Pool()
    pool.publish(
        "films",
        [Binding(plugin="p", instance="films", name="Films", role="WebhookReceiver", provider=service)],
    )
    return Hints(pool, Guard(), Vault([bytes(32)]), readers or {})


async def settle(hints):
    while hints._calls:
        await next(iter(hints._calls))


async def test_a_call_has_what_it_hints_at_read_again():
    service, read = Service(), []
    hints = listening(service, {HintScope.REQUESTS: lambda instance, ref: read.append((instance, ref))})
    hints.take_call("films", {}, b"{}")
    await settle(hints)
    assert service.heard == [b"{}"]
    assert read == [("films", "7")]


async def test_the_address_of_one_instance_is_not_good_for_another():
    hints = listening(Service())
    token = hints.address("films").rpartition("/")[2]
    assert hints.address_is("films", token)
    assert not hints.address_is("series", token)
    assert not hints.address_is("films", token[:-1] + ("A" if token[-1] != "A" else "B"))
    assert hints.address("series") is None


async def test_a_call_that_the_plugin_cannot_read_changes_nothing():
    service, read = Service(), []
    hints = listening(service, {HintScope.REQUESTS: lambda instance, ref: read.append(ref)})

    async def broken(headers, body):
        raise ValueError("not JSON")

    service.webhook = broken
    hints.take_call("films", {}, b"garbage")
    await settle(hints)
    assert read == []
