"""All streams of a small company: many small tables, with the limit as the only wait.

python benchmarks/small_tables.py [--calls 100] [--limit 3] [--latency 1] [--rounds 3]
"""

from __future__ import annotations

import argparse

from measure import START, print_table, run_tap, sandbox, stream_names


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--limit", type=int, default=3, help="requests a second")
    parser.add_argument("--latency", type=float, default=1, help="seconds a page")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    streams = stream_names()
    rows = []
    with sandbox(
        calls=chosen.calls, requests_per_second=chosen.limit, latency=chosen.latency
    ) as url:
        for _ in range(chosen.rounds):
            run = run_tap(
                url, streams, start_date=START, requests_per_second=chosen.limit
            )
            least = run.requests / chosen.limit
            rows.append(
                (
                    len(streams),
                    f"{run.records:,}",
                    run.requests,
                    f"{least:.1f} s",
                    f"{run.seconds:.1f} s",
                    f"{run.seconds - least:.1f} s",
                )
            )
    print_table(
        (
            "streams",
            "records",
            "requests",
            f"limit of {chosen.limit}/s",
            "took",
            "more than the limit",
        ),
        rows,
    )


if __name__ == "__main__":
    main()
