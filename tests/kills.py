"""Kill the tap at random moments, and resume it from its last state."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tap_gong.sandbox import Sandbox

WAYS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGINT SIGTERM", "closed pipe")
"""The fourth is what Meltano sends for one Ctrl-C."""

CALLS = 300
UNDER_WAY = 100 + 100
"""Records since the last checkpoint, and requests in flight: what may come twice."""


@dataclass
class Target:
    """What a target would have kept: whole lines, and the last state among them."""

    ids: list[str] = field(default_factory=list)
    state: dict[str, Any] | None = None
    last: str = "STATE"
    """The type of the last message, as if a run had gone before the first."""

    def take(self, line: str) -> None:
        """Take a line, if it is whole."""
        if line.endswith("\n"):
            message = json.loads(line)
            self.last = message["type"]
            if self.last == "RECORD":
                self.ids.append(message["record"]["id"])
            elif self.last == "STATE":
                self.state = message["value"]
        else:
            self.last = "half a line"


def start(
    folder: Path, config: dict[str, Any], target: Target
) -> subprocess.Popen[str]:
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


def finish(process: subprocess.Popen[str], target: Target) -> tuple[int, str]:
    """Read the rest; status and log."""
    with process:
        assert process.stdout
        assert process.stderr
        if not process.stdout.closed:
            for line in process.stdout:
                target.take(line)
        log = process.stderr.read()
    return process.returncode, log


def kill_and_resume(
    sandbox: Sandbox, folder: Path, *, by: str, way: str, seed: int
) -> None:
    """Kill the tap twice, let it finish, and check that nothing is lost.

    Args:
        sandbox: What it asks.
        folder: For its configuration and state.
        by: `id`, from a queue and a list, or `date`.
        way: How it is killed, one of `WAYS`.
        seed: Of the moments, which are numbers of lines that the target has read.
    """
    generator = random.Random(seed)
    config: dict[str, Any] = {
        "access_key": sandbox.access_key,
        "access_key_secret": sandbox.access_key_secret,
        "api_url": sandbox.url,
        "requests_per_second": 500,
    }
    target = Target()
    if by == "id":
        wanted = list(sandbox.world.ids[:CALLS])
        config["call_ids"] = wanted[120:]
        target.state = {"bookmarks": {"calls": {"call_ids": wanted[:120]}}}
        most_twice = UNDER_WAY
    else:
        wanted = list(sandbox.world.ids)
        config |= {"start_date": "2024-10-30", "lookback_days": 0}
        most_twice = len(wanted)  # a period is out page by page, and counts at its end
    for _ in range(2):
        process = start(folder, config, target)
        assert process.stdout
        for _ in range(generator.randrange(1, len(wanted) // 2)):
            if not (line := process.stdout.readline()):
                break
            target.take(line)
        if way == "closed pipe":
            process.stdout.close()
        else:
            for name in way.split():
                process.send_signal(signal.Signals[name])
        _, log = finish(process, target)
        assert "Traceback" not in log, log
        assert way in {"SIGKILL", "closed pipe"} or target.last == "STATE"
    status, log = finish(start(folder, config, target), target)
    assert status == 0, log
    assert set(target.ids) == set(wanted)
    if by == "date" and way not in {"SIGKILL", "closed pipe"}:
        most_twice = 0  # the last STATE covers every record
    assert len(target.ids) <= len(wanted) + 2 * most_twice
