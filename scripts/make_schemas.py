"""Make the JSON schemas of the streams from Gong's OpenAPI document.

    python -m scripts.make_schemas PATH_TO_GONGS_DOCUMENT

Names, nesting and types come from the document. Descriptions are our own: they are
kept from the schema files that are there. To add a stream, add it to `STREAMS` and run
the script. It writes the schema with empty descriptions and names them. Fill them in
and run it again.

The facts of the document that the schemas rest on go into `tests/gong_facts.json`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_gong.singer.conform import is_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Fact = str | list["Fact"]
    """A type, the name of a component, or a list of one of them."""

    Facts = Mapping[str, Mapping[str, Fact]]
    """The types of properties, by component and name."""

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "tap_gong" / "schemas"
FACTS = ROOT / "tests" / "gong_facts.json"


@dataclass(frozen=True)
class Stream:
    """What a schema is made of."""

    key: tuple[str, ...]
    columns: tuple[str, ...]
    """Components of the document, which give all their properties, and names of
    `ADDED`, in the order of the schema."""
    left_out: tuple[str, ...] = ()
    """What the stream does not have of these, as `Component.property`."""


STREAMS = {
    "calls": Stream(("id",), ("CallBasicData",)),
    "calls_extensive": Stream(
        ("id",),
        ("CallBasicData", "CallData"),
        left_out=("CallData.metaData", "CallData.media"),
    ),
    "call_parties": Stream(("callId", "id"), ("callId", "started", "Party")),
    "call_crm_objects": Stream(
        ("callId", "system", "objectType", "objectId", "timing"),
        ("callId", "started", "CallContextDto", "ExternalCallObject"),
        left_out=("CallContextDto.objects",),
    ),
    "call_trackers": Stream(("callId", "id"), ("callId", "started", "TrackerDto")),
    "call_topics": Stream(("callId", "name"), ("callId", "started", "TopicDto")),
    "call_speakers": Stream(("callId", "id"), ("callId", "started", "UserSpeaker")),
    "call_interaction_stats": Stream(
        ("callId", "name"), ("callId", "started", "InteractionStatsDto")
    ),
    "call_comments": Stream(("callId", "id"), ("callId", "started", "CommentDto")),
    "call_media": Stream(("callId",), ("callId", "started", "MediaDto")),
    "call_transcripts": Stream(
        ("callId",),
        ("callId", "started", "workspaceId", "isPrivate", "CallTranscript"),
        left_out=("CallTranscript.callId",),
    ),
    "call_transcript_sentences": Stream(
        ("callId", "index"),
        (
            "callId",
            "started",
            "index",
            "turn",
            "Monologue",
            "speakerName",
            "speakerEmailAddress",
            "speakerUserId",
            "speakerAffiliation",
            "Sentence",
        ),
        left_out=("Monologue.sentences",),
    ),
    "call_user_access": Stream(
        ("callId", "userId"), ("callId", "started", "UserAccessDetails")
    ),
    "users": Stream(("id",), ("UserMetadata",)),
    "workspaces": Stream(("id",), ("WorkspaceMetadata",)),
}

LIVE: Facts = {
    # The document says only in words that this is a timestamp.
    "UserMetadata": {"created": "date-time"},
}
"""What live answers show and the document does not: it comes on top of the document."""

ADDED: Mapping[str, Fact] = {
    "callId": "string",
    "started": "date-time",
    "workspaceId": "string",
    "isPrivate": "boolean",
    "index": "integer",
    "turn": "integer",
    "speakerName": "string",
    "speakerEmailAddress": "string",
    "speakerUserId": "string",
    "speakerAffiliation": "string",
}
"""The columns that Gong's records do not have themselves."""


def facts_of(document: Mapping[str, Any]) -> dict[str, dict[str, Fact]]:
    """Tell what the document says of all components that the streams are made of.

    Args:
        document: Gong's OpenAPI document.

    Returns:
        The types of their properties, without what a stream leaves out.
    """
    components = document["components"]["schemas"]
    facts: dict[str, dict[str, Fact]] = {}

    def fact(schema: Mapping[str, Any]) -> Fact:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            add(name)
            return str(name)
        if schema["type"] == "array":
            return [fact(schema["items"])]
        is_time = schema.get("format") in {"date", "date-time"}
        return str(schema["format"] if is_time else schema["type"])

    def add(component: str, left_out: tuple[str, ...] = ()) -> None:
        known = facts.setdefault(component, {})
        for name, schema in components[component]["properties"].items():
            if name not in known and f"{component}.{name}" not in left_out:
                known[name] = fact(schema)

    for stream in STREAMS.values():
        for column in stream.columns:
            if column not in ADDED:
                add(column, stream.left_out)
    return facts


def columns_of(stream: Stream, facts: Facts) -> Iterator[tuple[str, str, Fact]]:
    """Tell the columns of a stream.

    Args:
        stream: The stream.
        facts: What Gong's answers hold.

    Yields:
        The name of each, where it comes from, and its type.
    """
    for column in stream.columns:
        if column in ADDED:
            yield column, f"+{column}", ADDED[column]
            continue
        for name, origin, fact in properties_of(column, facts):
            if origin not in stream.left_out:
                yield name, origin, fact


def properties_of(component: str, facts: Facts) -> Iterator[tuple[str, str, Fact]]:
    """Tell the properties of a component, as `columns_of` does of a stream."""
    for name, fact in facts[component].items():
        yield name, f"{component}.{name}", fact


def collect(
    columns: Iterator[tuple[str, str, Fact]],
    schema: Mapping[str, Any],
    texts: dict[str, str],
    facts: Facts,
) -> None:
    """Collect the descriptions of an object's properties, the nested ones too.

    Args:
        columns: Its properties.
        schema: Its committed schema.
        texts: Where to put them, by origin.
        facts: What Gong's answers hold.

    Raises:
        SystemExit: If a property is described in two ways.
    """
    for name, origin, fact in columns:
        inner = schema.get("properties", {}).get(name, {})
        text = inner.get("description")
        if text and texts.setdefault(origin, text) != text:
            sys.exit(f"{origin} is described in two ways: {texts[origin]!r}, {text!r}.")
        while isinstance(fact, list):
            (fact,) = fact  # noqa: PLW2901
            inner = inner.get("items", {})
        if fact in facts:
            collect(properties_of(fact, facts), inner, texts, facts)


def object_of(
    columns: Iterator[tuple[str, str, Fact]],
    texts: Mapping[str, str],
    facts: Facts,
    key: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Make the `properties` of an object's schema.

    Args:
        columns: Its properties.
        texts: Descriptions by origin.
        facts: What Gong's answers hold.
        key: Names of the properties that are never null.

    Returns:
        The schemas of its properties.
    """
    properties: dict[str, Any] = {}
    for name, origin, fact in columns:
        if name in properties:
            sys.exit(f"{origin}: there is another column of this name.")
        head, tail = value_of(name, fact, texts, facts)
        if name in key:
            head["type"] = head["type"][0]
        properties[name] = head | {"description": texts.get(origin, "")} | tail
    return properties


def value_of(
    name: str, fact: Fact, texts: Mapping[str, str], facts: Facts
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the schema of a value.

    Args:
        name: The property that it belongs to.
        fact: Its type.
        texts: Descriptions by origin.
        facts: What Gong's answers hold.

    Returns:
        What stands before its description, and what stands after it.
    """
    if isinstance(fact, list):
        head, tail = value_of(name, fact[0], texts, facts)
        return {"type": ["array", "null"]}, {"items": head | tail}
    if fact in facts:
        properties = object_of(properties_of(fact, facts), texts, facts)
        return {"type": ["object", "null"]}, {"properties": properties}
    text = {"type": ["string", "null"]}
    if fact == "object":  # of no known shape; live it is a number or text as well
        return text | {"contentMediaType": "application/json"}, {}
    if fact in {"date", "date-time"}:
        return text | {"format": fact}, {}
    return text if is_identifier(name) else {"type": [fact, "null"]}, {}


def written(schema: object) -> str:
    """Write a schema as JSON, with short lists in one line."""
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    lists = re.compile(r'\[\s+("\w+"(?:,\s+"\w+")*)\s+\]')
    in_one_line = lists.sub(lambda match: f"[{' '.join(match[1].split())}]", text)
    return f"{in_one_line}\n"


def main() -> None:
    """Write the schemas and the facts, and name the properties without description."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("document", type=Path, help="Gong's OpenAPI document")
    document = json.loads(parser.parse_args().document.read_text())
    found = facts_of(document)
    FACTS.write_text(written(found))
    facts = {name: {**found[name], **LIVE.get(name, {})} for name in found}
    texts: dict[str, str] = {}
    for name, stream in STREAMS.items():
        path = SCHEMAS / f"{name}.json"
        committed = json.loads(path.read_text()) if path.exists() else {}
        texts[name] = committed.get("description", "")
        collect(columns_of(stream, facts), committed, texts, facts)
    for name, stream in STREAMS.items():
        schema = {
            "type": "object",
            "description": texts[name],
            "properties": object_of(
                columns_of(stream, facts), texts, facts, stream.key
            ),
            "required": stream.key,
        }
        (SCHEMAS / f"{name}.json").write_text(written(schema))
    used = [
        *STREAMS,
        *(f"+{name}" for name in ADDED),
        *(f"{component}.{name}" for component in facts for name in facts[component]),
    ]
    if missing := [origin for origin in used if not texts.get(origin)]:
        sys.exit("\n".join(["Without description in tap_gong/schemas:", *missing]))


if __name__ == "__main__":
    main()
