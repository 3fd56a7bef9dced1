"""From when on each stream is emitted, and how its bookmark is read and written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_gong.errors import SettingsError
from tap_gong.plans.ranges import Range
from tap_gong.plans.tracks import CLOCKS_DIFFER, LONG_AGO, Reading, Track, iso
from tests.unit.conftest import brief

START = datetime(2024, 1, 31, tzinfo=UTC)
END = datetime(2024, 5, 10, tzinfo=UTC)
NOW = datetime(2024, 5, 12, tzinfo=UTC)
LOOKBACK = timedelta(days=3)
DAY = timedelta(days=1)

seconds = st.integers(0, 2**31).map(lambda n: datetime.fromtimestamp(n, UTC))


def range_of(
    start_date: datetime | None = START,
    *,
    end: datetime = END,
    lookback: timedelta = LOOKBACK,
    workspace_id: str | None = None,
    now: datetime = NOW,
) -> Range:
    return Range(start_date, end, lookback, workspace_id, now)


def track_of(
    bookmark: dict[str, Any],
    range_: Range | None = None,
    *,
    warnings: tuple[str, ...] = (),
    is_incremental: bool = True,
) -> Track:
    """A track, which warns of these and of nothing else."""
    told: list[str] = []
    track = Track(
        "call_parties",
        bookmark,
        range_ or range_of(),
        is_incremental=is_incremental,
        warn=told.append,
    )
    assert len(told) == len(warnings)
    for sentence, part in zip(told, warnings, strict=True):
        assert part in sentence
    return track


def marks(**moments: datetime) -> dict[str, Any]:
    """A bookmark with these moments."""
    names = {"until": "replication_key_value", "since": "start_date"}
    return {names.get(name, name): iso(value) for name, value in moments.items()}


# From when on


def test_without_a_bookmark_from_start_date_on() -> None:
    assert track_of({}).start == START


def test_without_either_a_stream_is_refused_by_name() -> None:
    with pytest.raises(
        SettingsError,
        match=r"^Nothing says from when on to read 'call_parties', .*: set start_date",
    ):
        track_of({}, range_of(None))


@pytest.mark.parametrize("start_date", [None, START], ids=str)
def test_from_the_bookmark_less_the_look_back(start_date: datetime | None) -> None:
    track = track_of(marks(until=END, since=START), range_of(start_date))
    assert track.start == END - LOOKBACK


def test_the_look_back_does_not_pass_start_date() -> None:
    bookmark = marks(until=START + DAY, since=START)
    assert track_of(bookmark).start == START
    assert track_of(bookmark, range_of(None)).start == START + DAY - LOOKBACK


def test_the_look_back_counts_from_an_end_before_the_bookmark() -> None:
    track = track_of(marks(until=NOW, since=START), range_of(end=END))
    assert track.start == END - LOOKBACK


def test_after_a_pass_of_several_runs_the_look_back_counts_from_its_beginning() -> None:
    began = END - 5 * DAY
    track = track_of(marks(until=END, since=START, pass_began=began))
    assert track.start == began - LOOKBACK


def test_a_pass_that_was_cut_short_is_gone_on_with() -> None:
    bookmark = marks(
        until=END, since=START, pass_began=NOW - DAY, pass_reached=START + DAY
    )
    track = track_of(bookmark | {"pass_emitted": ["2", "1"]})
    assert track.start == START + DAY
    assert track.before.emitted == {"1", "2"}
    again = track.bookmark(
        START + 2 * DAY, is_done=False, emitted=frozenset("1"), workspace_id=None
    )
    assert again["pass_began"] == iso(NOW - DAY)
    assert again["replication_key_value"] == iso(END)


def test_a_place_after_the_bookmark_was_set_back_does_not_count() -> None:
    bookmark = marks(until=START + 9 * DAY, since=START, pass_reached=END)
    track = track_of(bookmark | {"pass_emitted": ["1"]})
    assert track.start == START + 6 * DAY
    assert track.before.emitted == frozenset()


def test_a_start_date_after_the_bookmark_leaves_no_gap() -> None:
    track = track_of(
        marks(until=START - 9 * DAY, since=START - 30 * DAY),
        warnings=("start_date 2024-01-31T00:00:00Z is later than the bookmark",),
    )
    assert track.start == START - 9 * DAY - LOOKBACK


@pytest.mark.parametrize("pass_", [{}, marks(pass_reached=START + 50 * DAY)], ids=str)
def test_an_earlier_start_date_is_read(pass_: dict[str, Any]) -> None:
    track = track_of(
        marks(until=END, since=START + DAY) | pass_,
        warnings=("start_date 2024-01-31T00:00:00Z is earlier than 2024-02-01",),
    )
    assert track.start == START
    assert track.before.reached is None


def test_where_an_older_version_has_read_start_date_is_not_compared() -> None:
    assert track_of(marks(until=END)).start == END - LOOKBACK


@pytest.mark.parametrize("reached", [START, START + DAY], ids=str)
def test_a_full_table_is_read_from_start_date_on(reached: datetime) -> None:
    """And skips no call that is out."""
    bookmark = marks(until=END, since=START, pass_began=NOW, pass_reached=reached)
    bookmark["pass_emitted"] = ["1"]
    track = track_of(bookmark, is_incremental=False)
    assert track.start == START
    assert track.before == Reading(END, since=START)
    assert track_of(bookmark, range_of(None), is_incremental=False).start == LONG_AGO


@pytest.mark.parametrize("before", ["5", 5], ids=brief)
def test_another_workspace_is_read_from_start_date_on(before: object) -> None:
    bookmark = marks(until=END, since=START) | {"workspace_id": before}
    track = track_of(bookmark, warnings=("is of workspace_id 5 only, so all calls",))
    assert (track.start, track.before) == (START, Reading())
    assert track_of(bookmark, range_of(workspace_id="5")).start == END - LOOKBACK
    with pytest.raises(SettingsError, match=r"workspace_id 5 only\. Set start_date"):
        track_of(bookmark, range_of(None))


def test_all_workspaces_hold_each_of_them() -> None:
    bookmark = marks(until=END, since=START)
    assert track_of(bookmark, range_of(workspace_id="5")).start == END - LOOKBACK


@pytest.mark.parametrize(
    ("start_date", "start", "advice"),
    [
        (START, START, "All calls are read from start_date on."),
        (None, LONG_AGO, "All calls are read; set start_date to read less."),
    ],
    ids=str,
)
def test_a_bookmark_in_the_future_is_none(
    start_date: datetime | None, start: datetime, advice: str
) -> None:
    later = NOW + CLOCKS_DIFFER
    assert track_of(marks(until=later), range_of(start_date)).before.until == later
    track = track_of(
        marks(until=later + timedelta(seconds=1)),
        range_of(start_date),
        warnings=(
            f"lies in the future and so cannot be true: a clock was wrong. {advice}",
        ),
    )
    assert (track.start, track.before) == (start, Reading())


# What is written


def test_null_stands_only_where_something_stood() -> None:
    track = track_of({"workspace_id": None, "pass_began": iso(START)})
    assert track._write(Reading(END)) == {
        "replication_key": "started",
        "replication_key_value": iso(END),
        "pass_began": None,
    }
    track._write(Reading(END, reached=START))
    assert track._write(Reading(END))["pass_reached"] is None
    assert "workspace_id" not in track._write(Reading(END))


def test_a_bookmark_has_no_object_in_it() -> None:
    """Where null stands, Meltano cannot merge one."""
    track = track_of({}, range_of(workspace_id="5"))
    values = track.bookmark(
        END, is_done=False, emitted=frozenset("12"), workspace_id="5"
    )
    assert values == {
        "replication_key": "started",
        "replication_key_value": iso(END),
        "start_date": iso(START),
        "workspace_id": "5",
        "pass_began": iso(NOW),
        "pass_reached": iso(END),
        "pass_emitted": ["1", "2"],
    }


WHOLE = marks(
    until=END,
    since=START,
    pass_began=END - 5 * DAY,
    pass_reached=END - 6 * DAY,
) | {"replication_key": "started", "workspace_id": "5", "pass_emitted": ["1", "2"]}


@pytest.mark.parametrize(
    ("bookmark", "range_", "is_incremental"),
    [
        (WHOLE, range_of(workspace_id="5"), True),
        (WHOLE, range_of(workspace_id="6"), True),
        (WHOLE, range_of(workspace_id="5"), False),
        (WHOLE, range_of(START - DAY, workspace_id="5"), True),
        (WHOLE, range_of(None, now=START, workspace_id="5"), True),
        (WHOLE | {"pass_reached": None}, range_of(workspace_id="5"), True),
        ({"replication_key": "started"}, range_of(), True),
    ],
    ids=range(7),
)
def test_a_bookmark_can_be_put_back(
    bookmark: dict[str, Any], range_: Range, *, is_incremental: bool
) -> None:
    """Whatever the run made of it, and however far it came."""
    track = Track(
        "calls", bookmark, range_, is_incremental=is_incremental, warn=lambda _: None
    )
    state = dict(bookmark)
    state |= track.bookmark(
        END, is_done=False, emitted=frozenset("9"), workspace_id="7"
    )
    assert state != bookmark
    state |= track.as_it_was()
    assert {name: state[name] for name in bookmark} == bookmark
    assert not any(state[name] for name in state.keys() - bookmark.keys())


# Moments as text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (START, "2024-01-31T00:00:00Z"),
        (START.replace(microsecond=999_999), "2024-01-31T00:00:00Z"),
        (
            datetime(2024, 1, 31, tzinfo=timezone(timedelta(hours=14))),
            "2024-01-30T10:00:00Z",
        ),
        (datetime(999, 1, 1, tzinfo=UTC), "0999-01-01T00:00:00Z"),
    ],
    ids=str,
)
def test_iso(moment: datetime, text: str) -> None:
    assert iso(moment) == text


@given(st.none() | seconds, st.none() | seconds, st.none() | seconds)
def test_a_reading_is_read_again(
    until: datetime | None, began: datetime | None, reached: datetime | None
) -> None:
    reading = Reading(until, began, reached, frozenset("12"), "5", until)
    bookmark = json.loads(json.dumps(reading.to_bookmark()))
    assert Reading.from_bookmark(bookmark, "calls") == reading


@pytest.mark.parametrize(
    "bookmark",
    [{}, {"replication_key_value": None}, {"pass_reached": None}, {"pass_emitted": 5}],
    ids=str,
)
def test_no_reading(bookmark: dict[str, Any]) -> None:
    assert Reading.from_bookmark(bookmark, "calls") == Reading()


def test_a_fraction_of_a_second_is_cut() -> None:
    bookmark = {"replication_key_value": "2024-05-10T02:00:00.999+02:00"}
    assert Reading.from_bookmark(bookmark, "calls").until == END


@pytest.mark.parametrize(
    "value", ["", "soon", 5, True, [], {}, "2024-01-31T00:00:00"], ids=brief
)
@pytest.mark.parametrize(
    "place", ["replication_key_value", "start_date", "pass_began", "pass_reached"]
)
@pytest.mark.parametrize("stream", ["calls", "call_parties"])
def test_a_moment_that_is_none(stream: str, value: object, place: str) -> None:
    with pytest.raises(SettingsError, match=rf"^state: {stream}\.{place}"):
        Reading.from_bookmark({place: value}, stream)
