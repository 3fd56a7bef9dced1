"""The JSON files of the command line, before the SDK reads them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.errors import SettingsError
from tap_gong.inputs import (
    CATALOG,
    DEEPEST,
    OBJECT,
    STATE,
    check_catalog,
    check_config_file,
    checked,
)
from tap_gong.tap import TapGong

from .conftest import brief

if TYPE_CHECKING:
    from pathlib import Path

    from jsonschema import Draft7Validator

KEY_OF_NO_NAME = {"breadcrumb": [], "metadata": {"table-key-properties": 5}}
ENTRY = {"tap_stream_id": "calls", "schema": {"properties": {"id": {}}}}


@pytest.mark.parametrize(
    ("validator", "content"),
    [
        (OBJECT, {}),
        (OBJECT, {"a": [1]}),
        (STATE, {}),
        (STATE, {"bookmarks": None}),
        (STATE, {"bookmarks": {"calls": {"call_ids": ["1"]}, "users": {}}}),
        (STATE, {"value": 5}),
        (CATALOG, {"streams": []}),
        (CATALOG, {"streams": [ENTRY], "x": 1}),
        (CATALOG, {"streams": [ENTRY | {"key_properties": None, "metadata": []}]}),
        (CATALOG, {"streams": [ENTRY | {"stream": "calls"}]}),
        (CATALOG, TapGong(validate_config=False).catalog_dict),
    ],
    ids=brief,
)
def test_what_fits_can_be_read_again(
    validator: Draft7Validator, content: object
) -> None:
    text = json.dumps(content)
    assert checked(io.StringIO(text), "it", validator).read() == text


@pytest.mark.parametrize(
    ("validator", "content", "place"),
    [
        (OBJECT, [], "it must fit"),
        (OBJECT, None, "it must fit"),
        (STATE, 5, "it must fit"),
        (STATE, {"bookmarks": 5}, ".bookmarks must fit"),
        (STATE, {"bookmarks": {"calls": []}}, ".bookmarks.calls must fit"),
        (CATALOG, {}, "it must fit"),
        (CATALOG, {"streams": {}}, ".streams must fit"),
        (CATALOG, {"streams": [5]}, ".streams[0] must fit"),
        (CATALOG, {"streams": [ENTRY, {}]}, ".streams[1] must fit"),
        (
            CATALOG,
            {"streams": [ENTRY | {"tap_stream_id": 5}]},
            ".streams[0].tap_stream_id must fit",
        ),
        (
            CATALOG,
            {"streams": [ENTRY | {"schema": {"properties": {"id": 5}}}]},
            ".streams[0].schema.properties.id must fit",
        ),
        (
            CATALOG,
            {"streams": [ENTRY | {"key_properties": "id"}]},
            ".streams[0].key_properties must fit",
        ),
        (
            CATALOG,
            {"streams": [ENTRY | {"key_properties": [{}]}]},
            ".streams[0].key_properties[0] must fit",
        ),
        (
            CATALOG,
            {"streams": [ENTRY | {"metadata": [KEY_OF_NO_NAME]}]},
            ".streams[0].metadata[0].metadata['table-key-properties'] must fit",
        ),
        (
            CATALOG,
            {"streams": [ENTRY | {"metadata": [{"breadcrumb": []}]}]},
            ".streams[0].metadata[0] must fit",
        ),
        (
            CATALOG,
            {"streams": [ENTRY | {"metadata": [{"breadcrumb": [5], "metadata": {}}]}]},
            ".streams[0].metadata[0].breadcrumb[0] must fit",
        ),
    ],
    ids=brief,
)
def test_what_does_not_fit_is_named(
    validator: Draft7Validator, content: object, place: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        checked(io.StringIO(json.dumps(content)), "it", validator)
    assert str(caught.value).startswith(f"it is not as it should be: {place}")


@pytest.mark.parametrize("text", ["", "{", "{}{}", "\ufeff{}", "9" * 5_000], ids=brief)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^it is not JSON text in UTF-8\.$"):
        checked(io.StringIO(text), "it", OBJECT)


def nested(levels: int) -> str:
    half = levels // 2
    return "[" * (levels % 2) + '{"a":[' * half + "]}" * half + "]" * (levels % 2)


def test_what_is_nested_too_deep_is_refused() -> None:
    text = nested(DEEPEST)
    assert checked(io.StringIO(text), "it", OBJECT).read() == text
    for levels in (DEEPEST + 1, 10 * DEEPEST, 1000 * DEEPEST):
        with pytest.raises(SettingsError, match=r"^it has lists and objects nested"):
            checked(io.StringIO(nested(levels)), "it", OBJECT)


def test_a_config_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    for content in (b"{}", '{"a": "\u00e9"}'.encode()):
        path.write_bytes(content)
        check_config_file(str(path))
    for content in (b"", b"\xff\xfe{}", b'{"a": "\xe9"}', b"5"):
        path.write_bytes(content)
        with pytest.raises(SettingsError, match=f"^config {path} is not"):
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


def test_a_catalog_without_keys_needs_none() -> None:
    check_catalog("calls", [], EMITTED, {"isPrivate": {}})
