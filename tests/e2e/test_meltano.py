"""`meltano run` from Gong's stand-in into files that a person can query."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.call_tables import KEYS
from tests.e2e import odd, warehouse
from tests.e2e.conftest import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_gong.sandbox import Sandbox
    from tests.e2e.conftest import Meltano

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 14),
    reason="duckdb<1.3, which target-duckdb 0.8.0 needs, has no wheel for Python 3.14",
)

START = "2024-10-30"
"""Before the first call of the sandbox's company."""


def stored_by_duckdb(text: str) -> str | None:
    """The loader's CSV has no empty text."""
    return text or None


@pytest.fixture
def late(sandbox: Sandbox) -> str:
    """The ID of a call of yesterday that Gong does not show yet."""
    started = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    sandbox.world.add({"id": "18446744073709551615", "started": started.isoformat()})
    sandbox.hidden.add("18446744073709551615")
    return "18446744073709551615"


def periods(sandbox: Sandbox, name: str) -> list[dt.datetime]:
    """One of the two dates of all requests so far, which are then forgotten."""
    found = [dt.datetime.fromisoformat(r.query[name]) for r in sandbox.requests]
    sandbox.requests.clear()
    return found


def test_calls_by_id_into_duckdb(meltano: Meltano, sandbox: Sandbox) -> None:
    ids = [*sandbox.world.ids[:60], *(i for i in sandbox.world.ids if len(i) == 20)]
    wanted = list(dict.fromkeys(ids))[:80]
    for _ in range(2):
        meltano(
            *("run", "tap-gong", "target-duckdb"),
            **settings(sandbox, call_ids=",".join(wanted)),
        )
    calls: list[dict[str, Any]] = [sandbox.world.call(id_) or {} for id_ in wanted]
    odd.check(meltano.duckdb("select * from calls"), calls, stored_by_duckdb)


def test_calls_by_id_into_json_lines(meltano: Meltano, sandbox: Sandbox) -> None:
    wanted = list(sandbox.world.ids[:20])
    meltano(
        *("run", "tap-gong", "target-jsonl"),
        **settings(sandbox, call_ids=json.dumps(wanted)),
    )
    lines = (meltano.project / "output" / "calls.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == wanted


def assert_the_second_run_brings_the_late_one(
    run: Callable[[], list[str]], sandbox: Sandbox, late: str
) -> None:
    everything = sorted(sandbox.world.ids)
    assert sorted(run()) == [id_ for id_ in everything if id_ != late]
    first_end = max(periods(sandbox, "toDateTime"))
    sandbox.hidden.clear()
    assert sorted(run()) == everything
    assert min(periods(sandbox, "fromDateTime")) == first_end - dt.timedelta(days=3)


def test_calls_by_date_into_duckdb(
    meltano: Meltano, sandbox: Sandbox, tmp_path: Path, late: str
) -> None:
    path = tmp_path / "calls.duckdb"

    def run() -> list[str]:
        meltano(
            *("run", "--state-id-suffix", "by-date", "tap-gong", "target-duckdb"),
            **settings(sandbox, start_date=START),
            TARGET_DUCKDB_PATH=str(path),
        )
        return [row["id"] for row in meltano.duckdb("select id from calls", path)]

    assert_the_second_run_brings_the_late_one(run, sandbox, late)


def test_calls_by_date_into_json_lines(
    meltano: Meltano, sandbox: Sandbox, tmp_path: Path, late: str
) -> None:
    def run() -> list[str]:
        meltano(
            *("run", "--state-id-suffix", "by-date", "tap-gong", "target-jsonl"),
            **settings(sandbox, start_date=START),
            TARGET_JSONL_DESTINATION_PATH=str(tmp_path),
        )
        lines = (tmp_path / "calls.jsonl").read_text().splitlines()
        return [json.loads(line)["id"] for line in lines]

    # Lines are appended: a call within the look-back would stand there twice.
    assert_the_second_run_brings_the_late_one(run, sandbox, late)


def test_odd_calls_into_duckdb(
    meltano: Meltano, make_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = make_sandbox(calls=0)
    calls = odd.add_to(sandbox)
    path = tmp_path / "calls.duckdb"
    meltano(
        *("run", "--state-id-suffix", "odd", "tap-gong", "target-duckdb"),
        **settings(sandbox, call_ids=",".join(sandbox.world.ids), call_lookup="batch"),
        TARGET_DUCKDB_PATH=str(path),
    )
    odd.check(meltano.duckdb("select * from calls", path), calls, stored_by_duckdb)


def test_all_tables_into_duckdb_and_a_second_run(
    meltano: Meltano, make_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = warehouse.company(make_sandbox)
    path = tmp_path / "gong.duckdb"

    def ask(sql: str) -> list[dict[str, Any]]:
        return meltano.duckdb(sql, path)

    def run() -> str:
        return meltano(
            *("run", "--state-id-suffix", "tables", "tap-gong", "target-duckdb"),
            **settings(sandbox, start_date=warehouse.START, lookback_days="30"),
            TAP_GONG__SELECT=json.dumps(
                ["*.*", "!calls_extensive.parties.emailAddress"]
            ),
            TARGET_DUCKDB_PATH=str(path),
        )

    first = run()
    warehouse.check(ask, "main", sandbox.world)
    nested = [
        party
        for (parties,) in (
            row.values() for row in ask("select parties from calls_extensive")
        )
        for party in json.loads(parties or "[]")
    ]
    assert any("name" in party for party in nested)
    assert not any("emailAddress" in party for party in nested)

    warehouse.check_look_back(first, run())
    warehouse.check(ask, "main", sandbox.world)


def test_only_calls_are_selected_and_the_others_can_be_listed(meltano: Meltano) -> None:
    listed = meltano("select", "tap-gong", "--list", "--all")
    found = re.findall(r"\[(\w+) *\] (\w+)\.", listed)
    assert {stream for _, stream in found} == KEYS.keys()
    assert {stream for mark, stream in found if mark == "selected"} == {"calls"}


class Nights:
    """Runs of one pipeline into JSON lines, whose states Meltano merges."""

    def __init__(self, meltano: Meltano, folder: Path, name: str) -> None:
        self._meltano = meltano
        self._folder = folder
        self._name = name

    def run(self, sandbox: Sandbox, *options: str, **asked: str) -> tuple[int, Any]:
        """Run once; the exit status and the IDs that arrived."""
        file = self._folder / "calls.jsonl"
        file.unlink(missing_ok=True)
        done = self._meltano.attempt(
            *("run", "--state-id-suffix", self._name, "--state-strategy", "merge"),
            *options,
            *("tap-gong", "target-jsonl"),
            **settings(sandbox, **asked),
            TARGET_JSONL_DESTINATION_PATH=str(self._folder),
        )
        lines = file.read_text().splitlines() if file.exists() else []
        return done.returncode, [json.loads(line)["id"] for line in lines]


def test_a_position_does_not_outlive_its_pass_when_states_are_merged(
    meltano: Meltano,
    make_sandbox: Callable[..., Sandbox],
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    wanted = list(sandbox.world.ids[:160])
    asked = {"call_ids": json.dumps(wanted), "max_concurrency": "1"}
    nights = Nights(meltano, tmp_path, "merged-ids")
    status, first = nights.run(make_sandbox(requests_per_day=120), **asked)
    assert status != 0
    assert first == wanted[:120]
    assert nights.run(sandbox, **asked) == (0, wanted[120:])
    # Where null stands now, Meltano could not merge an object.
    status, again = nights.run(make_sandbox(requests_per_day=120), **asked)
    assert status != 0
    assert again == wanted[:120]
    assert nights.run(sandbox, **asked) == (0, wanted[120:])
    assert nights.run(sandbox, **asked) == (0, wanted)


def test_a_pass_by_date_ends_when_states_are_merged(
    meltano: Meltano,
    make_sandbox: Callable[..., Sandbox],
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    asked = {"start_date": START, "max_concurrency": "1", "lookback_days": "400"}
    everything = set(sandbox.world.ids)
    nights = Nights(meltano, tmp_path, "merged-dates")
    status, first = nights.run(make_sandbox(requests_per_day=7), **asked)
    assert status != 0
    status, second = nights.run(sandbox, **asked)
    assert (status, {*first, *second}) == (0, everything)
    status, third = nights.run(sandbox, **asked)
    assert status == 0
    assert set(sandbox.world.ids[-500:]) <= set(third) < everything
    # A full refresh reads all again, and leaves a bookmark like any other run.
    status, refreshed = nights.run(sandbox, "--full-refresh", **asked)
    assert (status, set(refreshed)) == (0, everything)
    status, after = nights.run(sandbox, **asked)
    assert (status, set(after)) == (0, set(third))


@pytest.fixture
def kept_project(meltano: Meltano) -> Iterator[Meltano]:
    """Meltano, with its project file as it was afterwards."""
    path = meltano.project / "meltano.yml"
    before = path.read_text()
    yield meltano
    path.write_text(before)


def test_the_readme_deselects_a_column(
    kept_project: Meltano, sandbox: Sandbox, tmp_path: Path
) -> None:
    wanted = list(sandbox.world.ids[:20])
    readme = (kept_project.project / "README.md").read_text()
    commands = re.findall("^meltano select .*", readme, re.MULTILINE)
    for command in commands:
        kept_project(*shlex.split(command)[1:])
    kept_project(
        *("run", "--state-id-suffix", "select", "tap-gong", "target-jsonl"),
        **settings(sandbox, call_ids=",".join(wanted)),
        TARGET_JSONL_DESTINATION_PATH=str(tmp_path),
    )
    lines = (tmp_path / "calls.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["id"] for record in records] == wanted
    assert any("url" in record for record in records)
    assert not any("title" in record for record in records)


def test_an_error_is_shown_as_one(meltano: Meltano, sandbox: Sandbox) -> None:
    done = meltano.attempt(
        *("run", "tap-gong", "target-jsonl"), **settings(sandbox, call_ids="12a")
    )
    assert done.returncode != 0
    assert re.search(r"\[error +\] tap-gong +call_ids: '12a' is not", done.stdout)
    assert sandbox.requests == []


def test_a_blank_variable_does_not_stand_in_the_way_of_a_date(
    meltano: Meltano, sandbox: Sandbox, tmp_path: Path
) -> None:
    log = meltano(
        *("run", "--state-id-suffix", "blank", "tap-gong", "target-jsonl"),
        **settings(sandbox, call_ids="", start_date=START),
        TARGET_JSONL_DESTINATION_PATH=str(tmp_path),
    )
    lines = (tmp_path / "calls.jsonl").read_text().splitlines()
    assert len(lines) == len(sandbox.world.ids)
    # What Meltano itself sets in the environment is not taken for a mistyped setting.
    assert "[warning" not in "".join(re.findall(r".*tap-gong .*", log))
