"""Run the tap against the sandbox, each as a process of its own, and measure it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_gong.sandbox import World
from tap_gong.sandbox.options import ACCESS_KEY, ACCESS_KEY_SECRET
from tap_gong.tap import TapGong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

BIN = Path(sys.executable).parent
START, END = "2024-10-30", "2026-11-01"
"""Before the first call of the sandbox's company, and after its last one."""
PAGE = 100
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


def start_tap(
    folder: Path,
    stdout: int | IO[bytes],
    url: str,
    streams: Sequence[str] = ("calls",),
    **settings: object,
) -> subprocess.Popen[bytes]:
    """Start the tap.

    Args:
        folder: Where its files are kept: the catalog, and what it tells as `log`.
        stdout: Where its messages go.
        url: Where the sandbox is.
        streams: The streams to select.
        settings: Settings of the tap.
    """
    settings = {
        "api_url": url,
        "access_key": ACCESS_KEY,
        "access_key_secret": ACCESS_KEY_SECRET,
        **settings,
    }
    environment = {f"TAP_GONG_{name.upper()}": str(settings[name]) for name in settings}
    (folder / "catalog.json").write_text(json.dumps(_catalog(streams)))
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [BIN / "tap-gong", "--config=ENV", "--catalog=catalog.json"],
            cwd=folder,
            env=os.environ | environment,
            stdout=stdout,
            stderr=log,
        )


def read_summary(folder: Path) -> dict[str, int]:
    """Read the counts of a run that has ended.

    Args:
        folder: That of `start_tap`.
    """
    log = (folder / "log").read_text()
    summary = _SUMMARY.search(log)
    if not summary:
        sys.exit(log)
    return {name: int(count) for name, count in summary.groupdict().items()}


def run_tap(
    url: str, streams: Sequence[str] = ("calls",), **settings: object
) -> Measured:
    """Run the tap to its end.

    Args:
        url: Where the sandbox is.
        streams: The streams to select.
        settings: Settings of the tap.
    """
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile("w+b") as out:
        folder = Path(name)
        began = time.monotonic()
        process = start_tap(folder, out, url, streams, **settings)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit((folder / "log").read_text())
        summary = read_summary(folder)
        out.seek(0)
        sizes = {b'{"type":"RECORD"': 0, b'{"type":"STATE",': 0, b'{"type":"SCHEMA"': 0}
        for line in out:
            sizes[line[:16]] += len(line)
    return Measured(
        seconds=seconds,
        peak_mb=usage.ru_maxrss / 1024,
        records=summary["records"],
        requests=summary["requests"],
        retries=summary["retries"],
        record_bytes=sizes[b'{"type":"RECORD"'],
        state_bytes=sizes[b'{"type":"STATE",'],
    )


def stream_names() -> list[str]:
    """List the streams of the tap, in the order in which they are read."""
    return [entry["tap_stream_id"] for entry in _catalog(())["streams"]]


def _catalog(streams: Sequence[str]) -> dict[str, Any]:
    """Make a catalog in which these streams are selected, with all properties."""
    tap = TapGong(config={}, validate_config=False, setup_mapper=False)
    catalog: dict[str, Any] = json.loads(tap.catalog_json_text)
    for entry in catalog["streams"]:
        (found,) = (item for item in entry["metadata"] if not item["breadcrumb"])
        found["metadata"]["selected"] = entry["tap_stream_id"] in streams
    return catalog


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
