"""The JSON files of the command line, before the SDK reads them."""

from __future__ import annotations

import io
import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.errors import SettingsError
from tap_gong.singer.files import (
    bookmarks_of,
    catalog_file,
    check_catalog,
    check_config_file,
    state_file,
)
from tap_gong.tap import TapGong
from tests.unit.conftest import brief

if TYPE_CHECKING:
    from pathlib import Path

KEY_OF_NO_NAME = {"breadcrumb": [], "metadata": {"table-key-properties": 5}}
ENTRY = {"tap_stream_id": "calls", "schema": {"properties": {"id": {}}}}

BOOKMARKS = {"calls": {"call_ids": ["1"]}, "users": {}}
STATE = {"bookmarks": BOOKMARKS}


def nested(items: object) -> dict[str, Any]:
    """A catalog with a list in it."""
    properties = {"id": {}, "x": {"type": "array", "items": items}}
    return {"streams": [ENTRY | {"schema": {"properties": properties}}]}


def as_file(content: object) -> io.StringIO:
    return io.StringIO(json.dumps(content))


@pytest.mark.parametrize(
    "state",
    [
        STATE,
        STATE | {"currently_syncing": "calls"},
        STATE | {"value": 5},
        {"type": "STATE", "value": STATE},
        {"value": STATE},
        {"singer_state": STATE},
        {"completed": {"singer_state": STATE}, "partial": {}},
        {"completed": {}, "partial": {"singer_state": STATE}},
        {"completed": {"singer_state": STATE}},
    ],
    ids=brief,
)
def test_a_state_in_any_wrapping(state: dict[str, Any]) -> None:
    assert state_file(as_file(state)) == STATE
    assert bookmarks_of(state) == STATE


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"value": {}},
        {"type": "STATE", "value": {}},
        {"singer_state": {}},
        {"value": None},
        {"completed": {}, "partial": {}},
        {"completed": {"singer_state": {}}},
    ],
    ids=brief,
)
def test_a_state_to_begin_anew(state: dict[str, Any]) -> None:
    assert state_file(as_file(state)) == {}


def test_bookmarks_may_be_null() -> None:
    assert bookmarks_of({"bookmarks": None}) == {"bookmarks": {}}


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (5, "state must be a JSON object, not a whole number."),
        (None, "state must be a JSON object, not null."),
        ({"bookmarks": 5}, "state: bookmarks must be a JSON object, not a who"),
        (
            {"bookmarks": {"calls": []}},
            "state: bookmarks.calls must be a JSON object, ",
        ),
        (
            {"value": {"bookmarks": []}},
            "state: bookmarks must be a JSON object,",
        ),
        ({"streams": []}, "state must have 'bookmarks', .* It has 'streams'."),
        ({"value": 5}, "It has 'value'."),
        ({"type": "RECORD", "record": {}}, "It has 'type', 'record'."),
        ({"value": {"calls": {}}}, "It has 'calls'."),
        (
            {"completed": {"singer_state": STATE}, "partial": {"singer_state": STATE}},
            "It has 'completed', 'partial'.",
        ),
    ],
    ids=brief,
)
def test_what_is_no_state_is_named(state: object, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as caught:
        state_file(as_file(state))
    assert str(caught.value).startswith("state")


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_state_file_is_no_fresh_start(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^state is empty\. To start again, leave"):
        state_file(io.StringIO(text))


@pytest.mark.parametrize(
    "catalog",
    [
        {"streams": []},
        {"streams": [ENTRY], "x": 1},
        {"streams": [ENTRY | {"key_properties": None, "metadata": []}]},
        {"streams": [ENTRY | {"stream": "calls"}]},
    ],
    ids=brief,
)
def test_a_catalog_can_be_read_again(catalog: object) -> None:
    assert catalog_file(as_file(catalog)) == catalog


def test_the_catalog_of_the_tap_can_be_read_again() -> None:
    """Only the metadata inside lists, for which the SDK has no use, is left out."""
    catalog = json.loads(TapGong(validate_config=False).catalog_json_text)
    read = catalog_file(as_file(catalog))
    left_out = 0
    for stream in catalog["streams"]:
        outside = [
            item
            for item in stream["metadata"]
            if is_outside_lists(stream["schema"], item["breadcrumb"])
        ]
        left_out += len(stream["metadata"]) - len(outside)
        stream["metadata"] = outside
    assert left_out
    assert read == catalog


def is_outside_lists(schema: dict[str, Any], breadcrumb: list[str]) -> bool:
    for keyword in breadcrumb:
        if keyword not in schema:
            return False
        schema = schema[keyword]
    return True


@pytest.mark.parametrize("name", ["replication-method", "forced-replication-method"])
def test_a_replication_method_in_the_metadata_counts(name: str) -> None:
    for method, counts in {"FULL_TABLE": "FULL_TABLE", "INCREMENTAL": "x"}.items():
        metadata = [
            {"breadcrumb": ["properties", "id"], "metadata": {name: "FULL_TABLE"}},
            {"breadcrumb": [], "metadata": {name: method}},
        ]
        entry = ENTRY | {"replication_method": "x", "metadata": metadata}
        (read,) = catalog_file(as_file({"streams": [entry]}))["streams"]
        assert read == entry | {"replication_method": counts}


def test_nested_properties_that_are_deselected_are_dropped() -> None:
    catalog = nested({"properties": {"y": {}, "z": {}}})
    breadcrumb = ["properties", "x", "items", "properties", "y"]
    mark = {"breadcrumb": breadcrumb, "metadata": {"selected": False}}
    catalog["streams"][0]["metadata"] = [mark]
    dropped = nested({"properties": {"z": {}}})
    dropped["streams"][0]["metadata"] = []
    assert catalog_file(as_file(catalog)) == dropped


@pytest.mark.parametrize(
    ("catalog", "sentence"),
    [
        ([], "catalog must be a JSON object, not a list."),
        ({}, "catalog lacks 'streams'."),
        ({"streams": {}}, "catalog: streams must be a list, not a JSON object."),
        ({"streams": [5]}, "catalog: streams[0] must be a JSON object, not a whole"),
        (
            {"streams": [ENTRY, {}]},
            "catalog: streams[1] lacks 'tap_stream_id' and 'schema'.",
        ),
        (
            {"streams": [ENTRY | {"tap_stream_id": 5}]},
            "catalog: streams[0].tap_stream_id must be text, not a whole number.",
        ),
        (
            {"streams": [ENTRY | {"stream": "users"}]},
            "catalog: streams[0].stream must be 'calls', as tap_stream_id is.",
        ),
        (
            {"streams": [ENTRY | {"schema": {"properties": {"id": 1.5}}}]},
            "catalog: streams[0].schema.properties.id must be a JSON object, not a num",
        ),
        (
            nested({"type": 5}),
            "catalog: streams[0].schema.properties.x.items.type must be text or a list",
        ),
        (
            nested({"properties": {"y": True}}),
            "catalog: streams[0].schema.properties.x.items.properties.y must be a JSON",
        ),
        (
            nested([]),
            "catalog: streams[0].schema.properties.x.items must be a JSON object, not",
        ),
        (
            {"streams": [ENTRY | {"schema": {}}]},
            "catalog: streams[0].schema lacks 'properties'.",
        ),
        (
            {"streams": [ENTRY | {"key_properties": "id"}]},
            "catalog: streams[0].key_properties must be a list, not text.",
        ),
        (
            {"streams": [ENTRY | {"key_properties": [True]}]},
            "catalog: streams[0].key_properties[0] must be text, not true or false.",
        ),
        (
            {"streams": [ENTRY | {"metadata": [KEY_OF_NO_NAME]}]},
            "catalog: streams[0].metadata[0].metadata['table-key-properties'] must be ",
        ),
        (
            {"streams": [ENTRY | {"metadata": [{"breadcrumb": []}]}]},
            "catalog: streams[0].metadata[0] lacks 'metadata'.",
        ),
        (
            {"streams": [ENTRY | {"metadata": [{"breadcrumb": [5], "metadata": {}}]}]},
            "catalog: streams[0].metadata[0].breadcrumb[0] must be text",
        ),
    ],
    ids=brief,
)
def test_what_is_wrong_with_a_catalog_is_named(catalog: object, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        catalog_file(as_file(catalog))
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    "text", ["{", "{}{}", "\ufeff{}", "9" * 5_000, "[1e999]"], ids=brief
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^state is not JSON text in UTF-8\.$"):
        state_file(io.StringIO(text))


@pytest.mark.parametrize("depth", [101, 100_000])
def test_what_is_too_deep_is_refused(depth: int) -> None:
    with pytest.raises(SettingsError, match=r"^catalog is nested more than 100 levels"):
        catalog_file(io.StringIO("[" * depth + "]" * depth))


def test_100_levels_are_not_too_deep() -> None:
    with pytest.raises(SettingsError, match=r"^catalog must be a JSON object"):
        catalog_file(io.StringIO("[" * 100 + "]" * 100))


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (
            {"flattening_max_depth": "x"},
            "flattening_max_depth must be a whole number, not text.",
        ),
        ({"stream_maps": []}, "stream_maps must be a JSON object, not a list."),
        (
            {"stream_maps": {"calls": {"title": 5}}},
            "stream_maps.calls.title must be '__NULL__' or text, not a whole number.",
        ),
        ({"stream_maps": {"__else__": 5}}, "stream_maps: __else__ must be '__NULL__'"),
        (
            {"faker_config": {"seed": []}},
            "faker_config.seed must be a number or text or true or false, not a list.",
        ),
        (
            {"stream_maps": {"calls": "x"}},
            "stream_maps.calls must be '__NULL__' or a JSON object, not text.",
        ),
    ],
    ids=brief,
)
def test_settings_of_the_sdk_are_checked_too(
    setting: dict[str, Any], sentence: str
) -> None:
    config = {"access_key": "k", "access_key_secret": "s", "call_ids": "1"}
    with pytest.raises(SettingsError) as caught:
        TapGong(config=config | setting)
    assert str(caught.value).startswith(sentence)


def test_a_config_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    for content in (b"{}", '{"a": "\u00e9"}'.encode()):
        path.write_bytes(content)
        check_config_file(str(path))
    for content, fault in {
        b"": "is empty.",
        b"\xff\xfe{}": "is not JSON text in UTF-8.",
        b'{"a": "\xe9"}': "is not JSON text in UTF-8.",
        b"5": "must be a JSON object, not a whole number.",
    }.items():
        path.write_bytes(content)
        with pytest.raises(SettingsError, match=f"^config {path} {fault}$"):
            check_config_file(str(path))


def test_a_config_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        check_config_file(str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        check_config_file(str(tmp_path))


EMITTED: dict[str, dict[str, Any]] = {
    "id": {"type": "string"},
    "duration": {"type": ["integer", "null"]},
    "isPrivate": {"type": ["boolean", "null"]},
}


@pytest.mark.parametrize(
    "promised",
    [
        {"id": {}},
        {"id": {"type": "string", "maxLength": 20}, "more": {"type": "number"}},
        {"id": {"type": ["null", "string", "number"]}},
        {"id": {}, "duration": {"type": ["null", "integer"]}},
        {"id": {}, "duration": {"type": ["number", "null"]}},
        {"id": {}, "duration": {"type": "number"}},
        {"id": {}, "duration": {"anyOf": [{"type": "string"}]}},
    ],
    ids=brief,
)
def test_a_catalog_may_promise_less(promised: dict[str, Any]) -> None:
    check_catalog("calls", ["id"], EMITTED, promised)
    check_catalog("calls", [], EMITTED, promised)


@pytest.mark.parametrize(
    ("promised", "why"),
    [
        ({}, "lacks its key 'id'"),
        ({"duration": {"type": ["integer", "null"]}}, "lacks its key 'id'"),
        ({"id": {"type": "integer"}}, "'id' in stream 'calls' must allow string."),
        ({"id": {"type": []}}, "'id' in stream 'calls' must allow string."),
        ({"id": {"type": [["string"]]}}, "'id' in stream 'calls' must allow string."),
        ({"id": {}, "duration": {"type": "string"}}, "must allow integer."),
        ({"id": {}, "isPrivate": {"type": ["integer", "null"]}}, "allow boolean."),
        (
            {"isPrivate": {"type": "null"}, "duration": {"type": "null"}, "id": {}},
            "'duration' in stream 'calls' must allow integer.",
        ),
    ],
    ids=brief,
)
def test_a_catalog_may_not_promise_what_records_break(
    promised: dict[str, Any], why: str
) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        check_catalog("calls", ["id"], EMITTED, promised)
    assert str(caught.value).startswith("catalog: ")


PARTIES: dict[str, Any] = {
    "type": ["array", "null"],
    "items": {
        "type": ["object", "null"],
        "properties": {
            "talkTime": {"type": ["number", "null"]},
            "methods": {"type": ["array", "null"], "items": {"type": "string"}},
        },
    },
}


def changed(*place: str, to: object) -> dict[str, Any]:
    """The same with another schema at this place."""
    schema = deepcopy(PARTIES)
    inner = schema
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = to
    return schema


METHODS = ("items", "properties", "methods")


@pytest.mark.parametrize(
    "promised",
    [
        PARTIES,
        {},
        {"type": "array"},
        changed("items", to={"type": "object"}),
        changed(*METHODS, to={}),
        changed("items", "properties", to={"more": {"type": "number"}}),
    ],
    ids=brief,
)
def test_a_catalog_may_promise_less_inside_a_list(promised: dict[str, Any]) -> None:
    check_catalog("calls", [], {"parties": PARTIES}, {"parties": promised})


@pytest.mark.parametrize(
    ("promised", "why"),
    [
        ({"type": "object"}, "'parties' in stream 'calls' must allow array."),
        (changed("items", "type", to="string"), "'parties[]' in stream 'calls' must"),
        (
            changed("items", "properties", "talkTime", to={"type": "integer"}),
            "'parties[].talkTime' in stream 'calls' must allow number.",
        ),
        (changed(*METHODS, "type", to=["null"]), "'parties[].methods' in stream"),
        (
            changed(*METHODS, "items", to={"type": "boolean"}),
            "'parties[].methods[]' in stream 'calls' must allow string.",
        ),
    ],
    ids=brief,
)
def test_types_inside_a_list_count_as_well(promised: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(why)):
        check_catalog("calls", [], {"parties": PARTIES}, {"parties": promised})


def test_a_catalog_without_keys_needs_none() -> None:
    check_catalog("calls", [], EMITTED, {"isPrivate": {}})
