"""Plans: what a stream will ask Gong for, slice by slice, and how far it has come.

A plan keeps its place in the stream's bookmark (the stream's part of Singer state), so
that "everything up to here has been emitted" outlives the process.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_gong.settings import parse_call_ids, parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence

    from tap_gong.endpoint import Endpoint


MOST_PARTS = 1000
"""Parts to cut a period into at once; each can be cut again."""

DAY = timedelta(days=1)

CALLS_PER_PERIOD = 480
"""Calls that a period is cut to hold, about: a little less than five pages, so that
chance seldom makes it a sixth. Larger periods would waste less on their last pages, and
smaller ones leave more to fetch side by side (see benchmarks/by_date.py)."""

MOST_CALLS_PER_PERIOD = 750
"""Calls up to which a period is left as it is: cutting it costs the page that has told
how many there are."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one request asks for, and its further pages."""

    endpoint: Endpoint
    inputs: Mapping[str, Any]
    """Gong's names and values: for the path, the query, or the filter of the body."""
    ids: tuple[str, ...] = ()
    """The IDs asked for, where a slice asks by ID: no other may come back."""
    period: tuple[datetime, datetime] | None = None
    """From (inclusive) and to (exclusive), where a slice asks by date."""


class Plan(ABC):
    """Slices in order, and the place that has been reached."""

    unit: str
    """What `total` and `done` count, in the plural."""
    total: float
    """The size of the whole plan, in `unit`."""
    done: float = 0
    """How much of it has been emitted."""
    weight: int
    """How many records a slice brings, at most or about: it bounds the memory."""
    nothing_found: str = ""
    """What to tell if the whole plan brought no record."""

    @abstractmethod
    def __iter__(self) -> Iterator[Slice]:
        """Give the slices that are still to be fetched."""

    @abstractmethod
    def finish(self, slice_: Slice) -> None:
        """Take note that a slice, the next in order, has been emitted whole."""

    @abstractmethod
    def save(self) -> None:
        """Write the place into the bookmark."""

    def parts(self, slice_: Slice, total: int) -> Sequence[Slice]:  # noqa: ARG002
        """Cut a slice that has so many records, if it is too large.

        Returns:
            The slices to fetch in its place; none to go on with its pages.
        """
        return ()


class CallIdPlan(Plan):
    """Calls by ID: first the queue in state, then the configured list.

    IDs of the queue leave it once they are done. The place in the configured list is
    its length so far, tied to the list by a digest: a changed list starts anew, and a
    finished one leaves no place, so that the next run retrieves it again.
    """

    unit = "calls"

    def __init__(
        self,
        bookmark: MutableMapping[str, Any],
        configured: Sequence[str],
        *,
        ids_per_slice: int,
        ask: Callable[[tuple[str, ...]], Slice],
    ) -> None:
        """Plan what is left to do.

        Args:
            bookmark: The stream's bookmark, with `call_ids` and `position` if any.
            configured: The configured IDs, each once.
            ids_per_slice: How many IDs one request asks for.
            ask: Makes the slice for some IDs.
        """
        self.weight = ids_per_slice
        self._bookmark = bookmark
        self._configured = configured
        self._ask = ask
        self._queue = dict.fromkeys(queued_call_ids(bookmark))
        self._place = self._saved_place()
        rest = [id_ for id_ in configured[self._place :] if id_ not in self._queue]
        self._left = [*self._queue, *rest]
        self.total = len(self._left)

    @override
    def __iter__(self) -> Iterator[Slice]:
        """Give slices of at most `ids_per_slice` IDs."""
        for start in range(0, len(self._left), self.weight):
            yield self._ask(tuple(self._left[start : start + self.weight]))

    @override
    def finish(self, slice_: Slice) -> None:
        """Take the slice's IDs out of the queue, or move on in the list."""
        for id_ in slice_.ids:
            if id_ in self._queue:
                del self._queue[id_]
            else:
                self._place = self._configured.index(id_, self._place) + 1
        self.done += len(slice_.ids)

    @override
    def save(self) -> None:
        """Write the queue and the place in the list into the bookmark."""
        if "call_ids" in self._bookmark:
            self._bookmark["call_ids"] = list(self._queue)
        if self._place and self.done < self.total:
            self._bookmark["position"] = {"of": self._digest, "done": self._place}
        else:
            self._bookmark.pop("position", None)

    def _saved_place(self) -> int:
        match self._bookmark.get("position"):
            case {"of": of, "done": int(done)} if of == self._digest:
                return done if 0 < done < len(self._configured) else 0
        return 0

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=8)
        for id_ in self._configured:
            digest.update(f"{id_}\n".encode())
        return digest.hexdigest()


class PeriodPlan(Plan):
    """Calls by date: one period, cut into smaller ones where it holds many calls.

    The bookmark is the end of the last period emitted, for the records themselves come
    in no promised order. It never goes back, and never passes the end of the plan.
    """

    unit = "days"
    weight = CALLS_PER_PERIOD

    def __init__(
        self,
        bookmark: MutableMapping[str, Any],
        endpoint: Endpoint,
        *,
        start: datetime,
        end: datetime,
        inputs: Mapping[str, Any],
    ) -> None:
        """Plan one period.

        Args:
            bookmark: The stream's bookmark.
            endpoint: The list to ask.
            start: From when on, in UTC.
            end: Up to when, in UTC; at most the moment the run began. With an end that
                is not after the start there is nothing to do.
            inputs: What else the list is asked for.
        """
        self._bookmark = bookmark
        self._endpoint = endpoint
        self._start, self._end = start, end
        self._inputs = inputs
        self._reached: datetime | None = None
        self.total = max(0.0, (end - start) / DAY)
        self.nothing_found = (
            f"Gong has no calls from {iso(start)} to {iso(end)}, or none that the "
            f"owner of the API key may see: both get the same answer."
        )

    @override
    def __iter__(self) -> Iterator[Slice]:
        """Give the whole period."""
        if self._start < self._end:
            yield self._slice(self._start, self._end)

    @override
    def parts(self, slice_: Slice, total: int) -> Sequence[Slice]:
        """Cut a period that has many calls into equal parts of whole seconds."""
        start, end = slice_.period or (self._start, self._end)
        seconds = int((end - start).total_seconds())
        count = min(-(-total // CALLS_PER_PERIOD), seconds, MOST_PARTS)
        if total <= MOST_CALLS_PER_PERIOD or count <= 1:
            return ()
        cuts = (start + timedelta(seconds=seconds * n // count) for n in range(count))
        return [self._slice(*period) for period in pairwise((*cuts, end))]

    @override
    def finish(self, slice_: Slice) -> None:
        """Move on to the end of the period."""
        _, self._reached = slice_.period or (self._start, self._end)
        self.done = (self._reached - self._start) / DAY

    @override
    def save(self) -> None:
        """Move the bookmark on to the end of the last period emitted."""
        if self._reached is None:
            return
        before = saved_moment(self._bookmark)
        if before is None or before < self._reached:
            self._bookmark["replication_key"] = "started"
            self._bookmark["replication_key_value"] = iso(self._reached)

    def _slice(self, start: datetime, end: datetime) -> Slice:
        dates = {"fromDateTime": iso(start), "toDateTime": iso(end)}
        return Slice(self._endpoint, {**dates, **self._inputs}, period=(start, end))


def iso(moment: datetime) -> str:
    """Write a moment in UTC as Gong's documentation does, in whole seconds."""
    text = moment.astimezone(UTC).isoformat(timespec="seconds")
    return f"{text.removesuffix('+00:00')}Z"


def saved_moment(bookmark: Mapping[str, Any]) -> datetime | None:
    """Read the moment in a bookmark up to which all calls are out, if there is one.

    Raises:
        SettingsError: If the bookmark holds something else in its place.
    """
    value = bookmark.get("replication_key_value")
    return None if value is None else parse_moment(str(value), "state: calls")


def queued_call_ids(bookmark: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the queue of call IDs in a bookmark; empty if there is none."""
    queue = bookmark.get("call_ids")
    return () if queue is None else parse_call_ids(queue, "state: calls.call_ids")
