"""Waiting for a call that blocks, but not for ever."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

import pytest

from tap_gong.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 10


class Answer:
    """Something that can be followed to its end."""


@pytest.fixture
def deadline() -> Iterator[Deadline[object]]:
    deadline = Deadline[object](LONG)
    yield deadline
    deadline.close()


def started_since(before: set[threading.Thread]) -> set[threading.Thread]:
    return set(threading.enumerate()) - before


def test_what_a_call_returns(deadline: Deadline[object]) -> None:
    answer = Answer()
    assert deadline.run(lambda: answer) is answer


@pytest.mark.parametrize("error", [OSError(), MemoryError(), KeyboardInterrupt()])
def test_what_a_call_raises(deadline: Deadline[object], error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        deadline.run(fail)
    assert caught.value is error
    assert deadline.run(lambda: 1) == 1


def test_one_thread_after_another_call(deadline: Deadline[object]) -> None:
    before = set(threading.enumerate())
    names = {deadline.run(threading.get_ident) for _ in range(100)}
    assert len(names) == len(started_since(before)) == 1
    assert names != {threading.get_ident()}


def test_calls_side_by_side(deadline: Deadline[object]) -> None:
    """Each of them waits for all others."""
    barrier = threading.Barrier(8)
    callers = [
        threading.Thread(target=deadline.run, args=(lambda: barrier.wait(LONG),))
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(LONG)
    assert not barrier.broken
    assert barrier.n_waiting == 0


def test_a_call_that_is_late() -> None:
    deadline = Deadline[object](0.01)
    before = set(threading.enumerate())
    release = threading.Event()
    with pytest.raises(TimeoutError):
        deadline.run(lambda: release.wait(LONG))
    (late,) = started_since(before)
    assert late.daemon
    with pytest.raises(TimeoutError):
        deadline.run(lambda: release.wait(LONG))
    assert len(started_since(before)) == 2
    deadline.close()
    release.set()
    for thread in started_since(before):
        thread.join(LONG)
    assert not started_since(before)


def test_closing_ends_the_threads() -> None:
    before = set(threading.enumerate())
    deadline = Deadline[object](LONG)
    deadline.run(Answer)
    (idle,) = started_since(before)
    deadline.close()
    idle.join(LONG)
    assert not idle.is_alive()


def test_a_call_after_the_end() -> None:
    """A worker may have been about to make it; its thread ends with it."""
    before = set(threading.enumerate())
    deadline = Deadline[object](LONG)
    deadline.close()
    assert deadline.run(lambda: 1) == 1
    for thread in started_since(before):
        thread.join(LONG)
    assert not started_since(before)


def test_nothing_is_held_between_calls(deadline: Deadline[object]) -> None:
    gone = threading.Event()

    def call() -> Answer:
        answer = Answer()
        weakref.finalize(answer, gone.set)
        return answer

    deadline.run(call)
    assert gone.wait(LONG)
