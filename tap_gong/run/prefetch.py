"""Fetch the slices of many streams side by side; hand them over stream by stream."""

from __future__ import annotations

import sys
import threading
from bisect import bisect_left, bisect_right, insort
from collections import deque
from contextvars import Context
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Generator,
        Iterable,
        Iterator,
        Sequence,
    )

S = TypeVar("S")
R = TypeVar("R")

Place = tuple[int, ...]
"""Where a slice stands in the run: the number of its lane, its number in the plan, and
for a part of a slice its number among the parts. Earlier slices have smaller places."""


@dataclass(eq=False, slots=True)
class Turn:
    """What `fetch` gets besides the slice."""

    place: Place
    cancelled: bool = False
    """Whether nobody wants its results any more: spend no request on it."""


@dataclass(frozen=True, slots=True)
class Split(Generic[S]):
    """What `fetch` yields for a slice that is too large: slices in its place."""

    parts: Sequence[S]


@dataclass(eq=False, slots=True)
class _Task(Turn, Generic[S, R]):
    slice: S = field(kw_only=True)
    context: Context = field(default_factory=Context)
    """The slice's own: it may be fetched by one thread after the other."""
    fetched: Iterator[R | Split[S]] | None = None
    """None before it is begun."""
    results: deque[tuple[R, int]] = field(default_factory=deque)
    """What is not yet yielded, each with its size."""
    held: int = 0
    """The sizes of these together."""
    running: bool = False
    """Whether a worker fetches its next result just now."""
    done: bool = False
    """Whether its last result, or its error, has come."""
    error: BaseException | None = None

    def __lt__(self, other: _Task[S, R]) -> bool:
        return self.place < other.place


@dataclass(eq=False, slots=True)
class _Lane(Generic[S]):
    slices: Iterator[S]
    drawn: int = 0
    ended: bool = False
    """Whether no more slices are drawn."""
    error: Exception | None = None
    """Why its plan could not be made."""
    under_way: int = 0
    """How many of its slices have begun and not ended."""
    results: int = 0
    size: int = 0
    """What its results so far weigh together."""


class Prefetch(Generic[S, R]):
    """Fetches slices in threads, in lanes: one lane for each stream.

    The lanes stand in the order in which they will be asked for. Slices are begun in
    that order, and inside a lane in the order of its plan. While the first lane is
    emitted, the first slices of the next ones are already fetched.

    A worker fetches one result, puts the slice back and takes the earliest slice that
    may go on. So no worker waits for room, and an early slice never waits until a
    later one has ended.
    """

    def __init__(  # noqa: PLR0913 - all but two by name
        self,
        lanes: Sequence[Iterable[S]],
        fetch: Callable[[S, Turn], Iterator[R | Split[S]]],
        *,
        workers: int,
        ahead: int,
        most_held: int,
        size: Callable[[R], int],
        wanted: Callable[[S], int] = lambda _: sys.maxsize,
        idle: Callable[[], None] = lambda: None,
        idle_seconds: float = 0.2,
    ) -> None:
        """Begin nothing before results are asked for.

        Args:
            lanes: The plan of each lane. It is drawn from only as far as there is
                room, in the thread that asks for results.
            fetch: Fetches one slice, result by result. It is called from several
                threads at once, and its iterator goes on in whichever is free, each
                time with the slice's own context variables. A `Split` ends the slice.
            workers: How many slices are being fetched at once, at most.
            ahead: How many slices are drawn from the plans and not yet yielded whole,
                at most. A split may make more of them: only so many, from the first
                one on, are begun.
            most_held: In bytes. While so much is fetched and not yet yielded, no slice
                goes on and none is begun. For the slice that is yielded next, only its
                own results count. In addition, a lane has only so many slices under
                way that one result of each would not be more than this, going by the
                mean size of its results so far.
            size: Tells how much a result weighs, in bytes; called from several threads.
            wanted: Tells how many slices should be under way at once, at most, when
                this one is begun. With fewer under way, fewer are left unfinished when
                a run has to stop. The slice that is yielded next is always begun.
                Called from several threads: it must be quick and not raise.
            idle: Called in the caller's thread whenever nothing came for a while; what
                it raises goes to the caller.
            idle_seconds: How long that is.
        """
        self._lanes = [_Lane(_lazily(plan)) for plan in lanes]
        self._fetch = fetch
        self._workers = workers
        self._ahead = ahead
        self._most_held = most_held
        self._size = size
        self._wanted = wanted
        self._idle = idle
        self._idle_seconds = idle_seconds

        self._lock = threading.Lock()
        """Held for every look at what follows."""
        self._waiting_workers = threading.Condition(self._lock)
        self._waiting_caller = threading.Condition(self._lock)
        self._window: list[_Task[S, R]] = []
        """The slices that are not yet yielded whole, by place."""
        self._to_begin: list[_Task[S, R]] = []
        self._to_go_on: list[_Task[S, R]] = []
        """Heaps: the slices that wait for a worker. Some of them are cancelled."""
        self._dropped = 0
        """So many lanes, from the first one on, are over."""
        self._drawing = 0
        """The lane that is being drawn from."""
        self._held = 0
        self._under_way = 0
        self._hired = 0
        self._busy = 0
        self._closed = False

    def results(self, lane: int) -> Generator[tuple[S, R]]:
        """Give the results of a lane in the order of its plan.

        What is left of earlier lanes is cancelled. When this generator ends, is closed
        or raises, what is left of its own lane is cancelled, too; the others go on.

        Args:
            lane: The number of the lane, from 0 on.

        Yields:
            Each slice with each result that `fetch` yielded for it. The parts of a
            `Split` stand where their slice stood.

        Raises:
            BaseException: The error of the first slice, in the plan's order, that could
                not be fetched, or of the plan, once all that came before it has been
                yielded.
            ValueError: If this lane, or a later one, has been asked for before.
        """
        self._drop(lane)
        try:
            while task := self._first(lane):
                if not self._has_come(task):
                    self._idle()
                elif task.results:
                    yield task.slice, self._take(task)
                elif task.error:
                    raise task.error
                else:
                    self._drop_first()
            if error := self._lanes[lane].error:
                raise error
        finally:
            self._drop(lane + 1)

    def close(self) -> None:
        """Cancel everything; each worker ends after its current result."""
        self._drop(len(self._lanes))
        with self._lock:
            self._closed = True
            self._waiting_workers.notify_all()

    # In the caller's thread

    def _first(self, lane: int) -> _Task[S, R] | None:
        """Draw as far as there is room; give the first slice left of a lane."""
        self._draw()
        with self._lock:
            if lane < self._dropped:
                msg = (
                    f"Lane {lane} is over: ask for the lanes in their order, each once."
                )
                raise ValueError(msg)
            first = self._window[0] if self._window else None
            return first if first and first.place[0] == lane else None

    def _draw(self) -> None:
        while self._drawing < len(self._lanes) and len(self._window) < self._ahead:
            lane = self._lanes[self._drawing]
            if lane.ended:
                self._drawing += 1
                continue
            try:
                slice_ = next(lane.slices)
            except StopIteration:
                lane.ended = True
            except Exception as error:  # noqa: BLE001 - the results of its lane raise it
                lane.ended, lane.error = True, error
            else:
                with self._lock:
                    if not lane.ended:  # by an error that came meanwhile
                        self._add((self._drawing, lane.drawn), slice_)
                        self._wake()
                lane.drawn += 1

    def _has_come(self, task: _Task[S, R]) -> bool:
        """Wait for a result of a task or its end; tell whether there is any."""
        with self._lock:
            return self._waiting_caller.wait_for(
                lambda: bool(task.results) or task.done, self._idle_seconds
            )

    def _take(self, task: _Task[S, R]) -> R:
        with self._lock:
            result, size = task.results.popleft()
            task.held -= size
            self._held -= size
            self._wake()
        return result

    def _drop_first(self) -> None:
        with self._lock:
            del self._window[0]
            self._wake()

    def _drop(self, lanes: int) -> None:
        """End so many lanes, from the first one on."""
        with self._lock:
            self._dropped = max(self._dropped, lanes)
            for lane in self._lanes[:lanes]:
                lane.ended = True
            self._cancel(0, bisect_left(self._window, lanes, key=_lane_of))
            self._wake()

    # In the workers' threads

    def _work(self) -> None:
        while task := self._next_task():
            self._advance(task)

    def _next_task(self) -> _Task[S, R] | None:
        """Wait for a task that may run; None if everything is over."""
        with self._lock:
            while not self._closed:
                if waiting := self._runnable():
                    task = heappop(waiting)
                    if task.fetched is None:
                        self._under_way += 1
                        self._lane(task).under_way += 1
                    task.running = True
                    self._busy += 1
                    return task
                self._waiting_workers.wait()
        return None

    def _advance(self, task: _Task[S, R]) -> None:
        """Fetch the next result of a task."""
        try:
            with self._lock:
                self._wake()
            if task.fetched is None:
                task.fetched = task.context.run(self._fetch, task.slice, task)
            result = task.context.run(next, task.fetched)
            size = 0 if isinstance(result, Split) else self._size(result)
        except StopIteration:
            self._settle(task)
        except BaseException as error:  # noqa: BLE001 - its lane's results raise it
            self._settle(task, error=error)
        else:
            self._settle(task, (result, size))

    def _settle(
        self,
        task: _Task[S, R],
        came: tuple[R | Split[S], int] | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Take note of what came of a task: a result, an error, or neither: its end."""
        with self._lock:
            task.running = False
            self._busy -= 1
            if task.cancelled:
                self._end(task)
            elif came is None:
                self._end(task)
                if error:
                    task.error = error
                    self._cut_after(task)
            else:
                self._keep(task, *came)
            if self._window and self._window[0] is task:
                self._waiting_caller.notify()

    # In any thread that holds the lock

    def _lane(self, task: _Task[S, R]) -> _Lane[S]:
        return self._lanes[task.place[0]]

    def _add(self, place: Place, slice_: S) -> None:
        task = _Task[S, R](place, slice=slice_)
        insort(self._window, task)
        heappush(self._to_begin, task)

    def _keep(self, task: _Task[S, R], result: R | Split[S], size: int) -> None:
        if isinstance(result, Split):
            self._end(task)
            for number, part in enumerate(result.parts):
                self._add((*task.place, number), part)
            return
        task.results.append((result, size))
        task.held += size
        self._held += size
        lane = self._lane(task)
        lane.results += 1
        lane.size += size
        heappush(self._to_go_on, task)

    def _end(self, task: _Task[S, R]) -> None:
        task.done = True
        self._under_way -= 1
        self._lane(task).under_way -= 1

    def _cut_after(self, task: _Task[S, R]) -> None:
        """Cancel the rest of a lane: nothing after a failed slice will be yielded."""
        self._lane(task).ended = True
        window = self._window
        self._cancel(
            bisect_right(window, task),
            bisect_right(window, task.place[0], key=_lane_of),
        )

    def _cancel(self, start: int, stop: int) -> None:
        """Cancel a section of the window and take it out."""
        for task in self._window[start:stop]:
            task.cancelled = True
            task.results.clear()
            self._held -= task.held
            if task.fetched and not task.running and not task.done:
                self._end(task)
        del self._window[start:stop]

    def _wake(self) -> None:
        """Wake or start a worker if a task may run. That worker does the same."""
        if self._runnable():
            if self._busy < self._hired:
                self._waiting_workers.notify()
            elif self._hired < self._workers:
                threading.Thread(target=self._work, daemon=True).start()
                self._hired += 1

    def _runnable(self) -> list[_Task[S, R]] | None:
        """Find the heap whose first task is the earliest one that may run."""
        for waiting in (self._to_begin, self._to_go_on):
            while waiting and waiting[0].cancelled:
                heappop(waiting)
        for waiting in sorted(filter(None, (self._to_begin, self._to_go_on))):
            if self._may_run(waiting[0]):
                return waiting
        return None

    def _may_run(self, task: _Task[S, R]) -> bool:
        if task is self._window[0]:
            return task.held < self._most_held
        if self._held >= self._most_held:
            return False
        return task.fetched is not None or self._may_begin(task)

    def _may_begin(self, task: _Task[S, R]) -> bool:
        lane = self._lane(task)
        return (
            bisect_left(self._window, task) < self._ahead
            and (
                not lane.size
                or lane.under_way < max(1, self._most_held * lane.results // lane.size)
            )
            and self._under_way < self._wanted(task.slice)
        )


def _lane_of(task: _Task[S, R]) -> int:
    return task.place[0]


def _lazily(plan: Iterable[S]) -> Iterator[S]:
    """Ask a plan for its iterator only when the first slice is drawn."""
    yield from plan
