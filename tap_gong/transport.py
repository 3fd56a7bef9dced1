"""The one HTTP session of the tap: credentials, pace, 429 for everyone, the count."""

from __future__ import annotations

import os
import ssl
import threading
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.utils import default_headers, get_environ_proxies, select_proxy
from singer_sdk.exceptions import FatalAPIError
from typing_extensions import override
from urllib3.util import parse_url

from tap_gong.deadline import Deadline
from tap_gong.errors import QuotaError, SettingsError
from tap_gong.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.settings import Settings

BARE_429_WAITS = (1, 2, 4, 8, 16, 30, 60)
"""Seconds to hold everyone after the first, second, ... 429 in a row to one request
when Gong does not say how long; the last one repeats."""

CONNECT_SECONDS = 10
"""A host that takes no connection by then will hardly take it later."""

LONGEST_WAIT = 366 * 86_400
"""Seconds; a longer Retry-After is no date that a person could be told."""

MAX_429 = 50
"""So many 429 in a row to one request are not a limit but a fault."""


class PacedAdapter(HTTPAdapter):
    """Sends each request in its turn, first tries and retries alike.

    A 429 holds every request, in flight or to come, for as long as Gong asks, and is
    then sent again. A longer wait than allowed ends it for everyone.
    """

    def __init__(
        self,
        pace: Pace,
        *,
        timeout_seconds: float,
        max_wait_seconds: float,
        pool_size: int,
    ) -> None:
        """Send at this pace.

        Args:
            pace: The turns of all requests together.
            timeout_seconds: How long an answer may take to its last byte.
            max_wait_seconds: The longest Retry-After to sit out.
            pool_size: How many connections to keep open.
        """
        super().__init__(pool_connections=1, pool_maxsize=pool_size)
        self.pace = pace
        self.requests_sent = 0
        """Requests sent so far, refused ones and retries included."""
        self.retries = 0
        """How many of them repeat an earlier one."""
        # The time-outs of requests are for each read of the socket: an answer that
        # sends a byte a second would never meet them.
        self._deadline = Deadline[requests.Response](timeout_seconds)
        self._max_wait_seconds = max_wait_seconds
        self._counting = threading.Lock()

    def count_retry(self) -> None:
        """Count a request that is about to be sent again."""
        with self._counting:
            self.retries += 1

    @override
    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request in its turn, and again after each 429.

        Raises:
            requests.Timeout: If the answer is not whole in time.
            QuotaError: If Gong asks for a wait beyond `max_wait_seconds`, now or
                in an earlier answer.
            FatalAPIError: If Gong keeps answering 429.
        """
        for attempt in range(MAX_429):
            self.pace.wait()
            with self._counting:
                self.requests_sent += 1
            exchange = partial(super().send, request, *args, **kwargs)
            try:
                response = self._deadline.run(partial(_read_whole, exchange))
            except TimeoutError:
                raise requests.Timeout from None
            if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                return response
            if attempt == MAX_429 - 1:
                break
            seconds = retry_after(response)
            if seconds is None:
                seconds = BARE_429_WAITS[min(attempt, len(BARE_429_WAITS) - 1)]
            if seconds > self._max_wait_seconds:
                error = QuotaError(seconds)
                self.pace.close(error)
                raise error
            self.pace.hold(seconds)
            self.count_retry()
        msg = f"Gong answered 429 to one request {MAX_429} times in a row."
        raise FatalAPIError(msg)

    @override
    def close(self) -> None:
        """Close the connections that are not in use, and let the threads end."""
        super().close()
        self._deadline.close()


class GongSession:
    """Through which all requests of the process go, from any thread.

    No requests.Session: its redirects would take the API key astray, its cookies and
    its look at the environment have no place here, and all of it takes its time with
    each request.
    """

    def __init__(self, settings: Settings) -> None:
        """Open a session; no request is sent yet.

        Args:
            settings: Credentials, pace, time-outs and user agent.

        Raises:
            SettingsError: If the environment names a proxy or certificates that cannot
                be used.
        """
        self.paced = PacedAdapter(
            Pace(settings.requests_per_second),
            timeout_seconds=settings.request_timeout_seconds,
            max_wait_seconds=settings.max_wait_seconds,
            pool_size=settings.max_concurrency,
        )
        self.url = settings.api_url
        """Base address of the API."""
        self._headers = {**default_headers(), "User-Agent": settings.user_agent}
        self._auth = HTTPBasicAuth(
            settings.access_key.encode(), settings.access_key_secret.encode()
        )
        seconds = settings.request_timeout_seconds
        self._timeout = (min(CONNECT_SECONDS, seconds), seconds)
        self._proxies = environment_proxies(settings.api_url)
        self._authorities: str | bool = True
        if settings.api_url.lower().startswith("https:"):
            self._authorities = environment_authorities() or True

    def ask(self, request: requests.Request) -> requests.Response:
        """Send a request in its turn.

        Args:
            request: Without headers and credentials; they are set here.

        Returns:
            The answer, read whole.

        Raises:
            requests.RequestException: If there is none.
            QuotaError: If Gong asks for too long a wait.
            FatalAPIError: If Gong keeps answering 429.
        """
        request.headers, request.auth = self._headers, self._auth
        return self.paced.send(
            request.prepare(),
            timeout=self._timeout,
            verify=self._authorities,
            proxies=self._proxies,
        )

    def close(self) -> None:
        """Close the connections that are not in use; the threads end with theirs."""
        self.paced.close()


def environment_proxies(url: str) -> dict[str, str]:
    """Find the proxies for an address in HTTPS_PROXY and its kin, less NO_PROXY.

    Raises:
        SettingsError: If the proxy for the address has no host. The proxy is not shown,
            for it may hold a password.
    """
    proxies = get_environ_proxies(url)
    if proxy := select_proxy(url, proxies):
        try:
            address = proxy if "://" in proxy else f"http://{proxy}"
            has_host = bool(parse_url(address).host)
        except (TypeError, ValueError):
            has_host = False
        if not has_host:
            msg = "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY holds no address of a proxy."
            raise SettingsError(msg)
    return proxies


def environment_authorities() -> str | None:
    """Find the company's own certificate authorities, if the environment names any.

    A requests.Session would look at the first two of these variables, and never at the
    last.

    Returns:
        A file or a folder.

    Raises:
        SettingsError: If there is none by that name, or no certificate in the file.
    """
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        if bundle := os.environ.get(variable):
            try:
                if not os.path.isdir(bundle):  # noqa: PTH112 - as requests does
                    ssl.create_default_context(cafile=bundle)
            except (OSError, ValueError):
                msg = f"{variable} names no file with certificates: {bundle!r}."
                raise SettingsError(msg) from None
            return bundle
    return None


def retry_after(response: requests.Response) -> float | None:
    """Read the header Retry-After: seconds, or a date (RFC 9110, section 10.2.3).

    Args:
        response: An answer.

    Returns:
        Seconds to wait from now, at least 0, or None without a readable header.
    """
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(0.0, seconds), LONGEST_WAIT)


def sent_at(response: requests.Response) -> datetime | None:
    """Read the header Date: when an answer was sent, by the clock of its sender.

    Returns:
        The moment in UTC, or None without a readable header.
    """
    try:
        moment = parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _read_whole(exchange: Callable[[], requests.Response]) -> requests.Response:
    response = exchange()
    # Response.content reads 10 KB at a time, and after each waits for the interpreter.
    response._content = b"".join(response.iter_content(None))  # noqa: SLF001
    return response
