"""The streams, one module a section of Gong's API; this is their registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.streams.calls import CallsStream

if TYPE_CHECKING:
    from tap_gong.streams.base import GongStream

STREAM_TYPES: tuple[type[GongStream], ...] = (CallsStream,)
