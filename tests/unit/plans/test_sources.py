"""Where a stream's records are: one list, or one for each row of another list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.gong.endpoint import Endpoint
from tap_gong.plans.sources import PerParent, Whole, WholePlan
from tests.unit.conftest import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_gong.plans.slices import Slice

WORKSPACES = Endpoint("GET", "/v2/workspaces", records="workspaces")
FOLDERS = Endpoint("GET", "/v2/library/folders", records="folders")
CONTENT = Endpoint("GET", "/v2/library/folder-content", records="calls")
HISTORY = Endpoint("GET", "/v2/calls/{callId}/x", records="x")

all_workspaces = Whole(WORKSPACES, {"a": "1"})
folders = PerParent(all_workspaces, FOLDERS, takes={"workspaceId": "id"})
calls = PerParent(folders, CONTENT, takes={"folderId": "id"})
history = PerParent(calls, HISTORY, takes={"callId": "id", "at": "created"})

ROWS: dict[Endpoint, dict[tuple[str, ...], list[dict[str, Any]]]] = {
    WORKSPACES: {("1",): [{"id": "w1"}, {"id": "w2"}, {"id": "w3"}]},
    FOLDERS: {
        ("w1",): [{"id": "f1"}, {"id": "f2"}],
        ("w2",): [],
        ("w3",): [{"id": "f3"}],
    },
    CONTENT: {
        ("f1",): [{"id": "c1", "created": "t1"}],
        ("f2",): [{"id": "c2"}, {"id": "c3", "created": None}],
        ("f3",): [{"id": "c4", "created": "t4"}, {"id": "c1", "created": "t5"}],
    },
}


def read(slices: Iterator[Slice]) -> list[tuple[Endpoint, Mapping[str, Any]]]:
    """Follow slices down to those whose rows are records, as a run does."""
    found: list[tuple[Endpoint, Mapping[str, Any]]] = []
    for slice_ in slices:
        if not slice_.child:
            found.append((slice_.endpoint, slice_.inputs))
            continue
        rows = ROWS[slice_.endpoint][tuple(slice_.inputs.values())]
        parts = [slice_.child(row) for row in rows]
        found += read(part for part in parts if part)
    return found


def test_one_list() -> None:
    (whole,) = all_workspaces.slices()
    assert (whole.endpoint, whole.inputs, whole.child) == (WORKSPACES, {"a": "1"}, None)
    (users,) = Whole(WORKSPACES).slices()
    assert users.inputs == {}


def test_one_list_for_each_parent() -> None:
    (parents,) = folders.slices()
    assert (parents.endpoint, parents.inputs) == (WORKSPACES, {"a": "1"})
    assert read(folders.slices()) == [
        (FOLDERS, {"workspaceId": "w1"}),
        (FOLDERS, {"workspaceId": "w2"}),
        (FOLDERS, {"workspaceId": "w3"}),
    ]


def test_one_list_for_each_row_of_a_list_for_each_parent() -> None:
    """A request has its own inputs only: Gong allows no others."""
    assert read(calls.slices()) == [
        (CONTENT, {"folderId": "f1"}),
        (CONTENT, {"folderId": "f2"}),
        (CONTENT, {"folderId": "f3"}),
    ]


def test_four_lists_deep() -> None:
    """A parent that lacks what the request needs is left out."""
    assert read(history.slices()) == [
        (HISTORY, {"callId": "c1", "at": "t1"}),
        (HISTORY, {"callId": "c4", "at": "t4"}),
        (HISTORY, {"callId": "c1", "at": "t5"}),
    ]


def test_a_source_with_children_stays_as_it_was() -> None:
    """Several streams may have the same parent."""
    before = read(folders.slices())
    read(calls.slices())
    assert read(folders.slices()) == before


@pytest.mark.parametrize(
    ("row", "is_asked"),
    [
        ({"id": "1", "active": True, "kind": "a"}, True),
        ({"id": "1", "active": True, "kind": "b"}, False),
        ({"id": "1", "active": False, "kind": "a"}, False),
        ({"id": "1", "active": None, "kind": "a"}, False),
        ({"id": "1", "kind": "a"}, False),
        ({"id": None, "active": True, "kind": "a"}, False),
        ({"active": True, "kind": "a"}, False),
        ({}, False),
        ({"id": 0, "active": True, "kind": "a"}, True),
    ],
    ids=brief,
)
def test_only_parents_with_some_values(row: dict[str, Any], *, is_asked: bool) -> None:
    source = PerParent(
        Whole(WORKSPACES), FOLDERS, {"x": "id"}, only={"active": True, "kind": "a"}
    )
    (parents,) = source.slices()
    assert parents.child
    part = parents.child(row)
    assert (part is not None) == is_asked
    if part:
        assert part.inputs == {"x": row["id"]}


def test_a_parent_that_is_left_out_has_no_grandchildren() -> None:
    some = PerParent(
        Whole(WORKSPACES, {"a": "1"}), FOLDERS, {"workspaceId": "id"}, {"id": "w3"}
    )
    below = PerParent(some, CONTENT, takes={"folderId": "id"})
    assert read(below.slices()) == [(CONTENT, {"folderId": "f3"})]


def test_a_plan_of_a_source_needs_no_bookmark() -> None:
    plan = WholePlan("library_calls", calls)
    assert (plan.expected, plan.is_done) == (None, False)
    assert plan.covers == "all library_calls"
    assert read(iter(plan)) == read(calls.slices())
    (whole,) = WholePlan("workspaces", all_workspaces)
    plan.finish(whole, ["1"], datetime(2026, 1, 1, tzinfo=UTC))
    assert plan.bookmarks() == {}
    assert not plan.is_out("library_calls", "1")
    assert plan.recount() is None
    assert plan.complaint() == ""
    assert plan.cut(whole, 10**6) == ()
