"""Webhooks say what to read again, and nothing in them is taken as fact."""

from pathlib import Path

import msgspec
import pytest

from vaderflix_arr.replay import recording
from vaderflix_arr.webhook import hints
from vaderflix_core.api import Hint, HintScope, Rejected

DATA = Path(__file__).parent / "data"


def body(file: str) -> bytes:
    return msgspec.json.encode(recording(DATA / f"{file}.json")["body"])


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("sonarr/webhook-Grab", [Hint(scope=HintScope.REQUESTS, ref="2")]),
        ("sonarr/webhook-SeriesDelete", [Hint(scope=HintScope.REQUESTS, ref="1")]),
        ("sonarr/webhook-ManualInteractionRequired-unknown-title", [Hint(scope=HintScope.REQUESTS)]),
        ("sonarr/webhook-Test", []),
        ("radarr/webhook-Download", [Hint(scope=HintScope.REQUESTS, ref="2")]),
        ("radarr/webhook-Health-error", [Hint(scope=HintScope.HEALTH)]),
    ],
)
def test_each_recorded_call_names_what_to_read_again(file: str, expected: list[Hint]) -> None:
    assert hints(body(file)) == expected


@pytest.mark.parametrize(
    "garbage",
    [b"", b"{}", b"[]", b"<xml/>", b"\xff", b'{"eventType": 5}', b'{"eventType":"Grab","movie":[]}'],
)
def test_other_bodies_are_rejected(garbage: bytes) -> None:
    with pytest.raises(Rejected):
        hints(garbage)


def test_an_event_of_a_newer_version_has_all_read_again() -> None:
    assert hints(b'{"eventType":"SomethingNew"}') == [Hint(scope=HintScope.REQUESTS)]
    assert hints(b'{"eventType":"Grab","movie":{"id":"../x"}}') == [Hint(scope=HintScope.REQUESTS)]
