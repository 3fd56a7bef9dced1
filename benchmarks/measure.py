"""Run the tap against the sandbox, each as a process of its own, and measure it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tap_gong.sandbox import World
from tap_gong.sandbox.options import ACCESS_KEY, ACCESS_KEY_SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BIN = Path(sys.executable).parent
_SUMMARY = re.compile(
    r"(?P<records>\d+) records, \d+ absent, (?P<requests>\d+) requests of which "
    r"(?P<retries>\d+) retries, (?P<held>\d+) s held"
)


@dataclass(frozen=True)
class Measured:
    """A finished run of the tap."""

    seconds: float
    """Wall time of the whole process, its start included."""
    peak_mb: float
    """Peak resident memory, in megabytes."""
    records: int
    requests: int
    retries: int
    record_bytes: int
    state_bytes: int

    @property
    def records_per_second(self) -> float:
        """Records a second of the whole run."""
        return self.records / self.seconds


@contextlib.contextmanager
def sandbox(**options: object) -> Iterator[str]:
    """Serve a sandbox; its URL.

    Args:
        options: Flags of `tap-gong-sandbox serve`, with underscores.
    """
    usual = ("--port=0", "--requests-per-day=0", "--last-day=2026-10-31")
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    with subprocess.Popen(
        [BIN / "tap-gong-sandbox", "serve", *usual, *flags],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout  # noqa: S101 - it is a pipe
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def run_tap(url: str, **settings: object) -> Measured:
    """Run the tap to its end.

    Args:
        url: Where the sandbox is.
        settings: Settings of the tap.
    """
    settings = {
        "api_url": url,
        "access_key": ACCESS_KEY,
        "access_key_secret": ACCESS_KEY_SECRET,
        **settings,
    }
    environment = {f"TAP_GONG_{name.upper()}": str(settings[name]) for name in settings}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        out = stack.enter_context((Path(folder) / "out").open("w+b"))
        log = stack.enter_context((Path(folder) / "log").open("w+b"))
        began = time.monotonic()
        process = subprocess.Popen(
            [BIN / "tap-gong", "--config=ENV"],
            cwd=folder,
            env=os.environ | environment,
            stdout=out,
            stderr=log,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read().decode()
        summary = _SUMMARY.search(text)
        if process.returncode or not summary:
            sys.exit(text)
        out.seek(0)
        sizes = {b'{"type":"RECORD"': 0, b'{"type":"STATE",': 0, b'{"type":"SCHEMA"': 0}
        for line in out:
            sizes[line[:16]] += len(line)
    return Measured(
        seconds=seconds,
        peak_mb=usage.ru_maxrss / 1024,
        records=int(summary["records"]),
        requests=int(summary["requests"]),
        retries=int(summary["retries"]),
        record_bytes=sizes[b'{"type":"RECORD"'],
        state_bytes=sizes[b'{"type":"STATE",'],
    )


@contextlib.contextmanager
def ids_file(count: int) -> Iterator[Path]:
    """Write the IDs of a sandbox's company with so many calls to a file."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(World(calls=count).ids))
        file.flush()
        yield Path(file.name)


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown."""
    for row in (head, ["---"] * len(head), *rows):
        print("|", " | ".join(str(cell) for cell in row), "|")  # noqa: T201
    print(flush=True)  # noqa: T201
