"""The calls themselves: one by ID, many by date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.sandbox.answers import Refusal, error
from tap_gong.sandbox.routes import pages
from tap_gong.sandbox.routes.checks import Checked, is_id

if TYPE_CHECKING:
    from tap_gong.sandbox.routes.endpoint import Data, Inputs


def get_call(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `GET /v2/calls/{id}`."""
    query = Checked(inputs.query, ())
    if not is_id(inputs.call_id):
        query.complain("id", "must be a number of up to 20 digits")
    query.done()
    call = data.world.call(inputs.call_id)
    if call is None:
        raise Refusal(error(404, f"Call ID {inputs.call_id} was not found"))
    return {"call": call}


def list_calls(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `GET /v2/calls`."""
    known = ("fromDateTime", "toDateTime", "workspaceId")
    query = Checked(inputs.query, (*known, "cursor"))
    start, end = query.period()
    query.done()
    where = dict(inputs.query)
    cursor = where.pop("cursor", None)
    ids = data.world.listing(start, end, where.get("workspaceId"))
    return pages.page(data, data.visible(ids), where, cursor, "calls", data.world.call)
