"""When the place is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_gong.checkpoint import RECORDS_BETWEEN, SECONDS_BETWEEN, Checkpoint

if TYPE_CHECKING:
    from .conftest import Clock


class Writes:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def writes() -> Writes:
    return Writes()


def test_a_place_is_written_often_enough() -> None:
    assert (RECORDS_BETWEEN, SECONDS_BETWEEN) == (100, 10)


def test_every_hundred_records(clock: Clock, writes: Writes) -> None:
    checkpoint = Checkpoint(writes, clock=clock)
    for _ in range(1_000):
        checkpoint.add(1)
        checkpoint.write_if_due()
    assert writes.count == 10


def test_a_slice_of_many_records_is_one_write(clock: Clock, writes: Writes) -> None:
    checkpoint = Checkpoint(writes, clock=clock)
    checkpoint.add(5_000)
    checkpoint.write_if_due()
    checkpoint.write_if_due()
    assert writes.count == 1


def test_every_ten_seconds(clock: Clock, writes: Writes) -> None:
    checkpoint = Checkpoint(writes, clock=clock)
    counts = []
    for _ in range(21):
        clock.now += 1
        checkpoint.add(1)
        checkpoint.write_if_due()
        counts.append(writes.count)
    assert counts == [0] * 9 + [1] * 10 + [2] * 2


def test_no_news_is_not_written(clock: Clock, writes: Writes) -> None:
    checkpoint = Checkpoint(writes, clock=clock)
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
    checkpoint = Checkpoint(writes, clock=clock)
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
    checkpoint = Checkpoint(write, clock=clock)
    checkpoint.add(100)
    with pytest.raises(BrokenPipeError):
        checkpoint.write_if_due()
    checkpoint.write_if_due()
    assert written == [1]
