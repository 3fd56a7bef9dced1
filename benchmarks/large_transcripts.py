"""Memory of a run with large transcripts, without latency or limit.

python benchmarks/large_transcripts.py [--calls 3000] [--sentences 400]
"""

from __future__ import annotations

import argparse

from measure import START, print_table, run_tap, sandbox

SETS = (
    ("calls", "call_transcript_sentences"),
    ("calls", "call_transcripts"),
    ("calls", "calls_extensive", "call_transcripts", "call_transcript_sentences"),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--sentences", type=int, default=400, help="about, of a call")
    chosen = parser.parse_args()
    rows = []
    with sandbox(
        calls=chosen.calls, sentences=chosen.sentences, requests_per_second=0
    ) as url:
        for streams in SETS:
            run = run_tap(url, streams, start_date=START, requests_per_second=10_000)
            rows.append(
                (
                    ", ".join(f"`{name}`" for name in streams),
                    f"{run.records:,}",
                    f"{run.record_bytes / 1e6:,.0f} MB",
                    f"{run.seconds:.0f} s",
                    f"{run.peak_mb:.0f} MB",
                )
            )
    print_table(
        (
            f"{chosen.calls:,} calls of {chosen.sentences} sentences",
            "records",
            "written",
            "took",
            "peak memory",
        ),
        rows,
    )


if __name__ == "__main__":
    main()
