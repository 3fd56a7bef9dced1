"""What the tap makes of each answer of Gong's, over HTTP (a row of a table each)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.sandbox import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import TapRunner

pytestmark = pytest.mark.usefixtures("nothing_is_left_in_flight")

MARKER = "do-not-tell"
HTML = f"<html><title>{MARKER}</title></html>"


def envelope(status: int, *errors: str, **headers: str) -> Answer:
    return Answer(status, {"requestId": "abc123", "errors": list(errors)}, headers)


pytestmark = pytest.mark.usefixtures("waits")


RETRIED = {
    "500": envelope(500, MARKER),
    "502": Answer(502, HTML),
    "503": envelope(503, MARKER),
    "504": Answer(504, ""),
    "200 that is a page": Answer(200, HTML),
    "200 that is empty": Answer(200, ""),
    "200 that is a list": Answer(200, "[]", {"Content-Type": "application/json"}),
    "no call": Answer(200, {"requestId": "abc123"}),
    "call is null": Answer(200, {"call": None}),
    "call is text": Answer(200, {"call": MARKER}),
    "id is null": Answer(200, {"call": {"id": None}}),
    "id is missing": Answer(200, {"call": {"title": MARKER}}),
    "another id": Answer(200, {"call": {"id": "5"}}),
    "201": Answer(201, {"call": {"id": "1"}}),
    "broken connection": "reset",
    "truncated": "truncated",
    "id twice": Answer(200, '{"call": {"id": "1", "id": "1"}}'),
    "not a number": Answer(200, '{"call": {"id": "1", "duration": NaN}}'),
    "deep nesting": Answer(200, "[" * 200_000),
}


@pytest.mark.parametrize("fault", RETRIED.values(), ids=RETRIED.keys())
def test_a_passing_fault_costs_a_retry_and_no_record(
    tap: TapRunner, sandbox: Sandbox, waits: list[float], fault: Answer | str
) -> None:
    wanted = list(sandbox.world.ids[:3])
    sandbox.faults_for[wanted[1]] = [fault, fault]
    run = tap(call_ids=wanted)
    assert run.status == 0
    assert run.ids == wanted
    assert len(sandbox.requests) == 5
    assert len(waits) == 2
    assert "5 requests of which 2 retries" in run.stderr


@pytest.mark.parametrize("fault", RETRIED.values(), ids=RETRIED.keys())
def test_a_lasting_fault_ends_the_run_after_some_tries(
    tap: TapRunner, sandbox: Sandbox, waits: list[float], fault: Answer | str
) -> None:
    wanted = list(sandbox.world.ids[:3])
    sandbox.faults_for[wanted[2]] = [fault] * 100
    run = tap(call_ids=wanted)
    assert run.status == 1
    assert run.ids == wanted[:2]
    (sentence,) = run.errors
    assert "try 9 of 9" in sentence
    assert MARKER not in run.stderr
    assert "Traceback" not in run.stderr
    assert len(waits) == 8
    assert all(longer <= 2 * 2 * shorter for shorter, longer in pairwise(waits))
    assert run.bookmark["position"]["done"] == 2


WRONG_FIELDS: dict[str, Any] = {
    "title": {"a": MARKER},
    "duration": "long",
    "started": "2024-01-01T00:00:00",
    "scheduled": 5,
    "isPrivate": "yes",
    "primaryUserId": ["1"],
}


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_a_field_of_another_type_is_named_and_never_emitted(
    tap: TapRunner, sandbox: Sandbox, name: str
) -> None:
    sandbox.world.add(
        {"id": "7", "started": "2024-01-01T00:00:00Z"} | {name: WRONG_FIELDS[name]}
        if name != "started"
        else {"id": "7", "started": "2024-01-01T00:00:00Z"}
    )
    sandbox.faults_for["7"] = [
        Answer(200, {"call": {"id": "7", name: WRONG_FIELDS[name]}})
    ] * 100
    run = tap(call_ids="7")
    assert run.status == 1
    assert run.records == []
    assert f"'{name}' is " in run.errors[0]
    assert MARKER not in run.stderr


STOPPED: dict[str, tuple[Answer, str]] = {
    "wrong key": (envelope(401, "Unauthorized"), "Check access_key"),
    "missing scope": (
        envelope(
            401, "You don't have permission to use 'api:calls:read:basic' in your app."
        ),
        "lacks the scope 'api:calls:read:basic'",
    ),
    "forbidden": (envelope(403, "Forbidden"), "trusted IPs"),
    "malformed": (envelope(400, "callId: must be numeric"), "callId: must be numeric"),
    "conflict": (envelope(409, "Not now"), "Not now"),
    "404 of another server": (Answer(404, HTML), "api_url is not"),
    "404 of another API": (
        Answer(404, {"message": MARKER}),
        "api_url is not",
    ),
    "redirect": (Answer(302, "", {"Location": "https://evil.example/"}), "a redirect"),
    "400 that is a page": (Answer(400, HTML), "answered 400"),
}


@pytest.mark.parametrize(("answer", "advice"), STOPPED.values(), ids=STOPPED.keys())
def test_an_answer_that_ends_the_run_at_once(
    tap: TapRunner, sandbox: Sandbox, answer: Answer, advice: str
) -> None:
    wanted = list(sandbox.world.ids[:3])
    sandbox.faults_for[wanted[1]] = [answer] * 100
    run = tap(call_ids=wanted, max_concurrency=1)
    assert run.status == 1
    assert run.ids == wanted[:1]
    (sentence,) = run.errors
    assert advice in sentence
    assert "/v2/calls/" in sentence
    assert ("abc123" in sentence) == isinstance(answer.body, dict) or MARKER in str(
        answer.body
    )
    assert MARKER not in run.stderr
    assert "Traceback" not in run.stderr
    assert len(sandbox.faults_for[wanted[1]]) == 99


def test_a_wrong_address_is_no_absence(tap: TapRunner, sandbox: Sandbox) -> None:
    run = tap(call_ids=sandbox.world.ids[0], api_url=f"{sandbox.url}/elsewhere")
    assert run.status == 1
    assert "api_url is not" in run.errors[0]


def test_nobody_answers(tap: TapRunner, sandbox: Sandbox, waits: list[float]) -> None:
    url = sandbox.url
    sandbox.close()
    run = tap(call_ids="1", api_url=url)
    assert run.status == 1
    host = url.removeprefix("http://")
    assert f"The connection to {host} failed: Connection refused" in run.errors[0]
    assert len(waits) == 8


def test_an_answer_that_does_not_come_in_time(tap: TapRunner, sandbox: Sandbox) -> None:
    wanted = sandbox.world.ids[0]
    sandbox.faults_for[wanted] = ["slow"]
    run = tap(call_ids=wanted, request_timeout_seconds=0.2)
    assert run.ids == [wanted]
    # On a busy machine a later try may take too long as well.
    assert "of which 0 retries" not in run.stderr


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which everyone is held, which take no time here."""
    seconds: list[float] = []
    monkeypatch.setattr(
        "tap_gong.gong.pace.Pace.hold", lambda _, wait: seconds.append(wait)
    )
    return seconds


def test_retry_after_is_honoured_to_the_second(
    tap: TapRunner, sandbox: Sandbox, held: list[float], waits: list[float]
) -> None:
    wanted = sandbox.world.ids[0]
    sandbox.faults_for[wanted] = [envelope(429, "Slow", **{"Retry-After": "17"})]
    run = tap(call_ids=wanted)
    assert run.ids == [wanted]
    assert held == [17]
    assert waits == []


def test_429_without_retry_after_waits_longer_each_time(
    tap: TapRunner, sandbox: Sandbox, held: list[float]
) -> None:
    wanted = sandbox.world.ids[0]
    sandbox.faults_for[wanted] = [envelope(429)] * 4
    run = tap(call_ids=wanted)
    assert run.ids == [wanted]
    assert held == [1, 2, 4, 8]


def test_a_longer_wait_than_allowed_ends_the_run_with_its_place_kept(
    tap: TapRunner, sandbox: Sandbox, held: list[float]
) -> None:
    wanted = list(sandbox.world.ids[:5])
    sandbox.faults_for[wanted[3]] = [envelope(429, **{"Retry-After": "7200"})]
    run = tap(call_ids=wanted, max_concurrency=1)
    assert run.status == 1
    (sentence,) = run.errors
    assert "a wait of 7200 s" in sentence
    assert "3 calls are out, 2 are left" in sentence
    assert held == []
    assert len(sandbox.requests) == 4
    again = tap(call_ids=wanted, state=run.state)
    assert again.ids == wanted[3:]
    assert again.bookmark["position"] is None


def test_429_that_does_not_say_how_long_is_no_spent_quota(
    tap: TapRunner, sandbox: Sandbox, held: list[float]
) -> None:
    wanted = list(sandbox.world.ids[:5])
    sandbox.faults_for[wanted[3]] = [envelope(429)] * 4
    run = tap(call_ids=wanted, max_concurrency=1, max_wait_seconds=3)
    assert run.status == 1
    (sentence,) = run.errors
    assert "429 (too many requests) 3 times in a row and does not say how" in sentence
    assert "quota" not in sentence
    assert "3 calls are out, 2 are left. Run again later" in sentence
    assert held == [1, 2]
    assert tap(call_ids=wanted, state=run.state).ids == wanted[3:]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_fails_and_says_for_how_long(
    tap: TapRunner, sandbox: Sandbox, held: list[float], status: int
) -> None:
    wanted = sandbox.world.ids[0]
    answer = envelope(status, **{"Retry-After": "10.0"})
    sandbox.faults_for[wanted] = [answer] * 8
    run = tap(call_ids=wanted)
    assert run.ids == [wanted]
    assert held == [10] * 8
    assert "9 requests of which 8 retries" in run.stderr


def test_a_server_that_fails_and_says_for_how_long_again_and_again(
    tap: TapRunner, sandbox: Sandbox, held: list[float]
) -> None:
    wanted = sandbox.world.ids[0]
    sandbox.faults_for[wanted] = [envelope(503, **{"Retry-After": "10"})] * 100
    run = tap(call_ids=wanted)
    assert run.status == 1
    assert "answered 503. That was try 9 of 9." in run.errors[0]
    assert held == [10] * 9


def test_a_server_that_fails_for_longer_than_allowed_ends_the_run(
    tap: TapRunner, sandbox: Sandbox, held: list[float]
) -> None:
    wanted = list(sandbox.world.ids[:5])
    sandbox.faults_for[wanted[3]] = [envelope(503, **{"Retry-After": "7200"})]
    run = tap(call_ids=wanted, max_concurrency=1)
    assert run.status == 1
    (sentence,) = run.errors
    assert "Gong answered 503 and asks for a wait of 7200 s, longer than" in sentence
    assert "3 calls are out, 2 are left. Come back after" in sentence
    assert held == []
    assert tap(call_ids=wanted, state=run.state).ids == wanted[3:]


def test_429_for_ever_ends_the_run(
    tap: TapRunner, sandbox: Sandbox, held: list[float]
) -> None:
    wanted = sandbox.world.ids[0]
    sandbox.faults_for[wanted] = [envelope(429, **{"Retry-After": "1"})] * 1000
    run = tap(call_ids=wanted)
    assert run.status == 1
    assert "429" in run.errors[0]
    assert len(held) == 49
    assert "Traceback" not in run.stderr


def test_a_missing_scope_is_not_retried(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(scopes=("api:calls:read:extensive",))
    run = run_tap(sandbox)(call_ids=list(sandbox.world.ids[:20]), max_concurrency=1)
    assert run.status == 1
    assert "api:calls:read:basic" in run.errors[0]
    assert len(sandbox.requests) == 1
