"""What lies between the tap and Gong: certificates, proxies, and lines that fail."""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import json
import os
import select
import socket
import socketserver
import ssl
import threading
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

    Handle = Callable[[socketserver.StreamRequestHandler], None]

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
PASSWORD = "do-not-tell"

SILENCE = 2
"""Seconds after which a server of this module gives up, so that no test hangs."""

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

        def start(handle: Handle) -> str:
            class Handler(socketserver.StreamRequestHandler):
                timeout = SILENCE

                @override
                def handle(self) -> None:
                    with suppress(OSError):  # the client has gone
                        handle(self)

            server = stack.enter_context(
                socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
            )
            threading.Thread(target=server.serve_forever, args=(0.01,)).start()
            stack.callback(server.shutdown)
            return f"127.0.0.1:{server.server_address[1]}"

        yield start


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
    assert "Connection refused" in the_sentence(tap(call_ids="1"))
    assert len(waits) == 8


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
    def fail(*_: object, **__: object) -> None:
        reason = "Temporary failure in name resolution"
        raise socket.gaierror(socket.EAI_AGAIN, reason)

    monkeypatch.setattr("socket.getaddrinfo", fail)
    run = tap(call_ids="5", api_url="https://api.gong.io")
    sentence = the_sentence(run)
    assert "Gong failed: Temporary failure in name resolution." in sentence
    assert len(waits) == 8
