"""Servers for tests, made by hand: they can do what no good server does."""

from __future__ import annotations

import http.client
import socketserver
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_gong.sandbox import Sandbox

    Handle = Callable[[socketserver.StreamRequestHandler], None]

SILENCE = 2
"""Seconds after which a server of this module gives up, so that no test hangs."""


@contextmanager
def served(handle: Handle) -> Iterator[str]:
    """Serve on loopback and handle each connection in a thread; its address."""

    class Handler(socketserver.StreamRequestHandler):
        timeout = SILENCE

        @override
        def handle(self) -> None:
            with suppress(OSError):  # the client has gone
                handle(self)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@dataclass
class Relay:
    """Passes answers of a sandbox on, on connections that stay open."""

    sandbox: Sandbox
    before: bytes = b""
    """What comes before each answer, in a packet of its own."""
    headers: bytes = b""
    """More lines for the head of each answer."""
    after: bytes = b""
    """What comes after each answer, in its packet."""
    connections: list[str] = field(default_factory=list)
    """Who opened each."""

    def __call__(self, client: socketserver.StreamRequestHandler) -> None:
        """Handle a connection to its end."""
        self.connections.append(str(client.client_address))
        gong = http.client.HTTPConnection(urlsplit(self.sandbox.url).netloc)
        with closing(gong):
            while line := client.rfile.readline().decode():
                headers = http.client.parse_headers(client.rfile)
                body = client.rfile.read(int(headers["Content-Length"] or 0))
                method, path, _ = line.split()
                gong.request(method, path, body, dict(headers))
                content = gong.getresponse().read()
                head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(content)
                client.wfile.write(self.before)
                client.wfile.write(head + self.headers + b"\r\n" + content + self.after)
