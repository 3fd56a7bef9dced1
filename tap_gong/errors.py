"""What an answer of Gong's API means: a body, an absence, a retry or the end.

The sentences of this module are what a person reads on stderr. They carry Gong's
`requestId`, which Gong's support asks for, and never a response body, a credential or
a record: only for a refused request is Gong's own sentence passed on.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import requests
from singer_sdk.exceptions import (
    ConfigurationError,
    FatalAPIError,
    RetriableAPIError,
    SyncError,
)

ANY_SENTENCE = re.compile("")
"""The 404 of an endpoint that is asked for one thing by its ID."""

NOTHING_FOUND = re.compile(
    r"found (corresponding to the provided filters|for the specified period)",
    re.IGNORECASE,
)
"""The 404 of an endpoint that is asked by filter, when nothing passes it."""

_MISSING_SCOPE = re.compile(r"permission to use '(api:[\w:.-]+)'")
_EXPIRED_CURSOR = re.compile(
    r"cursor has expired|failed to verify cursor", re.IGNORECASE
)
_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: (\d{3})")
_VERIFY_REASON = re.compile(r"certificate verify failed: ([\w -]+)")
_REQUEST_ID = re.compile(r"[\w-]{1,64}")
_SENTENCE_LENGTH = 300


class SettingsError(ConfigurationError):
    """A setting, a state or a catalog that the tap cannot run with."""


class UnwelcomeError(FatalAPIError):
    """Gong refuses the key, or it is not Gong that answers: so for every request."""


class CursorExpiredError(SyncError):
    """Gong no longer takes the cursor of a list that is being paged through."""


class QuotaError(FatalAPIError):
    """Gong asks for a longer wait than the settings allow: the day's quota is spent."""

    def __init__(self, wait_seconds: float) -> None:
        """Keep the wait that Gong asked for, in seconds."""
        super().__init__(f"Gong asks for a wait of {wait_seconds:.0f} seconds.")
        self.wait_seconds = wait_seconds


class InterruptedRunError(Exception):
    """The run was asked to stop by a signal."""

    def __init__(self, signum: int) -> None:
        """Keep the number of the signal."""
        super().__init__(signum)
        self.signum = signum


@dataclass(frozen=True, slots=True)
class Answer:
    """A usable answer of Gong's."""

    body: dict[str, Any] | None
    """The parsed JSON object, or None where Gong says that there is nothing."""

    request_id: str
    """Gong's reference for the request; empty if it sent none."""


def interpret(
    response: requests.Response, *, nothing: re.Pattern[str], instead: str = ""
) -> Answer:
    """Tell what an answer means.

    Args:
        response: The answer, read whole.
        nothing: What the sentences of a 404 say when it means that there is nothing,
            rather than a wrong address.
        instead: What to do with a key that lacks the endpoint's scope, other than to
            get another key.

    Returns:
        The body, or none for a 404 that means nothing is there.

    Raises:
        RetriableAPIError: For 5xx, and for a 200 that is not a JSON object.
        CursorExpiredError: If the cursor in the request is too old.
        UnwelcomeError: If Gong refuses the key, or it is not Gong that answers, with
            a sentence that says what to do.
        FatalAPIError: For every other answer, with Gong's own sentence.
    """
    status = response.status_code
    body = _parsed(response)
    request_id = _request_id(response, body)
    where = _where(response, request_id)
    if status == HTTPStatus.OK and body is not None:
        return Answer(body, request_id)
    if status < HTTPStatus.MULTIPLE_CHOICES:
        msg = f"{where} answered {status} without a JSON object."
        raise RetriableAPIError(msg, response)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        msg = f"{where} answered {status}."
        raise RetriableAPIError(msg, response)
    said = _said(body)
    is_envelope = bool(said) and isinstance((body or {}).get("requestId"), str)
    if status == HTTPStatus.NOT_FOUND and is_envelope and nothing.search(said):
        return Answer(None, request_id)
    if _EXPIRED_CURSOR.search(said):
        msg = f"{where} no longer takes the cursor of this list."
        raise CursorExpiredError(msg)
    if advice := _advice(status, said, instead):
        msg = f"{where} {advice}"
        raise UnwelcomeError(msg)
    reason = f", saying: {said}" if said else "."
    msg = f"{where} answered {status} and so refused the request{reason}"
    raise FatalAPIError(msg)


def wrong_shape(response: requests.Response, answer: Answer, why: str) -> Exception:
    """Make the error for a 200 whose JSON is not what Gong documents.

    Args:
        response: The answer.
        answer: The same, interpreted.
        why: What is wrong, without any value.

    Returns:
        The error to raise; it asks for another try.
    """
    where = _where(response, answer.request_id)
    return RetriableAPIError(
        f"{where} answered in another shape than documented: {why}.", response
    )


def what_failed(error: BaseException | None) -> str:
    """Say in a sentence why a request brought no usable answer.

    Args:
        error: What was raised on the last try.

    Returns:
        The sentence, without any part of a body.
    """
    if isinstance(error, RetriableAPIError):
        return str(error)
    if isinstance(error, requests.Timeout):
        return "Gong did not answer in time (request_timeout_seconds)."
    is_proxy = isinstance(error, requests.exceptions.ProxyError)
    what = "The connection to the proxy" if is_proxy else "The connection to Gong"
    if status := _TUNNEL_STATUS.search(str(error)):
        return f"The proxy did not let the request through: it answered {status[1]}."
    while error and not getattr(error, "strerror", None):
        error = error.__cause__ or error.__context__
    reason = f": {error.strerror}" if isinstance(error, OSError) else ""
    return f"{what} failed{reason}."


def wrong_certificate(url: str, error: requests.RequestException) -> UnwelcomeError:
    """Make the error for a certificate that does not verify.

    Args:
        url: The address that was asked.
        error: What was raised.

    Returns:
        The error to raise.
    """
    found = _VERIFY_REASON.search(str(error))
    reason = f" ({found[1].strip()})" if found else ""
    return UnwelcomeError(
        f"The certificate of {url} does not verify{reason}. If your company's network "
        f"signs with an authority of its own, set REQUESTS_CA_BUNDLE or SSL_CERT_FILE "
        f"to the file with its certificate."
    )


def quota_spent(error: QuotaError, *, done: int, expected: int | None) -> FatalAPIError:
    """Make the error that ends a run when the day's quota is spent.

    Args:
        error: Says how long Gong asks to wait.
        done: How many records are out, or known to be absent.
        expected: How many there are in all, if Gong has said so.

    Returns:
        The error to raise.
    """
    left = "" if expected is None else f", {max(0, expected - done)} are left"
    back = datetime.now(UTC) + timedelta(seconds=error.wait_seconds)
    return FatalAPIError(
        f"Gong's quota is spent: it asks for a wait of {error.wait_seconds:.0f} s, "
        f"longer than max_wait_seconds. {done} calls are out{left}. Come back after "
        f"{back:%Y-%m-%d %H:%M:%S} UTC: the next run goes on where this one stopped."
    )


def _advice(status: int, said: str, instead: str) -> str:
    """Say what a status that any request would get means, and what to do."""
    if status == HTTPStatus.UNAUTHORIZED:
        if missing := _MISSING_SCOPE.search(said):
            return (
                f"answered 401: the API key lacks the scope {missing[1]!r}. Ask a Gong "
                f"administrator for a key that has it. {instead}".rstrip()
            )
        return (
            "answered 401: Gong does not know this API key. Check access_key and "
            "access_key_secret, and that the key has not run out."
        )
    if status == HTTPStatus.FORBIDDEN:
        return (
            "answered 403: this machine's address is not on the key's list of trusted "
            "IPs, or the key was revoked, or api_url is not your company's own host."
        )
    if status == HTTPStatus.NOT_FOUND:
        return (
            "answered 404, and not in the way of Gong's API: api_url is not the "
            "address of Gong's API, or something on the way to it answers instead."
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return (
            f"answered {status}, a redirect, which is not followed lest it lead the "
            f"API key astray: set api_url to the final address of Gong's API."
        )
    return ""


def _where(response: requests.Response, request_id: str) -> str:
    request = response.request
    reference = f" (requestId {request_id})" if request_id else ""
    path = (request.path_url or "").partition("?")[0]
    return f"{request.method} {path}{reference}"


def _parsed(response: requests.Response) -> dict[str, Any] | None:
    try:
        body = json.loads(
            response.content,
            object_pairs_hook=_no_name_twice,
            parse_constant=refuse_constant,
        )
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Which of two values counts is anyone's guess, and a guess is no record.
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError
    return result


def refuse_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python takes for JSON."""
    raise ValueError(name)


def _request_id(response: requests.Response, body: dict[str, Any] | None) -> str:
    """Find Gong's reference: in the body, and in the header x-traceid."""
    for candidate in ((body or {}).get("requestId"), response.headers.get("x-traceid")):
        if isinstance(candidate, str) and _REQUEST_ID.fullmatch(candidate):
            return candidate
    return ""


def _said(body: dict[str, Any] | None) -> str:
    """Gong's sentences from its error envelope, on one line; empty without any."""
    errors = (body or {}).get("errors")
    if not isinstance(errors, list):
        return ""
    text = " ".join(error for error in errors if isinstance(error, str))
    readable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(readable.split())[:_SENTENCE_LENGTH]
