"""The README: its table of streams, and its SQL."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_gong.sandbox.routes.scopes import SCOPES
from tap_gong.tap import TapGong

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import TapRunner

README = (Path(__file__).parent.parent / "README.md").read_text()
ROWS = re.findall(
    r"^\| `(\w+)` \| (.*?) \| .*? \| (.*?) \| .* \|$",
    README.partition("## Streams")[2].partition("###")[0],
    re.MULTILINE,
)


def test_the_table_has_a_row_for_each_stream_in_order() -> None:
    assert [(name, re.findall(r"`(\w+)`", keys)) for name, keys, _ in ROWS] == [
        (stream.name, [*(stream.primary_keys or ())])
        for stream in TapGong(validate_config=False).streams.values()
    ]


def test_the_table_names_all_scopes() -> None:
    named = [scope for *_, scopes in ROWS for scope in re.findall(r"`(.*?)`", scopes)]
    assert {*named} == {*SCOPES}


def test_the_scopes_of_a_row_are_enough(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: Callable[..., dict[str, Any]],
) -> None:
    for name, _, scopes in ROWS:
        sandbox = make_sandbox(calls=20, scopes=tuple(re.findall(r"`(.*?)`", scopes)))
        run = run_tap(sandbox)(catalog=catalog_of(name), start_date="2024-01-01")
        assert run.status == 0, run.stderr
        assert run.records_of(name), name


def test_the_sql_finds_sentences_with_their_speaker_and_deal(
    tap: TapRunner, sandbox: Sandbox, catalog_of: Callable[..., dict[str, Any]]
) -> None:
    (sql,) = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    streams = re.findall(r"(?:FROM|JOIN) (\w+)", sql)
    ids = list(sandbox.world.ids[:60])
    run = tap(catalog=catalog_of(*streams), call_ids=ids)
    database = sqlite3.connect(":memory:")
    for stream in streams:
        columns = ", ".join(f'"{column}"' for column in run.records_of(stream)[0])
        database.execute(f"CREATE TABLE {stream} ({columns})")
        for record in run.records_of(stream):
            marks = ", ".join("?" * len(record))
            values = [
                json.dumps(value) if isinstance(value, list) else value
                for value in record.values()
            ]
            database.execute(f"INSERT INTO {stream} VALUES ({marks})", values)  # noqa: S608
    found = database.execute(sql).fetchall()
    database.close()
    deals = Counter(
        linked["callId"]
        for linked in run.records_of("call_crm_objects")
        if (linked["objectType"], linked["timing"]) == ("Opportunity", "Now")
    )
    sentences = run.records_of("call_transcript_sentences")
    assert len(found) == sum(deals[sentence["callId"]] for sentence in sentences)
    assert len(found) > 100
    assert any(speaker for _, speaker, *_ in found)
