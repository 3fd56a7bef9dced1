"""Passes by date that take several runs, of streams that join and leave.

Each run is emitted as the tap does it: slice by slice, call by call, with the state
taken over on the way; it may stop at any call.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from tap_gong.gong.calls import CALLS
from tap_gong.plans import periods
from tap_gong.plans.periods import PeriodPlan
from tap_gong.plans.ranges import Range
from tap_gong.plans.tracks import Reading, Track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_gong.plans.slices import Slice

START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATE = timedelta(days=1)
NAMES = ("calls", "call_parties", "call_topics")

Bookmarks = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Call:
    id: str
    started: datetime
    shown: datetime
    """From when on Gong shows it."""


@dataclass
class Runs:
    """What several runs emit, and the state between them."""

    calls: list[Call]
    lookback: timedelta = timedelta(0)
    state: Bookmarks = field(default_factory=dict)
    out: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in NAMES}
    )

    def run(
        self,
        names: frozenset[str],
        now: datetime,
        stop: int | None = None,
        *,
        is_killed: bool = False,
    ) -> bool:
        """Emit up to so many calls; tell whether the plan is done."""
        self.calls.reverse()  # they come in no promised order
        range_ = Range(START, now, self.lookback, None, now)
        tracks = {
            name: Track(name, self.state.get(name, {}), range_, warn=lambda _: None)
            for name in NAMES
            if name in names
        }
        plan = PeriodPlan(tracks, CALLS, end=range_.end, workspace_id=None)
        left = len(self.calls) * 9 if stop is None else stop
        out: set[str] = set()
        plan.emitted = out
        for slice_ in self._slices(plan, now):
            found = self._found(slice_, now)
            for call in found:
                if not left:
                    if not is_killed:
                        self._save(plan)
                    return False
                left -= 1
                for name in slice_.feeds:
                    if not plan.is_out(name, call.id):
                        self.out[name][call.id] += 1
                out.add(call.id)
                if left % 3 == 0:  # a checkpoint in the middle of a slice
                    self._save(plan)
            plan.finish(slice_, [call.id for call in found], now)
            out.clear()
            assert plan.recount() is None
            self._save(plan)
        assert plan.is_done
        assert plan.complaint() == ""
        self._save(plan)
        return True

    def _found(self, slice_: Slice, now: datetime) -> list[Call]:
        assert slice_.period
        start, end = slice_.period
        return [
            call
            for call in self.calls
            if start <= call.started < end and call.shown <= now
        ]

    def _slices(self, plan: PeriodPlan, now: datetime) -> Iterator[Slice]:
        waiting = list(plan)[::-1]
        while waiting:
            slice_ = waiting.pop()
            total = len(self._found(slice_, now))
            parts = plan.cut(slice_, total) if total > 1 else ()
            waiting += list(parts)[::-1]
            if not parts:
                yield slice_

    def _save(self, plan: PeriodPlan) -> None:
        """Merge the state as Meltano does, and look at what it says."""
        for name, values in plan.bookmarks().items():
            before = self.state.get(name, {})
            for key, value in values.items():
                assert not isinstance(value, dict)
                assert value is not None or key in before
            after = json.loads(json.dumps({**before, **values}))
            was, is_ = (Reading.from_bookmark(each, name) for each in (before, after))
            if was.until:
                assert is_.until
                assert is_.until >= was.until
            if values:
                self.state[name] = after
            self._check_claim(name, is_)

    def _check_claim(self, name: str, reading: Reading) -> None:
        """What a bookmark says is out must be out."""
        came = self.out[name]
        assert reading.emitted <= came.keys()
        for call in self.calls:
            if call.shown == call.started and reading.until:
                assert call.started >= reading.until or came[call.id]


def call_of(number: int, hour: int, late: int) -> Call:
    started = START + hour * HOUR
    return Call(str(number), started, started + late * HOUR)


hours = st.integers(0, 60 * 24 - 1)
calls_in_time = st.lists(hours, max_size=40).map(
    lambda some: [call_of(number, hour, 0) for number, hour in enumerate(some)]
)
calls_some_late = st.lists(st.tuples(hours, st.integers(0, 23)), max_size=40).map(
    lambda some: [call_of(number, *hour) for number, hour in enumerate(some)]
)
selections = st.frozensets(st.sampled_from(NAMES), min_size=1)
stops = st.integers(0, 25)

SMALL = patch.multiple(
    periods, UNCUT=3, SMALLEST_PERIOD=2, LARGEST_PERIOD=4, DENSE=8, FEWEST_PERIODS=3
)


@given(calls=calls_in_time, runs=st.lists(st.tuples(selections, stops), max_size=8))
@example([call_of(n, n, 0) for n in range(3)], [(frozenset(NAMES), 2)] * 3)
@example([call_of(n, n, 0) for n in range(3)], [(frozenset(NAMES), 1)] * 3)
def test_a_pass_of_several_runs_brings_each_call_once(
    calls: list[Call], runs: list[tuple[frozenset[str], int]]
) -> None:
    """To each stream, whenever it joins and wherever the others stand."""
    world = Runs(calls)
    with SMALL:
        for names, stop in runs:
            world.run(names, END, stop)
        assert world.run(frozenset(NAMES), END)
    once = Counter(call.id for call in calls)
    assert world.out == dict.fromkeys(NAMES, once)


@given(
    calls=calls_in_time,
    runs=st.lists(st.tuples(selections, stops), max_size=8),
    days=st.integers(1, 20),
)
def test_only_the_look_back_brings_a_call_again(
    calls: list[Call], runs: list[tuple[frozenset[str], int]], days: int
) -> None:
    world = Runs(calls, timedelta(days=days))
    with SMALL:
        for names, stop in runs:
            world.run(names, END, stop)
        assert world.run(frozenset(NAMES), END)
    for came in world.out.values():
        assert came.keys() == {call.id for call in calls}
        for call in calls:
            assert came[call.id] == 1 or call.started >= END - world.lookback


@given(
    calls=calls_some_late,
    runs=st.lists(
        st.tuples(selections, stops, st.integers(1, 300), st.booleans()), max_size=8
    ),
)
def test_no_call_is_left_out_that_gong_shows_late(
    calls: list[Call], runs: list[tuple[frozenset[str], int, int, bool]]
) -> None:
    """Time goes on between the runs, and some are killed before their last state."""
    world = Runs(calls, LATE)
    now = START
    with SMALL:
        for names, stop, pause, is_killed in runs:
            now += pause * HOUR
            world.run(names, now, stop, is_killed=is_killed)
        now = max(now, END) + LATE
        assert world.run(frozenset(NAMES), now)
        assert world.run(frozenset(NAMES), now)
    for came in world.out.values():
        assert came.keys() == {call.id for call in calls}


@given(
    calls=calls_in_time,
    history=st.integers(1, 60 * 24),
    stop=st.none() | stops,
)
def test_a_stream_that_is_added_later_costs_the_others_only_the_look_back(
    calls: list[Call], history: int, stop: int | None
) -> None:
    middle = START + history * HOUR
    world = Runs(calls, LATE)
    with SMALL:
        assert world.run(frozenset({"calls"}), middle)
        world.run(frozenset({"calls", "call_parties"}), END, stop)
        assert world.run(frozenset({"calls", "call_parties"}), END)
    assert world.out["call_parties"].keys() == {call.id for call in calls}
    for call in calls:
        is_old = call.started < middle - LATE
        assert world.out["calls"][call.id] == 1 or not is_old
