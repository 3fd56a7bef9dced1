"""The endpoints: what they accept and what they return."""

from __future__ import annotations

import re

from tap_gong.sandbox.routes import scopes
from tap_gong.sandbox.routes.access import list_access
from tap_gong.sandbox.routes.calls import get_call, list_calls
from tap_gong.sandbox.routes.endpoint import Data, Inputs, Route
from tap_gong.sandbox.routes.extensive import list_extensive
from tap_gong.sandbox.routes.people import list_users, list_workspaces
from tap_gong.sandbox.routes.transcripts import list_transcripts

__all__ = ["ROUTES", "Data", "Inputs", "Route"]

ROUTES = tuple(
    Route(method, re.compile(path), scope, answer)
    for method, path, scope, answer in (
        ("GET", "/v2/calls", scopes.BASIC, list_calls),
        ("POST", "/v2/calls/extensive", scopes.EXTENSIVE, list_extensive),
        ("POST", "/v2/calls/transcript", scopes.TRANSCRIPT, list_transcripts),
        ("POST", "/v2/calls/users-access", scopes.USER_ACCESS, list_access),
        ("GET", "/v2/calls/(?P<call_id>[^/]+)", scopes.BASIC, get_call),
        ("GET", "/v2/users", scopes.USERS, list_users),
        ("GET", "/v2/workspaces", scopes.WORKSPACES, list_workspaces),
    )
)
