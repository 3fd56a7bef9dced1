"""Make an object of Gong's API fit its stream's schema, exactly or not at all.

Gong adds fields without notice. It sends some identifiers as text in one answer and as
numbers in another. It writes timestamps with the company's UTC offset and in any
precision. What comes out here has the schema's fields and types and nothing else.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from types import NoneType
from typing import TYPE_CHECKING, Any

import msgspec

from tap_gong.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Conform = Callable[[Any], Any]

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_MISFITS = (TypeError, ValueError, OverflowError, RecursionError)

_ANY = "application/json"
"""The `contentMediaType` of a value of no known shape, which goes out as JSON text."""


def conformer(
    schema: Mapping[str, Any],
    selected: Mapping[str, Any] | None = None,
    unknown: set[str] | None = None,
) -> Callable[[object], dict[str, Any]]:
    """Compile the JSON schema of an object into a function that makes a value fit it.

    The function may run in several threads at once.

    Args:
        schema: A schema of type object, with properties of type object, array, string,
            integer, number or boolean, each possibly null.
        selected: The same schema without the properties that are not to go out, the
            nested ones too. They are dropped unchecked. By default all go out.
        unknown: Where to add the names of properties that the schema does not have,
            such as `parties[].shoeSize`. They are dropped too.

    Returns:
        A function that makes the object to emit of a parsed JSON value, with
        timestamps in UTC; the value stays as it is. It raises `ShapeError` when the
        value is no object, lacks a required property, or has a property of another
        type or a timestamp without UTC offset.
    """
    names = set() if unknown is None else unknown
    return _object(schema, schema if selected is None else selected, names, "")


def is_identifier(name: str) -> bool:
    """Tell whether a property is an identifier, or a list of them, by its name.

    Gong sends an identifier sometimes as text and sometimes as a number. It goes out as
    text.
    """
    return name in {"id", "inReplyTo"} or name.endswith(("Id", "Ids", "By"))


def to_utc(value: str) -> str:
    """Write a timestamp in UTC, always with microseconds, so that text sorts as time.

    Args:
        value: An ISO-8601 timestamp with an offset; digits beyond the microsecond
            are cut.

    Returns:
        The same instant as `YYYY-MM-DDTHH:MM:SS.ffffffZ`.

    Raises:
        ValueError: If it is no timestamp, or has no offset.
        OverflowError: If the instant lies outside the years 1 to 9999.
    """
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    moment = moment.astimezone(UTC)
    # As isoformat does, with Z in place of +00:00, and much faster.
    text: str = msgspec.to_builtins(moment)
    return text if moment.microsecond else f"{text[:-1]}.000000Z"


def _object(
    schema: Mapping[str, Any],
    selected: Mapping[str, Any],
    unknown: set[str],
    path: str,
) -> Callable[[object], dict[str, Any]]:
    known = schema["properties"]
    properties = {name: known[name] for name in selected["properties"]}
    fields = {
        name: _converter(
            subschema, selected["properties"][name], unknown, f"{path}{name}"
        )
        for name, subschema in properties.items()
    }
    as_is = {
        name: _as_is(fields[name], nullable="null" in subschema["type"])
        for name, subschema in properties.items()
    }
    required = properties.keys() & schema.get("required", ())

    def conform(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            msg = f"a {type(value).__name__} stands for an object"
            raise ShapeError(msg)
        if not required <= value.keys():
            msg = f"{min(required - value.keys())!r} is missing"
            raise ShapeError(msg)
        fit: dict[str, Any] = {}
        for name, item in value.items():
            types = as_is.get(name)
            if types is None:
                if name not in known:
                    unknown.add(f"{path}{name}")
                continue
            # Null where it is allowed. The other types are here for speed.
            kind = type(item)
            if kind in types and (kind is not str or item.isascii()):
                fit[name] = item
                continue
            try:
                fit[name] = fields[name](item)
            except _MISFITS as error:
                raise _misfit(error, name, item, properties[name]) from None
        return fit

    return conform


def _misfit(
    error: Exception, name: str, item: object, schema: Mapping[str, Any]
) -> ShapeError:
    if isinstance(error, ShapeError):  # which names the inner property
        return error
    wanted = schema.get("format", schema["type"])
    return ShapeError(f"{name!r} is {type(item).__name__}, not {wanted}")


def _converter(
    schema: Mapping[str, Any], selected: Mapping[str, Any], unknown: set[str], path: str
) -> Conform:
    """Compile the schema of a value; `path` says where it stands."""
    types = {schema["type"]} if isinstance(schema["type"], str) else {*schema["type"]}
    (kind,) = types - {"null"}
    if kind == "object":
        return _object(schema, selected, unknown, f"{path}.")
    if kind == "array":
        return _array(schema["items"], selected["items"], unknown, f"{path}[]")
    if kind != "string":
        return SCALARS[kind]
    if schema.get("contentMediaType") == _ANY:
        return _json_text
    if "format" in schema:
        return _FORMATS[schema["format"]]
    name = path.rpartition(".")[2].rstrip("[]")
    return _identifier if is_identifier(name) else _text


def _as_is(convert: Conform, *, nullable: bool) -> frozenset[type]:
    """Types that need no conversion: null, true and false, and text that is ASCII."""
    types: set[type] = {NoneType} if nullable else set()
    if convert in (_text, _identifier):
        types.add(str)
    elif convert is _boolean:
        types.add(bool)
    return frozenset(types)


def _array(
    items: Mapping[str, Any], selected: Mapping[str, Any], unknown: set[str], path: str
) -> Conform:
    convert = _converter(items, selected, unknown, path)
    nullable = "null" in items["type"]

    def conform(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise TypeError
        return [None if item is None and nullable else convert(item) for item in value]

    return conform


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            # Half of a surrogate pair is legal in JSON, but no target can store it.
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _identifier(value: object) -> str:
    # Sibling endpoints of Gong's send the same identifier as text and as a number.
    return str(value) if type(value) is int else _text(value)


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":")
).encode


def _json_text(value: object) -> str:
    return _text(_encode(value))


def _date(value: str) -> str:
    # It also reads weeks, and dates without hyphens.
    if date.fromisoformat(value).isoformat() != value:
        raise ValueError
    return value


def _integer(value: object) -> int:
    if type(value) is not int and not (isinstance(value, float) and value.is_integer()):
        raise TypeError
    if not INT64_MIN <= value <= INT64_MAX:
        raise OverflowError
    return int(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if not math.isfinite(value):
        raise OverflowError
    return float(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


SCALARS: dict[str, Conform] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}

_FORMATS: dict[str, Conform] = {"date": _date, "date-time": to_utc}
