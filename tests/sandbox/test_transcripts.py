"""Transcripts and access over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client, Start

TRANSCRIPT = "/v2/calls/transcript"
ACCESS = "/v2/calls/users-access"


def by_ids(*call_ids: str) -> dict[str, Any]:
    """A body that asks for calls."""
    return {"filter": {"callIds": list(call_ids)}}


def ids_with(client: Client, *, transcript: bool) -> list[str]:
    """IDs of the calls that have a transcript, or have none."""
    world = client.sandbox.world
    return [id_ for id_ in world.ids if world.has_transcript(id_) == transcript]


def test_transcripts_by_id(start: Start) -> None:
    client = start()
    world = client.sandbox.world
    spoken = ids_with(client, transcript=True)[:90]
    silent = ids_with(client, transcript=False)[:10]
    answer = client.post(TRANSCRIPT, by_ids(*silent, *spoken)).json()
    assert answer["records"]["totalRecords"] == 90
    found = {row["callId"]: row["transcript"] for row in answer["callTranscripts"]}
    assert found == {
        id_: world.details(id_, "transcript")["transcript"] for id_ in spoken
    }


def test_transcripts_by_date_on_pages(start: Start) -> None:
    client = start(calls=30, page_size=20)
    first = client.post(TRANSCRIPT, {"filter": {}}).json()
    body = {"filter": {}, "cursor": first["records"]["cursor"]}
    second = client.post(TRANSCRIPT, body).json()
    rows = first["callTranscripts"] + second["callTranscripts"]
    expected = ids_with(client, transcript=True)
    assert sorted(row["callId"] for row in rows) == sorted(expected)


def test_hidden_calls_have_no_transcript_by_date_yet(start: Start) -> None:
    client = start()
    hidden = set(client.sandbox.world.ids[1:])
    client.sandbox.hidden.update(hidden)
    answer = client.post(TRANSCRIPT, {"filter": {}}).json()
    assert answer["records"]["totalRecords"] == 1


@pytest.mark.parametrize("silent", [True, False])
def test_no_transcript_at_all(start: Start, silent: bool) -> None:  # noqa: FBT001
    client = start()
    wanted = ids_with(client, transcript=False)[0] if silent else "77"
    answer = client.post(TRANSCRIPT, by_ids(wanted))
    assert answer.status_code == 404
    assert answer.json()["errors"] == [
        "No calls found corresponding to the provided filters"
    ]


def test_access(start: Start) -> None:
    client = start()
    world = client.sandbox.world
    wanted = list(world.ids[:100])
    answer = client.post(ACCESS, by_ids(*wanted)).json()
    assert set(answer) == {"requestId", "callAccessList"}
    assert answer["callAccessList"] == [
        {"callId": id_, "users": world.details(id_, "access")["access"]}
        for id_ in wanted
    ]
    lengths = {len(row["users"]) for row in answer["callAccessList"]}
    assert {0, 1, 2} <= lengths


def test_access_of_an_added_call(start: Start) -> None:
    client = start(calls=0)
    record = {"id": "1", "started": "2026-01-01T00:00:00Z"}
    client.sandbox.world.add(record, {"access": [{"userId": "8"}]})
    client.sandbox.world.add({**record, "id": "2"})
    assert client.post(ACCESS, by_ids("1", "2")).json()["callAccessList"] == [
        {"callId": "1", "users": [{"userId": "8"}]},
        {"callId": "2", "users": []},
    ]


def test_one_unknown_call_refuses_access_to_all(start: Start) -> None:
    client = start()
    answer = client.post(ACCESS, by_ids(client.sandbox.world.ids[0], "77"))
    assert answer.status_code == 400
    assert answer.json()["errors"] == ["Some calls not found"]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (TRANSCRIPT, {}, "filter"),
        (TRANSCRIPT, {"filter": {"primaryUserIds": ["1"]}}, "filter.primaryUserIds"),
        (TRANSCRIPT, {"filter": {}, "contentSelector": {}}, "contentSelector"),
        (TRANSCRIPT, by_ids(), "filter.callIds"),
        (TRANSCRIPT, by_ids(*map(str, range(101))), "filter.callIds"),
        (ACCESS, None, "request body"),
        (ACCESS, {}, "filter"),
        (ACCESS, {"filter": {}}, "filter.callIds"),
        (ACCESS, by_ids(), "filter.callIds"),
        (ACCESS, by_ids(*map(str, range(101))), "filter.callIds"),
        (ACCESS, {**by_ids("1"), "cursor": "x"}, "cursor"),
        (ACCESS, {"filter": {"callIds": ["1"], "workspaceId": "1"}}, "filter.work"),
    ],
)
def test_body_is_checked(start: Start, path: str, body: object, named: str) -> None:
    answer = start(calls=1).post(path, body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0].startswith(named)
