"""Prefetching: in order, side by side, within bounds, and over when it is over.

Fetches wait until the test lets them go, in an order that the test chooses; the test
acts whenever `prefetch` finds nothing to do and calls `idle`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import count, islice, repeat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tap_gong.run.prefetch import Prefetch, Split, Turn

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

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


def prefetch(
    plan: Iterable[Any],
    fetch: Callable[[Any, Turn], Iterator[Any]],
    **options: Any,  # noqa: ANN401
) -> Generator[tuple[Any, Any]]:
    """Prefetch the slices of a single lane; each result weighs 1."""
    options.setdefault("idle", give_up)
    options.setdefault("idle_seconds", LIMIT)
    with closing(Prefetch([plan], fetch, size=lambda _: 1, **options)) as run:
        yield from run.results(0)


def prefetch_whole(
    plan: Iterable[Any],
    fetch: Callable[[Any], Any],
    *,
    workers: int,
    ahead: int,
    **options: Any,  # noqa: ANN401
) -> Generator[tuple[Any, Any]]:
    """Prefetch slices that have one result each."""

    def results(slice_: object, _: Turn) -> Iterator[Any]:
        yield fetch(slice_)

    return prefetch(
        plan, results, workers=workers, ahead=ahead, most_held=10**6, **options
    )


def drain(
    plan: Iterable[int], fetch: Callable[[int], object], *, workers: int, ahead: int
) -> list[tuple[int, object]]:
    return list(prefetch_whole(plan, fetch, workers=workers, ahead=ahead))


class Stage:
    """Lanes of slices by name; a fetch waits for each result until the test lets it."""

    def __init__(
        self,
        lanes: Sequence[Iterable[str]],
        script: dict[str, list[Any]],
        **options: Any,  # noqa: ANN401
    ) -> None:
        self.script = script
        """What a slice yields: sizes, a `Split` or an error; by default once 1."""
        self.begun: list[str] = []
        """The names of the slices, in the order in which they were begun."""
        self.turns: dict[str, Turn] = {}
        self.ended: list[str] = []
        self._permits: Counter[str] = Counter()
        self._all_may_go = False
        self._changing = threading.Condition()
        self.blocked: list[str] = []
        """The slices that wait for the test."""
        self._acts: Iterator[Callable[[], object]] = iter(())
        self.run: Prefetch[str, int] = Prefetch(
            lanes,
            self._fetch,
            size=int,
            idle=self._idle,
            idle_seconds=0.001,
            **options,
        )

    def let(self, *names: str, results: int = 1) -> None:
        """Let slices bring so many more results, or come to their error."""
        with self._changing:
            for name in names:
                self._permits[name] += results
            self._changing.notify_all()

    def let_all(self) -> None:
        """Let everything come, now and later."""
        with self._changing:
            self._all_may_go = True
            self._changing.notify_all()

    def when_idle(self, *acts: Callable[[], object]) -> None:
        """Do this, one by one, whenever the caller waits and nothing moves."""
        self._acts = iter(acts)

    def let_in_order(self, order: Callable[[str], int]) -> None:
        """Let one result come whenever the caller waits and nothing moves."""
        self._acts = repeat(lambda: self.let(min(self.blocked, key=order)))

    def rest(self) -> None:
        """Wait until each worker waits for the test, or for something to do."""
        until = time.monotonic() + LIMIT
        while not self._rests():
            assert time.monotonic() < until
            os.sched_yield()

    def _rests(self) -> bool:
        run = self.run
        with run._lock, self._changing:
            waiting = [name for name in self.blocked if not self._may_go(name)]
            free = run._workers - run._busy
            return run._busy == len(waiting) and not (free and run._runnable())

    def _idle(self) -> None:
        self.rest()
        first = self.run._window[0]
        if first.results or first.done:
            return
        act = next(self._acts, None)
        assert act, "nothing came, though nothing was kept back"
        act()

    def _may_go(self, name: str) -> bool:
        return self._all_may_go or self._permits[name] > 0

    def _fetch(self, name: str, turn: Turn) -> Iterator[Any]:
        with self._changing:
            self.begun.append(name)
            self.turns[name] = turn
        for result in self.script.get(name, [1]):
            self._wait_for_permit(name)
            if isinstance(result, BaseException):
                raise result
            yield result
        self.ended.append(name)

    def _wait_for_permit(self, name: str) -> None:
        with self._changing:
            self.blocked.append(name)
            assert self._changing.wait_for(partial(self._may_go, name), LIMIT)
            self.blocked.remove(name)
            self._permits[name] -= 1


@contextmanager
def stage(
    *lanes: Iterable[str],
    workers: int = 99,
    ahead: int = 99,
    most_held: int = 1_000,
    wanted: Callable[[str], int] = lambda _: 99,
    **script: list[Any],
) -> Iterator[Stage]:
    """Set a stage; afterwards let everything go and check that no worker is left."""
    it = Stage(
        lanes,
        script,
        workers=workers,
        ahead=ahead,
        most_held=most_held,
        wanted=wanted,
    )
    with all_workers_end():
        try:
            yield it
        finally:
            it.run.close()
            it.let_all()


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
        self._all_may_go = False
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
            if self._all_may_go:
                let_go.set()
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

    def let_all_go(self) -> None:
        """Let everything go, now and later."""
        with self._changing:
            self._all_may_go = True
            for let_go in self.fetching.values():
                let_go.set()

    def let_some_go(self) -> None:
        with self._changing:
            if self.fetching:
                self._last_busy = time.monotonic()
            assert time.monotonic() - self._last_busy < LIMIT
            waiting = [
                name for name in self.fetching if not self.fetching[name].is_set()
            ]
            waiting.sort(key=lambda name: self._order[name % len(self._order)])
            for name in waiting[: self._batch]:
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
        bench.let_all_go()

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
        bench.let_all_go()
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
    """What is being fetched ends, what waits for a worker does not begin."""
    drawn = []

    def plan() -> Iterator[str]:
        for number in range(50):
            drawn.append(number)
            yield f"a{number}"

    with stage(plan(), workers=2, ahead=8, a1=[BrokenSliceError()]) as it:
        it.when_idle(lambda: it.let("a1"), lambda: it.let("a0"))
        results = it.run.results(0)
        assert next(results) == ("a0", 1)
        with pytest.raises(BrokenSliceError):
            next(results)
    assert sorted(it.begun) == ["a0", "a1"]
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


def test_an_error_of_the_plan_comes_after_what_was_planned() -> None:
    def plan() -> Iterator[int]:
        yield 1
        raise BrokenSliceError

    handed: list[int] = []
    with all_workers_end(), pytest.raises(BrokenSliceError):
        keep(prefetch_whole(plan(), str, workers=2, ahead=4), handed)
    assert handed == [1]


# Slices of several results


def test_results_come_one_by_one() -> None:
    def fetch(number: int, turn: Turn) -> Iterator[str | Split[int]]:
        if number < 0:
            yield Split([1, 0, 2])
        else:
            for letter in "abc"[:number]:
                yield f"{letter}{turn.place}"

    fetched = list(prefetch([3, -1], fetch, workers=2, ahead=3, most_held=1))
    assert fetched == [
        (3, "a(0, 0)"),
        (3, "b(0, 0)"),
        (3, "c(0, 0)"),
        (1, "a(0, 1, 0)"),
        (2, "a(0, 1, 2)"),
        (2, "b(0, 1, 2)"),
    ]


def test_a_result_is_yielded_while_its_slice_is_still_being_fetched() -> None:
    let_go = threading.Event()

    def fetch(_: int, __: Turn) -> Iterator[int]:
        yield 1
        assert let_go.wait(LIMIT)
        yield 2

    with all_workers_end():
        run = prefetch([7], fetch, workers=1, ahead=1, most_held=1)
        assert next(run) == (7, 1)
        let_go.set()
        assert list(run) == [(7, 2)]


def test_only_the_first_slice_goes_on_when_there_is_no_room() -> None:
    """The others wait with what they have, and go on once there is room again."""
    made = dict.fromkeys(range(5), 0)
    handed = dict.fromkeys(range(5), 0)
    changing = threading.Lock()
    most_behind = dict.fromkeys(range(5), 0)

    def fetch(number: int, _: Turn) -> Iterator[int]:
        for result in range(10):
            with changing:
                made[number] += 1
                behind = made[number] - handed[number]
                most_behind[number] = max(most_behind[number], behind)
            yield 10 * number + result

    results = []
    with all_workers_end():
        for slice_, result in prefetch(
            range(5), fetch, workers=3, ahead=5, most_held=4
        ):
            results.append(result)
            with changing:
                handed[slice_] += 1
    assert results == list(range(50))
    assert max(most_behind.values()) <= 4 + 1


def test_what_a_slice_brought_before_it_failed_is_yielded() -> None:
    def fetch(number: int, _: Turn) -> Iterator[int]:
        yield number
        if number == 1:
            raise BrokenSliceError

    handed: list[tuple[int, int]] = []
    with all_workers_end(), pytest.raises(BrokenSliceError):
        handed.extend(prefetch(range(9), fetch, workers=2, ahead=4, most_held=9))
    assert handed == [(0, 0), (1, 1)]


def test_closed_early_a_slice_that_waits_for_room_ends() -> None:
    def fetch(number: int, _: Turn) -> Iterator[int]:
        yield from [number] * 100

    with all_workers_end():
        run = prefetch(range(9), fetch, workers=3, ahead=9, most_held=1)
        assert next(run) == (0, 0)
        run.close()


# Lanes


def test_the_next_lanes_are_fetched_while_the_first_is_emitted() -> None:
    with stage(["a1", "a2"], ["b1"], ["c1"]) as it:
        it.let("a1")
        results = it.run.results(0)
        assert next(results) == ("a1", 1)
        it.rest()
        assert sorted(it.begun) == ["a1", "a2", "b1", "c1"]
        it.let("a2", "b1", "c1")
        assert list(results) == [("a2", 1)]
        assert list(it.run.results(1)) == [("b1", 1)]
        assert list(it.run.results(2)) == [("c1", 1)]
    assert [it.turns[name].place for name in ("a1", "a2", "b1", "c1")] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (2, 0),
    ]


def test_slices_begin_lane_by_lane() -> None:
    names = ["a1", "a2", "b1", "c1", "c2"]
    with stage(names[:2], names[2:3], [], names[3:], workers=1) as it:
        it.let(*names)
        for lane in range(4):
            list(it.run.results(lane))
    assert it.begun == names


def test_lanes_are_drawn_only_as_far_as_there_is_room() -> None:
    drawn = []

    def plan(lane: str) -> Iterator[str]:
        for number in range(3):
            drawn.append(f"{lane}{number}")
            yield drawn[-1]

    with stage(plan("a"), plan("b"), plan("c"), ahead=4) as it:
        assert not drawn
        it.let("a0", "a1")
        results = it.run.results(0)
        next(results)
        assert drawn == ["a0", "a1", "a2", "b0"]
        next(results)
        it.rest()
        assert drawn == ["a0", "a1", "a2", "b0", "b1"]
        assert sorted(it.begun) == drawn


def test_an_error_ends_its_lane_only() -> None:
    broken = BrokenSliceError()
    with stage(["a"], ["b1", "b2", "b3"], ["c"], b2=[5, broken]) as it:
        it.when_idle(
            lambda: it.let("b1", "c"),
            lambda: it.let("b2", results=2),
            lambda: it.let("a"),
        )
        assert list(it.run.results(0)) == [("a", 1)]
        it.rest()
        assert it.turns["b3"].cancelled
        assert not it.turns["c"].cancelled
        results = it.run.results(1)
        assert [next(results), next(results)] == [("b1", 1), ("b2", 5)]
        with pytest.raises(BrokenSliceError) as caught:
            next(results)
        assert caught.value is broken
        assert list(it.run.results(2)) == [("c", 1)]
    assert it.begun.count("c") == 1


def test_an_error_of_a_lane_that_nobody_asks_for_is_not_raised() -> None:
    with stage(["a"], ["b"], ["c"], b=[BrokenSliceError()]) as it:
        it.let("a", "b", "c")
        assert list(it.run.results(0)) == [("a", 1)]
        it.rest()
        assert list(it.run.results(2)) == [("c", 1)]


def test_a_plan_that_cannot_be_made_ends_its_lane_only() -> None:
    class Impossible:
        def __iter__(self) -> Iterator[str]:
            raise BrokenSliceError

    def breaks() -> Iterator[str]:
        yield "c"
        raise BrokenSliceError

    with stage(["a"], Impossible(), breaks(), ["d"]) as it:
        it.let("a", "c", "d")
        assert list(it.run.results(0)) == [("a", 1)]
        with pytest.raises(BrokenSliceError):
            next(it.run.results(1))
        results = it.run.results(2)
        assert next(results) == ("c", 1)
        with pytest.raises(BrokenSliceError):
            next(results)
        assert list(it.run.results(3)) == [("d", 1)]


def test_what_a_plan_gives_after_an_error_of_its_lane_does_not_begin() -> None:
    """The error comes while the plan is still at its next slice."""

    def plan() -> Iterator[str]:
        yield "a1"
        it.let("a1")
        it.rest()
        yield "a2"

    def next_plan() -> Iterator[str]:
        it.rest()
        yield "b"

    with stage(plan(), next_plan(), a1=[BrokenSliceError()]) as it:
        with pytest.raises(BrokenSliceError):
            next(it.run.results(0))
        it.let("b")
        assert list(it.run.results(1)) == [("b", 1)]
    assert sorted(it.begun) == ["a1", "b"]


def test_closing_the_results_cancels_the_rest_of_their_lane() -> None:
    with stage(["a1", "a2", "a3", "a4"], ["b1", "b2"], workers=3, ahead=5) as it:
        it.let("a1")
        results = it.run.results(0)
        next(results)
        it.rest()
        assert sorted(it.begun) == ["a1", "a2", "a3", "a4"]
        results.close()
        assert it.turns["a2"].cancelled
        assert it.turns["a4"].cancelled
        it.let("a2", "a3", "a4", "b1", "b2")
        assert list(it.run.results(1)) == [("b1", 1), ("b2", 1)]
        assert not it.turns["b1"].cancelled
        it.rest()
        assert it.run._held == 0
    assert sorted(it.begun) == ["a1", "a2", "a3", "a4", "b1", "b2"]


def test_asking_for_a_lane_drops_the_earlier_ones() -> None:
    """Also what they hold, and what waits for room or for a worker."""
    with stage(
        ["a"], ["b1", "b2", "b3"], ["c"], workers=4, most_held=10, b1=[10, 10]
    ) as it:
        it.let("b1", results=2)
        it.when_idle(lambda: it.let("a"))
        assert list(it.run.results(0)) == [("a", 1)]
        it.rest()
        assert it.run._held >= 10
        it.let("c")
        assert list(it.run.results(2)) == [("c", 1)]
        assert it.run._held == 0
        assert it.turns["b1"].cancelled
        assert it.ended.count("b1") == 0


def test_what_is_cancelled_before_it_begins_never_begins() -> None:
    with stage(["a1", "a2"], ["b1", "b2"], ["c"], workers=1) as it:
        it.let("a1", "c")
        results = it.run.results(0)
        next(results)
        it.rest()
        it.when_idle(lambda: it.let("a2"))
        assert list(it.run.results(2)) == [("c", 1)]
    assert it.begun == ["a1", "a2", "c"]


def test_an_error_of_a_cancelled_slice_is_nothing() -> None:
    with stage(["a1", "a2"], ["b1", "b2"], a2=[BrokenSliceError()]) as it:
        it.let("a1", "b1")
        results = it.run.results(0)
        next(results)
        it.rest()
        results.close()
        it.let("a2")
        results = it.run.results(1)
        assert next(results) == ("b1", 1)
        it.rest()
        it.let("b2")
        assert list(results) == [("b2", 1)]


def test_a_lane_that_is_over_cannot_be_asked_for() -> None:
    with stage(["a1", "a2"], ["b"], ["c"]) as it:
        it.let("a1", "b", "c")
        first = it.run.results(0)
        next(first)
        assert list(it.run.results(1)) == [("b", 1)]
        for results in (first, it.run.results(0), it.run.results(1)):
            with pytest.raises(ValueError, match="in their order"):
                next(results)
        assert list(it.run.results(2)) == [("c", 1)]
        it.run.close()
        with pytest.raises(ValueError, match="in their order"):
            next(it.run.results(2))


def test_what_idle_raises_ends_its_lane_only() -> None:
    def interrupt() -> None:
        raise InterruptedError

    with stage(["a"], ["b"]) as it:
        it.when_idle(interrupt, lambda: it.let("b"))
        with pytest.raises(InterruptedError):
            next(it.run.results(0))
        assert list(it.run.results(1)) == [("b", 1)]


# How much is held


def test_a_slice_waits_with_its_next_result_while_too_much_is_held() -> None:
    """It goes on as soon as a result is yielded."""
    with stage(["a1", "a2"], most_held=10, a1=[1, 6], a2=[4, 4, 4, 4]) as it:
        it.let("a1", results=2)
        results = it.run.results(0)
        assert next(results) == ("a1", 1)
        it.rest()
        it.let("a2", results=4)
        it.rest()
        assert it.run._held == 6 + 4
        assert next(results) == ("a1", 6)
        it.rest()
        assert it.run._held == 3 * 4
        assert [size for _, size in results] == [4, 4, 4, 4]


def test_no_slice_begins_while_too_much_is_held() -> None:
    names = ["a1", "a2", "b1", "b2"]
    with stage(names[:2], names[2:], workers=2, most_held=10, a2=[10]) as it:
        it.let("a2", "b1", "b2")
        it.when_idle(lambda: it.let("a1"))
        results = it.run.results(0)
        next(results)
        it.rest()
        assert sorted(it.begun) == ["a1", "a2"]
        assert next(results) == ("a2", 10)
        it.rest()
        assert sorted(it.begun) == names


def test_a_lane_has_no_more_under_way_than_its_results_let_expect() -> None:
    """Nine workers with 5 MB an answer do not hold 45 MB more than they may."""
    names = [f"a{number}" for number in range(30)]
    with stage(names, ["b"], workers=9, most_held=15) as it:
        it.script = {name: [5] for name in names}
        it.let(*names[:9])
        results = it.run.results(0)
        for name in names[:9]:
            assert next(results) == (name, 5)
            it.rest()
            assert len(it.begun) <= 12
        assert len(it.begun) == 12
        it.let(*names[9:])
        assert len(list(results)) == 21
        it.let("b")
        assert list(it.run.results(1)) == [("b", 1)]


def test_results_larger_than_all_that_may_be_held_come_one_by_one() -> None:
    names = [f"a{number}" for number in range(9)]
    with stage(names, workers=4, most_held=10) as it:
        it.script = {name: [50] for name in names}
        it.let(names[0])
        results = it.run.results(0)
        next(results)
        it.rest()
        it.let(*names[1:])
        for _ in range(4):
            next(results)
        for _ in range(4):
            it.rest()
            assert it.run._held <= 50
            next(results)


def test_the_first_slice_never_waits_for_what_a_lane_ahead_holds() -> None:
    with stage(
        ["a1", "a2", "a3"], ["b"], most_held=10, a1=[6, 6], a3=[3], b=[99, 1]
    ) as it:
        it.let("b", results=2)
        it.when_idle(
            lambda: it.let("a1"),
            lambda: it.let("a1"),
            lambda: it.let("a2"),
            lambda: it.let("a3"),
        )
        sizes = [size for _, size in it.run.results(0)]
        assert sizes == [6, 6, 1, 3]
        assert [size for _, size in it.run.results(1)] == [99, 1]


def test_the_first_slice_waits_for_its_own_results() -> None:
    with stage(["a"], most_held=10, a=[6] * 5) as it:
        it.let("a", results=5)
        results = it.run.results(0)
        next(results)
        it.rest()
        assert it.run._held == 12
        assert [size for _, size in results] == [6] * 4


def test_parts_find_a_worker_though_later_slices_wait_for_room() -> None:
    """All workers have been at later slices, and these may not go on."""
    with stage(
        ["a"],
        ["b"],
        ["c"],
        workers=3,
        most_held=10,
        a=[Split(["a1", "a2"])],
        a1=[Split(["a11"])],
        b=[9, 9],
        c=[9, 9],
    ) as it:
        it.let("b", "c", results=2)
        it.let("a1", "a11", "a2")
        it.when_idle(lambda: it.let("a"))
        assert list(it.run.results(0)) == [("a11", 1), ("a2", 1)]
        assert list(it.run.results(1)) == [("b", 9), ("b", 9)]
        assert list(it.run.results(2)) == [("c", 9), ("c", 9)]


def test_an_early_slice_does_not_wait_until_a_later_one_has_ended() -> None:
    begun: list[str] = []
    with stage(["a"], ["b"], workers=2, a=[Split(["a1", "a2"])], b=[1] * 50) as it:
        it.when_idle(
            lambda: it.let("a"),
            lambda: it.let("b"),
            lambda: begun.extend(it.begun),
            lambda: it.let("a1"),
        )
        assert next(it.run.results(0)) == ("a1", 1)
    assert sorted(begun) == ["a", "a1", "a2", "b"]


def test_a_slice_that_waits_for_room_goes_on_while_no_other_may_begin() -> None:
    with stage(
        ["a0", "a"],
        ["b"],
        most_held=10,
        wanted=lambda name: 1 if name == "a2" else 99,
        a=[Split(["a1", "a2"])],
        a1=[5, 1],
        b=[8, 1],
    ) as it:
        it.let("a0")
        results = it.run.results(0)
        next(results)
        for name in ("a", "a1", "b"):
            it.rest()
            it.let(name)
        it.let("b")
        it.rest()
        assert it.run._held == 5 + 8
        assert next(results) == ("a1", 5)
        it.rest()
        assert it.run._held == 8 + 1
        assert "a2" not in it.begun


# How many are under way


def test_no_more_are_under_way_than_are_wanted_for_the_next() -> None:
    names = ["a1", "a2", "a3", "b1", "b2", "b3"]
    wanted = {"a": 2, "b": 3}
    with stage(names[:3], names[3:], wanted=lambda name: wanted[name[0]]) as it:
        it.when_idle(
            lambda: it.let("a1") if sorted(it.begun) == names[:2] else None,
            lambda: it.let("a2") if sorted(it.begun) == names[:4] else None,
            lambda: it.let("a3") if sorted(it.begun) == names[:5] else None,
        )
        assert list(it.run.results(0)) == [("a1", 1), ("a2", 1), ("a3", 1)]
        it.let("b1", "b2", "b3")
        assert [name for name, _ in it.run.results(1)] == names[3:]


def test_the_first_slice_begins_though_none_is_wanted() -> None:
    with stage(["a1", "a2"], ["b"], wanted=lambda _: 0) as it:
        it.let("a1", "a2", "b")
        assert [name for name, _ in it.run.results(0)] == ["a1", "a2"]
        assert list(it.run.results(1)) == [("b", 1)]
    assert it.begun == ["a1", "a2", "b"]


def test_each_slice_has_context_variables_of_its_own() -> None:
    """Though one thread fetches them by turns."""
    variable: ContextVar[str] = ContextVar("variable", default="nobody's")
    seen: list[tuple[str, str]] = []

    def results(name: str) -> Iterator[int | Split[str]]:
        if name == "a":
            yield Split(["a1", "a2"])
        for number in range(9):
            seen.append((name, variable.get()))
            yield number

    def fetch(name: str, _: Turn) -> Iterator[int | Split[str]]:
        assert variable.get() == "nobody's"
        variable.set(name)
        return results(name)

    lanes = [["a0", "a"], ["b"]]
    with closing(
        Prefetch(lanes, fetch, workers=1, ahead=6, most_held=9, size=lambda _: 1)
    ) as run:
        assert len(list(run.results(0))) == 27
        assert len(list(run.results(1))) == 9
    assert {name for name, _ in seen} == {"a0", "a1", "a2", "b"}
    assert all(name == owner for name, owner in seen)


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, list[Any]]:
    """What the slices of some lanes yield; l0, l1, ... are splits into the lanes."""
    script: dict[str, list[Any]] = {}
    numbers = count()

    def slice_(depth: int) -> str:
        name = f"n{next(numbers)}"
        results: list[Any] = draw(st.lists(st.integers(0, 5), max_size=3))
        ends = draw(st.sampled_from(["whole"] * 9 + ["split"] * 3 * depth + ["broken"]))
        if ends == "split":
            results.append(Split(slices(depth - 1)))
        elif ends == "broken":
            results.append(BrokenSliceError(name))
        script[name] = results
        return name

    def slices(depth: int) -> list[str]:
        return [slice_(depth) for _ in range(draw(st.integers(0, 4)))]

    for lane in range(draw(st.integers(1, 4))):
        script[f"l{lane}"] = [Split(slices(2))]
    return script


def expected(script: Mapping[str, list[Any]], name: str) -> Iterator[tuple[str, Any]]:
    """What comes of a slice and its parts; the last may be an error."""
    for result in script[name]:
        if not isinstance(result, Split):
            yield name, result
            continue
        for part in result.parts:
            yield from expected(script, part)


def until_broken(came: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, result in came:
        yield name, result
        if isinstance(result, BrokenSliceError):
            break


@given(
    script=scripts(),
    workers=st.integers(1, 5),
    more=st.integers(0, 9),
    most_held=st.integers(1, 12),
    wanted=st.integers(0, 6),
    order=st.permutations(range(24)),
    takes=st.lists(st.sampled_from([99, 99, 99, 0, 1, 3]), min_size=4, max_size=4),
)
@hypothesis_settings(max_examples=200)
def test_any_lanes_in_any_order_of_completion(  # noqa: PLR0913, PLR0917 - what can vary
    script: dict[str, list[Any]],
    workers: int,
    more: int,
    most_held: int,
    wanted: int,
    order: list[int],
    takes: list[int],
) -> None:
    lanes = [name for name in script if name.startswith("l")]
    with stage(
        *(script[lane][0].parts for lane in lanes),
        workers=workers,
        ahead=workers + more,
        most_held=most_held,
        wanted=lambda _: wanted,
    ) as it:
        it.script = script
        it.let_in_order(lambda name: order[int(name[1:]) % len(order)])
        for number, (lane, take) in enumerate(zip(lanes, takes, strict=False)):
            came: list[tuple[str, Any]] = []
            with closing(it.run.results(number)) as results:
                try:
                    for result in islice(results, take):
                        came.append(result)
                        assert it.run._held <= 2 * most_held + 5 * workers
                        assert len(it.blocked) <= workers
                except BrokenSliceError as error:
                    came.append((str(error), error))
            assert came == list(until_broken(expected(script, lane)))[:take]
        it.run.close()
        assert it.run._held == 0
        it.let_all()
        it.rest()
        assert it.run._under_way == 0
    assert len(it.begun) == len(set(it.begun))
