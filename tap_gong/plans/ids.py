"""The plan by call ID: a queue in state, then the configured list."""

from __future__ import annotations

import hashlib
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_gong.plans.slices import Plan, Slice
from tap_gong.settings import parse_call_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

FEWEST_UNKNOWN = 20
"""If Gong knows none of so many IDs in a queue, they may be another company's."""


class CallIdPlan(Plan):
    """Calls by ID: first the queue in state, then the configured list.

    IDs of the queue leave it once they are emitted, or found absent while others of the
    queue are known. The place in the configured list is its length so far, tied to the
    list by a digest: a changed list starts again, and so does the next run after a
    finished pass. Each stream has a place of its own; a pass starts at the earliest.
    """

    def __init__(
        self,
        bookmarks: Mapping[str, Mapping[str, Any]],
        configured: Sequence[str],
        *,
        queue: tuple[str, Mapping[str, Any]],
        ids_per_slice: int,
        ask: Callable[[tuple[str, ...], frozenset[str]], Slice],
    ) -> None:
        """Plan what is left to do.

        Args:
            bookmarks: The bookmark of each stream that is to be emitted, with
                `position` if any.
            configured: The configured IDs, each once.
            queue: The stream whose bookmark may have the queue `call_ids`, and this
                bookmark. It need not be one of those that are emitted.
            ids_per_slice: How many IDs a slice has.
            ask: Makes the slice of some IDs for some streams.
        """
        self.page_size = ids_per_slice
        self._configured = configured
        self._ask = ask
        self._queue_of, queue_bookmark = queue
        self._queue = dict.fromkeys(queued_call_ids(queue_bookmark))
        self._has_queue = "call_ids" in queue_bookmark
        self._positions = {
            name: self._saved_position(bookmark) for name, bookmark in bookmarks.items()
        }
        self._writes_position = {
            name for name, bookmark in bookmarks.items() if "position" in bookmark
        }
        # Meltano cannot merge an object where null stands. Then it is text.
        self._writes_text = {
            name
            for name, bookmark in bookmarks.items()
            if not isinstance(bookmark.get("position", {}), dict)
        }
        self._absent: list[str] = []
        """IDs of the queue that are absent, as long as none of it is known."""
        self._knows_queue = False
        self._reached = 0
        """How far in the configured list this run is."""
        self._legs = list(self._joined())
        self.expected = sum(len(ids) for ids, _ in self._legs)
        self._done = 0
        self.is_done = not self.expected
        sources = [
            f"{number} {source}"
            for number, source in (
                (len(self._queue), "from the queue in state"),
                (self.expected - len(self._queue), "from the settings"),
            )
            if number
        ]
        self.covers = f"calls by ID: {' and '.join(sources) or 'none'}"

    @override
    def __iter__(self) -> Iterator[Slice]:
        """Give slices of at most `ids_per_slice` IDs."""
        for ids, feeds in self._legs:
            for start in range(0, len(ids), self.page_size):
                yield self._ask(tuple(ids[start : start + self.page_size]), feeds)

    @override
    def finish(self, slice_: Slice, found: Collection[str], asked_at: datetime) -> None:
        """Take the slice's IDs out of the queue, or move on in the list."""
        for id_ in slice_.ids:
            if id_ in self._queue:
                del self._queue[id_]
                if id_ in found:
                    self._knows_queue = True
                else:
                    self._absent.append(id_)
            else:
                self._reached = self._configured.index(id_, self._reached) + 1
        if self._knows_queue:
            self._absent.clear()
        self._done += len(slice_.ids)
        self.is_done = self._done == self.expected

    @override
    def bookmarks(self, lost: Collection[str] = ()) -> Mapping[str, Mapping[str, Any]]:
        """Give the rest of the queue, and each stream's position in the list.

        The queue is one for all streams: as soon as one is lost, it stays as it is.
        """
        values = {
            name: self._position_of(name)
            for name in self._positions
            if name not in lost
        }
        if self._has_queue and not lost:
            kept = [] if self.is_done and not self.complaint() else self._absent
            queue = {"call_ids": [*kept, *self._queue]}
            values[self._queue_of] = queue | values.get(self._queue_of, {})
        return values

    @override
    def complaint(self) -> str:
        """Say that Gong knows none of the queue, if it is so."""
        if len(self._absent) < FEWEST_UNKNOWN:
            return ""
        return (
            f"Gong knows none of the {len(self._absent)} call IDs in the queue of the "
            f"state (call_ids), so the queue is kept. Check that access_key and "
            f"api_url are those of the company whose calls these are; if all of them "
            f"were deleted, empty the queue."
        )

    def _joined(self) -> Iterator[tuple[list[str], frozenset[str]]]:
        """Give the queue and the list, in parts that each feed the same streams."""
        ids, feeds = [*self._queue], frozenset(self._positions)
        for more, fed in self._legs_of_list():
            if fed == feeds:
                ids += more
            else:
                yield ids, feeds
                ids, feeds = more, fed
        yield ids, feeds

    def _legs_of_list(self) -> Iterator[tuple[list[str], frozenset[str]]]:
        """Give the parts of the list between the positions, and whom each one feeds."""
        cuts = sorted({*self._positions.values(), len(self._configured)})
        for start, end in pairwise(cuts):
            ids = [id_ for id_ in self._configured[start:end] if id_ not in self._queue]
            feeds = [name for name, at in self._positions.items() if at <= start]
            yield ids, frozenset(feeds)

    def _position_of(self, name: str) -> dict[str, Any]:
        """Give a stream's position to write."""
        done = max(self._positions[name], self._reached)
        if done and not self.is_done:
            self._writes_position.add(name)
            if name in self._writes_text:
                return {"position": f"{self._digest}:{done}"}
            return {"position": {"of": self._digest, "done": done}}
        if name not in self._writes_position:
            return {}
        self._writes_text.add(name)
        return {"position": None}

    def _saved_position(self, bookmark: Mapping[str, Any]) -> int:
        match bookmark.get("position"):
            case {"of": of, "done": int(done)}:
                pass
            case str(text):
                of, _, digits = text.partition(":")
                done = int(digits) if digits.isascii() and digits.isdigit() else 0
            case _:
                return 0
        is_inside = of == self._digest and 0 < done < len(self._configured)
        return done if is_inside else 0

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=8)
        for id_ in self._configured:
            digest.update(f"{id_}\n".encode())
        return digest.hexdigest()


def queued_call_ids(bookmark: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the queue of call IDs in a bookmark; empty if there is none."""
    queue = bookmark.get("call_ids")
    return () if queue is None else parse_call_ids(queue, "state: calls.call_ids")
