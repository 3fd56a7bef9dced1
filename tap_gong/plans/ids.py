"""The plan by call ID: a queue in state, then the configured list."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_gong.plans.slices import Plan, Slice
from tap_gong.settings import parse_call_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

FEWEST_UNKNOWN = 20
"""A queue of so many IDs, of which Gong knows none, is taken for another company's."""


class CallIdPlan(Plan):
    """Calls by ID: first the queue in state, then the configured list.

    IDs of the queue leave it once they are emitted, or found absent while others of the
    queue are known. The place in the configured list is its length so far, tied to the
    list by a digest: a changed list starts anew, and so does the next run after a
    finished pass.
    """

    def __init__(
        self,
        bookmark: Mapping[str, Any],
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
        self.weight = self.page_size = ids_per_slice
        self._configured = configured
        self._ask = ask
        self._queue = dict.fromkeys(queued_call_ids(bookmark))
        self._has_queue = "call_ids" in bookmark
        self._writes_position = "position" in bookmark
        position = bookmark.get("position")
        # Where null stands, Meltano cannot merge an object: then the position is text.
        self._writes_text = self._writes_position and not isinstance(position, dict)
        self._absent: list[str] = []
        """IDs of the queue that are absent, as long as none of it is known."""
        self._knows_queue = False
        self._done_of_list = self._saved_position(bookmark)
        rest = [
            id_ for id_ in configured[self._done_of_list :] if id_ not in self._queue
        ]
        self._left = [*self._queue, *rest]
        self.expected = len(self._left)
        self._done = 0
        self.is_done = not self._left
        sources = [
            f"{number} {source}"
            for number, source in (
                (len(self._queue), "from the queue in state"),
                (len(rest), "from the settings"),
            )
            if number
        ]
        self.covers = f"calls by ID: {' and '.join(sources) or 'none'}"

    @override
    def __iter__(self) -> Iterator[Slice]:
        """Give slices of at most `ids_per_slice` IDs."""
        for start in range(0, len(self._left), self.weight):
            yield self._ask(tuple(self._left[start : start + self.weight]))

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
                self._done_of_list = self._configured.index(id_, self._done_of_list) + 1
        if self._knows_queue:
            self._absent.clear()
        self._done += len(slice_.ids)
        self.is_done = self._done == len(self._left)

    @override
    def bookmark(self) -> Mapping[str, Any]:
        """Give the rest of the queue, and the position in the list."""
        values: dict[str, Any] = {}
        if self._has_queue:
            kept = [] if self.is_done and not self.complaint() else self._absent
            values["call_ids"] = [*kept, *self._queue]
        if self._done_of_list and not self.is_done:
            values["position"] = (
                f"{self._digest}:{self._done_of_list}"
                if self._writes_text
                else {"of": self._digest, "done": self._done_of_list}
            )
            self._writes_position = True
        elif self._writes_position:
            values["position"] = None
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
