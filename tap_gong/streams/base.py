"""The base of all streams: one request, its answer, its pages, and their emission."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import timedelta
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream, StreamSchema
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.helpers._util import utc_now
from singer_sdk.schema.source import SchemaDirectory
from singer_sdk.singerlib import StateMessage
from typing_extensions import override

from tap_gong import schemas
from tap_gong.errors import LongWaitError, SettingsError, ShapeError, StreamFailedError
from tap_gong.gong.answers import interpret, wait_too_long, wrong_shape
from tap_gong.gong.endpoint import next_cursor, total_records
from tap_gong.gong.pace import PLACE
from tap_gong.gong.pages import Page, read_pages
from tap_gong.gong.session import sent_at as sent_at_header
from tap_gong.gong.tries import Tries
from tap_gong.run.checkpoint import Checkpoint
from tap_gong.run.prefetch import prefetch
from tap_gong.run.progress import Progress
from tap_gong.singer import files
from tap_gong.singer.conform import conformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    import requests
    from singer_sdk.helpers.types import Context, Record, TapState

    from tap_gong.plans.slices import Plan, Slice
    from tap_gong.run.prefetch import Place, Split
    from tap_gong.tap import TapGong

RECORDS_HELD = 30_000
"""Records fetched and not yet emitted, at most or about: some 75 MB. So many are held
only where Gong answers slowly and allows far more than 3 requests a second."""

FASTEST = 30
"""Requests a second for which slices are read side by side: ten times what Gong allows.
More would hardly save time, and be left unfinished."""

CLOCK_AHEAD = timedelta(minutes=1)
"""How far this machine's clock may be ahead of Gong's before it is worth a warning."""


class GongStream(Stream):
    """A stream of Gong's API.

    A stream says what to ask for in a plan of slices. The slices are fetched side by
    side under the tap's one pace, emitted in the plan's order from one thread, and
    checkpointed. The SDK's RESTStream, in contrast, fetches one page after the other
    and takes its bookmark from the records.
    """

    schema: ClassVar[StreamSchema[str]] = StreamSchema(SchemaDirectory(schemas))
    # The SDK's own checkpoint, which does not weigh the state; `Checkpoint` does.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(self, tap: TapGong) -> None:
        """Make the stream; nothing is read from the settings yet.

        Args:
            tap: Owns the settings, the session and the state.
        """
        super().__init__(tap=tap)
        self.tap = tap
        self._time_extracted = utc_now()
        self._clock_is_ahead = False
        # Before a catalog can take the keys away.
        self._identity = itemgetter(*self.primary_keys)

    @cached_property
    def plan(self) -> Plan:
        """The plan of this run.

        Raises:
            SettingsError: If settings and state do not say what to read.
        """
        bookmarks: Mapping[str, Any] = self.tap.state.get("bookmarks", {})
        return self.make_plan(bookmarks.get(self.name, {}))

    def make_plan(self, bookmark: Mapping[str, Any]) -> Plan:
        """Make the plan of a run from the settings and a bookmark.

        Args:
            bookmark: The stream's part of the state.

        Raises:
            SettingsError: If they do not say what to read.
        """
        raise NotImplementedError

    def check_catalog(self) -> None:
        """Check the keys and types of the catalog in use against the records'.

        Raises:
            SettingsError: If it lacks a key, or does not allow a type that they have.
        """
        promised = self.effective_schema["properties"]
        files.check_catalog(
            self.name,
            self.primary_keys or (),
            self.schema["properties"],
            {
                name: promised[name]
                for name in promised
                if self.mask["properties", name]
            },
        )

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Fetch the plan and yield its records in order; checkpoint on the way.

        Args:
            context: Not used: a plan takes the place of the SDK's partitions.

        Yields:
            Records that fit the schema.

        Raises:
            StreamFailedError: If Gong gives no usable answer.
            InterruptedRunError: If a signal asked the process to stop.
        """
        plan, writer = self.plan, self.tap.message_writer
        self.logger.info("Reading %s.", plan.covers)
        absent: list[str] = []
        checkpoint = Checkpoint(
            lambda: self._write_checkpoint(absent),
            record_bytes=lambda: writer.record_bytes,
            state=self._updated_state,
        )
        with (
            closing(self.tap.session) as session,
            Progress(self.logger, plan, session.paced) as progress,
        ):

            def look_around() -> None:
                self.tap.raise_if_interrupted()
                checkpoint.write_if_due()
                progress.tell()

            found: set[Any] = set()
            asked_at = utc_now()
            plan.emitted = found
            try:
                for slice_, page in self._prefetched(plan, look_around):
                    asked_at = min(asked_at, page.sent_at)
                    self._time_extracted = page.sent_at
                    known = plan.skip & page.records.keys()
                    for key in known:
                        del page.records[key]
                    yield from page.records.values()
                    found.update(page.records, known)
                    progress.add(len(page.records))
                    if not page.is_last:
                        writer.flush()
                        look_around()
                        continue
                    plan.finish(slice_, found, asked_at)
                    missing = [id_ for id_ in slice_.ids if id_ not in found]
                    absent += (
                        f"{id_} (requestId {page.request_id})" for id_ in missing
                    )
                    progress.add_absent(len(missing))
                    checkpoint.add(len(found) + len(missing))
                    found.clear()
                    asked_at = utc_now()
                    if again := plan.recount():
                        plan.recounted = self._count(again, look_around)
                    look_around()
                if complaint := plan.complaint():
                    raise StreamFailedError(complaint)  # noqa: TRY301 - ends like any error
            except Exception as error:
                # What is still being retried in other threads ends here too.
                session.paced.pace.close(error)
                checkpoint.write()
                if isinstance(error, LongWaitError):
                    raise wait_too_long(
                        error, done=progress.done, expected=plan.expected
                    ) from None
                raise
            checkpoint.write()
            if plan.expected != 0 and not progress.records and plan.nothing_found:
                self.logger.warning(plan.nothing_found)

    def fetch(self, slice_: Slice, place: Place) -> Iterator[Page | Split[Slice]]:
        """Fetch a slice page by page; called from several threads at once.

        Args:
            slice_: What to ask for.
            place: Where it stands in the plan.

        Yields:
            Its pages, or smaller slices to fetch in its place.

        Raises:
            StreamFailedError: If Gong gives no usable answer.
        """
        PLACE.set(place)
        yield from read_pages(slice_, self._ask, self.plan.cut)

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Have no BATCH: its files bypass column selection and stream maps."""

    @property
    @override
    def partitions(self) -> None:
        """Have none: a plan takes their place, also where an older state has some."""

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Have none: the plan keeps the bookmark from passing the start of the run."""

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Leave the bookmark to the plan."""

    @override
    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark to the plan: records come in no promised order."""

    @override
    def _process_record(
        self,
        record: Record,
        child_context: Context | None = None,
        partition_context: Context | None = None,
    ) -> None:
        """Make a copy of the record for child streams only where there are any."""
        if self.child_streams:
            super()._process_record(record, child_context, partition_context)

    @override
    def _write_record_message(self, record: Record) -> None:
        """Map and write a record, which has the right columns and types already."""
        for stream_map in self.stream_maps:
            try:
                mapped = stream_map.transform(record)
            except SingerSDKError:
                raise
            except Exception as error:  # noqa: BLE001 - an expression may do anything
                msg = (
                    f"stream_maps: an expression for {self.name!r} fails on a record "
                    f"({type(error).__name__})."
                )
                raise SettingsError(msg) from None
            if mapped is not None:
                self.tap.message_writer.write_record(
                    stream_map.stream_alias, mapped, self._time_extracted
                )
        self.state_manager.is_flushed = False

    def _prefetched(
        self, slices: Iterable[Slice], look_around: Callable[[], None]
    ) -> Iterator[tuple[Slice, Page]]:
        """Fetch slices side by side, within the bounds of settings and memory."""
        _ = self._tries  # one for all threads
        workers = self.tap.settings.max_concurrency
        ahead = min(8 * workers, RECORDS_HELD // self.plan.weight)
        has_pages = self.plan.weight > self.plan.page_size
        return prefetch(
            slices,
            self.fetch,
            workers=min(workers, ahead),
            ahead=ahead,
            held=RECORDS_HELD // self.plan.page_size,
            wanted=self._wanted if has_pages else lambda: workers,
            idle=look_around,
        )

    def _wanted(self) -> int:
        """Tell how many slices keep the pace at this latency.

        A slice is read page by page. What more were begun would be left unfinished
        when a run has to stop, for its quota or by a signal.
        """
        paced = self.tap.session.paced
        rate = min(self.tap.settings.requests_per_second, FASTEST)
        return 2 + int(rate * paced.latency)

    def _count(self, slice_: Slice, look_around: Callable[[], None]) -> int:
        """Ask how many records a slice has by now."""

        def first_page(slice_: Slice, _: Place) -> Iterator[Page]:
            yield self._ask(slice_, None)

        pages = prefetch(
            [slice_], first_page, workers=1, ahead=1, held=1, idle=look_around
        )
        return sum(page.total or 0 for _, page in pages)

    def _ask(self, slice_: Slice, cursor: str | None) -> Page:
        """Get one page."""
        endpoint = slice_.endpoint

        def understand(response: requests.Response) -> Page:
            answer = interpret(
                response, nothing=endpoint.nothing, instead=endpoint.instead
            )
            came = (answer.request_id, self._sent_at(response))
            if answer.body is None:
                return Page(*came)
            try:
                return Page(
                    *came,
                    records=self._records(slice_, endpoint.rows(answer.body)),
                    cursor=next_cursor(answer.body),
                    total=total_records(answer.body),
                )
            except ShapeError as error:
                raise wrong_shape(response, answer, str(error)) from None

        url = self.tap.settings.api_url
        request = endpoint.request(url, slice_.inputs, cursor)
        return self._tries.ask(request, understand)

    def _sent_at(self, response: requests.Response) -> datetime:
        """Tell when an answer was sent, by Gong's clock or by ours if that is behind.

        A clock that is ahead would let the bookmark pass calls that are yet to come.
        """
        now = utc_now()
        sent_at = sent_at_header(response) or now
        if now - sent_at > CLOCK_AHEAD and not self._clock_is_ahead:
            self._clock_is_ahead = True
            self.logger.warning(
                "This machine's clock is %.0f s ahead of Gong's, or of something that "
                "answers in its place: the bookmark follows Gong's.",
                (now - sent_at).total_seconds(),
            )
        return min(now, sent_at)

    def _records(self, slice_: Slice, rows: list[Any]) -> dict[Any, Record]:
        """Make the rows of a page fit the schema, by primary key.

        A record has every selected property, with null where Gong leaves it out: what
        reads it, such as a stream map, need not ask whether it is there.
        """
        records: dict[Any, Record] = {}
        for row in rows:
            record = self._conform(row)
            key = self._identity(record)
            if slice_.ids and key not in slice_.ids:
                msg = "it holds an ID that was not asked for"
                raise ShapeError(msg)
            records[key] = {name: record.get(name) for name in self._columns}
        return records

    @cached_property
    def _tries(self) -> Tries:
        return Tries(self.tap.session, self.logger)

    @cached_property
    def _conform(self) -> Callable[[Any], Record]:
        return conformer(self.schema)

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        """The selected properties that the catalog in use has."""
        promised = self.effective_schema["properties"]
        return tuple(
            name
            for name in self.schema["properties"]
            if name in promised and self.mask["properties", name]
        )

    def _updated_state(self) -> TapState:
        """The state of all streams, with the place that this one has reached."""
        self.stream_state.update(self.plan.bookmark())
        return self.tap_state

    def _write_checkpoint(self, absent: list[str]) -> None:
        """Write the place reached, and tell which IDs were absent on the way."""
        self.tap.state_writer.write_state(self._updated_state())
        writer = self.tap.message_writer
        if writer.ends_with_record:
            # The SDK does not repeat a state that has not changed. But who reads it
            # keeps no record for good before a STATE has followed.
            writer.write_message(StateMessage(value=self.tap_state))
        if absent:
            self.logger.warning(
                "Gong does not know %d of the IDs asked for: %s.",
                len(absent),
                ", ".join(absent),
            )
            absent.clear()
