"""The endpoints of the section Calls of Gong's API."""

from __future__ import annotations

from tap_gong.gong.endpoint import Endpoint

NO_CALLS = "found (corresponding to the provided filters|for the specified period)"

CALLS = Endpoint("GET", "/v2/calls", records="calls", nothing=NO_CALLS)
ONE_CALL = Endpoint(
    "GET",
    "/v2/calls/{id}",
    records="call",
    many=False,
    nothing=r"call id\b.*\bnot found",
)
EXTENSIVE = Endpoint(
    "POST",
    "/v2/calls/extensive",
    records="calls",
    nothing=NO_CALLS,
    instead="call_lookup single needs only the scope 'api:calls:read:basic'.",
)

TRANSCRIPTS = Endpoint(
    "POST", "/v2/calls/transcript", records="callTranscripts", nothing=NO_CALLS
)
USER_ACCESS = Endpoint(
    "POST",
    "/v2/calls/users-access",
    records="callAccessList",
    nothing="some calls not found",
)
