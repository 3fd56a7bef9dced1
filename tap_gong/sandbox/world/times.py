"""Moments: their texts, and calls in order of them."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Count the microseconds since 1970, exactly.

    Args:
        moment: A time with its offset.

    Returns:
        The count.
    """
    return (moment - _EPOCH) // _MICROSECOND


def timestamp(since_1970: int, zone: tzinfo, precision: str) -> str:
    """Write a moment as Gong does.

    Args:
        since_1970: The moment in microseconds.
        zone: The offset to write it with.
        precision: The smallest part to write, as `datetime.isoformat` names it.

    Returns:
        The text.
    """
    moment = (_EPOCH + since_1970 * _MICROSECOND).astimezone(zone)
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


class Timeline:
    """Call IDs in order of one of their times.

    Attributes:
        ids: The call IDs, earliest first.
    """

    def __init__(self) -> None:
        """Begin without calls."""
        self.ids: list[str] = []
        self._moments = array("q")

    def insert(self, moment: int, call_id: str) -> None:
        """Put a call in its place, after those of the same moment.

        Args:
            moment: Its time, in microseconds since 1970.
            call_id: Its ID.
        """
        place = bisect_right(self._moments, moment)
        self._moments.insert(place, moment)
        self.ids.insert(place, call_id)

    def between(self, start: datetime | None, end: datetime | None) -> list[str]:
        """List the calls of a period.

        Args:
            start: From this moment; None is from the first call.
            end: To before this moment; None is to the last call.

        Returns:
            Their IDs, earliest first.
        """
        first = bisect_left(self._moments, microseconds(start)) if start else 0
        last = bisect_left(self._moments, microseconds(end)) if end else None
        return self.ids[first:last]
