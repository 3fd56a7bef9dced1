"""Calls by ID, a hundred a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import TapRunner

UNKNOWN = [str(10**19 + number) for number in range(100)]


@pytest.fixture
def batch(tap: TapRunner) -> TapRunner:
    tap.config["call_lookup"] = "batch"
    return tap


def test_a_thousand_calls_take_ten_requests(batch: TapRunner, sandbox: Sandbox) -> None:
    wanted = list(sandbox.world.ids[:1000])
    run = batch(call_ids=wanted)
    assert run.status == 0
    assert sorted(run.ids) == sorted(wanted)
    assert [len(r.body["filter"]["callIds"]) for r in sandbox.requests] == [100] * 10
    assert {(r.method, r.path) for r in sandbox.requests} == {
        ("POST", "/v2/calls/extensive")
    }


def test_the_records_are_those_of_single(batch: TapRunner, sandbox: Sandbox) -> None:
    wanted = list(sandbox.world.ids[:150])
    by_id = {record["id"]: record for record in batch(call_ids=wanted).records}
    one_by_one = batch(call_ids=wanted, call_lookup="single").records
    assert [by_id[record["id"]] for record in one_by_one] == one_by_one


def test_ids_that_the_answer_lacks_are_absent(
    batch: TapRunner, sandbox: Sandbox
) -> None:
    known = list(sandbox.world.ids[:3])
    run = batch(call_ids=[UNKNOWN[0], *known, UNKNOWN[1]])
    assert sorted(run.ids) == sorted(known)
    (warning,) = (line for line in run.stderr.splitlines() if "WARNING" in line)
    assert f"2 of the IDs asked for: {UNKNOWN[0]} (requestId" in warning
    assert UNKNOWN[1] in warning


def test_a_batch_of_which_nothing_exists(batch: TapRunner, sandbox: Sandbox) -> None:
    known = sandbox.world.ids[5]
    run = batch(call_ids=[*UNKNOWN, known])
    assert run.status == 0
    assert run.ids == [known]
    assert "1 records, 100 absent, 2 requests" in run.stderr


def test_pages_are_followed(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(page_size=30)
    wanted = list(sandbox.world.ids[:100])
    run = run_tap(sandbox)(call_ids=wanted, call_lookup="batch")
    assert sorted(run.ids) == sorted(wanted)
    cursors = [request.body.get("cursor") for request in sandbox.requests]
    assert cursors[0] is None
    assert len(set(cursors)) == 4


def test_a_key_without_the_scope_hears_of_single(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(scopes=("api:calls:read:basic",))
    run = run_tap(sandbox)(call_ids="1", call_lookup="batch")
    assert run.status == 1
    (sentence,) = run.errors
    assert "'api:calls:read:extensive'" in sentence
    assert "single needs only the scope 'api:calls:read:basic'" in sentence


def test_the_queue_and_the_list_share_batches(
    batch: TapRunner, sandbox: Sandbox
) -> None:
    ids = sandbox.world.ids
    state = {"bookmarks": {"calls": {"call_ids": list(ids[:25])}}}
    run = batch(state=state, call_ids=list(ids[20:40]))
    assert sorted(run.ids) == sorted(ids[:40])
    assert len(sandbox.requests) == 1
    assert run.bookmark == {"call_ids": []}


def test_the_lookup_is_one_of_two(batch: TapRunner) -> None:
    run = batch(call_ids="1", call_lookup="bulk")
    assert run.status == 1
    assert "call_lookup must be single or batch, not 'bulk'" in run.errors[0]
