"""One request, and its tries, of which there are only so many."""

from __future__ import annotations

import random
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from tap_gong.errors import (
    RunFailedError,
    StreamFailedError,
    TooLargeError,
    TryAgainError,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    import requests

    from tap_gong.gong.session import GongSession

    Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]

T = TypeVar("T")

TRIES = 9
"""Tries of a request that Gong fails to answer. With the waits between them they last
half a minute."""

TRIES_OF_TOO_MUCH = 2
"""Tries of a request whose answer is too large: more would only cost gigabytes."""

LONGEST_BACKOFF = 8
"""Seconds between two tries, at most."""

SPELL_SECONDS = 60
"""Failures that follow each other faster than this are one spell, logged once."""


class Tries:
    """Sends requests, and sends one again if no answer comes or it makes no sense."""

    def __init__(
        self,
        session: GongSession,
        logger: Logger,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without a request.

        Args:
            session: Sends them, and counts them.
            logger: Where failures are logged after which a try follows.
            clock: Monotonic time in seconds.
        """
        self._session = session
        self._logger = logger
        self._clock = clock
        self._telling = threading.Lock()
        self._failed_at: float | None = None

    def ask(
        self, request: requests.Request, understand: Callable[[requests.Response], T]
    ) -> T:
        """Send a request until its answer is understood.

        Args:
            request: Without credentials.
            understand: Makes something of the answer. It raises `TryAgainError` for
                an answer to ask for again, and `RunFailedError` for one that every
                other request would get, too.

        Returns:
            What `understand` made of the answer.

        Raises:
            StreamFailedError: If no try brought an answer.
            RunFailedError: If no request can be sent, or this answer ends the run.
        """
        for attempt in count(1):
            try:
                return understand(self._session.ask(request))
            except TryAgainError as error:
                failure = str(error)
                tries = TRIES_OF_TOO_MUCH if isinstance(error, TooLargeError) else TRIES
            except RunFailedError as error:
                self._session.paced.pace.close(error)
                raise
            if attempt >= tries:
                break
            self._tell(failure, tries)
            self._session.paced.count_retry()
            pause(backoff(attempt))
        msg = f"{failure} That was try {attempt} of {tries}."
        raise StreamFailedError(msg)

    def _tell(self, failure: str, tries: int) -> None:
        """Log the first failure of a spell as a warning, the others at DEBUG."""
        with self._telling:
            now, before = self._clock(), self._failed_at
            self._failed_at = now
        if before is None or now - before > SPELL_SECONDS:
            self._logger.warning(
                "%s Trying again, up to %d times for each request.", failure, tries
            )
        else:
            self._logger.debug("Trying again: %s", failure)


def backoff(attempt: int) -> float:
    """Say how long to wait after a try that failed: a little different each time.

    Args:
        attempt: The number of that try, from 1 on.

    Returns:
        Seconds.
    """
    longest = min(LONGEST_BACKOFF, 0.5 * 2 ** (attempt - 1))
    return random.uniform(longest / 2, longest)  # noqa: S311 - no secret


def pause(seconds: float) -> None:
    """Wait between two tries; tests replace it."""
    time.sleep(seconds)
