"""Streams of the section Calls of Gong's API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from tap_gong.client import GongStream
from tap_gong.endpoint import Endpoint
from tap_gong.errors import ANY_SENTENCE
from tap_gong.slices import CallIdPlan, Slice

if TYPE_CHECKING:
    from tap_gong.slices import Plan

ONE_CALL = Endpoint(
    "GET",
    "/v2/calls/{id}",
    records="call",
    nothing=ANY_SENTENCE,
)
MANY_CALLS = Endpoint(
    "POST",
    "/v2/calls/extensive",
    records="calls",
    record="metaData",
    instead="call_lookup single needs only the scope 'api:calls:read:basic'.",
)


def one_call(ids: tuple[str, ...]) -> Slice:
    """Ask for the call of the only ID."""
    return Slice(ONE_CALL, {"id": ids[0]}, ids)


def many_calls(ids: tuple[str, ...]) -> Slice:
    """Ask for the calls of some IDs in one request."""
    return Slice(MANY_CALLS, {"callIds": ids}, ids)


LOOKUPS = {"single": (1, one_call), "batch": (100, many_calls)}
"""By `call_lookup`: how many IDs a slice has, and how to ask for them. Gong names no
largest batch; 100 is known to work, and it is a page."""


class CallsStream(GongStream):
    """Calls: when, how long, by whom, in which system; nothing of what was said.

    Gong's documentation: "Retrieve data for a specific call (/v2/calls/{id})" and
    "Retrieve detailed call data by various filters (/v2/calls/extensive)", whose
    `metaData` is the same record.
    """

    name = "calls"
    primary_keys = ("id",)

    @override
    def plan(self) -> Plan:
        """Plan slices of call IDs."""
        settings = self.tap.settings
        ids_per_slice, ask = LOOKUPS[settings.call_lookup]
        return CallIdPlan(
            self.stream_state,
            settings.call_ids or (),
            ids_per_slice=ids_per_slice,
            ask=ask,
        )
