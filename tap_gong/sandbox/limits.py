"""How many requests the sandbox lets in."""

from __future__ import annotations

import math
from collections import deque


class Limits:
    """A rate limit over a sliding second, and a quota.

    Requests that are refused count for neither. Times are seconds of any clock that
    never goes back.
    """

    def __init__(self, per_second: int, per_day: int, quota_retry_after: int) -> None:
        """Set the limits.

        Args:
            per_second: Requests allowed in any sliding second, 0 for no limit.
            per_day: Requests allowed before the quota is used up, 0 for no quota.
            quota_retry_after: Seconds until the whole quota is there again, from the
                first request on that was refused because it was used up.
        """
        self._per_second = per_second
        self._per_day = per_day
        self._quota_retry_after = quota_retry_after
        self._admitted: deque[float] = deque()
        self._used = 0
        self._renewed_at: float | None = None

    def admit(self, now: float) -> int | None:
        """Admit a request that arrives now, or refuse it.

        Args:
            now: The time of arrival, in seconds.

        Returns:
            None if the request is admitted, else the whole seconds to wait.
        """
        wait = self._quota_wait(now) or self._rate_wait(now)
        if wait is None:
            self._used += 1
            self._admitted.append(now)
        return wait

    def _quota_wait(self, now: float) -> int | None:
        if not self._per_day or self._used < self._per_day:
            return None
        if self._renewed_at is None:
            self._renewed_at = now + self._quota_retry_after
        if now >= self._renewed_at:
            self._used, self._renewed_at = 0, None
            return None
        return math.ceil(round(self._renewed_at - now, 6))

    def _rate_wait(self, now: float) -> int | None:
        while self._admitted and now - self._admitted[0] >= 1:
            self._admitted.popleft()
        if self._per_second and len(self._admitted) >= self._per_second:
            return 1
        return None
