"""The pace of all requests together: evenly spaced, and held when Gong says so."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Turn(Protocol):
    """What the pace has to know about the slice of a request."""

    @property
    def place(self) -> tuple[int, ...]:
        """Where the slice stands in the run: earlier slices have smaller places."""

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants its answer any more."""


class CancelledError(Exception):
    """The request is not sent, because nobody wants its answer any more."""


TURN: ContextVar[Turn | None] = ContextVar("TURN", default=None)
"""The turn of the slice that this thread fetches, if it fetches one."""

HEADROOM = 0.025
"""Share of the limit that is left unused. Requests may bunch up a little on their way,
by 25 ms in a second. Without it Gong would then get one too many in a second."""

CATCH_UP = 0.005
"""Seconds by which a turn that came late may shorten the wait for the next one.
Without it each late wake-up of a thread would slow the whole run."""


class Pace:
    """Turns at a fixed rate for any number of threads; each takes one by `wait`.

    The next turn goes to the thread whose slice stands first in the plan, not to the
    one that has waited longest. So the first slices are complete soon, and little has
    been asked for in vain when a run has to stop.
    """

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """Start with the first turn free.

        Args:
            per_second: Turns a second, above 0; decimals allowed.
            clock: Monotonic time in seconds.
            sleep: How to wait, in seconds; by default until `close`, at the longest.
        """
        self._interval = (1 + HEADROOM) / per_second
        self._clock = clock
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._queue = _Queue()
        self._hold = threading.Lock()
        self._next = clock()
        self._held_until = self._next
        self._closed_by: Exception | None = None
        self.waited = 0.0
        """Seconds for which `hold` has stopped everyone so far."""

    def wait(self) -> None:
        """Return when it is the caller's turn; callers queue for it in plan order.

        Raises:
            CancelledError: If the caller's slice is cancelled. It takes no turn then.
            Exception: The error that the pace was closed with.
        """
        turn = TURN.get()
        with self._queue.front(turn.place if turn else ()):
            # The time is read again after each sleep: a hold may have come meanwhile.
            while (wait := max(self._next, self._held_until) - self._clock()) > 0:
                self._raise_if_over()
                self._sleep(wait)
            self._raise_if_over()
            earliest = self._clock() - CATCH_UP
            self._next = max(self._next, earliest, self._held_until) + self._interval

    def hold(self, seconds: float) -> None:
        """Give no turn to anyone for this long from now, in seconds."""
        with self._hold:
            now = self._clock()
            until = max(self._held_until, now + seconds)
            self.waited += until - max(self._held_until, now)
            self._held_until = until

    def close(self, error: Exception) -> None:
        """Give no more turns: each `wait`, begun or to come, raises this error."""
        self._closed_by = error
        self._closed.set()

    def _raise_if_over(self) -> None:
        if self._closed_by:
            raise self._closed_by
        if (turn := TURN.get()) and turn.cancelled:
            raise CancelledError


class _Queue:
    """One thread at a time is at the front; then comes the one with the first place."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._occupied = False
        self._came = 0
        self._waiting: list[tuple[tuple[int, ...], int, threading.Event]] = []

    @contextmanager
    def front(self, place: tuple[int, ...]) -> Iterator[None]:
        """Wait to be at the front, and be there."""
        called = threading.Event()
        with self._changing:
            if self._occupied:
                self._came += 1
                heappush(self._waiting, (place, self._came, called))
            else:
                self._occupied = True
                called.set()
        called.wait()
        try:
            yield
        finally:
            with self._changing:
                if self._waiting:
                    heappop(self._waiting)[2].set()
                else:
                    self._occupied = False
