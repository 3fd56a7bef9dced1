"""The base of streams whose records are the rows of their own answers."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_gong.gong.pace import TURN
from tap_gong.gong.pages import read_pages
from tap_gong.gong.rows import as_object
from tap_gong.run.prefetch import Split
from tap_gong.streams.base import GongStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_gong.gong.pace import Turn
    from tap_gong.gong.pages import Page
    from tap_gong.plans.slices import Slice
    from tap_gong.streams.emission import Rows


class RowStream(GongStream):
    """A stream whose records are the rows of its own answers, and feed no other."""

    adds: ClassVar[Mapping[str, str]] = {}
    """Columns that a record takes over from what was asked for: each with the name of
    the input of the request."""

    @override
    def fetch(self, slice_: Slice, turn: Turn) -> Iterator[Page[Rows] | Split[Slice]]:
        """Fetch a slice page by page, or make slices of its rows if it has parents."""
        TURN.set(turn)
        if slice_.child:
            yield Split([*self._children(slice_, slice_.child)])
            return
        ask = partial(self._ask, slice_)
        yield from read_pages(ask, path=slice_.endpoint.path, is_part=slice_.is_part)

    def _ask(self, slice_: Slice, cursor: str | None) -> Page[Rows]:
        """Get one page of a slice."""
        return self.sync_.api.page(
            slice_.endpoint, slice_.inputs, cursor, partial(self._rows, slice_)
        )

    def _rows(self, slice_: Slice, items: list[Any]) -> dict[Any, Rows]:
        """Make the rows of an answer fit the schema, by primary key."""
        taken = {column: slice_.inputs[name] for column, name in self.adds.items()}
        rows: dict[Any, Rows] = {}
        for item in items:
            record = self.shape.conform({**taken, **as_object(item)})
            rows[self.shape.key(record)] = {self.name: (self.shape.select(record),)}
        return rows

    def _children(
        self, slice_: Slice, child: Callable[[Mapping[str, Any]], Slice | None]
    ) -> Iterator[Slice]:
        """Read the parents, and make the slice of each."""

        def rows(items: list[Any]) -> dict[str, Mapping[str, Any]]:
            return {json.dumps(item): as_object(item) for item in items}

        def ask(cursor: str | None) -> Page[Mapping[str, Any]]:
            return self.sync_.api.page(slice_.endpoint, slice_.inputs, cursor, rows)

        for page in read_pages(ask, path=slice_.endpoint.path):
            for row in page.records.values():
                if part := child(row):
                    yield part
