"""The session and its adapter, with nothing behind them."""

from __future__ import annotations

import io
import shutil
import threading
from base64 import b64encode
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import certifi
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from requests.exceptions import ProxyError
from singer_sdk.exceptions import FatalAPIError
from typing_extensions import override
from urllib3.exceptions import HTTPError, LocationParseError

from tap_gong.errors import (
    LongWaitError,
    RunFailedError,
    SettingsError,
    TooLargeError,
    TryAgainError,
)
from tap_gong.gong.answers import wait_too_long
from tap_gong.gong.pace import HEADROOM, Pace
from tap_gong.gong.session import (
    BARE_429_WAITS,
    LARGE_ANSWERS,
    LARGEST_ANSWER,
    LONGEST_WAIT,
    MAX_429,
    GongSession,
    PacedAdapter,
    environment_authorities,
    retry_after,
    sent_at,
)
from tap_gong.settings import PROPERTIES, Settings
from tests.unit.conftest import CA_VARIABLES, Clock, brief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

URL = "https://api.gong.io/v2/calls/1"
GAP = 1 + HEADROOM
PASSWORD = "do-not-tell"


def answer(
    status: int, wait: str | None = None, headers: Mapping[str, str] | None = None
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.raw = io.BytesIO(b'{"a": 1}')
    response.headers.update(headers or {})
    response.request = prepared()
    if wait is not None:
        response.headers["Retry-After"] = wait
    return response


class Gong:
    """Stands where HTTPAdapter would open a connection."""

    def __init__(self, clock: Clock, answers: list[requests.Response]) -> None:
        self.answers = answers
        self.times: list[float] = []
        self.sent: list[tuple[requests.PreparedRequest, dict[str, Any]]] = []
        self._clock = clock

    def send(
        self, _: HTTPAdapter, request: requests.PreparedRequest, **options: object
    ) -> requests.Response:
        self.times.append(self._clock.now - 1_000)
        self.sent.append((request, options))
        response = self.answers[min(len(self.times), len(self.answers)) - 1]
        response.request = request
        return response


@pytest.fixture
def gong(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Gong]:
    def start(*answers: requests.Response) -> Gong:
        gong = Gong(clock, list(answers))

        def send(
            self: HTTPAdapter, request: requests.PreparedRequest, **options: object
        ) -> requests.Response:
            return gong.send(self, request, **options)

        monkeypatch.setattr(HTTPAdapter, "send", send)
        return gong

    return start


def adapter_for(
    clock: Clock, *, max_wait_seconds: float = 300, per_second: float = 1
) -> PacedAdapter:
    pace = Pace(per_second, clock=clock, sleep=clock.sleep)
    return PacedAdapter(pace, max_wait_seconds=max_wait_seconds, most_at_once=4)


def prepared() -> requests.PreparedRequest:
    return requests.Request("GET", URL).prepare()


def test_each_request_in_its_turn(clock: Clock, gong: Callable[..., Gong]) -> None:
    ok = answer(200)
    sent = gong(ok)
    adapter = adapter_for(clock)
    for _ in range(4):
        assert adapter.send(prepared()) is ok
    assert sent.times == pytest.approx([0, GAP, 2 * GAP, 3 * GAP])
    assert (adapter.requests_sent, adapter.retries) == (4, 0)
    assert adapter.pace.waited == 0


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 404])
def test_other_answers_are_handed_on(
    clock: Clock, gong: Callable[..., Gong], status: int
) -> None:
    sent = gong(answer(status, "30"))
    adapter = adapter_for(clock)
    assert adapter.send(prepared()).status_code == status
    assert len(sent.times) == 1
    assert adapter.pace.waited == 0


def test_options_are_handed_on(clock: Clock, gong: Callable[..., Gong]) -> None:
    sent = gong(answer(200))
    request = prepared()
    adapter_for(clock).send(request, timeout=(1, 2), verify="ca.pem", stream=False)
    options = {"timeout": (1, 2), "verify": "ca.pem", "stream": False}
    assert sent.sent == [(request, options)]


def test_429_waits_exactly_as_long_as_asked(
    clock: Clock, gong: Callable[..., Gong]
) -> None:
    sent = gong(answer(429, "7"), answer(429, "300"), answer(200))
    adapter = adapter_for(clock, per_second=100)
    assert adapter.send(prepared()).status_code == 200
    assert sent.times == pytest.approx([0, 7, 307])
    assert (adapter.requests_sent, adapter.retries) == (3, 2)
    assert adapter.pace.waited == pytest.approx(307)
    # A connection is used again only once the answer has been read from it.
    assert [response.raw.read() for response in sent.answers] == [b"", b"", b""]


def test_429_holds_everyone(clock: Clock, gong: Callable[..., Gong]) -> None:
    sent = gong(answer(200), answer(429, "60"), answer(200))
    adapter = adapter_for(clock, per_second=2)
    for _ in range(3):
        adapter.send(prepared())
    gap = GAP / 2
    assert sent.times == pytest.approx([0, gap, 60 + gap, 60 + 2 * gap])


def test_429_without_a_wait_backs_off(clock: Clock, gong: Callable[..., Gong]) -> None:
    sent = gong(*[answer(429) for _ in range(9)], answer(200))
    adapter = adapter_for(clock, per_second=100)
    assert adapter.send(prepared()).status_code == 200
    waits = [after - before for before, after in pairwise(sent.times)]
    assert waits == pytest.approx([*BARE_429_WAITS, 60, 60])


def test_429_at_once_is_still_paced(clock: Clock, gong: Callable[..., Gong]) -> None:
    sent = gong(answer(429, "0"), answer(429, "0"), answer(200))
    adapter_for(clock).send(prepared())
    assert sent.times == pytest.approx([0, GAP, 2 * GAP])


@pytest.mark.parametrize("wait", ["301", "86400", "9" * 400])
def test_a_longer_wait_than_allowed_ends_it_for_everyone(
    clock: Clock, gong: Callable[..., Gong], wait: str
) -> None:
    sent = gong(answer(429, wait), answer(200))
    adapter = adapter_for(clock)
    with pytest.raises(LongWaitError) as first:
        adapter.send(prepared())
    assert first.value.wait_seconds == min(float(wait), LONGEST_WAIT)
    with pytest.raises(LongWaitError) as second:
        adapter.send(prepared())
    assert second.value is first.value
    assert str(first.value) == (
        f"Gong's quota is spent: it asks for a wait of {first.value.wait_seconds:.0f} "
        f"s, longer than max_wait_seconds."
    )
    assert len(sent.times) == 1
    assert (adapter.requests_sent, adapter.retries) == (1, 0)
    assert clock.now == 1_000


def test_a_429_that_does_not_say_how_long_is_no_spent_quota(
    clock: Clock, gong: Callable[..., Gong]
) -> None:
    sent = gong(answer(429))
    adapter = adapter_for(clock, max_wait_seconds=5)
    with pytest.raises(LongWaitError) as caught:
        adapter.send(prepared())
    assert str(caught.value) == (
        "Gong answered 429 (too many requests) 4 times in a row and does not say how "
        "long to wait: the next wait is 8 s, longer than max_wait_seconds."
    )
    assert caught.value.wait_seconds is None
    assert len(sent.times) == 4


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_fails_and_says_for_how_long_holds_everyone(
    clock: Clock, gong: Callable[..., Gong], status: int
) -> None:
    sent = gong(answer(status, "30"), answer(200))
    adapter = adapter_for(clock)
    assert adapter.send(prepared()).status_code == status
    assert adapter.send(prepared()).status_code == 200
    assert sent.times == pytest.approx([0, 30])
    assert adapter.pace.waited == 30
    assert adapter.retries == 0


def test_a_server_that_fails_for_longer_than_allowed(
    clock: Clock, gong: Callable[..., Gong]
) -> None:
    gong(answer(503, "900"))
    adapter = adapter_for(clock)
    with pytest.raises(LongWaitError) as caught:
        adapter.send(prepared())
    assert str(caught.value) == (
        "Gong answered 503 and asks for a wait of 900 s, longer than max_wait_seconds."
    )
    with pytest.raises(LongWaitError):
        adapter.send(prepared())


def test_nothing_is_sent_after_the_end(clock: Clock, gong: Callable[..., Gong]) -> None:
    sent = gong(answer(200))
    adapter = adapter_for(clock)
    adapter.close()
    with pytest.raises(FatalAPIError):
        adapter.send(prepared())
    assert sent.times == []
    assert adapter.requests_sent == 0


@pytest.mark.parametrize(("most", "wait"), [(0, "1"), (5, "6"), (0.5, "1")])
def test_the_longest_wait_is_a_setting(
    clock: Clock, gong: Callable[..., Gong], most: float, wait: str
) -> None:
    gong(answer(429, wait), answer(200))
    with pytest.raises(LongWaitError):
        adapter_for(clock, max_wait_seconds=most).send(prepared())
    again = adapter_for(clock, max_wait_seconds=float(wait))
    gong(answer(429, wait), answer(200))
    assert again.send(prepared()).status_code == 200


def test_endless_429_end(clock: Clock, gong: Callable[..., Gong]) -> None:
    sent = gong(answer(429, "1"))
    adapter = adapter_for(clock)
    with pytest.raises(FatalAPIError, match="429 to one request 50 times in a row"):
        adapter.send(prepared())
    assert len(sent.times) == adapter.requests_sent == MAX_429
    assert adapter.retries == MAX_429 - 1


@pytest.mark.parametrize(
    ("error", "made", "words"),
    [
        (
            requests.ConnectionError(PASSWORD),
            TryAgainError,
            "to api.gong.io failed",
        ),
        (ProxyError(PASSWORD), TryAgainError, "to the proxy p.example:3128 failed"),
        (ConnectionResetError(PASSWORD), TryAgainError, "to api.gong.io failed"),
        (HTTPError(PASSWORD), TryAgainError, "to api.gong.io failed"),
        (LocationParseError(PASSWORD), RunFailedError, "No request can be sent"),
    ],
    ids=range(5),
)
def test_what_the_connection_raises(
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    made: type[Exception],
    words: str,
) -> None:
    def send(*_: object, **__: object) -> requests.Response:
        raise error

    monkeypatch.setattr(HTTPAdapter, "send", send)
    adapter = adapter_for(clock)
    proxies = {"https": f"http://user:{PASSWORD}@p.example:3128"}
    with pytest.raises(made, match=words) as caught:
        adapter.send(prepared(), proxies=proxies)
    assert PASSWORD not in str(caught.value)
    assert adapter.requests_sent == 1


def test_counts_are_exact_from_many_threads(
    clock: Clock, gong: Callable[..., Gong]
) -> None:
    gong(answer(200))
    adapter = adapter_for(clock, per_second=10_000)

    def work() -> None:
        for _ in range(50):
            adapter.send(prepared())
            adapter.count_retry()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (adapter.requests_sent, adapter.retries) == (400, 400)


def test_an_answer_that_breaks_off(clock: Clock, gong: Callable[..., Gong]) -> None:
    class Broken(io.BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    broken = answer(200)
    broken.raw = Broken()
    gong(broken)
    with pytest.raises(TryAgainError):
        adapter_for(clock).send(prepared())


def test_an_answer_that_is_too_large(
    clock: Clock, gong: Callable[..., Gong], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_gong.gong.session.LARGEST_ANSWER", 2_000_000)
    large = answer(200)
    large.raw = io.BytesIO(b" " * 5_000_000)
    gong(large)
    with pytest.raises(TooLargeError, match="more than 2 MB"):
        adapter_for(clock).send(prepared())
    assert large.raw.closed


def test_an_answer_that_is_large(clock: Clock, gong: Callable[..., Gong]) -> None:
    large = answer(200)
    large.raw = io.BytesIO(b" " * LARGEST_ANSWER)
    gong(large)
    assert len(adapter_for(clock).send(prepared()).content) == LARGEST_ANSWER


def test_few_large_answers_are_read_at_once(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_gong.gong.session.LARGE_ANSWER", 100_000)
    one_too_many = threading.Barrier(LARGE_ANSWERS + 1, timeout=0.2)
    counting = threading.Lock()
    counts = [0]

    class Large(io.BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            if 0 < self.tell() == len(self.getbuffer()):  # the last piece is read
                with counting:
                    counts.append(counts[-1] + 1)
                with suppress(threading.BrokenBarrierError):
                    one_too_many.wait()
                with counting:
                    counts.append(counts[-1] - 1)
            return super().read(size)

    def send(*_: object, **__: object) -> requests.Response:
        response = answer(200)
        response.raw = Large(b" " * 150_000)
        return response

    monkeypatch.setattr(HTTPAdapter, "send", send)
    adapter = adapter_for(clock, per_second=10_000)
    threads = [
        threading.Thread(target=adapter.send, args=(prepared(),))
        for _ in range(3 * LARGE_ANSWERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert one_too_many.broken
    assert 0 < max(counts) <= LARGE_ANSWERS
    assert counts[-1] == 0


@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "X-GZIP", " deflate "])
def test_an_encoding_that_was_asked_for(
    clock: Clock, gong: Callable[..., Gong], encoding: str
) -> None:
    gong(answer(200, headers={"Content-Encoding": encoding}))
    assert adapter_for(clock).send(prepared()).content == b'{"a": 1}'


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "?"])
def test_an_encoding_that_was_not_asked_for(
    clock: Clock, gong: Callable[..., Gong], encoding: str
) -> None:
    gong(
        answer(200, headers={"Content-Encoding": encoding}),
        answer(403, headers={"Content-Encoding": encoding}),
    )
    adapter = adapter_for(clock)
    with pytest.raises(TryAgainError, match="encoding that was not asked for"):
        adapter.send(prepared())
    refusal = adapter.send(prepared())
    assert (refusal.status_code, refusal.content) == (403, b"")


# Retry-After


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        ("1", 1),
        (" 120 ", 120),
        ("007", 7),
        ("86400", 86_400),
        (str(LONGEST_WAIT), LONGEST_WAIT),
        (str(LONGEST_WAIT + 1), LONGEST_WAIT),
        ("9" * 400, LONGEST_WAIT),
        ("9" * 5_000, LONGEST_WAIT),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 -0000", 0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", 1.5),
        ("10.0", 10),
        ("1.", None),
        (".5", None),
        ("1.5.1", None),
        ("\u0661.5", None),
        ("5 s", None),
        ("\u0665", None),
        ("\u00b2", None),
        ("1e3", None),
        ("Thu, 99 Jan 2026 00:00:00 GMT", None),
        (",", None),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
        ("Thu, 01 Jan 2026 00:00:00 +9999999999", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
    ],
    ids=brief,
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    assert retry_after(answer(429, value)) == expected


@pytest.mark.parametrize("usegmt", [True, False])
def test_retry_after_a_date(usegmt: bool) -> None:  # noqa: FBT001 - a parameter of the test
    moment = datetime.now(UTC) + timedelta(hours=2)
    wait = retry_after(answer(429, format_datetime(moment, usegmt=usegmt)))
    assert wait == pytest.approx(7_200, abs=5)


@pytest.mark.parametrize(
    "value",
    ["Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"],
)
def test_retry_after_a_date_far_off(value: str) -> None:
    """It is a wait that a person can be told of."""
    seconds = retry_after(answer(429, value))
    assert seconds == LONGEST_WAIT
    error = LongWaitError("", seconds)
    sentence = str(wait_too_long(error, stream="calls", done=0, expected=None))
    assert "Come back after 20" in sentence


@given(st.text() | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [+-]\d+"))
def test_retry_after_anything(value: str) -> None:
    seconds = retry_after(answer(429, value))
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT


def test_retry_after_a_date_elsewhere() -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    text = moment.strftime("%a, %d %b %Y %H:%M:%S")
    assert retry_after(answer(429, f"{text} -0100")) == pytest.approx(7_200, abs=5)
    assert retry_after(answer(429, f"{text} -0000")) == pytest.approx(3_600, abs=5)


def test_retry_after_a_date_of_a_clock_that_is_wrong() -> None:
    dates = {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}
    response = answer(429, "Thu, 01 Jan 1970 00:02:00 GMT", dates)
    assert retry_after(response) == 120


# Gong's clock


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        (
            "Sunday, 06-Nov-94 08:49:37 GMT",
            datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC),
        ),
        ("Sun Nov  6 08:49:37 1994", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        (
            "Sun, 06 Nov 1994 09:49:37 +0100",
            datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC),
        ),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("1994-11-06T08:49:37Z", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_when_an_answer_was_sent(value: str | None, expected: datetime | None) -> None:
    found = sent_at(answer(200, headers={} if value is None else {"Date": value}))
    assert found == expected
    assert found is None or found.tzinfo is UTC


# The session

SETTINGS = Settings.from_config(
    {"access_key": "k\u00e9y", "access_key_secret": "s:\u20ac", "user_agent": "mine/1"},
    known=PROPERTIES,
)


def test_a_request_has_credentials_and_user_agent(gong: Callable[..., Gong]) -> None:
    sent = gong(answer(200))
    with closing(GongSession(SETTINGS)) as session:
        assert session.ask(requests.Request("GET", URL)).status_code == 200
    ((request, _),) = sent.sent
    basic = b64encode("k\u00e9y:s:\u20ac".encode()).decode()
    assert request.url == URL
    assert request.headers["Authorization"] == f"Basic {basic}"
    assert request.headers["User-Agent"] == "mine/1"


def test_no_encoding_is_asked_for_that_is_not_read(
    gong: Callable[..., Gong], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more packages installed, requests would ask for more."""
    more = {"Accept-Encoding": "gzip, deflate, br, zstd"}
    monkeypatch.setattr("tap_gong.gong.session.default_headers", lambda: more)
    sent = gong(answer(200))
    with closing(GongSession(SETTINGS)) as session:
        session.ask(requests.Request("GET", URL))
    assert sent.sent[0][0].headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("seconds", "timeout"), [(60, (10, 60)), (10, (10, 10)), (2.5, (2.5, 2.5))]
)
def test_time_outs(
    gong: Callable[..., Gong], seconds: float, timeout: tuple[float, float]
) -> None:
    sent = gong(answer(200))
    with closing(
        GongSession(replace(SETTINGS, request_timeout_seconds=seconds))
    ) as session:
        session.ask(requests.Request("GET", URL))
    assert sent.sent[0][1]["timeout"] == timeout


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(gong: Callable[..., Gong], status: int) -> None:
    moved = answer(status)
    moved.headers["Location"] = "https://elsewhere.example/"
    sent = gong(moved)
    with closing(GongSession(SETTINGS)) as session:
        assert session.ask(requests.Request("GET", URL)).status_code == status
    assert len(sent.sent) == 1


def test_the_pace_is_that_of_the_settings(
    clock: Clock, gong: Callable[..., Gong], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTINGS, requests_per_second=0.5, max_wait_seconds=9)
    monkeypatch.setattr(
        "tap_gong.gong.session.Pace",
        lambda rate: Pace(rate, clock=clock, sleep=clock.sleep),
    )
    sent = gong(answer(200), answer(200), answer(429, "10"))
    with closing(GongSession(settings)) as session:
        for _ in range(2):
            session.ask(requests.Request("GET", URL))
        with pytest.raises(LongWaitError):
            session.ask(requests.Request("GET", URL))
    assert sent.times == pytest.approx([0, GAP / 0.5, 2 * GAP / 0.5])


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_a_companys_own_certificates(
    gong: Callable[..., Gong],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
    scheme: str,
) -> None:
    settings = replace(SETTINGS, api_url=f"{scheme}://api.gong.io")
    bundle = tmp_path / "acme.pem"
    shutil.copy(certifi.where(), bundle)
    monkeypatch.setenv(variable, str(bundle))
    sent = gong(answer(200))
    with closing(GongSession(settings)) as session:
        session.ask(requests.Request("GET", URL))
    assert sent.sent[0][1]["verify"] == str(bundle)


def test_which_certificates_go_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundles = []
    for variable in reversed(CA_VARIABLES):
        shutil.copy(certifi.where(), tmp_path / variable)
        monkeypatch.setenv(variable, str(tmp_path / variable))
        bundles.append(environment_authorities())
    assert bundles == [str(tmp_path / name) for name in reversed(CA_VARIABLES)]


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_a_file_without_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    bundle = tmp_path / "empty.pem"
    bundle.touch()
    monkeypatch.setenv(variable, str(bundle))
    with pytest.raises(SettingsError, match=variable):
        GongSession(SETTINGS)


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_certificates_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    bundle = str(tmp_path / "gone.pem")
    monkeypatch.setenv(variable, bundle)
    with pytest.raises(SettingsError, match=variable) as caught:
        GongSession(SETTINGS)
    assert repr(bundle) in str(caught.value)


def test_certificates_are_always_checked(
    gong: Callable[..., Gong], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "")
    sent = gong(answer(200))
    with closing(GongSession(SETTINGS)) as session:
        session.ask(requests.Request("GET", URL))
    assert sent.sent[0][1]["verify"] is True


def test_a_netrc_does_not_replace_the_key(
    gong: Callable[..., Gong], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.gong.io login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    sent = gong(answer(200))
    settings = replace(SETTINGS, access_key="a", access_key_secret="b")
    with closing(GongSession(settings)) as session:
        session.ask(requests.Request("GET", URL))
    basic = b64encode(b"a:b").decode()
    assert sent.sent[0][0].headers["Authorization"] == f"Basic {basic}"
