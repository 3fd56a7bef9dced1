"""What Gong finds in a call: topics, trackers, outline and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.sandbox.world.words import POINTS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_gong.sandbox.world.call import Call
    from tap_gong.sandbox.world.dice import Dice
    from tap_gong.sandbox.world.people import Record

_TRACKERS = (
    ("8071146928840203117", "Competitors", "KEYWORD", ("Walmart", "Größte", "die da")),
    ("415207733981204466", "Pricing", "KEYWORD", ("discount", 'the "list" price')),
    ("12904417736620018834", "Next steps", "SMART", ()),
    ("7730021148859302218", "Возражения", "SMART", ()),
    ("5518820947736611092", "Security 🔐", "KEYWORD", ("SSO", "audit")),
)
_OUTCOMES = (
    ("MEETING_BOOKED", "Answered", "Meeting booked"),
    ("LEFT_VOICEMAIL", "Unanswered", "Left voicemail"),
)


def make_content(call: Call, parties: Sequence[Record]) -> Record | None:
    """Make up what Gong found in a call.

    Args:
        call: The call.
        parties: Those who took part.

    Returns:
        All that Gong computed; None where it computed nothing.
    """
    dice = call.dice("content")
    if dice.chance(4):
        return None
    end = call.duration
    speakers = [party["speakerId"] for party in parties if party["speakerId"]]
    content: Record = {
        "topics": [
            {"name": name, "duration": dice.roll(end + 1) if dice.chance(45) else 0}
            for name in TOPICS
        ],
        "trackers": [_tracker(dice, end, speakers, *about) for about in _TRACKERS],
    }
    if dice.chance(15):
        names = ("Meeting Setup", "Agenda", "Demo")
        content["structure"] = [{"name": n, "duration": dice.roll(900)} for n in names]
    if dice.chance(85):
        content["brief"] = f"{dice.pick(POINTS)}\n{dice.pick(POINTS)}"
        content["keyPoints"] = [{"text": text} for text in POINTS[: dice.roll(5)]]
        content["outline"] = [_section(dice, end, name) for name in TOPICS[:3]]
        if dice.chance(97):
            content["highlights"] = [
                {"title": "Next steps", "items": _items(dice, end)}
            ]
    if dice.chance(25):
        names = ("id", "category", "name")
        content["callOutcome"] = dict(zip(names, dice.pick(_OUTCOMES), strict=True))
    return content


def _tracker(  # noqa: PLR0913, PLR0917 - the last four are one tracker
    dice: Dice,
    end: int,
    speakers: Sequence[object],
    id_: str,
    name: str,
    kind: str,
    phrases: Sequence[str],
) -> Record:
    heard = [] if dice.chance(50) else _occurrences(dice, end, speakers)
    tracker: Record = {
        "id": id_,
        "name": name,
        "count": len(heard),
        "type": kind,
        "occurrences": heard,
    }
    if kind == "KEYWORD":
        first = len(heard) - len(heard) // 3
        tracker["phrases"] = [
            {"count": len(part), "occurrences": part, "phrase": phrase}
            for phrase, part in zip(
                phrases, (heard[:first], heard[first:]), strict=False
            )
            if part
        ]
    return tracker


def _occurrences(dice: Dice, end: int, speakers: Sequence[object]) -> list[Record]:
    moments = sorted(dice.seconds(end) for _ in range(1 + dice.roll(4)))
    return [
        {"startTime": moment, "speakerId": dice.pick(speakers) if speakers else None}
        for moment in moments
    ]


def _section(dice: Dice, end: int, name: str) -> Record:
    start = dice.seconds(end)
    return {
        "section": name,
        "startTime": start,
        "duration": dice.seconds(end),
        "items": [
            {"text": dice.pick(POINTS), "startTime": start + dice.seconds(60)}
            for _ in range(dice.roll(3))
        ],
    }


def _items(dice: Dice, end: int) -> list[Record]:
    return [
        {
            "text": dice.pick(POINTS),
            "startTimes": [dice.seconds(end) for _ in range(1 + dice.roll(2))],
        }
        for _ in range(1 + dice.roll(3))
    ]
