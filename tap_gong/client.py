"""The base of all streams: one request, its answer, its pages, and their emission."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream, StreamSchema
from singer_sdk.exceptions import FatalAPIError
from singer_sdk.helpers._catalog import pop_deselected_record_properties
from singer_sdk.helpers._util import utc_now
from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from tap_gong import inputs, schemas
from tap_gong.checkpoint import Checkpoint
from tap_gong.conform import ShapeError, conformer
from tap_gong.endpoint import next_cursor, total_records
from tap_gong.errors import (
    CursorExpiredError,
    QuotaError,
    interpret,
    quota_spent,
    wrong_shape,
)
from tap_gong.prefetch import Split, prefetch
from tap_gong.progress import Progress
from tap_gong.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping
    from datetime import datetime

    import requests
    from singer_sdk.helpers.types import Context, Record

    from tap_gong.slices import Plan, Slice
    from tap_gong.tap import TapGong

RECORDS_HELD = 10_000
"""Records fetched and not yet emitted, at most or about: some 30 MB."""


@dataclass(slots=True)
class Fetched:
    """What a slice brought."""

    records: dict[Any, Record] = field(default_factory=dict)
    """By primary key: a list that changes while it is paged through may bring a record
    twice."""
    request_id: str = ""
    """Gong's reference of the last answer."""
    answered_at: datetime = field(default_factory=utc_now)
    """When that came."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer brought: no records where Gong says that there are none."""

    request_id: str
    records: dict[Any, Record] = field(default_factory=dict)
    cursor: str | None = None
    total: int = 0
    """How many records this page and all others have together, if Gong says so."""


class GongStream(Stream):
    """A stream of Gong's API.

    A stream says what to ask for in a plan of slices. The slices are fetched side by
    side under the tap's one pace, emitted in the plan's order from one thread, and
    checkpointed. The SDK's RESTStream, in contrast, fetches one page after the other
    and takes its bookmark from the records.
    """

    schema: ClassVar[StreamSchema[str]] = StreamSchema(SchemaDirectory(schemas))

    def __init__(self, tap: TapGong) -> None:
        """Make the stream; nothing is read from the settings yet.

        Args:
            tap: Owns the settings, the session and the state.
        """
        super().__init__(tap=tap)
        self.tap = tap
        self._time_extracted = utc_now()
        # Before a catalog can take the keys away.
        self._identity = itemgetter(*self.primary_keys)
        # The one sentence that a person needs is told where the run ends.
        self.logger.addFilter(
            lambda line: not str(line.msg).startswith("An unhandled error occurred")
        )

    def plan(self, bookmark: MutableMapping[str, Any]) -> Plan:
        """Make the plan of a run from the settings and a bookmark.

        Args:
            bookmark: The stream's part of the state; the plan keeps its place there.

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
        inputs.check_catalog(
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
            FatalAPIError: If Gong gives no usable answer.
            InterruptedRunError: If a signal asked the process to stop.
        """
        plan = self.plan(self.stream_state)
        absent: list[str] = []
        checkpoint = Checkpoint(lambda: self._write_checkpoint(plan, absent))
        workers = self.tap.settings.max_concurrency
        ahead = min(8 * workers, RECORDS_HELD // plan.weight)
        with (
            closing(self.tap.session) as session,
            Progress(self.logger, plan, session.paced) as progress,
        ):

            def look_around() -> None:
                self.tap.raise_if_interrupted()
                checkpoint.write_if_due()
                progress.tell()

            try:
                for slice_, fetched in prefetch(
                    plan,
                    partial(self.fetch, plan),
                    workers=min(workers, ahead),
                    ahead=ahead,
                    idle=look_around,
                ):
                    self._time_extracted = fetched.answered_at
                    yield from fetched.records.values()
                    plan.finish(slice_)
                    missing = [
                        f"{id_} (requestId {fetched.request_id})"
                        for id_ in slice_.ids
                        if id_ not in fetched.records
                    ]
                    absent += missing
                    progress.add(len(fetched.records), len(missing))
                    checkpoint.add(len(fetched.records) + len(missing))
                    look_around()
            except Exception as error:
                # What is still being retried in other threads ends here too.
                session.paced.pace.close(error)
                checkpoint.write()
                if isinstance(error, QuotaError):
                    raise quota_spent(error, plan) from None
                raise
            checkpoint.write()
            if not progress.records and plan.nothing_found:
                self.logger.warning(plan.nothing_found)

    def fetch(self, plan: Plan, slice_: Slice) -> Fetched | Split[Slice]:
        """Fetch all pages of a slice; called from several threads at once.

        Args:
            plan: Tells when a slice is too large.
            slice_: What to ask for.

        Returns:
            Its records, or smaller slices to fetch in its place.

        Raises:
            FatalAPIError: If Gong gives no usable answer.
        """
        try:
            return self._fetch_pages(plan, slice_)
        except CursorExpiredError:
            # A cursor lives about an hour from the first page on, waits included.
            return self._fetch_pages(plan, slice_)

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Have no BATCH: its files bypass column selection and stream maps."""

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
            mapped = stream_map.transform(record)
            if mapped is not None:
                self.tap.message_writer.write_record(
                    stream_map.stream_alias, mapped, self._time_extracted
                )
        self.state_manager.is_flushed = False

    def _fetch_pages(self, plan: Plan, slice_: Slice) -> Fetched | Split[Slice]:
        fetched = Fetched()
        cursors: set[str | None] = {None}
        cursor = None
        while True:
            page = self._ask(slice_, cursor)
            if (
                cursor is None
                and page.cursor
                and (parts := plan.parts(slice_, page.total))
            ):
                return Split(parts)
            fetched.request_id, fetched.answered_at = page.request_id, utc_now()
            fetched.records.update(page.records)
            cursor = page.cursor
            if cursor is None:
                return fetched
            if cursor in cursors:
                msg = f"{slice_.endpoint.path} sent the same cursor twice."
                raise FatalAPIError(msg)
            cursors.add(cursor)

    def _ask(self, slice_: Slice, cursor: str | None) -> Page:
        """Get one page."""
        endpoint = slice_.endpoint

        def understand(response: requests.Response) -> Page:
            answer = interpret(
                response, nothing=endpoint.nothing, instead=endpoint.instead
            )
            if answer.body is None:
                return Page(request_id=answer.request_id)
            try:
                return Page(
                    records=self._records(slice_, endpoint.rows(answer.body)),
                    cursor=next_cursor(answer.body),
                    total=total_records(answer.body),
                    request_id=answer.request_id,
                )
            except ShapeError as error:
                raise wrong_shape(response, answer, str(error)) from None

        url = self.tap.settings.api_url
        request = endpoint.request(url, slice_.inputs, cursor)
        return self._tries.ask(request, understand)

    def _records(self, slice_: Slice, rows: list[Any]) -> dict[Any, Record]:
        """Make the rows of a page fit the schema, by primary key."""
        records: dict[Any, Record] = {}
        for row in rows:
            record = self._conform(row)
            key = self._identity(record)
            if slice_.ids and key not in slice_.ids:
                msg = "it holds an ID that was not asked for"
                raise ShapeError(msg)
            if self._dropped:
                for name in self._dropped & record.keys():
                    del record[name]
            if self._is_selective:
                pop_deselected_record_properties(record, self.schema, self.mask)
            records[key] = record
        return records

    @cached_property
    def _tries(self) -> Tries:
        return Tries(self.tap.session, self.logger)

    @cached_property
    def _conform(self) -> Callable[[Any], Record]:
        return conformer(self.schema)

    @cached_property
    def _dropped(self) -> frozenset[str]:
        """Properties that the stream has and the catalog in use lacks."""
        return frozenset(self.schema["properties"]) - frozenset(
            self.effective_schema["properties"]
        )

    @cached_property
    def _is_selective(self) -> bool:
        return not all(self.mask.values())

    def _write_checkpoint(self, plan: Plan, absent: list[str]) -> None:
        """Write the place reached, and tell which IDs were absent on the way."""
        plan.save()
        self.tap.state_writer.write_state(self.tap_state)
        # A state that has not changed was not written, and so has flushed nothing.
        self.tap.message_writer.flush()
        if absent:
            self.logger.warning(
                "Gong does not know %d of the IDs asked for: %s.",
                len(absent),
                ", ".join(absent),
            )
            absent.clear()
