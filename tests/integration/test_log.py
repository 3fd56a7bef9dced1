"""What a person reads on stderr: how far a run is, how it ended, and not much else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize("lookup", ["single", "batch"])
def test_800_calls_with_faults_and_absences_are_told_in_80_lines(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    monkeypatch: pytest.MonkeyPatch,
    lookup: str,
) -> None:
    monkeypatch.setattr("tap_gong.gong.pace.Pace.hold", lambda *_: None)
    kinds = ("status-500", "html-502", "html-200", "reset", "rate-limit", "truncated")
    sandbox = make_sandbox(fault_rate=0.2, faults=kinds)
    wanted = [*sandbox.world.ids[:700], *map(str, range(1, 101))]
    run = run_tap(sandbox)(call_ids=wanted, call_lookup=lookup)
    assert run.status == 0
    assert len(run.ids) == 700
    lines = run.stderr.splitlines()
    assert len(lines) <= 80
    for unknown in wanted[700:]:
        assert f" {unknown} (requestId " in run.stderr
    assert re.search(
        r"Done: 700 records, 100 absent, \d+ requests of which", run.stderr
    )


@pytest.mark.usefixtures("waits")
def test_a_spell_of_failures_is_told_once_and_at_once(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(fault_rate=0.2, faults=("status-500", "html-502", "reset"))
    run = run_tap(sandbox)(call_ids=list(sandbox.world.ids[:200]))
    assert len(run.ids) == 200
    (warning,) = [line for line in run.stderr.splitlines() if "| WARNING " in line]
    assert warning.endswith(" Trying again, up to 9 times for each request.")


def test_progress_is_told(
    tap: TapRunner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_gong.run.progress.SECONDS_BETWEEN_LINES", 0)
    run = tap(call_ids=list(sandbox.world.ids[:20]), start_date="2024-10-30")
    assert "10 of 20 (50%), 10 records," in run.stderr
    assert "requests a second, 0:00:0" in run.stderr


def test_a_terminal_gets_a_bar(
    tap: TapRunner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    run = tap(call_ids=list(sandbox.world.ids[:20]))
    assert "/20 [" in run.stderr
    assert "of 20 (" not in run.stderr
    assert "Done: 20 records" in run.stderr
    assert "/20 [" not in run.stdout


def first_line(run: Run) -> str:
    (line,) = (line for line in run.stderr.splitlines() if "| Reading " in line)
    return line.partition("| Reading ")[2]


def test_the_log_begins_with_what_is_read(tap: TapRunner, sandbox: Sandbox) -> None:
    ids = list(sandbox.world.ids[:5])
    queue = {"bookmarks": {"calls": {"call_ids": ids[:2]}}}
    run = tap(state=queue, call_ids=ids, start_date="2024-10-30")
    assert first_line(run) == (
        "calls by ID: 2 from the queue in state and 3 from the settings."
    )
    assert "Not used in this run: start_date." in run.stderr

    dates: dict[str, Any] = {"start_date": "2024-10-30", "end_date": "2025-01-01"}
    run = tap(**dates, call_lookup="batch")
    period = "calls by date, from 2024-10-30T00:00:00Z to 2025-01-01T00:00:00Z"
    assert first_line(run) == f"{period}."
    assert "Not used in this run: call_lookup." in run.stderr

    run = tap(state=run.state, **dates, workspace_id="5")
    assert first_line(run) == (
        "calls by date, from 2024-12-29T00:00:00Z to 2025-01-01T00:00:00Z, of "
        "workspace 5; the look-back before 2025-01-01T00:00:00Z is included."
    )


def test_lines_of_the_sdk_that_mislead_are_left_out(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    for _ in range(2):
        run = tap(call_ids=sandbox.world.ids[0])
        assert "incremental" not in run.stderr
        assert "Skipping parse of env var" not in run.stderr
        assert "| INFO " in run.stderr
