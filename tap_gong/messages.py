"""Singer messages to stdout, fast and in whole lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message


class MessageWriter(MsgSpecWriter):
    """Encodes with msgspec, and flushes after each message that is not a record.

    The SDK's writers flush after every record, a system call each. A STATE follows at
    the latest after 100 records or 10 seconds, so a target sees them soon enough.
    """

    @override
    def write_message(self, message: Message) -> None:
        """Write a message to stdout as one line of JSON."""
        sys.stdout.buffer.write(self.format_message(message))
        if not isinstance(message, RecordMessage):
            sys.stdout.buffer.flush()
