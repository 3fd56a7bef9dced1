"""The filter by which calls are chosen in a body."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_gong.sandbox.routes.checks import Checked
    from tap_gong.sandbox.routes.endpoint import Data

CONDITIONS = ("fromDateTime", "toDateTime", "workspaceId", "callIds")


def filtered(data: Data, chosen: Checked) -> Sequence[str]:
    """Find the calls that meet all conditions of a filter.

    Args:
        data: What the endpoints answer from.
        chosen: The filter.

    Returns:
        Their IDs: in the order in which they were asked for, or else by date.

    Raises:
        Refusal: The request is not a good one.
    """
    start, end = chosen.period()
    workspace_id = chosen.text("workspaceId")
    call_ids = chosen.ids("callIds")
    chosen.done()
    world = data.world
    if call_ids is None:
        return data.visible(world.listing(start, end, workspace_id))
    found = [call_id for call_id in call_ids if world.call(call_id)]
    if start or end or workspace_id:
        met = set(world.listing(start, end, workspace_id))
        found = [call_id for call_id in found if call_id in met]
    return found
