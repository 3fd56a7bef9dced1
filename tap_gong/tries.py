"""One request, with as many tries as it takes, within reason."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from urllib3.exceptions import HTTPError

from tap_gong.errors import UnwelcomeError, what_failed, wrong_certificate

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from tap_gong.transport import GongSession

    Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]

T = TypeVar("T")

TRIES = 9
"""Tries of a request that Gong fails to answer; with the waits between them this rides
out half a minute."""

LONGEST_BACKOFF = 8
"""Seconds between two tries, at most."""

_RETRIED = (
    RetriableAPIError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


class Tries:
    """Sends requests, each again where an answer fails to come or makes no sense."""

    def __init__(self, session: GongSession, logger: Logger) -> None:
        """Begin without a request.

        Args:
            session: Sends them, and counts them.
            logger: Where a failure is told that is tried again.
        """
        self._session = session
        self._logger = logger

    def ask(
        self, request: requests.Request, understand: Callable[[requests.Response], T]
    ) -> T:
        """Send a request until its answer is understood.

        Args:
            request: Without credentials.
            understand: Makes something of the answer. It raises `RetriableAPIError` for
                an answer to ask for again, and `UnwelcomeError` for one that every
                other request would get, too.

        Returns:
            What `understand` made of the answer.

        Raises:
            FatalAPIError: If no try brought an answer.
            UnwelcomeError: If no request can be sent, or this answer ends the run.
        """
        for attempt in range(1, TRIES + 1):
            try:
                return self._try(request, understand)
            except _RETRIED as error:
                failure = what_failed(error)
            except (requests.RequestException, HTTPError) as error:
                kind = type(error).__name__
                msg = f"Nothing can be sent, perhaps for the proxy: {kind}."
                raise UnwelcomeError(msg) from None
            if attempt < TRIES:
                self._logger.debug("Trying again: %s", failure)
                self._session.paced.count_retry()
                pause(backoff(attempt))
        msg = f"{failure} That was try {TRIES} of {TRIES}."
        raise FatalAPIError(msg)

    def _try(
        self, request: requests.Request, understand: Callable[[requests.Response], T]
    ) -> T:
        try:
            response = self._session.ask(request)
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                raise
            raise wrong_certificate(self._session.url, error) from None
        try:
            return understand(response)
        except UnwelcomeError as error:
            self._session.paced.pace.close(error)
            raise


def backoff(attempt: int) -> float:
    """Say how long to wait after a try that failed, with some chance in it.

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
