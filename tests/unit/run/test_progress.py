"""What a person sees of a run, on a clock of the tests' own."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest

from tap_gong.gong.endpoint import Endpoint
from tap_gong.gong.pace import Pace
from tap_gong.gong.session import PacedAdapter
from tap_gong.plans.ids import CallIdPlan
from tap_gong.plans.slices import Slice
from tap_gong.run.progress import Progress

if TYPE_CHECKING:
    from tests.unit.conftest import Clock

ENDPOINT = Endpoint("GET", "/v2/calls/{id}", records="call")
LOGGER = logging.getLogger("tests.progress")


@pytest.fixture
def adapter(clock: Clock) -> PacedAdapter:
    pace = Pace(3, clock=clock, sleep=clock.sleep)
    adapter = PacedAdapter(pace, max_wait_seconds=300, pool_size=1)
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
        for _ in range(50):
            clock.now += 0.5
            adapter.requests_sent += 1
            progress.add(1)
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
    assert "0 of 0 calls" in caplog.messages[0]


def test_the_summary_counts_this_stream_only(
    clock: Clock, adapter: PacedAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Progress(LOGGER, plan_of(9), adapter, clock=clock) as progress:
        progress.add(5)
        progress.add_absent(2)
        progress.add(2)
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
    with Progress(LOGGER, plan_of(4), adapter, clock=clock) as progress:
        for _ in range(4):
            clock.now += 60
            progress.add(1)
            progress.tell()
        # The bar is drawn anew while nothing comes, too.
        clock.now += 60
        progress.tell()
        assert caplog.messages == []
    drawn = capsys.readouterr().err
    for count in range(5):
        assert f"{count}/4 [" in drawn
    assert "unknown time left" in drawn


class Expecting(CallIdPlan):
    """A plan of pages, with as many records as the test says."""

    def __init__(self, expected: int | None) -> None:
        super().__init__({}, [], ids_per_slice=100, ask=lambda _: pytest.fail("asked"))
        self.expected = expected


def test_the_time_left_follows_what_is_asked_and_the_rate(
    clock: Clock, adapter: PacedAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    """Not what is emitted, which comes in bursts; and it grows while nothing comes."""
    caplog.set_level(logging.INFO)
    with Progress(LOGGER, Expecting(30_000), adapter, clock=clock) as progress:
        clock.now += 10
        adapter.requests_sent += 31
        adapter.retries += 1
        progress.tell()
        clock.now += 21
        progress.tell()
        assert caplog.messages == [
            "0 of 30000 calls (0%), 0 records, 3.1 requests a second, 0:01:28 left.",
            "0 of 30000 calls (0%), 0 records, 1.0 requests a second, 0:04:30 left.",
        ]


def test_before_gong_has_said_how_many_there_are(
    clock: Clock, adapter: PacedAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Progress(LOGGER, Expecting(None), adapter, clock=clock) as progress:
        clock.now += 10
        adapter.requests_sent += 30
        progress.add(100)
        progress.tell()
    assert caplog.messages[0] == (
        "100 of ? calls (0%), 100 records, 3.0 requests a second, unknown time left."
    )
