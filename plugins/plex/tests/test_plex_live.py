"""Live hints from the event stream, and hints from webhooks."""

import asyncio
import shutil
from contextlib import aclosing

import anyio
import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.api import Cause, Hint, HintScope, Rejected, Unavailable
from vaderflix_plex.live import ALL, refs_in

ANY = Hint(scope=HintScope.LIBRARY)


def of(ref):
    return Hint(scope=HintScope.LIBRARY, ref=ref)


def entry(**values):
    return {"identifier": "com.plexapp.plugins.library", "itemID": "7", "type": 1, "state": 5, **values}


def said(value):
    return refs_in(msgspec.json.encode(value).decode())


@pytest.mark.parametrize(
    ("message", "refs"),
    [
        ({"TimelineEntry": entry()}, {"7"}),
        ({"TimelineEntry": [entry(), entry(itemID=8)]}, {"7", "8"}),
        ({"NotificationContainer": {"type": "timeline", "size": "1", "TimelineEntry": [entry()]}}, {"7"}),
        ({"TimelineEntry": entry(type=4, itemID="90", rootItemID="22")}, {"22"}),
        ({"TimelineEntry": entry(type="3", itemID="89", rootItemID=22)}, {"22"}),
        ({"TimelineEntry": entry(type=4, itemID="90")}, {ALL}),
        ({"TimelineEntry": entry(state=9)}, {"7"}),
        ({"TimelineEntry": entry(state=3)}, set()),
        ({"TimelineEntry": entry(type=10)}, set()),
        ({"TimelineEntry": entry(identifier="com.plexapp.system")}, set()),
        ({"TimelineEntry": entry(itemID="-1")}, {ALL}),
        ({"StatusNotification": {"title": "Library scan complete"}}, {ALL}),
        ({"StatusNotification": [{"title": "Scanning the library"}]}, set()),
        ({"PlaySessionStateNotification": {"ratingKey": "7", "state": "playing"}}, set()),
        ({"ActivityNotification": {"event": "ended"}}, set()),
        ({}, set()),
        ([1, 2], set()),
    ],
)
def test_only_finished_and_removed_titles_are_named(message, refs):
    assert said(message) == refs


@given(st.text())
def test_no_message_breaks_the_reader(text):
    assert isinstance(refs_in(text), set)


@pytest.fixture
async def listening(plex):
    """(simulator, provider, next hint, hints) once the stream is open and its first hint was heard."""
    simulator, provider = plex
    async with aclosing(provider.hints()) as hints:
        with anyio.fail_after(5):
            assert await anext(hints) == ANY, "what was missed has to be read"
        first = asyncio.create_task(anext(hints))
        yield simulator, provider, first, hints
        first.cancel()


@pytest.mark.anyio
async def test_a_scan_is_heard_as_the_film_it_found(listening, tmp_path, clip):
    simulator, provider, first, hints = listening
    folder = tmp_path / "media" / "movies" / "Metropolis (1927)"
    folder.mkdir(parents=True)
    shutil.copy(clip, folder / "Metropolis.1927.mp4")
    async with httpx.AsyncClient(headers={"X-Plex-Token": simulator.token}) as client:
        await client.get(f"{provider.client.url}/library/sections/1/refresh", params={"path": str(folder)})
    with anyio.fail_after(5):
        found = [await first, await anext(hints)]
    assert found[1] == ANY
    assert (await provider.item(found[0].ref)).title == "Metropolis"


@pytest.mark.anyio
@pytest.mark.parametrize("as_lists", [False, True])
async def test_a_burst_is_one_hint_for_each_title(listening, as_lists):
    simulator, _, first, hints = listening
    simulator.events.as_lists = as_lists
    items = simulator.state.items
    for _ in range(5):
        simulator.events.timeline(items[7], 1, 5)
        simulator.events.timeline(items[17], 4, 5)
        simulator.events.timeline(items[18], 4, 5)
    with anyio.fail_after(5):
        assert [await first, await anext(hints)] == [of("7"), of("15")]


@pytest.mark.anyio
async def test_a_flood_is_one_hint_for_everything(listening):
    simulator, _, first, _ = listening
    for _ in range(20):
        for number in range(1, 200):
            payload = entry(itemID=str(number))
            simulator.events.publish("timeline", "TimelineEntry", payload)
    with anyio.fail_after(5):
        assert await first == ANY


@pytest.mark.anyio
async def test_the_end_of_the_stream_is_raised(listening):
    simulator, _, first, _ = listening
    simulator.events.drop()
    with anyio.fail_after(5), pytest.raises(Unavailable) as caught:
        await first
    assert caught.value.cause is Cause.BROKEN


@pytest.mark.anyio
async def test_what_was_heard_before_the_end_is_still_told(listening):
    simulator, _, first, hints = listening
    simulator.events.timeline(simulator.state.items[7], 1, 5)
    simulator.events.drop()
    with anyio.fail_after(5):
        assert await first == of("7")
        with pytest.raises(Unavailable):
            await anext(hints)


@pytest.mark.anyio
async def test_a_closed_listener_leaves_the_server(plex):
    simulator, provider = plex
    hints = provider.hints()
    waiting = asyncio.create_task(anext(hints))
    with anyio.fail_after(5):
        while not simulator.events.listeners:
            await anyio.sleep(0.005)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await hints.aclose()
        while simulator.events.listeners:
            await anyio.sleep(0.005)


@pytest.mark.anyio
async def test_a_server_that_forbids_its_live_channel_does_not_question_the_token(replayed):
    refuse = {"/:/eventsource/notifications": lambda request: httpx.Response(403, html="<h1>403 Forbidden</h1>")}
    with pytest.raises(Rejected):
        await anext(replayed(refuse).hints())


@pytest.mark.anyio
async def test_a_silent_connection_counts_as_dead(plex):
    _, provider = plex
    provider.silence = 0.1
    with anyio.fail_after(5), pytest.raises(Unavailable) as caught:
        async for _ in provider.hints():
            pass
    assert caught.value.cause is Cause.TIMEOUT


def form(payload, *, picture=b""):
    """A webhook as the server sends it: a form with the payload, and a picture beside it on some events."""
    parts = [
        b'--b0und\r\nContent-Disposition: form-data; name="payload"\r\nContent-Type: application/json\r\n\r\n',
        payload,
    ]
    if picture:
        head = b'Content-Disposition: form-data; name="thumb"; filename="thumb.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        parts += [b"\r\n--b0und\r\n", head, picture]
    return {"Content-Type": "multipart/form-data; boundary=b0und"}, b"".join([*parts, b"\r\n--b0und--\r\n"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("metadata", "hint"),
    [
        ({"librarySectionType": "movie", "type": "movie", "ratingKey": "7"}, of("7")),
        ({"librarySectionType": "show", "type": "episode", "ratingKey": "9", "parentRatingKey": "8",
          "grandparentRatingKey": "6"}, of("6")),
        ({"librarySectionType": "show", "type": "season", "ratingKey": 8, "parentRatingKey": 6}, of("6")),
        ({"librarySectionType": "show", "type": "show", "ratingKey": "6"}, of("6")),
        (None, ANY),
    ],
)  # fmt: skip
@pytest.mark.parametrize("picture", [b"", b"\xff\xd8\x00--b0und not the end\r\n\xff"])
async def test_a_new_title_in_a_webhook_is_a_hint_to_read_it(replayed, metadata, hint, picture):
    payload = {"event": "library.new", **({"Metadata": metadata} if metadata else {})}
    assert await replayed({}).webhook(*form(msgspec.json.encode(payload), picture=picture)) == [hint]


@pytest.mark.anyio
async def test_music_in_a_webhook_says_nothing(replayed):
    payload = {"event": "library.new", "Metadata": {"librarySectionType": "artist", "type": "track", "ratingKey": "7"}}
    assert await replayed({}).webhook(*form(msgspec.json.encode(payload))) == []


@pytest.mark.anyio
async def test_a_recorded_webhook_of_a_playback_says_nothing(replayed, recorded):
    payload = msgspec.json.encode(recorded("webhook-media-scrobble-movie.json"))
    assert await replayed({}).webhook(*form(payload)) == []


@pytest.mark.anyio
async def test_every_event_name_is_understood(replayed, recorded):
    provider = replayed({})
    for names in recorded("webhook-event-names.json").values():
        for name in names:
            hints = await provider.webhook(*form(msgspec.json.encode({"event": name})))
            assert hints == ([ANY] if name.startswith("library.") else []), name


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"garbage"),
        ({"Content-Type": "multipart/form-data"}, b"garbage"),
        ({"Content-Type": "application/json"}, b"{"),
        ({}, b""),
        ({"content-type": "application/json"}, b'{"no": "event"}'),
    ],
)
async def test_what_is_no_webhook_is_rejected(replayed, headers, body):
    with pytest.raises(Rejected):
        await replayed({}).webhook(headers, body)
