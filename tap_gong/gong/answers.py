"""What an answer of Gong's API means: a body, an absence, a retry or the end.

The sentences of this module are what a person reads on stderr. They carry Gong's
`requestId`, which Gong's support asks for, and never a response body, a credential or
a record: only for a refused request is Gong's own sentence passed on.
"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus, client
from http.client import BadStatusLine, HTTPException, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, Any

from requests.exceptions import (
    ChunkedEncodingError,
    ConnectTimeout,
    InvalidSchema,
    InvalidURL,
    ProxyError,
    ReadTimeout,
    SSLError,
)
from urllib3.exceptions import (
    DecodeError,
    InvalidChunkLength,
    InvalidHeader,
    LocationValueError,
    ReadTimeoutError,
)

from tap_gong.errors import (
    CursorExpiredError,
    LongWaitError,
    MissingScopeError,
    RunFailedError,
    StreamFailedError,
    TooLargeError,
    TryAgainError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

_MISSING_SCOPE = re.compile(r"permission to use '(api:[\w:.-]+)'")
_EXPIRED_CURSOR = re.compile(
    r"cursor has expired|failed to verify cursor", re.IGNORECASE
)
_MAY_MEAN_NOTHING = {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}
_AGAIN = "Run again: the run goes on from here."
_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: (\d{3})")
_VERIFY_REASON = re.compile(r"certificate verify failed: ([\w -]+)")
_NO_ADDRESS = (InvalidSchema, InvalidURL, LocationValueError, client.InvalidURL)
"""The address cannot be asked, now or later."""
_NO_HTTP = "The answer of {where} is not valid HTTP: "
_NO_CONNECTION = "The connection to {where} failed: "
_SENTENCES: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "Cannot find {where}: {reason}."),
    (ConnectTimeout, f"{_NO_CONNECTION}it was not accepted in time."),
    (ReadTimeout, "{where} did not answer in time (request_timeout_seconds)."),
    (ReadTimeoutError, "{where} did not answer in time (request_timeout_seconds)."),
    (RemoteDisconnected, f"{_NO_CONNECTION}it was closed without an answer."),
    (InvalidChunkLength, f"{_NO_HTTP}the length of a part of it cannot be read."),
    (IncompleteRead, f"{_NO_HTTP}it broke off."),
    (InvalidHeader, f"{_NO_HTTP}it gives two lengths."),
    (DecodeError, f"{_NO_HTTP}it cannot be unpacked."),
    (BadStatusLine, f"{_NO_HTTP}it does not begin with a status."),
    (HTTPException, f"{_NO_HTTP}its head or the length of a part cannot be read."),
)
"""Why there is no answer, by what was raised; the first that fits counts."""
_REQUEST_ID = re.compile(r"[\w-]{1,64}")
_SENTENCE_LENGTH = 300


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
        nothing: Matches the sentence of a 404 or 400 that means that there is
            nothing.
        instead: What to do with a key that lacks the endpoint's scope, other than to
            get another key.

    Returns:
        The body, or none where the answer means that there is nothing.

    Raises:
        TryAgainError: For 5xx, for a 200 that is not a JSON object, and for other
            answers that only a fault on the way can explain.
        CursorExpiredError: If the cursor in the request is too old.
        MissingScopeError: If the key lacks the endpoint's scope.
        RunFailedError: If Gong does not know the key, or it is not Gong that answers,
            with a sentence that says what to do.
        StreamFailedError: For every other answer, with Gong's own sentence.
    """
    status = response.status_code
    body = _parsed(response)
    request_id = _request_id(response, body)
    where = _where(response, request_id)
    if status == HTTPStatus.OK and body is not None:
        return Answer(body, request_id)
    if status == HTTPStatus.OK:
        msg = f"{where} answered 200 without a JSON object."
        raise TryAgainError(msg, response)
    if status < HTTPStatus.MULTIPLE_CHOICES or status == HTTPStatus.NOT_MODIFIED:
        msg = f"{where} answered {status}, which is no answer to this request."
        raise TryAgainError(msg, response)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        msg = f"{where} answered {status}."
        raise TryAgainError(msg, response)
    said = _said(body)
    is_envelope = bool(said) and isinstance((body or {}).get("requestId"), str)
    if status in _MAY_MEAN_NOTHING and is_envelope and nothing.search(said):
        return Answer(None, request_id)
    raise _refusal(status, said, where, instead, is_envelope=is_envelope)


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
    return TryAgainError(
        f"{where} answered in another shape than documented: {why}.", response
    )


def wrong_encoding(response: requests.Response) -> Exception:
    """Make the error for a 200 that is packed in a way that was not asked for.

    Args:
        response: The answer.

    Returns:
        The error to raise; it asks for another try.
    """
    where = _where(response, _request_id(response, None))
    msg = f"{where} answered in an encoding that was not asked for."
    return TryAgainError(msg, response)


def too_large(response: requests.Response, megabytes: int) -> Exception:
    """Make the error for an answer that was not read to its end.

    Args:
        response: The answer.
        megabytes: How much of it was read.

    Returns:
        The error to raise; it asks for another try, but not for many.
    """
    where = _where(response, _request_id(response, None))
    return TooLargeError(
        f"{where} answered with more than {megabytes} MB, and was not read further.",
        response,
    )


def no_answer(error: Exception, *, host: str, proxy: str) -> Exception:
    """Make the error for a request that brought no answer.

    Args:
        error: What was raised.
        host: Where Gong is.
        proxy: Where the proxy before it is, without a password; empty if there is none.

    Returns:
        The error to raise. It asks for another try where that may help, and has no part
        of what was sent or received.
    """
    if any(isinstance(cause, _NO_ADDRESS) for cause in _causes(error)):
        what = (
            "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY holds no address of a proxy that "
            "can be used"
            if proxy
            else f"no host can have the name that api_url gives ({host!r})"
        )
        return RunFailedError(f"No request can be sent: {what}.")
    if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return _wrong_certificate(host, error)
    return TryAgainError(_what_failed(error, host, proxy))


def _what_failed(error: Exception, host: str, proxy: str) -> str:
    """Say in a sentence why a request brought no answer."""
    where = f"the proxy {proxy}" if isinstance(error, ProxyError) else host
    if status := _TUNNEL_STATUS.search(str(error)):
        return (
            f"The proxy {proxy} did not let the request through: it answered "
            f"{status[1]}."
        )
    reason = ""
    for cause in _causes(error):
        reason = reason or getattr(cause, "strerror", None) or ""
        for kind, sentence in _SENTENCES:
            if isinstance(cause, kind):
                return sentence.format(where=where, reason=reason)
    if isinstance(error, ChunkedEncodingError) and not reason:
        return f"{_NO_HTTP}it broke off.".format(where=where)
    return f"The connection to {where} failed{reason and ': '}{reason}."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _wrong_certificate(host: str, error: Exception) -> RunFailedError:
    """Make the error for a certificate that does not verify."""
    found = _VERIFY_REASON.search(str(error))
    reason = f" ({found[1].strip()})" if found else ""
    return RunFailedError(
        f"The certificate of {host} does not verify{reason}. If your company's network "
        f"signs with an authority of its own, set REQUESTS_CA_BUNDLE or SSL_CERT_FILE "
        f"to the file with its certificate."
    )


def wait_too_long(
    error: LongWaitError, *, stream: str, done: int, expected: int | None
) -> RunFailedError:
    """Make the error that ends a run when Gong asks for too long a wait.

    Args:
        error: Says why, and how long Gong asks to wait.
        stream: The stream that was being read.
        done: How many of its records are out, or known to be absent.
        expected: How many there are in all, if Gong has said so.

    Returns:
        The error to raise.
    """
    left = "" if expected is None else f", {max(0, expected - done)} are left"
    back = "Run again later"
    if error.wait_seconds is not None:
        moment = datetime.now(UTC) + timedelta(seconds=error.wait_seconds)
        back = f"Come back after {moment:%Y-%m-%d %H:%M:%S} UTC"
    return RunFailedError(
        f"{error} {done} {stream} are out{left}. {back}: the next run goes on where "
        f"this one stopped."
    )


def _refusal(
    status: int, said: str, where: str, instead: str, *, is_envelope: bool
) -> Exception:
    """Make the error for an answer that refuses the request."""
    if _EXPIRED_CURSOR.search(said):
        return CursorExpiredError(
            f"{where} no longer takes the cursor of this list. {_AGAIN}"
        )
    missing = _MISSING_SCOPE.search(said)
    if missing and status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return MissingScopeError(
            f"{where} answered {status}: the API key lacks the scope {missing[1]!r}. "
            f"Ask a Gong administrator for a key that has it. {instead}".rstrip(),
            missing[1],
        )
    if status == HTTPStatus.UNAUTHORIZED:
        return RunFailedError(
            f"{where} answered 401: Gong does not know this API key. Check access_key "
            f"and access_key_secret, and that the key has not expired."
        )
    if status == HTTPStatus.NOT_FOUND and not is_envelope:
        return RunFailedError(
            f"{where} answered 404, and not in the way of Gong's API: api_url is not "
            f"the address of Gong's API, or something on the way to it answers instead."
        )
    if status < HTTPStatus.BAD_REQUEST:
        return RunFailedError(
            f"{where} answered {status}, a redirect, which is not followed because it "
            f"could send the API key to somebody else: set api_url to the final "
            f"address of Gong's API."
        )
    hint = ""
    if status == HTTPStatus.FORBIDDEN:
        hint = (
            " Either the key may not read this, or this machine's address is not on "
            "the key's list of trusted IPs, or the key was revoked, or api_url is not "
            "your company's own host."
        )
    reason = f", saying: {said.rstrip('.')}." if said else "."
    return StreamFailedError(
        f"{where} answered {status} and so refused the request{reason}{hint}"
    )


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
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Nobody can tell which of two values counts.
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError
    return result


def _refuse_constant(name: str) -> None:
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
