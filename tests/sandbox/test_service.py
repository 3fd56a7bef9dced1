"""The manners around the endpoints."""

from __future__ import annotations

import gc
import socket
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_gong.sandbox import Answer, Options
from tap_gong.sandbox.routes.scopes import SCOPES

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client, Start


def path_of_a_call(client: Client) -> str:
    """Path of the company's first call."""
    return f"/v2/calls/{client.sandbox.world.ids[0]}"


def test_every_answer_has_a_request_id(start: Start) -> None:
    client = start()
    client.sandbox.script(None, "status-500", "rate-limit")
    answers = [client.get(path_of_a_call(client)) for _ in range(3)]
    answers += [client.post("/v2/calls", {}), client.get("/v2/calls/1")]
    assert [answer.status_code for answer in answers] == [200, 500, 429, 405, 404]
    ids = [answer.json()["requestId"] for answer in answers]
    assert ids == [answer.headers["x-traceid"] for answer in answers]
    assert len(set(ids)) == len(ids)


def test_same_seed_same_bytes(start: Start) -> None:
    first, second = (start().get("/v2/calls/1") for _ in range(2))
    assert first.content == second.content


def test_wrong_path_is_not_in_the_envelope(start: Start) -> None:
    answer = start().get("/v1/calls")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_key_is_checked(start: Start) -> None:
    client = start()
    client.session.auth = ("SANDBOX-KEY", "wröng")
    answer = client.get("/v2/calls")
    assert answer.status_code == 401
    assert "permission" not in answer.text


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("api:calls:read:basic", "GET", "/v2/calls"),
        ("api:calls:read:basic", "GET", "/v2/calls/1"),
        ("api:calls:read:extensive", "POST", "/v2/calls/extensive"),
        ("api:calls:read:transcript", "POST", "/v2/calls/transcript"),
        ("api:call-user-access:read", "POST", "/v2/calls/users-access"),
        ("api:users:read", "GET", "/v2/users"),
        ("api:workspaces:read", "GET", "/v2/workspaces"),
    ],
)
def test_missing_scope(start: Start, scope: str, method: str, path: str) -> None:
    def ask(*scopes: str) -> requests.Response:
        client = start(calls=1, scopes=scopes)
        return client.get(path) if method == "GET" else client.post(path, {})

    refused = ask(*set(SCOPES) - {scope})
    assert refused.status_code == 401
    message = f"You don't have permission to use '{scope}' in your app."
    assert refused.json()["errors"] == [message]
    assert ask(scope).status_code in {200, 400, 404}


def test_rate_limit_is_on_by_default(start: Start) -> None:
    client = start(requests_per_second=Options().requests_per_second)
    answers = [client.get("/v2/calls/1") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert answers[-1].headers["Retry-After"] == "1"


def test_quota(start: Start) -> None:
    client = start(requests_per_day=1, quota_retry_after=7200)
    client.get("/v2/calls/1")
    answer = client.get("/v2/calls/1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7200")


def test_requests_are_recorded(start: Start) -> None:
    client = start()
    client.get("/v2/calls/1", a="b")
    client.post("/v2/calls/extensive", {"filter": {}})
    get, post = client.sandbox.requests
    assert (get.method, get.path, get.query) == ("GET", "/v2/calls/1", {"a": "b"})
    assert (get.status, get.body) == (400, None)
    assert (post.status, post.body) == (200, {"filter": {}})
    assert get.time < post.time <= time.monotonic()


def test_records_can_be_left_out(start: Start) -> None:
    client = start(record_requests=False)
    client.get("/v2/calls/1")
    assert client.sandbox.requests == []


def test_latency(start: Start) -> None:
    client = start(latency=0.05, latency_jitter=0.5)
    assert client.get("/v2/calls/1").elapsed.total_seconds() >= 0.025


@pytest.mark.parametrize("kind", ["status-500", "status-502", "status-503", "html-502"])
def test_faults_that_are_answers(start: Start, kind: str) -> None:
    client = start()
    client.sandbox.script(kind)
    assert client.get("/v2/calls").status_code == int(kind[-3:])
    assert client.get("/v2/calls").ok


def test_fault_gateway_time_out(start: Start) -> None:
    client = start()
    client.sandbox.script("status-504")
    assert client.get("/v2/calls").json()["errors"] == ["Gateway time-out"]


def test_faults_of_the_rate_limit(start: Start) -> None:
    client = start()
    client.sandbox.script("rate-limit", "rate-limit-bare")
    told, bare = client.get("/v2/calls"), client.get("/v2/calls")
    assert told.status_code == bare.status_code == 429
    assert told.headers["Retry-After"] == "1"
    assert "Retry-After" not in bare.headers


def test_faults_with_status_200(start: Start) -> None:
    client = start()
    client.sandbox.script("html-200", "wrong-shape")
    html, shape = client.get("/v2/calls"), client.get("/v2/calls")
    assert html.status_code == shape.status_code == 200
    assert html.text.startswith("<!DOCTYPE html>")
    assert shape.json() == {}


def test_fault_truncated(start: Start) -> None:
    client = start()
    client.sandbox.script("truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get("/v2/calls")
    assert client.get("/v2/calls").ok


def test_fault_reset(start: Start) -> None:
    client = start()
    client.sandbox.script("reset")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.get("/v2/calls")
    assert client.sandbox.requests[0].status is None
    assert client.get("/v2/calls").ok


def test_fault_slow(start: Start) -> None:
    client = start()
    client.sandbox.script("slow")
    client.timeout = 0.05
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.get("/v2/calls")


def test_fault_drip(start: Start) -> None:
    client = start(drip_seconds=0.0001)
    client.sandbox.script("drip")
    dripped = client.get(path_of_a_call(client)).json()["call"]
    assert dripped == client.get(path_of_a_call(client)).json()["call"]


def test_faults_for_one_call(start: Start) -> None:
    client = start()
    answer = Answer(418, {"errors": ["short and stout"]}, {"Retry-After": "soon"})
    client.sandbox.faults_for["1"] = ["status-503", answer]
    assert client.get(path_of_a_call(client)).ok
    assert client.get("/v2/calls/1").status_code == 503
    teapot = client.get("/v2/calls/1")
    assert (teapot.status_code, teapot.headers["Retry-After"]) == (418, "soon")
    assert teapot.json()["errors"] == ["short and stout"]
    assert client.get("/v2/calls/1").status_code == 404


def test_faults_at_one_path(start: Start) -> None:
    client = start()
    client.sandbox.faults_at["/v2/users"] = ["status-503", None, "status-500"]
    assert client.get("/v2/workspaces").ok
    answers = [client.get("/v2/users").status_code for _ in range(4)]
    assert answers == [503, 200, 500, 200]


def test_random_faults_are_repeatable(start: Start) -> None:
    def statuses() -> list[int]:
        client = start(fault_rate=0.5, faults=("status-500", "rate-limit"))
        return [client.get("/v2/calls/1").status_code for _ in range(40)]

    seen = statuses()
    assert statuses() == seen
    assert set(seen) == {404, 429, 500}


@pytest.mark.parametrize(
    "options",
    [
        {"fault_rate": 2},
        {"latency_jitter": -1},
        {"faults": ("sunspots",)},
        {"faults": (), "fault_rate": 0.5},
        {"scopes": ("api:all",)},
        {"page_size": 0},
        {"users": 0},
        {"sentences": -1},
        {"last_day": "tomorrow"},
    ],
)
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|needs"):
        Options(**options)


def test_unknown_fault_is_refused_at_once(start: Start) -> None:
    with pytest.raises(ValueError, match="sunspots"):
        start().sandbox.script("sunspots")


def test_close_does_not_wait(start: Start) -> None:
    client = start(latency=60, drip_seconds=60)
    failed = threading.Event()

    def ask() -> None:
        with pytest.raises(requests.exceptions.ConnectionError):
            client.get("/v2/calls")
        failed.set()

    thread = threading.Thread(target=ask)
    thread.start()
    while not client.sandbox.requests:
        thread.join(0.001)
    before = time.monotonic()
    client.sandbox.close()
    assert time.monotonic() - before < 0.5
    thread.join()
    assert failed.is_set()


def test_close_leaves_no_connection_that_just_came_in(start: Start) -> None:
    sandbox = start().sandbox
    port = sandbox._listener.getsockname()[1]
    connections: list[socket.socket] = []

    def connect_and_close() -> None:
        # The server learns of both in the same turn of its loop.
        connections.append(socket.create_connection(("127.0.0.1", port)))
        sandbox._loop.call_soon(sandbox._stopping.set)

    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # also "unclosed transport", ignored elsewhere
        sandbox._loop.call_soon_threadsafe(connect_and_close)
        sandbox._thread.join()
        gc.collect()
    (connection,) = connections
    with connection:
        assert connection.recv(1) == b""
