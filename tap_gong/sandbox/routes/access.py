"""Who has individual access to the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.sandbox.answers import Refusal, error
from tap_gong.sandbox.routes.checks import checked_body

if TYPE_CHECKING:
    from tap_gong.sandbox.routes.endpoint import Data, Inputs


def list_access(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `POST /v2/calls/users-access`: all calls must be known."""
    body = checked_body(inputs, ("filter",))
    chosen = body.nested("filter", ("callIds",), required=True)
    call_ids = chosen.ids("callIds", required=True) or []
    chosen.done()
    world = data.world
    if not all(world.call(call_id) for call_id in call_ids):
        raise Refusal(error(400, "Some calls not found"))
    return {
        "callAccessList": [
            {
                "callId": call_id,
                "users": world.details(call_id, "access").get("access", []),
            }
            for call_id in call_ids
        ]
    }
