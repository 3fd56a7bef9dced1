"""One list, page by page: what Gong promises is compared with what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from tap_gong.errors import CursorExpiredError, StreamFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What one answer brought: nothing where Gong says that there is nothing."""

    request_id: str
    """Gong's reference of the answer."""
    sent_at: datetime
    """When Gong sent it, by Gong's clock or by ours, whichever is behind."""
    records: dict[Any, T] = field(default_factory=dict)
    """By primary key: a list that changes while it is paged through may bring a record
    twice."""
    cursor: str | None = None
    total: int | None = None
    """How many records this page and all others have together, if Gong says so."""
    size: int = 0
    """Bytes of the answer, unpacked."""
    absent: Mapping[Any, str] = field(default_factory=dict)
    """The IDs that were asked for and that Gong does not know, each with Gong's
    reference of the answer that said so."""
    is_last: bool = False
    """Whether the list has no more pages, and all that was promised has come."""

    def holding(self, records: dict[Any, U], size: int) -> Page[U]:
        """Make the same page with other records, of so many bytes."""
        other = cast("Page[U]", self)
        return replace(other, records=records, size=size)


def read_pages(
    ask: Callable[[str | None], Page[T]], *, path: str, is_part: bool = False
) -> Iterator[Page[T]]:
    """Read a list to its end, and once more if it fell short.

    A list falls short if it brings fewer records than its first page promised, if its
    cursor expires (a cursor lives about an hour from the first page on, waits
    included), or if it has none at all though it is a part of a list that had some.
    The second time the new first page counts: records may be deleted meanwhile.

    Args:
        ask: Gets the page that a cursor leads to; None leads to the first one.
        path: The endpoint's path, for the error.
        is_part: Whether it is a part of a larger list, which had records.

    Yields:
        The pages, with no record twice.

    Raises:
        StreamFailedError: If the list has fallen short again.
        CursorExpiredError: If its cursor has expired again.
    """
    emitted: set[Any] = set()
    for is_last_try in (False, True):
        came: set[Any] = set()
        promised = 0
        try:
            for number, (page, ends) in enumerate(_chain(ask)):
                if number == 0:
                    promised = page.total or 0
                came |= page.records.keys()
                for key in emitted & page.records.keys():
                    del page.records[key]
                emitted |= page.records.keys()
                is_short = len(came) < (promised or (is_part and not is_last_try))
                is_last = ends and not is_short
                yield replace(page, is_last=is_last)
                if is_last:
                    return
        except CursorExpiredError:
            if is_last_try:
                raise
    msg = (
        f"{path} promised {promised} records and gave {len(came)}, twice. Run again "
        f"later: the run goes on from here."
    )
    raise StreamFailedError(msg)


def _chain(
    ask: Callable[[str | None], Page[T]],
) -> Iterator[tuple[Page[T], bool]]:
    """Follow the cursors; tell which page leads nowhere, or brought nothing new."""
    came: set[Any] = set()
    cursor = None
    while True:
        page = ask(cursor)
        ends = page.cursor is None or page.records.keys() <= came
        came |= page.records.keys()
        yield page, ends
        if ends:
            return
        cursor = page.cursor
