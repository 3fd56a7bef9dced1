"""The made-up company."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tap_gong.sandbox.world import WORKSPACE_IDS, Record, World

if TYPE_CHECKING:
    from collections.abc import Mapping

LAST_DAY = date(2026, 10, 31)

FIELDS = {
    *("id", "url", "title", "scheduled", "started", "duration", "primaryUserId"),
    *("direction", "system", "scope", "media", "language", "workspaceId"),
    *("sdrDisposition", "clientUniqueId", "customData", "purpose", "meetingUrl"),
    *("isPrivate", "calendarEventId"),
}


def records(world: World) -> list[Record]:
    """All records of a company, oldest first."""
    return [record for call_id in world.ids if (record := world.call(call_id))]


def moment(record: Mapping[str, object], field: str = "started") -> datetime:
    """A time in a record."""
    return datetime.fromisoformat(str(record[field]))


@pytest.fixture(scope="module")
def calls() -> list[Record]:
    """The default company's calls."""
    return records(World(last_day=LAST_DAY))


def test_same_seed_same_calls(calls: list[Record]) -> None:
    assert records(World(seed=1, last_day=LAST_DAY)) == calls
    assert records(World(seed=2, last_day=LAST_DAY)) != calls


def test_bytes_stay_the_same_between_versions() -> None:
    assert World().ids[:2] == ["6075786980913567035", "4915139558460998842"]


def test_ids(calls: list[Record]) -> None:
    ids = [str(call["id"]) for call in calls]
    assert len(set(ids)) == len(ids) == 1_200
    assert {len(call_id) for call_id in ids} == {18, 19, 20}
    assert max(map(int, ids)) > 2**63
    assert not any(call_id.startswith("0") for call_id in ids)


def test_calls_are_in_order_of_their_start_within_two_years(
    calls: list[Record],
) -> None:
    starts = [moment(call) for call in calls]
    assert starts == sorted(starts)
    assert datetime(2024, 11, 1, tzinfo=UTC) <= starts[0]
    assert datetime(2026, 10, 31, tzinfo=UTC) < starts[-1]
    assert starts[-1] < datetime(2026, 11, 1, tzinfo=UTC)


def test_fields_have_gaps(calls: list[Record]) -> None:
    assert {field for call in calls for field in call} == FIELDS
    for field in ("scheduled", "customData", "purpose", "sdrDisposition", "title"):
        assert any(field not in call for call in calls)
        assert any(call.get(field, "") is None for call in calls)
    for field in ("id", "started", "duration", "workspaceId", "isPrivate"):
        assert all(call.get(field) is not None for call in calls)


def test_variety(calls: list[Record]) -> None:
    starts = [str(call["started"]) for call in calls]
    assert {start[19:].lstrip(".0123456789") for start in starts} == {
        *("Z", "-08:00", "-07:00", "+02:00", "+05:30")
    }
    assert {len(re.sub(r"(Z|[+-]..:..)$", "", start)[19:]) for start in starts} == {
        *(0, 4, 7)
    }
    titles = "".join(str(call.get("title")) for call in calls)
    assert all(text in titles for text in ("🚀", '"', "\n", "四", "\\"))
    assert {call["isPrivate"] for call in calls} == {True, False}
    assert {call["workspaceId"] for call in calls} == set(WORKSPACE_IDS)


def test_dates_mean_the_schedule_of_a_conference() -> None:
    world = World()
    second = timedelta(seconds=1)
    for call in records(world)[:200]:
        conference = call["direction"] == "Conference"
        listed = moment(call, "scheduled" if conference else "started")
        assert call["id"] in world.listing(listed, listed + second)
        assert call["id"] not in world.listing(listed - second, listed)
        started = moment(call)
        assert call["id"] in world.started(started, started + second)


def test_listing_takes_one_workspace_or_all() -> None:
    world = World()
    listed = [
        call_id
        for workspace_id in WORKSPACE_IDS
        for call_id in world.listing(None, None, workspace_id)
    ]
    assert sorted(listed) == sorted(world.ids)
    assert world.listing(None, None, "1") == []


def test_calls_may_be_added() -> None:
    world = World(calls=0)
    later = {"id": "2", "started": "2026-01-02T00:00:00Z", "workspaceId": "9"}
    world.add(later)
    world.add({"id": "1", "started": "2026-01-01T23:59:59-08:00"})
    world.add({"id": "0", "started": "2026-01-01T00:00:00Z"})
    assert world.ids == ["0", "2", "1"]
    assert world.call("2") == later
    assert world.call("3") is None
    assert world.listing(moment(later), None, "9") == ["2"]


def test_calls_reach_until_yesterday_unless_told() -> None:
    before = datetime.now(UTC).date()
    world = World()
    days = {before - timedelta(1), datetime.now(UTC).date() - timedelta(1)}
    last = world.call(world.ids[-1])
    assert last is not None
    assert moment(last).astimezone(UTC).date() in days
