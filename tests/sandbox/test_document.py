"""The answers are held to facts of Gong's document, and show each of its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import document

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client, Start

ABSENT = {
    "call.parties[].context[].objects[].timing",
}
"""Fields of the document that no recorded answer of Gong's has."""

CHOSEN: dict[str, Any] = {"filter": {}}


def all_calls(client: Client) -> list[dict[str, Any]]:
    """All calls with all details."""
    body = {**CHOSEN, "contentSelector": document.ALL}
    calls: list[dict[str, Any]] = client.post("/v2/calls/extensive", body).json()[
        "calls"
    ]
    return calls


def held(records: list[dict[str, Any]], shape: object, place: str) -> set[str]:
    """Hold records to the document; the places of the fields that they have."""
    seen: set[str] = set()
    for record in records:
        document.held_to(record, shape, place, seen)
    return seen


def test_calls(start: Start) -> None:
    calls = all_calls(start(page_size=1_200))
    seen = held(calls, document.CALL, "call")
    assert document.places(document.CALL, "call") - seen == ABSENT


def test_transcripts(start: Start) -> None:
    client = start(page_size=1_200)
    answer = client.post("/v2/calls/transcript", CHOSEN).json()
    seen = held(answer["callTranscripts"], document.TRANSCRIPT, "transcript")
    assert seen == document.places(document.TRANSCRIPT, "transcript")


def test_access(start: Start) -> None:
    client = start()
    body = {"filter": {"callIds": list(client.sandbox.world.ids[:100])}}
    answer = client.post("/v2/calls/users-access", body).json()
    seen = held(answer["callAccessList"], document.ACCESS, "access")
    assert seen == document.places(document.ACCESS, "access")


def test_users(start: Start) -> None:
    users = start().get("/v2/users").json()["users"]
    for user in users:
        if user["conferencingProviders"] is None:
            user["conferencingProviders"] = []
    seen = held(users, document.USER, "user")
    assert seen == document.places(document.USER, "user")


def test_workspaces(start: Start) -> None:
    workspaces = start().get("/v2/workspaces").json()["workspaces"]
    seen = held(workspaces, document.WORKSPACE, "workspace")
    assert seen == document.places(document.WORKSPACE, "workspace")


@pytest.mark.parametrize(
    "wrong", [{"id": 5}, {"methods": ["Host"]}, {"name": None}, {"mail": "a"}]
)
def test_a_wrong_answer_is_seen(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        held([{"parties": [wrong]}], document.CALL, "call")
