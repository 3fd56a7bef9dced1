"""When the place that a run has reached is written out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDS_BETWEEN = 100
SECONDS_BETWEEN = 10


class Checkpoint:
    """Writes every 100 records or 10 seconds, whichever is first, if there is news."""

    def __init__(
        self,
        write: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing to write.

        Args:
            write: Writes the place.
            clock: Monotonic time in seconds.
        """
        self._write = write
        self._clock = clock
        self._news = 0
        self._written = clock()

    def add(self, count: int) -> None:
        """Take note of so many records emitted, or IDs found absent."""
        self._news += count

    def write_if_due(self) -> None:
        """Write if it is time to."""
        if self._news >= RECORDS_BETWEEN or (
            self._news and self._clock() - self._written >= SECONDS_BETWEEN
        ):
            self.write()

    def write(self) -> None:
        """Write now."""
        self._write()
        self._news = 0
        self._written = self._clock()
