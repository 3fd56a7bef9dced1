"""What a person sees of a run, on a clock of the tests' own."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tap_gong.run.progress import Progress

if TYPE_CHECKING:
    from tests.unit.conftest import Clock

LOGGER = logging.getLogger("tests.progress")


@dataclass
class Work:
    """A plan, as far as the progress looks at it."""

    expected: int | None
    page_size: int = 1
    requests_a_page: int = 1


@dataclass
class Traffic:
    """Counts that the tests set."""

    requests_sent: int = 0
    retries: int = 0
    waited: float = 0


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def progress(
    clock: Clock, traffic: Traffic, caplog: pytest.LogCaptureFixture
) -> Progress:
    caplog.set_level(logging.INFO)
    return Progress(LOGGER, traffic, clock=clock)


def test_a_line_every_ten_seconds(
    clock: Clock,
    traffic: Traffic,
    progress: Progress,
    caplog: pytest.LogCaptureFixture,
) -> None:
    progress.begin("calls", Work(200))
    for _ in range(50):
        clock.now += 0.5
        traffic.requests_sent += 1
        progress.add(done=1, records=1)
        progress.tell()
    assert caplog.messages == [
        "calls: 20 of 200 (10%), 20 records, 2.0 requests a second, 0:01:30 left.",
        "calls: 40 of 200 (20%), 40 records, 2.0 requests a second, 0:01:20 left.",
    ]


def test_nothing_done_yet_no_time_is_told(
    clock: Clock, progress: Progress, caplog: pytest.LogCaptureFixture
) -> None:
    progress.begin("calls", Work(9))
    clock.now += 10
    progress.tell()
    assert "calls: 0 of 9 (0%)" in caplog.messages[0]
    assert "unknown time left" in caplog.messages[0]


def test_an_empty_plan_can_be_told(
    clock: Clock, progress: Progress, caplog: pytest.LogCaptureFixture
) -> None:
    progress.begin("calls", Work(0))
    clock.now += 10
    progress.tell()
    assert "calls: 0 of 0 (0%)" in caplog.messages[0]


def test_before_the_first_stream_a_line_can_be_told(
    clock: Clock, progress: Progress, caplog: pytest.LogCaptureFixture
) -> None:
    clock.now += 10
    progress.tell()
    assert "0 of ? (0%), 0 records" in caplog.messages[0]


def test_each_stream_is_counted_by_itself(
    clock: Clock,
    traffic: Traffic,
    progress: Progress,
    caplog: pytest.LogCaptureFixture,
) -> None:
    progress.begin("users", Work(None))
    progress.add(done=40, records=40)
    progress.finish()
    progress.begin("calls", Work(10))
    clock.now += 10
    traffic.requests_sent = 10
    progress.add(done=4, records=60)
    progress.add_absent(1)
    progress.tell()
    progress.finish()
    assert caplog.messages == [
        "users: 40 records.",
        "calls: 5 of 10 (50%), 60 records, 1.0 requests a second, 0:00:05 left.",
        "calls: 60 records.",
    ]


@pytest.mark.parametrize("how", ["Done", "Stopped early"])
def test_the_summary_counts_the_whole_run(
    clock: Clock,
    traffic: Traffic,
    progress: Progress,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    progress.begin("users", Work(None))
    progress.add(done=5, records=5)
    progress.begin("calls", Work(9))
    progress.add_absent(2)
    progress.add(done=2, records=20)
    traffic.requests_sent, traffic.retries, traffic.waited = 12, 3, 7.4
    clock.now += 100
    progress.close(how)
    assert caplog.messages == [
        (
            f"{how}: 25 records, 2 absent, 12 requests of which 3 retries, 7 s held "
            f"by Gong, 0:01:40 in all."
        )
    ]
    assert (progress.records, progress.absent) == (25, 2)


def test_a_bar_in_a_terminal(
    clock: Clock,
    traffic: Traffic,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress(LOGGER, traffic, clock=clock)
    progress.begin("calls", Work(4))
    for _ in range(4):
        clock.now += 60
        progress.add(done=1, records=1)
        progress.tell()
    # The bar is drawn anew while nothing comes, too.
    clock.now += 60
    progress.tell()
    assert caplog.messages == []
    drawn = capsys.readouterr().err
    for count in range(1, 5):
        assert f"{count}/4 [" in drawn
    assert "calls: " in drawn
    assert "unknown time left" in drawn
    progress.begin("users", Work(7))
    clock.now += 60
    progress.tell()
    drawn = capsys.readouterr().err
    assert "users: " in drawn
    assert "0/7 [" in drawn
    progress.close("Done")
    assert caplog.messages[0].startswith("Done: 4 records")
    assert capsys.readouterr().err.endswith(" \r")


def test_the_time_left_follows_what_is_asked_and_the_rate(
    clock: Clock,
    traffic: Traffic,
    progress: Progress,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not what is emitted, which comes in bursts; and it grows while nothing comes."""
    progress.begin("calls", Work(30_000, page_size=100))
    clock.now += 10
    traffic.requests_sent += 31
    traffic.retries += 1
    progress.tell()
    clock.now += 21
    progress.tell()
    assert caplog.messages == [
        "calls: 0 of 30000 (0%), 0 records, 3.1 requests a second, 0:01:37 left.",
        "calls: 0 of 30000 (0%), 0 records, 1.0 requests a second, 0:05:00 left.",
    ]


def test_a_page_of_several_requests_takes_as_much_longer(
    clock: Clock,
    traffic: Traffic,
    progress: Progress,
    caplog: pytest.LogCaptureFixture,
) -> None:
    progress.begin("calls", Work(1_001, page_size=100, requests_a_page=3))
    clock.now += 10
    traffic.requests_sent = 10
    progress.tell()
    assert caplog.messages[0].endswith("1.0 requests a second, 0:00:33 left.")


def test_before_gong_has_said_how_many_there_are(
    clock: Clock,
    traffic: Traffic,
    progress: Progress,
    caplog: pytest.LogCaptureFixture,
) -> None:
    progress.begin("calls", Work(None))
    clock.now += 10
    traffic.requests_sent += 30
    progress.add(done=100, records=100)
    progress.tell()
    assert caplog.messages[0] == (
        "calls: 100 of ? (0%), 100 records, 3.0 requests a second, unknown time left."
    )
