"""The one HTTP session of the tap: credentials, pace, 429 for everyone, the count."""

from __future__ import annotations

import logging
import os
import re
import ssl
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.exceptions import InvalidURL
from requests.utils import default_headers, get_environ_proxies, select_proxy
from typing_extensions import override
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from tap_gong.errors import LongWaitError, SettingsError, StreamFailedError
from tap_gong.gong.answers import no_answer, too_large, wrong_encoding
from tap_gong.gong.connection import with_answers
from tap_gong.gong.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests
    from urllib3.connectionpool import ConnectionPool

    from tap_gong.settings import Settings

BARE_429_WAITS = (1, 2, 4, 8, 16, 30, 60)
"""Seconds to hold everyone after the first, second, ... 429 in a row to one request
when Gong does not say how long; the last one repeats."""

CONNECT_SECONDS = 10
"""A host that has not accepted a connection by then will hardly do so later."""

LONGEST_WAIT = 366 * 86_400
"""Seconds. A longer Retry-After counts as this, so that it can be told as a date."""

MAX_429 = 50
"""After so many 429 in a row to one request, it is a fault and not a limit."""

LATEST_SHARE = 0.1
"""The weight of the latest answer in the mean latency."""

LARGEST_ANSWER = 64_000_000
"""Bytes of an answer, unpacked: a hundred calls with their transcripts have fewer."""

LARGE_ANSWER = 1_000_000
"""Bytes from which on an answer waits for its turn to be read to the end."""

LARGE_ANSWERS = 3
"""How many of these are read at once: this bounds the memory, whatever comes."""

PIECE = 65_536
"""Bytes of an answer to read, or to unpack, at once."""

_TALKATIVE = ("urllib3", "requests", "charset_normalizer", "chardet")
"""Libraries whose log has addresses with cursors in it, and headers with cookies."""

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")

_ACCEPTED = "gzip, deflate"
_READABLE = {"", "identity", "gzip", "x-gzip", "deflate"}
"""Values of Content-Encoding: what is unpacked piece by piece, whatever else is
installed on this machine."""


class PacedAdapter(HTTPAdapter):
    """Sends each request in its turn, first tries and retries alike.

    A 429 holds every request, in flight or to come, for as long as Gong asks, and is
    then sent again. A longer wait than allowed ends it for everyone.
    """

    def __init__(
        self,
        pace: Pace,
        *,
        max_wait_seconds: float,
        most_at_once: int,
    ) -> None:
        """Send at this pace.

        Args:
            pace: The turns of all requests together.
            max_wait_seconds: The longest Retry-After that is waited for.
            most_at_once: How many requests may be under way at once.
        """
        super().__init__(pool_connections=1, pool_maxsize=most_at_once)
        self._slots = threading.BoundedSemaphore(most_at_once)
        self.pace = pace
        self.requests_sent = 0
        """Requests sent so far, refused ones and retries included."""
        self.retries = 0
        """How many of them repeat an earlier one."""
        self.latency = 0.0
        """Seconds from a request to the end of its answer, lately."""
        self._max_wait_seconds = max_wait_seconds
        self._large_answers = threading.BoundedSemaphore(LARGE_ANSWERS)
        self._counting = threading.Lock()

    @property
    def waited(self) -> float:
        """Seconds for which Gong has held everyone so far."""
        return self.pace.waited

    def count_retry(self) -> None:
        """Count a request that is about to be sent again."""
        with self._counting:
            self.retries += 1

    @override
    def send(
        self, request: requests.PreparedRequest, *_: Any, **options: Any
    ) -> requests.Response:
        """Send a request in its turn, and again after each 429.

        Returns:
            The answer, read whole.

        Raises:
            TryAgainError: If there is none, or none that is HTTP.
            RunFailedError: If no request can be sent.
            LongWaitError: If Gong asks for a wait beyond `max_wait_seconds`, now or
                in an earlier answer.
            StreamFailedError: If Gong keeps answering 429.
        """
        with self._slots:
            return self._send(request, options)

    def _send(
        self, request: requests.PreparedRequest, options: Mapping[str, Any]
    ) -> requests.Response:
        for attempt in range(MAX_429):
            self.pace.wait()
            with self._counting:
                self.requests_sent += 1
            response = self._exchange(request, options)
            status, seconds = response.status_code, retry_after(response)
            if status != HTTPStatus.TOO_MANY_REQUESTS:
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR and seconds is not None:
                    why = (
                        f"Gong answered {status} and asks for a wait of {seconds:.0f} s"
                    )
                    self._hold(seconds, why, seconds)
                return response
            if attempt == MAX_429 - 1:
                break
            if seconds is None:
                wait = BARE_429_WAITS[min(attempt, len(BARE_429_WAITS) - 1)]
                why = (
                    f"Gong answered 429 (too many requests) {attempt + 1} times in a "
                    f"row and does not say how long to wait: the next wait is {wait} s"
                )
                self._hold(wait, why)
            else:
                why = f"Gong's quota is spent: it asks for a wait of {seconds:.0f} s"
                self._hold(seconds, why, seconds)
            self.count_retry()
        msg = f"Gong answered 429 to one request {MAX_429} times in a row."
        raise StreamFailedError(msg)

    def _exchange(
        self, request: requests.PreparedRequest, options: Mapping[str, Any]
    ) -> requests.Response:
        """Send a request and read its answer to the end."""
        began = time.monotonic()
        try:
            response = super().send(request, **options)
            self._read_whole(response)
        except (OSError, HTTPError) as error:
            url = str(request.url)
            proxy = select_proxy(url, options.get("proxies"))
            where = _host(proxy) if proxy else ""
            raise no_answer(error, host=_host(url), proxy=where) from None
        seconds = time.monotonic() - began
        with self._counting:
            share = LATEST_SHARE if self.latency else 1
            self.latency += share * (seconds - self.latency)
        return response

    def _read_whole(self, response: requests.Response) -> None:
        """Read an answer to its end.

        Raises:
            TryAgainError: If it is too large, and not read further; or if it is
                packed in a way that was not asked for.
        """
        content = bytearray()
        if response.headers.get("Content-Encoding", "").strip().lower() in _READABLE:
            with ExitStack() as turn:
                for piece in response.iter_content(PIECE):
                    if len(content) <= LARGE_ANSWER < len(content) + len(piece):
                        turn.enter_context(self._large_answers)
                    content += piece
                    if len(content) > LARGEST_ANSWER:
                        response.close()
                        content.clear()  # the error holds this frame
                        raise too_large(response, LARGEST_ANSWER // 10**6)
        else:
            response.close()
            if response.status_code == HTTPStatus.OK:
                raise wrong_encoding(response)
        # Response.content would read 10 KB at a time; a copy would take twice the
        # memory.
        response._content = content  # type: ignore[assignment]  # noqa: SLF001

    def _hold(self, seconds: float, why: str, asked: float | None = None) -> None:
        """Let everyone wait, or end the run for everyone if that is too long."""
        if seconds > self._max_wait_seconds:
            error = LongWaitError(f"{why}, longer than max_wait_seconds.", asked)
            self.pace.close(error)
            raise error
        self.pace.hold(seconds)

    @override
    def close(self) -> None:
        """Send nothing more, and close the connections that are not in use."""
        self.pace.close(StreamFailedError("The session is closed."))
        super().close()

    @override
    def get_connection_with_tls_context(
        self, *args: Any, **kwargs: Any
    ) -> ConnectionPool:
        """Find the connections to a host, or to the proxy before it."""
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        http: Any = pool
        http.ConnectionCls = with_answers(http.ConnectionCls)
        return pool


class GongSession:
    """All requests of the process go through it, from any thread.

    It is not a requests.Session. That would follow redirects with the API key, keep
    cookies and read the environment, and all of this takes time for each request.
    """

    def __init__(self, settings: Settings) -> None:
        """Open a session; no request is sent yet.

        Args:
            settings: Credentials, pace, time-outs and user agent.

        Raises:
            SettingsError: If the environment names a proxy or certificates that cannot
                be used.
        """
        for name in _TALKATIVE:
            logging.getLogger(name).propagate = False
        self.paced = PacedAdapter(
            Pace(settings.requests_per_second),
            max_wait_seconds=settings.max_wait_seconds,
            most_at_once=settings.max_concurrency,
        )
        self.url = settings.api_url
        """Base address of the API."""
        self._headers = {
            **default_headers(),
            "User-Agent": settings.user_agent,
            "Accept-Encoding": _ACCEPTED,
        }
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
            TryAgainError: If there is none.
            RunFailedError: If no request can be sent.
            LongWaitError: If Gong asks for too long a wait.
            StreamFailedError: If Gong keeps answering 429.
        """
        request.headers, request.auth = self._headers, self._auth
        try:
            prepared = request.prepare()
        except InvalidURL as error:
            raise no_answer(error, host=self.url, proxy="") from None
        return self.paced.send(
            prepared,
            timeout=self._timeout,
            verify=self._authorities,
            proxies=self._proxies,
        )

    def close(self) -> None:
        """Send nothing more; an answer that is under way is read to its end."""
        self.paced.close()


def environment_proxies(url: str) -> dict[str, str]:
    """Find the proxies for an address in HTTPS_PROXY, NO_PROXY and the like.

    Raises:
        SettingsError: If the proxy for the address has no host. The proxy is not shown,
            because it may hold a password.
    """
    proxies = get_environ_proxies(url)
    if proxy := select_proxy(url, proxies):
        try:
            has_host = bool(_host(proxy))
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

    Decimals are understood too, though the RFC has none. A date is compared with the
    clock that it comes from, where that is known.

    Args:
        response: An answer.

    Returns:
        Seconds to wait from now, at least 0, or None without a readable header.
    """
    value = response.headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), LONGEST_WAIT)
    if not (moment := _moment(value)):
        return None
    now = sent_at(response) or datetime.now(UTC)
    return min(max(0.0, (moment - now).total_seconds()), LONGEST_WAIT)


def sent_at(response: requests.Response) -> datetime | None:
    """Read the header Date: the time at Gong when it answered.

    Args:
        response: An answer.

    Returns:
        The moment in UTC, to the second, or None without a readable header.
    """
    moment = _moment(response.headers.get("Date", ""))
    try:
        return moment and moment.astimezone(UTC)
    except OverflowError:
        return None


def _moment(value: str) -> datetime | None:
    """Read a date of HTTP, or of mail."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _host(address: str) -> str:
    """Find host and port in an address; neither scheme nor password."""
    whole = address if "://" in address else f"http://{address}"
    return parse_url(whole).netloc or ""
