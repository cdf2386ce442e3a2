"""Sharing libraries: what is asked for and nothing else, and no doubt about plex.tv ever looks like an empty list."""

import pytest

from vaderflix_core.api import BadAnswer, NotFound, Rejected, ServiceError, ShareState
from vaderflix_core.testing import Fault

pytestmark = pytest.mark.anyio
FILMS, SERIES = "7000001", "7000002"


@pytest.fixture(params=["", "v2_gone", "invites_v2_gone"])
async def either(household, request):
    """(simulator, provider) for each generation of plex.tv that is still to be met."""
    simulator, provider = household
    if request.param:
        setattr(simulator.plextv, request.param, True)
    return simulator, provider


async def test_libraries_have_the_numbers_that_sharing_uses(household):
    _simulator, provider = household
    assert [(one.id, one.title) for one in await provider.libraries()] == [(FILMS, "Films"), (SERIES, "Series")]


async def test_all_shares_are_listed_with_what_is_shared(either):
    _, provider = either
    found = {share.name: share for share in await provider.people()}
    assert set(found) == {"friend", "pending"}
    assert (found["friend"].subject, found["friend"].state, found["friend"].libraries) == (
        "4000002", ShareState.ACCEPTED, (FILMS,),
    )  # fmt: skip
    assert found["pending"].state is ShareState.PENDING


@pytest.mark.parametrize("who", ["stranger@example.org", "stranger", "4000004"])
async def test_an_invitation_is_pending_until_it_is_accepted(either, who):
    simulator, provider = either
    share = await provider.invite(who, [SERIES])
    assert (share.subject, share.state) == ("4000004", ShareState.PENDING)
    assert simulator.plextv.grant_of("stranger").sections == (int(SERIES),)
    simulator.plextv.accept("stranger")
    after = next(one for one in await provider.people() if one.id == share.id)
    assert (after.state, after.libraries) == (ShareState.ACCEPTED, (SERIES,))


async def test_an_address_that_plex_does_not_know_is_invited_too(household):
    _simulator, provider = household
    share = await provider.invite("new@example.org", [FILMS])
    assert (share.subject, share.email, share.state) == (None, "new@example.org", ShareState.PENDING)


async def test_nobody_called_so_is_told_as_such(either):
    _, provider = either
    with pytest.raises(Rejected, match="knows nobody"):
        await provider.invite("nobody-at-all", [FILMS])


@pytest.mark.parametrize("who", ["friend", "FRIEND@Example.org", "4000002"])
async def test_inviting_somebody_twice_adds_to_the_share(either, who):
    simulator, provider = either
    share = await provider.invite(who, [SERIES])
    assert (share.id, set(share.libraries)) == ("501", {FILMS, SERIES})
    assert len(simulator.plextv.grants) == 2


async def test_a_share_that_another_hand_made_meanwhile_is_taken_over(household, monkeypatch):
    _simulator, provider = household
    real = provider.people
    answers = iter([[], None, None, None])

    async def people():
        first = next(answers)
        return await real() if first is None else first

    monkeypatch.setattr(provider, "people", people)
    assert set((await provider.invite("friend", [SERIES])).libraries) == {FILMS, SERIES}


async def test_libraries_are_changed_and_restrictions_stay(either):
    simulator, provider = either
    simulator.plextv.grant(501).filters["filterMovies"] = "contentRating=PG"
    assert (await provider.change("501", [SERIES])).libraries == (SERIES,)
    assert simulator.plextv.grant(501).filters == {"filterMovies": "contentRating=PG"}
    with pytest.raises(NotFound):
        await provider.change("999", [SERIES])


async def test_an_empty_or_unknown_list_of_libraries_is_never_sent(either):
    simulator, provider = either
    simulator.faults.calls.clear()
    for libraries in ([], ["1"], [FILMS, "9"]):
        for call in (provider.invite("stranger", libraries), provider.change("501", libraries)):
            with pytest.raises(Rejected) as refusal:
                await call
            assert refusal.value.field == "libraries"
    assert {method for method, _ in simulator.faults.calls} == {"GET"}


async def test_a_share_is_removed_and_the_second_time_is_no_failure(either):
    simulator, provider = either
    for share in ("501", "502", "501"):
        await provider.remove(share)
    assert simulator.plextv.grants == []
    assert await provider.people() == []
    with pytest.raises(NotFound):
        await provider.remove("5/../01")


async def test_a_list_that_is_shorter_than_its_count_is_no_answer(either):
    simulator, provider = either
    simulator.plextv.people_cut = 1
    with pytest.raises(BadAnswer):
        await provider.people()


async def test_lists_that_disagree_are_no_answer(household):
    simulator, provider = household
    simulator.faults.set(Fault.EMPTY, path="/accepted")
    with pytest.raises(BadAnswer, match="left out 1 of 2"):
        await provider.people()


WORK = {
    "libraries": lambda p: p.libraries(),
    "people": lambda p: p.people(),
    "invite": lambda p: p.invite("stranger", [FILMS]),
    "change": lambda p: p.change("501", [SERIES]),
    "remove": lambda p: p.remove("501"),
}


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("fault", [f for f in Fault if f not in (Fault.SLOW,)])
async def test_no_fault_of_plex_tv_looks_like_an_answer_or_takes_anything_away(household, fault, work):
    simulator, provider = household
    await provider.client.machine()
    provider.account._owner._http.timeout = 0.3 if fault is Fault.HANG else 5
    simulator.faults.set(fault, path="/plex.tv")
    with pytest.raises(ServiceError):
        await WORK[work](provider)
    simulator.faults.clear()
    provider.account._quiet_until = 0
    # half an answer comes after the deed: what was asked for is done, and nothing else
    done = fault is Fault.HALF and work == "remove"
    assert [grant.id for grant in simulator.plextv.grants] == ([502] if done else [501, 502])
    assert all(grant.sections for grant in simulator.plextv.grants)


async def test_documents_with_entities_are_refused(household, provide):
    import httpx

    bomb = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><MediaContainer totalSize="0">&b;</MediaContainer>'

    def answer(request):
        if request.url.path == "/identity":
            return httpx.Response(200, json={"MediaContainer": {"machineIdentifier": "m"}})
        return httpx.Response(200, content=bomb)

    provider = provide("http://plex.test", transport=httpx.MockTransport(answer))
    with pytest.raises(BadAnswer):
        await provider.people()


async def test_a_token_that_is_not_the_owners_is_told_as_such(simulated, provide, monkeypatch):
    from vaderflix_core.api import AuthFailed

    monkeypatch.setattr("vaderflix_plex.account.GAP", 0.0)
    async with simulated() as (_simulator, url):
        provider = provide(url, token="server-token-4000001", account_url=f"{url}/plex.tv")
        with pytest.raises(AuthFailed, match="could not be authenticated"):
            await provider.people()


async def test_a_token_that_works_again_is_no_trouble_any_more(household):
    simulator, provider = household
    simulator.faults.set(Fault.UNAUTHORIZED, path="/plex.tv")
    with pytest.raises(ServiceError):
        await provider.people()
    simulator.faults.clear()
    assert [report.code for report in await provider.check()] == ["account-refused"]
    await provider.people()
    assert await provider.check() == []
