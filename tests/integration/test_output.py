"""What becomes of a run where stdout or stderr is closed or full."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_gong.sandbox import Sandbox
    from tests.conftest import TapRunner

Shell = subprocess.CompletedProcess[str]

FULL = "stdout cannot be written to: No space left on device."


@pytest.fixture
def shell(
    tap: TapRunner, sandbox: Sandbox, tmp_path: Path
) -> Callable[[str, str], Shell]:
    """Run the tap in a shell, with these arguments and redirections."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(tap.config | {"call_ids": sandbox.world.ids[:3]}))

    def run(arguments: str, redirections: str) -> Shell:
        return subprocess.run(
            [
                *("bash", "-o", "pipefail", "-c"),
                f'"$0" -m tap_gong {arguments} {redirections}',
                sys.executable,
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    return run


RUN = "--config config.json"


@pytest.mark.parametrize(
    ("arguments", "redirections", "sentence"),
    [
        (RUN, ">/dev/full", FULL),
        ("--discover", ">/dev/full", FULL),
        ("--help", ">/dev/full", FULL),
        (RUN, ">&-", "stdout is closed"),
        ("--discover", ">&-", "stdout is closed"),
        (RUN, "| true", "The reader of stdout has gone"),
    ],
)
def test_a_stdout_that_takes_nothing(
    shell: Callable[[str, str], Shell],
    arguments: str,
    redirections: str,
    sentence: str,
) -> None:
    done = shell(arguments, redirections)
    assert done.returncode == 1
    # The SDK warns of old versions of Python, in lines of its own.
    (error,) = [line for line in done.stderr.splitlines() if "| ERROR " in line]
    assert sentence in error
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "BrokenPipeError" not in done.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_a_stderr_that_takes_nothing_is_no_matter(
    shell: Callable[[str, str], Shell], redirection: str
) -> None:
    done = shell(RUN, redirection)
    assert done.returncode == 0
    messages = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert messages.count("RECORD") == 3
    assert messages[-1] == "STATE"
    assert shell("--config nowhere.json", redirection).returncode == 1
