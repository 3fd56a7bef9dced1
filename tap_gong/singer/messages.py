"""Singer messages to stdout, fast and in whole lines."""

from __future__ import annotations

import atexit
import errno
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib import StateMessage
from typing_extensions import override

from tap_gong.errors import OutputError

if TYPE_CHECKING:
    from datetime import datetime

    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib import Message

BUFFER_SIZE = 65_536
"""Bytes of records to write at once, at least."""

HEAVY_STATE = 10_000
"""Bytes of a state that is not repeated at the start of a run."""

WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}
"""What the system says when stdout cannot be written to any more."""


def output_error(error: OSError | None = None) -> OutputError:
    """Make the error for a stdout that cannot be written to.

    Args:
        error: What the system said; none if the reader has gone.

    Returns:
        The error to raise.
    """
    if error is None or error.errno in {errno.EPIPE, errno.ECONNRESET}:
        return OutputError(
            "The reader of stdout has gone, so the run ends here. The next run goes on "
            "from the last STATE that was kept."
        )
    return OutputError(f"stdout cannot be written to: {error.strerror}.")


class MessageWriter(MsgSpecWriter):
    """Encodes with msgspec; writes records together, other messages at once.

    The SDK's writers call the system for every record. A STATE follows at the latest
    after 100 records or 10 seconds, so a target sees them soon enough.
    """

    def __init__(self) -> None:
        """Begin with nothing to write; what is left at the exit is written then."""
        self._buffer = bytearray()
        self._has_begun = False
        self.ends_with_record = False
        """Whether a RECORD message is the last one."""
        self.records = 0
        """How many RECORD messages have been written so far."""
        self.record_bytes = 0
        """How many bytes they have."""
        atexit.register(self._write_the_rest)

    @override
    def write_message(self, message: Message) -> None:
        """Write a message to stdout as one line of JSON.

        The SDK first repeats the state that it was given. That says nothing new, so it
        is left out where a long queue of call IDs makes it heavy.
        """
        line = encoder.encode(message.to_dict())
        is_repeated = not self._has_begun and isinstance(message, StateMessage)
        if not is_repeated or len(line) <= HEAVY_STATE:
            self._append(line)
        self._has_begun = True
        self.ends_with_record = False
        self.flush()

    def write_record(
        self, stream: str, record: Record, time_extracted: datetime
    ) -> None:
        """Write a RECORD message, at once or later.

        For speed, without the SDK's object for each message.

        Args:
            stream: The stream's name or alias.
            record: What JSON can hold.
            time_extracted: When it was retrieved, in UTC.
        """
        line = encoder.encode(
            {
                "type": "RECORD",
                "stream": stream,
                "record": record,
                "time_extracted": time_extracted,
            }
        )
        self._has_begun = self.ends_with_record = True
        self.records += 1
        self.record_bytes += len(line)
        self._append(line)
        if len(self._buffer) >= BUFFER_SIZE:
            self.flush()

    def flush(self) -> None:
        """Write everything now, however long its reader takes.

        Raises:
            OutputError: If it cannot be written.
        """
        # Not a second time, if the reader has gone.
        lines, self._buffer = self._buffer, bytearray()
        if not lines:
            return
        # Not to the buffered file, which keeps what it could not write for the exit.
        out = sys.stdout.buffer
        out = getattr(out, "raw", out)
        rest = memoryview(lines)
        try:
            while rest:
                # A signal cuts a write to a full pipe short; one that is set not to
                # block takes nothing while it is full.
                written: int | None = out.write(rest)
                if written is None:
                    select.select([], [out], [])
                rest = rest[written or 0 :]
        except OSError as error:
            raise output_error(error) from None

    def raise_if_reader_gone(self) -> None:
        """Check whether somebody still reads, also while there is nothing to write.

        Raises:
            OutputError: If not.
        """
        with suppress(OSError):  # stdout may be no file of the system's
            poll = select.poll()
            poll.register(sys.stdout.fileno(), 0)
            gone = select.POLLERR | select.POLLHUP
            if any(event & gone for _, event in poll.poll(0)):
                raise output_error()

    def _write_the_rest(self) -> None:
        with suppress(OutputError):  # which ended the run, and is told
            self.flush()

    def _append(self, line: bytes) -> None:
        self._buffer += line
        self._buffer += b"\n"
