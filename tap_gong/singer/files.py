"""The JSON files that the command is given, checked before the SDK reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_gong.errors import SettingsError
from tap_gong.singer.selection import drop_deselected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import IO

    from jsonschema import ValidationError

    Schemas = Mapping[str, Mapping[str, Any]]

_ALL_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

_NAMES = {"type": ["array", "null"], "items": {"type": "string"}}

_MOST_LEVELS = 100
"""How deep a file may be nested: the SDK, and Python's own copying, know a limit."""

_WRAPPINGS = ("value", "singer_state", "completed", "partial")
"""What state is wrapped in: in a STATE message; by Meltano where it prints it, and
where it keeps it."""

_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a JSON object",
    "string": "text",
}
_KINDS_BY_TYPE = {
    bool: "true or false",
    dict: "a JSON object",
    int: "a whole number",
    list: "a list",
    str: "text",
    type(None): "null",
}

_OBJECT = Draft7Validator({"type": "object"})

_STATE = Draft7Validator(
    {
        "type": "object",
        "properties": {
            "bookmarks": {
                "type": ["object", "null"],
                "additionalProperties": {
                    "type": "object",
                    "properties": {  # what the SDK itself reads of any stream
                        "partitions": {"type": "array", "items": {"type": "object"}},
                        "progress_markers": {"type": "object"},
                    },
                },
            }
        },
    }
)

_CATALOG = Draft7Validator(
    {
        "definitions": {
            "schema": {  # as far as the SDK and this tap read it
                "type": "object",
                "properties": {
                    "type": {"type": ["string", "array"]},
                    "properties": {
                        "type": "object",
                        "additionalProperties": {"$ref": "#/definitions/schema"},
                    },
                    "items": {"$ref": "#/definitions/schema"},
                    "required": _NAMES,
                },
            }
        },
        "type": "object",
        "required": ["streams"],
        "properties": {
            "streams": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["tap_stream_id", "schema"],
                    "properties": {
                        "tap_stream_id": {"type": "string"},
                        "stream": {"type": "string"},
                        "schema": {
                            "allOf": [
                                {"type": "object", "required": ["properties"]},
                                {"$ref": "#/definitions/schema"},
                            ]
                        },
                        "key_properties": _NAMES,
                        "metadata": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["breadcrumb", "metadata"],
                                "properties": {
                                    "breadcrumb": {
                                        "type": "array",
                                        "items": {"type": "string"},
                                    },
                                    "metadata": {
                                        "type": "object",
                                        "properties": {"table-key-properties": _NAMES},
                                    },
                                },
                            },
                        },
                    },
                },
            }
        },
    }
)


def check_catalog(
    stream: str, keys: Iterable[str], emitted: Schemas, promised: Schemas
) -> None:
    """Check the keys and types that a catalog promises of a stream's records.

    It may promise that a value is never null: that is for the target to refuse.

    Args:
        stream: Its name.
        keys: Its primary keys.
        emitted: The JSON schemas of its properties.
        promised: The same in the catalog, of the selected properties.

    Raises:
        SettingsError: If the catalog lacks a key, or does not allow a type, inside
            objects and lists as well.
    """
    for name in keys:
        if name not in promised:
            msg = (
                f"catalog: stream {stream!r} lacks its key {name!r}, or does not "
                f"select it. A new catalog comes with --discover."
            )
            raise SettingsError(msg)
    for name in emitted:
        if name not in promised:
            continue
        for place, refused in _refused(emitted[name], promised[name], name):
            msg = (
                f"catalog: the type of {place!r} in stream {stream!r} must allow "
                f"{' and '.join(sorted(refused))}. Take the change of it away, or make "
                f"a new catalog with --discover."
            )
            raise SettingsError(msg)


def _refused(
    emitted: Mapping[str, Any], promised: Mapping[str, Any], place: str
) -> Iterator[tuple[str, set[str]]]:
    """Tell where, and which types of, a value the catalog's schema does not allow."""
    if refused := _types(emitted) - _types(promised) - {"null"}:
        yield place, refused
    if "items" in emitted and "items" in promised:
        yield from _refused(emitted["items"], promised["items"], f"{place}[]")
    theirs = promised.get("properties", {})
    for name, inner in emitted.get("properties", {}).items():
        if name in theirs:
            yield from _refused(inner, theirs[name], f"{place}.{name}")


def _types(schema: Mapping[str, Any]) -> set[str]:
    """The types that a JSON schema allows, as far as its `type` says."""
    given = schema.get("type", _ALL_TYPES)
    types = {given} if isinstance(given, str) else set(map(str, given))
    return types | {"integer"} if "number" in types else types


def check_config_file(path: str) -> None:
    """Check that a configuration file holds a JSON object.

    Raises:
        SettingsError: If it cannot be read, or holds something else.
    """
    name = f"config {path}"
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - may be a descriptor
            content = _content(file, name)
    except OSError as error:
        msg = f"{name} cannot be read: {error.strerror}."
        raise SettingsError(msg) from None
    check(content, name, _OBJECT)


def state_file(file: IO[str]) -> dict[str, Any]:
    """Read a state.

    Returns:
        The same without a wrapping.

    Raises:
        SettingsError: If it is no state.
    """
    content = _content(
        file, "state", if_empty="To start again, leave --state out or put {} into it."
    )
    check(content, "state", _OBJECT)
    return bookmarks_of(content)


def bookmarks_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Find the bookmarks in a state, whatever it is wrapped in.

    Args:
        state: As a target, a STATE message or Meltano has it.

    Returns:
        The state with the bookmarks and nothing else, or an empty one.

    Raises:
        SettingsError: If it is no state.
    """
    inner: Any = state
    while "bookmarks" not in inner:
        wrapped = [inner[name] for name in _WRAPPINGS if inner.get(name)]
        if not wrapped and inner.keys() <= {"type", *_WRAPPINGS}:
            return {}
        if len(wrapped) != 1 or not isinstance(wrapped[0], dict):
            what = ", ".join(f"{name[:20]!r}" for name in list(inner)[:5])
            msg = (
                f"state must have 'bookmarks', on its own or as a STATE message or "
                f"Meltano has it, or be {{}} to start again. It has {what}."
            )
            raise SettingsError(msg)
        inner = wrapped[0]
    check(inner, "state", _STATE)
    return {"bookmarks": inner["bookmarks"] or {}}


def catalog_file(file: IO[str]) -> dict[str, Any]:
    """Read a catalog.

    Returns:
        The same without the nested properties that are deselected. What the SDK would
        overlook has been put where it looks.

    Raises:
        SettingsError: If it is not a catalog, or contradicts itself.
    """
    content: dict[str, Any] = _content(file, "catalog")
    check(content, "catalog", _CATALOG)
    for place, stream in enumerate(content["streams"]):
        name = stream["tap_stream_id"]
        if stream.get("stream", name) != name:
            msg = (
                f"catalog: streams[{place}].stream must be {name!r}, as tap_stream_id "
                f"is. To rename a stream use stream_maps."
            )
            raise SettingsError(msg)
        for entry in stream.get("metadata", ()):
            methods = {
                entry["metadata"].get("replication-method"),
                entry["metadata"].get("forced-replication-method"),
            }
            # The discovered method stands beside it and is not this one.
            if not entry["breadcrumb"] and REPLICATION_FULL_TABLE in methods:
                stream["replication_method"] = REPLICATION_FULL_TABLE
        drop_deselected(stream)
    return content


def check(content: object, name: str, validator: Draft7Validator) -> None:
    """Check that content is what its schema says.

    Args:
        content: What JSON can hold.
        name: What to call it in the error; may be empty, if only its parts can fail.
        validator: Has the schema.

    Raises:
        SettingsError: If not, with the place and what belongs there.
    """
    if error := best_match(validator.iter_errors(content)):
        place = error.json_path.removeprefix("$").removeprefix(".")
        where = ": ".join(part for part in (name, place) if part)
        msg = f"{where} {_fault(error)}."
        raise SettingsError(msg)


def _fault(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "required":
        missing = [name for name in wanted if name not in instance]
        return f"lacks {' and '.join(map(repr, missing))}"
    choices = wanted if error.validator in {"anyOf", "oneOf"} else [error.schema]
    # In the SDK's schemas, some choices are no schema.
    kinds = [
        kind for choice in choices if type(choice) is dict for kind in _kinds(choice)
    ]
    if error.validator not in {"type", "anyOf", "oneOf"} or not kinds:
        return "is not what may stand there"
    found = _KINDS_BY_TYPE.get(type(instance), "a number")
    return f"must be {' or '.join(kinds)}, not {found}"


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    """Say what a schema asks for, but for null, which counts as not set."""
    if "const" in schema:
        return [repr(schema["const"])]
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else types
    return [_KINDS[name] for name in names if name != "null"]


def _content(file: IO[str], name: str, *, if_empty: str = "") -> Any:  # noqa: ANN401
    """Read what a file holds, as JSON."""
    try:
        text = file.read()
        if not text.strip():
            msg = f"{name} is empty. {if_empty}".rstrip()
            raise SettingsError(msg)
        content: Any = json.loads(text)
        _refuse_depth(content)
        # Halves of characters and infinite numbers fail.
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        msg = f"{name} is not JSON text in UTF-8."
        raise SettingsError(msg) from None
    except RecursionError:
        msg = f"{name} is nested more than {_MOST_LEVELS} levels deep."
        raise SettingsError(msg) from None
    return content


def _refuse_depth(content: object) -> None:
    level = [content]
    for _ in range(_MOST_LEVELS):
        level = [
            part
            for whole in level
            if isinstance(whole, dict | list)
            for part in (whole.values() if isinstance(whole, dict) else whole)
        ]
    if level:
        raise RecursionError
