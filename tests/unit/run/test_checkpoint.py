"""When the place is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.run.checkpoint import (
    LIGHT,
    RECORDS_BETWEEN,
    SECONDS_BETWEEN,
    SHARE,
    Checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.unit.conftest import Clock


class Writes:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def make(
    write: Callable[[], None],
    clock: Clock,
    *,
    record_bytes: Callable[[], int] = lambda: 0,
    state: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """A checkpoint whose state is as light as most."""
    return Checkpoint(
        write, record_bytes=record_bytes, state=lambda: state or {}, clock=clock
    )


@pytest.fixture
def writes() -> Writes:
    return Writes()


def test_a_place_is_written_often_enough() -> None:
    assert (RECORDS_BETWEEN, SECONDS_BETWEEN) == (100, 10)


def test_every_hundred_records(clock: Clock, writes: Writes) -> None:
    checkpoint = make(writes, clock)
    for _ in range(1_000):
        checkpoint.add(1)
        checkpoint.write_if_due()
    assert writes.count == 10


def test_a_slice_of_many_records_is_one_write(clock: Clock, writes: Writes) -> None:
    checkpoint = make(writes, clock)
    checkpoint.add(5_000)
    checkpoint.write_if_due()
    checkpoint.write_if_due()
    assert writes.count == 1


def test_every_ten_seconds(clock: Clock, writes: Writes) -> None:
    checkpoint = make(writes, clock)
    counts = []
    for _ in range(21):
        clock.now += 1
        checkpoint.add(1)
        checkpoint.write_if_due()
        counts.append(writes.count)
    assert counts == [0] * 9 + [1] * 10 + [2] * 2


def test_no_news_is_not_written(clock: Clock, writes: Writes) -> None:
    checkpoint = make(writes, clock)
    checkpoint.add(0)
    clock.now += 3_600
    checkpoint.write_if_due()
    assert writes.count == 0
    checkpoint.add(1)
    checkpoint.write_if_due()
    assert writes.count == 1
    clock.now += 3_600
    checkpoint.write_if_due()
    assert writes.count == 1


def test_written_when_told_to(clock: Clock, writes: Writes) -> None:
    checkpoint = make(writes, clock)
    checkpoint.write()
    assert writes.count == 1
    checkpoint.add(99)
    clock.now += 9
    checkpoint.write()
    assert writes.count == 2
    checkpoint.add(1)
    clock.now += 9
    checkpoint.write_if_due()
    assert writes.count == 2


def test_news_outlive_a_failed_write(clock: Clock) -> None:
    failing = [True]

    def write() -> None:
        if failing:
            failing.pop()
            raise BrokenPipeError
        written.append(1)

    written: list[int] = []
    checkpoint = make(write, clock)
    checkpoint.add(100)
    with pytest.raises(BrokenPipeError):
        checkpoint.write_if_due()
    checkpoint.write_if_due()
    assert written == [1]


@pytest.mark.parametrize("queued", [300, 3_000, 30_000])
def test_a_heavy_state_is_written_less_often(clock: Clock, queued: int) -> None:
    """The bytes of all states stay a small share of those of the records."""
    queue = [str(10**18 + n) for n in range(queued)]
    out = 0
    state_bytes = 0
    state = {"call_ids": queue}

    def write() -> None:
        nonlocal state_bytes
        state_bytes += len(json.dumps(state, separators=(",", ":")))

    checkpoint = make(write, clock, record_bytes=lambda: 500 * out, state=state)
    while queue:
        del queue[:50]
        out += 50
        checkpoint.add(50)
        checkpoint.write_if_due()
    assert 0 < state_bytes <= SHARE * 500 * out + 100 * LIGHT
    assert state_bytes <= 0.05 * 500 * out


def test_a_heavy_state_is_written_when_told_to(clock: Clock, writes: Writes) -> None:
    state = {"call_ids": ["1"] * LIGHT}
    checkpoint = make(writes, clock, record_bytes=lambda: 0, state=state)
    checkpoint.add(1_000)
    checkpoint.write_if_due()
    assert writes.count == 0
    checkpoint.write()
    assert writes.count == 1
