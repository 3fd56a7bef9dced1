"""One pass over the calls, which feeds all streams about calls."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_gong.errors import MissingScopeError, ShapeError, StreamFailedError
from tap_gong.gong.calls import CALLS, EXTENSIVE, ONE_CALL, USER_ACCESS
from tap_gong.gong.pace import TURN
from tap_gong.gong.pages import Page, read_pages
from tap_gong.gong.rows import as_object
from tap_gong.run.aside import aside
from tap_gong.run.prefetch import Split
from tap_gong.streams.base import GongStream
from tap_gong.streams.call_part import Call, CallPart, endpoints, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from singer_sdk.helpers.types import Record

    from tap_gong.gong.endpoint import Endpoint
    from tap_gong.gong.pace import Turn
    from tap_gong.plans.slices import Slice
    from tap_gong.streams.emission import Rows

BLOCKS = {
    "metaData",
    "context",
    "parties",
    "content",
    "interaction",
    "collaboration",
    "media",
}
"""What an answer of `/v2/calls/extensive` may hold of a call."""


class CallPass(GongStream):
    """A stream of calls that asks for what its parts need, too."""

    @override
    def fetch(self, slice_: Slice, turn: Turn) -> Iterator[Page[Rows] | Split[Slice]]:
        """Fetch calls with all that the selected streams need of them.

        Where Gong refuses what some streams need, such as to a key that lacks a scope,
        these are given up, and the others are asked for without them.
        """
        TURN.set(turn)
        has_begun = False
        while True:
            asked = self._parts(slice_)
            try:
                for result in self._fetch(slice_, asked):
                    has_begun = True
                    yield result
            except StreamFailedError as error:
                if has_begun or not self._can_do_without(slice_, asked, error):
                    raise
            else:
                return

    def _fetch(
        self, slice_: Slice, asked: Sequence[CallPart]
    ) -> Iterator[Page[Rows] | Split[Slice]]:
        """Fetch calls for some streams.

        While a page waits for what comes from endpoints of their own, such as its
        transcripts, the next one is asked for.
        """
        waiting: Future[Page[Rows]] | None = None
        try:
            for page in self._pages(slice_, asked):
                if isinstance(page, Split):
                    yield page
                    return
                before, waiting = waiting, None
                if before:
                    yield before.result()
                complete = partial(self._completed, page, asked)
                if page.is_last or not endpoints(asked):
                    yield complete()
                else:
                    waiting = aside(complete)
        except StreamFailedError:
            if waiting:
                yield waiting.result()
            raise

    def _pages(
        self, slice_: Slice, asked: Sequence[CallPart]
    ) -> Iterator[Page[Call | None] | Split[Slice]]:
        """Fetch the pages of a slice, or find that it is too large."""
        endpoint = self._endpoint(slice_, asked)
        if endpoint is ONE_CALL:
            yield self._one_by_one(slice_, asked)
            return
        seen: set[str] = set()

        def ask(cursor: str | None) -> Page[Call | None]:
            make = partial(self._calls, slice_, asked, slice_.ids)
            return self.sync_.api.page(endpoint, slice_.inputs, cursor, make)

        pages = read_pages(ask, path=endpoint.path, is_part=slice_.is_part)
        for number, page in enumerate(pages):
            has_more = number == 0 and page.cursor is not None
            if has_more and (parts := self.plan.cut(slice_, page.total)):
                yield Split(parts)
                return
            seen |= page.records.keys()
            missing = [id_ for id_ in slice_.ids if page.is_last and id_ not in seen]
            absent = dict.fromkeys(missing, page.request_id)
            yield replace(page, absent=absent)

    def _one_by_one(
        self, slice_: Slice, asked: Sequence[CallPart]
    ) -> Page[Call | None]:
        """Fetch calls in one request each, as one page."""
        pages: dict[str, Page[Call | None]] = {}
        for id_ in slice_.ids:
            make = partial(self._calls, slice_, asked, (id_,))
            pages[id_] = self.sync_.api.page(ONE_CALL, {"id": id_}, None, make)
        return Page(
            request_id="",
            sent_at=min(page.sent_at for page in pages.values()),
            records={
                id_: call
                for page in pages.values()
                for id_, call in page.records.items()
            },
            absent={
                id_: page.request_id for id_, page in pages.items() if not page.records
            },
            size=sum(page.size for page in pages.values()),
            is_last=True,
        )

    def _completed(
        self, page: Page[Call | None], asked: Sequence[CallPart]
    ) -> Page[Rows]:
        """Ask for what comes from endpoints of its own, for the calls of a page."""
        size = page.size
        calls = {id_: call for id_, call in page.records.items() if call}
        found = []
        for endpoint in endpoints(asked) if calls else ():
            fed = [part for part in asked if part.endpoint is endpoint]
            found.append((fed, aside(partial(self._add, endpoint, fed, calls))))
        for fed, added in found:
            try:
                size += added.result()
            except StreamFailedError as error:
                self.sync_.give_up([part.name for part in fed], error)
        records: dict[str, Rows] = {
            id_: call.rows if call else None for id_, call in page.records.items()
        }
        return page.holding(records, size)

    def _add(
        self, endpoint: Endpoint, fed: Sequence[CallPart], calls: Mapping[str, Call]
    ) -> int:
        """Add to some calls what an endpoint has for them.

        Returns:
            How many bytes are kept of it.
        """

        def rows(items: list[Any]) -> dict[str, dict[str, Iterable[Record]]]:
            found = {}
            for item in items:
                id_ = str(as_object(item).get("callId"))
                if id_ not in calls:
                    msg = "it holds an ID that was not asked for"
                    raise ShapeError(msg)
                call = calls[id_]
                found[id_] = {part.name: part.gather(call, item) for part in fed}
            return found

        def ask(cursor: str | None) -> Page[dict[str, Iterable[Record]]]:
            inputs = {"callIds": list(calls)}
            return self.sync_.api.page(endpoint, inputs, cursor, rows)

        size = 0
        for page in read_pages(ask, path=endpoint.path):
            size += page.size
            for id_, records in page.records.items():
                calls[id_].rows |= records
        if not size and endpoint is USER_ACCESS and len(calls) > 1:
            # No list at all, not an empty one: one unknown ID refuses the whole
            # request.
            ids = [*calls]
            for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]):
                some = {id_: calls[id_] for id_ in half}
                size += self._add(endpoint, fed, some)
        return sum(call.packed for call in calls.values()) or size

    def _calls(
        self,
        slice_: Slice,
        asked: Sequence[CallPart],
        ids: tuple[str, ...],
        items: list[Any],
    ) -> dict[str, Call | None]:
        """Make calls of the rows of an answer: by ID, None for one to leave out."""
        calls: dict[str, Call | None] = {}
        leaves_private = self.sync_.settings.private_calls == "exclude"
        is_fed = self.name in slice_.feeds
        for item in items:
            blocks = as_object(item)
            if not blocks.keys() <= BLOCKS and "metaData" in blocks:
                self.shape.unknown |= blocks.keys() - BLOCKS
            # A list of plain calls has them without a block around them.
            basic = self.shape.conform(blocks.get("metaData", blocks))
            id_ = basic["id"]
            if ids and id_ not in ids:
                msg = "it holds an ID that was not asked for"
                raise ShapeError(msg)
            if leaves_private and basic.get("isPrivate"):
                calls[id_] = None
                continue
            call = calls[id_] = Call(basic, blocks.get("parties"), {})
            if is_fed:
                call.rows[self.name] = (self.shape.select(basic),)
            for part in asked:
                if not part.endpoint:
                    call.rows[part.name] = part.gather(call, blocks)
        return calls

    @property
    def parts(self) -> list[CallPart]:
        """The selected parts."""
        streams = self.emitted.values()
        return [stream for stream in streams if isinstance(stream, CallPart)]

    def _parts(self, slice_: Slice) -> list[CallPart]:
        """The parts that a slice feeds and that have not been given up."""
        feeds = slice_.feeds - self.sync_.given_up.keys()
        return [part for part in self.parts if part.name in feeds]

    def _endpoint(self, slice_: Slice, asked: Sequence[CallPart]) -> Endpoint:
        """Choose what to ask: no more than the streams need."""
        if needs := union(part.needed for part in asked):
            return replace(EXTENSIVE, body={"contentSelector": needs}, instead="")
        if not slice_.ids:
            return CALLS
        is_batch = self.sync_.settings.call_lookup == "batch"
        return EXTENSIVE if is_batch else ONE_CALL

    def _can_do_without(
        self, slice_: Slice, asked: Sequence[CallPart], error: StreamFailedError
    ) -> bool:
        """Give up the parts that Gong refuses; tell whether anything is left."""
        losers = parts = [part for part in asked if part.needed]
        if isinstance(error, MissingScopeError):
            losers = [part for part in parts if part.scope == error.scope] or parts
        self.sync_.give_up([part.name for part in losers], error)
        is_left = self.name in slice_.feeds or bool(self._parts(slice_))
        return bool(losers) and is_left
