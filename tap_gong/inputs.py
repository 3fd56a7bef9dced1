"""The JSON files that the command is given, checked before the SDK reads them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator

from tap_gong.errors import SettingsError, refuse_constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import IO

    Schemas = Mapping[str, Mapping[str, Any]]

DEEPEST = 100
"""Lists and objects in one another, at most. The SDK copies what it is given with a
recursive function, and how deep that gets depends on Python's version."""

_ALL_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

_NAMES = {"type": ["array", "null"], "items": {"type": "string"}}

OBJECT = Draft7Validator({"type": "object"})

STATE = Draft7Validator(
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

CATALOG = Draft7Validator(
    {
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
                            "type": "object",
                            "required": ["properties"],
                            "properties": {
                                "properties": {
                                    "type": "object",
                                    "additionalProperties": {
                                        "type": "object",
                                        "properties": {
                                            "type": {"type": ["string", "array"]}
                                        },
                                    },
                                }
                            },
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
        SettingsError: If the catalog lacks a key, or does not allow a type.
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
        if refused := _types(emitted[name]) - _types(promised[name]) - {"null"}:
            msg = (
                f"catalog: the type of {name!r} in stream {stream!r} must allow "
                f"{' and '.join(sorted(refused))}. Take the change of it away, or make "
                f"a new catalog with --discover."
            )
            raise SettingsError(msg)


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
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - may be a descriptor
            checked(file, f"config {path}", OBJECT)
    except OSError as error:
        msg = f"config {path} cannot be read: {error.strerror}."
        raise SettingsError(msg) from None


def checked(file: IO[str], name: str, validator: Draft7Validator) -> IO[str]:
    """Check what a file holds.

    Args:
        file: The file.
        name: What to call it in the error.
        validator: What its content must fit.

    Returns:
        The same text to read again.

    Raises:
        SettingsError: If it is no JSON, is nested too deep, or does not fit.
    """
    try:
        text = file.read()
        content: Any = json.loads(text, parse_constant=refuse_constant)
        _check_depth(content)
        json.dumps(content, ensure_ascii=False).encode()  # halves of characters fail
    except RecursionError:
        msg = f"{name} has lists and objects nested more than {DEEPEST} levels deep."
        raise SettingsError(msg) from None
    except ValueError:
        msg = f"{name} is not JSON text in UTF-8."
        raise SettingsError(msg) from None
    for error in validator.iter_errors(content):
        place = error.json_path.removeprefix("$") or "it"
        msg = f"{name} is not as it should be: {place} must fit {error.schema}."
        raise SettingsError(msg)
    return io.StringIO(text)


def _check_depth(content: object) -> None:
    """Raise as Python's own parser does for what is nested too deep.

    Raises:
        RecursionError: If it is.
    """
    level = [content]
    for _ in range(DEEPEST + 1):
        nests = [value for value in level if isinstance(value, dict | list)]
        if not nests:
            return
        level = [
            inner
            for nest in nests
            for inner in (nest.values() if isinstance(nest, dict) else nest)
        ]
    raise RecursionError
