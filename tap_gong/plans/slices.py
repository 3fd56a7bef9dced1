"""Slices, and what all plans have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_gong.gong.endpoint import Endpoint

PAGE = 100
"""Records on a page of Gong's, at most."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a plan that is fetched on its own, in one request or page by page."""

    endpoint: Endpoint
    inputs: Mapping[str, Any]
    """Gong's names and values: for the path, the query, or the filter of the body."""
    ids: tuple[str, ...] = ()
    """The IDs asked for, where a slice asks by ID: no other may come back."""
    period: tuple[datetime, datetime] | None = None
    """From (inclusive) and to (exclusive), where a slice asks by date."""
    is_part: bool = False
    """Whether it was cut out of a larger slice, which had records."""
    is_one_request: bool = False
    """Whether it is fetched in a single request."""
    feeds: frozenset[str] = frozenset()
    """The streams that get its records, where not all streams of the plan do."""
    child: Callable[[Mapping[str, Any]], Slice | None] | None = None
    """Where the rows are parents: makes the slice that takes a row's place, if any."""


class Plan(ABC):
    """Slices in order, and the place that has been reached.

    A plan is made from bookmarks (each stream's part of Singer state), and says what
    to write there, so that the next run knows up to where everything has been
    emitted.
    """

    expected: int | None
    """How many records the whole plan brings, absent ones included; None as long as
    Gong has not said so."""
    is_done: bool
    """Whether the last slice has been emitted."""
    page_size: int = PAGE
    """How many records an answer brings, at most."""
    requests_a_page: int = 1
    """How many requests a page takes."""
    covers: str
    """What the plan reads, in one sentence for the log."""
    nothing_found: str = ""
    """What to tell if the whole plan brought no record."""
    emitted: Collection[str] = ()
    """The keys of the slice under way that are out already."""

    @abstractmethod
    def __iter__(self) -> Iterator[Slice]:
        """Give the slices that are still to be fetched."""

    @abstractmethod
    def finish(self, slice_: Slice, found: Collection[str], asked_at: datetime) -> None:
        """Take note that a slice, the next in order, has been emitted whole.

        Args:
            slice_: The slice.
            found: The keys of the records that it brought.
            asked_at: When it was asked for, by Gong's clock.
        """

    def bookmarks(
        self,
        lost: Collection[str] = (),  # noqa: ARG002
    ) -> Mapping[str, Mapping[str, Any]]:
        """Give what to write into the bookmark of each stream: null for what is gone.

        Meltano merges states key by key: a key that is only left out would stay.

        Args:
            lost: Streams that were given up: their place stays where it was.
        """
        return {}

    def is_out(self, stream: str, key: str) -> bool:  # noqa: ARG002
        """Tell whether an earlier run has emitted a record of the unfinished slice.

        Args:
            stream: The stream's name.
            key: The key of the record, or of the record that it is a part of.
        """
        return False

    def cut(
        self,
        slice_: Slice,  # noqa: ARG002
        total: int | None,  # noqa: ARG002
    ) -> Sequence[Slice]:
        """Cut a slice that has more than one page, if it is too large.

        Args:
            slice_: The slice.
            total: How many records it has, or None if Gong does not say.

        Returns:
            The slices to fetch in its place; none to go on with its pages.
        """
        return ()

    def recount(self) -> Slice | None:
        """Give a slice to count once more if the plan has brought less than promised.

        Returns:
            None if all records that were promised so far have come.
        """
        return None

    def take_count(self, slice_: Slice, count: int) -> None:  # noqa: B027
        """Take note of how many records the slice of `recount` has by now."""

    def complaint(self) -> str:
        """Say why a finished plan is not complete; empty if it is."""
        return ""
