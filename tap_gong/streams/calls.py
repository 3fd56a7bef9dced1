"""Streams of the section Calls of Gong's API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_gong.client import GongStream
from tap_gong.endpoint import Endpoint
from tap_gong.errors import ANY_SENTENCE, SettingsError
from tap_gong.slices import (
    CallIdPlan,
    PeriodPlan,
    Slice,
    queued_call_ids,
    saved_moment,
)

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from tap_gong.slices import Plan

ONE_CALL = Endpoint(
    "GET",
    "/v2/calls/{id}",
    records="call",
    many=False,
    nothing=ANY_SENTENCE,
)
MANY_CALLS = Endpoint(
    "POST",
    "/v2/calls/extensive",
    records="calls",
    record="metaData",
    instead="call_lookup single needs only the scope 'api:calls:read:basic'.",
)


CALLS = Endpoint("GET", "/v2/calls", records="calls")


def one_call(ids: tuple[str, ...]) -> Slice:
    """Ask for the call of the only ID."""
    return Slice(ONE_CALL, {"id": ids[0]}, ids)


def many_calls(ids: tuple[str, ...]) -> Slice:
    """Ask for the calls of some IDs in one request."""
    return Slice(MANY_CALLS, {"callIds": ids}, ids)


LOOKUPS = {"single": (1, one_call), "batch": (100, many_calls)}
"""By `call_lookup`: how many IDs a slice has, and how to ask for them. Gong names no
largest batch; 100 is known to work, and it is a page."""


LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any call; a bookmark may say what it will."""


class CallsStream(GongStream):
    """Calls: when, how long, by whom, in which system; nothing of what was said.

    Gong's documentation: "Retrieve data for a specific call (/v2/calls/{id})",
    "Retrieve detailed call data by various filters (/v2/calls/extensive)", whose
    `metaData` is the same record, and "Retrieve call data by date range (/v2/calls)".
    """

    name = "calls"
    primary_keys = ("id",)
    replication_key = "started"

    @override
    def plan(self, bookmark: MutableMapping[str, Any]) -> Plan:
        """Plan calls by ID where any IDs are given, and by date otherwise."""
        settings = self.tap.settings
        if settings.call_ids is not None or queued_call_ids(bookmark):
            return self._plan_by_id(bookmark, settings.call_ids or ())
        incremental = self.replication_method == REPLICATION_INCREMENTAL
        read_before = saved_moment(bookmark) if incremental else None
        if settings.start_date or read_before:
            return self._plan_by_date(bookmark, read_before)
        if "call_ids" in bookmark:  # a queue that is done
            return self._plan_by_id(bookmark, ())
        msg = (
            "Nothing says which calls to retrieve: set call_ids, call_ids_file or "
            "start_date."
        )
        raise SettingsError(msg)

    def _plan_by_id(
        self, bookmark: MutableMapping[str, Any], configured: tuple[str, ...]
    ) -> Plan:
        ids_per_slice, ask = LOOKUPS[self.tap.settings.call_lookup]
        return CallIdPlan(bookmark, configured, ids_per_slice=ids_per_slice, ask=ask)

    def _plan_by_date(
        self, bookmark: MutableMapping[str, Any], read_before: datetime | None
    ) -> Plan:
        settings = self.tap.settings
        began = datetime.fromtimestamp(self.tap.initialized_at // 1000, UTC)
        end = min(settings.end_date or began, began)
        starts = [settings.start_date] if settings.start_date else []
        if read_before:
            starts.append(max(min(read_before, end), LONG_AGO) - settings.lookback)
        workspace = settings.workspace_id
        return PeriodPlan(
            bookmark,
            CALLS,
            start=max(starts),
            end=end,
            inputs={"workspaceId": workspace} if workspace else {},
        )
