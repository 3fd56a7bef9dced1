"""Calls by ID, from the command line to the messages, over HTTP."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

UNKNOWN = "99999999999999999999"
FIELDS = (
    *("id", "url", "title", "scheduled", "started", "duration", "primaryUserId"),
    *("direction", "system", "scope", "media", "language", "workspaceId"),
    *("sdrDisposition", "clientUniqueId", "customData", "purpose", "meetingUrl"),
    *("isPrivate", "calendarEventId"),
)
"""All fields of Gong's CallBasicData."""


def expected(call: dict[str, Any]) -> dict[str, Any]:
    """What the tap makes of a call, by another way than the tap's."""
    record = dict.fromkeys(FIELDS) | call
    for name in ("scheduled", "started"):
        if value := record.get(name):
            moment = dt.datetime.fromisoformat(value)
            utc = moment.astimezone(dt.UTC)
            record[name] = utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return record


def test_records_come_in_order_and_field_by_field(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    wanted = [*sandbox.world.ids[40:79], UNKNOWN]
    run = tap(call_ids=wanted)
    assert run.status == 0
    assert run.ids == wanted[:-1]
    assert run.records == [expected(sandbox.world.call(id_) or {}) for id_ in run.ids]
    assert len(sandbox.requests) == 40
    assert {request.method for request in sandbox.requests} == {"GET"}


def test_every_record_is_valid_by_the_emitted_schema(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    run = tap(call_ids=list(sandbox.world.ids[:300]))
    validator = jsonschema.Draft7Validator(
        run.schema | {"additionalProperties": False},
        format_checker=jsonschema.FormatChecker(),
    )
    assert len(run.records) == 300
    for record in run.records:
        validator.validate(record)


def test_20_digits_stay_exact(tap: TapRunner, sandbox: Sandbox) -> None:
    long_ids = [id_ for id_ in sandbox.world.ids if len(id_) == 20][:3]
    run = tap(call_ids=[int(id_) for id_ in long_ids])
    assert len(long_ids) == 3
    assert run.ids == long_ids


def test_an_unknown_id_is_told_with_its_request_id(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    known = sandbox.world.ids[0]
    run = tap(call_ids=[UNKNOWN, known])
    assert run.status == 0
    assert run.ids == [known]
    (warning,) = (line for line in run.stderr.splitlines() if "WARNING" in line)
    assert f"{UNKNOWN} (requestId sandbox" in warning
    assert "1 records, 1 absent" in run.stderr


def _by_list(ids: list[str], _: Path) -> dict[str, Any]:
    return {"call_ids": ids}


def _by_text(ids: list[str], _: Path) -> dict[str, Any]:
    return {"call_ids": ", ".join(ids)}


def _by_json_text(ids: list[str], _: Path) -> dict[str, Any]:
    return {"call_ids": json.dumps([int(id_) for id_ in ids])}


def _by_file(ids: list[str], folder: Path) -> dict[str, Any]:
    path = folder / "ids.txt"
    path.write_text("# calls\n\n" + "\r\n".join(ids))
    return {"call_ids_file": str(path)}


def _by_list_and_file(ids: list[str], folder: Path) -> dict[str, Any]:
    return {"call_ids": ids[:2]} | _by_file(ids[1:], folder)


@pytest.mark.parametrize(
    "source", [_by_list, _by_text, _by_json_text, _by_file, _by_list_and_file]
)
def test_ids_come_from_settings(
    tap: TapRunner,
    sandbox: Sandbox,
    tmp_path: Path,
    source: Callable[[list[str], Path], dict[str, Any]],
) -> None:
    wanted = list(sandbox.world.ids[10:14])
    run = tap(**source([*wanted, wanted[0]], tmp_path))
    assert run.ids == wanted
    assert len(sandbox.requests) == len(wanted)


def test_settings_come_from_the_environment(
    tap: TapRunner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tap.config.items():
        monkeypatch.setenv(f"TAP_GONG_{name.upper()}", str(value))
    monkeypatch.setenv("TAP_GONG_CALL_IDS", ",".join(sandbox.world.ids[:2]))
    monkeypatch.setenv("TAP_GONG_FLATTENING_SEPARATOR", "__")
    run = tap("--config=ENV")
    assert run.ids == list(sandbox.world.ids[:2])


def test_settings_come_from_a_dotenv_file_in_the_working_folder(
    tap: TapRunner, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tap.config | {"call_ids": sandbox.world.ids[0], "api_url": "unused"}
    monkeypatch.setenv("TAP_GONG_API_URL", sandbox.url)
    (tmp_path / ".env").write_text(
        "".join(f"TAP_GONG_{name.upper()}={settings[name]}\n" for name in settings)
    )
    run = tap("--config=ENV")
    assert run.ids == [sandbox.world.ids[0]]


def test_blank_variables_are_not_set_and_unknown_ones_are_named(
    tap: TapRunner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tap.config.items():
        monkeypatch.setenv(f"TAP_GONG_{name.upper()}", str(value))
    for name in ("CALL_IDS", "STREAM_MAPS", "FLATTENING_ENABLED", "LOOKBACK_DAYS"):
        monkeypatch.setenv(f"TAP_GONG_{name}", "")
    monkeypatch.setenv("TAP_GONG_START_DATE", "2024-10-30")
    monkeypatch.setenv("TAP_GONG_FLATTENING_SEPARATOR", "__")
    monkeypatch.setenv("TAP_GONG_ENDDATE", "2025-01-01")
    run = tap("--config=ENV")
    assert sorted(run.ids) == sorted(sandbox.world.ids)
    (warning,) = [line for line in run.stderr.splitlines() if "| WARNING " in line]
    assert "ignored: TAP_GONG_ENDDATE (did you mean TAP_GONG_END_DATE?)." in warning
    assert "2025-01-01" not in warning


def test_the_queue_in_state_goes_first_and_empties(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    ids = sandbox.world.ids
    state = {"bookmarks": {"calls": {"call_ids": list(ids[:25])}}}
    run = tap(state=state, call_ids=list(ids[20:40]))
    assert run.ids == list(ids[:40])
    assert len(sandbox.requests) == 40
    assert run.bookmark == {"call_ids": []}


def test_the_queue_alone_is_a_source(tap: TapRunner, sandbox: Sandbox) -> None:
    wanted = sandbox.world.ids[7]
    state = {"bookmarks": {"calls": {"call_ids": [UNKNOWN, int(wanted)]}}}
    run = tap(state=state)
    assert run.ids == [wanted]
    assert run.bookmark == {"call_ids": []}
    again = tap(state=run.state)
    assert again.status == 0
    assert again.records == []


@pytest.mark.parametrize("empty", [[], "", "[]"])
def test_a_night_with_nothing_to_do(
    tap: TapRunner, sandbox: Sandbox, empty: object
) -> None:
    run = tap(call_ids=empty)
    assert run.status == 0
    assert run.schema
    assert run.records == []
    assert sandbox.requests == []


def test_a_field_that_gong_adds_stays_out(tap: TapRunner, sandbox: Sandbox) -> None:
    call = (sandbox.world.call(sandbox.world.ids[0]) or {}) | {"sentiment": "grumpy"}
    call["id"] = "123"
    sandbox.world.add(call)
    run = tap(call_ids="123")
    assert run.status == 0
    assert "sentiment" not in run.records[0]
    assert run.records[0]["title" if "title" in call else "url"]


def test_a_deselected_property_appears_nowhere(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    catalog = catalog_without(tap("--discover"), "title", "meetingUrl")
    wanted = list(sandbox.world.ids[:5])
    run = tap(catalog=catalog, call_ids=wanted)
    assert run.ids == wanted
    for name in ("title", "meetingUrl"):
        assert name not in run.schema["properties"]
        assert not any(name in record for record in run.records)


def catalog_without(discovery: Run, *names: str) -> dict[str, Any]:
    catalog: dict[str, Any] = discovery.catalog
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"][-1:] and entry["breadcrumb"][-1] in names:
            entry["metadata"]["selected"] = False
    return catalog


def test_a_property_that_the_catalog_lacks_stays_out(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    catalog: dict[str, Any] = tap("--discover").catalog
    del catalog["streams"][0]["schema"]["properties"]["url"]
    run = tap(catalog=catalog, call_ids=sandbox.world.ids[0])
    assert "url" not in run.schema["properties"]
    assert "url" not in run.records[0]
    assert "started" in run.records[0]


def test_batch_config_is_refused(tap: TapRunner, sandbox: Sandbox) -> None:
    run = tap(call_ids=sandbox.world.ids[0], batch_config={"encoding": {}})
    assert run.status == 1
    assert "batch_config" in run.errors[0]
    assert sandbox.requests == []


def test_stream_maps_apply(tap: TapRunner, sandbox: Sandbox) -> None:
    maps = {"calls": {"url": "md5(url)", "title": "__NULL__"}}
    run = tap(call_ids=sandbox.world.ids[0], stream_maps=maps)
    assert len(run.records[0]["url"]) == 32
    assert "title" not in run.records[0]


def test_the_readmes_stream_map_takes_every_call(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    """Also one that lacks the field, or has null there."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (maps,) = re.findall(r'^{"stream_maps": .*$', readme, re.MULTILINE)
    wanted = list(sandbox.world.ids[:300])
    run = tap(call_ids=wanted, **json.loads(maps))
    assert run.ids == wanted
    calls = [sandbox.world.call(id_) or {} for id_ in wanted]
    assert any("title" not in call for call in calls)
    for call, record in zip(calls, run.records, strict=True):
        title = call.get("title")
        hashed = title and hashlib.md5(str(title).encode()).hexdigest()  # noqa: S324
        assert record["title"] == hashed
        assert "meetingUrl" not in record


def test_credentials_go_to_gong_and_nowhere_else(
    tap: TapRunner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_GONG_LOGLEVEL", "DEBUG")
    secret = "sesame-street"
    run = tap(call_ids=sandbox.world.ids[0], access_key_secret=secret)
    token = base64.b64encode(f"{sandbox.access_key}:{secret}".encode()).decode()
    assert run.status == 1
    assert "DEBUG" in run.stderr
    assert secret not in run.stderr
    assert token not in run.stderr
