"""One slice, page by page, from an endpoint of the tests' own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_gong.errors import CursorExpiredError
from tap_gong.gong.endpoint import Endpoint
from tap_gong.gong.pages import Page, read_pages
from tap_gong.plans.slices import Slice
from tap_gong.run.prefetch import Split

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE = Slice(Endpoint("GET", "/v2/calls", records="calls"), {})
PART = Slice(WHOLE.endpoint, {}, is_part=True)
EXPIRED = CursorExpiredError("gone")


def page(keys: str, *, more: bool = False, total: int | None = None) -> Page:
    """A page with a record for each letter."""
    cursor = f"after {keys}" if more else None
    return Page("", NOW, {key: {} for key in keys}, cursor, total)


def read(
    answers: Sequence[Page | Exception],
    slice_: Slice = WHOLE,
    parts: Sequence[Slice] = (),
) -> list[str]:
    """Read a slice: the keys of each page, with a stop after the last one."""
    waiting = list(answers)

    def ask(_: Slice, cursor: str | None) -> Page:
        if asked and (last := asked[-1]) is not None and cursor is not None:
            assert cursor == last
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        asked.append(answer.cursor)
        return answer

    asked: list[str | None] = []
    out = []
    for result in read_pages(slice_, ask, lambda _, __: parts):
        if isinstance(result, Split):
            out.append(f"{len(result.parts)} parts")
        else:
            out.append("".join(result.records) + "." * result.is_last)
    assert waiting == []
    return out


def test_one_page() -> None:
    assert read([page("abc", total=3)]) == ["abc."]


def test_nothing() -> None:
    assert read([page("")]) == ["."]


def test_pages_follow_their_cursors() -> None:
    answers = [page("ab", more=True, total=5), page("cd", more=True), page("e")]
    assert read(answers) == ["ab", "cd", "e."]


def test_without_a_promise_the_last_page_is_the_end() -> None:
    assert read([page("ab", more=True), page("c")]) == ["ab", "c."]


def test_a_slice_that_is_cut() -> None:
    assert read([page("ab", more=True, total=9)], parts=[PART] * 3) == ["3 parts"]


def test_a_single_page_is_not_cut() -> None:
    assert read([page("ab", total=2)], parts=[PART] * 3) == ["ab."]


def test_a_slice_that_falls_short_is_asked_again() -> None:
    """And nothing comes twice."""
    answers = [
        *(page("ab", more=True, total=4), page("c")),
        *(page("ab", more=True, total=4), page("cd")),
    ]
    assert read(answers) == ["ab", "c", "", "d."]


def test_the_new_first_page_counts() -> None:
    answers = [page("abc", total=4), page("abc", total=3)]
    assert read(answers) == ["abc", "."]


def test_a_slice_that_falls_short_again() -> None:
    answers = [page("abc", total=4), page("abc", total=4)]
    with pytest.raises(FatalAPIError, match="promised 4 records and gave 3, twice"):
        read(answers)


def test_a_record_that_comes_twice_is_one() -> None:
    answers = [
        *(page("ab", more=True, total=3), page("ba")),
        *(page("ab", more=True, total=3), page("c")),
    ]
    assert read(answers) == ["ab", "", "", "c."]


@pytest.mark.parametrize("total", [None, 2])
def test_a_page_that_brings_nothing_new_ends_the_slice(total: int | None) -> None:
    answers = [page("ab", more=True, total=total), page("ba", more=True)]
    assert read(answers) == ["ab", "."]


def test_an_empty_page_with_a_cursor_ends_the_slice() -> None:
    assert read([page("", more=True)]) == ["."]


def test_a_part_with_nothing_is_asked_again() -> None:
    assert read([page(""), page("a", total=1)], PART) == ["", "a."]
    assert read([page(""), page("")], PART) == ["", "."]


def test_an_expired_cursor_begins_again_once() -> None:
    first = page("ab", more=True, total=3)
    again = page("ab", more=True, total=3)
    assert read([first, EXPIRED, again, page("c")]) == ["ab", "", "c."]
    with pytest.raises(CursorExpiredError):
        read([page("ab", more=True), EXPIRED, page("ab", more=True), EXPIRED])
