"""Calls by date: a backfill against the rate limit, and its cost.

python benchmarks/by_date.py [--limit 20] [--latency 1] [--sizes 10000 100000]
"""

from __future__ import annotations

import argparse

from measure import END, PAGE, START, print_table, run_tap, sandbox


def against_the_limit(limit: int, latency: float, sizes: list[int]) -> None:
    """Time of a backfill, as a multiple of what the limit allows for its pages."""
    rows = []
    for size in sizes:
        with sandbox(
            calls=size, requests_per_second=limit, latency=latency, latency_jitter=0.3
        ) as url:
            run = run_tap(
                url, start_date=START, end_date=END, requests_per_second=limit
            )
        pages = size / PAGE
        rows.append(
            (
                f"{size:,}",
                f"{pages:,.0f}",
                run.requests,
                f"{pages / limit:.1f} s",
                f"{run.seconds:.1f} s",
                f"{run.seconds * limit / pages:.2f}",
                f"{pages * latency:,.0f} s",
            )
        )
    head = ("calls", "pages", "requests", f"limit of {limit}/s", "took", "multiple")
    print_table((*head, f"one chain of cursors at {latency:g} s a page"), rows)


def without_latency(sizes: list[int]) -> None:
    """Records a second and memory where neither Gong nor its limit is in the way."""
    rows = []
    for size in sizes:
        with sandbox(calls=size, requests_per_second=0) as url:
            run = run_tap(
                url, start_date=START, end_date=END, requests_per_second=10_000
            )
        rows.append(
            (
                f"{size:,}",
                f"{run.seconds:.1f} s",
                f"{run.records_per_second:,.0f}",
                f"{run.peak_mb:.0f} MB",
            )
        )
    print_table(("calls", "took", "records a second", "peak memory"), rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=20, help="requests a second")
    parser.add_argument("--latency", type=float, default=1, help="seconds a page")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    chosen = parser.parse_args()
    against_the_limit(chosen.limit, chosen.latency, chosen.sizes)
    without_latency(chosen.sizes)


if __name__ == "__main__":
    main()
