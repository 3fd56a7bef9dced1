"""Plans: what a stream will ask Gong for, slice by slice, and how far it has come.

A plan keeps its place in the stream's bookmark (the stream's part of Singer state), so
that "everything up to here has been emitted" outlives the process.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tap_gong.settings import parse_call_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence

    from tap_gong.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Slice:
    """What one request asks for, and its further pages."""

    endpoint: Endpoint
    inputs: Mapping[str, Any]
    """Gong's names and values: for the path, the query, or the filter of the body."""
    ids: tuple[str, ...] = ()
    """The IDs asked for, where a slice asks by ID: no other may come back."""


class Plan(Protocol):
    """Slices in order, and the place that has been reached."""

    weight: int
    """How many records a slice brings, at most or about: it bounds the memory."""
    total: float
    """The size of the whole plan, in `unit`."""
    done: float
    """How much of it has been emitted."""
    unit: str
    """What `total` and `done` count, in the plural."""

    def __iter__(self) -> Iterator[Slice]:
        """Give the slices that are still to be fetched."""

    def finish(self, slice_: Slice) -> None:
        """Take note that a slice, the next in order, has been emitted whole."""

    def save(self) -> None:
        """Write the place into the bookmark."""


class CallIdPlan:
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
        self.total: float = len(self._left)
        self.done: float = 0

    def __iter__(self) -> Iterator[Slice]:
        """Give slices of at most `ids_per_slice` IDs."""
        for start in range(0, len(self._left), self.weight):
            yield self._ask(tuple(self._left[start : start + self.weight]))

    def finish(self, slice_: Slice) -> None:
        """Take the slice's IDs out of the queue, or move on in the list."""
        for id_ in slice_.ids:
            if id_ in self._queue:
                del self._queue[id_]
            else:
                self._place = self._configured.index(id_, self._place) + 1
        self.done += len(slice_.ids)

    def save(self) -> None:
        """Write the queue and the place in the list into the bookmark."""
        if "call_ids" in self._bookmark:
            self._bookmark["call_ids"] = list(self._queue)
        if self._place and self.done < self.total:
            self._bookmark["position"] = {"of": self._digest(), "done": self._place}
        else:
            self._bookmark.pop("position", None)

    def _saved_place(self) -> int:
        match self._bookmark.get("position"):
            case {"of": of, "done": int(done)} if of == self._digest():
                return done if 0 < done < len(self._configured) else 0
        return 0

    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=8)
        for id_ in self._configured:
            digest.update(f"{id_}\n".encode())
        return digest.hexdigest()


def queued_call_ids(bookmark: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the queue of call IDs in a bookmark; empty if there is none."""
    queue = bookmark.get("call_ids")
    return () if queue is None else parse_call_ids(queue, "state: calls.call_ids")
