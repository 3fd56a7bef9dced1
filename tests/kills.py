"""Kill the tap at random moments, and resume it from its last state."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tap_gong.tap import TapGong
from tests.call_tables import KEYS, tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from tap_gong.sandbox import Sandbox
    from tap_gong.sandbox.world import World

WAYS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGINT SIGTERM", "closed pipe")
"""The fourth is what Meltano sends for one Ctrl-C."""

CALLS = 300
UNDER_WAY = 100 + 100
"""Calls since the last checkpoint, and requests in flight: what may come twice."""

Key = tuple[Any, ...]


class Promises:
    """What a state says is out, held against the rows that the tables are to have."""

    def __init__(
        self,
        world: World,
        streams: Sequence[str],
        *,
        queue: Sequence[str] = (),
        listed: Sequence[str] = (),
    ) -> None:
        """Make the rows.

        Args:
            world: The company.
            streams: The selected streams.
            queue: Call IDs that the first state had.
            listed: Call IDs of the settings. Without both, all calls are read by date.
        """
        self._world = world
        self._queue = queue
        self._listed = listed
        self.calls = [*queue, *listed] or list(world.ids)
        found = tables(world, self.calls)
        self.wanted = {
            stream: {key_of(stream, record) for record in found[stream]}
            for stream in streams
        }
        """The keys of all rows, by stream."""
        self._by_call: dict[str, defaultdict[str, set[Key]]] = {}
        for stream, keys in self.wanted.items():
            self._by_call[stream] = defaultdict(set)
            for key in keys:
                self._by_call[stream][key[0]].add(key)

    def check(self, state: dict[str, Any], rows: dict[str, Counter[Key]]) -> None:
        """Check that each row is there of which the state says that it is out."""
        bookmarks = state["bookmarks"]
        left = bookmarks.get("calls", {}).get("call_ids", self._queue)
        from_queue = {*self._queue}.difference(left)
        for stream, by_call in self._by_call.items():
            out = rows[stream]
            for id_ in from_queue.union(self._said(bookmarks.get(stream, {}))):
                assert by_call[id_] <= out.keys(), (stream, id_, bookmarks)

    def _said(self, bookmark: dict[str, Any]) -> Collection[str]:
        """The calls of which a stream's bookmark says that all is out."""
        if self._listed:
            return self._listed[: done_of(bookmark.get("position"))]
        if not (until := bookmark.get("replication_key_value")):
            return ()
        before = self._world.listing(None, datetime.fromisoformat(until))
        return [*before, *(bookmark.get("pass_emitted") or ())]


@dataclass
class Target:
    """What a target would have kept: whole lines, and the last state among them."""

    rows: defaultdict[str, Counter[Key]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    """How often each row came, by stream and key."""
    state: dict[str, Any] | None = None
    last: str = "STATE"
    """The type of the last message, as if a run had gone before the first."""
    promises: Promises | None = None
    """What each state is held against."""

    @property
    def ids(self) -> list[str]:
        """The IDs of the calls, as often as they came."""
        return [id_ for (id_,) in self.rows["calls"].elements()]

    def take(self, line: str) -> None:
        """Take a line, if it is whole."""
        if line.endswith("\n"):
            message = json.loads(line)
            self.last = message["type"]
            if self.last == "RECORD":
                stream = message["stream"]
                self.rows[stream][key_of(stream, message["record"])] += 1
            elif self.last == "STATE":
                self.state = message["value"]
                if self.promises:
                    self.promises.check(message["value"], self.rows)
        else:
            self.last = "half a line"


def key_of(stream: str, record: dict[str, Any]) -> Key:
    """The primary key of a record."""
    return tuple(record[column] for column in KEYS[stream])


def done_of(position: Any) -> int:  # noqa: ANN401 - JSON
    """How many IDs are done: of an object, of text where null stood, or of null."""
    if isinstance(position, str):
        return int(position.partition(":")[2])
    return int(position["done"]) if position else 0


def catalog_of(streams: Iterable[str]) -> dict[str, Any]:
    """Make a catalog in which these streams are selected."""
    tap = TapGong(config={}, validate_config=False, setup_mapper=False)
    catalog: dict[str, Any] = json.loads(tap.catalog_json_text)
    for entry in catalog["streams"]:
        (found,) = (item for item in entry["metadata"] if not item["breadcrumb"])
        found["metadata"]["selected"] = entry["tap_stream_id"] in streams
    return catalog


def start(
    folder: Path,
    config: dict[str, Any],
    target: Target,
    streams: Iterable[str] = ("calls",),
) -> subprocess.Popen[str]:
    """Start the tap as a process of its own, from the target's state."""
    inputs = {
        "config": config,
        "state": target.state or {},
        "catalog": catalog_of(streams),
    }
    arguments = []
    for name, value in inputs.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(value))
        arguments += [f"--{name}", str(path)]
    return subprocess.Popen(
        [sys.executable, "-m", "tap_gong", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], target: Target) -> tuple[int, str]:
    """Read the rest; status and log."""
    with process:
        assert process.stdout
        assert process.stderr
        if not process.stdout.closed:
            for line in process.stdout:
                target.take(line)
        log = process.stderr.read()
    return process.returncode, log


def kill_and_resume(  # noqa: PLR0913 - each is a fact of its own
    sandbox: Sandbox,
    folder: Path,
    *,
    streams: Sequence[str],
    by: str,
    way: str,
    seed: int,
) -> None:
    """Kill the tap twice, let it finish, and check that nothing is lost.

    Every state on the way must be true for each of the streams.

    Args:
        sandbox: What it asks.
        folder: For its configuration and state.
        streams: The streams to select, `calls` among them.
        by: `id`, from a queue and a list, or `date`.
        way: How it is killed, one of `WAYS`.
        seed: Of the moments, which are numbers of lines that the target has read.
    """
    generator = random.Random(seed)
    config: dict[str, Any] = {
        "access_key": sandbox.access_key,
        "access_key_secret": sandbox.access_key_secret,
        "api_url": sandbox.url,
        "requests_per_second": 500,
    }
    target = Target()
    if by == "id":
        ids = sandbox.world.ids[:CALLS]
        queue, listed = ids[:120], ids[120:]
        promises = Promises(sandbox.world, streams, queue=queue, listed=listed)
        config["call_ids"] = listed
        target.state = {"bookmarks": {"calls": {"call_ids": queue}}}
        most_twice = UNDER_WAY
    else:
        promises = Promises(sandbox.world, streams)
        config |= {"start_date": "2024-10-30", "lookback_days": 0}
        # A period is out page by page, and counts at its end.
        most_twice = len(promises.calls)
    target.promises = promises
    lines = sum(map(len, promises.wanted.values()))
    for _ in range(2):
        process = start(folder, config, target, streams)
        assert process.stdout
        for _ in range(generator.randrange(1, lines // 2)):
            if not (line := process.stdout.readline()):
                break
            target.take(line)
        if way == "closed pipe":
            process.stdout.close()
        else:
            for name in way.split():
                process.send_signal(signal.Signals[name])
        _, log = finish(process, target)
        assert "Traceback" not in log, log
        assert way in {"SIGKILL", "closed pipe"} or target.last == "STATE"
    status, log = finish(start(folder, config, target, streams), target)
    assert status == 0, log
    assert {name: {*rows} for name, rows in target.rows.items()} == promises.wanted
    if by == "date" and way not in {"SIGKILL", "closed pipe"}:
        # The last STATE covers every record.
        assert all({*rows.values()} == {1} for rows in target.rows.values())
    assert target.rows["calls"].total() <= len(promises.calls) + 2 * most_twice
