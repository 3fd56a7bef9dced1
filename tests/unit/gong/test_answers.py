"""What answers mean, and that no sentence carries more than it may."""

from __future__ import annotations

import http.client
import json
import re
import socket
from datetime import UTC, datetime, timedelta
from http.client import BadStatusLine, IncompleteRead, LineTooLong, RemoteDisconnected
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.exceptions import ProxyError
from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from urllib3.exceptions import (
    DecodeError,
    InvalidHeader,
    LocationParseError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from tap_gong.errors import (
    CursorExpiredError,
    InterruptedRunError,
    LongWaitError,
    MissingScopeError,
    RunFailedError,
    SettingsError,
    StreamFailedError,
    TooLargeError,
    TryAgainError,
)
from tap_gong.gong.answers import (
    Answer,
    interpret,
    no_answer,
    too_large,
    wait_too_long,
    wrong_encoding,
    wrong_shape,
)
from tap_gong.gong.calls import (
    CALLS,
    EXTENSIVE,
    NO_CALLS,
    ONE_CALL,
    TRANSCRIPTS,
    USER_ACCESS,
)
from tap_gong.gong.endpoint import Endpoint
from tests.unit.conftest import brief

if TYPE_CHECKING:
    from collections.abc import Mapping

ID = "7782342274025937895"
MARKER = "Mx. Private"
REFERENCE = "4al018gzaztcr8nbukw"
WHERE = f"GET /v2/calls/{ID}"
ANY_SENTENCE = re.compile("")
NOTHING_FOUND = re.compile(NO_CALLS, re.IGNORECASE)
NEVER = re.compile(Endpoint("GET", "/v2/users", records="users").nothing)


def response_of(
    status: int, content: bytes, headers: Mapping[str, str] | None = None
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = content
    response.headers.update(headers or {})
    response.request = requests.Request(
        "GET",
        f"https://api.gong.io/v2/calls/{ID}",
        params={"cursor": MARKER},
        auth=("key", MARKER),
    ).prepare()
    return response


ENVELOPE = b'{"requestId": "4al018gzaztcr8nbukw", "errors": ["x"]}'


def enveloped(*errors: object) -> bytes:
    return json.dumps({"requestId": REFERENCE, "errors": errors}).encode()


def read(
    status: int, content: bytes, *, nothing: re.Pattern[str] = NOTHING_FOUND
) -> Answer:
    return interpret(response_of(status, content), nothing=nothing)


def message_of(kind: type[Exception], status: int, content: bytes) -> str:
    with pytest.raises(Exception, match=re.escape(WHERE)) as caught:
        read(status, content)
    assert type(caught.value) is kind
    message = str(caught.value)
    assert f"{WHERE} " in message
    assert "cursor=" not in message
    assert "\n" not in message
    return message


def is_final(error: BaseException) -> bool:
    return isinstance(error, FatalAPIError) and not isinstance(error, TryAgainError)


# 200


def test_records() -> None:
    body = {"requestId": REFERENCE, "call": {"id": ID, "title": MARKER}}
    assert read(200, json.dumps(body).encode()) == Answer(body, REFERENCE)


def test_numbers_are_exact() -> None:
    answer = read(200, b'{"call": {"id": 18446744073709551615}}')
    assert answer.body == {"call": {"id": 18446744073709551615}}
    assert answer.request_id == ""


NO_OBJECTS = [
    b"",
    b" ",
    b"null",
    b"[]",
    b'["Mx. Private"]',
    b'"Mx. Private"',
    b"5",
    b"<html>Mx. Private</html>",
    b'{"call": {"title": "Mx. Private',
    b'{"call": "Mx. Private"} {"call": 1}',
    b'{"a": "Mx. Private", "a": 1}',
    b'{"call": {"id": "1", "title": "Mx. Private", "id": "2"}}',
    b'{"call": [{"b": {"a": 1, "a": 1}}]}',
    b'{"duration": NaN}',
    b'{"duration": Infinity}',
    b'{"duration": [-Infinity]}',
    b'{"title": "Mx. Private\xff"}',
    b'{"title": "Mx. Private\n"}',
    b'\x80{"title": "Mx. Private"}',
    b"[" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 100_000,
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b'{"id": ' + b"9" * 5_000 + b"}",
]


@pytest.mark.parametrize("content", [b"", b'{"call": {"id": "1"}}', ENVELOPE])
def test_an_answer_to_another_request_is_tried_again(content: bytes) -> None:
    for status in (101, 201, 202, 204, 206, 304):
        message = message_of(TryAgainError, status, content)
        assert message.endswith(
            f"answered {status}, which is no answer to this request."
        )


@pytest.mark.parametrize("content", NO_OBJECTS, ids=range(len(NO_OBJECTS)))
def test_hostile_bodies_are_told_apart_by_status_alone(content: bytes) -> None:
    message = message_of(TryAgainError, 200, content)
    assert message == f"{WHERE} answered 200 without a JSON object."
    for status in (400, 401, 403, 404, 503):
        with pytest.raises((FatalAPIError, TryAgainError)) as caught:
            read(status, content, nothing=ANY_SENTENCE)
        assert isinstance(caught.value, TryAgainError) == (status == 503)
        assert MARKER not in str(caught.value)
        assert len(str(caught.value)) < 300


def test_wrong_shape_is_tried_again() -> None:
    response = response_of(200, enveloped(MARKER))
    error = wrong_shape(response, Answer({}, REFERENCE), "'id' is list, not string")
    assert isinstance(error, TryAgainError)
    assert error.response is response
    assert str(error) == (
        f"{WHERE} (requestId {REFERENCE}) answered in another shape than documented: "
        "'id' is list, not string."
    )


# 5xx


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599])
def test_5xx_is_tried_again(status: int) -> None:
    response = response_of(status, enveloped(MARKER))
    with pytest.raises(TryAgainError) as caught:
        interpret(response, nothing=ANY_SENTENCE)
    assert caught.value.response is response
    assert str(caught.value) == f"{WHERE} (requestId {REFERENCE}) answered {status}."


# 404 and 400

NOTHINGS = [
    "No calls found corresponding to the provided filters",
    "No users found corresponding to the provided filters.",
    "NO LOGS FOUND CORRESPONDING TO THE PROVIDED FILTERS",
    "No stats found for the specified period",
]


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize(
    "sentence", [f"Call ID {ID} was not found", "Flow not found", *NOTHINGS]
)
def test_the_sentence_that_an_endpoint_names_means_nothing(
    sentence: str, status: int
) -> None:
    answer = read(status, enveloped(sentence), nothing=ANY_SENTENCE)
    assert answer == Answer(None, REFERENCE)


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("sentence", NOTHINGS)
def test_nothing_found_for_a_filter(sentence: str, status: int) -> None:
    assert read(status, enveloped(sentence)) == Answer(None, REFERENCE)
    assert read(status, enveloped("And:", sentence)) == Answer(None, REFERENCE)


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("sentence", [f"Call ID {ID} was not found", *NOTHINGS])
def test_an_endpoint_that_names_no_sentence_is_refused(
    sentence: str, status: int
) -> None:
    with pytest.raises(StreamFailedError, match=re.escape(f"saying: {sentence}")):
        read(status, enveloped(sentence), nothing=NEVER)


@pytest.mark.parametrize("status", [401, 403, 405, 409, 410, 415, 422])
def test_no_other_status_means_nothing(status: int) -> None:
    with pytest.raises(FatalAPIError, match=f"answered {status}"):
        read(status, enveloped(NOTHINGS[0]), nothing=ANY_SENTENCE)


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        (CALLS, "No calls found corresponding to the provided filters"),
        (EXTENSIVE, "No calls found corresponding to the provided filters"),
        (ONE_CALL, f"Call ID {ID} was not found"),
        (TRANSCRIPTS, "No calls found corresponding to the provided filters"),
        (USER_ACCESS, "Some calls not found"),
    ],
    ids=lambda value: getattr(value, "path", ""),
)
def test_each_endpoint_of_calls_names_its_own_sentence(
    endpoint: Endpoint, sentence: str
) -> None:
    nothing = re.compile(endpoint.nothing, re.IGNORECASE)
    assert read(404, enveloped(sentence), nothing=nothing).body is None
    for other in ("Workspace 5 was not found", "Not found", "Call recording not found"):
        with pytest.raises(StreamFailedError, match=rf"saying: {other}\.$"):
            read(404, enveloped(other), nothing=nothing)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>Mx. Private: found corresponding to the provided filters</html>",
        b'{"message": "found corresponding to the provided filters"}',
        b'{"errors": "found corresponding to the provided filters"}',
        b'{"errors": []}',
        b'{"errors": null}',
        b'{"errors": [{"found corresponding to the provided filters": 1}]}',
        b'{"errors": ["found corresponding to the provided filters"]}',
        b'{"requestId": 5, "errors": ["found corresponding to the provided filters"]}',
        b'{"requestId": "4al018gzaztcr8nbukw"}',
        enveloped(),
        enveloped("", " \n", "\x00"),
        enveloped(5, None, ["x"]),
        b'["found corresponding to the provided filters"]',
    ],
    ids=brief,
)
def test_404_without_an_envelope_is_the_wrong_address(content: bytes) -> None:
    for nothing in (ANY_SENTENCE, NOTHING_FOUND):
        with pytest.raises(
            RunFailedError, match="api_url is not the address"
        ) as caught:
            read(404, content, nothing=nothing)
        assert is_final(caught.value)
        assert MARKER not in str(caught.value)
        assert "found corresponding" not in str(caught.value)


@pytest.mark.parametrize("sentence", ["Workspace 5 was not found", "Not Found"])
def test_404_in_the_envelope_with_another_sentence_ends_the_stream(
    sentence: str,
) -> None:
    """It is Gong that answers, so nothing is said of its address."""
    message = message_of(StreamFailedError, 404, enveloped(sentence))
    assert message == (
        f"{WHERE} (requestId {REFERENCE}) answered 404 and so refused the request, "
        f"saying: {sentence}."
    )


# 401 and 403


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("scope", ["api:calls:read:basic", "api:calls:read:media-url"])
def test_a_missing_scope_is_named(status: int, scope: str) -> None:
    said = f"You don't have permission to use '{scope}' {MARKER}"
    message = message_of(MissingScopeError, status, enveloped(said))
    assert message == (
        f"{WHERE} (requestId {REFERENCE}) answered {status}: the API key lacks the "
        f"scope '{scope}'. Ask a Gong administrator for a key that has it."
    )
    response = response_of(status, enveloped(said))
    with pytest.raises(MissingScopeError, match=r"has it\. Set another\.$") as caught:
        interpret(response, nothing=NEVER, instead="Set another.")
    assert caught.value.scope == scope


def test_only_a_refusal_of_the_key_tells_of_a_scope() -> None:
    said = "You don't have permission to use 'api:calls:read:basic'"
    for status in (400, 404, 409):
        message = message_of(StreamFailedError, status, enveloped(said))
        assert message.endswith(f"saying: {said}.")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Mx. Private",
        enveloped(f"Invalid authentication {MARKER}"),
        enveloped(f"permission to use '{MARKER}'"),
        enveloped({"permission to use 'api:x'": MARKER}),
    ],
    ids=range(5),
)
def test_401_is_a_wrong_key(content: bytes) -> None:
    message = message_of(RunFailedError, 401, content)
    assert "answered 401: Gong does not know this API key" in message
    assert MARKER not in message


CAUSES_OF_403 = (
    " Either the key may not read this, or this machine's address is not on the key's "
    "list of trusted IPs, or the key was revoked, or api_url is not your company's own "
    "host."
)


@pytest.mark.parametrize("content", [b"", b"Mx. Private", b'{"call": "Mx. Private"}'])
def test_403_ends_the_stream_and_names_the_causes(content: bytes) -> None:
    message = message_of(StreamFailedError, 403, content)
    assert message == (
        f"{WHERE} answered 403 and so refused the request.{CAUSES_OF_403}"
    )


def test_403_passes_on_gongs_own_sentence() -> None:
    message = message_of(StreamFailedError, 403, enveloped("Not licensed."))
    assert message == (
        f"{WHERE} (requestId {REFERENCE}) answered 403 and so refused the request, "
        f"saying: Not licensed.{CAUSES_OF_403}"
    )


# Refused requests


@pytest.mark.parametrize("status", [400, 404, 405, 409, 415, 422])
def test_a_refusal_passes_on_gongs_own_sentence(status: int) -> None:
    sentences = ["Failed to parse\n request", 5, "fromDateTime is wrong"]
    message = message_of(StreamFailedError, status, enveloped(*sentences))
    assert message == (
        f"{WHERE} (requestId {REFERENCE}) answered {status} and so refused the "
        "request, saying: Failed to parse request fromDateTime is wrong."
    )


@pytest.mark.parametrize(
    "content",
    [
        b"Mx. Private",
        b'{"message": "Mx. Private"}',
        b'{"errors": "Mx. Private"}',
        b'{"errors": {"Mx. Private": "Mx. Private"}}',
        b'{"errors": [["Mx. Private"], {"a": "Mx. Private"}], "call": "Mx. Private"}',
        b'{"errors": ["x"], "errors": ["Mx. Private"]}',
    ],
    ids=brief,
)
def test_a_refusal_passes_on_nothing_else(content: bytes) -> None:
    message = message_of(StreamFailedError, 400, content)
    assert message == f"{WHERE} answered 400 and so refused the request."


@pytest.mark.parametrize(
    "sentences", [["x" * 100_000], ["x" * 200] * 1_000, ["x"] * 10_000], ids=brief
)
def test_sentences_are_not_too_long_in_all(sentences: list[str]) -> None:
    message = message_of(StreamFailedError, 400, enveloped(*sentences))
    assert len(message.partition("saying: ")[2]) == 301


def test_a_sentence_is_on_one_line_and_readable() -> None:
    said = "\x1b[31mred\u2028next\r\nline\x00 \u202eleft\udcff\u00e9\n"
    message = message_of(StreamFailedError, 400, enveloped(said))
    assert message.endswith("saying: [31mred next line left \u00e9.")


@pytest.mark.parametrize(
    "sentence", ["cursor has expired", "Failed to verify cursor", "Cursor has EXPIRED."]
)
@pytest.mark.parametrize("status", [400, 404])
def test_an_expired_cursor(status: int, sentence: str) -> None:
    content = enveloped(f"{MARKER}: {sentence}")
    message = message_of(CursorExpiredError, status, content)
    assert "no longer takes the cursor" in message
    assert MARKER not in message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    message = message_of(RunFailedError, status, enveloped(MARKER))
    assert f"answered {status}, a redirect" in message
    assert "api_url" in message
    assert MARKER not in message


@given(
    status=st.integers(201, 599),
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["requestId", "errors", "records"]) | st.text(), inner
            )
        ),
        max_leaves=6,
    ).map(lambda body: json.dumps(body).encode())
    | st.binary(),
)
def test_any_answer_is_an_absence_or_an_error(status: int, body: bytes) -> None:
    try:
        answer = read(status, body, nothing=ANY_SENTENCE)
    except (FatalAPIError, TryAgainError) as error:
        tried_again = status < 300 or status == 304 or status >= 500
        assert isinstance(error, TryAgainError) == tried_again  # noqa: PT017
    else:
        assert status in {400, 404}
        assert answer.body is None


# requestId


@pytest.mark.parametrize(
    "request_id",
    [
        "x" * 65,
        "x" * 1_000_000,
        "a b",
        f"{REFERENCE}\n",
        "\x1b[31m",
        "",
        5,
        None,
        [REFERENCE],
        {"a": REFERENCE},
    ],
    ids=brief,
)
def test_a_reference_that_is_none_is_not_shown(request_id: object) -> None:
    body = json.dumps({"requestId": request_id, "errors": ["x"]}).encode()
    assert read(200, body).request_id == ""
    message = message_of(StreamFailedError, 403, body)
    assert "requestId" not in message
    assert len(message) < 400


def test_the_reference_in_the_header() -> None:
    response = response_of(502, b"<html>", {"X-TraceId": REFERENCE})
    with pytest.raises(TryAgainError, match=f"requestId {REFERENCE}"):
        interpret(response, nothing=NOTHING_FOUND)


def test_the_reference_in_the_body_goes_first() -> None:
    response = response_of(404, enveloped("not found"), {"X-TraceId": "other"})
    assert interpret(response, nothing=ANY_SENTENCE).request_id == REFERENCE


# What a person reads


HOST = "api.gong.io"


def chained(*errors: Exception) -> Exception:
    """Make each error the reason of the one before it."""
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


NO_ANSWER: list[tuple[Exception, str]] = [
    (
        requests.ReadTimeout(MARKER),
        f"{HOST} did not answer in time (request_timeout_seconds).",
    ),
    (
        chained(
            requests.ConnectionError(MARKER),
            ReadTimeoutError(None, "", MARKER),  # type: ignore[arg-type]
            TimeoutError(MARKER),
        ),
        f"{HOST} did not answer in time (request_timeout_seconds).",
    ),
    (
        requests.ConnectTimeout(MARKER),
        f"The connection to {HOST} failed: it was not accepted in time.",
    ),
    (requests.ConnectionError(MARKER), f"The connection to {HOST} failed."),
    (
        chained(
            requests.ConnectionError(MARKER),
            ProtocolError(MARKER),
            ConnectionResetError(104, "Connection reset by peer"),
        ),
        f"The connection to {HOST} failed: Connection reset by peer.",
    ),
    (
        chained(
            requests.ConnectionError(MARKER),
            ProtocolError(MARKER),
            RemoteDisconnected(MARKER),
        ),
        f"The connection to {HOST} failed: it was closed without an answer.",
    ),
    (
        chained(
            requests.ConnectionError(MARKER),
            MaxRetryError(None, MARKER),  # type: ignore[arg-type]
            NewConnectionError(None, MARKER),  # type: ignore[arg-type]
            ConnectionRefusedError(111, "Connection refused"),
        ),
        f"The connection to {HOST} failed: Connection refused.",
    ),
    (
        chained(
            requests.ConnectionError(MARKER),
            NewConnectionError(None, MARKER),  # type: ignore[arg-type]
            socket.gaierror(-2, "Name or service not known"),
        ),
        f"Cannot find {HOST}: Name or service not known.",
    ),
    (
        chained(
            ProxyError(MARKER),
            NewConnectionError(None, MARKER),  # type: ignore[arg-type]
            socket.gaierror(-2, "Name or service not known"),
        ),
        "Cannot find the proxy proxy:3128: Name or service not known.",
    ),
    (
        chained(ProxyError(MARKER), ConnectionRefusedError(111, "Connection refused")),
        "The connection to the proxy proxy:3128 failed: Connection refused.",
    ),
    (
        chained(ProxyError("Tunnel connection failed: 407 " + MARKER), OSError(MARKER)),
        "The proxy proxy:3128 did not let the request through: it answered 407.",
    ),
    (
        chained(
            requests.exceptions.ChunkedEncodingError(MARKER), ProtocolError(MARKER)
        ),
        f"The answer of {HOST} is not valid HTTP: it broke off.",
    ),
    (
        chained(
            requests.exceptions.ChunkedEncodingError(MARKER),
            ProtocolError(MARKER),
            IncompleteRead(MARKER.encode(), 5),
        ),
        f"The answer of {HOST} is not valid HTTP: it broke off.",
    ),
    (
        chained(
            requests.exceptions.ChunkedEncodingError(MARKER),
            ProtocolError(MARKER),
            ConnectionResetError(104, "Connection reset by peer"),
        ),
        f"The connection to {HOST} failed: Connection reset by peer.",
    ),
    (
        chained(requests.exceptions.ContentDecodingError(MARKER), DecodeError(MARKER)),
        f"The answer of {HOST} is not valid HTTP: it cannot be unpacked.",
    ),
    (
        chained(requests.exceptions.InvalidHeader(MARKER), InvalidHeader(MARKER)),
        f"The answer of {HOST} is not valid HTTP: it gives two lengths.",
    ),
    (
        chained(requests.ConnectionError(MARKER), BadStatusLine(MARKER)),
        f"The answer of {HOST} is not valid HTTP: it does not begin with a status.",
    ),
    (
        chained(requests.ConnectionError(MARKER), LineTooLong(MARKER)),
        (
            f"The answer of {HOST} is not valid HTTP: its head or the length of a part "
            f"cannot be read."
        ),
    ),
]


@pytest.mark.parametrize(("error", "sentence"), NO_ANSWER, ids=range(len(NO_ANSWER)))
def test_no_answer(error: Exception, sentence: str) -> None:
    made = no_answer(error, host=HOST, proxy="proxy:3128")
    assert isinstance(made, TryAgainError)
    assert str(made) == sentence


def test_no_answer_looks_at_the_context_as_well() -> None:
    error = requests.ConnectionError(MARKER)
    error.__context__ = ConnectionRefusedError(111, "Connection refused")
    made = no_answer(error, host=HOST, proxy="")
    assert str(made) == f"The connection to {HOST} failed: Connection refused."


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.InvalidURL(MARKER),
        requests.exceptions.InvalidSchema(MARKER),
        LocationParseError(MARKER),
        chained(requests.ConnectionError(MARKER), http.client.InvalidURL(MARKER)),
    ],
    ids=range(4),
)
@pytest.mark.parametrize(
    ("proxy", "named"), [("", "api_url gives ('api.gong.io')"), ("a:1", "HTTPS_PROXY")]
)
def test_an_address_that_nobody_can_ask(
    error: Exception, proxy: str, named: str
) -> None:
    made = no_answer(error, host=HOST, proxy=proxy)
    assert isinstance(made, RunFailedError)
    assert named in str(made)
    assert MARKER not in str(made)


@pytest.mark.parametrize("wait", [301, 3_600, 86_400, 3e6])
def test_a_long_wait_says_when_to_come_back(wait: float) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    error = wait_too_long(
        LongWaitError("Why so.", wait), stream="calls", done=4_200, expected=10_000
    )
    after = datetime.now(UTC)
    assert is_final(error)
    message = str(error)
    assert message.startswith("Why so. 4200 calls are out, 5800 are left. Come back")
    told = re.search(r"after (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", message)
    assert told
    back = datetime.fromisoformat(f"{told[1]}+00:00")
    assert before <= back - timedelta(seconds=wait) <= after


def test_a_long_wait_that_gong_did_not_ask_for() -> None:
    error = wait_too_long(
        LongWaitError("Why so."), stream="calls", done=4_200, expected=10_000
    )
    assert str(error) == (
        "Why so. 4200 calls are out, 5800 are left. Run again later: the next run goes "
        "on where this one stopped."
    )


def test_a_long_wait_before_gong_has_said_how_many_there_are() -> None:
    error = wait_too_long(
        LongWaitError("", 3_600), stream="users", done=7, expected=None
    )
    assert "7 users are out. Come back" in str(error)


def test_a_wrong_certificate_is_final_and_says_what_to_set() -> None:
    cause = requests.exceptions.SSLError(
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has "
        "expired (_ssl.c:1006)"
    )
    error = no_answer(cause, host=HOST, proxy="")
    assert "(certificate has expired)" in str(error)
    assert is_final(error)
    assert isinstance(error, RunFailedError)
    for word in (HOST, "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        assert word in str(error)


def test_another_fault_of_tls_is_tried_again() -> None:
    cause = requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER]")
    assert isinstance(no_answer(cause, host=HOST, proxy=""), TryAgainError)


def test_an_answer_that_was_not_read() -> None:
    response = response_of(200, b"", {"X-TraceId": REFERENCE})
    where = f"{WHERE} (requestId {REFERENCE})"
    assert str(too_large(response, 64)) == (
        f"{where} answered with more than 64 MB, and was not read further."
    )
    assert str(wrong_encoding(response)) == (
        f"{where} answered in an encoding that was not asked for."
    )


def test_kinds_of_errors() -> None:
    """The SDK tells them apart by these classes."""
    assert issubclass(SettingsError, ConfigurationError)
    assert is_final(LongWaitError("x", 5))
    assert is_final(RunFailedError("x"))
    assert not isinstance(CursorExpiredError("x"), TryAgainError)
    assert isinstance(TooLargeError("x"), TryAgainError)
    assert LongWaitError("x", 5).wait_seconds == 5
    assert LongWaitError("x").wait_seconds is None
    assert InterruptedRunError(15).signum == 15
    assert is_final(StreamFailedError("x"))
    assert not isinstance(StreamFailedError("x"), RunFailedError)
    assert not isinstance(RunFailedError("x"), StreamFailedError)
    assert isinstance(MissingScopeError("x", "api:y"), StreamFailedError)
    assert isinstance(CursorExpiredError("x"), StreamFailedError)
    assert isinstance(LongWaitError("x"), RunFailedError)
