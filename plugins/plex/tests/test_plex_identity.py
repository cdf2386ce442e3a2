"""Signing in with a Plex account: who gets in, who does not, and that no doubt lets anybody in."""

from urllib.parse import parse_qs

import pytest

from vaderflix_core.api import BadAnswer, Cause, NotFound, Rejected, ServiceError, Unavailable
from vaderflix_core.testing import Fault

pytestmark = pytest.mark.anyio
BACK = "http://vaderflix.test/signin/outside/back"


def said(url: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(url.partition("#?")[2]).items()}


async def begun(provider):
    pending = await provider.begin(BACK)
    return pending, said(pending.url)["code"]


async def test_a_friend_of_this_server_signs_in_under_the_number_of_their_account(household):
    simulator, provider = household
    pending, code = await begun(provider)
    assert said(pending.url)["forwardUrl"] == BACK
    assert await provider.poll(pending.state) is None
    assert simulator.plextv.claim(code, "friend")
    person = await provider.poll(pending.state)
    assert (person.subject, person.name, person.email) == ("4000002", "Fred Friend", "friend@example.org")
    assert person.has_access


async def test_the_owner_signs_in_and_the_token_of_the_settings_stays_good(household):
    simulator, provider = household
    pending, code = await begun(provider)
    simulator.plextv.claim(code, "owner")
    assert (await provider.poll(pending.state)).subject == "4000001"
    assert simulator.plextv.who(simulator.token).username == "owner"
    assert await provider.people()


@pytest.mark.parametrize("who", ["stranger", "elsewhere", "pending"])
async def test_who_has_no_access_to_this_server_is_told_apart(household, who):
    simulator, provider = household
    pending, code = await begun(provider)
    simulator.plextv.claim(code, who)
    person = await provider.poll(pending.state)
    assert person.subject == str(simulator.plextv.named(who).id)
    assert not person.has_access


async def test_an_address_that_changed_hands_opens_nothing(household):
    simulator, provider = household
    stranger = simulator.plextv.named("stranger")
    simulator.plextv.named("friend").email, stranger.email = "old@example.org", "friend@example.org"
    pending, code = await begun(provider)
    simulator.plextv.claim(code, "4000004")
    assert not (await provider.poll(pending.state)).has_access


async def test_access_that_was_taken_away_is_felt_at_the_next_sign_in(household):
    simulator, provider = household
    simulator.plextv.revoke("friend")
    pending, code = await begun(provider)
    simulator.plextv.claim(code, "friend")
    assert not (await provider.poll(pending.state)).has_access


async def test_a_player_with_the_servers_name_is_no_server(household, monkeypatch):
    simulator, provider = household
    monkeypatch.setattr(simulator.plextv, "reaches", lambda account: [])
    pending, code = await begun(provider)
    provider.client._machine = "player-of-4000002"
    simulator.plextv.claim(code, "friend")
    assert not (await provider.poll(pending.state)).has_access


async def test_no_token_of_a_person_outlives_the_sign_in(household):
    simulator, provider = household
    for who in ("friend", "stranger"):
        pending, code = await begun(provider)
        simulator.plextv.claim(code, who)
        await provider.poll(pending.state)
    assert list(simulator.plextv.tokens) == [simulator.token]


async def test_a_pin_of_another_client_or_of_nobody_is_no_sign_in(household):
    simulator, provider = household
    foreign = simulator.plextv.new_pin("another-app", "Another", True)
    simulator.plextv.claim(foreign.code, "friend")
    for state in (f"{foreign.id}:{foreign.code}", "77:guessed", "", "x:y", "1/../user:z"):
        with pytest.raises(NotFound):
            await provider.poll(state)
    pending, code = await begun(provider)
    simulator.plextv.claim(code, "friend")
    with pytest.raises(NotFound):
        await provider.poll(pending.state.partition(":")[0] + ":another-code")


async def test_a_pin_runs_out(household):
    simulator, provider = household
    pending, code = await begun(provider)
    simulator.plextv.claim(code, "friend")
    simulator.plextv.now += 1801
    with pytest.raises(NotFound):
        await provider.poll(pending.state)


async def test_a_token_that_was_rotated_out_meanwhile_ends_the_sign_in(household):
    simulator, provider = household
    first, code = await begun(provider)
    simulator.plextv.claim(code, "friend")
    second, other = await begun(provider)
    simulator.plextv.claim(other, "friend")
    with pytest.raises(NotFound):
        await provider.poll(first.state)
    assert (await provider.poll(second.state)).subject == "4000002"


@pytest.mark.parametrize("path", ["/pins/", "/api/v2/user", "/resources", "/identity"])
@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.SLOW])
async def test_no_failure_at_any_step_lets_anybody_in_and_the_sign_in_goes_on_afterwards(household, fault, path):
    simulator, provider = household
    pending, code = await begun(provider)
    simulator.plextv.claim(code, "friend")
    for http in (provider.account._door, provider.client._anonymous):
        http._http.timeout = 0.3 if fault is Fault.HANG else 5
    simulator.faults.set(fault, path=path)
    with pytest.raises(ServiceError) as failure:
        await provider.poll(pending.state)
    assert type(failure.value) is not Rejected
    simulator.faults.clear()
    provider.account._quiet_until = 0
    if isinstance(failure.value, (Unavailable, BadAnswer)):
        assert (await provider.poll(pending.state)).subject == "4000002"


async def test_polls_are_a_second_apart_whoever_asks_how_often(household, monkeypatch):
    simulator, provider = household
    monkeypatch.setattr("vaderflix_plex.identity.POLL_GAP", 1.0)
    pending, code = await begun(provider)
    simulator.plextv.claim(code, "friend")
    simulator.faults.calls.clear()
    assert (await provider.poll(pending.state)).subject == "4000002"
    before = len(simulator.faults.calls)
    assert await provider.poll(pending.state) is None
    assert len(simulator.faults.calls) == before


async def test_who_is_asked_to_slow_down_asks_nothing_for_that_long(household):
    simulator, provider = household
    simulator.faults.set(Fault.RATE_LIMITED, path="/pins")
    with pytest.raises(Unavailable) as first:
        await provider.begin(BACK)
    simulator.faults.clear()
    simulator.faults.calls.clear()
    with pytest.raises(Unavailable) as second:
        await provider.people()
    assert first.value.cause is second.value.cause is Cause.RATE_LIMITED
    assert 0 < second.value.retry_after <= first.value.retry_after
    assert [path for _, path in simulator.faults.calls if "plex.tv" in path] == []


async def test_sign_ins_have_a_limit_per_minute(household, monkeypatch):
    _, provider = household
    monkeypatch.setattr("vaderflix_plex.account.PINS_A_MINUTE", 2)
    await provider.begin(BACK)
    await provider.begin(BACK)
    with pytest.raises(Unavailable):
        await provider.begin(BACK)
