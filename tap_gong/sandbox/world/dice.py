"""Chances that fall the same way each time."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T")

ID_RANGES = (
    *[(10**18, 10**19)] * 12,
    *[(10**17, 10**18)] * 2,
    *[(10**19, 2**64)] * 2,
)
"""Where identifiers lie: of 16, twelve have 19 digits, two 18 and two 20."""


class Dice:
    """Dice that belong to one part of the company: same part, same rolls."""

    def __init__(self, *part: object) -> None:
        """Take the dice of a part.

        Args:
            part: What names the part, the seed first.
        """
        # Of this generator Python promises that each version gives the same numbers.
        self._next = random.Random("/".join(map(str, part))).random  # noqa: S311

    def roll(self, sides: int) -> int:
        """Roll one die.

        Args:
            sides: How many sides it has.

        Returns:
            A number from 0 to `sides` - 1.
        """
        return int(self._next() * sides)

    def chance(self, percent: int) -> bool:
        """Tell whether something happens that happens so often.

        Args:
            percent: How often, of 100 times.

        Returns:
            Whether it does.
        """
        return self.roll(100) < percent

    def pick(self, choices: Sequence[_T]) -> _T:
        """Pick one of several things.

        Args:
            choices: The things.

        Returns:
            One of them.
        """
        return choices[self.roll(len(choices))]

    def identifier(self) -> str:
        """Make an identifier.

        Returns:
            18 to 20 digits.
        """
        lowest, end = self.pick(ID_RANGES)
        number = self.roll(2**32) << 32 | self.roll(2**32)
        return str(lowest + number % (end - lowest))

    def seconds(self, end: float) -> float:
        """Make a moment of a call, with the noise of a number of 32 bits.

        Args:
            end: What comes after the last moment.

        Returns:
            Seconds from 0 on.
        """
        (noisy,) = struct.unpack("f", struct.pack("f", round(self._next() * end, 2)))
        return float(noisy)
