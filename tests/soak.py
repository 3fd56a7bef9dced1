"""The long version of what CI does in short: kills by the hundred, and 20% faults.

python -m tests.soak [--starts 40] [--kills 200] [--calls 2000] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from tap_gong.sandbox import Options, Sandbox
from tests.call_tables import TABLES
from tests.kills import WAYS, Promises, Target, finish, kill_and_resume, start

SETS = (("calls",), TABLES)
"""Streams to select: one table, and all about calls."""

LAST_DAY = "2026-10-31"
"""The runs by date begin two years before it."""


def starts(count: int, seed: int) -> None:
    """Send so many runs a signal, or two, in their first second."""
    generator = random.Random(seed)
    options = Options(requests_per_second=0, requests_per_day=0, latency=0.05)
    with Sandbox(options) as sandbox, tempfile.TemporaryDirectory() as folder:
        config: dict[str, Any] = {
            "access_key": sandbox.access_key,
            "access_key_secret": sandbox.access_key_secret,
            "api_url": sandbox.url,
            "call_ids": list(sandbox.world.ids),
        }
        for number in range(count):
            signum = (signal.SIGINT, signal.SIGTERM)[number % 2]
            target = Target()
            process = start(Path(folder), config, target)
            # Before, it is Python itself that starts.
            time.sleep(generator.uniform(0.1, 1))
            process.send_signal(signum)
            if number % 4 > 1:
                process.send_signal(signal.SIGTERM)
            status, log = finish(process, target)
            assert status == 128 + signum, log
            assert target.last == "STATE"
            assert "Traceback" not in log, log
    print(f"{count} signals in the first second: no traceback", flush=True)  # noqa: T201


def kills(count: int, seed: int) -> None:
    """Kill the tap so many times, by ID and by date, with one table or all."""
    generator = random.Random(seed)
    options = Options(
        last_day=LAST_DAY,
        requests_per_second=0,
        requests_per_day=0,
        latency=0.02,
        latency_jitter=0.5,
    )
    for number in range(-(-count // 2)):
        by = ("id", "date")[number % 2]
        streams = SETS[number // 2 % 2]
        way = WAYS[number // 4 % len(WAYS)]
        with Sandbox(options) as sandbox, tempfile.TemporaryDirectory() as folder:
            moments = generator.randrange(2**32)
            kill_and_resume(
                sandbox, Path(folder), streams=streams, by=by, way=way, seed=moments
            )
        print(  # noqa: T201
            f"killed twice by {way}, calls by {by}, {len(streams)} tables: nothing "
            f"lost",
            flush=True,
        )


def faults(calls: int, seed: int) -> None:
    """Retrieve so many calls while a fifth of the requests gets a fault of any kind."""
    options = Options(
        calls=calls,
        seed=seed,
        last_day=LAST_DAY,
        requests_per_second=0,
        requests_per_day=0,
        fault_rate=0.2,
        drip_seconds=1,
    )
    ways = [(by, streams) for by in ("id", "batch", "date") for streams in SETS]
    for by, streams in ways:
        with Sandbox(options) as sandbox, tempfile.TemporaryDirectory() as folder:
            config: dict[str, Any] = {
                "access_key": sandbox.access_key,
                "access_key_secret": sandbox.access_key_secret,
                "api_url": sandbox.url,
                "requests_per_second": 100,
                "request_timeout_seconds": 1,
            }
            if by == "date":
                config["start_date"] = "2024-10-30"
            else:
                config["call_ids"] = list(sandbox.world.ids)
                config["call_lookup"] = "batch" if by == "batch" else "single"
            promises = Promises(
                sandbox.world, streams, listed=config.get("call_ids", ())
            )
            target = Target(promises=promises)
            process = start(Path(folder), config, target, streams)
            status, log = finish(process, target)
            assert status == 0, log
            assert target.rows == {
                name: dict.fromkeys(keys, 1) for name, keys in promises.wanted.items()
            }
            print(  # noqa: T201
                f"20% faults, {calls} calls by {by}, {len(streams)} tables: every row "
                f"arrived once",
                flush=True,
            )


def main() -> None:
    """Run all three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=40)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    starts(chosen.starts, chosen.seed)
    faults(chosen.calls, chosen.seed)
    kills(chosen.kills, chosen.seed)


if __name__ == "__main__":
    main()
