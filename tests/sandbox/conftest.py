"""A sandbox and a client of it, for the tests of the sandbox."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import requests

from tap_gong.sandbox import Options, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_gong.sandbox import World


class Client:
    """Talks to a sandbox with its key.

    Attributes:
        timeout: Seconds to wait for an answer.
    """

    timeout: float = 5

    def __init__(self, sandbox: Sandbox) -> None:
        """Open a session."""
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (sandbox.access_key, sandbox.access_key_secret)

    def get(self, path: str, **query: str) -> requests.Response:
        """GET a path."""
        return self.session.get(
            self.sandbox.url + path, params=query, timeout=self.timeout
        )

    def post(self, path: str, body: object) -> requests.Response:
        """POST a JSON body to a path."""
        return self.session.post(
            self.sandbox.url + path, json=body, timeout=self.timeout
        )

    def pages(self, **query: str) -> list[dict[str, Any]]:
        """Get all pages of `GET /v2/calls`."""
        pages = [self.get("/v2/calls", **query).json()]
        while cursor := pages[-1]["records"].get("cursor"):
            pages.append(self.get("/v2/calls", **query, cursor=cursor).json())
        return pages


class Start(Protocol):
    """Starts a sandbox without a rate limit, unless told otherwise."""

    def __call__(self, *, world: World | None = None, **options: Any) -> Client:  # noqa: ANN401 - any option
        """Start one."""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start sandboxes that end with the test."""
    with ExitStack() as stack:

        def start(*, world: World | None = None, **options: Any) -> Client:  # noqa: ANN401 - any option
            usual = {"requests_per_second": 0, "last_day": "2026-10-31"}
            chosen = Options(**{**usual, **options})
            sandbox = stack.enter_context(Sandbox(chosen, world=world))
            client = Client(sandbox)
            stack.enter_context(client.session)
            return client

        yield start
