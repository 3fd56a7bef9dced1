"""Fetch the slices of a plan side by side and hand them over in the plan's order."""

from __future__ import annotations

import queue
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

S = TypeVar("S")
R = TypeVar("R")

Place = tuple[int, ...]
"""Where a slice stands in its plan: the place of the slice that it is a part of, if it
is one, and its number among its neighbours. Earlier slices have smaller places."""


@dataclass(frozen=True, slots=True)
class Split(Generic[S]):
    """What `fetch` yields for a slice that is too large: slices in its place."""

    parts: Sequence[S]


def prefetch(  # noqa: PLR0913 - all but two by name
    plan: Iterable[S],
    fetch: Callable[[S, Place], Iterator[R | Split[S]]],
    *,
    workers: int,
    ahead: int,
    held: int,
    wanted: Callable[[], int] = lambda: sys.maxsize,
    idle: Callable[[], None] = lambda: None,
    idle_seconds: float = 0.2,
) -> Iterator[tuple[S, R]]:
    """Fetch slices in threads and yield their results in order.

    Args:
        plan: The slices; drawn from only as far as there is room.
        fetch: Fetches one slice, result by result; called from several threads at once.
        workers: How many slices are being fetched at once, at most.
        ahead: How many slices are being fetched, or fetched and not yet yielded, at
            most.
        held: How many results may be fetched and not yet yielded before a slice waits
            with its next one. This bounds the memory. For the slice that is yielded
            next, only its own results count: it never waits for others.
        wanted: Tells how many slices should be fetched at once just now, if not as many
            as there are workers: with fewer under way, fewer are left unfinished when
            a run has to stop.
        idle: Called in the caller's thread whenever nothing came for a while; what
            it raises ends the run.
        idle_seconds: That while.

    Yields:
        Each slice with each result that `fetch` yielded for it, in the plan's order.
        The parts of a `Split` stand where their slice stood.

    Raises:
        BaseException: The error of the first slice, in the plan's order, that could
            not be fetched, once all that came before it has been yielded.
    """
    window = _Window(plan, _Crew(fetch, workers, held), ahead, wanted)
    try:
        while task := window.first():
            if task.results:
                yield task.slice, window.take(task)
            elif task.error:
                raise task.error
            elif task.done:
                window.drop_first()
            elif not window.settle_one(idle_seconds):
                idle()
    finally:
        window.close()


@dataclass(eq=False, slots=True)
class _Task(Generic[S, R]):
    slice: S
    place: Place
    results: deque[R] = field(default_factory=deque)
    submitted: bool = False
    done: bool = False
    """Whether its last result, or its error, has come."""
    error: BaseException | None = None
    is_first: bool = False
    held: int = 0
    """How many of its results are not yet yielded."""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class _News(Generic[S, R]):
    """What a worker tells of its task: a result, an error, or neither for the end."""

    task: _Task[S, R]
    result: R | Split[S] | None = None
    error: BaseException | None = None


class _Window(Generic[S, R]):
    """The slices under way, in the plan's order."""

    def __init__(
        self,
        plan: Iterable[S],
        crew: _Crew[S, R],
        ahead: int,
        wanted: Callable[[], int],
    ) -> None:
        self._slices: Iterator[tuple[int, S]] = zip(count(), plan, strict=False)
        self._crew = crew
        self._ahead = ahead
        self._wanted = wanted
        self._tasks: list[_Task[S, R]] = []
        self._unsubmitted = 0
        self._under_way = 0

    def first(self) -> _Task[S, R] | None:
        """Submit what there is room for; give the first slice, if there is any."""
        tasks = self._tasks
        for number, slice_ in islice(self._slices, max(0, self._ahead - len(tasks))):
            tasks.append(_Task(slice_, (number,)))
            self._unsubmitted += 1
        if self._unsubmitted:
            self._submit_more()
        if not tasks:
            return None
        if not tasks[0].is_first:
            self._crew.let_go_on(tasks[0])
        return tasks[0]

    def _submit_more(self) -> None:
        wanted = self._wanted()
        for task in islice(self._tasks, self._ahead):
            if self._under_way >= wanted:
                break
            if not task.submitted:
                self._unsubmitted -= 1
                self._under_way += 1
                self._crew.submit(task, self._under_way)

    def take(self, task: _Task[S, R]) -> R:
        """Take the next result out of a task."""
        self._crew.make_room(task)
        return task.results.popleft()

    def drop_first(self) -> None:
        """Have done with the first slice."""
        del self._tasks[0]

    def settle_one(self, seconds: float) -> bool:
        """Wait this long for news of a slice; tell whether there was any."""
        try:
            news = self._crew.news.get(timeout=seconds)
        except queue.Empty:
            return False
        task = news.task
        if news.result is None:
            self._under_way -= 1
        if task.cancelled:
            return True
        if isinstance(news.result, Split):
            self._replace(task, news.result.parts)
        elif news.result is not None:
            task.results.append(news.result)
        else:
            task.done, task.error = True, news.error
            if task.error:
                self._cut_after(self._tasks.index(task))
        return True

    def close(self) -> None:
        """Let no worker begin anything more."""
        self._cut_after(-1)
        self._crew.dismiss()

    def _replace(self, task: _Task[S, R], parts: Sequence[S]) -> None:
        index = self._tasks.index(task)
        self._crew.cancel([task])
        self._crew.make_room(task)
        self._tasks[index : index + 1] = [
            _Task(part, (*task.place, number)) for number, part in enumerate(parts)
        ]
        self._unsubmitted += len(parts)

    def _cut_after(self, index: int) -> None:
        # Nothing after a failed slice will be yielded: spend no request on it.
        self._crew.cancel(self._tasks[index + 1 :])
        del self._tasks[index + 1 :]
        self._unsubmitted = sum(not task.submitted for task in self._tasks)
        self._slices = iter(())


class _Crew(Generic[S, R]):
    """Daemon threads that fetch; a run that stops does not wait for them."""

    def __init__(
        self,
        fetch: Callable[[S, Place], Iterator[R | Split[S]]],
        size: int,
        held: int,
    ) -> None:
        self.news: queue.SimpleQueue[_News[S, R]] = queue.SimpleQueue()
        self._submitted: queue.SimpleQueue[_Task[S, R] | None] = queue.SimpleQueue()
        self._fetch = fetch
        self._size = size
        self._hired = 0
        self._room = threading.Condition()
        self._most_held = held
        self._held = 0

    def submit(self, task: _Task[S, R], under_way: int) -> None:
        """Have a slice fetched by the next worker that is free.

        Args:
            task: The slice.
            under_way: How many slices are under way, with this one.
        """
        task.submitted = True
        self._submitted.put(task)
        if self._hired < min(self._size, under_way):
            self._hired += 1
            threading.Thread(target=self._work, daemon=True).start()

    def let_go_on(self, task: _Task[S, R]) -> None:
        """Let a task go on even where there is no room: its results are yielded."""
        with self._room:
            task.is_first = True
            self._room.notify_all()

    def make_room(self, task: _Task[S, R]) -> None:
        """Take note that a result of a task is no longer held."""
        with self._room:
            task.held -= 1
            self._held -= 1
            self._room.notify_all()

    def cancel(self, tasks: Sequence[_Task[S, R]]) -> None:
        """Let each of these tasks end after what it is at."""
        with self._room:
            for task in tasks:
                task.cancelled = True
            self._room.notify_all()

    def dismiss(self) -> None:
        """Let each worker end after what it is at."""
        for _ in range(self._hired):
            self._submitted.put(None)

    def _work(self) -> None:
        while task := self._submitted.get():
            try:
                self._run(task)
            except BaseException as error:  # noqa: BLE001 - the caller raises it
                self.news.put(_News(task, error=error))
            else:
                self.news.put(_News(task))

    def _run(self, task: _Task[S, R]) -> None:
        if task.cancelled:
            return
        for result in self._fetch(task.slice, task.place):
            with self._room:
                task.held += 1
                self._held += 1
            self.news.put(_News(task, result))
            with self._room:
                self._room.wait_for(partial(self._may_go_on, task))
            if task.cancelled:
                return

    def _may_go_on(self, task: _Task[S, R]) -> bool:
        held = task.held if task.is_first else self._held
        return task.cancelled or held < self._most_held
