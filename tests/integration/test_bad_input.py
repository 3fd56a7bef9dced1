"""What a user gets wrong: one sentence, exit status 1, and no request sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Json, Run, TapRunner


def assert_refused(run: Run, sandbox: Sandbox, *words: str) -> None:
    assert run.status == 1
    assert run.stdout == ""
    (sentence,) = run.errors
    for word in words:
        assert word in sentence
    assert "Traceback" not in run.stderr
    assert sandbox.access_key_secret not in run.stderr
    assert sandbox.requests == []


BAD_SETTINGS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"call_ids": "12a"}, ("call_ids", "'12a'")),
    ({"call_ids": ["1", "../users"]}, ("call_ids", "'../users'")),
    ({"call_ids": "1?x=2"}, ("call_ids", "'1?x=2'")),
    ({"call_ids": "1" * 21}, ("call_ids", "1" * 21)),
    ({"call_ids": [1.5]}, ("call_ids", "1.5")),
    ({"call_ids": {"id": 1}}, ("call_ids",)),
    ({"call_ids": "[1"}, ("call_ids",)),
    ({"call_ids_file": "no/such/file"}, ("call_ids_file", "no/such/file")),
    ({"call_ids_file": "."}, ("call_ids_file", "'.'")),
    ({"access_key": None}, ("access_key",)),
    ({"access_key_secret": ""}, ("access_key_secret",)),
    ({"access_key": "", "access_key_secret": None}, ("access_key and access_key_s",)),
    ({"access_key": 5}, ("access_key",)),
    ({"call_ids": None}, ("call_ids", "call_ids_file")),
    ({"api_url": "http://api.gong.io"}, ("api_url", "http://api.gong.io")),
    ({"api_url": "gong"}, ("api_url", "'gong'")),
    ({"api_url": "https://"}, ("api_url", "'https://'")),
    ({"api_url": 5}, ("api_url", "5")),
    ({"request_per_second": 2}, ("request_per_second", "requests_per_second")),
    ({"requests_per_second": 0}, ("requests_per_second", "0")),
    ({"requests_per_second": "fast"}, ("requests_per_second", "'fast'")),
    ({"max_concurrency": 1.5}, ("max_concurrency", "1.5")),
    ({"max_wait_seconds": -1}, ("max_wait_seconds", "-1")),
    ({"request_timeout_seconds": True}, ("request_timeout_seconds", "True")),
    ({"user_agent": "a\nb"}, ("user_agent",)),
    ({"stream_maps": []}, ("stream_maps",)),
]


@pytest.mark.parametrize(("settings", "words"), BAD_SETTINGS)
def test_a_bad_setting(
    tap: TapRunner, sandbox: Sandbox, settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    assert_refused(tap(**{"call_ids": "1"} | settings), sandbox, *words)


def test_a_bad_line_in_the_file(
    tap: TapRunner, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "ids"
    path.write_text("1\n\n# two\n2x\n")
    assert_refused(tap(call_ids_file=str(path)), sandbox, "line 4", "'2x'")


def test_a_bad_id_in_the_queue(tap: TapRunner, sandbox: Sandbox) -> None:
    state = {"bookmarks": {"calls": {"call_ids": ["1", "x"]}}}
    assert_refused(tap(state=state), sandbox, "state: calls.call_ids", "'x'")


@pytest.mark.parametrize(
    "state",
    [
        *({"bookmarks": 5}, {"bookmarks": {"calls": []}}, [1], 5, "text"),
        *({"value": 5}, {"calls": {}}, {"type": "RECORD", "record": {}}),
    ],
)
def test_a_state_that_is_none(tap: TapRunner, sandbox: Sandbox, state: Json) -> None:
    assert_refused(tap(state=state, call_ids="1"), sandbox, "state")


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": None},
        {"bookmarks": {"users": {"partitions": [{"context": {"a": 1}}]}}},
        {"bookmarks": {"calls": {"position": 5}}},
        {"bookmarks": {"calls": {"position": {"of": "0", "done": 3}}}},
        {"bookmarks": {"calls": {"call_ids": None, "replication_key_value": None}}},
        {"value": {"bookmarks": {}}},
    ],
)
def test_any_other_state_is_accepted(
    tap: TapRunner, sandbox: Sandbox, state: dict[str, Any]
) -> None:
    wanted = list(sandbox.world.ids[:2])
    run = tap(state=state, call_ids=wanted)
    assert run.status == 0
    assert run.ids == wanted


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
@pytest.mark.parametrize(
    "text", [None, "", "{", "[1]", "\udcff", "5", '{"streams": 5}']
)
def test_a_broken_input_file(
    tap: TapRunner, sandbox: Sandbox, tmp_path: Path, option: str, text: str | None
) -> None:
    good = tmp_path / "good.json"
    good.write_text(json.dumps(tap.config | {"call_ids": sandbox.world.ids[0]}))
    bad = tmp_path / "bad.json"
    if text is not None:
        bad.write_bytes(text.encode(errors="surrogateescape"))
    run = tap("--config", str(good), option, str(bad))
    if option != "--config" or text != '{"streams": 5}':
        assert run.status in {1, 2}
        assert "Traceback" not in run.stderr
        assert sandbox.requests == []
        assert option.strip("-") in run.stderr


def select(catalog: Json, name: str, **metadata: object) -> None:
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"] == ["properties", name]:
            entry["metadata"] = metadata


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (None, ("key 'id'", "--discover")),
        ({"type": "integer"}, ("'id'", "string")),
    ],
)
def test_a_catalog_that_is_not_true_of_the_records(
    tap: TapRunner, sandbox: Sandbox, schema: Json | None, words: tuple[str, ...]
) -> None:
    catalog = tap("--discover").catalog
    properties = catalog["streams"][0]["schema"]["properties"]
    if schema is None:
        del properties["id"]
    else:
        properties["id"] = schema
    run = tap(catalog=catalog, call_ids="1")
    assert_refused(run, sandbox, "catalog", "'calls'", *words)


def test_a_catalog_that_does_not_select_the_key(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    catalog = tap("--discover").catalog
    select(catalog, "id", inclusion="available", selected=False)
    run = tap(catalog=catalog, call_ids="1")
    assert_refused(run, sandbox, "catalog", "'calls'", "key 'id'")


def test_a_property_that_is_not_selected_may_have_any_type(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    catalog = tap("--discover").catalog
    catalog["streams"][0]["schema"]["properties"]["title"] = {"type": "integer"}
    select(catalog, "title", inclusion="available", selected=False)
    run = tap(catalog=catalog, call_ids=sandbox.world.ids[0])
    assert run.status == 0
    assert "title" not in run.records[0]


def test_a_stream_that_is_not_selected_may_have_any_schema(tap: TapRunner) -> None:
    catalog = tap("--discover").catalog
    catalog["streams"][0]["metadata"] = [
        {"breadcrumb": [], "metadata": {"selected": False}}
    ]
    del catalog["streams"][0]["schema"]["properties"]["id"]
    assert tap(catalog=catalog, call_ids="1").status == 0


@pytest.mark.parametrize("expression", ["1 / 0", "title + 5", "no_such(title)"])
def test_a_stream_map_that_fails_on_a_record(
    tap: TapRunner, sandbox: Sandbox, expression: str
) -> None:
    stream_maps = {"calls": {"x": f"str({expression})"}}
    run = tap(call_ids=sandbox.world.ids[0], stream_maps=stream_maps)
    assert run.status == 1
    assert run.records == []
    (sentence,) = run.errors
    assert "expression" in sentence
    assert "bug" not in sentence


def test_unknown_option(tap: TapRunner, sandbox: Sandbox) -> None:
    run = tap("--nonsense")
    assert run.status == 2
    assert sandbox.requests == []
