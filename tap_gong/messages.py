"""Singer messages to stdout, fast and in whole lines."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from typing_extensions import override

if TYPE_CHECKING:
    from datetime import datetime

    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib import Message

BUFFER_SIZE = 65_536
"""Bytes of records to write at once, at least."""


class MessageWriter(MsgSpecWriter):
    """Encodes with msgspec; writes records together, other messages at once.

    The SDK's writers call the system for every record. A STATE follows at the latest
    after 100 records or 10 seconds, so a target sees them soon enough.
    """

    def __init__(self) -> None:
        """Begin with nothing to write; what is left at the exit is written then."""
        self._buffer = bytearray()
        atexit.register(self.flush)

    @override
    def write_message(self, message: Message) -> None:
        """Write a message to stdout as one line of JSON."""
        self._append(message.to_dict())
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
        self._append(
            {
                "type": "RECORD",
                "stream": stream,
                "record": record,
                "time_extracted": time_extracted,
            }
        )
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

    def _append(self, message: dict[str, Any]) -> None:
        self._buffer += encoder.encode(message)
        self._buffer += b"\n"
