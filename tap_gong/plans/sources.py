"""Where a stream's records are: in one list, or in one list for each parent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_gong.plans.slices import Plan, Slice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from tap_gong.gong.endpoint import Endpoint


@dataclass(frozen=True)
class Whole:
    """One list that is read to its end each time."""

    endpoint: Endpoint
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def slices(self) -> Iterator[Slice]:
        """Give the slice of the list."""
        yield Slice(self.endpoint, self.inputs)


@dataclass(frozen=True)
class PerParent:
    """One list for each row of another list."""

    parent: Whole | PerParent
    endpoint: Endpoint
    takes: Mapping[str, str]
    """Inputs of the request by Gong's name, each from a field of the parent's row."""
    only: Mapping[str, Any] = field(default_factory=dict)
    """Values that the row of a parent must have to be asked for."""

    def slices(self) -> Iterator[Slice]:
        """Give the slices of the parents; each row of theirs becomes a slice."""
        for slice_ in self.parent.slices():
            yield _with_children(slice_, self)

    def child(self, row: Mapping[str, Any]) -> Slice | None:
        """Make the slice of one parent.

        Args:
            row: The parent.

        Returns:
            None if this parent is not to be asked for.
        """
        if any(row.get(name) != value for name, value in self.only.items()):
            return None
        inputs = {name: row.get(field) for name, field in self.takes.items()}
        if None in inputs.values():
            return None
        return Slice(self.endpoint, inputs)


def _with_children(slice_: Slice, source: PerParent) -> Slice:
    """Let each row of a slice become a slice of a source."""
    below = slice_.child
    if below is None:
        return replace(slice_, child=source.child)

    def child(row: Mapping[str, Any]) -> Slice | None:
        parent = below(row)
        return parent and _with_children(parent, source)

    return replace(slice_, child=child)


class WholePlan(Plan):
    """A source that is read whole each time, and so needs no bookmark."""

    def __init__(self, name: str, source: Whole | PerParent) -> None:
        """Plan all of it.

        Args:
            name: The stream's name.
            source: Where its records are.
        """
        self._source = source
        self.expected = None
        self.is_done = False
        self.covers = f"all {name}"

    @override
    def __iter__(self) -> Iterator[Slice]:
        """Give the slices of the source."""
        return self._source.slices()

    @override
    def finish(self, slice_: Slice, found: Collection[str], asked_at: datetime) -> None:
        """Do nothing: the next run reads everything again."""
