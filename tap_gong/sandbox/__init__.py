"""A stand-in for Gong's API on loopback, with a made-up company behind it."""

from __future__ import annotations

from tap_gong.sandbox.answers import Answer
from tap_gong.sandbox.options import Options
from tap_gong.sandbox.server import Sandbox
from tap_gong.sandbox.world import World

__all__ = ["Answer", "Options", "Sandbox", "World"]
