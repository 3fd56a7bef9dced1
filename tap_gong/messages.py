"""Singer messages to stdout, fast and in whole lines."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib import StateMessage
from typing_extensions import override

if TYPE_CHECKING:
    from datetime import datetime

    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib import Message

BUFFER_SIZE = 65_536
"""Bytes of records to write at once, at least."""

HEAVY_STATE = 10_000
"""Bytes of a state that is not repeated at the start of a run."""


class MessageWriter(MsgSpecWriter):
    """Encodes with msgspec; writes records together, other messages at once.

    The SDK's writers call the system for every record. A STATE follows at the latest
    after 100 records or 10 seconds, so a target sees them soon enough.
    """

    def __init__(self) -> None:
        """Begin with nothing to write; what is left at the exit is written then."""
        self._buffer = bytearray()
        self._has_begun = False
        self.record_bytes = 0
        """How many bytes of RECORD messages have been written so far."""
        atexit.register(self.flush)

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
        self._has_begun = True
        self.record_bytes += len(line)
        self._append(line)
        if len(self._buffer) >= BUFFER_SIZE:
            self.flush()

    def flush(self) -> None:
        """Write everything now."""
        # Not twice, should the reader be gone.
        lines, self._buffer = self._buffer, bytearray()
        if lines:
            rest = memoryview(lines)
            while rest:
                # With PYTHONUNBUFFERED this is the bare file, and a signal cuts a write
                # to a full pipe short.
                rest = rest[sys.stdout.buffer.write(rest) :]
            sys.stdout.buffer.flush()

    def _append(self, line: bytes) -> None:
        self._buffer += line
        self._buffer += b"\n"
