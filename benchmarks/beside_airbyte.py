"""A backfill side by side with Airbyte's Gong source, on one server, in turns.

Airbyte's declarative manifest comes from the distribution `airbyte-source-gong` 0.1.17
and is run by `airbyte-cdk`, in an environment of its own that this script makes in the
folder `--environment` (some 340 MB; used again if it is there).

    python benchmarks/beside_airbyte.py [--calls 20000] [--latency 0] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from measure import END, START, print_table, run_tap, sandbox

from tap_gong.sandbox.options import ACCESS_KEY, ACCESS_KEY_SECRET

CDK = "airbyte-cdk==7.39.1"
SOURCE = "airbyte-source-gong==0.1.17"
CATALOG = {
    "streams": [
        {
            "stream": {
                "name": "calls",
                "json_schema": {},
                "supported_sync_modes": ["full_refresh"],
            },
            "sync_mode": "full_refresh",
            "destination_sync_mode": "overwrite",
        }
    ]
}


def install(folder: Path) -> None:
    """Install Airbyte's runner and fetch the manifest, unless they are there."""
    if (folder / "manifest.yaml").exists():
        return
    pip = folder / "bin" / "pip"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([pip, "install", "--quiet", CDK], check=True)
    # Only the file in it is wanted: the distribution pins a runner of long ago.
    options = ("--quiet", "--no-deps", "--dest")
    subprocess.run([pip, "download", *options, str(folder), SOURCE], check=True)
    (wheel,) = folder.glob("airbyte_source_gong-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        manifest = archive.read("source_gong/manifest.yaml")
    (folder / "manifest.yaml").write_bytes(manifest)


def run_airbyte(folder: Path, url: str) -> tuple[float, int]:
    """Run Airbyte's source to its end; seconds of the process, and records."""
    manifest = (folder / "manifest.yaml").read_text()
    inputs = {
        "manifest.yaml": manifest.replace("https://api.gong.io", url),
        "catalog.json": json.dumps(CATALOG),
        "config.json": json.dumps(
            {
                "access_key": ACCESS_KEY,
                "access_key_secret": ACCESS_KEY_SECRET,
                "start_date": f"{START}T00:00:00Z",
            }
        ),
    }
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryFile("w+b") as out:
        for name, text in inputs.items():
            (Path(work) / name).write_text(text)
        began = time.monotonic()
        subprocess.run(
            [
                *(folder / "bin" / "source-declarative-manifest", "read"),
                *("--config", "config.json", "--catalog", "catalog.json"),
                *("--manifest-path", "manifest.yaml"),
            ],
            cwd=work,
            stdout=out,
            check=True,
        )
        seconds = time.monotonic() - began
        out.seek(0)
        records = sum(json.loads(line)["type"] == "RECORD" for line in out)
    return seconds, records


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--latency", type=float, default=0, help="seconds a page")
    parser.add_argument("--rounds", type=int, default=3)
    default = Path(tempfile.gettempdir()) / "tap-gong-beside-airbyte"
    parser.add_argument("--environment", type=Path, default=default)
    chosen = parser.parse_args()
    install(chosen.environment)
    ours, theirs = [], []
    with sandbox(
        calls=chosen.calls, requests_per_second=0, latency=chosen.latency
    ) as url:
        for _ in range(chosen.rounds):
            run = run_tap(
                url, start_date=START, end_date=END, requests_per_second=10_000
            )
            seconds, records = run_airbyte(chosen.environment, url)
            if not run.records == records == chosen.calls:
                sys.exit(f"{run.records} and {records} records of {chosen.calls}")
            ours.append(run.seconds)
            theirs.append(seconds)
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    rows = [
        (name, f"{statistics.median(times):.1f} s", f"{factor:.1f}")
        for name, times, factor in (
            ("tap-gong", ours, ratio),
            (f"Airbyte ({SOURCE} on {CDK})", theirs, 1),
        )
    ]
    print_table(
        (f"{chosen.calls:,} calls by", "took (median)", "records/s, ratio"), rows
    )


if __name__ == "__main__":
    main()
