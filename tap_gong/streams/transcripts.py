"""What was said in calls: transcripts, whole and sentence by sentence."""

from __future__ import annotations

import zlib
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from typing_extensions import override

from tap_gong.gong.calls import TRANSCRIPTS
from tap_gong.gong.rows import list_at
from tap_gong.singer.conform import conformer
from tap_gong.streams.base import SCHEMAS
from tap_gong.streams.call_parts import PARTIES, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from singer_sdk.helpers.types import Record

    from tap_gong.streams.call_part import Call


class Spoken(Part):
    """A part that is made of a transcript.

    As Python's objects, the transcripts of a page take some 20 MB. So each is kept as
    compressed JSON, a twentieth of it, and its records are made as they are emitted.
    """

    endpoint = TRANSCRIPTS

    @override
    def gather(self, call: Call, item: Mapping[str, Any]) -> Iterable[Record]:
        fit = self._conform_transcript(item)
        taken = call.taken(self.takes)
        packed = zlib.compress(msgspec.json.encode(fit.get("transcript") or []), 1)
        call.packed += len(packed)
        return self._unpacked(taken, speakers(call.parties), packed)

    def _unpacked(
        self, taken: Record, speakers: Mapping[str, Record], packed: bytes
    ) -> Iterator[Record]:
        transcript = msgspec.json.decode(zlib.decompress(packed))
        yield from self.spoken(taken, speakers, transcript)

    def spoken(
        self,
        taken: Record,
        speakers: Mapping[str, Record],
        transcript: list[dict[str, Any]],
    ) -> Iterator[Record]:
        """Make the records of a transcript that fits the schema.

        Args:
            taken: What a record takes over from the call.
            speakers: What a sentence takes over from the party who said it, by
                `speakerId`.
            transcript: The monologues.
        """
        raise NotImplementedError

    @cached_property
    def _conform_transcript(self) -> Callable[[Any], Record]:
        schema = SCHEMAS.fetch_schema("call_transcripts")
        return conformer(schema, unknown=self.shape.unknown)


class CallTranscripts(Spoken):
    """What was said in a call, nested."""

    name = "call_transcripts"
    primary_keys = ("callId",)
    takes = ("callId", "started", "workspaceId", "isPrivate")

    @cached_property
    @override
    def _conform_transcript(self) -> Callable[[Any], Record]:
        return self.shape.conform

    @override
    def spoken(
        self,
        taken: Record,
        speakers: Mapping[str, Record],
        transcript: list[dict[str, Any]],
    ) -> Iterator[Record]:
        yield self.shape.select({**taken, "transcript": transcript})


SPEAKER = {
    "name": "speakerName",
    "emailAddress": "speakerEmailAddress",
    "userId": "speakerUserId",
    "affiliation": "speakerAffiliation",
}
"""Columns of a sentence by the field of the party who said it."""

_TEXT = {"type": ["string", "null"]}
_conform_party = conformer(
    {"properties": {"speakerId": _TEXT, **dict.fromkeys(SPEAKER, _TEXT)}}
)


class CallTranscriptSentences(Spoken):
    """What was said in a call, sentence by sentence, with who said it."""

    name = "call_transcript_sentences"
    primary_keys = ("callId", "index")
    needs_by_column: ClassVar[Mapping[str, Mapping[str, Any]]] = dict.fromkeys(
        SPEAKER.values(), PARTIES
    )

    @override
    def spoken(
        self,
        taken: Record,
        speakers: Mapping[str, Record],
        transcript: list[dict[str, Any]],
    ) -> Iterator[Record]:
        index = count()
        for turn, monologue in enumerate(transcript):
            speaker_id = monologue.get("speakerId")
            for sentence in monologue.get("sentences") or ():
                yield self.shape.select(
                    {
                        **taken,
                        **speakers.get(speaker_id or "", {}),
                        **sentence,
                        "index": next(index),
                        "turn": turn,
                        "speakerId": speaker_id,
                        "topic": monologue.get("topic"),
                    }
                )


def speakers(parties: object) -> dict[str, Record]:
    """Find who spoke in a call, by `speakerId`.

    Args:
        parties: Who took part, as `/v2/calls/extensive` has it; None if unknown.

    Returns:
        What a sentence takes over from the party who said it.

    Raises:
        ShapeError: If a party is not what Gong documents.
    """
    found: dict[str, Record] = {}
    for row in list_at({"parties": parties}, "parties"):
        party = _conform_party(row)
        names = {column: party.get(name) for name, column in SPEAKER.items()}
        if party.get("speakerId"):
            found.setdefault(party["speakerId"], names)
    return found
