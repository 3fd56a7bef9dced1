"""Users and workspaces over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.sandbox.world import WORKSPACE_IDS

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client, Start


def users(client: Client, **query: str) -> list[dict[str, Any]]:
    """All users, page by page."""
    answer = client.get("/v2/users", **query).json()
    found: list[dict[str, Any]] = answer["users"]
    while cursor := answer["records"].get("cursor"):
        answer = client.get("/v2/users", **query, cursor=cursor).json()
        found += answer["users"]
    return found


def test_each_user_once(start: Start) -> None:
    client = start(page_size=10)
    found = users(client)
    assert [request.path for request in client.sandbox.requests] == ["/v2/users"] * 3
    assert len(found) == 25
    by_id = {user["id"]: user for user in found}
    assert [by_id[id_] for id_ in sorted(by_id)] == client.sandbox.world.users


def test_variety_of_users(start: Start) -> None:
    found = users(start())
    assert {user["active"] for user in found} == {True, False}
    assert sum(user["emailAddress"].startswith("api@") for user in found) == 1
    for field in ("managerId", "title", "phoneNumber", "meetingConsentPageUrl"):
        values = [user[field] for user in found]
        assert None in values
        assert any(values)
    ids = {user["id"] for user in found}
    assert {user["managerId"] for user in found} <= {*ids, None}


def test_hosts_are_users(start: Start) -> None:
    client = start(users=3)
    ids = {user["id"] for user in users(client)}
    assert len(ids) == 3
    calls = [call for page in client.pages() for call in page["calls"]]
    assert {call.get("primaryUserId") for call in calls} - {None} == ids


def test_avatars_come_when_asked_for(start: Start) -> None:
    client = start()
    more = users(client, includeAvatars="true")
    assert len(more) == 27
    assert users(client, includeAvatars="false") == users(client)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/users", {"includeAvatars": "yes"}),
        ("/v2/users", {"fromDateTime": "2025-01-01T00:00:00Z"}),
        ("/v2/users", {"cursor": "x"}),
        ("/v2/workspaces", {"cursor": "x"}),
    ],
)
def test_query_is_checked(start: Start, path: str, query: dict[str, str]) -> None:
    assert start().get(path, **query).status_code == 400


def test_workspaces(start: Start) -> None:
    answer = start().get("/v2/workspaces").json()
    assert set(answer) == {"requestId", "workspaces"}
    assert [row["id"] for row in answer["workspaces"]] == list(WORKSPACE_IDS)
