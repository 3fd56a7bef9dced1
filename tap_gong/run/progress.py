"""What a person sees of a run on stderr: how far it is, and how it ended."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, NoReturn, Self

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from types import TracebackType

    from tap_gong.gong.session import PacedAdapter
    from tap_gong.plans.slices import Plan

SECONDS_BETWEEN_LINES = 10
SECONDS_BETWEEN_DRAWS = 0.2

_BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


class Progress:
    """Counts of one stream's run, told every ten seconds and at the end.

    In a terminal a bar takes the place of the lines.
    """

    def __init__(
        self,
        logger: logging.Logger | logging.LoggerAdapter[logging.Logger],
        plan: Plan,
        adapter: PacedAdapter,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at what the plan has left.

        Args:
            logger: Where the lines go.
            plan: Says how many records to expect.
            adapter: Counts the requests.
            clock: Monotonic time in seconds.
        """
        self.records = 0
        self.absent = 0
        self._logger = logger
        self._plan = plan
        self._adapter = adapter
        self._clock = clock
        self._began = self._told = clock()
        self._sent_before = adapter.requests_sent
        self._retries_before = adapter.retries
        self._waited_before = adapter.pace.waited
        self._bar: tqdm[NoReturn] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Show the bar, in a terminal."""
        if sys.stderr.isatty():
            self._bar = self._stack.enter_context(
                tqdm(
                    total=self._plan.expected,
                    leave=False,
                    bar_format=_BAR,
                )
            )
            self._stack.enter_context(logging_redirect_tqdm())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the bar away and tell the summary, however the run ended."""
        self._stack.close()
        adapter = self._adapter
        duration = timedelta(seconds=round(self._clock() - self._began))
        self._logger.info(
            "%s: %d records, %d absent, %d requests of which %d retries, %.0f s held "
            "by Gong, %s in all.",
            "Done" if exc is None else "Stopped early",
            self.records,
            self.absent,
            adapter.requests_sent - self._sent_before,
            adapter.retries - self._retries_before,
            adapter.pace.waited - self._waited_before,
            duration,
        )

    @property
    def done(self) -> int:
        """How many of the expected records are out, or known to be absent."""
        return self.records + self.absent

    def add(self, records: int) -> None:
        """Count records emitted."""
        self.records += records

    def add_absent(self, ids: int) -> None:
        """Count IDs found absent."""
        self.absent += ids

    def tell(self) -> None:
        """Draw the bar, or tell a line, if it is time to: also while nothing comes."""
        now, expected = self._clock(), self._plan.expected
        between = SECONDS_BETWEEN_LINES if self._bar is None else SECONDS_BETWEEN_DRAWS
        if now - self._told < between:
            return
        self._told = now
        if self._bar is not None:
            self._bar.total, self._bar.n = expected, self.done
            self._bar.set_postfix_str(f"{self._time_left()} left")
            return
        share = 100 * self.done // expected if expected else 0
        self._logger.info(
            "%d of %s calls (%d%%), %d records, %.1f requests a second, %s left.",
            self.done,
            "?" if expected is None else expected,
            share,
            self.records,
            self._rate(),
            self._time_left(),
        )

    def _rate(self) -> float:
        """Requests a second, so far."""
        elapsed = self._clock() - self._began
        return (self._adapter.requests_sent - self._sent_before) / max(elapsed, 0.001)

    def _time_left(self) -> str:
        """Tell the time for the requests that are still to be sent, at this rate."""
        rate = self._rate()
        if self._plan.expected is None or not rate:
            return "unknown time"
        adapter = self._adapter
        asked = (adapter.requests_sent - self._sent_before) - (
            adapter.retries - self._retries_before
        )
        wanted = ceil(self._plan.expected / self._plan.page_size)
        return str(timedelta(seconds=ceil(max(0, wanted - asked) / rate)))
