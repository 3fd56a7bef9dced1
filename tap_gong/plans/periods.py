"""The plan by date: one period, cut into smaller ones where it holds many calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_gong.plans.slices import PAGE, Plan, Slice
from tap_gong.plans.tracks import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from tap_gong.gong.endpoint import Endpoint
    from tap_gong.plans.tracks import Track

LARGEST_PERIOD = 1_400
"""About how many calls a period has where there are very many: 14 pages, the last one
half full. Larger periods lose more when a run is stopped. Smaller ones ask for more
pages that are not full (see benchmarks/count_requests.py)."""

MOST_LOST = 28
"""About how many requests may be lost when a run is stopped: what the periods after
the first one have brought by then. Where many are read side by side, they are
smaller."""

SMALLEST_PERIOD = 500
"""About how many calls a period has at least."""

FEWEST_PERIODS = 8
"""Periods to have side by side where there are enough calls: a period is read page by
page, and each page waits for the one before."""

UNCUT = 750
"""Up to so many calls the whole plan is one period. A cut would cost the page that has
told how many there are."""

DENSE = 4 * LARGEST_PERIOD
"""A part with so many calls is cut again. Calls come in office hours, so parts differ.
To cut them all to one size would cost a page each."""

MOST_PARTS = 1_000
"""Parts to cut a period into at once; each can be cut again."""

BLIND_PARTS, BLIND_LENGTH = 8, timedelta(days=14)
"""Parts to cut a period into, and the length up to which it is left whole, where Gong
does not say how many calls there are."""


@dataclass(slots=True)
class _Leg:
    """A part of a pass in which the same streams are emitted."""

    start: datetime
    end: datetime
    feeds: frozenset[str]
    promised: int | None = None
    """How many calls Gong said that it has."""
    found: int = 0
    is_done: bool = False
    recounted: int | None = None

    @property
    def expected(self) -> int | None:
        """How many calls it has, as far as that is known."""
        if self.promised is None and self.is_done:
            return self.found
        return self.promised

    @property
    def is_short(self) -> bool:
        """Whether calls are missing, and were not only deleted meanwhile."""
        if not self.is_done or self.found >= (self.promised or 0):
            return False
        return not self.recounted or self.recounted > self.found


class PeriodPlan(Plan):
    """Calls by date.

    The bookmark is the end of the last period emitted, because the records come in no
    promised order. It never goes back, and never passes the end of the plan or
    the moment when Gong was asked. Each stream has a bookmark of its own; a pass starts
    at the earliest, and each stream is emitted from its own start on.
    """

    def __init__(
        self,
        tracks: Mapping[str, Track],
        endpoint: Endpoint,
        *,
        end: datetime,
        workspace_id: str | None,
        in_flight: Callable[[], float] = lambda: 1,
    ) -> None:
        """Plan one pass.

        Args:
            tracks: The streams to emit, by name.
            endpoint: The list to ask.
            end: Up to when, in UTC, in whole seconds; at most the moment the run began.
                With an end that is not after the start there is nothing to do.
            workspace_id: The only workspace to read; None for all.
            in_flight: Tells how many requests are under way at once.
        """
        self._tracks = tracks
        self._in_flight = in_flight
        self._endpoint = endpoint
        self._workspace_id = workspace_id
        starts = sorted({track.start for track in tracks.values() if track.start < end})
        self._legs = [
            _Leg(
                start,
                until,
                frozenset(name for name in tracks if tracks[name].start <= start),
            )
            for start, until in pairwise((*starts, end))
        ]
        self._end = end
        self._reached = start = starts[0] if starts else end
        self._skip = {
            name: track.before.emitted
            for name, track in tracks.items()
            if track.before.emitted
        }
        self.is_done = not starts
        self.expected = None if starts else 0
        self.covers = f"calls by date, from {iso(start)} to {iso(end)}"
        if workspace_id:
            self.covers += f", of workspace {workspace_id}"
        before = [track.before for track in tracks.values()]
        bookmarks = sorted({b.until for b in before if b.until and b.until > start})
        if any(b.reached == start for b in before):
            self.covers += "; this goes on with a run that was cut short"
        elif bookmarks:
            self.covers += f"; the look-back before {iso(bookmarks[0])} is included"
        self.nothing_found = (
            f"Gong has no calls from {iso(start)} to {iso(end)}, or none that the "
            f"owner of the API key may see: both get the same answer. The bookmark "
            f"stays where it was."
        )

    @override
    def __iter__(self) -> Iterator[Slice]:
        """Give each leg as one period."""
        for leg in self._legs:
            yield self._slice(leg.start, leg.end, leg.feeds)

    @override
    def cut(self, slice_: Slice, total: int | None) -> Sequence[Slice]:
        """Cut a period that has many calls into equal parts of whole seconds."""
        start, end = _period(slice_)
        seconds = int((end - start).total_seconds())
        if not slice_.is_part:
            self._leg(slice_).promised = total
            self._expect()
        if total is None:
            count = BLIND_PARTS if end - start > BLIND_LENGTH else 1
        else:
            size = max(min(total // FEWEST_PERIODS, self._largest()), SMALLEST_PERIOD)
            most = DENSE if slice_.is_part else UNCUT
            count = min(-(-total // size), MOST_PARTS) if total > most else 1
            # Parts of less than a day are empty at night. Each of these costs a request
            # that brings nothing, and another one to be sure.
            days = seconds // (24 * 3_600)
            if count > days >= FEWEST_PERIODS:
                count = days
        count = min(count, seconds)
        if count <= 1:
            return ()
        cuts = (start + timedelta(seconds=seconds * n // count) for n in range(count))
        return [
            self._slice(*period, slice_.feeds, is_part=True)
            for period in pairwise((*cuts, end))
        ]

    @override
    def is_out(self, stream: str, key: str) -> bool:
        """Tell whether an earlier run has emitted a call of the unfinished period."""
        return key in self._skip.get(stream, ())

    @override
    def finish(self, slice_: Slice, found: Collection[str], asked_at: datetime) -> None:
        """Move on to the end of the period."""
        _, end = _period(slice_)
        leg = self._leg(slice_)
        leg.found += len(found)
        leg.is_done = end == leg.end
        self._expect()
        self._skip = {
            name: left
            for name, skip in self._skip.items()
            if (left := skip.difference(found))
        }
        asked_at = asked_at.replace(microsecond=0)
        self._reached = max(self._reached, min(end, asked_at))
        self.is_done = end == self._end

    @override
    def recount(self) -> Slice | None:
        """Give a whole leg again, if its parts brought less than it promised."""
        for leg in self._legs:
            if leg.is_short and leg.recounted is None:
                return self._slice(leg.start, leg.end, leg.feeds)
        return None

    @override
    def take_count(self, slice_: Slice, count: int) -> None:
        """Take note of how many calls a leg has by now."""
        self._leg(slice_).recounted = count

    @override
    def complaint(self) -> str:
        """Say that calls are missing, if it is so."""
        short = [leg for leg in self._legs if leg.is_short]
        if not short:
            return ""
        leg = short[0]
        return (
            f"{self._endpoint.path} promised {leg.promised} calls from "
            f"{iso(leg.start)} to {iso(leg.end)} and gave {leg.found}. The "
            f"bookmark stays where it was: run again later."
        )

    @override
    def bookmarks(self, lost: Collection[str] = ()) -> Mapping[str, Mapping[str, Any]]:
        """Give the bookmarks: each stays where it was unless calls have come."""
        return {name: self._bookmark(name) for name in self._tracks if name not in lost}

    def _largest(self) -> int:
        """Tell how many calls a period should have at most."""
        others = (self._in_flight() - 1) * self.requests_a_page
        size = int(PAGE * MOST_LOST / max(others, 1))
        # So many are read side by side that smaller periods would not help.
        return LARGEST_PERIOD if size < SMALLEST_PERIOD else min(size, LARGEST_PERIOD)

    def _bookmark(self, name: str) -> Mapping[str, Any]:
        track = self._tracks[name]
        legs = [leg for leg in self._legs if name in leg.feeds]
        is_at_it = bool(legs) and self._reached >= track.start
        if not is_at_it or not (any(leg.found for leg in legs) or self.emitted):
            return {}
        if any(leg.is_short for leg in legs):
            return track.as_it_was()
        return track.bookmark(
            self._reached,
            is_done=self.is_done,
            emitted=frozenset()
            if self.is_done
            else self._skip.get(name, frozenset()).union(self.emitted),
            workspace_id=self._workspace_id,
        )

    def _expect(self) -> None:
        """Add up what is known of the legs: one of a single page tells nothing."""
        known = [leg.expected for leg in self._legs if leg.expected is not None]
        self.expected = sum(known) if known else None

    def _leg(self, slice_: Slice) -> _Leg:
        """Find the leg that a slice belongs to."""
        start, _ = _period(slice_)
        return next(leg for leg in self._legs if leg.start <= start < leg.end)

    def _slice(
        self,
        start: datetime,
        end: datetime,
        feeds: frozenset[str],
        *,
        is_part: bool = False,
    ) -> Slice:
        inputs = {"fromDateTime": iso(start), "toDateTime": iso(end)}
        if self._workspace_id:
            inputs["workspaceId"] = self._workspace_id
        return Slice(
            self._endpoint,
            inputs,
            period=(start, end),
            is_part=is_part,
            feeds=feeds,
        )


def _period(slice_: Slice) -> tuple[datetime, datetime]:
    if slice_.period is None:
        msg = "a slice by date has a period"
        raise TypeError(msg)
    return slice_.period
