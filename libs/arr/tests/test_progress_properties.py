"""What holds for every reading, whatever the services come to say."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vaderflix_arr.history import IMPORTS
from vaderflix_arr.progress import Title, progress
from vaderflix_arr.wire import Command, HealthRow, HistoryRecord, QueueRecord, StatusMessage
from vaderflix_core.api import Reason, Stage

NOW = datetime(2026, 11, 23, tzinfo=UTC)
words = st.one_of(
    st.sampled_from(
        [
            "queued",
            "paused",
            "downloading",
            "completed",
            "failed",
            "warning",
            "delay",
            "fallback",
            "error",
            "ok",
            "importBlocked",
            "importPending",
            "imported",
            "The download is stalled with no connections",
        ]
    ),
    st.text(max_size=12),
)
times = st.integers(-100_000, 1000).map(lambda s: NOW + timedelta(seconds=s))
sizes = st.floats(-1e6, 1e13, allow_nan=False)
hashes = st.sampled_from(["AA", "BB", "CC", "", None])
messages = st.builds(StatusMessage, messages=st.lists(words, max_size=2).map(tuple))
rows = st.builds(
    QueueRecord,
    id=st.integers(1, 50),
    size=sizes,
    sizeleft=sizes,
    timeleft=st.one_of(st.none(), st.just("00:10:00"), st.text(max_size=9)),
    added=st.one_of(st.none(), times),
    status=words,
    tracked_download_status=st.one_of(st.none(), words),
    tracked_download_state=st.one_of(st.none(), words),
    error_message=st.one_of(st.none(), words),
    download_id=hashes,
    status_messages=st.lists(st.builds(StatusMessage, messages=st.lists(words, max_size=2).map(tuple)), max_size=2).map(
        tuple
    ),
)
events = st.one_of(
    st.sampled_from(["grabbed", "downloadFolderImported", "downloadFailed", "movieFileDeleted", "episodeFileDeleted"]),
    words,
)
history = st.builds(
    HistoryRecord,
    id=st.integers(1, 99),
    movie_id=st.just(1),
    episode_id=st.one_of(st.none(), st.integers(1, 5)),
    date=times,
    download_id=hashes,
    event_type=events,
    data=st.dictionaries(st.just("reason"), st.sampled_from(["Upgrade", "Manual", None]), max_size=1),
)
health = st.builds(HealthRow, source=st.one_of(st.just("DownloadClientCheck"), words), type=words, message=words)
commands = st.builds(Command, name=words, status=words, ended=st.one_of(st.none(), times), message=words)


@st.composite
def titles(draw: st.DrawFn) -> Title:
    film = draw(st.booleans())
    wanted = 1 if film else draw(st.integers(0, 9))
    return Title(
        film=film,
        wanted=wanted,
        held=draw(st.integers(0, wanted)),
        monitored=draw(st.booleans()),
        released=draw(st.booleans()),
        searched_at=draw(st.one_of(st.none(), times)),
    )


world = {
    "queue": st.lists(rows, max_size=6),
    "history": st.lists(history, max_size=6),
    "health": st.lists(health, max_size=3),
    "searches": st.lists(commands, max_size=3),
    "absent_since": st.one_of(st.none(), times),
}


@given(titles(), st.fixed_dictionaries(world))
def test_a_title_is_never_imported_without_a_file_or_an_import_in_its_history(title, given_world) -> None:
    found = progress(title, now=NOW, **given_world)
    imported = any(row.event_type.lower() in IMPORTS for row in given_world["history"])
    if found.stage is Stage.IMPORTED:
        assert title.held >= title.wanted > 0 or (title.film and imported)
    if found.stage is Stage.PARTLY:
        assert 0 < title.held < title.wanted
    assert found.stage is not Stage.GONE


@given(titles(), st.fixed_dictionaries(world))
def test_figures_stay_within_their_bounds(title, given_world) -> None:
    found = progress(title, now=NOW, **given_world)
    assert found.percent is None or 0 <= found.percent <= 100
    assert found.size is None or found.size > 0
    assert found.left is None or 0 <= found.left <= (found.size or 0)
    assert found.eta_seconds is None or found.eta_seconds >= 0
    assert all(id == id.lower() and id for id in found.download_ids)


@given(titles(), st.fixed_dictionaries(world))
def test_removed_by_hand_is_never_said_while_anything_speaks_against_it(title, given_world) -> None:
    found = progress(title, now=NOW, **given_world)
    if found.reason is Reason.REMOVED_BY_HAND:
        assert not given_world["queue"]
        assert given_world["absent_since"] is not None
        assert any(row.event_type.lower() == "grabbed" for row in given_world["history"])


@given(st.integers(1, 30), st.integers(1, 10**12), st.floats(0, 1))
def test_the_size_of_a_pack_is_never_multiplied_by_its_episodes(episodes: int, size: int, share: float) -> None:
    pack = [
        QueueRecord(id=n, episode_id=n, size=size, sizeleft=round(size * share), status="downloading", download_id="AA")
        for n in range(1, episodes + 1)
    ]
    title = Title(wanted=episodes, held=0, film=False)
    found = progress(title, queue=pack, history=[], health=[], searches=[], absent_since=None, now=NOW)
    assert found.size == size
    assert found.left == round(size * share)
    assert found.download_ids == ("aa",)
