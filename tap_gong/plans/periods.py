"""The plan by date: one period, cut into smaller ones where it holds many calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_gong.plans.slices import PAGE, Plan, Slice
from tap_gong.settings import parse_moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tap_gong.gong.endpoint import Endpoint

LARGEST_PERIOD = 1_400
"""Calls that a period is cut to hold, about, where there are very many: 14 pages, of
which the last one is half full. Larger periods would lose more when a run is stopped,
smaller ones ask for more pages that are not full (see benchmarks/count_requests.py)."""

SMALLEST_PERIOD = 500
"""Calls that a period is cut to hold at least, about."""

FEWEST_PERIODS = 8
"""Periods to have side by side where there are enough calls: a period is read page by
page, and each page waits for the one before."""

UNCUT = 750
"""Calls up to which the whole plan is one period: to cut it costs the page that has
told how many there are."""

DENSE = 4 * LARGEST_PERIOD
"""Calls from which on a part is cut again. Calls come in office hours, so parts differ;
to cut them all to one size would cost a page each."""

MOST_PARTS = 1_000
"""Parts to cut a period into at once; each can be cut again."""

BLIND_PARTS, BLIND_LENGTH = 8, timedelta(days=14)
"""Parts to cut a period into, and the length up to which it is left whole, where Gong
does not say how many calls there are."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the calls have been read, as the bookmark says it.

    In the bookmark each is a value of its own, not one object: where null stands,
    Meltano cannot merge an object.
    """

    until: datetime | None = None
    """All calls before this moment are out, but for those that Gong shows late."""
    began: datetime | None = None
    """When a pass of several runs began: the look-back after it counts from here. None
    for a pass of one run."""
    reached: datetime | None = None
    """Where an unfinished pass goes on; None after a finished one."""
    emitted: frozenset[str] = frozenset()
    """IDs of the calls after `reached` that are out already."""
    workspace_id: str | None = None
    """The only workspace that was read; None for all."""
    since: datetime | None = None
    """From when on the calls were read; None if an older version has read them."""

    @classmethod
    def from_bookmark(cls, bookmark: Mapping[str, Any]) -> Reading:
        """Read a bookmark.

        Raises:
            SettingsError: If it holds something that is no moment.
        """
        workspace_id = bookmark.get("workspace_id")
        emitted = bookmark.get("pass_emitted")
        return cls(
            _moment(bookmark, "replication_key_value"),
            _moment(bookmark, "pass_began"),
            _moment(bookmark, "pass_reached"),
            frozenset(map(str, emitted) if isinstance(emitted, list) else ()),
            None if workspace_id is None else str(workspace_id),
            _moment(bookmark, "start_date"),
        )

    def to_bookmark(self) -> dict[str, Any]:
        """Write what `from_bookmark` reads."""
        return {
            "replication_key": "started",
            "replication_key_value": self.until and iso(self.until),
            "start_date": self.since and iso(self.since),
            "workspace_id": self.workspace_id,
            "pass_began": self.began and iso(self.began),
            "pass_reached": self.reached and iso(self.reached),
            "pass_emitted": sorted(self.emitted) or None,
        }


class PeriodPlan(Plan):
    """Calls by date.

    The bookmark is the end of the last period emitted, for the records themselves come
    in no promised order. It never goes back, and never passes the end of the plan or
    the moment when Gong was asked.
    """

    weight = LARGEST_PERIOD
    page_size = PAGE

    def __init__(  # noqa: PLR0913 - all but two by name
        self,
        bookmark: Mapping[str, Any],
        endpoint: Endpoint,
        *,
        start: datetime,
        end: datetime,
        began: datetime,
        reading: Reading,
        workspace_id: str | None,
    ) -> None:
        """Plan one period.

        Args:
            bookmark: The stream's bookmark.
            endpoint: The list to ask.
            start: From when on, in UTC.
            end: Up to when, in UTC, in whole seconds; at most the moment the run began.
                With an end that is not after the start there is nothing to do.
            began: When the pass began that this run begins or goes on with.
            reading: How far the calls of these settings have been read already.
            workspace_id: The only workspace to read; None for all.
        """
        self._before = reading
        self.skip = reading.emitted
        self._written = {name for name in bookmark if bookmark[name] is not None}
        self._endpoint = endpoint
        self._start, self._end = start, end
        self._began = began
        self._workspace_id = workspace_id
        self._reached: datetime | None = None
        self._found = 0
        self.is_done = end <= start
        self.expected = 0 if self.is_done else None
        self.covers = f"calls by date, from {iso(start)} to {iso(end)}"
        if workspace_id:
            self.covers += f", of workspace {workspace_id}"
        if reading.reached == start:
            self.covers += "; this goes on with a run that was cut short"
        elif reading.until and reading.until > start:
            self.covers += f"; the look-back before {iso(reading.until)} is included"
        self.nothing_found = (
            f"Gong has no calls from {iso(start)} to {iso(end)}, or none that the "
            f"owner of the API key may see: both get the same answer. The bookmark "
            f"stays where it was."
        )

    @override
    def __iter__(self) -> Iterator[Slice]:
        """Give the whole period."""
        if self._start < self._end:
            yield self._slice(self._start, self._end)

    @override
    def cut(self, slice_: Slice, total: int | None) -> Sequence[Slice]:
        """Cut a period that has many calls into equal parts of whole seconds."""
        start, end = _period(slice_)
        seconds = int((end - start).total_seconds())
        if not slice_.is_part:
            self.expected = total
        if total is None:
            count = BLIND_PARTS if end - start > BLIND_LENGTH else 1
        else:
            size = min(max(total // FEWEST_PERIODS, SMALLEST_PERIOD), LARGEST_PERIOD)
            most = DENSE if slice_.is_part else UNCUT
            count = min(-(-total // size), MOST_PARTS) if total > most else 1
            # Parts of less than a day are empty by night: each costs a request for
            # nothing, and another one to be sure.
            days = seconds // (24 * 3_600)
            if count > days >= FEWEST_PERIODS:
                count = days
        count = min(count, seconds)
        if count <= 1:
            return ()
        cuts = (start + timedelta(seconds=seconds * n // count) for n in range(count))
        return [self._slice(*period, is_part=True) for period in pairwise((*cuts, end))]

    @override
    def finish(self, slice_: Slice, found: Collection[str], asked_at: datetime) -> None:
        """Move on to the end of the period."""
        _, end = _period(slice_)
        self._found += len(found)
        self.skip = self.skip.difference(found)
        self._reached = max(
            self._reached or self._start, min(end, asked_at.replace(microsecond=0))
        )
        self.is_done = end == self._end

    @override
    def recount(self) -> Slice | None:
        """Give the whole period again, if its parts brought less than it promised."""
        return self._slice(self._start, self._end) if self._is_short else None

    @property
    def _is_short(self) -> bool:
        """Whether calls are missing, and were not only deleted meanwhile."""
        if not self.is_done or self._found >= (self.expected or 0):
            return False
        return not self.recounted or self.recounted > self._found

    @override
    def complaint(self) -> str:
        """Say that calls are missing, if it is so."""
        if not self._is_short:
            return ""
        return (
            f"{self._endpoint.path} promised {self.expected} calls from "
            f"{iso(self._start)} to {iso(self._end)} and gave {self._found}. The "
            f"bookmark stays where it was: run again later."
        )

    @override
    def bookmark(self) -> Mapping[str, Any]:
        """Give the bookmark: it stays where it was unless calls have come."""
        if not self._found and not self.emitted:
            return {}
        if self._is_short:
            after = self._before
        else:
            reached = self._reached or self._start
            until = max(self._before.until or reached, reached)
            since = self._before.since
            if since or not self._before.until:
                since = min(since or self._start, self._start)
            needs_pass = not self.is_done or self._began < until
            after = Reading(
                until,
                self._began if needs_pass else None,
                None if self.is_done else reached,
                frozenset() if self.is_done else self.skip.union(self.emitted),
                self._workspace_id,
                since,
            )
        values = after.to_bookmark()
        self._written |= {name for name in values if values[name] is not None}
        return {name: values[name] for name in values if name in self._written}

    def _slice(self, start: datetime, end: datetime, *, is_part: bool = False) -> Slice:
        inputs = {"fromDateTime": iso(start), "toDateTime": iso(end)}
        if self._workspace_id:
            inputs["workspaceId"] = self._workspace_id
        return Slice(
            self._endpoint,
            inputs,
            period=(start, end),
            is_part=is_part,
        )


def iso(moment: datetime) -> str:
    """Write a moment in UTC as Gong's documentation does, in whole seconds."""
    text = moment.astimezone(UTC).isoformat(timespec="seconds")
    return f"{text.removesuffix('+00:00')}Z"


def _period(slice_: Slice) -> tuple[datetime, datetime]:
    if slice_.period is None:
        msg = "a slice by date has a period"
        raise TypeError(msg)
    return slice_.period


def _moment(bookmark: Mapping[str, Any], name: str) -> datetime | None:
    value = bookmark.get(name)
    if value is None:
        return None
    return parse_moment(str(value), f"state: calls.{name}").replace(microsecond=0)
