"""One list, page by page, from an endpoint of the tests' own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tap_gong.errors import CursorExpiredError, StreamFailedError
from tap_gong.gong.pages import Page, read_pages

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EXPIRED = CursorExpiredError("gone")


def page(keys: str, *, more: bool = False, total: int | None = None) -> Page[str]:
    """A page with a record for each letter."""
    cursor = f"after {keys}" if more else None
    return Page("", NOW, {key: key for key in keys}, cursor, total)


def read(
    answers: Sequence[Page[str] | Exception], *, is_part: bool = False
) -> list[str]:
    """Give the keys of each page, with `.` after the last."""
    waiting = list(answers)

    def ask(cursor: str | None) -> Page[str]:
        if asked and (last := asked[-1]) is not None and cursor is not None:
            assert cursor == last
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            asked.append(None)
            raise answer
        asked.append(answer.cursor)
        return answer

    asked: list[str | None] = []
    out = [
        "".join(page.records) + "." * page.is_last
        for page in read_pages(ask, path="/v2/calls", is_part=is_part)
    ]
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


def test_a_list_that_falls_short_is_asked_again() -> None:
    """And nothing comes twice."""
    answers = [
        *(page("ab", more=True, total=4), page("c")),
        *(page("ab", more=True, total=4), page("cd")),
    ]
    assert read(answers) == ["ab", "c", "", "d."]


def test_the_new_first_page_counts() -> None:
    answers = [page("abc", total=4), page("abc", total=3)]
    assert read(answers) == ["abc", "."]


def test_a_list_that_falls_short_again() -> None:
    answers = [page("abc", total=4), page("abc", total=4)]
    with pytest.raises(
        StreamFailedError,
        match=r"/v2/calls promised 4 records and gave 3, twice\. Run again later",
    ):
        read(answers)


def test_a_record_that_comes_twice_is_one() -> None:
    answers = [
        *(page("ab", more=True, total=3), page("ba")),
        *(page("ab", more=True, total=3), page("c")),
    ]
    assert read(answers) == ["ab", "", "", "c."]


@pytest.mark.parametrize("total", [None, 2])
def test_a_page_that_brings_nothing_new_ends_the_list(total: int | None) -> None:
    answers = [page("ab", more=True, total=total), page("ba", more=True)]
    assert read(answers) == ["ab", "."]


def test_an_empty_page_with_a_cursor_ends_the_list() -> None:
    assert read([page("", more=True)]) == ["."]


def test_a_part_with_nothing_is_asked_again() -> None:
    assert read([page(""), page("a", total=1)], is_part=True) == ["", "a."]
    assert read([page(""), page("")], is_part=True) == ["", "."]


def test_an_expired_cursor_begins_again_once() -> None:
    first = page("ab", more=True, total=3)
    again = page("ab", more=True, total=3)
    assert read([first, EXPIRED, again, page("c")]) == ["ab", "", "c."]
    with pytest.raises(CursorExpiredError):
        read([page("ab", more=True), EXPIRED, page("ab", more=True), EXPIRED])


def test_a_page_keeps_what_else_it_brings() -> None:
    whole = replace(page("ab"), size=7, request_id="r", absent={"9": "r"})
    (read_again,) = read_pages(lambda _: whole, path="/v2/calls")
    assert read_again == replace(whole, is_last=True)


def test_a_page_with_other_records() -> None:
    whole = replace(page("ab", more=True, total=4), size=7)
    other = whole.holding({"a": 1}, 9)
    assert other == Page("", NOW, {"a": 1}, "after ab", 4, 9, {})
