"""Calls with details: what is selected is there, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.sandbox import World
from tests.sandbox.document import ALL

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client, Start

Json = dict[str, Any]

PATH = "/v2/calls/extensive"

RECORD = {"id": "7", "started": "2026-01-01T00:00:00Z", "workspaceId": "9"}
FIELDS = [{"name": "Amount", "value": 4166.67}]
NOW, BEFORE = (
    {"objectType": "Opportunity", "objectId": "6", "timing": timing, "fields": FIELDS}
    for timing in ("Now", "TimeOfCall")
)
ACCOUNT = {"objectType": "Account", "objectId": "1", "fields": FIELDS}
PARTY: Json = {"id": "5", "affiliation": "External", "methods": [], "speakerId": None}
TRACKER = {"id": "3", "name": "Price", "count": 1, "type": "KEYWORD"}
HEARD = [{"startTime": 32.56, "speakerId": "4"}]
DETAILS: Json = {
    "context": [{"system": "Salesforce", "objects": [ACCOUNT, NOW, BEFORE]}],
    "parties": [{**PARTY, "context": [{"system": "HubSpot", "objects": [ACCOUNT]}]}],
    "content": {
        "trackers": [{**TRACKER, "occurrences": HEARD, "phrases": []}],
        "brief": "Short.",
    },
    "interaction": {"speakers": [], "interactionStats": [{"name": "a", "value": 1}]},
    "collaboration": {"publicComments": []},
    "media": {"audioUrl": "https://media.example/a"},
}


def links(context: str) -> Json:
    """Select so much of the CRM systems."""
    return {"context": context}


def exposed(**fields: object) -> Json:
    """Select exposed fields."""
    return {"exposedFields": fields}


@pytest.fixture
def client(start: Start) -> Client:
    """A client of a company with one call."""
    world = World(calls=0)
    world.add(RECORD, DETAILS)
    return start(world=world)


def shown(client: Client, selector: object) -> Json:
    """What the only call shows beside its metaData."""
    body = {"filter": {"callIds": ["7"]}, "contentSelector": selector}
    (call,) = client.post(PATH, body).json()["calls"]
    assert call.pop("metaData") == RECORD
    answer: Json = call
    return answer


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, {}),
        ({}, {}),
        (links("None"), {}),
        (exposed(parties=False, media=None), {}),
        (
            links("Extended"),
            {"context": [{"system": "Salesforce", "objects": [ACCOUNT, NOW]}]},
        ),
        (
            {**links("Extended"), "contextTiming": ["Now", "TimeOfCall"]},
            {"context": DETAILS["context"]},
        ),
        (
            {**links("Extended"), "contextTiming": ["TimeOfCall"]},
            {"context": [{"system": "Salesforce", "objects": [ACCOUNT, BEFORE]}]},
        ),
        (exposed(parties=True), {"parties": [PARTY]}),
        (exposed(content={"brief": True}), {"content": {"brief": "Short."}}),
        (exposed(content={"trackers": True}), {"content": {"trackers": [TRACKER]}}),
        (
            exposed(content={"trackers": True, "trackerOccurrences": True}),
            {"content": {"trackers": DETAILS["content"]["trackers"]}},
        ),
        (exposed(content={"outline": True, "pointsOfInterest": True}), {}),
        (exposed(interaction={"speakers": True}), {"interaction": {"speakers": []}}),
        (
            exposed(interaction={"personInteractionStats": True}),
            {"interaction": {"interactionStats": [{"name": "a", "value": 1}]}},
        ),
        (exposed(interaction={"video": True, "questions": True}), {}),
        (
            exposed(collaboration={"publicComments": True}),
            {"collaboration": {"publicComments": []}},
        ),
        (exposed(media=True), {"media": DETAILS["media"]}),
        (ALL, DETAILS),
    ],
)
def test_what_is_selected(client: Client, selector: object, expected: Json) -> None:
    assert shown(client, selector) == expected
    assert shown(client, ALL) == DETAILS  # nothing is lost by the first request


def test_basic_context_is_links_only(client: Client) -> None:
    account = {"objectType": "Account", "objectId": "1"}
    assert shown(client, {**links("Basic"), **exposed(parties=True)}) == {
        "context": [
            {
                "system": "Salesforce",
                "objects": [account, {"objectType": "Opportunity", "objectId": "6"}],
            }
        ],
        "parties": [
            {**PARTY, "context": [{"system": "HubSpot", "objects": [account]}]}
        ],
    }


@pytest.mark.parametrize(
    ("selector", "named"),
    [
        ({"context": "All"}, ["context"]),
        ({"context": True}, ["context"]),
        ({"contextTiming": ["Now"]}, ["contextTiming"]),
        ({"context": "Basic", "contextTiming": ["Now"]}, ["contextTiming"]),
        ({"context": "Extended", "contextTiming": ["Then"]}, ["contextTiming"]),
        ({"context": "Extended", "contextTiming": "Now"}, ["contextTiming"]),
        ({"parties": True}, ["parties"]),
        (exposed(parties="true"), ["exposedFields.parties"]),
        (exposed(metaData=True), ["exposedFields.metaData"]),
        (exposed(content=True), ["exposedFields.content"]),
        (exposed(content={"topic": True}), ["exposedFields.content.topic"]),
        (
            exposed(content={"trackerOccurrences": True}),
            ["exposedFields.content.trackerOccurrences"],
        ),
        (
            exposed(interaction={"interactionStats": True}),
            ["exposedFields.interaction.interactionStats"],
        ),
        (
            {"context": "All", **exposed(media=1, collaboration={"comments": True})},
            [
                "context",
                "exposedFields.collaboration.comments",
                "exposedFields.media",
            ],
        ),
    ],
)
def test_selector_is_checked(
    client: Client, selector: object, named: list[str]
) -> None:
    answer = client.post(PATH, {"filter": {}, "contentSelector": selector})
    assert answer.status_code == 400
    texts = [text.split(":")[0] for text in answer.json()["errors"]]
    assert texts == [f"contentSelector.{name}" for name in named]


def test_each_bad_field_has_its_text(client: Client) -> None:
    body = {"filter": {"fromDateTime": 1, "callIds": []}, "limit": 5}
    answer = client.post(PATH, body)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        "limit: is not known here",
        "filter.fromDateTime: must be a string",
        "filter.callIds: must not be empty but can be null or can be omitted",
    ]


def test_media_needs_a_scope_of_its_own(start: Start) -> None:
    client = start(scopes=("api:calls:read:extensive",))
    body: Json = {"filter": {}, "contentSelector": exposed(parties=True)}
    assert client.post(PATH, body).ok
    body["contentSelector"]["exposedFields"]["media"] = True
    answer = client.post(PATH, body)
    assert answer.status_code == 401
    assert answer.json()["errors"] == [
        "You don't have permission to use 'api:calls:read:media-url' in your app."
    ]


def test_pages_have_the_details_of_their_calls(start: Start) -> None:
    client = start(calls=30, page_size=20)
    world = client.sandbox.world
    body: Json = {"filter": {}, "contentSelector": ALL}
    first = client.post(PATH, body).json()
    second = client.post(PATH, {**body, "cursor": first["records"]["cursor"]}).json()
    calls = {call["metaData"]["id"]: call for call in first["calls"] + second["calls"]}
    assert len(calls) == 30
    for call_id, call in calls.items():
        assert call.pop("metaData") == world.call(call_id)
        blocks = ("context", "parties", "content", "interaction", "collaboration")
        assert call == world.details(call_id, *blocks, "media")


def test_order_and_dates_are_those_of_the_schedule(start: Start) -> None:
    client = start(calls=0, shuffle=False)
    late_start = {
        "id": "1",
        "started": "2026-01-01T10:19:47Z",
        "scheduled": "2026-01-01T10:00:00Z",
        "direction": "Conference",
    }
    client.sandbox.world.add({"id": "2", "started": "2026-01-01T10:05:00Z"})
    client.sandbox.world.add(late_start)

    def ids(start: str) -> list[str]:
        answer = client.post(PATH, {"filter": {"fromDateTime": start}}).json()
        return [call["metaData"]["id"] for call in answer["calls"]]

    assert ids("2026-01-01T00:00:00Z") == ["1", "2"]
    assert ids("2026-01-01T10:01:00Z") == ["2"]
