"""What can go wrong between a client and the API, and when it does."""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING

from tap_gong.sandbox.answers import Answer, error, page

if TYPE_CHECKING:
    from collections.abc import Sequence

_ANSWERS = {
    "status-500": error(500, "Internal server error occurred"),
    "status-502": error(502, "Bad gateway"),
    "status-503": error(503, "Service unavailable"),
    "status-504": error(504, "Gateway time-out"),
    "rate-limit": error(429, "API request limit exceeded", retry_after=1),
    "rate-limit-bare": error(429, "API request limit exceeded"),
    "html-502": Answer(502, page("502 Bad Gateway")),
    "html-200": Answer(200, page("One moment, please")),
    "wrong-shape": Answer(200, "{}", {"Content-Type": "application/json"}),
}
_DELIVERIES = ("truncated", "reset", "slow", "drip")

KINDS = (*_ANSWERS, *_DELIVERIES)
"""The names of all faults.

`truncated` promises more bytes than it sends, `reset` drops the connection without an
answer, `slow` stalls before the answer, `drip` sends it a byte at a time; the others
are answers.
"""


class Faults:
    """Decides which request gets a fault, in order of arrival.

    Attributes:
        for_calls: Faults for the next requests for one call, by call ID.
        at_paths: Faults for the next requests to one path, by path.
    """

    def __init__(self, rate: float, kinds: Sequence[str], seed: int) -> None:
        """Prepare the faults that nobody asked for.

        Args:
            rate: Share of requests that get one, 0 to 1.
            kinds: Names of the faults to choose from.
            seed: Same seed, same faults.
        """
        self.for_calls: dict[str, list[Answer | str | None]] = {}
        self.at_paths: dict[str, list[Answer | str | None]] = {}
        self._rate = rate
        self._kinds = kinds
        self._random = random.Random(seed)  # noqa: S311 - a repeatable choice
        self._script: deque[Answer | str | None] = deque()

    def script(self, *faults: Answer | str | None) -> None:
        """Say what happens to the next requests, one fault for each.

        Args:
            faults: Each a name from `KINDS`, an answer of your own, or None for the
                right answer.

        Raises:
            ValueError: There is no fault of that name.
        """
        for fault in faults:
            if isinstance(fault, str) and fault not in KINDS:
                message = f"{fault} is no fault; there are {', '.join(KINDS)}"
                raise ValueError(message)
        self._script.extend(faults)

    def take(self, path: str, call_id: str) -> Answer | str | None:
        """Take the fault of the request that has just arrived.

        Args:
            path: The request's path.
            call_id: The call in that path; empty if there is none.

        Returns:
            The answer to give instead of the right one, or how to spoil the delivery
            of the right one (`truncated`, `reset`, `slow`, `drip`), or None.
        """
        fault = self._next(path, call_id)
        return _ANSWERS.get(fault, fault) if isinstance(fault, str) else fault

    def _next(self, path: str, call_id: str) -> Answer | str | None:
        if waiting := self.for_calls.get(call_id) or self.at_paths.get(path):
            return waiting.pop(0)
        if self._script:
            return self._script.popleft()
        if self._rate and self._random.random() < self._rate:
            return self._random.choice(self._kinds)
        return None
