"""The sandbox as a running server."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

from tap_gong.sandbox.faults import Faults
from tap_gong.sandbox.options import ACCESS_KEY, ACCESS_KEY_SECRET, Options, parse_day
from tap_gong.sandbox.routes import Data
from tap_gong.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tap_gong.sandbox.answers import Answer
    from tap_gong.sandbox.service import Arrival

_HOST = "127.0.0.1"


class Sandbox:
    """A stand-in for Gong's API, on loopback, in a thread of its own.

    Use it as a context manager, or call `start` and `close`.

    Attributes:
        access_key: The access key that it accepts.
        access_key_secret: The secret of that key.
        world: The company. Calls may be added to it between two requests.
        hidden: IDs of calls that no list by date shows yet, as if still processed;
            add to it and take from it at any time.
        faults_for: Faults for the next requests for one call, by call ID; see `script`.
        faults_at: Faults for the next requests to one path, by path; see `script`.
        requests: What arrived, in order.
    """

    access_key = ACCESS_KEY
    access_key_secret = ACCESS_KEY_SECRET

    def __init__(
        self, options: Options | None = None, *, world: World | None = None
    ) -> None:
        """Prepare a sandbox.

        Args:
            options: How it behaves.
            world: The company, in place of the one that the options describe.
        """
        self._options = options or Options()
        self.world = world or World(
            self._options.seed,
            self._options.calls,
            last_day=parse_day(self._options.last_day),
            users=self._options.users,
            sentences=self._options.sentences,
        )
        self.hidden: set[str] = set()
        self.requests: list[Arrival] = []
        self._faults = Faults(
            self._options.fault_rate, self._options.faults, self._options.seed
        )
        self.faults_for = self._faults.for_calls
        self.faults_at = self._faults.at_paths
        self._stopping = asyncio.Event()

    @property
    def url(self) -> str:
        """Base URL, without a slash at its end; only while it runs."""
        scheme = "https" if self._options.tls else "http"
        return f"{scheme}://{_HOST}:{self._listener.getsockname()[1]}"

    def script(self, *faults: Answer | str | None) -> None:
        """Say what happens to the next requests, one fault for each.

        Args:
            faults: Each the name of a fault, an answer of your own, or None for the
                right answer.
        """
        self._faults.script(*faults)

    def start(self) -> Self:
        """Start serving.

        Returns:
            The sandbox itself.

        Raises:
            ModuleNotFoundError: aiohttp is not installed.
            OSError: The port is not free.
        """
        from tap_gong.sandbox.service import Service, serve  # noqa: PLC0415 - an extra

        options = self._options
        data = Data(
            self.world,
            self.hidden,
            options.scopes,
            options.page_size,
            options.shuffle,
            options.cursor_lifetime,
        )
        service = Service(options, data, self._faults, self.requests)
        self._listener = socket.create_server((_HOST, options.port))
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        serving = serve(service, self._listener, options.tls, self._stopping)
        self._thread = threading.Thread(target=self._run, args=(serving,), daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop serving, and drop what is still in flight. Twice does no harm."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def __enter__(self) -> Self:
        """Start serving."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self.close()

    def _run(self, serving: Coroutine[Any, Any, None]) -> None:
        with self._listener, self._runner as runner:
            runner.run(serving)
