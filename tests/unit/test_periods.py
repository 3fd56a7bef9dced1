"""Plans by date: one period, cut where it holds many calls, and their bookmark."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_gong.errors import SettingsError
from tap_gong.slices import (
    CALLS_PER_PERIOD,
    MOST_CALLS_PER_PERIOD,
    PeriodPlan,
    Slice,
    iso,
    saved_moment,
)
from tap_gong.streams.calls import CALLS

from .conftest import brief

START = datetime(2024, 1, 31, tzinfo=UTC)
END = datetime(2024, 5, 10, tzinfo=UTC)

seconds = st.integers(0, 2**31).map(lambda n: datetime.fromtimestamp(n, UTC))


def plan_of(
    bookmark: dict[str, Any],
    start: datetime = START,
    end: datetime = END,
    **inputs: str,
) -> PeriodPlan:
    return PeriodPlan(bookmark, CALLS, start=start, end=end, inputs=inputs)


def period(slice_: Slice) -> tuple[datetime, datetime]:
    assert slice_.period
    return slice_.period


def test_one_slice_asks_for_the_whole_period() -> None:
    plan = plan_of({}, workspaceId="5")
    (whole,) = plan
    assert whole.endpoint is CALLS
    assert whole.ids == ()
    assert period(whole) == (START, END)
    assert whole.inputs == {
        "fromDateTime": "2024-01-31T00:00:00Z",
        "toDateTime": "2024-05-10T00:00:00Z",
        "workspaceId": "5",
    }
    assert (plan.total, plan.done, plan.unit) == (100, 0, "days")
    assert "from 2024-01-31T00:00:00Z to 2024-05-10T00:00:00Z" in plan.nothing_found


@pytest.mark.parametrize("end", [START, START - timedelta(days=1)], ids=str)
def test_a_period_that_is_none(end: datetime) -> None:
    bookmark: dict[str, Any] = {"replication_key_value": "2024-01-01T00:00:00Z"}
    before = dict(bookmark)
    plan = plan_of(bookmark, START, end)
    assert list(plan) == []
    assert plan.total == 0
    plan.save()
    assert bookmark == before


@given(start=seconds, length=st.integers(1, 10**8), total=st.integers(0, 10**5))
def test_parts_cover_the_period_without_gap_or_overlap(
    start: datetime, length: int, total: int
) -> None:
    end = start + timedelta(seconds=length)
    plan = plan_of({}, start, end)
    (whole,) = plan
    parts = plan.parts(whole, total)
    if total <= MOST_CALLS_PER_PERIOD or length == 1:
        assert parts == ()
        return
    assert len(parts) == min(length, math.ceil(total / CALLS_PER_PERIOD))
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
        assert part.inputs == {"fromDateTime": iso(since), "toDateTime": iso(until)}


@given(seconds, st.lists(st.integers(0, 10**5), max_size=4))
def test_parts_of_parts_cover_the_period(start: datetime, totals: list[int]) -> None:
    plan = plan_of({}, start, start + timedelta(days=2))
    slices = list(plan)
    for total in totals:
        place = total % len(slices)
        slices[place : place + 1] = plan.parts(slices[place], total) or [slices[place]]
    edges = [period(slice_) for slice_ in slices]
    assert edges[0][0] == start
    assert edges[-1][1] == start + timedelta(days=2)
    assert all(one[1] == next_[0] for one, next_ in pairwise(edges))


@pytest.mark.parametrize(
    ("total", "count"),
    [
        (MOST_CALLS_PER_PERIOD, 0),
        (MOST_CALLS_PER_PERIOD + 1, 2),
        (2 * CALLS_PER_PERIOD, 2),
        (2 * CALLS_PER_PERIOD + 1, 3),
        (10 * CALLS_PER_PERIOD, 10),
    ],
)
def test_how_many_parts(total: int, count: int) -> None:
    plan = plan_of({})
    (whole,) = plan
    assert len(plan.parts(whole, total)) == count


def test_parts_keep_the_other_inputs() -> None:
    plan = plan_of({}, workspaceId="5")
    (whole,) = plan
    assert {part.inputs["workspaceId"] for part in plan.parts(whole, 9_000)} == {"5"}


@pytest.mark.parametrize("total", [10**20, 10**400], ids=["10**20", "10**400"])
def test_a_total_that_cannot_be_is_no_endless_plan(total: int) -> None:
    plan = plan_of({}, START, START + timedelta(seconds=60))
    (whole,) = plan
    assert len(plan.parts(whole, total)) <= 60


# The bookmark


def test_nothing_is_written_before_a_period_is_out() -> None:
    bookmark: dict[str, Any] = {"call_ids": []}
    plan = plan_of(bookmark)
    list(plan)
    plan.save()
    assert bookmark == {"call_ids": []}


def test_the_bookmark_moves_with_the_parts() -> None:
    bookmark: dict[str, Any] = {"call_ids": []}
    plan = plan_of(bookmark)
    (whole,) = plan
    days = []
    for part in plan.parts(whole, 4 * CALLS_PER_PERIOD):
        plan.finish(part)
        plan.save()
        days.append((plan.done, bookmark["replication_key_value"]))
    assert days == [
        (25, "2024-02-25T00:00:00Z"),
        (50, "2024-03-21T00:00:00Z"),
        (75, "2024-04-15T00:00:00Z"),
        (100, "2024-05-10T00:00:00Z"),
    ]
    assert bookmark["replication_key"] == "started"
    assert bookmark["call_ids"] == []


@given(before=seconds, start=seconds, done=st.integers(0, 5))
def test_the_bookmark_never_goes_back_and_never_beyond_the_end(
    before: datetime, start: datetime, done: int
) -> None:
    bookmark: dict[str, Any] = {"replication_key_value": iso(before)}
    end = start + timedelta(days=5)
    plan = plan_of(bookmark, start, end)
    (whole,) = plan
    for part in islice(plan.parts(whole, 5 * CALLS_PER_PERIOD), done):
        plan.finish(part)
        plan.save()
        now = saved_moment(bookmark)
        assert now
        assert now == max(before, period(part)[1])
        assert now <= max(before, end)


def test_a_bookmark_that_stays_is_not_rewritten() -> None:
    bookmark = {"replication_key_value": "2024-05-10T02:00:00+02:00"}
    plan = plan_of(bookmark)
    (whole,) = plan
    plan.finish(whole)
    plan.save()
    assert bookmark == {"replication_key_value": "2024-05-10T02:00:00+02:00"}


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


@given(seconds)
def test_a_saved_moment_is_read_again(moment: datetime) -> None:
    assert saved_moment({"replication_key_value": iso(moment)}) == moment


@pytest.mark.parametrize("bookmark", [{}, {"replication_key_value": None}], ids=str)
def test_no_saved_moment(bookmark: dict[str, Any]) -> None:
    assert saved_moment(bookmark) is None


@pytest.mark.parametrize(
    "value", ["", "soon", 5, True, [], {}, "2024-01-31T00:00:00"], ids=brief
)
def test_a_saved_moment_that_is_none(value: object) -> None:
    with pytest.raises(SettingsError, match=r"^state: calls"):
        saved_moment({"replication_key_value": value})
