"""Emits the records of a plan in order, with checkpoints on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import override

from tap_gong.errors import LongWaitError, StreamFailedError
from tap_gong.gong.answers import wait_too_long
from tap_gong.run.checkpoint import Checkpoint
from tap_gong.streams.sync import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Record

    from tap_gong.gong.pages import Page
    from tap_gong.gong.tries import Logger
    from tap_gong.singer.messages import MessageWriter
    from tap_gong.streams.sync import Sync

Rows = Mapping[str, Iterable["Record"]] | None
"""The records of all streams that one row of an answer brings, by the stream's name;
None for a row that is not to be emitted."""


class Outlet(Protocol):
    """A stream, seen as something that takes records."""

    time_extracted: datetime

    def write_record(self, record: Record) -> None:
        """Write a record."""


class Source(Lane, Protocol):
    """A stream, seen as something that asks for records, its parts' included."""

    name: str

    @property
    def logger(self) -> Logger:
        """Where its log lines go."""

    @property
    @override
    def emitted(self) -> Mapping[str, Outlet]:
        """The streams that get records, this one included."""

    def updated_state(self) -> Mapping[str, Any]:
        """Take over the place reached into the state of all streams."""

    def write_state(self) -> None:
        """Write the state."""


class Emission:
    """Emits what a plan brings: a stream's own records, and those of its parts."""

    def __init__(self, source: Source, sync: Sync, writer: MessageWriter) -> None:
        """Begin with nothing emitted.

        Args:
            source: The stream that asks.
            sync: The run.
            writer: Counts what is written.
        """
        self._source = source
        self._plan = source.plan
        self._streams = source.emitted
        self._sync = sync
        self._writer = writer
        self._checkpoint = Checkpoint(
            self._write_state,
            record_bytes=lambda: writer.record_bytes,
            state=source.updated_state,
        )
        self._absent: dict[str, str] = {}
        """IDs that Gong does not know and that have not been logged yet."""

    def records(self) -> Iterator[Record]:
        """Yield the stream's own records, and write the others on the way.

        Yields:
            Records that fit the schema.

        Raises:
            RunFailedError: If every other request would fail too.
            InterruptedRunError: If a signal asked the process to stop.
        """
        source, plan, progress = self._source, self._plan, self._sync.progress
        progress.begin(source.name, plan)
        try:
            yield from self._slices()
            if complaint := plan.complaint():
                raise StreamFailedError(complaint)  # noqa: TRY301 - like any other
        except StreamFailedError as error:
            self._checkpoint.write()
            self._sync.give_up(self._streams, error)
        except Exception as error:
            # What is still being retried in other threads ends here too.
            self._sync.session.paced.pace.close(error)
            self._checkpoint.write()
            if isinstance(error, LongWaitError):
                raise wait_too_long(
                    error,
                    stream=source.name,
                    done=progress.done,
                    expected=plan.expected,
                ) from None
            raise
        else:
            self._checkpoint.write()
        progress.finish()

    def _slices(self) -> Iterator[Record]:
        """Emit slice by slice."""
        plan, progress = self._plan, self._sync.progress
        is_empty = plan.is_done
        found: set[Any] = set()
        """The keys of the slice under way, those that are not emitted included."""
        out: set[Any] = set()
        missing = 0
        asked_at = datetime.now(UTC)
        plan.emitted = out
        for slice_, page in self._sync.results(self._source):
            asked_at = min(asked_at, page.sent_at)
            yield from self._page(page, out)
            found |= page.records.keys()
            missing += len(page.absent)
            if page.is_last:
                plan.finish(slice_, found, asked_at)
                self._checkpoint.add(len(found) + missing)
                found.clear()
                out.clear()
                missing, asked_at = 0, datetime.now(UTC)
                if again := plan.recount():
                    plan.take_count(again, self._sync.count(again))
            else:
                self._writer.flush()
            self._sync.look_around()
            self._checkpoint.write_if_due()
            progress.tell()
        if plan.nothing_found and not is_empty and not progress.done:
            self._source.logger.warning(plan.nothing_found)

    def _page(self, page: Page[Rows], out: set[Any]) -> Iterator[Record]:
        """Emit a page, and add to the keys that are out."""
        for stream in self._streams.values():
            stream.time_extracted = page.sent_at
        lost, own = self._sync.given_up, self._source.name
        before = self._writer.records
        for key, rows in page.records.items():
            if rows is None:
                continue
            for name, records in rows.items():
                if name in lost or self._plan.is_out(name, key):
                    continue
                if name == own:
                    yield from records
                    continue
                for record in records:
                    self._streams[name].write_record(record)
            out.add(key)
        self._absent |= page.absent
        progress = self._sync.progress
        progress.add(done=len(page.records), records=self._writer.records - before)
        progress.add_absent(len(page.absent))

    def _write_state(self) -> None:
        """Write the place reached, and tell which IDs were absent on the way."""
        self._source.write_state()
        if absent := self._absent:
            self._source.logger.warning(
                "Gong does not know %d of the IDs asked for: %s.",
                len(absent),
                ", ".join(f"{id_} (requestId {by})" for id_, by in absent.items()),
            )
            absent.clear()
