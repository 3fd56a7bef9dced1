"""`meltano run` from Gong's stand-in into files that a person can query."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tap_gong.sandbox import Sandbox
    from tests.e2e.conftest import Meltano

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 14),
    reason="duckdb<1.3, which target-duckdb 0.8.0 needs, has no wheel for Python 3.14",
)


def settings(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """The environment that points the tap to a sandbox."""
    values = {
        "access_key": sandbox.access_key,
        "access_key_secret": sandbox.access_key_secret,
        "api_url": sandbox.url,
        "requests_per_second": "99.5",
    } | more
    return {f"TAP_GONG_{name.upper()}": value for name, value in values.items()}


def query(meltano: Meltano, sql: str) -> list[dict[str, Any]]:
    """Ask the DuckDB file, with the DuckDB that the loader brought."""
    python = next(
        meltano.project.glob(".meltano/loaders/target-duckdb/venv/bin/python")
    )
    script = (
        "import duckdb, json, sys\n"
        "found = duckdb.connect('output/warehouse.duckdb', read_only=True)"
        ".execute(sys.argv[1])\n"
        "names = [column[0] for column in found.description]\n"
        "rows = [dict(zip(names, row)) for row in found.fetchall()]\n"
        "print(json.dumps(rows, default=str))\n"
    )
    done = subprocess.run(
        [python, "-c", script, sql],
        cwd=meltano.project,
        capture_output=True,
        text=True,
        check=True,
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def utc(timestamp: str | None) -> dt.datetime | None:
    """An instant, however it is written; without an offset it is UTC."""
    if timestamp is None:
        return None
    moment = dt.datetime.fromisoformat(timestamp)
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def test_calls_by_id_into_duckdb(meltano: Meltano, sandbox: Sandbox) -> None:
    ids = [*sandbox.world.ids[:60], *(i for i in sandbox.world.ids if len(i) == 20)]
    wanted = list(dict.fromkeys(ids))[:80]
    for _ in range(2):
        meltano(
            *("run", "tap-gong", "target-duckdb"),
            **settings(sandbox, call_ids=",".join(wanted)),
        )
    rows = {row["id"]: row for row in query(meltano, "select * from calls")}
    count = query(meltano, "select count(*) as n from calls")
    assert count == [{"n": len(wanted)}]
    assert rows.keys() == set(wanted)
    for id_ in wanted:
        call = sandbox.world.call(id_) or {}
        row = rows[id_]
        for name in ("started", "scheduled"):
            assert utc(row[name]) == utc(call.get(name)), name
        for name in ("title", "duration", "isPrivate", "workspaceId", "url"):
            assert row[name.lower()] == call.get(name), name


def test_calls_by_id_into_json_lines(meltano: Meltano, sandbox: Sandbox) -> None:
    wanted = list(sandbox.world.ids[:20])
    meltano(
        *("run", "tap-gong", "target-jsonl"),
        **settings(sandbox, call_ids=json.dumps(wanted)),
    )
    lines = (meltano.project / "output" / "calls.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == wanted
