"""What was said in the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.sandbox.routes import pages
from tap_gong.sandbox.routes.checks import checked_body
from tap_gong.sandbox.routes.filters import CONDITIONS, filtered

if TYPE_CHECKING:
    from tap_gong.sandbox.routes.endpoint import Data, Inputs


def list_transcripts(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `POST /v2/calls/transcript`, without the calls that have none."""
    body = checked_body(inputs, ("filter", "cursor"))
    cursor = body.text("cursor")
    found = filtered(data, body.nested("filter", CONDITIONS, required=True))
    ids = [call_id for call_id in found if data.world.has_transcript(call_id)]

    def present(call_id: str) -> object:
        return {"callId": call_id, **data.world.details(call_id, "transcript")}

    inputs_ = body.without("cursor")
    return pages.page(data, ids, inputs_, cursor, "callTranscripts", present)
