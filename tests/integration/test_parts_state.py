"""Each table about calls has a bookmark: nothing is lost, and little is repeated."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.call_tables import KEYS, TABLES, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

    Json = dict[str, Any]
    CatalogOf = Callable[..., Json]

START, END = "2024-10-30", "2026-11-15T00:00:00Z"
"""Before the first call of the sandbox's company, and after the last one."""

SOME = ("calls", "call_parties", "call_topics", "call_transcript_sentences")


def call_ids(run: Run, stream: str) -> list[str]:
    """List the calls of which a run brought records, each once."""
    name = "callId" if "callId" in KEYS[stream] else "id"
    return list(dict.fromkeys(record[name] for record in run.records_of(stream)))


def expected_ids(sandbox: Sandbox, stream: str) -> set[str]:
    """Tell which calls have records in a table."""
    name = "callId" if "callId" in KEYS[stream] else "id"
    records = tables(sandbox.world, sandbox.world.ids)[stream]
    return {record[name] for record in records}


def keys(records: Iterable[Json], stream: str) -> Counter[tuple[Any, ...]]:
    """Count records by key."""
    return Counter(tuple(r[column] for column in KEYS[stream]) for r in records)


def bookmark(state: Json, stream: str) -> Json:
    """Find the bookmark of a stream."""
    found: Json = state["bookmarks"][stream]
    return found


@pytest.fixture
def small(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A company with 200 calls in two years."""
    return make_sandbox(calls=200)


def listed(sandbox: Sandbox, start: str, end: str) -> set[str]:
    """List the calls from one moment to another."""
    first, last = map(dt.datetime.fromisoformat, (start, end))
    return set(sandbox.world.listing(first, last))


def test_a_part_that_is_added_later_gets_its_whole_history(
    run_tap: Callable[[Sandbox], TapRunner], small: Sandbox, catalog_of: CatalogOf
) -> None:
    tap = run_tap(small)
    first = tap(
        catalog=catalog_of("calls", "call_topics"), start_date=START, end_date=END
    )
    assert set(call_ids(first, "calls")) == set(small.world.ids)
    second = tap(
        catalog=catalog_of(*SOME),
        state=first.state,
        start_date=START,
        end_date=END,
        lookback_days=60,
    )
    assert second.status == 0
    again = listed(small, "2026-09-16T00:00:00Z", END)
    assert 3 < len(again) < 30
    assert set(call_ids(second, "calls")) == again
    assert set(call_ids(second, "call_topics")) <= again
    for stream in ("call_parties", "call_transcript_sentences"):
        records = second.records_of(stream)
        wanted = tables(small.world, small.world.ids)[stream]
        assert keys(records, stream) == keys(wanted, stream)
    for stream in SOME:
        assert bookmark(second.state, stream)["replication_key_value"] == END


def test_a_part_is_not_asked_for_where_it_is_not_emitted(
    run_tap: Callable[[Sandbox], TapRunner], small: Sandbox, catalog_of: CatalogOf
) -> None:
    tap = run_tap(small)
    first = tap(catalog=catalog_of("call_topics"), start_date=START, end_date=END)
    small.requests.clear()
    catalog = catalog_of("call_topics", "call_transcripts")
    second = tap(
        catalog=catalog,
        state=first.state,
        start_date=START,
        end_date=END,
        lookback_days=60,
    )
    assert second.status == 0
    by_path: dict[str, list[Json]] = {}
    for request in small.requests:
        where = request.body["filter"] if request.body else dict(request.query)
        by_path.setdefault(request.path, []).append(where)
    assert by_path["/v2/calls"][0]["toDateTime"] == "2026-09-16T00:00:00Z"
    assert by_path["/v2/calls/extensive"] == [
        {"fromDateTime": "2026-09-16T00:00:00Z", "toDateTime": END}
    ]


def test_a_part_alone_has_a_bookmark_and_calls_have_none(
    run_tap: Callable[[Sandbox], TapRunner], small: Sandbox, catalog_of: CatalogOf
) -> None:
    tap = run_tap(small)
    first = tap(catalog=catalog_of("call_parties"), start_date=START, end_date=END)
    assert {message["stream"] for message in first.of_type("RECORD")} == {
        "call_parties"
    }
    assert not first.state["bookmarks"].get("calls")
    assert bookmark(first.state, "call_parties")["replication_key_value"] == END
    second = tap(
        catalog=catalog_of("calls", "call_parties"),
        state=first.state,
        start_date=START,
        end_date=END,
        lookback_days=0,
    )
    assert set(call_ids(second, "calls")) == set(small.world.ids)
    assert not second.records_of("call_parties")


OLD = {
    "bookmarks": {
        "calls": {
            "replication_key": "started",
            "replication_key_value": "2026-09-01T00:00:00Z",
        }
    }
}
"""As the first versions wrote it."""


def test_a_state_of_calls_alone_keeps_working(
    run_tap: Callable[[Sandbox], TapRunner], small: Sandbox, catalog_of: CatalogOf
) -> None:
    tap = run_tap(small)
    alone = tap(catalog=catalog_of("calls"), state=OLD, lookback_days=0, end_date=END)
    recent = listed(small, "2026-09-01T00:00:00Z", END)
    assert set(alone.ids) == recent
    both = tap(
        catalog=catalog_of("calls", "call_parties"),
        state=OLD,
        lookback_days=0,
        start_date=START,
        end_date=END,
    )
    assert set(call_ids(both, "calls")) == recent
    assert set(call_ids(both, "call_parties")) == expected_ids(small, "call_parties")


def test_a_new_part_without_start_is_refused_by_name(
    run_tap: Callable[[Sandbox], TapRunner], small: Sandbox, catalog_of: CatalogOf
) -> None:
    run = run_tap(small)(catalog=catalog_of("calls", "call_parties"), state=OLD)
    assert run.status == 1
    assert "'call_parties'" in run.errors[0]
    assert "start_date" in run.errors[0]
    assert not small.requests
    assert not run.records


def test_the_queue_of_an_old_state_feeds_all_parts(
    run_tap: Callable[[Sandbox], TapRunner], small: Sandbox, catalog_of: CatalogOf
) -> None:
    ids = list(small.world.ids[:30])
    run = run_tap(small)(
        catalog=catalog_of("call_parties", "call_transcripts"),
        state={"bookmarks": {"calls": {"call_ids": ids}}},
    )
    assert run.status == 0
    wanted = tables(small.world, ids)
    for stream in ("call_parties", "call_transcripts"):
        assert keys(run.records_of(stream), stream) == keys(wanted[stream], stream)
    assert bookmark(run.state, "calls") == {"call_ids": []}


def test_a_night_without_a_part(
    run_tap: Callable[[Sandbox], TapRunner], small: Sandbox, catalog_of: CatalogOf
) -> None:
    tap = run_tap(small)
    settings: Json = {"start_date": START, "lookback_days": 0}
    streams = ("calls", "call_parties")
    nights = [
        (streams, "2025-06-01T00:00:00Z"),
        (("calls",), "2026-01-01T00:00:00Z"),
        (streams, END),
    ]
    state: Json = {}
    records: dict[str, list[Json]] = {name: [] for name in streams}
    for selected, end in nights:
        catalog = catalog_of(*selected)
        run = tap(catalog=catalog, state=state, end_date=end, **settings)
        assert run.status == 0
        state = run.state
        for stream in selected:
            records[stream] += run.records_of(stream)
    for stream, wanted in tables(small.world, small.world.ids).items():
        if stream in streams:
            assert keys(records[stream], stream) == keys(wanted, stream)


@pytest.mark.parametrize(("by", "quota"), [("id", 16), ("date", 24)])
def test_a_quota_that_is_spent_again_and_again_loses_nothing(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    by: str,
    quota: int,
) -> None:
    state: Json = {}
    records: dict[str, list[Json]] = {name: [] for name in TABLES}
    statuses = []
    for _ in range(9):
        sandbox = make_sandbox(sentences=3, requests_per_day=quota)
        ids = list(sandbox.world.ids)
        run = run_tap(sandbox)(
            catalog=catalog_of(*TABLES),
            state=state,
            max_concurrency=1,
            **(
                {"call_ids": ids}
                if by == "id"
                else {"start_date": START, "end_date": END, "lookback_days": 0}
            ),
        )
        statuses.append(run.status)
        state = run.state
        for stream in TABLES:
            records[stream] += run.records_of(stream)
        if run.status == 0:
            break
        assert "quota is spent" in run.errors[0]
    assert statuses == [*[1] * (len(statuses) - 1), 0]
    assert len(statuses) == 3  # by date the first two end in the middle of a period
    for stream, wanted in tables(sandbox.world, ids).items():
        assert keys(records[stream], stream) == keys(wanted, stream)


@pytest.mark.parametrize("by", ["id", "date"])
@pytest.mark.parametrize("after", [3, 11])
def test_a_signal_in_the_middle_loses_nothing(  # noqa: PLR0913, PLR0917
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    tmp_path: Path,
    by: str,
    after: int,
) -> None:
    sandbox = make_sandbox(latency=0.05, sentences=3)
    tap = run_tap(sandbox)
    ids = list(sandbox.world.ids)
    settings: Json = {"max_concurrency": 2}
    settings |= (
        {"call_ids": ids}
        if by == "id"
        else {"start_date": START, "end_date": END, "lookback_days": 0}
    )
    files = {
        "config": tap.config | settings,
        "catalog": catalog_of(*SOME),
    }
    arguments = []
    for name, value in files.items():
        path = tmp_path / f"{name}-of-process.json"
        path.write_text(json.dumps(value))
        arguments += [f"--{name}", str(path)]
    with subprocess.Popen(
        [sys.executable, "-m", "tap_gong", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while len(sandbox.requests) < after:
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        out, log = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM, log
    messages = [json.loads(line) for line in out.splitlines()]
    states = [found["value"] for found in messages if found["type"] == "STATE"]
    second = tap(
        catalog=files["catalog"], state=states[-1] if states else {}, **settings
    )
    assert second.status == 0
    all_of_them = tables(sandbox.world, ids)
    for stream in SOME:
        first = [
            found["record"]
            for found in messages
            if found["type"] == "RECORD" and found["stream"] == stream
        ]
        records = [*first, *second.records_of(stream)]
        assert keys(records, stream) == keys(all_of_them[stream], stream)


def test_a_part_that_is_added_in_the_middle_of_a_list_begins_at_its_start(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    spent = make_sandbox(calls=600, requests_per_day=3)
    ids = list(spent.world.ids)
    first = run_tap(spent)(
        catalog=catalog_of("call_topics"), call_ids=ids, max_concurrency=1
    )
    assert first.status == 1
    done = bookmark(first.state, "call_topics")["position"]["done"]
    assert 0 < done < 600
    fresh = make_sandbox(calls=600)
    second = run_tap(fresh)(
        catalog=catalog_of("call_topics", "call_parties"),
        state=first.state,
        call_ids=ids,
    )
    assert second.status == 0
    wanted = tables(fresh.world, ids)
    parties = second.records_of("call_parties")
    assert keys(parties, "call_parties") == keys(wanted["call_parties"], "call_parties")
    topics = [*first.records_of("call_topics"), *second.records_of("call_topics")]
    assert keys(topics, "call_topics") == keys(wanted["call_topics"], "call_topics")
