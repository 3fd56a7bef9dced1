"""One slice, page by page: what Gong promises is held against what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tap_gong.errors import CursorExpiredError, StreamFailedError
from tap_gong.run.prefetch import Split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from singer_sdk.helpers.types import Record

    from tap_gong.plans.slices import Slice


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer brought: no records where Gong says that there are none."""

    request_id: str
    """Gong's reference of the answer."""
    sent_at: datetime
    """When Gong sent it, by Gong's clock or by ours, whichever is behind."""
    records: dict[Any, Record] = field(default_factory=dict)
    """By primary key: a list that changes while it is paged through may bring a record
    twice."""
    cursor: str | None = None
    total: int | None = None
    """How many records this page and all others have together, if Gong says so."""
    is_last: bool = False
    """Whether the slice has no more pages, and all that was promised has come."""


def read_pages(
    slice_: Slice,
    ask: Callable[[Slice, str | None], Page],
    cut: Callable[[Slice, int | None], Sequence[Slice]],
) -> Iterator[Page | Split[Slice]]:
    """Read a slice to its end, and once more if it fell short.

    A slice falls short if it brings fewer records than its first page promised, if its
    cursor expires (a cursor lives about an hour from the first page on, waits
    included), or if it has none at all though it was cut out of a slice that had some.
    The second time the new first page counts: records may be deleted meanwhile.

    Args:
        slice_: What to ask for.
        ask: Gets the page that a cursor leads to; None leads to the first one.
        cut: Cuts a slice that has more than one page, given the number of records.

    Yields:
        The pages, with no record twice; or smaller slices to read in its place.

    Raises:
        StreamFailedError: If the slice has fallen short again.
        CursorExpiredError: If its cursor has expired again.
    """
    emitted: set[Any] = set()
    for is_last_try in (False, True):
        came: set[Any] = set()
        promised = 0
        try:
            for number, (page, ends) in enumerate(_chain(slice_, ask)):
                if number == 0:
                    promised = page.total or 0
                    if page.cursor and (parts := cut(slice_, page.total)):
                        yield Split(parts)
                        return
                came |= page.records.keys()
                for key in emitted & page.records.keys():
                    del page.records[key]
                emitted |= page.records.keys()
                is_short = len(came) < (
                    promised or (slice_.is_part and not is_last_try)
                )
                yield replace(page, is_last=ends and not is_short)
                if ends and not is_short:
                    return
        except CursorExpiredError:
            if is_last_try:
                raise
    msg = (
        f"{slice_.endpoint.path} promised {promised} records and gave {len(came)}, "
        f"twice. Run again later: the run goes on from here."
    )
    raise StreamFailedError(msg)


def _chain(
    slice_: Slice, ask: Callable[[Slice, str | None], Page]
) -> Iterator[tuple[Page, bool]]:
    """Follow the cursors; tell which page leads nowhere, or brought nothing new."""
    came: set[Any] = set()
    cursor = None
    while True:
        page = ask(slice_, cursor)
        ends = page.cursor is None or page.records.keys() <= came
        came |= page.records.keys()
        yield page, ends
        if ends:
            return
        cursor = page.cursor
