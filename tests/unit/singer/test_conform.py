"""Making an object fit its schema, exactly or not at all."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tap_gong import schemas
from tap_gong.errors import ShapeError
from tap_gong.singer.conform import (
    INT64_MAX,
    INT64_MIN,
    conformer,
    is_identifier,
    to_utc,
)
from tests.unit.conftest import brief


def committed(stream: str) -> dict[str, Any]:
    text = files(schemas).joinpath(f"{stream}.json").read_text()
    schema: dict[str, Any] = json.loads(text)
    return schema


CALLS = committed("calls")
EXTENSIVE = committed("calls_extensive")
NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "count": {"type": "integer"},
        "share": {"type": ["number", "null"]},
        "flag": {"type": "boolean"},
        "day": {"type": ["string", "null"], "format": "date"},
        "callIds": {"type": "array", "items": {"type": "string"}},
        "any": {"type": ["string", "null"], "contentMediaType": "application/json"},
        "parties": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {
                    "userId": {"type": ["string", "null"]},
                    "at": {"type": "string", "format": "date-time"},
                    "names": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["at"],
            },
        },
    },
}
SCHEMAS = {"calls": CALLS, "nested": NESTED, "calls_extensive": EXTENSIVE}
WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

any_text = st.text() | st.text(st.characters(categories=["Cs", "Lu", "Nd"]))
offsets = st.integers(-23 * 60, 23 * 60).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
instants = st.datetimes(timezones=offsets).map(datetime.isoformat)
numbers = st.integers() | st.integers(-(2**65), 2**65) | st.floats() | st.just(10**400)
scalars = st.none() | st.booleans() | numbers | any_text | instants


def json_objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have the schema's fields often enough to get anywhere."""
    names = st.sampled_from(sorted(schema["properties"])) | any_text
    values = st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
        ),
        max_leaves=8,
    )
    return st.dictionaries(names, values, max_size=6)


def fitting(schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Values that a schema lets through, identifiers as numbers among them."""
    types = schema["type"]
    good: st.SearchStrategy[Any]
    kind = types if isinstance(types, str) else next(t for t in types if t != "null")
    if kind == "object":
        fields = {
            key: fitting(inner, key) for key, inner in schema["properties"].items()
        }
        required = set(schema.get("required", ()))
        good = st.fixed_dictionaries(
            {key: fields[key] for key in fields if key in required},
            optional={key: fields[key] for key in fields if key not in required},
        )
    elif kind == "array":
        good = st.lists(fitting(schema["items"], name), max_size=3)
    elif schema.get("format") == "date-time":
        good = instants.filter(lambda text: "0001-01-01" < text < "9999-12-31")
    elif schema.get("format") == "date":
        good = st.dates().map(date.isoformat)
    elif "contentMediaType" in schema:
        good = st.recursive(
            st.none() | st.booleans() | st.integers() | any_text,
            lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
            max_leaves=5,
        )
    elif kind == "string":
        is_id = is_identifier(name)
        good = any_text | st.integers(0, 10**20) if is_id else any_text
    else:
        good = {
            "integer": st.integers(INT64_MIN, INT64_MAX),
            "number": st.floats(allow_nan=False, allow_infinity=False),
            "boolean": st.booleans(),
        }[kind]
    return good | st.none() if "null" in types else good


def fit(value: object, name: str = "field", **schema: object) -> object:
    """Make one value fit, as a property of that name."""
    properties = {name: schema}
    return conformer({"type": "object", "properties": properties})({name: value})[name]


def check(value: object, schema: dict[str, Any]) -> None:
    """Check what JSON schema can say, and what it cannot."""
    Draft7Validator(schema).validate(value)
    if isinstance(value, dict):
        for key in value:
            if value[key] is not None:
                check(value[key], schema["properties"][key])
    elif isinstance(value, list):
        for item in value:
            check(item, schema["items"])
    elif isinstance(value, str):
        value.encode("utf-8")
        assert schema.get("format") != "date-time" or WRITTEN.fullmatch(value)
        assert schema.get("format") != "date" or str(date.fromisoformat(value))
        assert "contentMediaType" not in schema or json.loads(value) is not None
    elif type(value) is int and "integer" in schema["type"]:
        assert INT64_MIN <= value <= INT64_MAX


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@given(data=st.data())
def test_anything_fits_or_is_refused(
    schema: dict[str, Any], data: st.DataObject
) -> None:
    value = data.draw(scalars | json_objects(schema))
    try:
        result = conformer(schema)(value)
    except ShapeError as error:
        assert len(str(error)) < 100  # noqa: PT017 - refused or not, both are right
    else:
        check(result, schema)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@given(data=st.data())
def test_what_fits_is_kept(schema: dict[str, Any], data: st.DataObject) -> None:
    value = data.draw(fitting(schema))
    result = conformer(schema)({**value, "brandNew": {"a": [1]}})
    check(result, schema)
    assert result.keys() == value.keys()


@given(fitting(CALLS))
def test_what_has_been_made_to_fit_fits(value: dict[str, Any]) -> None:
    result = conformer(CALLS)(value)
    assert conformer(CALLS)(deepcopy(result)) == result


def test_a_call() -> None:
    call = {
        "id": 18_446_744_073_709_551_615,
        "title": "Kick-off \u2014 \U0001f44b",
        "started": "2026-03-01T09:30:00.1234567-08:00",
        "scheduled": None,
        "duration": 61.0,
        "primaryUserId": "007",
        "isPrivate": False,
        "content": {"pointsOfInterest": []},
        "customData": "",
    }
    assert conformer(CALLS)(call) == {
        "id": "18446744073709551615",
        "title": "Kick-off \u2014 \U0001f44b",
        "started": "2026-03-01T17:30:00.123456Z",
        "scheduled": None,
        "duration": 61,
        "primaryUserId": "007",
        "isPrivate": False,
        "customData": "",
    }


MARKER = "Mx. Private"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"id": None}, "'id' is NoneType, not string"),
        ({"id": True}, "'id' is bool, not string"),
        ({"id": 1.0}, "'id' is float, not string"),
        ({"id": [MARKER]}, "'id' is list, not string"),
        ({"title": 5}, "'title' is int, not string"),
        ({"title": {MARKER: 1}}, "'title' is dict, not string"),
        ({"duration": MARKER}, "'duration' is str, not integer"),
        ({"duration": "61"}, "'duration' is str, not integer"),
        ({"duration": True}, "'duration' is bool, not integer"),
        ({"duration": 1.5}, "'duration' is float, not integer"),
        ({"duration": float("nan")}, "'duration' is float, not integer"),
        ({"duration": float("inf")}, "'duration' is float, not integer"),
        ({"duration": INT64_MAX + 1}, "'duration' is int, not integer"),
        ({"duration": float(2**63)}, "'duration' is float, not integer"),
        ({"duration": [61]}, "'duration' is list, not integer"),
        ({"isPrivate": 1}, "'isPrivate' is int, not boolean"),
        ({"isPrivate": "true"}, "'isPrivate' is str, not boolean"),
        ({"started": MARKER}, "'started' is str, not date-time"),
        ({"started": ""}, "'started' is str, not date-time"),
        ({"started": 1_700_000_000}, "'started' is int, not date-time"),
    ],
    ids=brief,
)
def test_another_type_is_refused(fields: dict[str, object], why: str) -> None:
    with pytest.raises(ShapeError) as caught:
        conformer(CALLS)({"id": "1", **fields})
    field, wanted = why.split(", not ")
    assert str(caught.value).startswith(f"{field}, not ")
    assert wanted in str(caught.value)
    assert MARKER not in str(caught.value)


@pytest.mark.parametrize("value", [None, [], "x", 1, True, [{"id": "1"}]], ids=brief)
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(ShapeError, match="object"):
        conformer(CALLS)(value)


def test_an_identifier_that_python_will_not_write_out_is_refused() -> None:
    with pytest.raises(ShapeError, match="'id' is int"):
        conformer(CALLS)({"id": 10**5_000})


def test_a_required_field_is_required() -> None:
    with pytest.raises(ShapeError, match="'id' is missing"):
        conformer(CALLS)({"title": "x"})


@pytest.mark.parametrize(
    ("parties", "field"),
    [
        ([{"userId": 1}], "'at'"),
        ([{"at": MARKER}], "'at'"),
        ([{"at": "2026-01-01T00:00:00Z", "names": ["a", 1]}], "'names'"),
        ({"at": "2026-01-01T00:00:00Z"}, "'parties'"),
        ([MARKER], "object"),
    ],
    ids=brief,
)
def test_nested_errors_name_the_inner_field(parties: object, field: str) -> None:
    with pytest.raises(ShapeError, match=field) as caught:
        conformer(NESTED)({"parties": parties})
    assert MARKER not in str(caught.value)


def test_nested_values_fit_too() -> None:
    party = {"userId": 12, "at": "2026-01-01T02:00:00+02:00", "names": [], "new": 1}
    assert conformer(NESTED)({"share": 1, "parties": [party], "x": {}}) == {
        "share": 1.0,
        "parties": [{"userId": "12", "at": "2026-01-01T00:00:00.000000Z", "names": []}],
    }


def test_items_may_be_null_where_the_schema_says_so() -> None:
    def listed(kind: list[str] | str) -> dict[str, Any]:
        items = {"type": kind}
        return {"properties": {"x": {"type": "array", "items": items}}}

    values = [None, "a", None]
    assert conformer(listed(["string", "null"]))({"x": values}) == {"x": values}
    with pytest.raises(ShapeError, match="'x'"):
        conformer(listed("string"))({"x": values})


@pytest.mark.parametrize("value", [INT64_MIN, INT64_MAX, 0, -1])
def test_int64_is_exact(value: int) -> None:
    assert fit(value, type="integer") == value


@pytest.mark.parametrize(
    "value", [INT64_MIN - 1, INT64_MAX + 1, 10**400, 1e300, -float(2**64)], ids=brief
)
def test_beyond_int64_is_refused(value: float) -> None:
    with pytest.raises(ShapeError):
        fit(value, type="integer")


@pytest.mark.parametrize(
    "value",
    [True, "1", None, 10**400, [], {}, float("inf"), float("-inf"), float("nan")],
    ids=brief,
)
def test_no_number(value: object) -> None:
    with pytest.raises(ShapeError):
        fit(value, type="number")


# Timestamps


@given(
    st.datetimes(
        min_value=datetime(1, 1, 2),  # noqa: DTZ001 - the time zone is drawn as well
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001
        timezones=offsets,
    )
)
def test_a_timestamp_keeps_its_instant(moment: datetime) -> None:
    written = to_utc(moment.isoformat())
    assert WRITTEN.fullmatch(written)
    assert datetime.fromisoformat(written) == moment


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2))
def test_timestamps_sort_as_text(moments: list[datetime]) -> None:
    texts = [to_utc(moment.isoformat()) for moment in moments]
    assert sorted(texts) == [to_utc(m.isoformat()) for m in sorted(moments)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00.000000Z"),
        ("2026-03-01T09:30:00.5Z", "2026-03-01T09:30:00.500000Z"),
        ("2026-03-01T09:30:00.999999999Z", "2026-03-01T09:30:00.999999Z"),
        ("2026-03-01T00:30:00+05:45", "2026-02-28T18:45:00.000000Z"),
        ("2026-02-28T23:30:00-08:00", "2026-03-01T07:30:00.000000Z"),
        ("2026-03-01T09:30:00+0000", "2026-03-01T09:30:00.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("2026-03-01T09:30:00+01:00:00.500000", "2026-03-01T08:29:59.500000Z"),
        ("2026-03-01T09:30:00.5+01:00:00.500000", "2026-03-01T08:30:00.000000Z"),
    ],
)
def test_timestamp(value: str, expected: str) -> None:
    assert to_utc(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T09:30:00",
        "2026-03-01",
        "2026-13-01T09:30:00Z",
        "2026-02-29T09:30:00Z",
        "2026-03-01T09:61:00Z",
        "\uff12026-03-01T09:30:00Z",
        "now",
        "",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_no_timestamp(value: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        to_utc(value)
    with pytest.raises(ShapeError):
        conformer(CALLS)({"id": "1", "started": value})


# Text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("\ud800", "\ufffd"),
        ("a\udfffb", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ufeffx\ud800", "\ufeffx\ufffd"),
        ("\ud800a\u00e9", "\ufffda\u00e9"),
        ("\x00\x1b", "\x00\x1b"),
    ],
    ids=ascii,
)
def test_half_surrogates(value: str, expected: str) -> None:
    assert fit(value, type="string") == expected
    assert fit(value, "userId", type="string") == expected


@given(st.text())
@example("\ufeff")
def test_text_is_kept(value: str) -> None:
    assert fit(value, type="string") == value


@given(st.text(st.characters(categories=["Cs", "Ll", "So"])))
def test_only_half_surrogates_are_replaced(value: str) -> None:
    joined = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert fit(value, type="string") == joined


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id", "5"),
        ("userId", "5"),
        ("Id", "5"),
        ("addedBy", "5"),
        ("inReplyTo", "5"),
        ("title", None),
        ("idle", None),
        ("by", None),
    ],
)
def test_only_identifiers_may_be_numbers(name: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ShapeError):
            fit(5, name, type="string")
    else:
        assert fit(5, name, type="string") == expected


def test_a_list_of_identifiers() -> None:
    items = {"type": "string"}
    ids = [2**53 + 1, "7", 18_446_744_073_709_551_615]
    texts = ["9007199254740993", "7", "18446744073709551615"]
    assert fit(ids, "callIds", type="array", items=items) == texts
    with pytest.raises(ShapeError):
        fit(ids, "methods", type="array", items=items)
    with pytest.raises(ShapeError):
        fit([True], "callIds", type="array", items=items)


def test_a_date_is_kept() -> None:
    assert fit("2028-02-29", type="string", format="date") == "2028-02-29"


@pytest.mark.parametrize(
    "value",
    ["20260301", "2026-W10-1", "2026-02-29", "2026-03-01T00:00:00Z", "", 20260301, []],
    ids=brief,
)
def test_no_date(value: object) -> None:
    with pytest.raises(ShapeError, match=r"not date$"):
        fit(value, type="string", format="date")


# Values of no known shape


def any_value(value: object) -> object:
    types = ["string", "null"]
    return fit(value, type=types, contentMediaType="application/json")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("Acme", '"Acme"'),
        ("", '""'),
        ("null", '"null"'),
        (28, "28"),
        (4166.67, "4166.67"),
        (2**64, "18446744073709551616"),
        (False, "false"),
        ([], "[]"),
        ([None, {"b": 1, "a": "\u00e9"}], '[null,{"b":1,"a":"\u00e9"}]'),
        ("\ud800\u00e9", '"\ufffd\u00e9"'),
        (["\ud83d", "\ude00"], '["\ufffd","\ufffd"]'),
        ('"\n', '"\\"\\n"'),
    ],
    ids=ascii,
)
def test_a_value_of_no_known_shape_is_json_text(
    value: object, expected: str | None
) -> None:
    assert any_value(value) == expected


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_json_text_is_exact(value: object) -> None:
    written = any_value(value)
    assert value == (json.loads(written) if isinstance(written, str) else written)


def nested_list(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [float("inf"), [float("nan")], 10**5_000, nested_list(100_000)],
    ids=["infinity", "nan", "huge", "deep"],
)
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ShapeError):
        any_value(value)


# Selection, and properties that nobody knows


def without(schema: dict[str, Any], *path: str) -> dict[str, Any]:
    """Take the property away whose keys in the schema are these."""
    less = deepcopy(schema)
    inner = less
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return less


def test_what_is_not_selected_is_dropped_unchecked() -> None:
    unknown: set[str] = set()
    selected = without(NESTED, "properties", "parties", "items", "properties", "at")
    selected = without(selected, "properties", "flag")
    party = {"userId": 1, "at": {MARKER: 1}, "names": ["a"]}
    value = {"id": "1", "flag": MARKER, "parties": [party, {}]}
    assert conformer(NESTED, selected, unknown)(value) == {
        "id": "1",
        "parties": [{"userId": "1", "names": ["a"]}, {}],
    }
    assert not unknown


def test_what_is_in_no_schema_is_named() -> None:
    unknown: set[str] = set()
    selected = without(NESTED, "properties", "parties", "items", "properties", "at")
    conform = conformer(NESTED, selected, unknown)
    for _ in range(2):
        value = {
            "id": "1",
            "x": MARKER,
            "parties": [{"y": {MARKER: 1}}],
            "any": {"z": 1},
        }
        assert conform(value) == {"id": "1", "parties": [{}], "any": '{"z":1}'}
    assert unknown == {"x", "parties[].y"}


def test_deep_names() -> None:
    unknown: set[str] = set()
    tracker = {"phrases": [{"occurrences": [{"volume": 1}]}]}
    content = {"trackers": [tracker], "callOutcome": {"score": 1}}
    conformer(EXTENSIVE, None, unknown)({"id": 1, "content": content})
    assert unknown == {
        "content.trackers[].phrases[].occurrences[].volume",
        "content.callOutcome.score",
    }
