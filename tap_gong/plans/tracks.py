"""Tracks: from when on each stream of a pass by date is emitted, and its bookmark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tap_gong.errors import SettingsError
from tap_gong.settings import parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_gong.plans.ranges import Range

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any call. A bookmark may hold any date."""

CLOCKS_DIFFER = timedelta(minutes=10)
"""How far a bookmark may be ahead of this machine's clock before it cannot be true."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the calls have been read, as the bookmark says it.

    In the bookmark each is a value of its own and not a part of one object, because
    Meltano cannot merge an object where null stands.
    """

    until: datetime | None = None
    """All calls before this moment are out, but for those that Gong shows late."""
    began: datetime | None = None
    """When a pass of several runs began: the look-back after it counts from here. None
    for a pass of one run."""
    reached: datetime | None = None
    """Where an unfinished pass goes on; None after a finished one."""
    emitted: frozenset[str] = frozenset()
    """IDs of the calls after `reached` that are out already."""
    workspace_id: str | None = None
    """The only workspace that was read; None for all."""
    since: datetime | None = None
    """From when on the calls were read; None if an older version has read them."""

    @classmethod
    def from_bookmark(cls, bookmark: Mapping[str, Any], stream: str) -> Reading:
        """Read a bookmark.

        Args:
            bookmark: A stream's bookmark.
            stream: Its name, for the error.

        Raises:
            SettingsError: If it holds something that is not a moment.
        """
        workspace_id = bookmark.get("workspace_id")
        emitted = bookmark.get("pass_emitted")
        return cls(
            moment_at(bookmark, stream, "replication_key_value"),
            moment_at(bookmark, stream, "pass_began"),
            moment_at(bookmark, stream, "pass_reached"),
            frozenset(map(str, emitted) if isinstance(emitted, list) else ()),
            None if workspace_id is None else str(workspace_id),
            moment_at(bookmark, stream, "start_date"),
        )

    def to_bookmark(self) -> dict[str, Any]:
        """Write what `from_bookmark` reads."""
        return {
            "replication_key": "started",
            "replication_key_value": self.until and iso(self.until),
            "start_date": self.since and iso(self.since),
            "workspace_id": self.workspace_id,
            "pass_began": self.began and iso(self.began),
            "pass_reached": self.reached and iso(self.reached),
            "pass_emitted": sorted(self.emitted) or None,
        }


class Track:
    """One stream in a pass: from when on it is emitted, and its bookmark."""

    def __init__(
        self,
        name: str,
        bookmark: Mapping[str, Any],
        range_: Range,
        *,
        is_incremental: bool = True,
        warn: Callable[[str], None],
    ) -> None:
        """Begin where an earlier run has ended.

        Args:
            name: The stream's name.
            bookmark: The stream's bookmark.
            range_: What the settings say.
            is_incremental: Whether the bookmark counts; if not, all is read again.
            warn: Called with what a person should know.

        Raises:
            SettingsError: If they do not say from when on to read.
        """
        self._was = reading = Reading.from_bookmark(bookmark, name)
        if not (range_.start_date or reading.until):
            raise no_start(name)
        reading = _checked(reading, range_, warn)
        self.start = _start(reading if is_incremental else Reading(), range_, warn)
        """From when on its records are emitted, in UTC."""
        self._began = range_.now
        if self.start == reading.reached and is_incremental:
            self._began = reading.began or range_.now
        else:
            reading = replace(reading, began=None, reached=None, emitted=frozenset())
        self.before = reading
        """How far the calls of these settings have been read already."""
        self._written = {name for name in bookmark if bookmark[name] is not None}

    def bookmark(
        self,
        reached: datetime,
        *,
        is_done: bool,
        emitted: frozenset[str],
        workspace_id: str | None,
    ) -> Mapping[str, Any]:
        """Give the bookmark.

        Args:
            reached: Up to when everything is out.
            is_done: Whether this is the end of the pass.
            emitted: IDs of the calls after `reached` that are out already.
            workspace_id: The only workspace that is read; None for all.
        """
        until = max(self.before.until or reached, reached)
        since = self.before.since
        if since or not self.before.until:
            since = min(since or self.start, self.start)
        needs_pass = not is_done or self._began < until
        return self._write(
            Reading(
                until,
                self._began if needs_pass else None,
                None if is_done else reached,
                emitted,
                workspace_id,
                since,
            )
        )

    def as_it_was(self) -> Mapping[str, Any]:
        """Give the bookmark as it was before this run."""
        return self._write(self._was)

    def _write(self, reading: Reading) -> Mapping[str, Any]:
        """Give the bookmark that says so: null only where something stood before."""
        values = reading.to_bookmark()
        self._written |= {name for name in values if values[name] is not None}
        return {name: values[name] for name in values if name in self._written}


def iso(moment: datetime) -> str:
    """Write a moment in UTC as Gong's documentation does, in whole seconds."""
    text = moment.astimezone(UTC).isoformat(timespec="seconds")
    return f"{text.removesuffix('+00:00')}Z"


def moment_at(bookmark: Mapping[str, Any], stream: str, name: str) -> datetime | None:
    """Read a moment of a bookmark, in UTC and whole seconds; None if there is none."""
    value = bookmark.get(name)
    if value is None:
        return None
    return parse_moment(str(value), f"state: {stream}.{name}").replace(microsecond=0)


def no_start(name: str) -> SettingsError:
    """Make the error for a stream that has neither a bookmark nor a start_date."""
    return SettingsError(
        f"Nothing says from when on to read {name!r}, which has no bookmark in state: "
        f"set start_date."
    )


def _start(reading: Reading, range_: Range, warn: Callable[[str], None]) -> datetime:
    """Tell from when on to read."""
    start_date = range_.start_date
    if reading.until is None:
        return start_date or LONG_AGO
    if start_date and start_date > reading.until:
        warn(
            f"start_date {iso(start_date)} is later than the bookmark "
            f"{iso(reading.until)} in state: calls are read from the bookmark on, so "
            f"that none in between is left out."
        )
    if start_date and reading.since and start_date < reading.since:
        warn(
            f"start_date {iso(start_date)} is earlier than {iso(reading.since)}, from "
            f"which on the calls were read: all calls are read from start_date on."
        )
        return start_date
    if reading.reached and reading.reached <= reading.until:
        return reading.reached
    start = min(reading.began or reading.until, reading.until, range_.end)
    start = max(start, LONG_AGO) - range_.lookback
    if start_date and start_date <= reading.until:
        start = max(start, start_date)
    return start


def _checked(reading: Reading, range_: Range, warn: Callable[[str], None]) -> Reading:
    """Leave out what is not true of these settings, or cannot be true at all."""
    if reading.workspace_id not in {None, range_.workspace_id}:
        if range_.start_date is None:
            msg = (
                f"The bookmark in state is of workspace_id {reading.workspace_id} "
                f"only. Set start_date to read the calls of the others, or set "
                f"workspace_id back."
            )
            raise SettingsError(msg)
        warn(
            f"The bookmark in state is of workspace_id {reading.workspace_id} only, "
            f"so all calls are read from start_date on."
        )
        return Reading()
    if reading.until and reading.until > range_.now + CLOCKS_DIFFER:
        rest = " from start_date on"
        if range_.start_date is None:
            rest = "; set start_date to read less"
        warn(
            f"The bookmark {iso(reading.until)} in state lies in the future and so "
            f"cannot be true: a clock was wrong. All calls are read{rest}."
        )
        return Reading()
    return reading
