"""A call, as far as it is known when its details are made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_gong.sandbox.world.dice import Dice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_gong.sandbox.world.people import Record


@dataclass(frozen=True, slots=True)
class Call:
    """A call, as far as it is known when its details are made up.

    Attributes:
        seed: The seed of the company.
        id: The ID of the call.
        record: Its basic data.
        customer: The customer's name.
        users: All users of the company.
        sentences: About how many sentences a transcript has.
    """

    seed: int
    id: str
    record: Record
    customer: str
    users: Sequence[Record]
    sentences: int

    @property
    def duration(self) -> int:
        """How long it was, in seconds."""
        return int(str(self.record["duration"]))

    def dice(self, part: str) -> Dice:
        """Take the dice of a part of the call.

        Args:
            part: What names the part.

        Returns:
            The dice.
        """
        return Dice(self.seed, part, self.id)
