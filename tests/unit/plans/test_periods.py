"""Plans by date: one period, cut where it holds many calls, and their bookmark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_gong.gong.calls import CALLS
from tap_gong.plans.periods import (
    BLIND_LENGTH,
    BLIND_PARTS,
    DENSE,
    FEWEST_PERIODS,
    LARGEST_PERIOD,
    MOST_LOST,
    SMALLEST_PERIOD,
    UNCUT,
    PeriodPlan,
)
from tap_gong.plans.ranges import Range
from tap_gong.plans.slices import PAGE
from tap_gong.plans.tracks import Reading, Track, iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_gong.plans.slices import Slice

START = datetime(2024, 1, 31, tzinfo=UTC)
END = datetime(2024, 5, 10, tzinfo=UTC)
NOW = datetime(2024, 5, 12, tzinfo=UTC)
DECADES = timedelta(days=20_000)

seconds = st.integers(0, 2**31).map(lambda n: datetime.fromtimestamp(n, UTC))


def plan_of(
    bookmark: dict[str, Any],
    start: datetime = START,
    end: datetime = END,
    *,
    now: datetime = NOW,
    workspace_id: str | None = None,
) -> PeriodPlan:
    """A plan for the calls alone, from `start` on."""
    return plan_of_all({"calls": bookmark}, start, end, now=now, workspace=workspace_id)


def plan_of_all(  # noqa: PLR0913 - all but two by name
    bookmarks: dict[str, dict[str, Any]],
    start: datetime = START,
    end: datetime = END,
    *,
    now: datetime = NOW,
    lookback: timedelta = DECADES,
    workspace: str | None = None,
) -> PeriodPlan:
    """A plan for several streams."""
    range_ = Range(start, end, lookback, workspace, now)
    tracks = {
        name: Track(name, bookmark, range_, warn=lambda _: None)
        for name, bookmark in bookmarks.items()
    }
    return PeriodPlan(tracks, CALLS, end=end, workspace_id=workspace)


def bookmark_of(plan: PeriodPlan) -> dict[str, Any]:
    """What a plan for the calls alone writes."""
    bookmarks = plan.bookmarks()
    assert bookmarks.keys() == {"calls"}
    return dict(bookmarks["calls"])


def period(slice_: Slice) -> tuple[datetime, datetime]:
    assert slice_.period
    return slice_.period


def read(
    plan: PeriodPlan, slices: Iterator[Slice] | list[Slice], calls: int = 1
) -> None:
    """Finish slices that have so many calls each."""
    for slice_ in slices:
        plan.finish(slice_, [str(n) for n in range(calls)], NOW)


def test_one_slice_asks_for_the_whole_period() -> None:
    plan = plan_of({}, workspace_id="5")
    (whole,) = plan
    assert whole.endpoint is CALLS
    assert whole.ids == ()
    assert period(whole) == (START, END)
    assert not whole.is_part
    assert whole.inputs == {
        "fromDateTime": "2024-01-31T00:00:00Z",
        "toDateTime": "2024-05-10T00:00:00Z",
        "workspaceId": "5",
    }
    assert (plan.expected, plan.is_done) == (None, False)
    assert "from 2024-01-31T00:00:00Z to 2024-05-10T00:00:00Z" in plan.nothing_found
    assert plan.covers == (
        "calls by date, from 2024-01-31T00:00:00Z to 2024-05-10T00:00:00Z, "
        "of workspace 5"
    )


@pytest.mark.parametrize("end", [START, START - timedelta(days=1)], ids=str)
def test_a_period_that_is_none(end: datetime) -> None:
    plan = plan_of({"replication_key_value": iso(START)}, START, end)
    assert list(plan) == []
    assert (plan.expected, plan.is_done) == (0, True)
    assert bookmark_of(plan) == {}
    assert plan.recount() is None


@given(start=seconds, length=st.integers(1, 10**8), total=st.integers(0, 10**6))
def test_parts_cover_the_period_without_gap_or_overlap(
    start: datetime, length: int, total: int
) -> None:
    end = start + timedelta(seconds=length)
    plan = plan_of({}, start, end)
    (whole,) = plan
    parts = plan.cut(whole, total)
    if total <= UNCUT or length == 1:
        assert parts == ()
        return
    periods = [period(part) for part in parts]
    assert periods[0][0] == start
    assert periods[-1][1] == end
    assert all(one[1] == next_[0] for one, next_ in pairwise(periods))
    assert all(since < until for since, until in periods)
    assert all(since.microsecond == 0 for since, _ in periods)
    lengths = [(until - since).total_seconds() for since, until in periods]
    assert max(lengths) - min(lengths) <= 1
    for part in parts:
        since, until = period(part)
        assert part.is_part
        assert part.inputs == {"fromDateTime": iso(since), "toDateTime": iso(until)}


@given(seconds, st.lists(st.none() | st.integers(0, 10**5), max_size=4))
def test_parts_of_parts_cover_the_period(
    start: datetime, totals: list[int | None]
) -> None:
    plan = plan_of({}, start, start + timedelta(days=2))
    slices = list(plan)
    for number, total in enumerate(totals):
        place = (total or number) % len(slices)
        slices[place : place + 1] = plan.cut(slices[place], total) or [slices[place]]
    edges = [period(slice_) for slice_ in slices]
    assert edges[0][0] == start
    assert edges[-1][1] == start + timedelta(days=2)
    assert all(one[1] == next_[0] for one, next_ in pairwise(edges))


@pytest.mark.parametrize(
    ("total", "count"),
    [
        (UNCUT, 0),
        (UNCUT + 1, 2),
        (2 * SMALLEST_PERIOD, 2),
        (2 * SMALLEST_PERIOD + 1, 3),
        (FEWEST_PERIODS * SMALLEST_PERIOD, FEWEST_PERIODS),
        (10_000, FEWEST_PERIODS),
        (FEWEST_PERIODS * LARGEST_PERIOD, FEWEST_PERIODS),
        (10 * LARGEST_PERIOD, 10),
        (100 * LARGEST_PERIOD, 100),
    ],
)
def test_how_many_parts(total: int, count: int) -> None:
    plan = plan_of({})
    (whole,) = plan
    assert len(plan.cut(whole, total)) == count


@pytest.mark.parametrize(
    ("in_flight", "requests_a_page", "size"),
    [
        (0, 1, LARGEST_PERIOD),
        (3, 1, LARGEST_PERIOD),
        (5, 1, PAGE * MOST_LOST // 4),
        (3, 2, PAGE * MOST_LOST // 4),
        (100, 3, LARGEST_PERIOD),
    ],
)
def test_where_many_are_read_side_by_side_periods_are_smaller(
    in_flight: float, requests_a_page: int, size: int
) -> None:
    """So that a stop loses no more."""
    range_ = Range(START, END, timedelta(0), None, NOW)
    tracks = {"calls": Track("calls", {}, range_, warn=pytest.fail)}
    plan = PeriodPlan(
        tracks, CALLS, end=END, workspace_id=None, in_flight=lambda: in_flight
    )
    plan.requests_a_page = requests_a_page
    (whole,) = plan
    assert len(plan.cut(whole, 60 * size)) == 60


def test_a_part_is_cut_again_only_if_it_is_dense() -> None:
    plan = plan_of({})
    (whole,) = plan
    part, *_ = plan.cut(whole, 10_000)
    assert plan.cut(part, DENSE) == ()
    assert len(plan.cut(part, DENSE + 1)) == 9


@pytest.mark.parametrize("total", [1, 9_999])
def test_parts_keep_the_workspace(total: int) -> None:
    plan = plan_of({}, workspace_id="5")
    (whole,) = plan
    slices = plan.cut(whole, total) or [whole]
    assert {slice_.inputs["workspaceId"] for slice_ in slices} == {"5"}


@pytest.mark.parametrize("total", [10**20, 10**400], ids=["10**20", "10**400"])
def test_a_total_that_cannot_be_is_no_endless_plan(total: int) -> None:
    plan = plan_of({}, START, START + timedelta(seconds=60))
    (whole,) = plan
    assert len(plan.cut(whole, total)) <= 60


def test_without_a_total_time_is_cut() -> None:
    plan = plan_of({})
    (whole,) = plan
    parts = plan.cut(whole, None)
    assert len(parts) == BLIND_PARTS
    lengths = set()
    while parts:
        (since, until), *_ = map(period, parts)
        lengths.add(until - since)
        parts = plan.cut(parts[0], None)
    assert min(lengths) <= BLIND_LENGTH
    assert min(lengths) * BLIND_PARTS > BLIND_LENGTH


# The bookmark


def test_nothing_is_written_before_a_period_is_out() -> None:
    plan = plan_of({"call_ids": []})
    list(plan)
    assert bookmark_of(plan) == {}


def test_nothing_is_written_before_a_call_is_out() -> None:
    """A key that may see no call gets the same answers as an empty period."""
    plan = plan_of({})
    (whole,) = plan
    first, second, third, *_ = plan.cut(whole, 9_000)
    read(plan, [first, second], calls=0)
    assert bookmark_of(plan) == {}
    read(plan, [third])
    assert bookmark_of(plan)["replication_key_value"] == iso(period(third)[1])


def test_the_bookmark_moves_with_the_parts() -> None:
    plan = plan_of({"call_ids": []})
    (whole,) = plan
    places = []
    for part in plan.cut(whole, 4 * SMALLEST_PERIOD):
        read(plan, [part], calls=SMALLEST_PERIOD)
        places.append((plan.is_done, bookmark_of(plan)))
    moments = [
        (False, "2024-02-25T00:00:00Z"),
        (False, "2024-03-21T00:00:00Z"),
        (False, "2024-04-15T00:00:00Z"),
        (True, "2024-05-10T00:00:00Z"),
    ]
    assert places == [
        (
            is_done,
            {
                "replication_key": "started",
                "replication_key_value": moment,
                "start_date": iso(START),
                "pass_began": None if is_done else iso(NOW),
                "pass_reached": None if is_done else moment,
            },
        )
        for is_done, moment in moments
    ]


def test_a_pass_of_one_slice_leaves_nothing_but_the_bookmark() -> None:
    plan = plan_of({})
    read(plan, list(plan))
    assert bookmark_of(plan) == {
        "replication_key": "started",
        "replication_key_value": iso(END),
        "start_date": iso(START),
    }


def test_a_pass_of_several_runs_leaves_when_it_began() -> None:
    """So that the look-back reaches what was read first, when it was still young."""
    began = END - timedelta(days=4)
    plan = plan_of({}, now=began)
    read(plan, list(plan))
    assert bookmark_of(plan)["pass_began"] == iso(began)
    assert "pass_reached" not in bookmark_of(plan)


@given(before=seconds, start=seconds, done=st.integers(0, 5))
def test_the_bookmark_never_goes_back_and_never_beyond_the_end(
    before: datetime, start: datetime, done: int
) -> None:
    bookmark: dict[str, Any] = {"replication_key_value": iso(before)}
    end = start + timedelta(days=5)
    plan = plan_of(bookmark, start, end, now=datetime(2040, 1, 1, tzinfo=UTC))
    (whole,) = plan
    for part in plan.cut(whole, 5 * SMALLEST_PERIOD)[:done]:
        calls = [str(number) for number in range(SMALLEST_PERIOD)]
        plan.finish(part, calls, period(part)[1])
        now = Reading.from_bookmark(bookmark_of(plan), "calls").until
        assert now
        assert now == max(before, period(part)[1])
        assert now <= max(before, end)


def test_the_bookmark_does_not_pass_the_moment_when_gong_was_asked() -> None:
    """A clock that is ahead plans beyond it."""
    plan = plan_of({}, now=END)
    (whole,) = plan
    asked_at = END - timedelta(days=30, microseconds=-1)
    plan.finish(whole, ["1"], asked_at)
    assert bookmark_of(plan)["replication_key_value"] == "2024-04-10T00:00:00Z"


def test_the_workspace_is_a_part_of_the_bookmark() -> None:
    plan = plan_of({}, workspace_id="5")
    read(plan, list(plan))
    assert bookmark_of(plan)["workspace_id"] == "5"
    plan = plan_of(bookmark_of(plan))
    read(plan, list(plan))
    assert bookmark_of(plan)["workspace_id"] is None
    plan = plan_of(bookmark_of(plan))
    read(plan, list(plan))
    assert "workspace_id" not in bookmark_of(plan)


@pytest.mark.parametrize(
    ("before", "since"),
    [
        ({}, START),
        ({"replication_key_value": iso(END)}, None),
        ({"replication_key_value": iso(END), "start_date": iso(END)}, START),
        (
            {"replication_key_value": iso(END), "start_date": "2020-01-01T00:00:00Z"},
            datetime(2020, 1, 1, tzinfo=UTC),
        ),
    ],
    ids=str,
)
def test_from_when_on_calls_were_read(
    before: dict[str, Any], since: datetime | None
) -> None:
    plan = plan_of(before)
    read(plan, list(plan))
    assert bookmark_of(plan).get("start_date") == (since and iso(since))


# What was promised


def cut_in_two(plan: PeriodPlan, total: int) -> list[Slice]:
    (whole,) = plan
    first, second = plan.cut(whole, total)
    return [first, second]


def test_a_promise_kept() -> None:
    plan = plan_of({})
    first, second = cut_in_two(plan, 900)
    read(plan, [first], calls=500)
    assert plan.recount() is None
    read(plan, [second], calls=400)
    assert plan.recount() is None
    assert plan.complaint() == ""


@pytest.mark.parametrize("now_there_are", [0, 850, 851, 900])
def test_a_promise_that_was_not_kept(now_there_are: int) -> None:
    before = {"replication_key_value": "2024-02-03T00:00:00Z"}
    plan = plan_of(before)
    read(plan, cut_in_two(plan, 900), calls=425)
    again = plan.recount()
    assert again
    assert period(again) == (START, END)
    plan.take_count(again, now_there_are)
    if 0 < now_there_are <= 850:  # the others have been deleted meanwhile
        assert plan.complaint() == ""
        assert bookmark_of(plan)["replication_key_value"] == iso(END)
    else:
        assert "promised 900 calls" in plan.complaint()
        place = bookmark_of(plan)
        assert place["replication_key_value"] == "2024-02-03T00:00:00Z"
        assert place.get("pass_reached") is None


def test_what_is_out_of_a_period_that_is_not_whole() -> None:
    """So that a state covers every call that is out, and none comes twice."""
    plan = plan_of({})
    first, second = cut_in_two(plan, 900)
    plan.emitted = {"8", "7"}
    assert bookmark_of(plan) == {
        "replication_key": "started",
        "replication_key_value": iso(START),
        "start_date": iso(START),
        "pass_began": iso(NOW),
        "pass_reached": iso(START),
        "pass_emitted": ["7", "8"],
    }
    read(plan, [first], calls=450)
    plan.emitted = {"500"}
    place = bookmark_of(plan)
    reached = period(second)[0]
    assert place["pass_reached"] == iso(reached)
    assert place["pass_emitted"] == ["500"]

    again = plan_of(place, start=reached)
    assert again.is_out("calls", "500")
    assert not again.is_out("calls", "501")
    again.emitted = {"501", "500"}
    assert bookmark_of(again)["pass_emitted"] == ["500", "501"]
    again.emitted = ()
    again.finish(next(iter(again)), ["500", "501"], NOW)
    assert not again.is_out("calls", "500")
    assert bookmark_of(again)["pass_emitted"] is None


# Several streams

MIDDLE = datetime(2024, 3, 10, tzinfo=UTC)
BOTH = frozenset({"calls", "call_parties"})


def reached(moment: datetime) -> dict[str, Any]:
    """The bookmark after a finished pass."""
    return {
        "replication_key": "started",
        "replication_key_value": iso(moment),
        "start_date": iso(START),
    }


def two_legs(
    before: datetime = MIDDLE, lookback: timedelta = timedelta(days=3)
) -> PeriodPlan:
    """A plan for calls that have a bookmark, and parties that have none."""
    bookmarks = {"calls": reached(before), "call_parties": {}}
    return plan_of_all(bookmarks, lookback=lookback)


def test_a_stream_that_is_added_later_gets_its_history() -> None:
    """The others repeat only the look-back."""
    plan = two_legs()
    start = MIDDLE - timedelta(days=3)
    assert [(period(leg), leg.feeds) for leg in plan] == [
        ((START, start), {"call_parties"}),
        ((start, END), BOTH),
    ]
    assert plan.covers == (
        "calls by date, from 2024-01-31T00:00:00Z to 2024-05-10T00:00:00Z; the "
        "look-back before 2024-03-10T00:00:00Z is included"
    )


def test_streams_with_the_same_bookmark_have_one_leg() -> None:
    bookmarks = {name: reached(MIDDLE) for name in ("calls", "call_parties", "c")}
    (leg,) = plan_of_all(bookmarks)
    assert leg.feeds == bookmarks.keys()


def test_each_stream_with_a_bookmark_of_its_own_begins_a_leg() -> None:
    days = [timedelta(days=n) for n in range(4)]
    bookmarks = {f"s{n}": reached(MIDDLE + day) for n, day in enumerate(days)}
    legs = list(plan_of_all(bookmarks, lookback=timedelta(0)))
    assert [len(leg.feeds) for leg in legs] == [1, 2, 3, 4]
    edges = [period(leg) for leg in legs]
    assert edges == list(pairwise([*(MIDDLE + day for day in days), END]))


def test_parts_feed_the_streams_of_their_leg() -> None:
    plan = two_legs()
    for leg in plan:
        parts = plan.cut(leg, 9_000)
        assert parts
        assert {part.feeds for part in parts} == {leg.feeds}
        again = plan.cut(parts[0], DENSE + 1)
        assert {part.feeds for part in again} == {leg.feeds}


def test_a_stream_that_has_read_all_is_in_no_leg() -> None:
    bookmarks = {"calls": reached(END), "call_parties": {}}
    plan = plan_of_all(bookmarks, lookback=timedelta(0))
    (leg,) = plan
    assert leg.feeds == {"call_parties"}
    read(plan, [leg])
    assert plan.is_done
    assert plan.bookmarks()["calls"] == {}
    assert plan.bookmarks()["call_parties"]["replication_key_value"] == iso(END)


def test_no_bookmark_is_touched_before_its_own_leg() -> None:
    plan = two_legs()
    first, second = plan
    plan.emitted = {"1"}
    assert plan.bookmarks()["calls"] == {}
    assert plan.bookmarks()["call_parties"]["pass_emitted"] == ["1"]
    plan.emitted = ()
    read(plan, [first])
    assert plan.bookmarks()["calls"] == {}
    bookmark = plan.bookmarks()["call_parties"]
    assert bookmark["pass_reached"] == iso(MIDDLE - timedelta(days=3))
    plan.emitted = {"9"}
    bookmark = plan.bookmarks()["calls"]
    assert bookmark["replication_key_value"] == iso(MIDDLE)
    assert bookmark["pass_reached"] == iso(MIDDLE - timedelta(days=3))
    assert bookmark["pass_emitted"] == ["9"]
    plan.emitted = ()
    read(plan, [second])
    assert {
        name: bookmark["replication_key_value"]
        for name, bookmark in plan.bookmarks().items()
    } == {"calls": iso(END), "call_parties": iso(END)}


def test_a_stream_whose_leg_brought_no_call_keeps_its_bookmark() -> None:
    plan = two_legs()
    first, second = plan
    read(plan, [first], calls=3)
    read(plan, [second], calls=0)
    assert plan.is_done
    assert plan.bookmarks()["calls"] == {}
    assert plan.bookmarks()["call_parties"]["replication_key_value"] == iso(END)


def test_what_is_out_is_known_for_each_stream() -> None:
    cut_short = reached(MIDDLE) | {"pass_reached": iso(MIDDLE), "pass_emitted": ["1"]}
    plan = plan_of_all({"calls": cut_short, "call_parties": {}})
    assert plan.is_out("calls", "1")
    assert not plan.is_out("call_parties", "1")
    first, second = plan
    read(plan, [first], calls=1)  # the call with the ID 0
    assert plan.is_out("calls", "1")
    plan.emitted = {"1", "2"}
    assert plan.bookmarks()["calls"]["pass_emitted"] == ["1", "2"]
    plan.emitted = ()
    read(plan, [second], calls=2)
    assert not plan.is_out("calls", "1")


@pytest.mark.parametrize("short", [0, 1])
def test_a_leg_that_falls_short_freezes_only_the_streams_in_it(short: int) -> None:
    plan = two_legs()
    legs = list(plan)
    parts = [plan.cut(leg, 900) for leg in legs]
    assert plan.expected == 1_800
    for number in (0, 1):
        read(plan, list(parts[number])[:1], calls=450)
        read(plan, list(parts[number])[1:], calls=449 if number == short else 450)
        again = plan.recount()
        assert (again is not None) == (number == short)
        if again:
            assert period(again) == period(legs[short])
            plan.take_count(again, 900)
            assert plan.recount() is None
    frozen = legs[short].feeds
    for name, bookmark in plan.bookmarks().items():
        before = {"calls": iso(MIDDLE)}.get(name)
        is_frozen = name in frozen
        until = bookmark.get("replication_key_value")
        assert until == (before if is_frozen else iso(END))
    since, until = map(iso, period(legs[short]))
    assert plan.complaint() == (
        f"/v2/calls promised 900 calls from {since} to {until} and gave 899. The "
        f"bookmark stays where it was: run again later."
    )


def test_the_expected_count_grows_with_what_gong_says() -> None:
    """A leg of one page says nothing before it is out."""
    plan = two_legs()
    first, second = plan
    assert plan.expected is None
    plan.cut(first, 900)
    assert plan.expected == 900
    plan.cut(second, None)
    assert plan.expected == 900
    read(plan, [first], calls=899)
    assert plan.expected == 900
    read(plan, [second], calls=70)
    assert plan.expected == 970
