"""Wait for a call that blocks, but no longer than so many seconds."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable

    _Inbox = SimpleQueue[tuple[Callable[[], T], Future[T]] | None]


class Deadline(Generic[T]):
    """Runs each call in another thread than the one that waits for it.

    A thread that is done takes the next call. One whose call is late is left to it:
    nobody waits for it, not even the end of the process.
    """

    def __init__(self, seconds: float) -> None:
        """Begin without threads.

        Args:
            seconds: How long to wait for each call.
        """
        self._seconds = seconds
        # Appending to a list and taking from its end need no lock.
        self._idle: list[_Inbox[T]] = []
        self._closed = False

    def run(self, call: Callable[[], T]) -> T:
        """Run a call and wait for it.

        Args:
            call: Is run to its end even if that is late.

        Returns:
            What it returns; what it raises is raised here.

        Raises:
            TimeoutError: If it has not returned in time.
        """
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(target=self._work, args=(inbox,), daemon=True).start()
        outcome: Future[T] = Future()
        inbox.put((call, outcome))
        return outcome.result(self._seconds)

    def close(self) -> None:
        """Let every thread end, at once or when its call has returned."""
        self._closed = True
        self._dismiss()

    def _work(self, inbox: _Inbox[T]) -> None:
        while task := inbox.get():
            self._do(*task, inbox)
            del task  # or what the call returned would be held until the next one

    def _do(self, call: Callable[[], T], outcome: Future[T], inbox: _Inbox[T]) -> None:
        try:
            settle = partial(outcome.set_result, call())
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            settle = partial(outcome.set_exception, error)
        # First, so that who waits for this one finds the thread for the next.
        self._idle.append(inbox)
        if self._closed:
            self._dismiss()
        settle()

    def _dismiss(self) -> None:
        with suppress(IndexError):  # none is left
            while True:
                self._idle.pop().put(None)
