"""The endpoints over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.sandbox import World
from tap_gong.sandbox.world import WORKSPACE_IDS

if TYPE_CHECKING:
    import requests

    from tests.sandbox.conftest import Start

YEAR = {
    "fromDateTime": "2025-01-01T00:00:00Z",
    "toDateTime": "2026-01-01T00:00:00+02:00",
}
NOTHING_FOUND = "No calls found corresponding to the provided filters"


def refusal(response: requests.Response) -> tuple[int, str]:
    """Status and only error of an answer in the error envelope."""
    (message,) = response.json()["errors"]
    return response.status_code, message


def test_call(start: Start) -> None:
    client = start()
    world = client.sandbox.world
    answer = client.get(f"/v2/calls/{world.ids[5]}").json()
    assert set(answer) == {"requestId", "call"}
    assert answer["call"] == world.call(world.ids[5])


def test_call_that_is_not_there(start: Start) -> None:
    client = start()
    assert refusal(client.get("/v2/calls/77")) == (404, "Call ID 77 was not found")
    for call_id in ("abc", "1" * 21, "-1", "٣", "extensive"):
        assert client.get(f"/v2/calls/{call_id}").status_code == 400


def test_list_has_each_call_once(start: Start) -> None:
    client = start()
    pages = client.pages()
    assert [len(page["calls"]) for page in pages] == [100] * 12
    assert [page["records"]["currentPageNumber"] for page in pages] == [*range(12)]
    assert {page["records"]["totalRecords"] for page in pages} == {1_200}
    ids = [call["id"] for page in pages for call in page["calls"]]
    assert sorted(ids) == sorted(client.sandbox.world.ids)


def test_list_by_date_and_workspace(start: Start) -> None:
    client = start(page_size=7)
    pages = client.pages(**YEAR, workspaceId=WORKSPACE_IDS[0])
    calls = [call for page in pages for call in page["calls"]]
    assert 0 < len(calls) == pages[0]["records"]["totalRecords"] < 1_200
    assert {call["workspaceId"] for call in calls} == {WORKSPACE_IDS[0]}


def test_order_inside_a_page(start: Start) -> None:
    mixed, plain = (start(shuffle=shuffle) for shuffle in (True, False))
    listed = plain.sandbox.world.listing(None, None)[:100]
    assert [call["id"] for call in plain.pages()[0]["calls"]] == listed
    shown = [call["id"] for call in mixed.pages()[0]["calls"]]
    assert shown != listed
    assert sorted(shown) == sorted(listed)


def test_hidden_calls_are_not_listed_yet(start: Start) -> None:
    client = start(calls=3)
    late = client.sandbox.world.ids[1]
    client.sandbox.hidden.add(late)
    assert client.pages()[0]["records"]["totalRecords"] == 2
    client.sandbox.hidden.remove(late)
    assert client.pages()[0]["records"]["totalRecords"] == 3


def test_empty_list(start: Start) -> None:
    client = start(world=World(calls=0))
    assert refusal(client.get("/v2/calls")) == (404, NOTHING_FOUND)
    body = {"filter": {"callIds": ["1"]}}
    assert refusal(client.post("/v2/calls/extensive", body)) == (404, NOTHING_FOUND)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"limit": "100"}, "limit"),
        ({"fromDateTime": "2025-01-01"}, "fromDateTime"),
        ({"fromDateTime": "2025-01-01T00:00:00"}, "fromDateTime"),
        ({"toDateTime": "2025-13-01T00:00:00Z"}, "toDateTime"),
        ({**YEAR, "toDateTime": YEAR["fromDateTime"]}, "fromDateTime"),
    ],
)
def test_query_is_checked(start: Start, query: dict[str, str], named: str) -> None:
    status, message = refusal(start(calls=1).get("/v2/calls", **query))
    assert status == 400
    assert message.startswith(named)


def test_cursor_belongs_to_its_inputs(start: Start) -> None:
    client = start()
    cursor = client.get("/v2/calls").json()["records"]["cursor"]
    unverified = (400, "failed to verify cursor")
    assert refusal(client.get("/v2/calls", **YEAR, cursor=cursor)) == unverified
    for forged in ("", "é", "abc", cursor[:-8] + "AAAAAAA="):
        assert refusal(client.get("/v2/calls", cursor=forged)) == unverified


def test_cursor_expires(start: Start) -> None:
    client = start(cursor_lifetime=0)
    cursor = client.get("/v2/calls").json()["records"]["cursor"]
    expired = (400, "cursor has expired")
    assert refusal(client.get("/v2/calls", cursor=cursor)) == expired


def test_extensive_by_ids(start: Start) -> None:
    client = start()
    world = client.sandbox.world
    wanted = [*world.ids[:5], world.ids[0], "77"]
    body: dict[str, Any] = {"filter": {"callIds": wanted, "primaryUserIds": None}}
    answer = client.post("/v2/calls/extensive", body).json()
    found = {call["metaData"]["id"]: call["metaData"] for call in answer["calls"]}
    assert found == {call_id: world.call(call_id) for call_id in world.ids[:5]}
    assert answer["records"] == {
        "totalRecords": 5,
        "currentPageSize": 5,
        "currentPageNumber": 0,
    }


def test_extensive_by_other_filters(start: Start) -> None:
    client = start(page_size=1_000)
    world = client.sandbox.world
    call = world.call(world.ids[300])
    assert call is not None
    chosen = {"primaryUserIds": [call["primaryUserId"]], **YEAR}
    shown = client.post("/v2/calls/extensive", {"filter": chosen}).json()["calls"]
    assert {it["metaData"]["primaryUserId"] for it in shown} == {call["primaryUserId"]}
    narrowed = {**chosen, "callIds": [*world.ids[:1], world.ids[300]]}
    (one,) = client.post("/v2/calls/extensive", {"filter": narrowed}).json()["calls"]
    assert one["metaData"] == call


def test_extensive_takes_the_cursor_in_the_body(start: Start) -> None:
    client = start(calls=3, page_size=2)
    body: dict[str, Any] = {"filter": {}, "contentSelector": {"context": "None"}}
    first = client.post("/v2/calls/extensive", body).json()
    body["cursor"] = first["records"]["cursor"]
    second = client.post("/v2/calls/extensive", body).json()
    assert len(first["calls"]) == 2
    assert len(second["calls"]) == 1
    assert "cursor" not in second["records"]
    assert client.post("/v2/calls/extensive?cursor=x", body).status_code == 400


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (None, "request body"),
        ([], "request body"),
        ({}, "filter"),
        ({"filter": {}, "pageSize": 1}, "pageSize"),
        ({"filter": {}, "cursor": 1}, "cursor"),
        ({"filter": {}, "contentSelector": {"media": True}}, "contentSelector.media"),
        ({"filter": {"ids": ["1"]}}, "filter.ids"),
        ({"filter": {"callIds": "1"}}, "filter.callIds"),
        ({"filter": {"callIds": [1]}}, "filter.callIds"),
        ({"filter": {"callIds": [str(n) for n in range(101)]}}, "filter.callIds"),
        ({"filter": {"fromDateTime": 2025}}, "filter.fromDateTime"),
        ({"filter": {"toDateTime": "now"}}, "filter.toDateTime"),
    ],
)
def test_body_is_checked(start: Start, body: object, named: str) -> None:
    status, message = refusal(start(calls=1).post("/v2/calls/extensive", body))
    assert status == 400
    assert message.startswith(named)


def test_empty_list_of_ids_is_refused(start: Start) -> None:
    response = start(calls=1).post("/v2/calls/extensive", {"filter": {"callIds": []}})
    message = "filter.callIds: must not be empty but can be null or can be omitted"
    assert refusal(response) == (400, message)
