"""Calls by ID: time against the rate limit, requests, cost of a record, state.

python benchmarks/by_id.py [--limit 30] [--ids 600] [--latency 0.1 0.5 2]
"""

from __future__ import annotations

import argparse

from measure import ids_file, print_table, run_tap, sandbox


def against_the_limit(limit: int, count: int, latencies: list[float]) -> None:
    """Time to retrieve calls one by one, as a multiple of what the limit allows."""
    rows = []
    for latency in latencies:
        with (
            ids_file(count) as path,
            sandbox(
                calls=count,
                requests_per_second=limit,
                latency=latency,
                latency_jitter=0.3,
            ) as url,
        ):
            run = run_tap(url, call_ids_file=path, requests_per_second=limit)
        least = count / limit
        rows.append(
            (
                f"{latency:g} s ± 30%",
                f"{least:.1f} s",
                f"{run.seconds:.1f} s",
                f"{run.seconds / least:.2f}",
                run.retries,
            )
        )
    print_table(
        ("latency", f"{count} IDs at {limit}/s", "took", "multiple", "retries"), rows
    )


def requests_per_thousand() -> None:
    """Requests for 1,000 calls, by `call_lookup`."""
    rows = []
    for lookup in ("single", "batch"):
        with ids_file(1000) as path, sandbox(calls=1000, requests_per_second=0) as url:
            run = run_tap(
                url, call_ids_file=path, call_lookup=lookup, requests_per_second=10_000
            )
        rows.append((f"`{lookup}`", run.requests))
    print_table(("call_lookup", "requests for 1,000 IDs"), rows)


def without_latency(sizes: list[int]) -> None:
    """IDs a second, memory and state where neither Gong nor its limit is in the way."""
    rows = []
    for lookup in ("single", "batch"):
        for size in sizes:
            with (
                ids_file(size) as path,
                sandbox(calls=size, requests_per_second=0) as url,
            ):
                run = run_tap(
                    url,
                    call_ids_file=path,
                    call_lookup=lookup,
                    requests_per_second=10_000,
                )
            rows.append(
                (
                    f"`{lookup}`",
                    f"{size:,}",
                    f"{run.seconds:.1f} s",
                    f"{run.records_per_second:,.0f}",
                    f"{run.peak_mb:.0f} MB",
                    f"{run.state_bytes / run.record_bytes:.2%}",
                )
            )
    print_table(
        (
            "call_lookup",
            "IDs",
            "took",
            "IDs a second",
            "peak memory",
            "state / records",
        ),
        rows,
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=30, help="requests a second")
    parser.add_argument("--ids", type=int, default=600, help="IDs at that limit")
    parser.add_argument("--latency", type=float, nargs="+", default=[0.1, 0.5, 2])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    chosen = parser.parse_args()
    against_the_limit(chosen.limit, chosen.ids, chosen.latency)
    requests_per_thousand()
    without_latency(chosen.sizes)


if __name__ == "__main__":
    main()
