"""The streams, one module a section of Gong's API; this is their registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.streams import call_parts, calls, transcripts, users

if TYPE_CHECKING:
    from tap_gong.streams.base import GongStream

STREAM_TYPES: tuple[type[GongStream], ...] = (
    users.Workspaces,
    users.Users,
    calls.CallsStream,
    call_parts.CallsExtensive,
    call_parts.CallParties,
    call_parts.CallCrmObjects,
    call_parts.CallTrackers,
    call_parts.CallTopics,
    call_parts.CallSpeakers,
    call_parts.CallInteractionStats,
    call_parts.CallComments,
    call_parts.CallMedia,
    transcripts.CallTranscripts,
    transcripts.CallTranscriptSentences,
    call_parts.CallUserAccess,
)
"""In the order in which they are read: the calls last, so that many of them do not
spend the quota before the small tables are out."""
