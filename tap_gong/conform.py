"""Make an object of Gong's API fit its stream's schema, exactly or not at all.

Gong adds fields without notice, sends an identifier now as text and now as a number,
and writes timestamps with the company's UTC offset and any precision. What leaves here
has the schema's fields and types and nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Conform = Callable[[Any], Any]

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class ShapeError(ValueError):
    """A value is not what the schema says; the text names the field, not the value."""


def conformer(
    schema: Mapping[str, Any],
    *,
    name: str = "record",
) -> Conform:
    """Compile a JSON schema to a function that makes one value fit it.

    Args:
        schema: A schema of type object, array, string, integer, number or boolean,
            each possibly with null; strings of format date-time come out in UTC.
        name: The field's name, for errors and to recognise identifiers.

    Returns:
        A function from a parsed JSON value to the value to emit. It raises
        `ShapeError` when the value has another type, lacks a required property or
        is a timestamp without UTC offset.
    """
    types = schema.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    nullable = "null" in types
    kind = next(iter(types - {"null"}), None)
    if kind == "object" and "properties" in schema:
        conform = _object(schema, name)
    elif kind == "array" and "items" in schema:
        conform = _array(schema["items"], name)
    elif kind == "string" and schema.get("format") == "date-time":
        conform = to_utc
    elif kind == "string":
        conform = _identifier if name == "id" or name.endswith("Id") else _text
    else:
        conform = SCALARS[str(kind)]

    def conform_value(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if value is None and nullable:
            return None
        try:
            return conform(value)
        except ShapeError:
            raise
        except (ValueError, OverflowError, TypeError):
            msg = (
                f"{name!r} is {type(value).__name__}, not {schema.get('format', kind)}"
            )
            raise ShapeError(msg) from None

    return conform_value


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
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{naive.isoformat(timespec='microseconds')}Z"


def _object(schema: Mapping[str, Any], name: str) -> Conform:
    required = schema.get("required", ())
    fields = {
        key: conformer(subschema, name=key)
        for key, subschema in schema["properties"].items()
    }

    def conform(value: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise TypeError
        for key in required:
            if key not in value:
                msg = f"{name!r} lacks {key!r}"
                raise ShapeError(msg)
        return {key: fields[key](value[key]) for key in value if key in fields}

    return conform


def _array(items: Mapping[str, Any], name: str) -> Conform:
    item = conformer(items, name=name)

    def conform(value: list[Any]) -> list[Any]:
        if not isinstance(value, list):
            raise TypeError
        return [item(element) for element in value]

    return conform


def _identifier(value: Any) -> str:  # noqa: ANN401 - any JSON value
    # Sibling endpoints of Gong's send the same identifier as text and as a number.
    return str(value) if type(value) is int else _text(value)


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if not isinstance(value, str):
        raise TypeError
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            # Half of a surrogate pair is legal in JSON and in no text that a target
            # can store.
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _integer(value: Any) -> int:  # noqa: ANN401 - any JSON value
    if type(value) not in (int, float) or value != int(value):
        raise TypeError
    if not INT64_MIN <= value <= INT64_MAX:
        raise OverflowError
    return int(value)


def _number(value: Any) -> float:  # noqa: ANN401 - any JSON value
    if type(value) not in (int, float):
        raise TypeError
    return float(value)


def _boolean(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if not isinstance(value, bool):
        raise TypeError
    return value


SCALARS: dict[str, Conform] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
