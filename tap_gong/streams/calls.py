"""Streams of the section Calls of Gong's API."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_gong.errors import SettingsError
from tap_gong.gong.answers import ANY_SENTENCE
from tap_gong.gong.endpoint import Endpoint
from tap_gong.plans.ids import CallIdPlan, queued_call_ids
from tap_gong.plans.periods import PeriodPlan, Reading, iso
from tap_gong.plans.slices import Slice
from tap_gong.streams.base import GongStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_gong.plans.slices import Plan

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

CLOCKS_DIFFER = timedelta(minutes=10)
"""How far a bookmark may be ahead of this machine's clock before it cannot be true."""


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
    def make_plan(self, bookmark: Mapping[str, Any]) -> Plan:
        """Plan calls by ID where any IDs are given, and by date otherwise."""
        settings = self.tap.settings
        reading = Reading.from_bookmark(bookmark)
        if settings.call_ids is not None or queued_call_ids(bookmark):
            return self._plan_by_id(bookmark, settings.call_ids or ())
        if settings.start_date or reading.until:
            return self._plan_by_date(bookmark, reading)
        if "call_ids" in bookmark:  # a queue that is done
            return self._plan_by_id(bookmark, ())
        msg = (
            "Nothing says which calls to retrieve: set call_ids, call_ids_file or "
            "start_date."
        )
        raise SettingsError(msg)

    def _plan_by_id(
        self, bookmark: Mapping[str, Any], configured: tuple[str, ...]
    ) -> Plan:
        settings = self.tap.settings
        self._tell_ignored(
            start_date=settings.start_date,
            end_date=settings.end_date,
            workspace_id=settings.workspace_id,
        )
        ids_per_slice, ask = LOOKUPS[settings.call_lookup]
        return CallIdPlan(bookmark, configured, ids_per_slice=ids_per_slice, ask=ask)

    def _plan_by_date(self, bookmark: Mapping[str, Any], reading: Reading) -> Plan:
        settings = self.tap.settings
        now = datetime.fromtimestamp(self.tap.initialized_at // 1000, UTC)
        end = min(settings.end_date or now, now)
        reading = self._checked(reading, now)
        start, began = self._start(reading, end), now
        if start == reading.reached and self._is_incremental:
            began = reading.began or now
        else:
            reading = replace(reading, began=None, reached=None, emitted=frozenset())
        if settings.call_lookup != "single":
            self._tell_ignored(call_lookup=settings.call_lookup)
        return PeriodPlan(
            bookmark,
            CALLS,
            start=start,
            end=end,
            began=began,
            reading=reading,
            workspace_id=settings.workspace_id,
        )

    @property
    def _is_incremental(self) -> bool:
        return self.replication_method == REPLICATION_INCREMENTAL

    def _start(self, reading: Reading, end: datetime) -> datetime:
        """Tell from when on to read."""
        start_date, lookback = self.tap.settings.start_date, self.tap.settings.lookback
        if reading.until is None or not self._is_incremental:
            return start_date or LONG_AGO
        if start_date and start_date > reading.until:
            self.logger.warning(
                "start_date %s is later than the bookmark %s in state: calls are read "
                "from the bookmark on, so that none in between is left out.",
                iso(start_date),
                iso(reading.until),
            )
        if start_date and reading.since and start_date < reading.since:
            self.logger.warning(
                "start_date %s is earlier than %s, from which on the calls were read: "
                "all calls are read from start_date on.",
                iso(start_date),
                iso(reading.since),
            )
            return start_date
        if reading.reached and reading.reached <= reading.until:
            return reading.reached
        start = max(min(reading.began or reading.until, reading.until, end), LONG_AGO)
        start -= lookback
        if start_date and start_date <= reading.until:
            start = max(start, start_date)
        return start

    def _checked(self, reading: Reading, now: datetime) -> Reading:
        """Leave out what is not true of these settings, or cannot be true at all."""
        start_date = self.tap.settings.start_date
        if reading.workspace_id not in {None, self.tap.settings.workspace_id}:
            if start_date is None:
                msg = (
                    f"The bookmark in state is of workspace_id "
                    f"{reading.workspace_id} only. Set start_date to read the calls "
                    f"of the others, or set workspace_id back."
                )
                raise SettingsError(msg)
            self.logger.warning(
                "The bookmark in state is of workspace_id %s only, so all calls are "
                "read from start_date on.",
                reading.workspace_id,
            )
            return Reading()
        if reading.until and reading.until > now + CLOCKS_DIFFER:
            self.logger.warning(
                "The bookmark %s in state lies in the future and so cannot be true: a "
                "clock was wrong. All calls are read%s.",
                iso(reading.until),
                " from start_date on"
                if start_date
                else "; set start_date to read less",
            )
            return Reading()
        return reading

    def _tell_ignored(self, **settings: object) -> None:
        """Tell which of these settings are set though they do not matter."""
        names = [name for name, value in settings.items() if value is not None]
        if names:
            self.logger.warning("Not used in this run: %s.", ", ".join(names))
