"""Slices, and what all plans have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_gong.gong.endpoint import Endpoint

PAGE = 100
"""Records on a page of Gong's, at most."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one request asks for, and its further pages."""

    endpoint: Endpoint
    inputs: Mapping[str, Any]
    """Gong's names and values: for the path, the query, or the filter of the body."""
    ids: tuple[str, ...] = ()
    """The IDs asked for, where a slice asks by ID: no other may come back."""
    period: tuple[datetime, datetime] | None = None
    """From (inclusive) and to (exclusive), where a slice asks by date."""
    is_part: bool = False
    """Whether it was cut out of a larger slice, which had records."""


class Plan(ABC):
    """Slices in order, and the place that has been reached.

    A plan is made from the stream's bookmark (the stream's part of Singer state), and
    says what to write there, so that "everything up to here has been emitted" outlives
    the process.
    """

    expected: int | None
    """How many records the whole plan brings, absent ones included; None as long as
    Gong has not said so."""
    is_done: bool
    """Whether the last slice has been emitted."""
    weight: int
    """How many records a slice brings, at most or about: it bounds the memory."""
    page_size: int
    """How many records an answer brings, at most."""
    covers: str
    """What the plan reads, in one sentence for the log."""
    nothing_found: str = ""
    """What to tell if the whole plan brought no record."""
    emitted: Collection[str] = ()
    """The keys of the slice under way that are out already."""
    skip: frozenset[str] = frozenset()
    """The keys that an earlier run has emitted of the slice at the start."""
    recounted: int | None = None
    """How many records the slice of `recount` has by now, once it was counted."""

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

    @abstractmethod
    def bookmark(self) -> Mapping[str, Any]:
        """Give what to write into the bookmark: null for what is gone.

        Meltano merges states key by key: a key that is only left out would live on.
        """

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
        """Give the slice to count once more if a plan that is done fell short.

        Returns:
            None if all records that were promised have come.
        """
        return None

    def complaint(self) -> str:
        """Say why a plan that is done must not count as complete; empty if it may."""
        return ""
