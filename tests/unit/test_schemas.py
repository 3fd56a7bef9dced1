"""The schemas of the streams, held to the facts of Gong's document."""

from __future__ import annotations

import json
from collections import defaultdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from scripts.make_schemas import ADDED, LIVE, STREAMS, written
from tap_gong import schemas
from tap_gong.singer.conform import conformer

if TYPE_CHECKING:
    from collections.abc import Iterator

_GONG: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).parents[1].joinpath("gong_facts.json").read_text()
)
FACTS = {name: {**_GONG[name], **LIVE.get(name, {})} for name in _GONG}
TEXTS = {
    path.name.removesuffix(".json"): path.read_text()
    for path in files(schemas).iterdir()
    if path.name.endswith(".json")
}
SCHEMAS: dict[str, dict[str, Any]] = {name: json.loads(TEXTS[name]) for name in TEXTS}

each_stream = pytest.mark.parametrize("stream", sorted(STREAMS))


def kind(schema: dict[str, Any]) -> str:
    """The type of a property's schema, but for null."""
    types = {schema["type"]} if isinstance(schema["type"], str) else {*schema["type"]}
    (name,) = types - {"null"}
    return str(name)


def check(name: str, schema: dict[str, Any], fact: Any) -> None:  # noqa: ANN401
    """Check that a property's schema says what Gong's document says."""
    found = kind(schema)
    if isinstance(fact, list):
        assert found == "array", name
        check(name, schema["items"], fact[0])
    elif fact in FACTS:
        assert found == "object", name
        check_all(schema["properties"], FACTS[fact])
    elif fact == "object":
        assert (found, schema["contentMediaType"]) == ("string", "application/json")
    elif fact in {"date", "date-time"}:
        assert (found, schema["format"]) == ("string", fact), name
    elif name in {"id", "inReplyTo"} or name.endswith(("Id", "Ids", "By")):
        assert found == "string", name
    else:
        assert (found, schema.get("format")) == (fact, None), name


def check_all(properties: dict[str, Any], facts: dict[str, Any]) -> None:
    assert properties.keys() == facts.keys()
    for name, schema in properties.items():
        check(name, schema, facts[name])


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The schemas of all properties, the nested ones too, by path."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}{name}", inner
        value = inner
        while "items" in value:
            value = value["items"]
        yield from walk(value, f"{path}{name}.")


def test_each_stream_has_a_schema() -> None:
    assert SCHEMAS.keys() == STREAMS.keys()


@each_stream
def test_a_schema_has_what_gong_has(stream: str) -> None:
    wanted: dict[str, Any] = {}
    for column in STREAMS[stream].columns:
        found = {column: ADDED[column]} if column in ADDED else FACTS[column]
        wanted |= {
            name: fact
            for name, fact in found.items()
            if f"{column}.{name}" not in STREAMS[stream].left_out
        }
    check_all(SCHEMAS[stream]["properties"], wanted)


@each_stream
def test_only_the_key_is_required_and_never_null(stream: str) -> None:
    schema = SCHEMAS[stream]
    assert schema["required"] == list(STREAMS[stream].key)
    for path, inner in walk(schema):
        assert ("null" in inner["type"]) == (path not in schema["required"]), path
        assert "required" not in inner
        assert "required" not in inner.get("items", {})


@each_stream
def test_everything_is_described(stream: str) -> None:
    assert SCHEMAS[stream]["description"]
    for path, inner in walk(SCHEMAS[stream]):
        assert inner["description"].endswith((".", ")")), path


@each_stream
def test_enumerations_stay_open(stream: str) -> None:
    assert '"enum"' not in TEXTS[stream]


@each_stream
def test_a_schema_is_one_that_the_tap_understands(stream: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[stream])
    conformer(SCHEMAS[stream])


@each_stream
def test_a_schema_is_written_as_the_script_writes_it(stream: str) -> None:
    assert written(SCHEMAS[stream]) == TEXTS[stream]


@pytest.mark.parametrize("column", sorted(ADDED))
def test_an_added_column_is_the_same_everywhere(column: str) -> None:
    texts = defaultdict(list)
    for name, stream in STREAMS.items():
        if column in stream.columns:
            text = SCHEMAS[name]["properties"][column]["description"]
            texts[text].append(name)
    assert len(texts) == 1, dict(texts)


def test_what_is_sensitive_says_so() -> None:
    for stream, column in (
        ("call_media", "audioUrl"),
        ("call_media", "videoUrl"),
        ("users", "meetingConsentPageUrl"),
    ):
        schema = SCHEMAS[stream]
        assert "SENSITIVE" in schema["description"]
        assert "SENSITIVE" in schema["properties"][column]["description"]
    for stream in ("call_transcripts", "call_transcript_sentences"):
        assert "SENSITIVE" in SCHEMAS[stream]["description"]
