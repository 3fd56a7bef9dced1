"""Endpoints: the request they make, and where the answer has the records."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tap_gong.errors import ShapeError
from tap_gong.gong.endpoint import Endpoint, next_cursor, total_records
from tests.unit.conftest import brief

BASE = "https://api.gong.io"
ONE = Endpoint("GET", "/v2/calls/{id}", records="call", many=False)
LIST = Endpoint("GET", "/v2/users", records="users")
POSTED = Endpoint("POST", "/v2/calls/extensive", records="calls")
SELECTIVE = Endpoint("POST", "/v2/calls/extensive", records="calls", body={"a": [1]})


def test_an_input_in_the_path() -> None:
    request = ONE.request(BASE, {"id": "7782342274025937895"}, None).prepare()
    assert request.method == "GET"
    assert request.url == f"{BASE}/v2/calls/7782342274025937895"
    assert request.body is None


def test_the_rest_goes_into_the_query() -> None:
    endpoint = Endpoint("GET", "/v2/flows/{id}/steps", records="steps")
    inputs = {"id": "5", "fromDateTime": "2026-01-01T00:00:00+01:00"}
    request = endpoint.request(BASE, inputs, "a/b+c=&d").prepare()
    assert request.url == (
        f"{BASE}/v2/flows/5/steps"
        "?fromDateTime=2026-01-01T00%3A00%3A00%2B01%3A00&cursor=a%2Fb%2Bc%3D%26d"
    )


@pytest.mark.parametrize(
    ("inputs", "cursor", "query"),
    [
        ({}, None, ""),
        ({}, "c", "?cursor=c"),
        ({"workspaceId": "1"}, None, "?workspaceId=1"),
        ({"userIds": ["1", "2"]}, None, "?userIds=1&userIds=2"),
    ],
)
def test_query(inputs: dict[str, Any], cursor: str | None, query: str) -> None:
    url = LIST.request(BASE, inputs, cursor).prepare().url
    assert url == f"{BASE}/v2/users{query}"


@pytest.mark.parametrize(
    ("endpoint", "inputs", "cursor", "body"),
    [
        (POSTED, {}, None, {"filter": {}}),
        (POSTED, {"callIds": ("1", "2")}, None, {"filter": {"callIds": ["1", "2"]}}),
        (
            POSTED,
            {"callIds": ["1"]},
            "c",
            {"filter": {"callIds": ["1"]}, "cursor": "c"},
        ),
        (SELECTIVE, {"b": "2"}, "c", {"filter": {"b": "2"}, "a": [1], "cursor": "c"}),
        (SELECTIVE, {}, None, {"filter": {}, "a": [1]}),
    ],
    ids=brief,
)
def test_body(
    endpoint: Endpoint, inputs: dict[str, Any], cursor: str | None, body: object
) -> None:
    request = endpoint.request(BASE, inputs, cursor).prepare()
    assert request.method == "POST"
    assert request.url == f"{BASE}/v2/calls/extensive"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body or b"") == body


def test_a_request_changes_no_inputs_and_has_no_credentials() -> None:
    inputs = {"id": "5", "a": "b"}
    request = ONE.request(BASE, inputs, "c")
    assert inputs == {"id": "5", "a": "b"}
    assert request.auth is None
    assert "Authorization" not in request.prepare().headers


@pytest.mark.parametrize(
    ("endpoint", "body", "rows"),
    [
        (ONE, {"call": {"id": "1"}}, [{"id": "1"}]),
        (ONE, {"call": None}, [None]),
        (ONE, {}, [None]),
        (LIST, {"users": []}, []),
        (LIST, {"users": [{"id": "1"}, {"id": "2"}]}, [{"id": "1"}, {"id": "2"}]),
        (POSTED, {"calls": []}, []),
        (POSTED, {"calls": [{"metaData": {"id": "1"}}]}, [{"metaData": {"id": "1"}}]),
    ],
    ids=brief,
)
def test_rows(endpoint: Endpoint, body: dict[str, Any], rows: list[Any]) -> None:
    assert endpoint.rows(body) == rows


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, "NoneType"),
        ({"calls": None}, "NoneType"),
        ({"calls": "x"}, "str"),
        ({"calls": {"id": "1"}}, "dict"),
        ({"call": []}, "NoneType"),
    ],
    ids=brief,
)
def test_rows_that_are_no_list(body: dict[str, Any], found: str) -> None:
    with pytest.raises(ShapeError, match=f"^'calls' is {found}$"):
        POSTED.rows(body)


def test_a_list_where_one_record_belongs() -> None:
    with pytest.raises(ShapeError, match=r"^'call' is list$"):
        ONE.rows({"call": []})


@pytest.mark.parametrize(
    ("body", "cursor", "total"),
    [
        ({}, None, None),
        ({"records": None}, None, None),
        ({"records": {}}, None, None),
        ({"records": {"cursor": None, "totalRecords": None}}, None, None),
        ({"records": {"cursor": ""}}, None, None),
        ({"records": {"cursor": "eyJ", "totalRecords": 250}}, "eyJ", 250),
        ({"records": {"totalRecords": True}}, None, None),
        ({"records": {"totalRecords": "250"}}, None, 250),
        ({"records": {"totalRecords": 0}}, None, None),
        ({"records": {"totalRecords": "0"}}, None, None),
        ({"records": {"totalRecords": -1}}, None, None),
        ({"records": {"totalRecords": "many"}}, None, None),
        ({"records": {"totalRecords": 2.5}}, None, None),
    ],
    ids=brief,
)
def test_envelope(body: dict[str, Any], cursor: str | None, total: int | None) -> None:
    assert next_cursor(body) == cursor
    assert total_records(body) == total


@pytest.mark.parametrize("records", ["x", 5, True, ["a"], [{"cursor": "c"}]], ids=brief)
def test_an_envelope_that_is_none(records: object) -> None:
    with pytest.raises(ShapeError, match="'records'"):
        next_cursor({"records": records})
    with pytest.raises(ShapeError, match="'records'"):
        total_records({"records": records})


@pytest.mark.parametrize("cursor", [5, True, ["c"], {"c": "d"}], ids=brief)
def test_a_cursor_that_is_no_text(cursor: object) -> None:
    with pytest.raises(ShapeError, match="'cursor'"):
        next_cursor({"records": {"cursor": cursor}})


def test_an_endpoint_that_says_nothing_of_it_never_means_nothing() -> None:
    for said in ("", "No users found corresponding to the provided filters"):
        assert not re.search(LIST.nothing, said)
