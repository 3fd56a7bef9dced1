"""The base of all streams: the SDK's hooks."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream, StreamSchema
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.helpers._util import utc_now
from singer_sdk.schema.source import SchemaDirectory
from singer_sdk.singerlib import StateMessage
from typing_extensions import override

from tap_gong import schemas
from tap_gong.errors import SettingsError
from tap_gong.singer import files
from tap_gong.singer.selection import nested_metadata
from tap_gong.singer.shape import Shape
from tap_gong.streams.emission import Emission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record, TapState
    from singer_sdk.singerlib.catalog import MetadataMapping

    from tap_gong.gong.pace import Turn
    from tap_gong.gong.pages import Page
    from tap_gong.plans.slices import Plan, Slice
    from tap_gong.run.prefetch import Split
    from tap_gong.singer.messages import MessageWriter
    from tap_gong.streams.emission import Rows
    from tap_gong.streams.sync import Sync

SCHEMAS = SchemaDirectory(schemas)


class GongStream(Stream):
    """A stream of Gong's API.

    A stream says what to ask for in a plan of slices. The slices are fetched side by
    side under the tap's one pace, emitted in the plan's order from one thread, and
    checkpointed. The SDK's RESTStream, in contrast, fetches one page after the other
    and takes its bookmark from the records.
    """

    schema: ClassVar[StreamSchema[str]] = StreamSchema(SCHEMAS)
    # The SDK's own checkpoint, which does not weigh the state; `Checkpoint` does.
    STATE_MSG_FREQUENCY = sys.maxsize
    selected_by_default = False

    def __init__(self, tap: Tap, sync: Sync) -> None:
        """Make the stream; nothing is read from the settings yet.

        Args:
            tap: Owns the configuration and the state.
            sync: The run that the stream is a part of.
        """
        super().__init__(tap=tap)
        self.sync_ = sync
        self._plan: Plan | None = None
        self._planned: set[str] = set()
        self.time_extracted = utc_now()
        # Before a catalog can take the keys away.
        self._keys = tuple(self.primary_keys)

    @property
    def plan(self) -> Plan:
        """The plan of this run for the streams that are selected.

        Raises:
            SettingsError: If settings and state do not say what to read.
        """
        # The SDK's dry run selects every stream when the tap has been made already.
        if self._plan is None or self._planned != {*self.emitted}:
            self._plan, self._planned = self.make_plan(), {*self.emitted}
        return self._plan

    def make_plan(self) -> Plan:
        """Make the plan of a run from the settings and the bookmarks.

        Raises:
            SettingsError: If they do not say what to read.
        """
        raise NotImplementedError

    def fetch(self, slice_: Slice, turn: Turn) -> Iterator[Page[Rows] | Split[Slice]]:
        """Fetch a slice page by page; called from several threads at once.

        Args:
            slice_: What to ask for.
            turn: Where it stands among all slices of the run.

        Yields:
            Its pages, or smaller slices to fetch in its place.

        Raises:
            StreamFailedError: If Gong gives no usable answer.
        """
        raise NotImplementedError

    @cached_property
    def shape(self) -> Shape:
        """What the records look like."""
        return Shape(
            self.schema,
            self._keys,
            promised=self.effective_schema,
            is_selected=lambda name: self.mask["properties", name],
        )

    @property
    def emitted(self) -> Mapping[str, GongStream]:
        """The selected streams that this one's answers feed, itself included."""
        family = [self, *self.child_streams]
        return {
            stream.name: stream
            for stream in family
            if isinstance(stream, GongStream) and stream.selected
        }

    @property
    def bookmark(self) -> Mapping[str, Any]:
        """The stream's part of the state."""
        bookmarks: Mapping[str, Any] = self.tap_state.get("bookmarks", {})
        bookmark: Mapping[str, Any] = bookmarks.get(self.name, {})
        return bookmark

    @property
    def began(self) -> datetime:
        """When the run began, in UTC and whole seconds."""
        return datetime.fromtimestamp(self._initialized_at // 1000, UTC)

    def check(self) -> None:
        """Check everything that can be checked before a request is sent.

        Raises:
            SettingsError: If settings and state do not say what to read, or a catalog
                does not fit a stream.
        """
        for stream in self.emitted.values():
            stream.check_catalog()
        _ = self.plan

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
        """Yield the records of the plan in order; checkpoint on the way.

        What the answers hold for other streams is written on the way, too.

        Args:
            context: Not used: a plan takes the place of the SDK's partitions.

        Yields:
            Records that fit the schema.

        Raises:
            RunFailedError: If Gong would answer no request.
            InterruptedRunError: If a signal asked the process to stop.
        """
        for stream in self.emitted.values():
            if stream is not self:
                stream.write_schema()
        self.logger.info("Reading %s.", self.plan.covers)
        yield from Emission(self, self.sync_, self._writer).records()
        for stream in dict.fromkeys([self, *self.emitted.values()]):
            stream.tell_unknown_fields()

    def write_record(self, record: Record) -> None:
        """Map and write a record, which has the right columns and types already.

        Raises:
            SettingsError: If an expression of the user's stream maps fails.
        """
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
                self._writer.write_record(
                    stream_map.stream_alias, mapped, self.time_extracted
                )
        self.state_manager.is_flushed = False

    def write_schema(self) -> None:
        """Write the SCHEMA of a stream that another one feeds."""
        self._write_schema_message()

    def tell_unknown_fields(self) -> None:
        """Tell which fields Gong sends that the schema does not know."""
        if names := self.shape.unknown_names():
            self.logger.warning(
                "Gong sends fields that this version does not know, and that are not "
                "emitted: %s.",
                names,
            )

    @property
    @override
    def metadata(self) -> MetadataMapping:
        """Metadata of all properties, those inside lists included."""
        metadata = super().metadata
        if self._input_schema is None:
            metadata.update(nested_metadata(self.schema))
        return metadata

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
        """Let no child stream run of its own: this one's answers feed them."""

    @override
    def _write_record_message(self, record: Record) -> None:
        """Write a record."""
        self.write_record(record)

    @property
    def _writer(self) -> MessageWriter:
        return cast("MessageWriter", self._tap.message_writer)

    def updated_state(self) -> TapState:
        """The state of all streams, with the places that these have reached."""
        lost = self.emitted.keys() & self.sync_.given_up.keys()
        for name, values in self.plan.bookmarks(lost).items():
            self.emitted.get(name, self).stream_state.update(values)
        return self.tap_state

    def write_state(self) -> None:
        """Write the places reached."""
        self._tap.state_writer.write_state(self.updated_state())
        if self._writer.ends_with_record:
            # The SDK does not repeat a state that has not changed. But who reads it
            # keeps no record for good before a STATE has followed.
            self._writer.write_message(StateMessage(value=self.tap_state))
