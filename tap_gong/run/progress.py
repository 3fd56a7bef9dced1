"""What a person sees of a run on stderr: how far it is, and how it ended."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, NoReturn, Protocol

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

SECONDS_BETWEEN_LINES = 10
SECONDS_BETWEEN_DRAWS = 0.2

_BAR = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


class Work(Protocol):
    """What one stream has to do."""

    expected: int | None
    """How many records there are, absent ones included; None if that is not known."""
    page_size: int
    """How many of them an answer brings, at most."""
    requests_a_page: int
    """How many requests a page takes."""


class Traffic(Protocol):
    """What counts the requests."""

    requests_sent: int
    retries: int

    @property
    def waited(self) -> float:
        """Seconds for which everyone had to wait."""


class Progress:
    """Counts of a run, logged every ten seconds and at the end.

    In a terminal a bar takes the place of the lines.
    """

    def __init__(
        self,
        logger: logging.Logger | logging.LoggerAdapter[logging.Logger],
        traffic: Traffic,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing done; in a terminal this shows the bar.

        Args:
            logger: Where the lines go.
            traffic: Counts the requests.
            clock: Monotonic time in seconds.
        """
        self.records = 0
        """Records emitted, of all streams."""
        self.absent = 0
        self.done = 0
        """How many of the expected records of this stream are out, or absent."""
        self._logger = logger
        self._traffic = traffic
        self._clock = clock
        self._began = self._told = clock()
        self._stream = ""
        self._work: Work | None = None
        self._records_before = 0
        self._bar: tqdm[NoReturn] | None = None
        self._stack = ExitStack()
        if sys.stderr.isatty():
            self._bar = self._stack.enter_context(tqdm(leave=False, bar_format=_BAR))
            self._stack.enter_context(logging_redirect_tqdm())

    def begin(self, stream: str, work: Work) -> None:
        """Begin with the next stream.

        Args:
            stream: Its name.
            work: What it has to do.
        """
        self._stream, self._work, self.done = stream, work, 0
        self._records_before = self.records
        if self._bar is not None:
            self._bar.set_description(stream, refresh=False)
            self._bar.reset(total=work.expected)

    def finish(self) -> None:
        """Tell what the stream has brought."""
        records = self.records - self._records_before
        self._logger.info("%s: %d records.", self._stream, records)

    def close(self, how: str) -> None:
        """Remove the bar and log the summary.

        Args:
            how: How the run ended, in a word or two.
        """
        self._stack.close()
        traffic = self._traffic
        self._logger.info(
            "%s: %d records, %d absent, %d requests of which %d retries, %.0f s held "
            "by Gong, %s in all.",
            how,
            self.records,
            self.absent,
            traffic.requests_sent,
            traffic.retries,
            traffic.waited,
            timedelta(seconds=round(self._clock() - self._began)),
        )

    def add(self, *, done: int, records: int) -> None:
        """Count what is out.

        Args:
            done: How many of the expected records.
            records: How many records of all streams that they feed.
        """
        self.done += done
        self.records += records

    def add_absent(self, ids: int) -> None:
        """Count IDs found absent."""
        self.done += ids
        self.absent += ids

    def tell(self) -> None:
        """Draw the bar or log a line, if it is time to."""
        now, expected = self._clock(), self._work.expected if self._work else None
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
            "%s: %d of %s (%d%%), %d records, %.1f requests a second, %s left.",
            self._stream,
            self.done,
            "?" if expected is None else expected,
            share,
            self.records - self._records_before,
            self._rate(),
            self._time_left(),
        )

    def _rate(self) -> float:
        """Requests a second, so far."""
        elapsed = self._clock() - self._began
        return self._traffic.requests_sent / max(elapsed, 0.001)

    def _time_left(self) -> str:
        """Tell the time for the requests that this stream still takes, at this rate."""
        rate, work = self._rate(), self._work
        if work is None or work.expected is None or not rate:
            return "unknown time"
        pages = ceil(max(0, work.expected - self.done) / work.page_size)
        return str(timedelta(seconds=ceil(pages * work.requests_a_page / rate)))
