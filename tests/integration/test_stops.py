"""A run that is stopped anywhere loses nothing, and the next one goes on from there."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tap_gong.sandbox import Sandbox
    from tests.conftest import TapRunner

COUNT = 300


@dataclass
class Target:
    """What a target would have kept: whole lines, and the last state among them."""

    ids: list[str] = field(default_factory=list)
    state: dict[str, Any] | None = None

    def take(self, line: str) -> None:
        if line.endswith("\n"):
            message = json.loads(line)
            if message["type"] == "RECORD":
                self.ids.append(message["record"]["id"])
            elif message["type"] == "STATE":
                self.state = message["value"]


def start(folder: Path, config: dict[str, Any], target: Target) -> Any:  # noqa: ANN401
    """Start the tap as a process of its own, from the target's state."""
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "state.json").write_text(json.dumps(target.state or {}))
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tap_gong"),
            *("--config", str(folder / "config.json")),
            *("--state", str(folder / "state.json")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_until(process: Any, lines: int, target: Target) -> bool:  # noqa: ANN401
    """Read so many lines; tell whether the process is still writing."""
    for _ in range(lines):
        line = process.stdout.readline()
        if not line:
            return False
        target.take(line)
    return True


def finish(process: Any, target: Target) -> tuple[int, str]:  # noqa: ANN401
    """Read the rest; status and log."""
    with process:
        for line in process.stdout:
            target.take(line)
        log = process.stderr.read()
    return process.returncode, log


@pytest.fixture
def slow_sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return make_sandbox(latency=0.02, latency_jitter=0.5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_killed_anywhere_and_resumed(
    run_tap: Callable[[Sandbox], TapRunner],
    slow_sandbox: Sandbox,
    tmp_path: Path,
    seed: int,
    signum: signal.Signals,
) -> None:
    generator = random.Random(seed)
    wanted = list(slow_sandbox.world.ids[:COUNT])
    queued, configured = wanted[:120], wanted[120:]
    config = run_tap(slow_sandbox).config | {"call_ids": configured}
    target = Target(state={"bookmarks": {"calls": {"call_ids": queued}}})
    for _ in range(2):
        process = start(tmp_path, config, target)
        if run_until(process, generator.randrange(1, 180), target):
            process.send_signal(signum)
        finish(process, target)
    status, log = finish(start(tmp_path, config, target), target)
    assert status == 0, log
    assert set(target.ids) == set(wanted)
    # At most the records since the last checkpoint, and what was in flight, come twice.
    assert len(target.ids) <= COUNT + 2 * (100 + 32)
    assert target.state == {"bookmarks": {"calls": {"call_ids": []}}}


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
    sent = time.monotonic()
    process.send_signal(signum)
    status, log = finish(process, target)
    assert time.monotonic() - sent < 2
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


def test_a_reader_that_goes_away_ends_the_run_quietly(
    run_tap: Callable[[Sandbox], TapRunner], slow_sandbox: Sandbox, tmp_path: Path
) -> None:
    wanted = list(slow_sandbox.world.ids[:COUNT])
    config = run_tap(slow_sandbox).config | {"call_ids": wanted}
    process = start(tmp_path, config, Target())
    with process:
        process.stdout.readline()
        process.stdout.close()
        log = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in log
    assert "Exception ignored" not in log
    assert len(slow_sandbox.requests) < COUNT


def test_a_quota_ends_the_run_and_the_next_one_completes(
    run_tap: Callable[[Sandbox], TapRunner], make_sandbox: Callable[..., Sandbox]
) -> None:
    spent = make_sandbox(requests_per_day=37)
    fresh = make_sandbox()
    wanted = list(spent.world.ids[:100])
    first = run_tap(spent)(call_ids=wanted)
    assert first.status == 1
    assert "Gong's quota is spent" in first.errors[0]
    second = run_tap(fresh)(call_ids=wanted, state=first.state)
    assert second.status == 0
    assert set(first.ids) | set(second.ids) == set(wanted)
    answered = [r for r in (*spent.requests, *fresh.requests) if r.status == 200]
    assert len(answered) <= len(wanted) + 20


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


def test_a_finished_pass_starts_anew(tap: TapRunner, sandbox: Sandbox) -> None:
    wanted = list(sandbox.world.ids[:4])
    first = tap(call_ids=wanted)
    again = tap(call_ids=wanted, state=first.state)
    assert again.ids == wanted
