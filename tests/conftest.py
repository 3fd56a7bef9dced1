"""What all tests share: a sandbox to ask, and the tap run as a command."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.__main__ import main
from tap_gong.sandbox import Options, Sandbox
from tap_gong.tap import TapGong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Json = dict[str, Any]


@dataclass
class Run:
    """How a run of the tap ended, and what it wrote."""

    status: int
    stdout: str
    stderr: str

    @cached_property
    def messages(self) -> list[Json]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    def of_type(self, kind: str) -> list[Json]:
        return [message for message in self.messages if message["type"] == kind]

    @property
    def catalog(self) -> Json:
        """What was discovered, with the stream `calls` alone."""
        catalog: Json = json.loads(self.stdout)
        catalog["streams"] = [
            stream
            for stream in catalog["streams"]
            if stream["tap_stream_id"] == "calls"
        ]
        return catalog

    @property
    def schema(self) -> Json:
        (message,) = self.of_type("SCHEMA")
        schema: Json = message["schema"]
        return schema

    def schema_of(self, stream: str) -> Json:
        schemas = {found["stream"]: found for found in self.of_type("SCHEMA")}
        schema: Json = schemas[stream]["schema"]
        return schema

    def records_of(self, stream: str) -> list[Json]:
        messages = self.of_type("RECORD")
        return [found["record"] for found in messages if found["stream"] == stream]

    @property
    def records(self) -> list[Json]:
        return [message["record"] for message in self.of_type("RECORD")]

    @property
    def ids(self) -> list[str]:
        return [record["id"] for record in self.records]

    @property
    def state(self) -> Json:
        state: Json = self.of_type("STATE")[-1]["value"]
        return state

    @property
    def bookmark(self) -> Json:
        bookmark: Json = self.state["bookmarks"]["calls"]
        return bookmark

    @property
    def errors(self) -> list[str]:
        return [line for line in self.stderr.splitlines() if "| ERROR " in line]


@dataclass
class TapRunner:
    """Runs the command `tap-gong` in this process."""

    folder: Path
    capture: pytest.CaptureFixture[bytes]
    monkeypatch: pytest.MonkeyPatch
    config: Json = field(default_factory=dict)

    def __call__(
        self,
        *arguments: str,
        config: Json | None = None,
        state: Json | None = None,
        catalog: Json | None = None,
        **settings: object,
    ) -> Run:
        """Run with settings on top of the fixture's, or with a whole config."""
        argv = ["tap-gong", *arguments]
        if not arguments:
            inputs = {
                "config": self.config | settings if config is None else config,
                "state": state,
                "catalog": catalog,
            }
            for name, value in inputs.items():
                if value is not None:
                    path = self.folder / f"{name}.json"
                    path.write_text(json.dumps(value))
                    argv += [f"--{name}", str(path)]
        self.monkeypatch.setattr(sys, "argv", argv)
        self.capture.readouterr()
        root = logging.getLogger()
        handlers = root.handlers.copy()
        with pytest.raises(SystemExit) as stopped:
            main()
        root.handlers[:] = handlers
        sys.stdout.flush()
        out, err = self.capture.readouterr()
        return Run(int(stopped.value.code or 0), out.decode(), err.decode())


@pytest.fixture(scope="session")
def _discovered() -> str:
    return json.dumps(TapGong(config={}, validate_config=False).catalog_dict)


@pytest.fixture
def catalog_of(_discovered: str) -> Callable[..., Json]:
    """Make a catalog in which these streams, and no others, are selected."""

    def make(*streams: str) -> Json:
        catalog: Json = json.loads(_discovered)
        entries = {entry["tap_stream_id"]: entry for entry in catalog["streams"]}
        assert {*streams} <= entries.keys()
        for name, entry in entries.items():
            mark(entry, selected=name in streams)
        return catalog

    return make


def entry_of(catalog: Json, stream: str) -> Json:
    """Find a stream in a catalog."""
    (entry,) = (e for e in catalog["streams"] if e["tap_stream_id"] == stream)
    found: Json = entry
    return found


def mark(entry: Json, *breadcrumb: str, selected: bool) -> None:
    """Select or deselect a stream of a catalog, or one of its properties."""
    for item in entry["metadata"]:
        if item["breadcrumb"] == [*breadcrumb]:
            item["metadata"]["selected"] = selected
            return
    new = {"breadcrumb": [*breadcrumb], "metadata": {"selected": selected}}
    entry["metadata"].append(new)


@pytest.fixture(autouse=True)
def _clean_environment() -> Iterator[None]:
    """Keep settings out of the tests that the environment or another test has."""
    before = os.environ.copy()
    for name in before:
        if name.startswith("TAP_GONG_"):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the waits between tries take no time; they are listed."""
    waited: list[float] = []
    monkeypatch.setattr("tap_gong.gong.tries.pause", waited.append)
    return waited


@pytest.fixture
def make_sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes with these options; no limits and a fixed day unless told."""
    started: list[Sandbox] = []

    def make(**options: object) -> Sandbox:
        usual: Json = {
            "requests_per_second": 0,
            "requests_per_day": 0,
            "last_day": "2026-10-31",
        }
        started.append(Sandbox(Options(**usual | options)).start())
        return started[-1]

    yield make
    for sandbox in started:
        sandbox.close()


@pytest.fixture
def nothing_is_left_in_flight(make_sandbox: object) -> Iterator[None]:
    """Wait for what a run that failed has left to its threads, then close sandboxes."""
    assert make_sandbox
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.endswith("(_work)"):
            thread.join(2)


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A sandbox without limits or faults."""
    return make_sandbox()


@pytest.fixture
def run_tap(
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Sandbox], TapRunner]]:
    """Make a runner whose settings point to a sandbox."""
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)

    def make(sandbox: Sandbox) -> TapRunner:
        return TapRunner(
            tmp_path,
            capfdbinary,
            monkeypatch,
            {
                "access_key": sandbox.access_key,
                "access_key_secret": sandbox.access_key_secret,
                "api_url": sandbox.url,
                "requests_per_second": 500,
            },
        )

    yield make
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def tap(run_tap: Callable[[Sandbox], TapRunner], sandbox: Sandbox) -> TapRunner:
    """A runner whose settings point to `sandbox`."""
    return run_tap(sandbox)
