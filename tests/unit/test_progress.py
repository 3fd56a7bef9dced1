"""What a person sees of a run, on a clock of the tests' own."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest

from tap_gong.endpoint import Endpoint
from tap_gong.pace import Pace
from tap_gong.progress import Progress
from tap_gong.slices import CallIdPlan, Slice
from tap_gong.transport import PacedAdapter

if TYPE_CHECKING:
    from .conftest import Clock

ENDPOINT = Endpoint("GET", "/v2/calls/{id}", records="call")
LOGGER = logging.getLogger("tests.progress")


@pytest.fixture
def adapter(clock: Clock) -> PacedAdapter:
    pace = Pace(3, clock=clock, sleep=clock.sleep)
    adapter = PacedAdapter(pace, timeout_seconds=60, max_wait_seconds=300, pool_size=1)
    adapter.requests_sent, adapter.retries = 100, 10
    pace.hold(50)
    return adapter


def plan_of(calls: int) -> CallIdPlan:
    return CallIdPlan(
        {},
        [str(number) for number in range(calls)],
        ids_per_slice=1,
        ask=lambda ids: Slice(ENDPOINT, {"id": ids[0]}, ids),
    )


def test_a_line_every_ten_seconds(
    clock: Clock, adapter: PacedAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    plan = plan_of(200)
    with Progress(LOGGER, plan, adapter, clock=clock) as progress:
        for slice_ in list(plan)[:50]:
            clock.now += 0.5
            adapter.requests_sent += 1
            plan.finish(slice_)
            progress.add(1, 0)
            progress.tell()
        assert caplog.messages == [
            "20 of 200 calls (10%), 20 records, 2.0 requests a second, 0:01:30 left.",
            "40 of 200 calls (20%), 40 records, 2.0 requests a second, 0:01:20 left.",
        ]


def test_nothing_done_yet_no_time_is_told(
    clock: Clock, adapter: PacedAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Progress(LOGGER, plan_of(9), adapter, clock=clock) as progress:
        clock.now += 10
        progress.tell()
    assert "0 of 9 calls (0%)" in caplog.messages[0]
    assert "unknown time left" in caplog.messages[0]


def test_an_empty_plan_can_be_told(
    clock: Clock, adapter: PacedAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Progress(LOGGER, plan_of(0), adapter, clock=clock) as progress:
        clock.now += 10
        progress.tell()
    assert "(100%)" in caplog.messages[0]


def test_the_summary_counts_this_stream_only(
    clock: Clock, adapter: PacedAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Progress(LOGGER, plan_of(9), adapter, clock=clock) as progress:
        progress.add(5, 1)
        progress.add(2, 1)
        adapter.requests_sent += 12
        adapter.retries += 3
        clock.now += 100
        adapter.pace.hold(7)
    (line,) = caplog.messages
    assert line == (
        "Done: 7 records, 2 absent, 12 requests of which 3 retries, 7 s held by Gong, "
        "0:01:40 in all."
    )


def test_the_summary_comes_however_the_run_ended(
    clock: Clock, adapter: PacedAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with (
        pytest.raises(KeyboardInterrupt),
        Progress(LOGGER, plan_of(9), adapter, clock=clock),
    ):
        raise KeyboardInterrupt
    assert caplog.messages[0].startswith("Stopped early: 0 records")


def test_a_bar_in_a_terminal(
    clock: Clock,
    adapter: PacedAdapter,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    plan = plan_of(4)
    with Progress(LOGGER, plan, adapter, clock=clock) as progress:
        for slice_ in plan:
            clock.now += 60
            plan.finish(slice_)
            progress.tell()
        assert caplog.messages == []
    assert "0/4" in capsys.readouterr().err
