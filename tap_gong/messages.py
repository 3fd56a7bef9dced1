"""Singer messages to stdout, fast and in whole lines."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

if TYPE_CHECKING:
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
        """Write a message to stdout as one line of JSON, a record perhaps later."""
        self._buffer += encoder.encode(message.to_dict())
        self._buffer += b"\n"
        if len(self._buffer) >= BUFFER_SIZE or not isinstance(message, RecordMessage):
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
