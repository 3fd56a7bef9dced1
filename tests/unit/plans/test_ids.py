"""Plans by call ID, and the place they keep in the bookmark."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_gong.errors import SettingsError
from tap_gong.gong.endpoint import Endpoint
from tap_gong.plans.ids import FEWEST_UNKNOWN, CallIdPlan, queued_call_ids
from tap_gong.plans.slices import Slice
from tests.unit.conftest import brief

ASKED = Endpoint("POST", "/v2/calls/extensive", records="calls")

NOW = datetime(2026, 1, 1, tzinfo=UTC)

ids = st.lists(st.integers(0, 40).map(str), unique=True, max_size=25)


def slice_of(some: tuple[str, ...], feeds: frozenset[str]) -> Slice:
    return Slice(ASKED, {"callIds": list(some)}, some, feeds=feeds)


def plan_of(
    bookmark: dict[str, Any], configured: list[str], size: int = 1
) -> CallIdPlan:
    """A plan for the calls alone."""
    return plan_of_all({"calls": bookmark}, configured, size)


def plan_of_all(
    bookmarks: dict[str, dict[str, Any]],
    configured: list[str],
    size: int = 1,
    queue: dict[str, Any] | None = None,
) -> CallIdPlan:
    """A plan for several streams; the queue may be that of calls that are not read."""
    return CallIdPlan(
        bookmarks,
        configured,
        queue=("calls", bookmarks.get("calls", queue or {})),
        ids_per_slice=size,
        ask=slice_of,
    )


def bookmark_of(plan: CallIdPlan) -> dict[str, Any]:
    """What a plan for the calls alone writes."""
    bookmarks = plan.bookmarks()
    assert bookmarks.keys() <= {"calls"}
    return dict(bookmarks.get("calls", {}))


def run(
    bookmark: dict[str, Any],
    configured: list[str],
    *,
    slices: int | None = None,
    size: int = 1,
) -> list[str]:
    """Emit so many slices, save, and tell which IDs are out."""
    return run_all({"calls": bookmark}, configured, slices=slices, size=size)["calls"]


def run_all(
    bookmarks: dict[str, dict[str, Any]],
    configured: list[str],
    *,
    slices: int | None = None,
    size: int = 1,
    queue: dict[str, Any] | None = None,
) -> dict[str, list[str]]:
    """Emit so many slices for several streams; the state is written after each."""
    plan = plan_of_all(bookmarks, configured, size, queue)
    out: dict[str, list[str]] = {name: [] for name in bookmarks}
    for slice_ in islice(plan, slices):
        for name in slice_.feeds:
            out[name] += slice_.ids
        plan.finish(slice_, slice_.ids, NOW)
        save(plan, bookmarks, queue)
    save(plan, bookmarks, queue)
    return out


def save(
    plan: CallIdPlan,
    bookmarks: dict[str, dict[str, Any]],
    queue: dict[str, Any] | None,
) -> None:
    """Merge as Meltano does, which cannot merge an object where null stands."""
    for name, values in plan.bookmarks().items():
        bookmark = bookmarks.get(name)
        if bookmark is None:
            assert queue is not None
            bookmark = queue
        for key, value in values.items():
            if isinstance(value, dict):
                assert isinstance(bookmark.get(key, {}), dict)
        bookmark.update(values)


def saved(bookmark: dict[str, Any]) -> dict[str, Any]:
    """Take a bookmark through a state file."""
    loaded: dict[str, Any] = json.loads(json.dumps(bookmark))
    return loaded


def test_the_configured_list_in_order() -> None:
    plan = plan_of({}, ["3", "1", "2"])
    assert [slice_.ids for slice_ in plan] == [("3",), ("1",), ("2",)]
    assert [slice_.inputs for slice_ in plan] == [
        {"callIds": ["3"]},
        {"callIds": ["1"]},
        {"callIds": ["2"]},
    ]
    assert {slice_.endpoint for slice_ in plan} == {ASKED}
    assert {slice_.feeds for slice_ in plan} == {frozenset({"calls"})}
    assert (plan.expected, plan.is_done, plan.page_size) == (3, False, 1)
    assert plan.covers == "calls by ID: 3 from the settings"


def test_batches() -> None:
    plan = plan_of({"call_ids": ["9"]}, [str(n) for n in range(5)], 2)
    assert [slice_.ids for slice_ in plan] == [("9", "0"), ("1", "2"), ("3", "4")]
    assert (plan.expected, plan.page_size) == (6, 2)
    assert plan.covers == (
        "calls by ID: 1 from the queue in state and 5 from the settings"
    )


def test_nothing_to_do() -> None:
    bookmark: dict[str, Any] = {}
    plan = plan_of(bookmark, [])
    assert list(plan) == []
    assert plan.is_done
    bookmark.update(bookmark_of(plan))
    assert bookmark == {}


def test_the_queue_comes_first_and_each_id_once() -> None:
    bookmark = {"call_ids": ["5", 1, "5"]}
    assert run(bookmark, ["1", "2", "5", "3"]) == ["5", "1", "2", "3"]
    assert bookmark == {"call_ids": [], "position": None}


def test_done_when_the_last_slice_is_finished() -> None:
    plan = plan_of({}, ["1", "2", "3"], 2)
    is_done = [plan.is_done]
    for slice_ in plan:
        plan.finish(slice_, slice_.ids, NOW)
        is_done.append(plan.is_done)
    assert is_done == [False, False, True]


def test_a_plan_ahead_of_what_is_finished() -> None:
    """Slices are drawn early; only finished ones count."""
    bookmark: dict[str, Any] = {"call_ids": ["9"]}
    plan = plan_of(bookmark, ["1", "2", "3"])
    slices = list(plan)
    bookmark.update(bookmark_of(plan))
    assert bookmark == {"call_ids": ["9"]}
    plan.finish(slices[0], slices[0].ids, NOW)
    plan.finish(slices[1], slices[1].ids, NOW)
    bookmark.update(bookmark_of(plan))
    assert bookmark["call_ids"] == []
    assert bookmark["position"]["done"] == 1


def test_a_stopped_pass_is_gone_on_with() -> None:
    bookmark: dict[str, Any] = {}
    configured = [str(n) for n in range(10)]
    assert run(bookmark, configured, slices=4) == configured[:4]
    assert bookmark["position"]["done"] == 4
    assert run(saved(bookmark), configured) == configured[4:]


def test_a_finished_pass_takes_its_place_away() -> None:
    bookmark: dict[str, Any] = {}
    configured = ["1", "2"]
    run(bookmark, configured, slices=1)
    assert run(bookmark, configured) == ["2"]
    assert bookmark == {"position": None}
    assert run(bookmark, configured) == configured


@pytest.mark.parametrize(
    "changed",
    [
        ["1", "2", "3", "4", "5"],
        ["1", "2", "3"],
        ["2", "1", "3", "4"],
        ["12", "3", "4"],
    ],
    ids=brief,
)
def test_a_changed_list_starts_anew(changed: list[str]) -> None:
    bookmark: dict[str, Any] = {}
    run(bookmark, ["1", "2", "3", "4"], slices=2)
    assert run(bookmark, changed) == changed


def test_the_place_does_not_grow_with_the_list() -> None:
    short: dict[str, Any] = {}
    long: dict[str, Any] = {}
    run(short, [str(n) for n in range(10)], slices=5)
    run(long, [str(10**18 + n) for n in range(5_000)], slices=5)
    assert len(json.dumps(long)) == len(json.dumps(short))


def digest_of(configured: list[str]) -> str:
    bookmark: dict[str, Any] = {}
    run(bookmark, configured, slices=1)
    digest: str = bookmark["position"]["of"]
    return digest


@pytest.mark.parametrize("done", [0, -1, 3, 4, 10**30, "1", 1.5, None, [1]], ids=brief)
def test_a_place_outside_the_list_is_none(done: object) -> None:
    configured = ["1", "2", "3"]
    bookmark = {"position": {"of": digest_of(configured), "done": done}}
    assert run(bookmark, configured) == configured
    assert bookmark == {"position": None}


@pytest.mark.parametrize(
    "position", [None, [], "x", 5, {}, {"done": 1}, {"of": None, "done": 1}], ids=brief
)
def test_a_place_of_another_making_is_none(position: object) -> None:
    bookmark = {"position": position}
    assert run(bookmark, ["1", "2", "3"]) == ["1", "2", "3"]
    assert bookmark == {"position": None}


def test_the_rest_of_the_bookmark_is_left_alone() -> None:
    bookmark = {
        "replication_key": "started",
        "replication_key_value": "2026-01-01T00:00:00Z",
        "call_ids": ["1"],
    }
    run(bookmark, ["2"])
    assert bookmark == {
        "replication_key": "started",
        "replication_key_value": "2026-01-01T00:00:00Z",
        "call_ids": [],
    }


@given(
    queue=ids,
    configured=ids,
    size=st.integers(1, 5),
    stops=st.lists(st.integers(0, 6), max_size=6),
)
def test_whenever_it_stops_nothing_is_lost(
    queue: list[str], configured: list[str], size: int, stops: list[int]
) -> None:
    bookmark: dict[str, Any] = {"call_ids": queue}
    out: list[str] = []
    for stop in [*stops, None]:
        plan = plan_of(bookmark, configured, size)
        for slice_ in islice(plan, stop):
            out += slice_.ids
            plan.finish(slice_, slice_.ids, NOW)
        bookmark.update(bookmark_of(plan))
        bookmark = saved(bookmark)
        assert set(bookmark["call_ids"]) == set(queue) - set(out)
        if plan.is_done:
            break
    assert bookmark["call_ids"] == []
    assert bookmark.get("position") is None
    assert set(out) == {*queue, *configured}


@given(configured=ids, stops=st.lists(st.integers(1, 6), max_size=6))
def test_a_list_alone_is_asked_once_however_often_it_stops(
    configured: list[str], stops: list[int]
) -> None:
    bookmark: dict[str, Any] = {}
    out: list[str] = []
    for stop in stops:
        out += run(bookmark, configured, slices=stop)
        if not bookmark.get("position"):
            break
    else:
        out += run(bookmark, configured)
    assert out == configured
    assert not any(bookmark.values())


@pytest.mark.parametrize(
    ("bookmark", "expected"),
    [
        ({}, ()),
        ({"call_ids": None}, ()),
        ({"call_ids": []}, ()),
        ({"call_ids": ["2", 1, "2"]}, ("2", "1")),
        ({"call_ids": "2,1"}, ("2", "1")),
        ({"call_ids": 10**20 - 1}, ("9" * 20,)),
    ],
    ids=brief,
)
def test_queue(bookmark: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert queued_call_ids(bookmark) == expected


@pytest.mark.parametrize(
    "queue", [["x"], ["../1"], [None], [[1]], {"a": 1}, True, 1.5, "1?x=2"], ids=brief
)
def test_bad_queue(queue: object) -> None:
    with pytest.raises(SettingsError, match=r"^state: calls\.call_ids"):
        queued_call_ids({"call_ids": queue})


def test_leading_zeros_are_no_part_of_an_id() -> None:
    assert queued_call_ids({"call_ids": ["007", "7", "000"]}) == ("7", "0")


# A queue of which Gong knows nothing


def finish_all(plan: CallIdPlan, known: set[str]) -> None:
    for slice_ in plan:
        plan.finish(slice_, known.intersection(slice_.ids), NOW)


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("count", [1, FEWEST_UNKNOWN - 1, FEWEST_UNKNOWN, 500])
def test_a_queue_that_gong_does_not_know_at_all(count: int, size: int) -> None:
    queue = [str(n) for n in range(count)]
    plan = plan_of({"call_ids": queue}, ["777"], size)
    finish_all(plan, known={"777"})
    if count < FEWEST_UNKNOWN:
        assert plan.complaint() == ""
        assert bookmark_of(plan) == {"call_ids": []}
    else:
        assert f"none of the {count} call IDs" in plan.complaint()
        assert bookmark_of(plan) == {"call_ids": queue}


@pytest.mark.parametrize("known", ["0", "60", "99"])
def test_one_known_id_lets_the_absent_ones_go(known: str) -> None:
    plan = plan_of({"call_ids": [str(n) for n in range(100)]}, [])
    finish_all(plan, known={known})
    assert plan.complaint() == ""
    assert bookmark_of(plan) == {"call_ids": []}


def test_absent_ids_stay_in_the_queue_until_another_one_is_known() -> None:
    plan = plan_of({"call_ids": ["1", "2", "3", "4"]}, [])
    slices = list(plan)
    plan.finish(slices[0], (), NOW)
    assert bookmark_of(plan)["call_ids"] == ["1", "2", "3", "4"]
    plan.finish(slices[1], ("2",), NOW)
    assert bookmark_of(plan)["call_ids"] == ["3", "4"]
    plan.finish(slices[2], (), NOW)
    assert bookmark_of(plan)["call_ids"] == ["4"]


# States that Meltano merges


def test_where_null_stands_the_position_is_text() -> None:
    """Meltano cannot merge an object there."""
    configured = [str(number) for number in range(9)]
    bookmark: dict[str, Any] = {"position": None}
    run(bookmark, configured, slices=4)
    assert bookmark == {"position": f"{digest_of(configured)}:4"}
    assert run(bookmark, configured, slices=3) == ["4", "5", "6"]
    assert bookmark == {"position": f"{digest_of(configured)}:7"}
    assert run(bookmark, configured) == ["7", "8"]
    assert bookmark == {"position": None}


@pytest.mark.parametrize("text", ["", ":", "x:1", ":1", "{}:", "{}:x", "{}:9", "{}:-1"])
def test_a_text_that_is_no_position(text: str) -> None:
    configured = ["1", "2", "3"]
    bookmark = {"position": text.format(digest_of(configured))}
    assert run(bookmark, configured) == configured


# Several streams


def test_each_stream_goes_on_from_its_own_position() -> None:
    configured = [str(n) for n in range(10)]
    bookmarks: dict[str, dict[str, Any]] = {"calls": {}}
    run_all(bookmarks, configured, slices=6)
    bookmarks["call_parties"] = {}
    plan = plan_of_all(bookmarks, configured, size=4)
    both = frozenset({"calls", "call_parties"})
    assert [(slice_.ids, slice_.feeds) for slice_ in plan] == [
        (("0", "1", "2", "3"), {"call_parties"}),
        (("4", "5"), {"call_parties"}),
        (("6", "7", "8", "9"), both),
    ]
    assert plan.expected == 10


def test_a_stream_that_is_ahead_keeps_its_position() -> None:
    configured = [str(n) for n in range(10)]
    bookmarks: dict[str, dict[str, Any]] = {"calls": {}}
    run_all(bookmarks, configured, slices=6)
    bookmarks["call_parties"] = {}
    run_all(bookmarks, configured, slices=3)
    done = {name: bookmark["position"]["done"] for name, bookmark in bookmarks.items()}
    assert done == {"calls": 6, "call_parties": 3}
    run_all(bookmarks, configured, slices=4)
    done = {name: bookmark["position"]["done"] for name, bookmark in bookmarks.items()}
    assert done == {"calls": 7, "call_parties": 7}


def test_a_stream_that_is_not_read_keeps_its_bookmark() -> None:
    configured = ["1", "2", "3"]
    bookmarks: dict[str, dict[str, Any]] = {"calls": {}, "call_parties": {}}
    run_all(bookmarks, configured, slices=1)
    parties = bookmarks.pop("call_parties")
    assert run_all(bookmarks, configured) == {"calls": ["2", "3"]}
    assert parties["position"]["done"] == 1
    again = {"call_parties": parties}
    assert run_all(again, configured) == {"call_parties": ["2", "3"]}


def test_the_queue_feeds_every_stream_and_stands_with_calls_alone() -> None:
    bookmarks: dict[str, dict[str, Any]] = {
        "calls": {"call_ids": ["8", "9"]},
        "call_parties": {},
    }
    out = run_all(bookmarks, ["1"], size=5)
    assert out == {name: ["8", "9", "1"] for name in bookmarks}
    assert bookmarks == {"calls": {"call_ids": []}, "call_parties": {}}


def test_a_slice_joins_only_what_feeds_the_same_streams() -> None:
    configured = ["1", "2", "3", "4"]
    bookmarks: dict[str, dict[str, Any]] = {"calls": {}}
    run_all(bookmarks, configured, slices=2)
    bookmarks["calls"]["call_ids"] = ["8", "3"]
    bookmarks["call_parties"] = {}
    plan = plan_of_all(bookmarks, configured, size=9)
    both = ["call_parties", "calls"]
    assert [(slice_.ids, sorted(slice_.feeds)) for slice_ in plan] == [
        (("8", "3"), both),
        (("1", "2"), ["call_parties"]),
        (("4",), both),
    ]
    out = run_all(bookmarks, configured, size=9)
    assert out == {
        "calls": ["8", "3", "4"],
        "call_parties": ["8", "3", "1", "2", "4"],
    }


def test_a_queue_of_calls_that_are_not_read_themselves() -> None:
    bookmarks: dict[str, dict[str, Any]] = {"call_parties": {}}
    queue: dict[str, Any] = {"call_ids": ["8", "9"], "position": "kept"}
    out = run_all(bookmarks, ["1", "9", "2"], slices=1, queue=queue)
    assert out == {"call_parties": ["8"]}
    assert queue == {"call_ids": ["9"], "position": "kept"}
    out = run_all(bookmarks, ["1", "9", "2"], slices=2, queue=queue)
    assert out == {"call_parties": ["9", "1"]}
    assert queue == {"call_ids": [], "position": "kept"}
    assert bookmarks["call_parties"]["position"]["done"] == 1


def test_where_a_stale_object_became_null_the_position_is_text() -> None:
    """Within one run as well: a target may keep any of its states."""
    bookmarks = {"calls": {"position": {"of": "another list", "done": 2}}}
    states = []
    plan = plan_of_all(bookmarks, ["1", "2", "3"])
    for slice_ in plan:
        states.append(bookmark_of(plan)["position"])
        plan.finish(slice_, slice_.ids, NOW)
    states.append(bookmark_of(plan)["position"])
    of = digest_of(["1", "2", "3"])
    assert states == [None, f"{of}:1", f"{of}:2", None]


@given(
    configured=ids,
    size=st.integers(1, 5),
    before=st.lists(st.integers(0, 3), max_size=3),
    after=st.lists(st.integers(0, 3), max_size=5),
)
def test_a_stream_that_joins_gets_all_and_the_others_nothing_twice(
    configured: list[str], size: int, before: list[int], after: list[int]
) -> None:
    bookmarks: dict[str, dict[str, Any]] = {"calls": {}, "call_topics": {}}
    out: dict[str, list[str]] = {"calls": [], "call_topics": [], "call_parties": []}
    for some in before:
        if sum(before) * size >= len(configured):
            break
        add(out, run_all(bookmarks, configured, slices=some, size=size))
    bookmarks["call_parties"] = {}
    for stop in [*after, None]:
        add(out, run_all(bookmarks, configured, slices=stop, size=size))
        if not any(bookmark.get("position") for bookmark in bookmarks.values()):
            if not any(out.values()):
                continue  # nothing has begun
            break
    assert out == dict.fromkeys(out, configured)
    assert not any(
        value for bookmark in bookmarks.values() for value in bookmark.values()
    )


def add(out: dict[str, list[str]], more: dict[str, list[str]]) -> None:
    for name, some in more.items():
        out[name] += some
