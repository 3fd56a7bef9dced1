"""What the records of a stream look like: their properties, and the types of these."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tap_gong.singer.conform import conformer
from tap_gong.singer.selection import common

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_MOST_NAMES, _LONGEST_NAME = 20, 60


class Shape:
    """Makes records of Gong's rows, for any number of threads."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        keys: Sequence[str],
        *,
        promised: Mapping[str, Any],
        is_selected: Callable[[str], bool],
    ) -> None:
        """Compile the schema.

        Args:
            schema: The stream's own schema.
            keys: Its primary keys.
            promised: The schema in the catalog in use.
            is_selected: Tells whether a property of the record is selected.
        """
        theirs = promised["properties"]
        self.columns = tuple(
            name
            for name in schema["properties"]
            if name in theirs and is_selected(name)
        )
        """The selected properties that the catalog has, too."""
        self._blank = dict.fromkeys(self.columns)
        self._has_all = len(self.columns) == len(schema["properties"])
        self.unknown: set[str] = set()
        """Properties that Gong sends and the schema does not know, by their names."""
        self.key: Callable[[Mapping[str, Any]], Any] = itemgetter(*keys)
        """Gives the primary key of a record."""
        properties = {
            name: common(inner, theirs[name]) if name in theirs else inner
            for name, inner in schema["properties"].items()
        }
        self.conform: Callable[[object], dict[str, Any]] = conformer(
            schema, {**schema, "properties": properties}, self.unknown
        )
        """Makes a row fit the schema: with all properties of the record, selected or
        not, and of nested ones with those that are. It raises `ShapeError`."""

    def select(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the selected properties of a record, with null where Gong has none.

        So what reads it, such as a stream map, need not ask whether one is there.
        """
        if self._has_all:
            return {**self._blank, **record}
        return {name: record.get(name) for name in self.columns}

    def unknown_names(self) -> str:
        """Name the properties that the schema does not know, for the log."""
        names = sorted(self.unknown)[:_MOST_NAMES]
        return ", ".join(ascii(name)[1:-1][:_LONGEST_NAME] for name in names)
