"""The pace, on a clock of the tests' own."""

from __future__ import annotations

import math
import os
import threading
from bisect import bisect_left
from contextvars import copy_context
from dataclasses import dataclass
from itertools import cycle, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_gong.gong.pace import CATCH_UP, HEADROOM, TURN, CancelledError, Pace
from tests.unit.conftest import Clock

ALMOST = 1e-6


@dataclass
class Turn:
    """What a thread fetches: where it stands, and whether it is still wanted."""

    place: tuple[int, ...] = ()
    cancelled: bool = False


def make(clock: Clock, per_second: float) -> Pace:
    return Pace(per_second, clock=clock, sleep=clock.sleep)


def most_in_a_second(turns: list[float]) -> int:
    return max(bisect_left(turns, turn + 1) - place for place, turn in enumerate(turns))


def test_first_turn_is_free(clock: Clock) -> None:
    make(clock, 0.01).wait()
    assert clock.now == 1_000


@pytest.mark.parametrize("per_second", [0.01, 0.5, 1, 2.5, 3, 50, 10_000])
def test_turns_are_evenly_spaced(clock: Clock, per_second: float) -> None:
    pace = make(clock, per_second)
    turns = []
    for _ in range(20):
        pace.wait()
        turns.append(clock.now)
    gap = (1 + HEADROOM) / per_second
    gaps = [after - before for before, after in pairwise(turns)]
    assert gaps == pytest.approx([gap] * 19, rel=1e-3)


@given(
    per_second=st.integers(1, 40),
    lates=st.lists(st.floats(0, 0.3), min_size=1, max_size=60),
    idles=st.lists(
        st.sampled_from([0, 0, 0, 0.001, 0.02, 0.4, 3]), min_size=1, max_size=9
    ),
)
def test_no_second_has_more_turns_than_allowed(
    per_second: int, lates: list[float], idles: list[float]
) -> None:
    """However late threads wake up and callers come."""
    clock = Clock()
    late = cycle(lates)

    def oversleep(seconds: float) -> None:
        clock.now += seconds + next(late)

    pace = Pace(per_second, clock=clock, sleep=oversleep)
    turns = []
    for turn in range(400):
        pace.wait()
        turns.append(clock.now)
        clock.now += idles[turn % len(idles)]
    assert most_in_a_second(turns) <= per_second


@given(st.floats(0.05, 40))
def test_no_second_has_more_turns_than_a_broken_rate(per_second: float) -> None:
    clock = Clock()
    pace = make(clock, per_second)
    turns = []
    for _ in range(200):
        pace.wait()
        turns.append(clock.now)
    assert most_in_a_second(turns) <= math.ceil(per_second)


def test_late_turns_are_caught_up(clock: Clock) -> None:
    """A thread that wakes up a little late does not slow the run."""

    def oversleep(seconds: float) -> None:
        clock.now += seconds + CATCH_UP / 2

    pace = Pace(10, clock=clock, sleep=oversleep)
    began = clock.now
    for _ in range(1_001):
        pace.wait()
    assert clock.now - began == pytest.approx(1_000 * (1 + HEADROOM) / 10, abs=0.1)


def test_idle_time_is_not_saved_up(clock: Clock) -> None:
    pace = make(clock, 10)
    pace.wait()
    clock.now += 1_000
    pace.wait()
    idle_over = clock.now
    pace.wait()
    assert clock.now - idle_over >= (1 + HEADROOM) / 10 - CATCH_UP - ALMOST


@given(st.floats(0.001, 1_000))
def test_hold_stops_for_exactly_that_long(seconds: float) -> None:
    clock = Clock()
    pace = make(clock, 10_000)
    pace.wait()
    clock.now += 1
    began = clock.now
    pace.hold(seconds)
    pace.wait()
    assert clock.now - began == pytest.approx(seconds, abs=ALMOST)
    assert pace.waited == pytest.approx(seconds)


def test_turns_go_on_evenly_after_a_hold(clock: Clock) -> None:
    pace = make(clock, 2)
    pace.wait()
    pace.hold(30)
    turns = []
    for _ in range(4):
        pace.wait()
        turns.append(clock.now - 1_000)
    gap = (1 + HEADROOM) / 2
    assert turns == pytest.approx([30, 30 + gap, 30 + 2 * gap, 30 + 3 * gap])


def test_hold_shorter_than_the_gap_costs_nothing(clock: Clock) -> None:
    pace = make(clock, 1)
    pace.wait()
    pace.hold(0.5)
    pace.wait()
    assert clock.now - 1_000 == pytest.approx(1 + HEADROOM)


def test_hold_reaches_those_already_waiting(clock: Clock) -> None:
    naps = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 1:
            pace.hold(60)
        clock.sleep(seconds)

    pace = Pace(1, clock=clock, sleep=sleep)
    pace.wait()
    pace.wait()
    assert clock.now == pytest.approx(1_060)
    assert len(naps) == 2


def test_overlapping_holds_count_once(clock: Clock) -> None:
    pace = make(clock, 1)
    pace.hold(10)
    assert pace.waited == 10
    pace.hold(4)
    assert pace.waited == 10
    clock.now += 5
    pace.hold(10)
    assert pace.waited == 15
    pace.wait()
    assert clock.now == pytest.approx(1_015)
    clock.now += 100
    pace.hold(2)
    assert pace.waited == 17


def test_close_raises_in_each_wait_to_come(clock: Clock) -> None:
    pace = make(clock, 1)
    error = RuntimeError("over")
    pace.close(error)
    for _ in range(3):
        with pytest.raises(RuntimeError) as caught:
            pace.wait()
        assert caught.value is error
    assert clock.now == 1_000


def test_close_ends_a_wait_that_has_begun() -> None:
    """At once, however long the wait would be."""
    error = RuntimeError("over")
    pace = Pace(1)
    pace.hold(86_400)
    caught: list[Exception] = []

    def work() -> None:
        with pytest.raises(RuntimeError) as info:
            pace.wait()
        caught.append(info.value)

    thread = threading.Thread(target=work)
    thread.start()
    while not pace._queue._occupied:
        os.sched_yield()
    pace.close(error)
    thread.join(10)
    assert caught == [error]


def test_threads_share_the_pace(clock: Clock) -> None:
    pace = make(clock, 4)
    turns: list[float] = []
    taking = threading.Lock()

    def work() -> None:
        for _ in range(50):
            with taking:
                pace.wait()
                turns.append(clock.now)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(turns) == 400
    assert most_in_a_second(turns) <= 4
    assert turns[-1] - turns[0] == pytest.approx(399 * (1 + HEADROOM) / 4)


def test_waiting_threads_are_all_stopped_by_close(clock: Clock) -> None:
    asleep, go_on = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def sleep(seconds: float) -> None:
        asleep.set()
        assert go_on.wait(10)
        clock.sleep(seconds)

    pace = Pace(1, clock=clock, sleep=sleep)
    pace.hold(3_600)

    def work() -> None:
        try:
            pace.wait()
        except RuntimeError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert asleep.wait(10)
    pace.close(RuntimeError("over"))
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(errors) == 5


def test_the_next_turn_goes_to_the_first_place_in_the_plan(clock: Clock) -> None:
    """Not to the thread that has waited longest."""
    places = [(7,), (2, 1), (2, 0), (2,), (0, 3, 1), (30,)]
    turns: list[tuple[int, ...]] = []

    def take_turn(place: tuple[int, ...]) -> None:
        TURN.set(Turn(place))
        pace.wait()
        turns.append(place)

    pace = make(clock, 1)
    with pace._queue.front(()):
        threads = [
            threading.Thread(target=take_turn, args=(place,)) for place in places
        ]
        for thread in threads:
            thread.start()
        while len(pace._queue._waiting) < len(places):
            os.sched_yield()
    for thread in threads:
        thread.join(10)
    assert turns == sorted(places)


def wait_for(turn: Turn, pace: Pace) -> None:
    """Wait for a turn without leaving a trace in this thread's context."""

    def wait() -> None:
        TURN.set(turn)
        pace.wait()

    copy_context().run(wait)


def test_who_is_cancelled_takes_no_turn(clock: Clock) -> None:
    pace = make(clock, 1)
    pace.wait()
    for _ in range(3):
        with pytest.raises(CancelledError):
            wait_for(Turn(cancelled=True), pace)
    assert clock.now == 1_000
    pace.wait()
    assert clock.now == pytest.approx(1_000 + 1 + HEADROOM)


@pytest.mark.parametrize("hold", [0, 300])
def test_who_is_cancelled_while_it_waits_takes_no_turn(hold: float) -> None:
    """The next one has it, at the same moment."""
    clock = Clock()
    turn = Turn()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        turn.cancelled = True

    pace = Pace(1, clock=clock, sleep=sleep)
    pace.wait()
    pace.hold(hold)
    with pytest.raises(CancelledError):
        wait_for(turn, pace)
    pace.wait()
    assert clock.now == pytest.approx(1_000 + max(hold, 1 + HEADROOM))


def test_who_is_cancelled_in_the_queue_takes_no_turn(clock: Clock) -> None:
    turns = [Turn((number,)) for number in range(6)]
    taken: list[Turn] = []
    cancelled: list[Turn] = []

    def take_turn(turn: Turn) -> None:
        TURN.set(turn)
        try:
            pace.wait()
        except CancelledError:
            cancelled.append(turn)
        else:
            taken.append(turn)

    pace = make(clock, 1)
    with pace._queue.front(()):
        threads = [threading.Thread(target=take_turn, args=(turn,)) for turn in turns]
        for thread in threads:
            thread.start()
        while len(pace._queue._waiting) < len(turns):
            os.sched_yield()
        for turn in turns[::2]:
            turn.cancelled = True
    for thread in threads:
        thread.join(10)
    assert cancelled == turns[::2]
    assert taken == turns[1::2]
    assert clock.now == pytest.approx(1_000 + 2 * (1 + HEADROOM))
