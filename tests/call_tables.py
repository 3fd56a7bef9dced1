"""What the tables about calls are to hold, made from the sandbox's company.

It goes another way than the tap: from the company and not over its API, and with each
table written down on its own.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_gong.sandbox.world import World

Json = dict[str, Any]

KEYS: dict[str, tuple[str, ...]] = {
    "workspaces": ("id",),
    "users": ("id",),
    "calls": ("id",),
    "calls_extensive": ("id",),
    "call_parties": ("callId", "id"),
    "call_crm_objects": ("callId", "system", "objectType", "objectId", "timing"),
    "call_trackers": ("callId", "id"),
    "call_topics": ("callId", "name"),
    "call_speakers": ("callId", "id"),
    "call_interaction_stats": ("callId", "name"),
    "call_comments": ("callId", "id"),
    "call_media": ("callId",),
    "call_transcripts": ("callId",),
    "call_transcript_sentences": ("callId", "index"),
    "call_user_access": ("callId", "userId"),
}
"""Each stream with its primary key."""

TABLES = tuple(name for name in KEYS if name.startswith("call"))
"""The streams that come out of a pass over the calls."""

BLOCKS = ("parties", "context", "content", "interaction", "collaboration")

COLUMNS = {
    "calls": (
        *("id", "url", "title", "scheduled", "started", "duration", "primaryUserId"),
        *("direction", "system", "scope", "media", "language", "workspaceId"),
        *("sdrDisposition", "clientUniqueId", "customData", "purpose", "meetingUrl"),
        *("isPrivate", "calendarEventId"),
    ),
    "call_parties": (
        *("id", "emailAddress", "name", "title", "userId", "speakerId", "context"),
        *("affiliation", "phoneNumber", "methods"),
    ),
    "call_trackers": ("id", "name", "count", "type", "occurrences", "phrases"),
    "call_comments": (
        *("id", "audioStartTime", "audioEndTime", "commenterUserId", "comment"),
        *("posted", "inReplyTo", "duringCall"),
    ),
    "call_media": ("audioUrl", "videoUrl"),
}
"""Columns that Gong does not always send."""


def tables(world: World, ids: Iterable[str]) -> dict[str, list[Json]]:
    """Make the records of all tables for some calls, in their order."""
    made: dict[str, list[Json]] = {name: [] for name in TABLES}
    for id_ in ids:
        for name, record in _records(world, id_):
            made[name].append(record)
    return made


def utc(value: str | None) -> str | None:
    """Write a timestamp in UTC, with microseconds."""
    if value is None:
        return None
    moment = dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _records(world: World, id_: str) -> Iterator[tuple[str, Json]]:
    call: Json = dict.fromkeys(COLUMNS["calls"]) | (world.call(id_) or {})
    call |= {name: utc(call[name]) for name in ("scheduled", "started")}
    own = {"callId": id_, "started": call["started"]}
    blocks: Json = world.details(id_, *BLOCKS, "media", "transcript", "access")
    blocks |= {
        "parties": [
            party | ({"context": _crm(party["context"])} if "context" in party else {})
            for party in blocks.get("parties", ())
        ],
        "context": _crm(blocks.get("context", ())),
    }
    comments = [
        comment | {"posted": utc(comment["posted"])}
        for comment in blocks.get("collaboration", {}).get("publicComments", ())
    ]
    if comments:
        blocks["collaboration"] = {"publicComments": comments}

    yield "calls", call
    yield "calls_extensive", call | {name: blocks.get(name) or None for name in BLOCKS}
    rows: dict[str, Iterable[Json]] = {
        "call_parties": blocks["parties"],
        "call_crm_objects": [
            {"timing": "Now", **linked, "system": entry["system"]}
            for entry in blocks["context"]
            for linked in entry["objects"]
        ],
        "call_trackers": blocks.get("content", {}).get("trackers", ()),
        "call_topics": blocks.get("content", {}).get("topics", ()),
        "call_speakers": blocks.get("interaction", {}).get("speakers", ()),
        "call_interaction_stats": blocks.get("interaction", {}).get(
            "interactionStats", ()
        ),
        "call_comments": comments,
        "call_media": [blocks["media"]] if "media" in blocks else (),
        "call_user_access": blocks.get("access", ()),
        "call_transcript_sentences": _sentences(blocks),
    }
    for name, found in rows.items():
        for row in found:
            yield name, own | dict.fromkeys(COLUMNS.get(name, ())) | row
    if "transcript" in blocks:
        of_call = {name: call[name] for name in ("workspaceId", "isPrivate")}
        yield "call_transcripts", own | of_call | {"transcript": blocks["transcript"]}


def _crm(context: Iterable[Json]) -> list[Json]:
    """Write the values of CRM fields as JSON text."""
    return [
        entry | {"objects": [_linked(linked) for linked in entry["objects"]]}
        for entry in context
    ]


def _linked(linked: Json) -> Json:
    if "fields" not in linked:
        return linked
    fields = [
        {"name": item["name"], "value": _json_text(item["value"])}
        for item in linked["fields"]
    ]
    return linked | {"fields": fields}


def _json_text(value: object) -> str | None:
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sentences(blocks: Json) -> Iterator[Json]:
    by_speaker = {party["speakerId"]: party for party in blocks["parties"]}
    index = 0
    for turn, monologue in enumerate(blocks.get("transcript", ())):
        speaker_id = monologue["speakerId"]
        party = by_speaker[speaker_id] if speaker_id else {}
        for sentence in monologue["sentences"]:
            yield {
                "index": index,
                "turn": turn,
                "speakerId": speaker_id,
                "topic": monologue["topic"],
                "speakerName": party.get("name"),
                "speakerEmailAddress": party.get("emailAddress"),
                "speakerUserId": party.get("userId"),
                "speakerAffiliation": party.get("affiliation"),
                **sentence,
            }
            index += 1
