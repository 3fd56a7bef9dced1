"""What all streams that are parts of a call have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from tap_gong.gong.rows import as_object
from tap_gong.streams.base import GongStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers.types import Record

    from tap_gong.gong.endpoint import Endpoint


@dataclass(slots=True)
class Call:
    """A call as it is read: what streams take over from it, and what they get."""

    basic: Record
    """The record of the stream `calls`, with all properties that Gong has."""
    parties: object
    """Who took part, as Gong has it; None if that was not asked for."""
    rows: dict[str, Iterable[Record]]
    """The records that it brings, by stream."""
    packed: int = 0
    """Bytes of what is kept packed until it is emitted."""

    def taken(self, columns: Iterable[str]) -> dict[str, Any]:
        """Tell what its parts take over from it, by column."""
        fields = {name: "id" if name == "callId" else name for name in columns}
        return {name: self.basic.get(field) for name, field in fields.items()}


class CallPart(GongStream):
    """A stream whose rows are parts of a call."""

    replication_key = "started"

    takes: ClassVar[tuple[str, ...]] = ("callId", "started")
    """Columns that a row takes over from its call."""
    needs: ClassVar[Mapping[str, Any]] = {}
    """What to ask `/v2/calls/extensive` for, as `contentSelector` has it."""
    needs_by_column: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """The same for columns that are left out where they are not selected."""
    scope: ClassVar[str] = ""
    """The scope that this needs beside the endpoint's, by Gong's name."""
    endpoint: ClassVar[Endpoint | None] = None
    """Where the rows come from, if not from `/v2/calls/extensive`."""

    @cached_property
    def needed(self) -> Mapping[str, Any]:
        """What to ask `/v2/calls/extensive` for, for the selected columns."""
        by_column = self.needs_by_column
        return union(
            [self.needs, *(by_column.get(name, {}) for name in self.shape.columns)]
        )

    def rows(self, item: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """Find the rows in what Gong says of a call.

        Args:
            item: A call, as the endpoint has it.

        Raises:
            ShapeError: If they are not where they belong.
        """
        raise NotImplementedError

    def gather(self, call: Call, item: Mapping[str, Any]) -> Iterable[Record]:
        """Make the records of a call.

        Args:
            call: The call.
            item: What Gong says of it, as the endpoint has it.

        Returns:
            The records, each key once.

        Raises:
            ShapeError: If a row does not fit the schema.
        """
        taken = call.taken(self.takes)
        records = [
            self.shape.conform({**as_object(row), **taken}) for row in self.rows(item)
        ]
        by_key = {
            self.shape.key(record): self.shape.select(record) for record in records
        }
        return by_key.values()


def endpoints(parts: Iterable[CallPart]) -> list[Endpoint]:
    """List what is asked for each page of calls, each once."""
    return list(dict.fromkeys(part.endpoint for part in parts if part.endpoint))


def union(selectors: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Put together what several streams ask for."""
    whole: dict[str, Any] = {}
    for selector in selectors:
        for name, value in selector.items():
            if isinstance(value, dict):
                whole[name] = union([whole.get(name, {}), value])
            elif isinstance(value, list):
                whole[name] = list(dict.fromkeys([*whole.get(name, []), *value]))
            else:
                whole[name] = value
    return whole
