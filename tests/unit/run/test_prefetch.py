"""Prefetching: in order, side by side, within bounds, and over when it is over.

Fetches wait until the test lets them go, in an order that the test chooses; the test
acts whenever `prefetch` finds nothing to do and calls `idle`.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tap_gong.run.prefetch import Place, Split, prefetch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

LIMIT = 10
"""Seconds after which something that should happen will not."""


class BrokenSliceError(Exception):
    """What a slice that cannot be fetched raises."""


@contextmanager
def all_workers_end() -> Iterator[None]:
    """Check that no thread that began in here is left afterwards."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(LIMIT)
        assert not thread.is_alive()


def give_up() -> None:
    pytest.fail("nothing came, though nothing was kept back")


def prefetch_whole(
    plan: Iterable[Any],
    fetch: Callable[[Any], Any],
    *,
    workers: int,
    ahead: int,
    **options: Any,  # noqa: ANN401
) -> Generator[tuple[Any, Any]]:
    """Prefetch slices that have one result each."""

    def results(slice_: object, _: Place) -> Iterator[Any]:
        yield fetch(slice_)

    run = prefetch(plan, results, workers=workers, ahead=ahead, held=10**6, **options)
    with closing(run):  # type: ignore[type-var]
        yield from run


def drain(
    plan: Iterable[int], fetch: Callable[[int], object], *, workers: int, ahead: int
) -> list[tuple[int, object]]:
    return list(
        prefetch_whole(
            plan, fetch, workers=workers, ahead=ahead, idle=give_up, idle_seconds=LIMIT
        )
    )


def keep(results: Iterable[tuple[int, object]], handed: list[int]) -> None:
    """Take what comes until it ends or breaks."""
    for number, _ in results:
        handed.append(number)


class Node:
    """A slice: fetched whole, broken, or in parts."""

    def __init__(self, name: int, kind: str, parts: tuple[Node, ...] = ()) -> None:
        self.name = name
        self.kind = kind
        self.parts = parts

    def leaves(self) -> Iterator[Node]:
        if self.kind == "split":
            for part in self.parts:
                yield from part.leaves()
        else:
            yield self

    def splits(self) -> bool:
        return self.kind == "split"


@st.composite
def plans(draw: st.DrawFn) -> list[Node]:
    numbers = count()
    kinds = st.sampled_from(["whole"] * 9 + ["split", "split", "broken"])

    def node(depth: int) -> Node:
        kind = draw(kinds) if depth else "whole"
        parts = (
            tuple(node(depth - 1) for _ in range(draw(st.integers(0, 4))))
            if kind == "split"
            else ()
        )
        return Node(next(numbers), kind, parts)

    return [node(3) for _ in range(draw(st.integers(0, 14)))]


class Bench:
    """Runs `prefetch` over a plan of nodes and watches every step of it."""

    def __init__(self, plan: list[Node], order: list[int], batch: int) -> None:
        self.plan = plan
        self.drawn = 0
        self.fetched: list[int] = []
        self.fetching: dict[int, threading.Event] = {}
        self.most_fetching = 0
        self.most_kept = 0
        self.most_unhanded = 0
        self.handed: list[Node] = []
        self._order = order
        self._batch = batch
        self._changing = threading.Lock()
        self._last_busy = time.monotonic()

    def slices(self) -> Iterator[Node]:
        for node in self.plan:
            self.drawn += 1
            with self._changing:
                handed = {leaf.name for leaf in self.handed}
                kept = [
                    top
                    for top in self.plan[: self.drawn]
                    if any(leaf.name not in handed for leaf in top.leaves())
                ]
                self.most_kept = max(self.most_kept, len(kept))
            yield node

    def fetch(self, node: Node) -> str | Split[Node]:
        let_go = threading.Event()
        with self._changing:
            self.fetched.append(node.name)
            self.fetching[node.name] = let_go
            self.most_fetching = max(self.most_fetching, len(self.fetching))
            self.most_unhanded = max(
                self.most_unhanded, len(self.fetched) - len(self.handed)
            )
        assert let_go.wait(LIMIT)
        with self._changing:
            del self.fetching[node.name]
        if node.kind == "broken":
            raise BrokenSliceError(node.name)
        return Split(node.parts) if node.splits() else f"result {node.name}"

    def let_some_go(self, most: int | None = None) -> None:
        with self._changing:
            if self.fetching:
                self._last_busy = time.monotonic()
            assert time.monotonic() - self._last_busy < LIMIT
            waiting = [
                name for name in self.fetching if not self.fetching[name].is_set()
            ]
            waiting.sort(key=lambda name: self._order[name % len(self._order)])
            for name in waiting[: most or self._batch]:
                self.fetching[name].set()

    def run(self, *, workers: int, ahead: int) -> Generator[tuple[Node, object]]:
        return prefetch_whole(
            self.slices(),
            self.fetch,
            workers=workers,
            ahead=ahead,
            idle=self.let_some_go,
            idle_seconds=0.0005,
        )

    def hand_over(self, node: Node, result: object) -> None:
        assert result == f"result {node.name}"
        with self._changing:
            self.handed.append(node)


@given(
    plan=plans(),
    workers=st.integers(1, 6),
    more=st.integers(0, 6),
    order=st.permutations(range(24)),
    batch=st.integers(1, 3),
)
@hypothesis_settings(max_examples=150)
def test_any_plan_in_any_order_of_completion(
    plan: list[Node], workers: int, more: int, order: list[int], batch: int
) -> None:
    bench = Bench(plan, order, batch)
    ahead = workers + more
    error = None
    with all_workers_end():
        try:
            for slice_, result in bench.run(workers=workers, ahead=ahead):
                bench.hand_over(slice_, result)
        except BrokenSliceError as caught:
            error = caught
        while bench.fetching:
            bench.let_some_go(most=100)

    leaves = [leaf for node in plan for leaf in node.leaves()]
    broken = [place for place, leaf in enumerate(leaves) if leaf.kind == "broken"]
    if broken:
        assert bench.handed == leaves[: broken[0]]
        assert error is not None
        assert error.args == (leaves[broken[0]].name,)
    else:
        assert bench.handed == leaves
        assert error is None
        assert bench.drawn == len(plan)
    assert len(bench.fetched) == len(set(bench.fetched))
    assert bench.most_fetching <= workers
    assert bench.most_kept <= ahead
    if not any(map(Node.splits, plan)):
        assert bench.most_unhanded <= ahead


@given(
    plan=plans(),
    workers=st.integers(1, 6),
    more=st.integers(0, 6),
    order=st.permutations(range(24)),
    taken=st.integers(0, 10),
)
@hypothesis_settings(max_examples=75)
def test_closed_early_no_worker_is_left(
    plan: list[Node], workers: int, more: int, order: list[int], taken: int
) -> None:
    bench = Bench(plan, order, 1)
    with all_workers_end():
        run = bench.run(workers=workers, ahead=workers + more)
        try:
            for _ in range(taken):
                bench.hand_over(*next(run))
        except (StopIteration, BrokenSliceError):
            pass
        run.close()
        while bench.fetching:
            bench.let_some_go(most=100)
    assert bench.most_fetching <= workers


def test_as_many_at_once_as_there_are_workers() -> None:
    together = threading.Barrier(5)

    def fetch(number: int) -> int:
        together.wait(LIMIT)
        return -number

    assert drain(range(20), fetch, workers=5, ahead=5) == [(n, -n) for n in range(20)]


def test_each_slice_in_its_own_time_last_first() -> None:
    done = [threading.Event() for _ in range(9)]
    done[8].set()

    def fetch(number: int) -> int:
        assert done[number].wait(LIMIT)
        if number:
            done[number - 1].set()
        return number * number

    assert drain(range(9), fetch, workers=9, ahead=9) == [(n, n * n) for n in range(9)]


def test_no_plan_no_threads() -> None:
    before = threading.active_count()
    assert drain([], lambda _: pytest.fail("fetched"), workers=4, ahead=4) == []
    assert threading.active_count() == before


def test_no_more_threads_than_slices() -> None:
    workers = set()

    def fetch(number: int) -> int:
        workers.add(threading.current_thread())
        assert threading.current_thread().daemon
        assert number < 2
        return number

    assert drain(range(2), fetch, workers=100, ahead=100) == [(0, 0), (1, 1)]
    assert len(workers) <= 2


def test_an_endless_plan_is_drawn_only_as_far_as_there_is_room() -> None:
    numbers = count()
    with all_workers_end():
        run = prefetch_whole(numbers, str, workers=3, ahead=7)
        assert [next(run) for _ in range(10)] == [(n, str(n)) for n in range(10)]
        run.close()
    assert next(numbers) <= 10 + 7


def test_nothing_begins_before_the_first_result_is_wanted() -> None:
    prefetch_whole(
        (pytest.fail("drawn") for _ in range(9)),
        lambda _: pytest.fail("fetched"),
        workers=1,
        ahead=1,
    )


def test_parts_stand_where_their_slice_stood() -> None:
    def fetch(span: range) -> range | Split[range]:
        half = len(span) // 2
        return Split([span[:half], span[half:]]) if half else span

    with all_workers_end():
        fetched = list(
            prefetch_whole([range(40), range(40, 50)], fetch, workers=4, ahead=4)
        )
    assert [list(result) for _, result in fetched] == [[n] for n in range(50)]
    assert all(slice_ == result for slice_, result in fetched)


def test_a_slice_may_have_no_parts() -> None:
    def fetch(number: int) -> int | Split[int]:
        return Split([]) if number % 3 else number

    numbers = [n for n, _ in drain(range(30), fetch, workers=2, ahead=3)]
    assert numbers == list(range(0, 30, 3))
    assert drain([1, 2], fetch, workers=2, ahead=3) == []


def test_parts_wait_for_room() -> None:
    """A slice of many parts does not take more room than others."""
    handed: list[int] = []
    begun: list[int] = []

    def fetch(number: int) -> int | Split[int]:
        if number < 0:
            return Split(range(100))
        begun.append(number)
        assert number - len(handed) < 3
        return number

    for number, _ in prefetch_whole([-1], fetch, workers=2, ahead=3):
        handed.append(number)
    assert handed == list(range(100))
    assert sorted(begun) == handed


def test_the_first_failure_in_the_plan_is_raised_though_it_came_last() -> None:
    later_failed = threading.Event()
    errors = {1: BrokenSliceError(1), 3: BrokenSliceError(3)}

    def fetch(number: int) -> int:
        if number == 1:
            assert later_failed.wait(LIMIT)
        if number == 3:
            later_failed.set()
        if number in errors:
            raise errors[number]
        return number

    handed: list[int] = []
    with all_workers_end(), pytest.raises(BrokenSliceError) as caught:
        keep(prefetch_whole(range(99), fetch, workers=4, ahead=4), handed)
    assert caught.value is errors[1]
    assert handed == [0]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), MemoryError()])
def test_no_error_dies_in_its_thread(error: BaseException) -> None:
    def fetch(_: int) -> None:
        raise error

    with all_workers_end(), pytest.raises(type(error)) as caught:
        drain(range(5), fetch, workers=2, ahead=4)
    assert caught.value is error


def test_no_slice_is_fetched_after_a_failure() -> None:
    """What was being fetched ends, what waited for a worker does not begin."""
    begun = {n: threading.Event() for n in range(50)}
    let_go = {n: threading.Event() for n in range(50)}
    drawn = []
    idles_after_failure = 0

    def plan() -> Iterator[int]:
        for number in range(50):
            drawn.append(number)
            yield number

    def fetch(number: int) -> int:
        begun[number].set()
        assert let_go[number].wait(LIMIT)
        if number == 1:
            raise BrokenSliceError
        return number

    def idle() -> None:
        nonlocal idles_after_failure
        assert begun[0].wait(LIMIT)
        assert begun[1].wait(LIMIT)
        let_go[1].set()
        # The worker that failed has gone on to the next slice. Whatever it handed in
        # before has been seen by the second call from here.
        assert begun[2].wait(LIMIT)
        idles_after_failure += 1
        if idles_after_failure == 2:
            let_go[2].set()
            let_go[0].set()

    handed: list[int] = []
    with all_workers_end(), pytest.raises(BrokenSliceError):
        keep(
            prefetch_whole(
                plan(), fetch, workers=2, ahead=8, idle=idle, idle_seconds=0.001
            ),
            handed,
        )
    assert handed == [0]
    assert [number for number in begun if begun[number].is_set()] == [0, 1, 2]
    assert drawn == list(range(8))


def test_parts_before_a_failure_are_still_fetched() -> None:
    failed = threading.Event()

    def fetch(number: int) -> int | Split[int]:
        if number == 0:
            assert failed.wait(LIMIT)
            return Split([10, 11, 12, 13])
        if number == 1:
            failed.set()
            raise BrokenSliceError
        return number

    handed: list[int] = []
    with all_workers_end(), pytest.raises(BrokenSliceError):
        keep(prefetch_whole([0, 1, 2], fetch, workers=2, ahead=2), handed)
    assert handed == [10, 11, 12, 13]


def test_closed_early_what_waited_does_not_begin() -> None:
    begun = []
    both_begun = threading.Barrier(3)
    let_go = threading.Event()

    def fetch(number: int) -> int:
        begun.append(number)
        if number > 0:
            both_begun.wait(LIMIT)
            assert let_go.wait(LIMIT)
        return number

    with all_workers_end():
        run = prefetch_whole(range(100), fetch, workers=2, ahead=50)
        assert next(run) == (0, 0)
        both_begun.wait(LIMIT)
        run.close()
        let_go.set()
    assert sorted(begun) == [0, 1, 2]


def test_what_idle_raises_ends_the_run() -> None:
    let_go = threading.Event()

    def fetch(number: int) -> int:
        assert let_go.wait(LIMIT)
        return number

    def idle() -> None:
        raise InterruptedError

    with all_workers_end():
        with pytest.raises(InterruptedError):
            list(
                prefetch_whole(
                    range(9), fetch, workers=2, ahead=4, idle=idle, idle_seconds=0
                )
            )
        let_go.set()


def test_idle_is_called_again_and_again_by_the_caller() -> None:
    let_go = threading.Event()
    callers = []

    def idle() -> None:
        callers.append(threading.current_thread())
        if len(callers) == 5:
            let_go.set()

    def fetch(number: int) -> int:
        assert let_go.wait(LIMIT)
        return number

    fetched = prefetch_whole(
        [7], fetch, workers=1, ahead=1, idle=idle, idle_seconds=0.001
    )
    assert list(fetched) == [(7, 7)]
    assert len(callers) >= 5
    assert set(callers) == {threading.current_thread()}


def test_an_error_of_the_plan_ends_the_run() -> None:
    def plan() -> Iterator[int]:
        yield 1
        raise BrokenSliceError

    with all_workers_end(), pytest.raises(BrokenSliceError):
        list(prefetch_whole(plan(), str, workers=2, ahead=4))


# Slices of several results


def test_results_come_one_by_one() -> None:
    def fetch(number: int, place: Place) -> Iterator[str | Split[int]]:
        if number < 0:
            yield Split([1, 0, 2])
        else:
            for letter in "abc"[:number]:
                yield f"{letter}{place}"

    fetched = list(prefetch([3, -1], fetch, workers=2, ahead=3, held=1))
    assert fetched == [
        (3, "a(0,)"),
        (3, "b(0,)"),
        (3, "c(0,)"),
        (1, "a(1, 0)"),
        (2, "a(1, 2)"),
        (2, "b(1, 2)"),
    ]


def test_a_result_is_yielded_while_its_slice_is_still_being_fetched() -> None:
    let_go = threading.Event()

    def fetch(_: int, __: Place) -> Iterator[int]:
        yield 1
        assert let_go.wait(LIMIT)
        yield 2

    with all_workers_end():
        run = prefetch([7], fetch, workers=1, ahead=1, held=1)
        assert next(run) == (7, 1)
        let_go.set()
        assert list(run) == [(7, 2)]


def test_only_the_first_slice_goes_on_when_there_is_no_room() -> None:
    """The others wait with what they have, and go on once there is room again."""
    made = dict.fromkeys(range(5), 0)
    handed = dict.fromkeys(range(5), 0)
    changing = threading.Lock()
    most_behind = dict.fromkeys(range(5), 0)

    def fetch(number: int, _: Place) -> Iterator[int]:
        for result in range(10):
            with changing:
                made[number] += 1
                behind = made[number] - handed[number]
                most_behind[number] = max(most_behind[number], behind)
            yield 10 * number + result

    results = []
    with all_workers_end():
        for slice_, result in prefetch(range(5), fetch, workers=3, ahead=5, held=4):
            results.append(result)
            with changing:
                handed[slice_] += 1
    assert results == list(range(50))
    assert max(most_behind.values()) <= 4 + 1


def test_what_a_slice_brought_before_it_failed_is_yielded() -> None:
    def fetch(number: int, _: Place) -> Iterator[int]:
        yield number
        if number == 1:
            raise BrokenSliceError

    handed: list[tuple[int, int]] = []
    with all_workers_end(), pytest.raises(BrokenSliceError):
        handed.extend(prefetch(range(9), fetch, workers=2, ahead=4, held=9))
    assert handed == [(0, 0), (1, 1)]


def test_closed_early_a_slice_that_waits_for_room_ends() -> None:
    def fetch(number: int, _: Place) -> Iterator[int]:
        yield from [number] * 100

    with all_workers_end():
        run = prefetch(range(9), fetch, workers=3, ahead=9, held=1)
        assert next(run) == (0, 0)
        run.close()  # type: ignore[attr-defined]
