"""A run that is stopped anywhere loses nothing, and the next one goes on from there."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.streams.calls import CallsStream
from tests.call_tables import TABLES
from tests.kills import WAYS, Target, finish, kill_and_resume, start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tap_gong.sandbox import Sandbox
    from tests.conftest import TapRunner

COUNT = 300


@pytest.fixture
def slow_sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return make_sandbox(latency=0.02, latency_jitter=0.5)


@pytest.mark.parametrize("streams", [("calls",), TABLES], ids=["calls", "all tables"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("by", ["id", "date"])
def test_killed_anywhere_and_resumed(
    make_sandbox: Callable[..., Sandbox],
    tmp_path: Path,
    by: str,
    way: str,
    streams: Sequence[str],
) -> None:
    # As many calls as it takes for several periods.
    sandbox = make_sandbox(calls=800, latency=0.02, latency_jitter=0.5)
    kill_and_resume(sandbox, tmp_path, streams=streams, by=by, way=way, seed=1)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_soon_with_its_place_written(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    tmp_path: Path,
    signum: signal.Signals,
) -> None:
    sandbox = make_sandbox(slow_seconds=600)
    wanted = list(sandbox.world.ids[:40])
    sandbox.faults_for[wanted[30]] = ["slow"]
    target = Target()
    process = start(tmp_path, run_tap(sandbox).config | {"call_ids": wanted}, target)
    # Nothing is flushed before a checkpoint, so wait for what the sandbox has seen.
    while len(sandbox.requests) < 35:
        os.sched_yield()
    process.send_signal(signum)
    status, log = finish(process, target)
    # It did not wait for the slow answer: no request timed out and was sent again.
    assert len(sandbox.requests) <= len(wanted)
    assert status == 128 + signum
    assert "Traceback" not in log
    assert f"Stopped by signal {signum:d}" in log
    assert target.ids == wanted[: len(target.ids)]
    assert (target.state or {})["bookmarks"]["calls"] == (
        {"position": {"of": position(target), "done": len(target.ids)}}
        if target.ids
        else {}
    )


def position(target: Target) -> str:
    digest: str = (target.state or {})["bookmarks"]["calls"]["position"]["of"]
    return digest


def test_a_second_signal_does_not_cut_short_what_a_slow_reader_gets(
    run_tap: Callable[[Sandbox], TapRunner], slow_sandbox: Sandbox, tmp_path: Path
) -> None:
    wanted = list(slow_sandbox.world.ids[:COUNT])
    config = run_tap(slow_sandbox).config | {"call_ids": wanted}
    target = Target()
    process = start(tmp_path, config, target)
    assert process.stdout
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    # Then it has more to write than the pipe holds.
    while len(slow_sandbox.requests) < COUNT // 2:
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    status, log = finish(process, target)
    assert status == 128 + signal.SIGINT, log
    assert target.last == "STATE"
    assert target.state
    assert target.state["bookmarks"]["calls"]["position"]["done"] == len(target.ids)


START_UP = """
import os, sys

class Here:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), int(sys.argv[2]))

sys.meta_path.insert(0, Here())
from tap_gong.__main__ import main
main()
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "module", ["tap_gong.command", "singer_sdk", "requests", "tap_gong.tap"]
)
def test_a_signal_during_the_start_up_ends_it_without_a_word(
    tmp_path: Path, module: str, signum: signal.Signals
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START_UP, module, str(signum.value)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + signum, "", "")


def test_a_signal_while_the_settings_are_checked_ends_the_run_there(
    tap: TapRunner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        CallsStream, "check_catalog", lambda _: signal.raise_signal(signal.SIGTERM)
    )
    run = tap(call_ids=sandbox.world.ids[0])
    assert run.status == 143
    assert run.stdout == ""
    assert "Stopped by signal 15" in run.stderr.splitlines()[-1]
    assert sandbox.requests == []


def assert_that_the_reader_has_gone(folder: Path, config: dict[str, Any]) -> None:
    """Run the tap, read one line, go away, and look what it says."""
    process = start(folder, config, Target())
    assert process.stdout
    assert process.stderr
    with process:
        process.stdout.readline()
        process.stdout.close()
        log = process.stderr.read()
    assert process.returncode == 1
    (error,) = [line for line in log.splitlines() if "| ERROR " in line]
    assert "The reader of stdout has gone" in error
    assert "Traceback" not in log
    assert "Exception ignored" not in log


def test_a_reader_that_goes_away_is_noticed_while_the_tap_waits(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    tmp_path: Path,
) -> None:
    sandbox = make_sandbox(slow_seconds=600)
    wanted = sandbox.world.ids[0]
    sandbox.faults_for[wanted] = ["slow"] * 20
    config = run_tap(sandbox).config | {"call_ids": wanted}
    assert_that_the_reader_has_gone(tmp_path, config)
    assert len(sandbox.requests) <= 1


def test_a_reader_that_goes_away_ends_the_run_in_one_sentence(
    run_tap: Callable[[Sandbox], TapRunner], slow_sandbox: Sandbox, tmp_path: Path
) -> None:
    wanted = list(slow_sandbox.world.ids[:COUNT])
    config = run_tap(slow_sandbox).config | {"call_ids": wanted}
    assert_that_the_reader_has_gone(tmp_path, config)
    assert len(slow_sandbox.requests) < COUNT


def test_a_quota_ends_the_run_and_the_next_one_completes(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    """What is on its way when the quota is spent is waited for, and emitted."""
    in_flight = 8
    spent = make_sandbox(requests_per_day=37, latency=0.02, latency_jitter=0.9)
    fresh = make_sandbox()
    wanted = list(spent.world.ids[:100])
    first = run_tap(spent)(call_ids=wanted, max_concurrency=in_flight)
    assert first.status == 1
    assert "Gong's quota is spent" in first.errors[0]
    second = run_tap(fresh)(call_ids=wanted, state=first.state)
    assert second.status == 0
    assert first.ids + second.ids == wanted
    answered = [r for r in (*spent.requests, *fresh.requests) if r.status == 200]
    # Requests leave in the order of the list, and may overtake one another on the way.
    assert len(answered) <= len(wanted) + in_flight


def checkpoints(messages: Sequence[dict[str, Any]]) -> list[int]:
    """How many records precede each STATE since the one before."""
    counts = [0]
    for message in messages:
        if message["type"] == "STATE":
            counts.append(0)
        elif message["type"] == "RECORD":
            counts[-1] += 1
    return counts[:-1]


def test_checkpoints_are_many_and_small(tap: TapRunner, sandbox: Sandbox) -> None:
    run = tap(call_ids=list(sandbox.world.ids[:1000]))
    assert max(checkpoints(run.messages)) <= 100
    sizes = dict.fromkeys(("RECORD", "STATE"), 0)
    for line in run.stdout.splitlines()[1:]:
        sizes[json.loads(line)["type"]] += len(line)
    assert sizes["STATE"] < 0.05 * sizes["RECORD"]


def test_a_changed_list_starts_anew(tap: TapRunner, sandbox: Sandbox) -> None:
    wanted = list(sandbox.world.ids[:4])
    state = {"bookmarks": {"calls": {"position": {"of": "another", "done": 3}}}}
    run = tap(call_ids=wanted, state=state)
    assert run.ids == wanted


@pytest.mark.parametrize("queued", [300, 1_200, 20_000])
def test_the_state_of_a_long_queue_stays_light(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    queued: int,
) -> None:
    sandbox = make_sandbox(calls=max(queued, 1_200))
    tap = run_tap(sandbox)
    queue = list(sandbox.world.ids[:queued])
    state = {"bookmarks": {"calls": {"call_ids": queue}}}
    run = tap(state=state, call_lookup="batch")
    assert sorted(run.ids) == sorted(queue)
    assert run.bookmark == {"call_ids": []}
    sizes = dict.fromkeys(("SCHEMA", "RECORD", "STATE"), 0)
    for line in run.stdout.splitlines():
        sizes[json.loads(line)["type"]] += len(line)
    assert sizes["STATE"] < 0.05 * sizes["RECORD"]


def test_a_finished_pass_starts_anew(tap: TapRunner, sandbox: Sandbox) -> None:
    wanted = list(sandbox.world.ids[:4])
    first = tap(call_ids=wanted)
    again = tap(call_ids=wanted, state=first.state)
    assert again.ids == wanted
