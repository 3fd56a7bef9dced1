"""Calls by date, over HTTP."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.sandbox import Answer
from tap_gong.sandbox.world import WORKSPACE_IDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

START, END = "2024-10-30", "2026-11-01"
"""Before the first call of the sandbox's company, and after its last one."""


def moments(run: Run) -> list[dt.datetime]:
    """The bookmarks of a run's states, in order."""
    bookmarks = [m["value"]["bookmarks"].get("calls", {}) for m in run.of_type("STATE")]
    return [
        dt.datetime.fromisoformat(bookmark["replication_key_value"])
        for bookmark in bookmarks
        if "replication_key_value" in bookmark
    ]


def ask(run_tap: Callable[[Sandbox], TapRunner], sandbox: Sandbox) -> TapRunner:
    runner = run_tap(sandbox)
    runner.config |= {"start_date": START, "end_date": END}
    return runner


def shifted(state: dict[str, Any], **delta: float) -> dict[str, Any]:
    """A state with its bookmark moved."""
    bookmark = state["bookmarks"]["calls"]
    moment = dt.datetime.fromisoformat(bookmark["replication_key_value"])
    moved = (moment + dt.timedelta(**delta)).isoformat()
    return {"bookmarks": {"calls": bookmark | {"replication_key_value": moved}}}


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 750, 1371, 5000])
def test_every_call_once(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    count: int,
) -> None:
    sandbox = make_sandbox(calls=count)
    run = ask(run_tap, sandbox)()
    assert run.status == 0
    assert len(run.ids) == count
    assert set(run.ids) == set(sandbox.world.ids)
    # Half a page more for each period, and the page that told to cut.
    assert len(sandbox.requests) <= 1 + 1.25 * -(-count // 100)
    assert all(earlier <= later for earlier, later in pairwise(moments(run)))
    assert bool(moments(run)) == bool(count)
    assert not moments(run) or moments(run)[-1] == dt.datetime(
        2026, 11, 1, tzinfo=dt.UTC
    )


def test_without_an_end_a_run_reads_up_to_its_beginning(tap: TapRunner) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    run = tap(start_date=START)
    assert before <= moments(run)[-1] <= dt.datetime.now(dt.UTC)


def test_sparse_and_dense_years(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(calls=100)
    busy = dt.datetime(2025, 6, 2, 9, tzinfo=dt.UTC)
    for number in range(3000):
        started = (busy + dt.timedelta(seconds=30 * number)).isoformat()
        sandbox.world.add({"id": str(number + 1), "started": started})
    run = ask(run_tap, sandbox)()
    assert len(run.ids) == 3100
    assert len(set(run.ids)) == 3100
    pages = 31
    assert len(sandbox.requests) <= 2 * pages


def test_the_schema_names_the_bookmark(tap: TapRunner) -> None:
    run = tap(start_date=START)
    (schema,) = run.of_type("SCHEMA")
    assert schema["bookmark_properties"] == ["started"]
    assert run.bookmark == {
        "replication_key": "started",
        "replication_key_value": run.bookmark["replication_key_value"],
        "start_date": f"{START}T00:00:00Z",
        "pass_began": None,
        "pass_reached": None,
    }


def test_records_are_those_of_a_look_up_by_id(tap: TapRunner, sandbox: Sandbox) -> None:
    by_date = {record["id"]: record for record in tap(start_date=START).records}
    by_id = tap(call_ids=list(sandbox.world.ids[:200])).records
    assert [by_date[record["id"]] for record in by_id] == by_id


def test_the_next_run_brings_the_look_back_and_what_is_new(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    first = tap(start_date=START, end_date="2026-10-01T00:00:00+02:00")
    assert first.bookmark["replication_key_value"] == "2026-09-30T22:00:00Z"
    second = tap(state=first.state, start_date=START, lookback_days=3)
    again = set(first.ids) & set(second.ids)
    assert set(first.ids) | set(second.ids) == set(sandbox.world.ids)
    listed = sandbox.world.listing(
        dt.datetime(2026, 9, 27, 22, tzinfo=dt.UTC),
        dt.datetime(2026, 9, 30, 22, tzinfo=dt.UTC),
    )
    assert again == set(listed)
    assert listed


def test_a_call_that_shows_up_late_is_in_the_next_run(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    late = sandbox.world.ids[-1]
    sandbox.hidden.add(late)
    started = dt.datetime.fromisoformat(sandbox.world.call(late)["started"])  # type: ignore[index, arg-type]
    first = tap(
        start_date=START, end_date=(started + dt.timedelta(hours=1)).isoformat()
    )
    assert late not in first.ids
    sandbox.hidden.clear()
    second = tap(state=first.state, start_date=START)
    assert late in second.ids


def test_no_bookmark_goes_back(tap: TapRunner) -> None:
    first = tap(start_date=START, end_date=END)
    second = tap(state=first.state, start_date=START, end_date=END, lookback_days=300)
    assert len(second.ids) > 100
    assert min(moments(second)) >= moments(first)[-1]


@pytest.mark.parametrize("start", [{"start_date": START}, {}])
def test_a_bookmark_ahead_of_time_is_corrected(
    tap: TapRunner, sandbox: Sandbox, start: dict[str, Any]
) -> None:
    """Nobody knows when it was really read: so everything is read again."""
    state = shifted(tap(start_date=START).state, days=300_000)
    run = tap(state=state, **start)
    assert run.status == 0
    assert "lies in the future" in run.stderr
    assert set(run.ids) == set(sandbox.world.ids)
    assert moments(run)[-1] <= dt.datetime.now(dt.UTC)


def test_the_bookmark_follows_gongs_clock(tap: TapRunner, sandbox: Sandbox) -> None:
    call = sandbox.world.call(sandbox.world.ids[0])
    day = "Sat, 02 Nov 2024 10:00:00 GMT"
    answer = Answer(200, {"calls": [call]}, {"Date": day})
    sandbox.script(answer)
    run = tap(start_date=START)
    assert run.status == 0
    assert run.bookmark["replication_key_value"] == "2024-11-02T10:00:00Z"
    assert run.stderr.count("clock is") == 1


def test_a_run_that_finds_nothing_leaves_the_bookmark(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    """The key may not see any call, or the workspace be mistyped."""
    sandbox.hidden.update(sandbox.world.ids)
    first = tap(start_date=START)
    assert first.status == 0
    assert first.records == []
    assert "none that the owner of the API key may see" in first.stderr
    assert moments(first) == []
    sandbox.hidden.clear()
    second = tap(start_date=START, state=first.state)
    assert set(second.ids) == set(sandbox.world.ids)
    sandbox.hidden.update(sandbox.world.ids)
    third = tap(start_date=START, state=second.state)
    assert third.bookmark == second.bookmark


def test_an_empty_period_is_no_error(tap: TapRunner, sandbox: Sandbox) -> None:
    run = tap(start_date="2020-01-01", end_date="2021-01-01")
    assert run.status == 0
    assert run.records == []
    assert len(sandbox.requests) == 1


def test_another_workspace_is_another_bookmark(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    ids = sandbox.world.ids
    one, other = WORKSPACE_IDS[:2]
    of = {
        workspace: {
            id_
            for id_ in ids
            if sandbox.world.call(id_)["workspaceId"] == workspace  # type: ignore[index]
        }
        for workspace in WORKSPACE_IDS
    }
    first = tap(start_date=START, workspace_id=one)
    assert set(first.ids) == of[one]
    assert first.bookmark["workspace_id"] == one

    again = tap(start_date=START, workspace_id=one, state=first.state)
    assert len(again.ids) < 20
    changed = tap(start_date=START, workspace_id=other, state=first.state)
    assert set(changed.ids) == of[other]
    assert changed.bookmark["workspace_id"] == other
    without = tap(start_date=START, state=changed.state)
    assert set(without.ids) == set(ids)
    assert without.bookmark["workspace_id"] is None
    # What was read of all is read of each.
    narrowed = tap(start_date=START, workspace_id=one, state=without.state)
    assert len(narrowed.ids) < 20


def test_another_workspace_needs_a_start(tap: TapRunner, sandbox: Sandbox) -> None:
    first = tap(start_date=START, workspace_id=WORKSPACE_IDS[0])
    sandbox.requests.clear()
    run = tap(state=first.state)
    assert run.status == 1
    assert "workspace_id" in run.errors[0]
    assert "start_date" in run.errors[0]
    assert sandbox.requests == []


def test_a_start_later_than_the_bookmark_leaves_no_gap(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    first = tap(start_date=START, end_date="2025-01-01")
    second = tap(start_date="2025-06-01", state=first.state)
    assert set(first.ids) | set(second.ids) == set(sandbox.world.ids)
    assert "is later than the bookmark 2025-01-01T00:00:00Z" in second.stderr


def test_an_earlier_start_is_read(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    """Also where it takes several runs; and the bookmark does not go back."""
    settings: dict[str, Any] = {"end_date": END, "max_concurrency": 1}
    tap = run_tap(make_sandbox())
    first = tap(start_date="2025-06-01", **settings)
    runs = nights(
        run_tap, make_sandbox, state=first.state, start_date=START, **settings
    )
    assert len(runs) > 1
    assert "is earlier than 2025-06-01T00:00:00Z" in runs[0].stderr
    assert "is earlier than" not in runs[1].stderr
    everything = set(make_sandbox().world.ids)
    assert set().union(*(run.ids for run in runs)) == everything
    for run in runs:
        assert all(moment == moments(first)[-1] for moment in moments(run))
    again = tap(state=runs[-1].state, start_date=START, **settings)
    assert len(again.ids) < 20
    later = tap(state=runs[-1].state, start_date="2025-06-01", **settings)
    assert len(later.ids) < 20


@pytest.mark.parametrize("fraction", ["00.000001", "00.5", "00.999999"])
def test_a_fraction_of_a_second_in_the_end(
    tap: TapRunner, sandbox: Sandbox, fraction: str
) -> None:
    sandbox.world.add({"id": "5", "started": "2025-01-01T00:00:00.0000005Z"})
    end_date = f"2025-01-01T00:00:{fraction}Z"
    settings: dict[str, Any] = {"start_date": START, "end_date": end_date}
    first = tap(**settings)
    assert "5" in first.ids
    second = tap(**settings, state=first.state, lookback_days=0)
    assert second.status == 0
    assert second.records == []


def nights(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    **settings: Any,  # noqa: ANN401
) -> list[Run]:
    """Run with a quota of 8 requests a night until a run gets through."""
    state = settings.pop("state", None)
    runs: list[Run] = []
    while not runs or runs[-1].status:
        assert len(runs) < 9
        sandbox = make_sandbox(requests_per_day=8)
        runs.append(run_tap(sandbox)(state=state, **settings))
        state = runs[-1].state
    return runs


def test_an_interrupted_backfill_goes_on_without_a_look_back(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    start: dict[str, Any] = {"start_date": START, "end_date": END}
    runs = nights(run_tap, make_sandbox, max_concurrency=1, **start)
    assert len(runs) > 1
    unfinished = [bool(run.bookmark.get("pass_reached")) for run in runs]
    assert unfinished == [*[True] * (len(runs) - 1), False]
    # Each call comes once, also where the quota was spent in the middle of a period.
    ids = [id_ for run in runs for id_ in run.ids]
    assert sorted(ids) == sorted(make_sandbox().world.ids)


def test_a_look_back_that_takes_several_runs_comes_to_an_end(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    start: dict[str, Any] = {
        "start_date": START,
        "max_concurrency": 1,
        "lookback_days": 3_000,
    }
    first = run_tap(make_sandbox())(end_date="2026-10-01", **start)
    start["end_date"] = END
    runs = nights(run_tap, make_sandbox, state=first.state, **start)
    assert 1 < len(runs) < 6
    everything = set(make_sandbox().world.ids)
    assert set().union(*(run.ids for run in runs)) == everything
    # The next look-back begins only after the finished pass, and reaches back as far.
    again = run_tap(make_sandbox())(state=runs[-1].state, **start)
    assert set(again.ids) == everything


def test_a_look_back_counts_from_when_the_pass_began(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    """Calls that were young when an earlier run of the pass read them."""
    late = sandbox.world.ids[-300]
    started = dt.datetime.fromisoformat(sandbox.world.call(late)["started"])  # type: ignore[index, arg-type]
    state = {
        "bookmarks": {
            "calls": {
                "replication_key": "started",
                "replication_key_value": (started + dt.timedelta(1)).isoformat(),
                "pass_began": (started + dt.timedelta(1)).isoformat(),
                "pass_reached": (started + dt.timedelta(1)).isoformat(),
            }
        }
    }
    sandbox.hidden.add(late)
    first = tap(start_date=START, state=state, lookback_days=2)
    assert late not in first.ids
    sandbox.hidden.clear()
    second = tap(start_date=START, state=first.state, lookback_days=2)
    assert late in second.ids
    assert len(tap(start_date=START, state=second.state).ids) < 20


def test_a_bookmark_that_was_set_back_counts(tap: TapRunner, sandbox: Sandbox) -> None:
    """Also where the place of an unfinished pass still stands beside it."""
    bookmark = {
        "replication_key_value": "2025-06-01T00:00:00Z",
        "pass_began": "2026-10-30T00:00:00Z",
        "pass_reached": "2026-10-01T00:00:00Z",
    }
    run = tap(start_date=START, state={"bookmarks": {"calls": bookmark}})
    assert set(run.ids) == set(
        sandbox.world.listing(dt.datetime(2025, 5, 29, tzinfo=dt.UTC), None)
    )


def test_partitions_in_a_state_are_ignored(tap: TapRunner, sandbox: Sandbox) -> None:
    partitions = [{"context": {"id": str(n)}} for n in range(9)]
    state = {"bookmarks": {"calls": {"partitions": partitions}}}
    run = tap(start_date=START, state=state)
    assert run.status == 0
    assert sorted(run.ids) == sorted(sandbox.world.ids)


def test_nothing_left_to_read(tap: TapRunner, sandbox: Sandbox) -> None:
    first = tap(start_date=START, end_date="2025-01-01")
    sandbox.requests.clear()
    second = tap(
        state=first.state, start_date=START, end_date="2025-01-01", lookback_days=0
    )
    assert second.status == 0
    assert second.records == []
    assert sandbox.requests == []
    assert second.state == first.state


def test_a_workspace(tap: TapRunner, sandbox: Sandbox) -> None:
    workspace = sandbox.world.call(sandbox.world.ids[0])["workspaceId"]  # type: ignore[index]
    run = tap(start_date=START, workspace_id=workspace)
    assert {record["workspaceId"] for record in run.records} == {workspace}
    assert 0 < len(run.ids) < 1200


def test_ids_come_before_dates(tap: TapRunner, sandbox: Sandbox) -> None:
    wanted = sandbox.world.ids[0]
    assert tap(start_date=START, call_ids=wanted).ids == [wanted]
    queued = {"bookmarks": {"calls": {"call_ids": [wanted]}}}
    run = tap(start_date=START, state=queued)
    assert run.ids == [wanted]
    assert len(tap(start_date=START, state=run.state).ids) == 1200


def test_a_bookmark_alone_is_a_start(tap: TapRunner) -> None:
    first = tap(start_date=START, end_date="2026-10-01")
    assert tap(state=first.state, lookback_days=0).ids


@pytest.mark.parametrize("in_metadata", [True, False])
def test_a_catalog_of_full_table_reads_all_again(
    tap: TapRunner,
    in_metadata: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    catalog = tap("--discover").catalog
    (stream,) = catalog["streams"]
    if in_metadata:
        (root,) = [entry for entry in stream["metadata"] if not entry["breadcrumb"]]
        root["metadata"]["replication-method"] = "FULL_TABLE"
    else:
        stream["replication_method"] = "FULL_TABLE"
    first = tap(start_date=START)
    second = tap(start_date=START, state=first.state, catalog=catalog)
    assert len(second.ids) == 1200


def test_an_expired_cursor_begins_the_period_again(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    gone = Answer(400, {"requestId": "x", "errors": ["cursor has expired"]})
    sandbox.script(None, gone)
    run = tap(start_date=START, end_date="2025-02-01")
    assert run.status == 0
    assert len(run.ids) == len(set(run.ids)) > 100
    dates = [(r.query["fromDateTime"], r.query.get("cursor")) for r in sandbox.requests]
    assert dates[0] == dates[2]


def test_a_cursor_that_expires_twice_ends_the_run(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    gone = Answer(400, {"requestId": "x", "errors": ["failed to verify cursor"]})
    sandbox.script(None, gone, None, gone)
    run = tap(start_date=START, end_date="2025-02-01")
    assert run.status == 1
    assert "no longer takes the cursor" in run.errors[0]


@pytest.mark.usefixtures("waits")
def test_faults_lose_nothing(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tap_gong.gong.pace.Pace.hold", lambda *_: None)
    kinds = ("status-500", "html-200", "html-502", "reset", "truncated", "rate-limit")
    sandbox = make_sandbox(calls=3000, fault_rate=0.12, faults=kinds)
    run = ask(run_tap, sandbox)()
    assert run.status == 0
    assert len(run.ids) == 3000
    assert set(run.ids) == set(sandbox.world.ids)


BAD_DATES = [
    ({"start_date": "2024-13-01"}, ("start_date", "'2024-13-01'")),
    ({"start_date": "yesterday"}, ("start_date", "'yesterday'")),
    ({"start_date": "2024-01-01T00:00:00"}, ("start_date", "UTC offset")),
    ({"start_date": 20240101}, ("start_date", "20240101")),
    ({"start_date": "2999-01-01"}, ("start_date", "future")),
    ({"start_date": START, "end_date": START}, ("end_date", "start_date")),
    ({"start_date": START, "end_date": "x"}, ("end_date", "'x'")),
    ({"start_date": START, "lookback_days": -1}, ("lookback_days", "-1")),
    ({"start_date": START, "workspace_id": "a/b"}, ("workspace_id", "'a/b'")),
    ({"end_date": START}, ("start_date",)),
]


@pytest.mark.parametrize(("settings", "words"), BAD_DATES)
def test_a_bad_date_is_refused(
    tap: TapRunner, sandbox: Sandbox, settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    run = tap(**settings)
    assert run.status == 1
    (sentence,) = run.errors
    for word in words:
        assert word in sentence
    assert sandbox.requests == []


def test_a_bookmark_that_is_no_date_is_refused(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    state = {"bookmarks": {"calls": {"replication_key_value": "soon"}}}
    run = tap(start_date=START, state=state)
    assert run.status == 1
    assert "state: calls" in run.errors[0]
    assert sandbox.requests == []
