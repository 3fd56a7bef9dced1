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


class CallsStream(GongStream):
    """Calls: when, how long, by whom, in which system; nothing of what was said.

    Gong's documentation: "Retrieve data for a specific call (/v2/calls/{id})".
    """

    name = "calls"
    primary_keys = ("id",)

    @override
    def plan(self) -> Plan:
        """Plan one slice a call ID."""
        return CallIdPlan(
            self.stream_state,
            self.tap.settings.call_ids or (),
            ids_per_slice=1,
            ask=lambda ids: Slice(ONE_CALL, {"id": ids[0]}, ids),
        )
