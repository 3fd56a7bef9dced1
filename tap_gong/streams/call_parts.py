"""The streams about calls that come out of one pass over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_gong.gong.calls import USER_ACCESS
from tap_gong.gong.rows import list_at
from tap_gong.streams.call_part import CallPart
from tap_gong.streams.calls import CallsStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def exposed(**fields: object) -> dict[str, Any]:
    """Write what to ask `/v2/calls/extensive` for under `exposedFields`."""
    return {"exposedFields": fields}


CONTEXT = {"context": "Extended", "contextTiming": ["Now", "TimeOfCall"]}
PARTIES = exposed(parties=True)
CONTENT = exposed(
    content=dict.fromkeys(
        (
            "structure",
            "topics",
            "trackers",
            "trackerOccurrences",
            "brief",
            "outline",
            "highlights",
            "callOutcome",
            "keyPoints",
        ),
        True,
    )
)
INTERACTION = exposed(
    interaction={
        "speakers": True,
        "video": True,
        "personInteractionStats": True,
        "questions": True,
    }
)
COMMENTS = exposed(collaboration={"publicComments": True})


class Part(CallPart):
    """A part of a call, which the stream `calls` feeds."""

    parent_stream_type = CallsStream

    at: ClassVar[tuple[str, ...]]
    """Where the rows stand in a call."""

    @override
    def rows(self, item: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        return list_at(item, *self.at)


class CallsExtensive(Part):
    """Calls with all that Gong says of them, nested."""

    name = "calls_extensive"
    primary_keys = ("id",)
    takes = ()
    needs_by_column: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "context": CONTEXT,
        "parties": {**PARTIES, **CONTEXT},
        "content": CONTENT,
        "interaction": INTERACTION,
        "collaboration": COMMENTS,
    }

    @override
    def rows(self, item: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        blocks = {name: item[name] for name in self.needs_by_column if name in item}
        return [{**item["metaData"], **blocks}]


class CallParties(Part):
    """Who took part in a call."""

    name = "call_parties"
    primary_keys = ("callId", "id")
    needs = PARTIES
    needs_by_column: ClassVar[Mapping[str, Mapping[str, Any]]] = {"context": CONTEXT}
    at = ("parties",)


class CallCrmObjects(Part):
    """What a call belongs to in a CRM: accounts, deals."""

    name = "call_crm_objects"
    primary_keys = ("callId", "system", "objectType", "objectId", "timing")
    needs = CONTEXT

    @override
    def rows(self, item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for entry in list_at(item, "context"):
            for found in list_at(entry, "objects"):
                # Gong leaves the timing of an account out; its default is Now.
                timing = found.get("timing") or "Now"
                yield {**found, "timing": timing, "system": entry.get("system")}


class CallTrackers(Part):
    """How often what a tracker looks for was said."""

    name = "call_trackers"
    primary_keys = ("callId", "id")
    needs = exposed(content={"trackers": True})
    needs_by_column: ClassVar[Mapping[str, Mapping[str, Any]]] = dict.fromkeys(
        ("occurrences", "phrases"), exposed(content={"trackerOccurrences": True})
    )
    at = ("content", "trackers")


class CallTopics(Part):
    """How long a topic was talked about."""

    name = "call_topics"
    primary_keys = ("callId", "name")
    needs = exposed(content={"topics": True})
    at = ("content", "topics")


class CallSpeakers(Part):
    """How long each speaker of the company talked."""

    name = "call_speakers"
    primary_keys = ("callId", "id")
    needs = exposed(interaction={"speakers": True})
    at = ("interaction", "speakers")


class CallInteractionStats(Part):
    """Measures of how the host of a call talked."""

    name = "call_interaction_stats"
    primary_keys = ("callId", "name")
    needs = exposed(interaction={"personInteractionStats": True})
    at = ("interaction", "interactionStats")


class CallComments(Part):
    """Public comments on a call."""

    name = "call_comments"
    primary_keys = ("callId", "id")
    needs = COMMENTS
    at = ("collaboration", "publicComments")


class CallMedia(Part):
    """Links to the recording of a call, which end after 8 hours."""

    name = "call_media"
    primary_keys = ("callId",)
    needs = exposed(media=True)
    scope = "api:calls:read:media-url"

    @override
    def rows(self, item: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        media = item.get("media")
        return [] if media is None else [media]


class CallUserAccess(Part):
    """Who may see a call."""

    name = "call_user_access"
    primary_keys = ("callId", "userId")
    endpoint = USER_ACCESS
    at = ("users",)
