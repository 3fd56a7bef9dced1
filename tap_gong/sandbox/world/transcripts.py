"""What was said in a call."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tap_gong.sandbox.world.words import SENTENCES, TOPICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_gong.sandbox.world.call import Call
    from tap_gong.sandbox.world.people import Record

_SHORTEST = 400
"""Milliseconds from one sentence to the next."""


def has_transcript(seed: int, call_id: str) -> bool:
    """Tell whether a call has a transcript.

    Args:
        seed: The seed of the company.
        call_id: The ID of the call.

    Returns:
        Whether it has one.
    """
    # Asked of each call of a period, so it has to be quick.
    return zlib.crc32(f"{seed}/{call_id}".encode()) % 10 > 0


def make_transcript(call: Call, parties: Sequence[Record]) -> list[Record] | None:
    """Make up what was said in a call.

    Args:
        call: The call.
        parties: Those who took part.

    Returns:
        The monologues; None where there is no transcript.
    """
    if not call.sentences or not has_transcript(call.seed, call.id):
        return None
    dice = call.dice("transcript")
    speakers = [party["speakerId"] for party in parties if party["speakerId"]]
    count = (call.sentences + 1) // 2 + dice.roll(call.sentences + 1)
    step = max(call.duration * 1_000 // count, _SHORTEST)
    monologues: list[Record] = []
    said = 0
    while said < count:
        turn = min(1 + dice.roll(6), count - said)
        sentences = [
            {
                "start": number * step + dice.roll(step // 4),
                "end": number * step + step // 2 + dice.roll(step // 4),
                "text": dice.pick(SENTENCES),
            }
            for number in range(said, said + turn)
        ]
        monologues.append(
            {
                "speakerId": dice.pick(speakers) if speakers else None,
                "topic": dice.pick(TOPICS) if dice.chance(25) else None,
                "sentences": sentences,
            }
        )
        said += turn
    return monologues
