"""How many requests a backfill by date takes, counted without a server.

python benchmarks/count_requests.py
"""

from __future__ import annotations

import random
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from tap_gong.gong.calls import CALLS
from tap_gong.gong.pages import Page, read_pages
from tap_gong.plans.periods import PeriodPlan
from tap_gong.plans.ranges import Range
from tap_gong.plans.slices import PAGE
from tap_gong.plans.tracks import Track

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.plans.slices import Slice

START = datetime(2024, 1, 1, tzinfo=UTC)
FRIDAY = 4


def evenly(days: int) -> datetime:
    """Make up when a call took place, at any time."""
    return START + timedelta(days=days * random.random())  # noqa: S311


def in_office_hours(days: int) -> datetime:
    """Make up when a call took place, from 9 to 17 on a weekday."""
    while True:
        day = START + timedelta(days=random.randrange(days))  # noqa: S311
        if day.weekday() <= FRIDAY:
            return day + timedelta(hours=9 + 8 * random.random())  # noqa: S311


def count_requests(calls: list[datetime], days: int) -> int:
    """Run a plan over calls in order of time, and count what it asks."""
    requests = 0

    def ask(slice_: Slice, cursor: str | None) -> Page[None]:
        nonlocal requests
        requests += 1
        start, end = slice_.period or (START, START)
        first, last = bisect_left(calls, start), bisect_left(calls, end)
        place = first + int(cursor or 0)
        following = min(place + PAGE, last)
        return Page(
            "",
            end,
            records=dict.fromkeys(range(place, following)),
            cursor=str(following - first) if following < last else None,
            total=last - first,
        )

    end = START + timedelta(days=days)
    range_ = Range(START, end, timedelta(), None, end)
    track = Track("calls", {}, range_, warn=print)
    plan = PeriodPlan({"calls": track}, CALLS, end=end, workspace_id=None)
    found = 0
    slices = list(plan)
    while slices:
        slice_ = slices.pop()
        pages = read_pages(
            partial(ask, slice_), path=CALLS.path, is_part=slice_.is_part
        )
        for number, page in enumerate(pages):
            if number == 0 and page.cursor:
                parts = plan.cut(slice_, page.total)
                slices += parts
                if parts:
                    break
            found += len(page.records)
    assert found == len(calls)  # noqa: S101 - or the count is worth nothing
    return requests


def main() -> None:
    """Count for several companies, and print a table."""
    random.seed(1)
    ways: tuple[tuple[str, Callable[[int], datetime]], ...] = (
        ("evenly", evenly),
        ("in office hours", in_office_hours),
    )
    print("| calls | days | spread | full pages | requests | multiple |")  # noqa: T201
    print("|---|---|---|---|---|---|")  # noqa: T201
    for count in (1_000, 10_000, 100_000, 1_000_000):
        for days in (365, 730):
            for name, moment in ways:
                calls = sorted(moment(days) for _ in range(count))
                requests = count_requests(calls, days)
                pages = count // PAGE
                print(  # noqa: T201
                    f"| {count:,} | {days} | {name} | {pages:,} | {requests:,} "
                    f"| {requests / pages:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
