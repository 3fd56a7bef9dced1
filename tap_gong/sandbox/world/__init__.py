"""The made-up company: its people, its calls, and what was said in them."""

from __future__ import annotations

from tap_gong.sandbox.world.people import WORKSPACE_IDS, Record
from tap_gong.sandbox.world.world import World

__all__ = ["WORKSPACE_IDS", "Record", "World"]
