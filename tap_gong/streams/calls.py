"""The stream of calls: by ID or by date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_gong.errors import SettingsError
from tap_gong.gong.calls import CALLS
from tap_gong.plans.ids import CallIdPlan, queued_call_ids
from tap_gong.plans.periods import PeriodPlan
from tap_gong.plans.ranges import Range
from tap_gong.plans.slices import Slice
from tap_gong.plans.tracks import Track
from tap_gong.streams.call_part import endpoints
from tap_gong.streams.call_pass import CallPass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_gong.plans.slices import Plan

MOST_IDS = 100
"""IDs to ask for in one request: Gong names no limit, and 100 is known to work."""

SINGLES_TOGETHER = 10
"""Of calls that are asked for one by one, so many get their transcripts in one
request."""


class CallsStream(CallPass):
    """Calls: when, how long, by whom, in which system; nothing of what was said.

    Gong's documentation: "Retrieve data for a specific call (/v2/calls/{id})",
    "Retrieve detailed call data by various filters (/v2/calls/extensive)", whose
    `metaData` is the same record, and "Retrieve call data by date range (/v2/calls)".
    """

    name = "calls"
    primary_keys = ("id",)
    replication_key = "started"
    selected_by_default = True

    @override
    def make_plan(self) -> Plan:
        """Plan calls by ID where any IDs are given, and by date otherwise."""
        settings = self.sync_.settings
        bookmarks = {name: part.bookmark for name, part in self.emitted.items()}
        has_done_queue = "call_ids" in self.bookmark
        if settings.call_ids is not None or queued_call_ids(self.bookmark):
            return self._plan_by_id(bookmarks, settings.call_ids or ())
        if settings.start_date or any(
            bookmark.get("replication_key_value") for bookmark in bookmarks.values()
        ):
            return self._plan_by_date(bookmarks)
        if has_done_queue:
            return self._plan_by_id(bookmarks, ())
        msg = (
            f"Nothing says which calls to retrieve for {' and '.join(self.emitted)}: "
            f"set call_ids, call_ids_file or start_date."
        )
        raise SettingsError(msg)

    def _plan_by_id(
        self, bookmarks: Mapping[str, Mapping[str, Any]], configured: tuple[str, ...]
    ) -> Plan:
        settings = self.sync_.settings
        self._tell_ignored(
            start_date=settings.start_date,
            end_date=settings.end_date,
            workspace_id=settings.workspace_id,
        )
        parts = self.parts
        more = len(endpoints(parts))
        is_batch = settings.call_lookup == "batch" or any(p.needed for p in parts)
        together = SINGLES_TOGETHER if more else 1
        plan = CallIdPlan(
            bookmarks,
            configured,
            queue=(self.name, self.bookmark),
            ids_per_slice=MOST_IDS if is_batch else together,
            ask=lambda ids, feeds: Slice(
                CALLS, {"callIds": ids}, ids, feeds=feeds, is_one_request=not more
            ),
        )
        plan.requests_a_page = 1 + more
        return plan

    def _plan_by_date(self, bookmarks: Mapping[str, Mapping[str, Any]]) -> Plan:
        settings = self.sync_.settings
        range_ = Range.of(settings, self.began)
        told: set[str] = set()

        def warn(sentence: str) -> None:
            if sentence not in told:
                self.logger.warning("%s", sentence)
            told.add(sentence)

        if settings.call_lookup != "single":
            self._tell_ignored(call_lookup=settings.call_lookup)
        tracks = {
            name: Track(
                name,
                bookmark,
                range_,
                is_incremental=self.emitted[name].replication_method
                == REPLICATION_INCREMENTAL,
                warn=warn,
            )
            for name, bookmark in bookmarks.items()
        }
        plan = PeriodPlan(
            tracks,
            CALLS,
            end=range_.end,
            workspace_id=settings.workspace_id,
            in_flight=self.sync_.in_flight,
        )
        plan.requests_a_page = 1 + len(endpoints(self.parts))
        return plan

    def _tell_ignored(self, **settings: object) -> None:
        """Tell which of these settings are set though they do not matter."""
        names = [name for name, value in settings.items() if value is not None]
        if names:
            self.logger.warning("Not used in this run: %s.", ", ".join(names))
