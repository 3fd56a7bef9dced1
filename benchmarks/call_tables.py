"""Tables about calls: all from one pass, beside one run for each table.

python benchmarks/call_tables.py [--calls 2000] [--limit 3] [--latency 1]
"""

from __future__ import annotations

import argparse
from functools import partial

from measure import START, print_table, run_tap, sandbox, stream_names

NINE = (
    *("calls", "call_parties", "call_crm_objects", "call_trackers", "call_topics"),
    *("call_speakers", "call_interaction_stats", "call_comments"),
    "call_transcript_sentences",
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--limit", type=int, default=3, help="requests a second")
    parser.add_argument("--latency", type=float, default=1, help="seconds a page")
    chosen = parser.parse_args()
    tables = [name for name in stream_names() if name.startswith("call")]
    with sandbox(
        calls=chosen.calls, requests_per_second=chosen.limit, latency=chosen.latency
    ) as url:
        run = partial(run_tap, url, start_date=START, requests_per_second=chosen.limit)
        alone = {name: run([name]) for name in tables}
        rows = []
        for streams in (NINE, tables):
            whole = run(streams)
            parts = [alone[name] for name in streams]
            if whole.records != sum(part.records for part in parts):
                parser.exit(1, "The two ways do not bring the same records.\n")
            rows.append(
                (
                    len(streams),
                    f"{whole.records:,}",
                    whole.requests,
                    f"{whole.seconds:.0f} s",
                    sum(part.requests for part in parts),
                    f"{sum(part.seconds for part in parts):.0f} s",
                )
            )
    print_table(
        (
            f"tables of {chosen.calls:,} calls",
            "records",
            "requests in one pass",
            f"took at {chosen.limit}/s",
            "requests, one run a table",
            "took",
        ),
        rows,
    )


if __name__ == "__main__":
    main()
