"""How an answer is read from a connection: in time, and by its own request only."""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

BUFFER_BYTES = 65_536
"""How much to take from a socket at once. A record of TLS, of 16 KB at most, fits: so
nothing that was received stays hidden in the socket."""

_LAST = {
    HTTPStatus.SWITCHING_PROTOCOLS,
    HTTPStatus.NO_CONTENT,
    HTTPStatus.NOT_MODIFIED,
}
"""After these nothing more is read: a body that follows would be taken for the next
answer."""


class Answer(http.client.HTTPResponse):
    """An answer that has to be whole before the time-out of its socket is over.

    The standard library starts the time-out again with each piece, so an answer of a
    byte a second never reaches it. Of the informational answers that may come before
    the real one (103 Early Hints), it skips only 100.
    """

    @override
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        """Read from a socket from now on."""
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = _Reader(_Incoming(sock), BUFFER_BYTES)

    @override
    def begin(self) -> None:
        """Read the status and the headers of the real answer."""
        super().begin()
        while self.status < HTTPStatus.OK and self.status not in _LAST:
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()
        if self.status in _LAST:
            self.will_close = True


def with_answers(kind: type[HTTPConnection]) -> type[HTTPConnection]:
    """Make a kind of connection that gives an `Answer` to each request.

    Args:
        kind: The kind to make it of; it may be one already.
    """
    if kind.response_class is Answer:
        return kind
    return type(kind.__name__, (kind,), {"response_class": Answer})


class _Incoming(io.RawIOBase):
    """The bytes that a socket receives, until the time is over."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._file = sock.makefile("rb", buffering=0)
        self._deadline = time.monotonic() + (sock.gettimeout() or 0)
        self._is_over = False

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any, /) -> int | None:
        if self._is_over:
            return 0
        rest = self._deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        self._socket.settimeout(rest)
        return self._file.readinto(buffer)

    def stop(self) -> None:
        """Receive nothing more."""
        self._is_over = True

    def shut_down(self) -> None:
        """Let nobody use the socket again."""
        # TLS inside the TLS of a proxy is not a socket, but has one.
        sock: socket.socket = getattr(self._socket, "socket", self._socket)
        with suppress(OSError):  # it is closed already
            sock.shutdown(socket.SHUT_RDWR)

    @override
    def close(self) -> None:
        self._file.close()
        super().close()


class _Reader(io.BufferedReader):
    """Reads an answer, only as much at once as it is asked for.

    If an answer is longer than it said, its socket is closed. Otherwise the next
    request would read the rest as its own answer.
    """

    raw: _Incoming

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            # A chunk whose length is below 0 would be read to the end of the socket.
            raise http.client.HTTPException
        return super().read(size)

    @override
    def close(self) -> None:
        if not self.closed:
            self.raw.stop()
            if self.peek():
                self.raw.shut_down()
        super().close()
