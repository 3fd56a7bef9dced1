"""One request, with as many tries as it takes, within reason."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

import backoff
import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from urllib3.exceptions import HTTPError

from tap_gong.errors import UnwelcomeError, what_failed, wrong_certificate

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from backoff.types import Details

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
        try:
            return self._try(request, understand)
        except _RETRIED as error:
            msg = f"{what_failed(error)} That was try {TRIES} of {TRIES}."
            raise FatalAPIError(msg) from None
        except (requests.RequestException, HTTPError) as error:
            msg = f"Nothing can be sent, perhaps for the proxy: {type(error).__name__}."
            raise UnwelcomeError(msg) from None

    def _on_backoff(self, details: Details) -> None:
        self._session.paced.count_retry()
        self._logger.debug("Trying again: %s", what_failed(details["exception"]))

    @backoff.on_exception(
        backoff.expo,
        _RETRIED,
        max_tries=TRIES,
        jitter=lambda seconds: random.uniform(seconds / 2, seconds),  # noqa: S311
        on_backoff=lambda details: details["args"][0]._on_backoff(details),  # noqa: SLF001
        logger=None,
        factor=0.5,
        max_value=LONGEST_BACKOFF,
    )
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
