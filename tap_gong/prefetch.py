"""Fetch the slices of a plan side by side and hand them over in the plan's order."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Split(Generic[S]):
    """What `fetch` returns for a slice that is too large: slices in its place."""

    parts: Sequence[S]


def prefetch(  # noqa: PLR0913 - all but two by name
    plan: Iterable[S],
    fetch: Callable[[S], R | Split[S]],
    *,
    workers: int,
    ahead: int,
    idle: Callable[[], None] = lambda: None,
    idle_seconds: float = 0.2,
) -> Iterator[tuple[S, R]]:
    """Fetch slices in threads and yield their results in order.

    Args:
        plan: The slices; drawn from only as far as there is room.
        fetch: Fetches one slice; called from several threads at once.
        workers: How many slices are being fetched at once, at most.
        ahead: How many slices are being fetched, or fetched and not yet yielded, at
            most; this bounds the memory.
        idle: Called in the caller's thread whenever nothing came for a while; what
            it raises ends the run.
        idle_seconds: That while.

    Yields:
        Each slice with what `fetch` returned for it, in the plan's order. The parts
        of a `Split` stand where their slice stood.

    Raises:
        BaseException: The error of the first slice, in the plan's order, that could
            not be fetched, once all slices before it have been yielded.
    """
    window = _Window(plan, _Crew(fetch, workers), ahead)
    try:
        while window.fill():
            if task := window.take():
                if task.error:
                    raise task.error
                yield task.slice, task.result  # type: ignore[misc]  # no Split is left
            elif not window.settle_one(idle_seconds):
                idle()
    finally:
        window.close()


@dataclass(eq=False, slots=True)
class _Task(Generic[S, R]):
    slice: S
    submitted: bool = False
    done: bool = False
    cancelled: bool = False
    result: R | Split[S] | None = None
    error: BaseException | None = None


class _Window(Generic[S, R]):
    """The slices under way, in the plan's order."""

    def __init__(self, plan: Iterable[S], crew: _Crew[S, R], ahead: int) -> None:
        self._slices = iter(plan)
        self._crew = crew
        self._ahead = ahead
        self._tasks: list[_Task[S, R]] = []
        self._held_back = 0
        """Parts of splits that found no room yet."""

    def fill(self) -> bool:
        """Submit what there is room for; tell whether anything is under way."""
        tasks = self._tasks
        for slice_ in islice(self._slices, max(0, self._ahead - len(tasks))):
            tasks.append(_Task(slice_))
            self._crew.submit(tasks[-1])
        if self._held_back:
            for task in islice(tasks, self._ahead):
                if not task.submitted:
                    self._crew.submit(task)
                    self._held_back -= 1
        return bool(tasks)

    def take(self) -> _Task[S, R] | None:
        """Take out the first slice, if it is done."""
        return self._tasks.pop(0) if self._tasks[0].done else None

    def settle_one(self, seconds: float) -> bool:
        """Wait this long for a worker to finish a slice; tell whether one did."""
        try:
            task = self._crew.finished.get(timeout=seconds)
        except queue.Empty:
            return False
        if not task.cancelled:
            place = self._tasks.index(task)
            if isinstance(task.result, Split):
                parts: list[_Task[S, R]] = [_Task(part) for part in task.result.parts]
                self._tasks[place : place + 1] = parts
                self._held_back += len(parts)
            else:
                task.done = True
                if task.error:
                    self._cut_after(place)
        return True

    def close(self) -> None:
        """Let no worker begin anything more."""
        self._cut_after(-1)
        self._crew.dismiss()

    def _cut_after(self, place: int) -> None:
        # Nothing after a failed slice will be yielded: spend no request on it.
        for task in self._tasks[place + 1 :]:
            task.cancelled = True
        del self._tasks[place + 1 :]
        self._held_back = sum(not task.submitted for task in self._tasks)
        self._slices = iter(())


class _Crew(Generic[S, R]):
    """Daemon threads that fetch; a run that stops does not wait for them."""

    def __init__(self, fetch: Callable[[S], R | Split[S]], size: int) -> None:
        self.finished: queue.SimpleQueue[_Task[S, R]] = queue.SimpleQueue()
        self._submitted: queue.SimpleQueue[_Task[S, R] | None] = queue.SimpleQueue()
        self._fetch = fetch
        self._size = size
        self._hired = 0

    def submit(self, task: _Task[S, R]) -> None:
        """Have a slice fetched by the next worker that is free."""
        task.submitted = True
        self._submitted.put(task)
        if self._hired < self._size:
            self._hired += 1
            threading.Thread(target=self._work, daemon=True).start()

    def dismiss(self) -> None:
        """Let each worker end after what it is at."""
        for _ in range(self._hired):
            self._submitted.put(None)

    def _work(self) -> None:
        while task := self._submitted.get():
            if not task.cancelled:
                try:
                    task.result = self._fetch(task.slice)
                except BaseException as error:  # noqa: BLE001 - the caller raises it
                    task.error = error
            self.finished.put(task)
