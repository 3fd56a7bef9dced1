"""The company's users and workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.sandbox.routes import pages
from tap_gong.sandbox.routes.checks import Checked

if TYPE_CHECKING:
    from tap_gong.sandbox.routes.endpoint import Data, Inputs


def list_users(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `GET /v2/users`."""
    query = Checked(inputs.query, ("cursor", "includeAvatars"))
    avatars = query.choice("includeAvatars", ("true", "false")) == "true"
    query.done()
    world = data.world
    users = {
        str(user["id"]): user
        for user in (*world.users, *(world.avatars if avatars else ()))
    }
    where = dict(inputs.query)
    cursor = where.pop("cursor", None)
    return pages.page(data, list(users), where, cursor, "users", users.__getitem__)


def list_workspaces(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `GET /v2/workspaces`, all on one page."""
    Checked(inputs.query, ()).done()
    return {"workspaces": data.world.workspaces}
