"""A backfill that is stopped: when the first record is out, and what a stop wastes.

A request is wasted whose calls are not out: spent, less a hundredth of the calls out.

python benchmarks/stops.py [--calls 20000] [--limit 6] [--latency 1] [--after 8 12 16]
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from measure import PAGE, START, print_table, read_summary, sandbox, start_tap


def stop(url: str, limit: int, seconds: float) -> tuple[float, int, int]:
    """Run the tap, and send it a SIGTERM after some seconds.

    Returns:
        Seconds to the first record, requests spent, calls out.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.monotonic()
        process = start_tap(
            folder,
            subprocess.PIPE,
            url,
            start_date=START,
            requests_per_second=limit,
        )
        timer = threading.Timer(seconds, process.terminate)
        timer.start()
        first, calls = math.inf, 0
        with process:
            for line in process.stdout or ():
                if line.startswith(b'{"type":"RECORD"'):
                    first = min(first, time.monotonic() - began)
                    calls += 1
        timer.cancel()
        return first, read_summary(folder)["requests"], calls


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--limit", type=int, default=6, help="requests a second")
    parser.add_argument("--latency", type=float, default=1, help="seconds a page")
    parser.add_argument("--after", type=float, nargs="+", default=[8, 12, 16])
    chosen = parser.parse_args()
    rows = []
    for seconds in chosen.after:
        with sandbox(
            calls=chosen.calls, requests_per_second=chosen.limit, latency=chosen.latency
        ) as url:
            first, requests, calls = stop(url, chosen.limit, seconds)
        rows.append(
            (
                f"{seconds:g} s",
                f"{first:.1f} s",
                requests,
                f"{calls:,}",
                f"{requests - calls / PAGE:.0f}",
            )
        )
    print_table(
        ("SIGTERM after", "first record after", "requests", "calls out", "wasted"), rows
    )


if __name__ == "__main__":
    main()
