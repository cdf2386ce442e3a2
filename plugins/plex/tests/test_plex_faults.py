"""Every way a server can fail, at every method: always the error that tells what to do, never “gone”."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest

from vaderflix_core.api import (
    AuthFailed,
    BadAnswer,
    Cause,
    ExternalIds,
    MediaKind,
    NotFound,
    ServiceError,
    Unavailable,
    WrongService,
)
from vaderflix_core.testing import Fault
from vaderflix_plex.provider import PlexProvider

pytestmark = pytest.mark.anyio


async def first_hint(provider):
    provider.silence = provider.client.timeout
    async for hint in provider.hints():
        return hint


async def read_file(provider):
    """Open a file and read it to its end, with the reference that a healthy server gave."""
    stream = await provider.open(provider.known_ref, None)
    return [chunk async for chunk in stream.chunks()]


METHODS: dict[str, Callable[[PlexProvider], Awaitable[object]]] = {
    "test": lambda p: p.test(),
    "check": lambda p: p.check(),
    "search": lambda p: p.search("general", 5),
    "locate held": lambda p: p.locate(MediaKind.MOVIE, ExternalIds(imdb="tt0013442")),
    "locate absent": lambda p: p.locate(MediaKind.MOVIE, ExternalIds(tmdb=19)),
    "item": lambda p: p.item("7"),
    "item series": lambda p: p.item("15"),
    "episodes": lambda p: p.episodes("15", 1),
    "recently_added": lambda p: p.recently_added(5),
    "browse": lambda p: p.browse(None),
    "changes": lambda p: p.changes(datetime(2000, 1, 1, tzinfo=UTC)),
    "image": lambda p: p.image("/library/metadata/7/thumb/1", 300),
    "playables": lambda p: p.playables("7"),
    "open": read_file,
    "hints": first_hint,
}
EXPECTED: dict[Fault, tuple[type[ServiceError], Cause | None]] = {
    Fault.UNAUTHORIZED: (AuthFailed, None),
    Fault.RATE_LIMITED: (Unavailable, Cause.RATE_LIMITED),
    Fault.SERVER_ERROR: (Unavailable, Cause.SERVER_ERROR),
    Fault.GARBAGE: (BadAnswer, None),
    Fault.HALF: (Unavailable, Cause.BROKEN),
    Fault.HANG: (Unavailable, Cause.TIMEOUT),
    Fault.EMPTY: (BadAnswer, None),
    Fault.GONE: (Unavailable, Cause.BROKEN),
}


def hurry(provider):
    """Give up soon: only for answers that never come, as all others may be late on a busy machine."""
    provider.client.timeout = 0.3
    for service in (provider.client._known, provider.client._anonymous):
        service._http.timeout = httpx.Timeout(0.3)


def expected(method: str, fault: Fault, warm: bool) -> tuple[type[ServiceError], Cause | None]:
    if method == "test" and fault in (Fault.GARBAGE, Fault.EMPTY):
        return WrongService, None
    if method == "hints" and warm and fault in (Fault.GARBAGE, Fault.EMPTY):
        return Unavailable, Cause.BROKEN
    if method == "hints" and warm and fault is Fault.HALF:
        return Unavailable, Cause.TIMEOUT  # an endless answer has no half
    return EXPECTED[fault]


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("method", METHODS)
async def test_every_fault_is_raised_as_what_it_is_and_never_as_gone(plex, provide, method, warm):
    simulator, healthy = plex
    ref = (await healthy.playables("7"))[0].ref
    for fault in EXPECTED:
        simulator.faults.clear()
        provider = provide(healthy.client.url)
        provider.known_ref = ref
        if warm:
            await provider.locate(MediaKind.MOVIE, ExternalIds(tmdb=19))
            provider.shelf._read_at = 0.0
        if fault is Fault.HANG or (method, fault) == ("hints", Fault.HALF):
            hurry(provider)
        simulator.faults.set(fault)
        kind, cause = expected(method, fault, warm)
        with pytest.raises(ServiceError) as caught:
            await METHODS[method](provider)
        assert type(caught.value) is kind, (fault, caught.value)
        assert not isinstance(caught.value, NotFound)
        if cause is not None:
            assert caught.value.cause is cause, fault
        assert simulator.token not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    ("path", "kind", "ids"),
    [
        ("/library/sections/1/all", MediaKind.MOVIE, ExternalIds(imdb="tt0013442")),
        ("/library/metadata/7", MediaKind.MOVIE, ExternalIds(imdb="tt0013442")),
        ("/library/sections/2/all", MediaKind.SERIES, ExternalIds(tvdb=9000201)),
        ("/library/metadata/15/children", MediaKind.SERIES, ExternalIds(tvdb=9000201)),
    ],
)
async def test_a_fault_at_one_path_is_not_taken_for_absence(plex, provide, path, kind, ids):
    simulator, healthy = plex
    for fault in EXPECTED:
        provider = provide(healthy.client.url)
        if fault is Fault.HANG:
            hurry(provider)
        simulator.faults.set(fault, path=path)
        with pytest.raises(ServiceError) as caught:
            await provider.locate(kind, ids)
        assert not isinstance(caught.value, NotFound), fault


@pytest.mark.parametrize("path", ["/library/sections/1/all", "/library/metadata/7", "/library/sections"])
async def test_an_empty_answer_is_not_taken_for_absence(plex, path):
    simulator, provider = plex
    simulator.faults.set(Fault.EMPTY, path=path)
    with pytest.raises(BadAnswer):
        await provider.locate(MediaKind.MOVIE, ExternalIds(imdb="tt0013442"))


async def test_a_slow_server_is_waited_for(plex):
    simulator, provider = plex
    simulator.faults.set(Fault.SLOW, seconds=0.05)
    assert (await provider.test()).product == "Plex Media Server"


async def test_after_a_fault_the_next_call_works(plex, provide):
    simulator, healthy = plex
    provider = provide(healthy.client.url, timeout=1.0)
    for fault in EXPECTED:
        simulator.faults.set(fault)
        with pytest.raises(ServiceError):
            await provider.locate(MediaKind.MOVIE, ExternalIds(imdb="tt0013442"))
        simulator.faults.clear()
        assert (await provider.locate(MediaKind.MOVIE, ExternalIds(imdb="tt0013442"))).items, fault


async def test_a_page_that_takes_too_long_is_asked_for_smaller_next_time(plex, provide):
    simulator, healthy = plex
    provider = provide(healthy.client.url)
    await provider.test()
    hurry(provider)
    simulator.faults.set(Fault.HANG, path="/all")
    with pytest.raises(Unavailable):
        await provider.shelf.refresh()
    assert provider.client._page == 250


async def test_nothing_listens_at_the_address(provide):
    with pytest.raises(Unavailable) as caught:
        await provide("http://127.0.0.1:9").test()
    assert caught.value.cause is Cause.REFUSED
