"""What lies between the tap and Gong: certificates, proxies, and lines that fail."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import http.client
import json
import os
import select
import socket
import ssl
import threading
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import trustme

from tests.servers import SILENCE, Relay, served

if TYPE_CHECKING:
    import socketserver
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner
    from tests.servers import Handle

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
PASSWORD = "do-not-tell"

pytestmark = pytest.mark.usefixtures("waits")


@pytest.fixture(autouse=True)
def _no_network_settings(_clean_environment: None) -> None:
    """Keep out what this machine needs to reach the world."""
    for name in (*BUNDLES, *PROXIES, *map(str.lower, PROXIES)):
        os.environ.pop(name, None)


def the_sentence(run: Run) -> str:
    """The one sentence that a run without any record ended with."""
    assert run.status == 1
    assert run.records == []
    assert "Traceback" not in run.stderr
    (sentence,) = run.errors
    return sentence


# Certificates


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A company's own certificate authority."""
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """The file with the authority's certificate."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def trusted(bundle: str) -> None:
    """Trust the authority."""
    os.environ["SSL_CERT_FILE"] = bundle


def identity(authority: trustme.CA, host: str, days: int = 1) -> ssl.SSLContext:
    """A server's certificate, signed by the authority, for some more days."""
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, not_after=ends).configure_cert(context)
    return context


@pytest.fixture
def sandbox_tls(make_sandbox: Callable[..., Sandbox], authority: trustme.CA) -> Sandbox:
    """A sandbox whose certificate the authority has signed."""
    return make_sandbox(tls=identity(authority, "127.0.0.1"))


@pytest.fixture
def tap_tls(run_tap: Callable[[Sandbox], TapRunner], sandbox_tls: Sandbox) -> TapRunner:
    """A runner whose settings point to `sandbox_tls`."""
    return run_tap(sandbox_tls)


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_private_authority_is_named_by_a_variable(
    tap_tls: TapRunner, sandbox_tls: Sandbox, bundle: str, variable: str
) -> None:
    os.environ[variable] = bundle
    wanted = list(sandbox_tls.world.ids[:3])
    assert tap_tls(call_ids=wanted).ids == wanted


def refused(run: Run) -> bool:
    """Whether a certificate ended a run of one call at the first try."""
    sentence = the_sentence(run)
    return (
        "does not verify" in sentence
        and "REQUESTS_CA_BUNDLE or SSL_CERT_FILE" in sentence
        and "1 requests of which 0 retries" in run.stderr
    )


def test_an_unknown_authority_ends_the_run_at_once(
    tap_tls: TapRunner, sandbox_tls: Sandbox
) -> None:
    assert refused(tap_tls(call_ids="1"))
    assert sandbox_tls.requests == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("host", "days"), [("127.0.0.1", -1), ("127.0.0.2", 1)], ids=["expired", "host"]
)
def test_a_wrong_certificate_of_a_known_authority(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    authority: trustme.CA,
    host: str,
    days: int,
) -> None:
    sandbox = make_sandbox(tls=identity(authority, host, days))
    assert refused(run_tap(sandbox)(call_ids="1"))
    assert sandbox.requests == []


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_variable_that_names_no_file(
    tap_tls: TapRunner, sandbox_tls: Sandbox, variable: str
) -> None:
    os.environ[variable] = "nowhere.pem"
    sentence = the_sentence(tap_tls(call_ids="1"))
    assert f"{variable} names no file with certificates: 'nowhere.pem'." in sentence
    assert sandbox_tls.requests == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [*((name, "") for name in BUNDLES), ("PYTHONHTTPSVERIFY", "0")],
)
def test_no_variable_turns_the_check_off(
    tap_tls: TapRunner, variable: str, value: str
) -> None:
    os.environ[variable] = value
    assert refused(tap_tls(call_ids="1"))


def test_no_setting_turns_the_check_off(tap: TapRunner) -> None:
    about = json.loads(tap("--about", "--format=json").stdout)
    words = ("verif", "insecure", "ssl", "tls", "cert", "trust")
    assert [
        name
        for name in about["settings"]["properties"]
        if any(word in name for word in words)
    ] == []


# Proxies


@pytest.fixture
def serve() -> Iterator[Callable[[Handle], str]]:
    """Start servers on loopback that handle each connection in a thread."""
    with ExitStack() as stack:
        yield lambda handle: stack.enter_context(served(handle))


@dataclass
class Proxy:
    """Passes on what it is asked for, unless it refuses."""

    refusals: deque[str] = field(default_factory=deque)
    """Status lines for the next requests."""
    asked: list[str] = field(default_factory=list)
    """Method and address of all requests."""
    headers: list[http.client.HTTPMessage] = field(default_factory=list)
    """The headers of all requests."""
    address: str = ""

    def __call__(self, client: socketserver.StreamRequestHandler) -> None:
        """Handle a connection, which brings one request or one tunnel."""
        line = client.rfile.readline().decode()
        headers = http.client.parse_headers(client.rfile)
        self.asked.append(line.rpartition(" ")[0])
        self.headers.append(headers)
        if self.refusals:
            refusal = f"HTTP/1.1 {self.refusals.popleft()}\r\nContent-Length: 0\r\n\r\n"
            client.wfile.write(refusal.encode())
            return
        method, url, _ = line.split()
        target = urlsplit(f"//{url}" if method == "CONNECT" else url)
        with socket.create_connection((target.hostname, target.port)) as server:
            if method == "CONNECT":
                client.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                del headers["Connection"]
                first = f"{method} {target.path} HTTP/1.1\nConnection: close\n"
                server.sendall(f"{first}{headers}".replace("\n", "\r\n").encode())
            join(client.connection, server)


def join(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes on, both ways, until either end closes or both are silent."""
    while ready := select.select([one, other], [], [], SILENCE)[0]:
        for end in ready:
            data = end.recv(65_536)
            if not data:
                return
            (other if end is one else one).sendall(data)


@pytest.fixture
def proxy(serve: Callable[[Handle], str]) -> Proxy:
    """A proxy that nothing points to yet."""
    made = Proxy()
    made.address = serve(made)
    return made


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_https_goes_through_a_tunnel_of_the_proxy(
    tap_tls: TapRunner, sandbox_tls: Sandbox, proxy: Proxy, variable: str
) -> None:
    os.environ[variable] = f"http://{proxy.address}"
    wanted = list(sandbox_tls.world.ids[:3])
    assert tap_tls(call_ids=wanted).ids == wanted
    assert set(proxy.asked) == {f"CONNECT {urlsplit(sandbox_tls.url).netloc}"}
    assert all(headers["Authorization"] is None for headers in proxy.headers)


def test_the_certificate_is_checked_behind_a_proxy_too(
    tap_tls: TapRunner, proxy: Proxy
) -> None:
    os.environ["HTTPS_PROXY"] = f"http://{proxy.address}"
    assert refused(tap_tls(call_ids="1"))
    assert len(proxy.asked) == 1


def test_http_goes_through_the_proxy(
    tap: TapRunner, sandbox: Sandbox, proxy: Proxy
) -> None:
    os.environ["HTTP_PROXY"] = f"http://{proxy.address}"
    wanted = sandbox.world.ids[0]
    assert tap(call_ids=wanted).ids == [wanted]
    assert proxy.asked == [f"GET {sandbox.url}/v2/calls/{wanted}"]


@pytest.mark.parametrize("hosts", ["127.0.0.1", "example.org,127.0.0.0/8", "*"])
def test_a_host_that_needs_no_proxy(
    tap: TapRunner, sandbox: Sandbox, proxy: Proxy, hosts: str
) -> None:
    os.environ["HTTP_PROXY"] = f"http://{proxy.address}"
    os.environ["NO_PROXY"] = hosts
    wanted = sandbox.world.ids[0]
    assert tap(call_ids=wanted).ids == [wanted]
    assert proxy.asked == []


REFUSALS = ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_tunnel_that_is_refused_for_ever(
    tap_tls: TapRunner, proxy: Proxy, waits: list[float], refusal: str
) -> None:
    os.environ["HTTPS_PROXY"] = f"http://{proxy.address}"
    proxy.refusals.extend([refusal] * 100)
    assert "try 9 of 9" in the_sentence(tap_tls(call_ids="1"))
    assert len(proxy.asked) == 9
    assert len(waits) == 8


@pytest.mark.usefixtures("trusted")
def test_a_tunnel_that_is_refused_for_a_while(
    tap_tls: TapRunner, sandbox_tls: Sandbox, proxy: Proxy
) -> None:
    os.environ["HTTPS_PROXY"] = f"http://{proxy.address}"
    proxy.refusals.extend(REFUSALS)
    wanted = sandbox_tls.world.ids[0]
    run = tap_tls(call_ids=wanted)
    assert run.ids == [wanted]
    assert "4 requests of which 3 retries" in run.stderr


@pytest.mark.parametrize("refusal", REFUSALS[:2])
def test_a_proxy_that_answers_in_gongs_place(
    tap: TapRunner, proxy: Proxy, refusal: str
) -> None:
    os.environ["HTTP_PROXY"] = f"http://{proxy.address}"
    proxy.refusals.extend([refusal] * 100)
    assert f"answered {refusal[:3]}" in the_sentence(tap(call_ids="1"))
    assert len(proxy.asked) == 1


def test_a_proxy_that_is_not_there(
    tap: TapRunner, unused_address: str, waits: list[float]
) -> None:
    os.environ["HTTP_PROXY"] = f"http://{unused_address}"
    sentence = the_sentence(tap(call_ids="1"))
    assert f"to the proxy {unused_address} failed: Connection refused" in sentence
    assert len(waits) == 8


def test_a_proxy_that_cannot_be_found(
    tap: TapRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", cannot_be_found)
    os.environ["HTTP_PROXY"] = f"http://user:{PASSWORD}@proxy.example:3128"
    run = tap(call_ids="1")
    assert "Cannot find the proxy proxy.example:3128: Temp" in the_sentence(run)
    assert PASSWORD not in run.stderr


def cannot_be_found(*_: object, **__: object) -> None:
    reason = "Temporary failure in name resolution"
    raise socket.gaierror(socket.EAI_AGAIN, reason)


@pytest.fixture
def unused_address() -> str:
    """An address on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{PASSWORD}@",
        f"http://user:{PASSWORD}@:80",
        f"http://user:{PASSWORD}@127.0.0.1:99999",
        f"http://user:{PASSWORD}@[::1",
        f"http://user:{PASSWORD}@no such host",
        f"ftp://user:{PASSWORD}@127.0.0.1",
        f"http://user:{PASSWORD}/@127.0.0.1:80",
    ],
)
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY"])
def test_a_proxy_whose_address_is_nonsense(
    tap: TapRunner, tap_tls: TapRunner, variable: str, url: str
) -> None:
    os.environ["TAP_GONG_LOGLEVEL"] = "DEBUG"
    os.environ[variable] = url
    run = (tap if variable == "HTTP_PROXY" else tap_tls)(call_ids="1")
    assert "proxy" in the_sentence(run)
    assert "try 9 of 9" not in run.stderr
    assert PASSWORD not in run.stderr


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("refusal", ["", "407 Proxy Authentication Required"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY"])
def test_the_proxys_password_goes_to_the_proxy_and_nowhere_else(
    tap: TapRunner, tap_tls: TapRunner, proxy: Proxy, variable: str, refusal: str
) -> None:
    os.environ["TAP_GONG_LOGLEVEL"] = "DEBUG"
    os.environ[variable] = f"http://user:{PASSWORD}@{proxy.address}"
    proxy.refusals.extend([refusal] * 100 if refusal else [])
    run = (tap if variable == "HTTP_PROXY" else tap_tls)(call_ids="1")
    token = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    assert proxy.headers[0]["Proxy-Authorization"] == f"Basic {token}"
    assert run.status == (1 if refusal else 0)
    assert "DEBUG" in run.stderr
    assert PASSWORD not in run.stderr
    assert token not in run.stderr


# Lines that fail


def test_a_body_that_drips_in(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(drip_seconds=0.1)
    wanted = sandbox.world.ids[0]
    sandbox.faults_for[wanted] = ["drip", "drip"]
    run = run_tap(sandbox)(call_ids=wanted, request_timeout_seconds=0.3)
    assert run.ids == [wanted]
    assert "3 requests of which 2 retries" in run.stderr


def test_headers_that_drip_in(tap: TapRunner, serve: Callable[[Handle], str]) -> None:
    numbers, over = count(1), threading.Event()
    body = b'{"requestId": "abc", "call": {"id": "5"}}'

    def handle(client: socketserver.StreamRequestHandler) -> None:
        number = next(numbers)
        http.client.parse_headers(client.rfile)
        client.wfile.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
        for _ in range(50 if number <= 2 else 0):
            client.wfile.write(b"x")
            over.wait(0.05)
        client.wfile.write(b"\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    url = f"http://{serve(handle)}"
    run = tap(call_ids="5", api_url=url, request_timeout_seconds=0.3)
    over.set()
    assert run.ids == ["5"]
    assert "3 requests of which 2 retries" in run.stderr


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_takes_connections_and_never_answers(
    tap: TapRunner, waits: list[float], scheme: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        run = tap(call_ids="5", api_url=url, request_timeout_seconds=0.1)
    assert "did not answer in time (request_timeout_seconds)" in the_sentence(run)
    assert "9 requests of which 8 retries" in run.stderr
    assert len(waits) == 8


def test_no_network_at_all(
    tap: TapRunner, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", cannot_be_found)
    run = tap(call_ids="5", api_url="https://api.gong.io")
    sentence = the_sentence(run)
    assert "Cannot find api.gong.io: Temporary failure in name resolution." in sentence
    assert len(waits) == 8


def test_a_name_that_no_host_can_have(tap: TapRunner, waits: list[float]) -> None:
    sentence = the_sentence(tap(call_ids="5", api_url="https://api..gong.io"))
    assert "no host can have the name that api_url gives ('api..gong.io')" in sentence
    assert waits == []


# Connections that bring more than the answer


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


def assert_all_arrive(
    tap: TapRunner, sandbox: Sandbox, address: str, lookup: str
) -> None:
    """Run the tap by way of an address: each call comes once, without a retry."""
    run = tap(
        api_url=f"http://{address}", max_concurrency=4, **asked_by(lookup, sandbox)
    )
    assert run.status == 0
    assert sorted(run.ids) == sorted(sandbox.world.ids)
    assert " of which 0 retries" in run.stderr


@pytest.mark.parametrize(
    "before", [HINTS, b"HTTP/1.1 102 Processing\r\n\r\n", HINTS * 3], ids=range(3)
)
@pytest.mark.parametrize("lookup", ["single", "batch", "date"])
def test_informational_answers_before_each_answer(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    serve: Callable[[Handle], str],
    lookup: str,
    before: bytes,
) -> None:
    sandbox = make_sandbox(calls=60, page_size=5)
    relay = Relay(sandbox, before=before)
    assert_all_arrive(run_tap(sandbox), sandbox, serve(relay), lookup)
    assert len(relay.connections) <= 4


def asked_by(lookup: str, sandbox: Sandbox) -> dict[str, Any]:
    """Settings that ask for all calls of a sandbox."""
    if lookup == "date":
        return {"start_date": "2024-01-01", "end_date": "2027-01-01"}
    return {"call_ids": list(sandbox.world.ids), "call_lookup": lookup}


@pytest.mark.parametrize(
    "after",
    [
        b"}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        HINTS,
    ],
    ids=range(3),
)
@pytest.mark.parametrize("lookup", ["single", "batch", "date"])
def test_what_is_left_over_is_no_answer_to_the_next_request(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    serve: Callable[[Handle], str],
    lookup: str,
    after: bytes,
) -> None:
    sandbox = make_sandbox(calls=60, page_size=5)
    relay = Relay(sandbox, after=after)
    assert_all_arrive(run_tap(sandbox), sandbox, serve(relay), lookup)
    assert len(relay.connections) == len(sandbox.requests)


# Answers without an end


def test_an_endless_answer_is_not_read_for_ever(
    tap: TapRunner, serve: Callable[[Handle], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_gong.gong.session.LARGEST_ANSWER", 3_000_000)
    sent: list[int] = []

    def handle(client: socketserver.StreamRequestHandler) -> None:
        http.client.parse_headers(client.rfile)
        client.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        sent.append(0)
        place = len(sent) - 1
        while sent[place] < 100_000_000:
            sent[place] += client.connection.send(b" " * 100_000)

    sentence = the_sentence(tap(call_ids="5", api_url=f"http://{serve(handle)}"))
    assert "/v2/calls/5 answered with more than 3 MB, and was not read" in sentence
    assert "That was try 2 of 2." in sentence
    assert len(sent) == 2
    assert max(sent) < 20_000_000


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("times", [1, 2])
def test_a_small_answer_that_unpacks_to_a_large_one(
    tap: TapRunner,
    answers: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    chunked: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.setattr("tap_gong.gong.session.LARGEST_ANSWER", 3_000_000)
    packed = gzip.compress(b" " * 100_000_000)
    bomb = GZIP + packed
    if chunked:
        bomb = CHUNKED.replace(
            b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"
        ) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)
    url = answers(*[bomb] * times, OK + b"\r\n" + BODY)
    run = tap(call_ids="5", api_url=url)
    if times == 1:
        assert run.ids == ["5"]
        assert "2 requests of which 1 retries" in run.stderr
    else:
        assert "more than 3 MB" in the_sentence(run)
        assert "2 requests of which 1 retries" in run.stderr


def test_nothing_reads_on_after_the_time_out(
    tap: TapRunner, serve: Callable[[Handle], str]
) -> None:
    closed: list[threading.Event] = []

    def handle(client: socketserver.StreamRequestHandler) -> None:
        closed.append(threading.Event())
        is_closed = closed[-1]
        http.client.parse_headers(client.rfile)
        client.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        try:
            while True:
                client.wfile.write(b" ")
                is_closed.wait(0.01)
        except OSError:
            is_closed.set()

    url = f"http://{serve(handle)}"
    run = tap(call_ids="5", api_url=url, request_timeout_seconds=0.1)
    assert "did not answer in time" in the_sentence(run)
    assert len(closed) == 9
    assert all(event.wait(10) for event in closed)


# Answers that are not put together as HTTP wants it

BODY = b'{"requestId": "abc", "call": {"id": "5"}}'
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = OK + b"Content-Encoding: gzip\r\n\r\n"

UNDERSTOOD = {
    "no length": OK + b"\r\n" + BODY,
    "a length that is no number": OK + b"Content-Length: abc\r\n\r\n" + BODY,
    "a length below 0": OK + b"Content-Length: -5\r\n\r\n" + BODY,
    "chunks": CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "gzip": GZIP + gzip.compress(BODY),
    "a header without a colon": OK + b"Nonsense\r\n\r\n" + BODY,
    "a header of any bytes": OK + b"X: \xff\xfe\x00\r\n\r\n" + BODY,
    "a cookie that is none": OK + b"Set-Cookie: =;;expires=x\r\n\r\n" + BODY,
    "a byte order mark": OK + b"\r\n\xef\xbb\xbf" + BODY,
    "UTF-16": OK + b"\r\n" + BODY.decode().encode("utf-16"),
    "a charset that there is not": OK + b"Content-Type: x; charset=y\r\n\r\n" + BODY,
    "HTTP 1.0": b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
}
LATIN = b"Content-Type: application/json; charset=iso-8859-1\r\n\r\n"
NO_HTTP = {
    "nothing": (b"", "it was closed without an answer"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.9\r\n", "it does not begin with a status"),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", "it does not begin with a status"),
    "another HTTP": (b"HTTP/2 200\r\n\r\n" + BODY, "its head or"),
    "a head without an end": (OK + b"X: " + b"x" * 70_000, "its head or"),
    "too many headers": (OK + b"X: y\r\n" * 200 + b"\r\n" + BODY, "its head or"),
    "two lengths": (
        OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n" + BODY,
        "it gives two lengths",
    ),
    "a length that is too large": (
        OK + b"Content-Length: 99\r\n\r\n" + BODY,
        "it broke off",
    ),
    "a length that is too small": (
        OK + b"Content-Length: 9\r\n\r\n" + BODY,
        "without a JSON object",
    ),
    "a chunk without a length": (CHUNKED + b"x\r\n" + BODY, "cannot be read"),
    "a chunk with a length below 0": (CHUNKED + b"-1\r\n" + BODY, "cannot be read"),
    "a chunk that breaks off": (CHUNKED + b"ff\r\n" + BODY, "it broke off"),
    "no last chunk": (CHUNKED + b"29\r\n" + BODY + b"\r\n", "it broke off"),
    "gzip that is none": (GZIP + BODY, "it cannot be unpacked"),
    "gzip that breaks off": (GZIP + gzip.compress(BODY)[:-20], "without a JSON object"),
    "an encoding not asked for": (
        OK + b"Content-Encoding: br\r\n\r\n" + BODY,
        "in an encoding that was not asked for",
    ),
    "latin 1": (
        OK + LATIN + '{"call": {"id": "5", "title": "é"}}'.encode("latin-1"),
        "without a JSON object",
    ),
    "only hints": (HINTS, "it was closed without an answer"),
    "another protocol": (b"HTTP/1.1 101 Yes\r\n\r\n", "answered 101, which is no"),
    "no content": (b"HTTP/1.1 204 OK\r\n\r\n" + BODY, "answered 204, which is no"),
    "a part": (b"HTTP/1.1 206 OK\r\n\r\n" + BODY, "answered 206, which is no"),
    "not modified": (b"HTTP/1.1 304 OK\r\n\r\n" + BODY, "answered 304, which is no"),
}


@pytest.fixture
def answers(serve: Callable[[Handle], str]) -> Callable[..., str]:
    """Start a server that gives these answers in turn, the last one for ever."""

    def start(*contents: bytes) -> str:
        left = deque(contents)

        def handle(client: socketserver.StreamRequestHandler) -> None:
            http.client.parse_headers(client.rfile)
            client.wfile.write(left.popleft() if len(left) > 1 else left[0])

        return f"http://{serve(handle)}"

    return start


@pytest.mark.parametrize("answer", UNDERSTOOD.values(), ids=UNDERSTOOD.keys())
def test_an_odd_answer_that_is_understood(
    tap: TapRunner, answers: Callable[..., str], answer: bytes
) -> None:
    run = tap(call_ids="5", api_url=answers(answer))
    assert run.ids == ["5"]
    assert "1 requests of which 0 retries" in run.stderr


@pytest.mark.parametrize(("answer", "words"), NO_HTTP.values(), ids=NO_HTTP.keys())
def test_an_answer_that_is_no_http(
    tap: TapRunner, answers: Callable[..., str], answer: bytes, words: str
) -> None:
    url = answers(answer)
    sentence = the_sentence(tap(call_ids="5", api_url=url))
    assert words in sentence
    assert "try 9 of 9" in sentence
    assert "proxy" not in sentence
    assert "/v2/calls/5" in sentence or urlsplit(url).netloc in sentence


@pytest.mark.parametrize(("answer", "_"), NO_HTTP.values(), ids=NO_HTTP.keys())
def test_an_answer_that_is_no_http_once(
    tap: TapRunner, answers: Callable[..., str], answer: bytes, _: str
) -> None:
    run = tap(call_ids="5", api_url=answers(answer, OK + b"\r\n" + BODY))
    assert run.ids == ["5"]
    assert "2 requests of which 1 retries" in run.stderr


def test_an_endless_chunk(
    tap: TapRunner, serve: Callable[[Handle], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_gong.gong.session.LARGEST_ANSWER", 3_000_000)
    sent = [0]

    def handle(client: socketserver.StreamRequestHandler) -> None:
        http.client.parse_headers(client.rfile)
        client.wfile.write(CHUNKED + b"-1\r\n")
        while sent[0] < 100_000_000:
            sent[0] += client.connection.send(b" " * 100_000)

    the_sentence(tap(call_ids="5", api_url=f"http://{serve(handle)}"))
    assert sent[0] < 100_000_000
