"""When the place that a run has reached is written out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RECORDS_BETWEEN = 100
SECONDS_BETWEEN = 10

SHARE = 0.04
"""Bytes of state to write for each byte of records, at most: a queue of many call IDs
makes a state that is heavier than a hundred records."""

LIGHT = 1_000
"""Bytes of a state that is never too heavy to write."""


class Checkpoint:
    """Writes every 100 records or 10 seconds, whichever is first, if there is news.

    A heavy state is written less often.
    """

    def __init__(
        self,
        write: Callable[[], None],
        *,
        record_bytes: Callable[[], int],
        state: Callable[[], Mapping[str, Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing to write.

        Args:
            write: Writes the place.
            record_bytes: Tells how many bytes of records have been written so far.
            state: Gives the state that would be written.
            clock: Monotonic time in seconds.
        """
        self._write = write
        self._record_bytes = record_bytes
        self._state = state
        self._clock = clock
        self._news = 0
        self._written = clock()
        self._state_bytes = 0

    def add(self, count: int) -> None:
        """Take note of so many records emitted, or IDs found absent."""
        self._news += count

    def write_if_due(self) -> None:
        """Write if it is time to."""
        if not self._news or (
            self._news < RECORDS_BETWEEN
            and self._clock() - self._written < SECONDS_BETWEEN
        ):
            return
        weight = len(msgspec.json.encode(self._state()))
        if weight > LIGHT:
            if self._state_bytes + weight > SHARE * self._record_bytes():
                # So that it is not weighed again at once.
                self._news, self._written = 1, self._clock()
                return
            self._state_bytes += weight
        self.write()

    def write(self) -> None:
        """Write now."""
        self._write()
        self._news = 0
        self._written = self._clock()
