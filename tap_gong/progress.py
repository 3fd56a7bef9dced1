"""What a person sees of a run on stderr: how far it is, and how it ended."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn, Self

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from types import TracebackType

    from tap_gong.slices import Plan
    from tap_gong.transport import PacedAdapter

SECONDS_BETWEEN_LINES = 10


class Progress:
    """Counts of one stream's run, told every ten seconds and at the end.

    In a terminal a bar takes the place of the lines.
    """

    def __init__(
        self,
        logger: logging.Logger,
        plan: Plan,
        adapter: PacedAdapter,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at what the plan has left.

        Args:
            logger: Where the lines go.
            plan: Says how much there is, and how much of it is done.
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
        self._sent_before = self._sent_told = adapter.requests_sent
        self._retries_before = adapter.retries
        self._waited_before = adapter.pace.waited
        self._bar: tqdm[NoReturn] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Show the bar, in a terminal."""
        if sys.stderr.isatty():
            self._bar = self._stack.enter_context(
                tqdm(total=self._plan.total, unit=f" {self._plan.unit}", leave=False)
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

    def add(self, records: int, absent: int) -> None:
        """Count records emitted and IDs found absent."""
        self.records += records
        self.absent += absent

    def tell(self) -> None:
        """Move the bar, or tell a line if ten seconds have passed since the last."""
        plan = self._plan
        if self._bar is not None:
            self._bar.update(plan.done - self._bar.n)
            return
        now = self._clock()
        if now - self._told < SECONDS_BETWEEN_LINES:
            return
        sent = self._adapter.requests_sent
        rate = (sent - self._sent_told) / (now - self._told)
        self._told, self._sent_told = now, sent
        share = plan.done / plan.total if plan.total else 1.0
        left = (now - self._began) * (1 - share) / share if share else None
        self._logger.info(
            "%.0f of %.0f %s (%.0f%%), %d records, %.1f requests a second, %s left.",
            plan.done,
            plan.total,
            plan.unit,
            100 * share,
            self.records,
            rate,
            "unknown time" if left is None else timedelta(seconds=round(left)),
        )
