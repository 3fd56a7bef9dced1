"""The plan by day: days of the company's time zone, which the tap does not know."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_gong.errors import SettingsError
from tap_gong.plans.slices import Plan, Slice
from tap_gong.plans.tracks import LONG_AGO, moment_at, no_start

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from tap_gong.gong.endpoint import Endpoint
    from tap_gong.plans.ranges import Range


FROM, TO = "fromDate", "toDate"
"""Gong's names of the first day to ask for, and of the first one after it not to."""

FIRST_ZONE, LAST_ZONE = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
"""Where on earth a day begins first, and where it ends last."""

DAY = timedelta(days=1)


class DayPlan(Plan):
    """Days, a fixed number of them in each request.

    The bookmark says which days are out: those from `start_date` on that are before
    `replication_key_value`. New days are added at the end of these. Where `start_date`
    is set earlier, the days before are added at the beginning, the latest one first.
    So the bookmark is true after each request, and a run that was cut short is gone on
    with.
    """

    def __init__(  # noqa: PLR0913 - all but four by name
        self,
        name: str,
        bookmark: Mapping[str, Any],
        range_: Range,
        endpoint: Endpoint,
        *,
        days_a_request: int,
        is_incremental: bool = True,
        warn: Callable[[str], None],
    ) -> None:
        """Begin where an earlier run has ended.

        Args:
            name: The stream's name.
            bookmark: Its bookmark.
            range_: What the settings say.
            endpoint: What to ask.
            days_a_request: How many days to ask for in one request.
            is_incremental: Whether the bookmark counts; all is read anew if not.
            warn: Told what a person should know.

        Raises:
            SettingsError: If settings and bookmark do not say from when on to read.
        """
        self._name = name
        self._endpoint = endpoint
        start_date = range_.start_date and range_.start_date.date()
        end = min(_open_day(range_.now), max(range_.end, LONG_AGO).date())
        self._since, self._until = _days_out(bookmark, name, range_, warn)
        since, until = (self._since, self._until) if is_incremental else (None, None)
        if until:
            start = min(until, end) + range_.lookback // -DAY * DAY
            bounds = [day for day in (since, start_date) if day and day <= until]
            start = max([start, *bounds])
        elif start_date:
            start = start_date
        else:
            raise no_start(name)
        self.covers = f"{name} by day, from {start} to {end}"
        if until and start < min(until, end):
            self.covers += f"; the look-back before {min(until, end)} is included"
        self._requests = [
            (day, min(day + days_a_request * DAY, end))
            for day in _days(start, end, days_a_request)
        ]
        if since and start_date and start_date < since:
            warn(
                f"start_date {start_date} is earlier than {since}, from which on "
                f"{name} was read: the days between the two are read, too."
            )
            self._requests += [
                (max(day - days_a_request * DAY, start_date), day)
                for day in _days(min(since, end), start_date, -days_a_request)
            ]
        elif until and start_date and start_date > until:
            warn(
                f"start_date {start_date} is later than the bookmark {until} in state: "
                f"{name} is read from the bookmark on, so that no day in between is "
                f"left out."
            )
        self._left = len(self._requests)
        self._has_found = False
        self.expected = None if self._left else 0
        self.is_done = not self._left
        self.nothing_found = (
            f"Gong has no {name} for these days, or none that the owner of the API key "
            f"may see. The bookmark stays where it was."
        )

    @override
    def __iter__(self) -> Iterator[Slice]:
        """Give a slice for each request."""
        for start, end in self._requests:
            yield Slice(self._endpoint, {FROM: start.isoformat(), TO: end.isoformat()})

    @override
    def finish(self, slice_: Slice, found: Collection[str], asked_at: datetime) -> None:
        """Add the days of the slice to those that are out, if it touches them.

        A day that was not yet over when Gong was asked is not out.
        """
        start, end = (date.fromisoformat(slice_.inputs[name]) for name in (FROM, TO))
        end = max(start, min(end, _open_day(asked_at)))
        if self._until is None:
            self._since, self._until = start, end
        elif start <= self._until:
            self._until = max(self._until, end)
            if self._since and self._since <= end:
                self._since = min(self._since, start)
        self._has_found = self._has_found or bool(found)
        self._left -= 1
        self.is_done = not self._left

    @override
    def bookmarks(self, lost: Collection[str] = ()) -> Mapping[str, Mapping[str, Any]]:
        """Give the bookmark: it stays where it was unless records have come."""
        if self._name in lost or not (self._has_found and self._until):
            return {}
        values = {"replication_key": FROM}
        values["replication_key_value"] = self._until.isoformat()
        if self._since:
            values["start_date"] = self._since.isoformat()
        return {self._name: values}


def _open_day(moment: datetime) -> date:
    """Find the first day that is not over everywhere on earth."""
    return max(moment, LONG_AGO).astimezone(LAST_ZONE).date()


def _days(first: date, end: date, step: int) -> Iterator[date]:
    """Give days that are so far apart, without the end; backwards if it is before."""
    for number in range(first.toordinal(), end.toordinal(), step):
        yield date.fromordinal(number)


def _days_out(
    bookmark: Mapping[str, Any],
    name: str,
    range_: Range,
    warn: Callable[[str], None],
) -> tuple[date | None, date | None]:
    """Read which days are out: the first one, if known, and the first one that is not.

    Raises:
        SettingsError: If the bookmark holds something else than dates, or cannot be
            true and nothing else says from when on to read.
    """
    until, since = (
        moment and max(moment, LONG_AGO).date()
        for moment in (
            moment_at(bookmark, name, "replication_key_value"),
            moment_at(bookmark, name, "start_date"),
        )
    )
    if until is None:
        return None, None
    if until > range_.now.astimezone(FIRST_ZONE).date():
        future = (
            f"The bookmark {until} of {name} in state lies in the future and so cannot "
            f"be true: a clock was wrong."
        )
        if not range_.start_date:
            msg = f"{future} Set start_date to read {name} from there on."
            raise SettingsError(msg)
        warn(f"{future} It is read from start_date on.")
        return None, None
    return since, until
