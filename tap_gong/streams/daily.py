"""The base of streams that are asked for by the days of the company."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_gong.plans.days import FROM, DayPlan
from tap_gong.plans.ranges import Range
from tap_gong.streams.row_stream import RowStream

if TYPE_CHECKING:
    from tap_gong.gong.endpoint import Endpoint
    from tap_gong.plans.slices import Plan


class DailyStream(RowStream):
    """A stream of which Gong has something for each day of the company.

    Its records have the column `fromDate`: the day, or the first of the days that a
    request was about. Where Gong's rows lack it, `adds` takes it from the request.
    """

    endpoint: ClassVar[Endpoint]
    """What to ask, with the inputs `fromDate` and `toDate`."""
    days_a_request: ClassVar[int] = 1
    """How many days to ask for in one request."""
    replication_key = FROM

    @override
    def make_plan(self) -> Plan:
        """Plan the days from the bookmark or start_date on.

        Raises:
            SettingsError: If there is neither.
        """
        return DayPlan(
            self.name,
            self.bookmark,
            Range.of(self.sync_.settings, self.began),
            self.endpoint,
            days_a_request=self.days_a_request,
            is_incremental=self.replication_method == REPLICATION_INCREMENTAL,
            warn=partial(self.logger.warning, "%s"),
        )
