"""How people talked in a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_gong.sandbox.world.call import Call
    from tap_gong.sandbox.world.people import Record

_STATS = {
    "Talk Ratio": 1,
    "Longest Monologue": 600,
    "Longest Customer Story": 300,
    "Interactivity": 10,
    "Patience": 3,
}
"""Names of the statistics, and a number above all their values."""

_VIDEO = ("Browser", "Presentation", "WebcamPrimaryUser", "WebcamNonCompany", "Webcam")


def make_interaction(call: Call, parties: Sequence[Record]) -> Record | None:
    """Make up how people talked in a call.

    Args:
        call: The call.
        parties: Those who took part.

    Returns:
        All that Gong computed; None where it computed nothing. Speakers are those of
        the company only, as Gong has it.
    """
    dice = call.dice("interaction")
    if dice.chance(8):
        return None
    interaction: Record = {
        "speakers": [
            {
                "id": party["id"],
                "userId": party["userId"],
                "talkTime": 0.0 if dice.chance(10) else dice.seconds(call.duration),
            }
            for party in parties
            if party["speakerId"] and "userId" in party
        ],
        "questions": {
            "companyCount": dice.roll(30),
            "nonCompanyCount": dice.roll(20),
        },
    }
    if dice.chance(70):
        interaction["interactionStats"] = [
            {"name": name, "value": round(dice.seconds(most), 4)}
            for name, most in _STATS.items()
        ]
    if call.record["media"] == "Video":
        interaction["video"] = [
            {"name": name, "duration": dice.seconds(call.duration)}
            for name in _VIDEO[: 1 + dice.roll(len(_VIDEO))]
        ]
    return interaction
