"""Days of the company: which ones are asked for, and the bookmark that says so."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_gong.errors import SettingsError
from tap_gong.gong.endpoint import Endpoint
from tap_gong.plans.days import DAY, DayPlan
from tap_gong.plans.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Sequence

STATS = Endpoint("POST", "/v2/stats", records="stats")
START = datetime(2024, 1, 31, tzinfo=UTC)
NOW = datetime(2024, 2, 10, 15, tzinfo=UTC)
"""At UTC-12 it is 2024-02-10, too."""
HOUR = timedelta(hours=1)
OFFSETS = range(-12, 15)
"""Hours between UTC and the time zones on earth."""


def range_of(
    start_date: datetime | None = START,
    *,
    now: datetime = NOW,
    end_date: datetime | None = None,
    lookback: float = 3,
) -> Range:
    end = min(end_date or now, now)
    return Range(start_date, end, timedelta(days=lookback), None, now)


def plan_of(
    bookmark: dict[str, Any],
    range_: Range,
    *,
    days: int = 1,
    is_incremental: bool = True,
    warnings: Sequence[str] = (),
) -> DayPlan:
    """A plan, which warns of these and of nothing else."""
    told: list[str] = []
    plan = DayPlan(
        "stats",
        bookmark,
        range_,
        STATS,
        days_a_request=days,
        is_incremental=is_incremental,
        warn=told.append,
    )
    assert len(told) == len(warnings), told
    for sentence, part in zip(told, warnings, strict=True):
        assert part in sentence
    return plan


def asked(plan: DayPlan) -> list[tuple[str, str]]:
    """What is asked for, without year and zero: from (inclusive) and to (exclusive)."""
    return [
        (slice_.inputs["fromDate"][6:], slice_.inputs["toDate"][6:]) for slice_ in plan
    ]


def mark(until: str, since: str | None = None) -> dict[str, str]:
    values = {"replication_key": "fromDate", "replication_key_value": until}
    return values | ({"start_date": since} if since else {})


def written(plan: DayPlan, *found: str, asked_at: datetime = NOW) -> Any:  # noqa: ANN401
    """Emit as many slices as there are texts, each with these records."""
    for slice_, keys in zip(plan, found, strict=False):
        plan.finish(slice_, keys, asked_at)
    return plan.bookmarks().get("stats")


# Which days


def test_one_request_a_day_until_yesterday_everywhere() -> None:
    plan = plan_of({}, range_of(START + 7 * DAY))
    assert asked(plan) == [("2-07", "2-08"), ("2-08", "2-09"), ("2-09", "2-10")]
    (first, *_) = plan
    assert first.endpoint is STATS
    assert first.inputs == {"fromDate": "2024-02-07", "toDate": "2024-02-08"}
    assert plan.covers == "stats by day, from 2024-02-07 to 2024-02-10"


def test_several_days_a_request_and_fewer_in_the_last_one() -> None:
    plan = plan_of({}, range_of(START), days=4)
    assert asked(plan) == [("1-31", "2-04"), ("2-04", "2-08"), ("2-08", "2-10")]


@pytest.mark.parametrize(
    ("now", "to"),
    [
        (datetime(2024, 2, 10, 11, 59, 59, tzinfo=UTC), "2-09"),
        (datetime(2024, 2, 10, 12, tzinfo=UTC), "2-10"),
        (datetime(2024, 2, 11, 1, 59, tzinfo=timezone(14 * HOUR)), "2-09"),
        (datetime(2024, 2, 10, 0, 0, tzinfo=timezone(-12 * HOUR)), "2-10"),
    ],
    ids=str,
)
def test_a_day_is_over_when_it_is_over_in_the_last_zone(now: datetime, to: str) -> None:
    assert asked(plan_of({}, range_of(START, now=now)))[-1][1] == to


@pytest.mark.parametrize(
    ("end_date", "to"),
    [
        (datetime(2024, 2, 5, 12, tzinfo=UTC), "2-05"),
        (datetime(2024, 2, 5, tzinfo=UTC), "2-05"),
        (datetime(2024, 3, 5, tzinfo=UTC), "2-10"),
    ],
    ids=str,
)
def test_end_date_ends_it_sooner(end_date: datetime, to: str) -> None:
    assert asked(plan_of({}, range_of(START, end_date=end_date)))[-1][1] == to


def test_no_day_is_over_yet() -> None:
    plan = plan_of({}, range_of(NOW))
    assert (asked(plan), plan.is_done, plan.expected) == ([], True, 0)
    assert plan.bookmarks() == {}


@pytest.mark.parametrize(
    ("lookback", "first"),
    [
        (0, "2-08"),
        (0.01, "2-07"),
        (1, "2-07"),
        (1.5, "2-06"),
        (3, "2-05"),
        (30, "1-31"),
    ],
    ids=str,
)
def test_from_the_bookmark_less_the_look_back(lookback: float, first: str) -> None:
    """In whole days, and not before start_date."""
    plan = plan_of(mark("2024-02-08", "2024-01-31"), range_of(lookback=lookback))
    assert asked(plan)[0][0] == first
    is_told = "the look-back before 2024-02-08 is included" in plan.covers
    assert is_told == bool(lookback)


def test_the_look_back_does_not_pass_what_was_read() -> None:
    """Without a start_date, too."""
    bookmark = mark("2024-02-08", "2024-02-07")
    assert asked(plan_of(bookmark, range_of(None)))[0][0] == "2-07"
    assert asked(plan_of(mark("2024-02-08"), range_of(None)))[0][0] == "2-05"


def test_the_look_back_counts_from_an_end_before_the_bookmark() -> None:
    end_date = datetime(2024, 2, 6, 12, tzinfo=UTC)
    plan = plan_of(mark("2024-02-09", "2024-01-31"), range_of(end_date=end_date))
    assert asked(plan) == [("2-03", "2-04"), ("2-04", "2-05"), ("2-05", "2-06")]
    assert written(plan, "a", "b", "c") == mark("2024-02-09", "2024-01-31")


def test_a_moment_in_the_bookmark_is_its_day() -> None:
    plan = plan_of(mark("2024-02-09T20:00:00Z"), range_of(lookback=0))
    assert asked(plan) == [("2-09", "2-10")]


def test_an_earlier_start_date_is_read_backwards_after_what_is_new() -> None:
    plan = plan_of(
        mark("2024-02-09", "2024-02-04"),
        range_of(lookback=1),
        days=2,
        warnings=["start_date 2024-01-31 is earlier than 2024-02-04, from which on"],
    )
    assert asked(plan) == [("2-08", "2-10"), ("2-02", "2-04"), ("1-31", "2-02")]
    assert written(plan, "a", "b") == mark("2024-02-10", "2024-02-02")
    assert not plan.is_done


def test_an_earlier_start_date_with_an_end_before_what_was_read() -> None:
    """Then the bookmark cannot say that it is out: it knows no gap."""
    bookmark = mark("2024-02-09", "2024-02-04")
    end_date = datetime(2024, 2, 2, 12, tzinfo=UTC)
    plan = plan_of(bookmark, range_of(end_date=end_date), warnings=["is earlier than"])
    assert asked(plan) == [("2-01", "2-02"), ("1-31", "2-01")]
    assert written(plan, "a", "b") == bookmark


def test_where_nothing_says_since_when_days_are_out_start_date_is_not_compared() -> (
    None
):
    plan = plan_of(mark("2024-02-09"), range_of(lookback=0))
    assert asked(plan) == [("2-09", "2-10")]
    assert written(plan, "a") == mark("2024-02-10")


def test_a_start_date_after_the_bookmark_leaves_no_gap() -> None:
    plan = plan_of(
        mark("2024-02-05", "2024-01-01"),
        range_of(START + 8 * DAY, lookback=1),
        warnings=["start_date 2024-02-08 is later than the bookmark 2024-02-05"],
    )
    assert asked(plan)[0] == ("2-04", "2-05")


def test_a_full_table_is_read_from_start_date_on() -> None:
    """And its bookmark does not go back on the way."""
    bookmark = mark("2024-02-08", "2024-02-04")
    plan = plan_of(bookmark, range_of(), is_incremental=False)
    assert asked(plan)[0] == ("1-31", "2-01")
    assert len(asked(plan)) == 10
    assert written(plan, "a", "b") == bookmark
    with pytest.raises(SettingsError, match="set start_date"):
        plan_of(bookmark, range_of(None), is_incremental=False)


def test_a_full_table_after_the_bookmark_claims_no_day_between() -> None:
    bookmark = mark("2024-02-01", "2024-01-01")
    plan = plan_of(bookmark, range_of(START + 5 * DAY), is_incremental=False)
    assert asked(plan)[0] == ("2-05", "2-06")
    assert written(plan, *"abcde") == bookmark


# What is refused, or not true


def test_without_a_start_a_stream_is_refused_by_name() -> None:
    with pytest.raises(
        SettingsError, match=r"^Nothing says .* 'stats'.* set start_date"
    ):
        plan_of({}, range_of(None))


def test_a_bookmark_in_the_future_is_none() -> None:
    """Here it is 2024-02-11 at UTC+14 already, and nowhere else."""
    now = datetime(2024, 2, 10, 10, 30, tzinfo=UTC)
    bookmark = mark("2024-02-11", "2024-01-31")
    plan = plan_of(bookmark, range_of(now=now, lookback=1))
    assert asked(plan) == [("2-08", "2-09")]
    assert written(plan, "a") == bookmark

    bookmark = mark("2024-02-12", "2024-01-31")
    plan = plan_of(bookmark, range_of(), warnings=["2024-02-12 of stats in state lies"])
    assert asked(plan)[0] == ("1-31", "2-01")
    assert written(plan, "a") == mark("2024-02-01", "2024-01-31")
    with pytest.raises(SettingsError, match=r"lies in the future .* Set start_date"):
        plan_of(bookmark, range_of(None))


@pytest.mark.parametrize("name", ["replication_key_value", "start_date"])
@pytest.mark.parametrize("value", ["soon", 5, "2024-02-08T00:00:00", ["2024-02-08"]])
def test_a_bookmark_that_is_no_date_is_refused(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"^state: stats\.{name}"):
        plan_of(mark("2024-02-08") | {name: value}, range_of())


def test_dates_before_all_days_of_gong() -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    plan = plan_of(mark("0001-01-01"), range_of(first, end_date=first), days=10_000)
    (only,) = plan
    assert only.inputs == {"fromDate": "1969-12-29", "toDate": "1970-01-01"}


# The bookmark


def test_the_bookmark_is_the_end_of_the_days_that_are_out() -> None:
    plan = plan_of({}, range_of(START + 7 * DAY))
    assert written(plan, "ab") == mark("2024-02-08", "2024-02-07")
    assert plan.bookmarks(lost=("stats",)) == {}


def test_an_empty_day_among_others_is_out() -> None:
    plan = plan_of({}, range_of(START + 7 * DAY))
    assert written(plan, "", "a", "") == mark("2024-02-10", "2024-02-07")
    assert plan.is_done
    assert plan.complaint() == ""


@pytest.mark.parametrize("bookmark", [{}, mark("2024-02-09", "2024-01-31")], ids=str)
def test_a_run_that_finds_nothing_leaves_it_where_it_was(
    bookmark: dict[str, str],
) -> None:
    plan = plan_of(bookmark, range_of())
    assert written(plan, *[""] * 10) is None
    assert plan.is_done
    assert "The bookmark stays where it was" in plan.nothing_found


def test_a_day_that_was_not_over_by_gongs_clock_is_not_out() -> None:
    plan = plan_of({}, range_of(START + 7 * DAY))
    at = {"asked_at": NOW - 2 * DAY}
    assert written(plan, "a", "b", "c", **at) == mark("2024-02-08", "2024-02-07")
    plan = plan_of({}, range_of(START + 7 * DAY))
    at = {"asked_at": NOW - 20 * DAY}
    assert written(plan, "a", **at) == mark("2024-02-07", "2024-02-07")


# Passes of several runs


class Runs:
    """What several runs emit, and the state between them."""

    def __init__(self, empty: frozenset[int], lookback: float, days: int) -> None:
        self.empty = empty
        self.lookback = lookback
        self.days = days
        self.state: dict[str, Any] = {}
        self.out: Counter[date] = Counter()

    def run(self, start_date: datetime, now: datetime, stop: int) -> bool:
        """Emit up to so many slices; tell whether the plan is done."""
        range_ = range_of(start_date, now=now, lookback=self.lookback)
        plan = DayPlan(
            "stats",
            self.state,
            range_,
            STATS,
            days_a_request=self.days,
            warn=lambda _: None,
        )
        since, until = self._interval()
        repeated = timedelta(days=-(-self.lookback // 1))
        for slice_ in list(plan)[:stop]:
            start, end = (
                date.fromisoformat(slice_.inputs[name])
                for name in ("fromDate", "toDate")
            )
            assert DAY <= end - start <= self.days * DAY
            assert end <= last_day_that_gong_takes(now)
            assert start >= start_date.date() or start >= since
            found = []
            for day in days_of(start, end):
                if day < until:
                    assert day < since or day >= until - repeated
                if day.toordinal() % 20 not in self.empty:
                    self.out[day] += 1
                    found.append(day.isoformat())
            plan.finish(slice_, found, now)
            self._save(plan, now)
        return plan.is_done

    def _save(self, plan: DayPlan, now: datetime) -> None:
        """Merge the state as Meltano does, and look at what it says."""
        values = plan.bookmarks().get("stats", {})
        assert None not in values.values()
        since, until = self._interval()
        self.state = json.loads(json.dumps({**self.state, **values}))
        if not self.state:
            return
        now_since, now_until = self._interval()
        assert now_until >= until
        assert now_until <= last_day_that_gong_takes(now)
        assert now_since <= since or since == date.min
        for day in days_of(now_since, now_until):
            assert self.out[day] or day.toordinal() % 20 in self.empty, day

    def _interval(self) -> tuple[date, date]:
        names = ("start_date", "replication_key_value")
        if not self.state:
            return date.min, date.min
        since, until = (date.fromisoformat(self.state[name]) for name in names)
        return since, until


def last_day_that_gong_takes(now: datetime) -> date:
    """Find the company's today, in the zone where that is earliest."""
    return min(now.astimezone(timezone(hour * HOUR)).date() for hour in OFFSETS)


def days_of(start: date, end: date) -> list[date]:
    return [start + n * DAY for n in range((end - start).days)]


zones = st.integers(-12 * 60, 14 * 60).map(lambda n: timezone(timedelta(minutes=n)))
runs = st.tuples(
    st.integers(0, 20),  # days that start_date is after the earliest one
    st.integers(0, 24 * 6),  # hours since the run before
    st.integers(0, 12),  # slices until it is interrupted
    zones,
)


@given(
    st.frozensets(st.integers(0, 19), max_size=19),
    st.sampled_from([0, 0.5, 1, 3]),
    st.integers(1, 7),
    st.lists(runs, max_size=8),
)
def test_interrupted_anywhere_and_gone_on(
    empty: frozenset[int],
    lookback: float,
    days: int,
    cut_short: list[tuple[int, int, int, timezone]],
) -> None:
    """Each day is out, and none twice but for the look-back."""
    all_runs = Runs(empty, lookback, days)
    now = NOW + 20 * DAY
    for later, hours, stop, zone in cut_short:
        now += hours * HOUR
        all_runs.run(START + later * DAY, now.astimezone(zone), stop)
    now += 3 * DAY
    assert all_runs.run(START, now, 1_000)
    wanted = {
        day
        for day in days_of(START.date(), last_day_that_gong_takes(now))
        if day.toordinal() % 20 not in empty
    }
    assert wanted == all_runs.out.keys()
    if not lookback:
        assert set(all_runs.out.values()) <= {1}


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 4))
def test_without_a_look_back_and_with_one_start_each_day_is_out_once(
    stops: list[int], days: int
) -> None:
    all_runs = Runs(frozenset(), 0, days)
    for stop in [*stops, 1_000]:
        is_done = all_runs.run(START, NOW + 20 * DAY, stop)
    assert is_done
    assert set(all_runs.out.values()) == {1}
    assert len(all_runs.out) == 30
