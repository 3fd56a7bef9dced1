"""The section Users of Gong's API, and the workspaces that a company has."""

from __future__ import annotations

from tap_gong.gong.endpoint import Endpoint
from tap_gong.plans.sources import Whole
from tap_gong.streams.listed import ListedStream


class Users(ListedStream):
    """The people who use Gong. Gong's documentation: "List all users (/v2/users)"."""

    name = "users"
    primary_keys = ("id",)
    source = Whole(Endpoint("GET", "/v2/users", records="users"))


class Workspaces(ListedStream):
    """The workspaces. Gong's documentation: "List all workspaces (/v2/workspaces)"."""

    name = "workspaces"
    primary_keys = ("id",)
    source = Whole(Endpoint("GET", "/v2/workspaces", records="workspaces"))
