"""The base of streams that are read whole: one list, or one for each parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from tap_gong.plans.sources import WholePlan
from tap_gong.streams.row_stream import RowStream

if TYPE_CHECKING:
    from tap_gong.plans.slices import Plan
    from tap_gong.plans.sources import PerParent, Whole


class ListedStream(RowStream):
    """A stream that is read whole each time."""

    source: ClassVar[Whole | PerParent]
    """Where the records are."""

    @override
    def make_plan(self) -> Plan:
        """Plan all of the source."""
        return WholePlan(self.name, self.source)
