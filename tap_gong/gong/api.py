"""Asks an endpoint, again where that fails, and makes a page of its answer."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from tap_gong.errors import ShapeError
from tap_gong.gong.answers import interpret, wrong_shape
from tap_gong.gong.endpoint import next_cursor, total_records
from tap_gong.gong.pages import Page
from tap_gong.gong.session import LARGE_ANSWER, sent_at
from tap_gong.gong.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

    from tap_gong.gong.endpoint import Endpoint
    from tap_gong.gong.session import GongSession
    from tap_gong.gong.tries import Logger

T = TypeVar("T")

CLOCK_AHEAD = timedelta(minutes=1)
"""How far this machine's clock may be ahead of Gong's before it is worth a warning."""


class Api:
    """Gong's API, for any number of threads."""

    def __init__(self, session: GongSession, logger: Logger) -> None:
        """Begin without a request.

        Args:
            session: Sends the requests.
            logger: Where failures are logged after which a try follows.
        """
        self._session = session
        self._logger = logger
        self._tries = Tries(session, logger)
        self._large = ThreadPoolExecutor(1)
        self._telling = threading.Lock()
        self._clock_is_ahead = False

    def page(
        self,
        endpoint: Endpoint,
        inputs: Mapping[str, Any],
        cursor: str | None,
        records: Callable[[list[Any]], dict[Any, T]],
    ) -> Page[T]:
        """Get one page.

        Args:
            endpoint: What to ask.
            inputs: Gong's names and values.
            cursor: Leads to the page; None leads to the first one.
            records: Makes records of the answer's rows, by primary key. It raises
                `ShapeError` if they are not what Gong documents; then they are asked
                for again.

        Returns:
            The page; without records where Gong says that there is nothing.

        Raises:
            StreamFailedError: If Gong gives no usable answer.
            RunFailedError: If it would give none to any request.
        """
        nothing = re.compile(endpoint.nothing, re.IGNORECASE)

        def understand(response: requests.Response) -> Page[T]:
            if len(response.content) > LARGE_ANSWER:
                # Threads would take turns at it anyway, and each would keep its own
                # memory.
                return self._large.submit(read, response).result()
            return read(response)

        def read(response: requests.Response) -> Page[T]:
            answer = interpret(response, nothing=nothing, instead=endpoint.instead)
            came = (answer.request_id, self._sent_at(response))
            if answer.body is None:
                return Page(*came)
            try:
                return Page(
                    *came,
                    records=records(endpoint.rows(answer.body)),
                    cursor=next_cursor(answer.body),
                    total=total_records(answer.body),
                    size=len(response.content),
                )
            except ShapeError as error:
                raise wrong_shape(response, answer, str(error)) from None

        request = endpoint.request(self._session.url, inputs, cursor)
        return self._tries.ask(request, understand)

    def _sent_at(self, response: requests.Response) -> datetime:
        """Tell when an answer was sent, by Gong's clock or by ours if that is behind.

        A clock that is ahead would let the bookmark pass calls that are yet to come.
        """
        now = datetime.now(UTC)
        moment = sent_at(response) or now
        if now - moment > CLOCK_AHEAD:
            with self._telling:
                is_news, self._clock_is_ahead = not self._clock_is_ahead, True
            if is_news:
                self._logger.warning(
                    "This machine's clock is %.0f s ahead of Gong's, or of something "
                    "that answers in its place: the bookmark follows Gong's.",
                    (now - moment).total_seconds(),
                )
        return min(now, moment)
