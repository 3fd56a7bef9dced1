"""Calls with all their details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.sandbox.routes import pages
from tap_gong.sandbox.routes.checks import checked_body
from tap_gong.sandbox.routes.filters import CONDITIONS, filtered
from tap_gong.sandbox.routes.scopes import MEDIA, need_scope
from tap_gong.sandbox.routes.selector import read_selector

if TYPE_CHECKING:
    from tap_gong.sandbox.routes.endpoint import Data, Inputs


def list_extensive(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `POST /v2/calls/extensive`."""
    body = checked_body(inputs, ("filter", "cursor", "contentSelector"))
    cursor = body.text("cursor")
    selector = read_selector(body)
    chosen = body.nested("filter", (*CONDITIONS, "primaryUserIds"), required=True)
    user_ids = chosen.ids("primaryUserIds")
    ids = filtered(data, chosen)
    if selector.media:
        need_scope(MEDIA, data.scopes)
    world = data.world
    if user_ids is not None:
        ids = [
            call_id
            for call_id in ids
            if (world.call(call_id) or {}).get("primaryUserId") in user_ids
        ]

    def present(call_id: str) -> object:
        details = world.details(call_id, *selector.blocks)
        return {"metaData": world.call(call_id), **selector.select(details)}

    return pages.page(data, ids, body.without("cursor"), cursor, "calls", present)
