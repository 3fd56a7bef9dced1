"""Plans by date: one period, cut where it holds many calls, and their bookmark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_gong.errors import SettingsError
from tap_gong.plans.periods import (
    BLIND_LENGTH,
    BLIND_PARTS,
    DENSE,
    FEWEST_PERIODS,
    LARGEST_PERIOD,
    SMALLEST_PERIOD,
    UNCUT,
    PeriodPlan,
    Reading,
    iso,
)
from tap_gong.streams.calls import CALLS
from tests.unit.conftest import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_gong.plans.slices import Slice

START = datetime(2024, 1, 31, tzinfo=UTC)
END = datetime(2024, 5, 10, tzinfo=UTC)
NOW = datetime(2024, 5, 12, tzinfo=UTC)

seconds = st.integers(0, 2**31).map(lambda n: datetime.fromtimestamp(n, UTC))


def plan_of(
    bookmark: dict[str, Any],
    start: datetime = START,
    end: datetime = END,
    *,
    began: datetime = NOW,
    workspace_id: str | None = None,
) -> PeriodPlan:
    return PeriodPlan(
        bookmark,
        CALLS,
        start=start,
        end=end,
        began=began,
        reading=Reading.from_bookmark(bookmark),
        workspace_id=workspace_id,
    )


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
    plan = plan_of({"replication_key_value": "2024-01-01T00:00:00Z"}, START, end)
    assert list(plan) == []
    assert (plan.expected, plan.is_done) == (0, True)
    assert plan.bookmark() == {}
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
    assert plan.bookmark() == {}


def test_nothing_is_written_before_a_call_is_out() -> None:
    """A key that may see no call gets the same answers as an empty period."""
    plan = plan_of({})
    (whole,) = plan
    first, second, third, *_ = plan.cut(whole, 9_000)
    read(plan, [first, second], calls=0)
    assert plan.bookmark() == {}
    read(plan, [third])
    assert plan.bookmark()["replication_key_value"] == iso(period(third)[1])


def test_the_bookmark_moves_with_the_parts() -> None:
    plan = plan_of({"call_ids": []})
    (whole,) = plan
    places = []
    for part in plan.cut(whole, 4 * SMALLEST_PERIOD):
        read(plan, [part], calls=SMALLEST_PERIOD)
        places.append((plan.is_done, dict(plan.bookmark())))
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
    assert plan.bookmark() == {
        "replication_key": "started",
        "replication_key_value": iso(END),
        "start_date": iso(START),
    }


def test_a_pass_of_several_runs_leaves_when_it_began() -> None:
    """So that the look-back reaches what was read first, when it was still young."""
    began = END - timedelta(days=4)
    plan = plan_of({}, began=began)
    read(plan, list(plan))
    assert plan.bookmark()["pass_began"] == iso(began)
    assert "pass_reached" not in plan.bookmark()


@given(before=seconds, start=seconds, done=st.integers(0, 5))
def test_the_bookmark_never_goes_back_and_never_beyond_the_end(
    before: datetime, start: datetime, done: int
) -> None:
    bookmark: dict[str, Any] = {"replication_key_value": iso(before)}
    end = start + timedelta(days=5)
    plan = plan_of(bookmark, start, end)
    (whole,) = plan
    for part in plan.cut(whole, 5 * SMALLEST_PERIOD)[:done]:
        calls = [str(number) for number in range(SMALLEST_PERIOD)]
        plan.finish(part, calls, period(part)[1])
        now = Reading.from_bookmark(dict(plan.bookmark())).until
        assert now
        assert now == max(before, period(part)[1])
        assert now <= max(before, end)


def test_the_bookmark_does_not_pass_the_moment_when_gong_was_asked() -> None:
    """A clock that is ahead plans beyond it."""
    plan = plan_of({}, began=END)
    (whole,) = plan
    asked_at = END - timedelta(days=30, microseconds=-1)
    plan.finish(whole, ["1"], asked_at)
    assert plan.bookmark()["replication_key_value"] == "2024-04-10T00:00:00Z"


def test_the_workspace_is_a_part_of_the_bookmark() -> None:
    plan = plan_of({}, workspace_id="5")
    read(plan, list(plan))
    assert plan.bookmark()["workspace_id"] == "5"
    plan = plan_of(dict(plan.bookmark()))
    read(plan, list(plan))
    assert plan.bookmark()["workspace_id"] is None
    plan = plan_of(dict(plan.bookmark()))
    read(plan, list(plan))
    assert "workspace_id" not in plan.bookmark()


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
    assert plan.bookmark().get("start_date") == (since and iso(since))


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
    plan.recounted = now_there_are
    if 0 < now_there_are <= 850:  # the others have been deleted meanwhile
        assert plan.complaint() == ""
        assert plan.bookmark()["replication_key_value"] == iso(END)
    else:
        assert "promised 900 calls" in plan.complaint()
        place = plan.bookmark()
        assert place["replication_key_value"] == "2024-02-03T00:00:00Z"
        assert place.get("pass_reached") is None


def test_what_is_out_of_a_period_that_is_not_whole() -> None:
    """So that a state covers every call that is out, and none comes twice."""
    plan = plan_of({})
    first, second = cut_in_two(plan, 900)
    plan.emitted = {"8", "7"}
    assert plan.bookmark() == {
        "replication_key": "started",
        "replication_key_value": iso(START),
        "start_date": iso(START),
        "pass_began": iso(NOW),
        "pass_reached": iso(START),
        "pass_emitted": ["7", "8"],
    }
    read(plan, [first], calls=450)
    plan.emitted = {"500"}
    place = dict(plan.bookmark())
    reached = period(second)[0]
    assert place["pass_reached"] == iso(reached)
    assert place["pass_emitted"] == ["500"]

    again = plan_of(place, start=reached)
    assert again.skip == {"500"}
    again.emitted = {"501", "500"}
    assert again.bookmark()["pass_emitted"] == ["500", "501"]
    again.emitted = ()
    again.finish(next(iter(again)), ["500", "501"], NOW)
    assert again.skip == frozenset()
    assert again.bookmark()["pass_emitted"] is None


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
    assert Reading.from_bookmark(reading.to_bookmark()) == reading


@pytest.mark.parametrize(
    "bookmark",
    [{}, {"replication_key_value": None}, {"pass_reached": None}, {"pass_emitted": 5}],
    ids=str,
)
def test_no_reading(bookmark: dict[str, Any]) -> None:
    assert Reading.from_bookmark(bookmark) == Reading()


def test_a_fraction_of_a_second_is_cut() -> None:
    bookmark = {"replication_key_value": "2024-05-10T02:00:00.999+02:00"}
    assert Reading.from_bookmark(bookmark).until == END


@pytest.mark.parametrize(
    "value", ["", "soon", 5, True, [], {}, "2024-01-31T00:00:00"], ids=brief
)
@pytest.mark.parametrize(
    "place", ["replication_key_value", "start_date", "pass_began", "pass_reached"]
)
def test_a_moment_that_is_none(value: object, place: str) -> None:
    with pytest.raises(SettingsError, match=rf"^state: calls.{place}"):
        Reading.from_bookmark({place: value})
