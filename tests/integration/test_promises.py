"""What Gong promises on the first page is held against what it gives.

Each test puts a page of its own in the place of the sandbox's.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tap_gong.sandbox.answers import Refusal, error
from tap_gong.sandbox.cursors import Place
from tap_gong.sandbox.routes import pages
from tests.conftest import Json

if TYPE_CHECKING:
    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

START = "2024-10-30"
"""Before the first call of the sandbox's company."""

NOTHING = Refusal(error(404, "No calls found corresponding to the provided filters"))


Change = Callable[[int, Json, str | None, Json], Json]
"""Makes a page from its number, its inputs, its cursor, and the right page."""


@dataclass
class Company:
    """A sandbox whose pages the test changes, and the tap that asks it."""

    make_sandbox: Callable[..., Sandbox]
    run_tap: Callable[[Sandbox], TapRunner]
    monkeypatch: pytest.MonkeyPatch
    page: Callable[..., Json] = pages.page

    def open(self, calls: int = 1_200) -> None:
        self.sandbox = self.make_sandbox(calls=calls)
        self.ids = set(self.sandbox.world.ids)
        self.tap = self.run_tap(self.sandbox)

    def change_pages(self, change: Change) -> None:
        numbers = itertools.count()

        def changed(
            data: object, ids: object, inputs: Json, cursor: str | None, *rest: object
        ) -> Json:
            answer = self.page(data, ids, inputs, cursor, *rest)
            return change(next(numbers), inputs, cursor, answer)

        self.monkeypatch.setattr(pages, "page", changed)

    def run(self, **settings: object) -> Run:
        limits = {"start_date": START, "end_date": "2026-11-01", "max_concurrency": 1}
        return self.tap(**limits | settings)  # type: ignore[arg-type]

    def assert_the_next_run_completes(self, first: Run) -> None:
        self.monkeypatch.setattr(pages, "page", self.page)
        second = self.run(state=first.state if first.of_type("STATE") else {})
        assert second.status == 0
        assert {*first.ids, *second.ids} == self.ids


@pytest.fixture
def company(
    make_sandbox: Callable[..., Sandbox],
    run_tap: Callable[[Sandbox], TapRunner],
    monkeypatch: pytest.MonkeyPatch,
) -> Company:
    company = Company(make_sandbox, run_tap, monkeypatch)
    company.open()
    return company


@pytest.mark.parametrize("count", [700, 1200])
@pytest.mark.parametrize("times", [1, 10**9], ids=["once", "for ever"])
def test_later_pages_say_that_there_is_nothing(
    company: Company, count: int, times: int
) -> None:
    company.open(count)
    said = 0

    def deny(_: int, __: Json, cursor: str | None, page: Json) -> Json:
        nonlocal said
        if cursor and said < times:
            said += 1
            raise NOTHING
        return page

    company.change_pages(deny)
    run = company.run()
    if times == 1:
        assert run.status == 0
        assert sorted(run.ids) == sorted(company.ids)
    else:
        assert run.status == 1
        assert "promised" in run.errors[0]
        company.assert_the_next_run_completes(run)


def test_a_page_without_a_cursor_is_not_the_last_one(company: Company) -> None:
    def stop_short(number: int, _: Json, __: str | None, page: Json) -> Json:
        if number == 2:
            del page["records"]["cursor"]
        return page

    company.change_pages(stop_short)
    run = company.run()
    assert run.status == 0
    assert sorted(run.ids) == sorted(company.ids)


@pytest.mark.parametrize("times", [1, 10**9], ids=["once", "for ever"])
@pytest.mark.parametrize("denied", [{0}, {1}, {2}, {0, 1, 2}], ids=str)
def test_parts_say_that_there_is_nothing(
    company: Company, denied: set[int], times: int
) -> None:
    """The period is cut in three; some of them are denied."""
    asked: dict[str, int] = {}

    def deny(number: int, inputs: Json, cursor: str | None, page: Json) -> Json:
        if number and cursor is None:
            start = inputs["fromDateTime"]
            asked[start] = asked.get(start, 0) + 1
            if sorted(asked).index(start) in denied and asked[start] <= times:
                raise NOTHING
        return page

    company.change_pages(deny)
    run = company.run()
    if times == 1:
        assert run.status == 0
        assert sorted(run.ids) == sorted(company.ids)
    else:
        assert run.status == 1
        assert len(run.ids) < len(company.ids)
        assert "promised 1200 calls" in run.errors[0]
        assert "replication_key_value" not in run.bookmark or (
            run.bookmark["replication_key_value"] is None
        )
        company.assert_the_next_run_completes(run)


@pytest.mark.parametrize("count", [500, 1_200])
def test_a_call_that_is_deleted_meanwhile_ends_no_run(
    company: Company, count: int
) -> None:
    """The new first page counts."""

    def one_too_many(number: int, _: Json, __: str | None, page: Json) -> Json:
        if number == 0:
            page["records"]["totalRecords"] += 1
        return page

    company.open(count)
    company.change_pages(one_too_many)
    run = company.run()
    assert run.status == 0
    assert sorted(run.ids) == sorted(company.ids)


@pytest.mark.parametrize("total", ["missing", "zero", "right"])
def test_the_same_page_for_ever(company: Company, total: str) -> None:
    first: Json = {}

    def again(_: int, __: Json, ___: str | None, page: Json) -> Json:
        records = {**page["records"], "cursor": cursors.pop()}
        if total == "missing":
            del records["totalRecords"]
        elif total == "zero":
            records["totalRecords"] = 0
        first.setdefault("calls", page["calls"])
        return {"calls": first["calls"], "records": records}

    def any_cursor(inputs: object, cursor: str | None) -> Place:
        assert inputs or cursor
        return Place(0, 10**9)

    cursors = [f"cursor-{number}" for number in range(1_000)]
    company.monkeypatch.setattr(pages, "read_cursor", any_cursor)
    company.change_pages(again)
    run = company.run(end_date="2025-03-01")
    assert len(company.sandbox.requests) < 200
    assert set(run.ids) <= company.ids
    if total == "right":
        assert run.status == 1
        assert "promised" in run.errors[0]


TOTALS: dict[str, Callable[[Json], object]] = {
    "missing": lambda records: records.pop("totalRecords"),
    "zero": lambda records: records.update(totalRecords=0),
    "text": lambda records: records.update(totalRecords=str(records["totalRecords"])),
}


@pytest.mark.parametrize("spoil", TOTALS.values(), ids=TOTALS.keys())
def test_a_total_that_is_not_said_in_numbers(
    company: Company, spoil: Callable[[Json], object]
) -> None:
    def spoiled(_: int, __: Json, ___: str | None, page: Json) -> Json:
        spoil(page["records"])
        return page

    company.open(20_000)
    company.change_pages(spoiled)
    run = company.run(max_concurrency=None)
    assert run.status == 0
    assert len(run.ids) == 20_000
    assert set(run.ids) == company.ids
    assert len(company.sandbox.requests) < 1.5 * 200
    # It is cut all the same: the place is written on the way.
    places = {str(message["value"]) for message in run.of_type("STATE")}
    assert len(places) > 10
