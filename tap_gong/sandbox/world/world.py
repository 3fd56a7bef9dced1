"""The company: what it has, found by ID and by date."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from tap_gong.sandbox.world import calls as made_calls
from tap_gong.sandbox.world import people
from tap_gong.sandbox.world.call import Call
from tap_gong.sandbox.world.details import make_details
from tap_gong.sandbox.world.dice import ID_RANGES
from tap_gong.sandbox.world.times import Timeline, microseconds
from tap_gong.sandbox.world.transcripts import has_transcript

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_gong.sandbox.world.people import Record

_HOUR = 3_600_000_000

_MOST_KEPT = 50_000
"""Records to keep once they are made, some 100 MB, so that a second run is served
faster than any client can take them."""


class World:
    """A made-up company: same arguments, same company.

    Of a call only its ID and times are kept; everything else is made when it is asked
    for. So a company may have hundreds of thousands of calls. Nothing but dates
    depends on the days.

    Attributes:
        users: Its users, lowest ID first.
        avatars: Users that stand for Gong's own staff.
        workspaces: Its workspaces.
    """

    def __init__(  # noqa: PLR0913 - each is a fact of its own
        self,
        seed: int = 1,
        calls: int = 1_200,
        *,
        last_day: date | None = None,
        days: int = 730,
        users: int = 25,
        sentences: int = 12,
    ) -> None:
        """Make up a company.

        Args:
            seed: Another seed, another company.
            calls: How many calls it had.
            last_day: The last day with calls, in UTC; yesterday by default.
            days: How many days its calls are spread over, evenly.
            users: How many users it has, at least 1.
            sentences: About how many sentences the transcript of a call has; 0 is no
                transcripts.
        """
        self._seed = seed
        self._calls = calls
        self._sentences = sentences
        last_day = last_day or datetime.now(UTC).date() - timedelta(days=1)
        first_day = last_day - timedelta(days=days - 1)
        self._start = microseconds(datetime.combine(first_day, time(), tzinfo=UTC))
        self._span = days * 24 * _HOUR
        self._user_ids = people.user_ids(users)
        self.users = people.users(seed, self._user_ids, first_day)
        self.avatars = people.avatars(seed, first_day)
        self.workspaces = people.workspaces()
        self._numbers: dict[str, int] = {}
        self._added: dict[str, tuple[Record, Record]] = {}
        self._made: dict[str, Record] = {}
        self._by_start: defaultdict[str | None, Timeline] = defaultdict(Timeline)
        self._by_listing: defaultdict[str | None, Timeline] = defaultdict(Timeline)
        for number in range(calls):
            dice = self._dice(number)
            call_id = self._unused_id(dice)
            self._numbers[call_id] = number
            times = self._moments(number, dice)
            workspace = made_calls.workspace_of(dice)
            self._index(call_id, workspace, times.started, times.listed)

    @property
    def ids(self) -> Sequence[str]:
        """All call IDs, oldest start first."""
        return self._by_start[None].ids

    def call(self, call_id: str) -> Record | None:
        """Look a call up.

        Args:
            call_id: Its ID.

        Returns:
            A new record, or None if there is no such call.
        """
        if call_id in self._added:
            return dict(self._added[call_id][0])
        number = self._numbers.get(call_id)
        if number is None:
            return None
        if call_id not in self._made:
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            dice = self._dice(number)
            self._made[call_id] = made_calls.basic_data(
                call_id, dice, self._moments(number, dice), self._user_ids
            )
        return dict(self._made[call_id])

    def details(self, call_id: str, *blocks: str) -> Record:
        """Look up what is known of a call beyond its record.

        Args:
            call_id: The ID of a call that there is.
            blocks: What is wanted: `parties`, `context`, `content`, `interaction`,
                `collaboration`, `media` as `POST /v2/calls/extensive` has them with
                everything selected; `transcript`, the list of monologues; `access`,
                the list of users with individual access.

        Returns:
            The blocks by name. One that the call does not have is left out.
        """
        if call_id in self._added:
            known = self._added[call_id][1]
            return {block: known[block] for block in blocks if block in known}
        return make_details(self._facts(call_id), blocks)

    def has_transcript(self, call_id: str) -> bool:
        """Tell whether a call has a transcript.

        Args:
            call_id: The ID of a call that there is.

        Returns:
            Whether it has one.
        """
        if call_id in self._added:
            return "transcript" in self._added[call_id][1]
        return self._sentences > 0 and has_transcript(self._seed, call_id)

    def listing(
        self,
        start: datetime | None,
        end: datetime | None,
        workspace_id: str | None = None,
    ) -> list[str]:
        """List calls the way Gong does when it is asked by date.

        Its dates mean the scheduled time of a web conference, and the start of any
        other call.

        Args:
            start: From this moment; None is from the first call.
            end: To before this moment; None is to the last call.
            workspace_id: Only calls of this workspace.

        Returns:
            Call IDs in order of that time.
        """
        return self._by_listing.get(workspace_id, Timeline()).between(start, end)

    def started(
        self,
        start: datetime | None,
        end: datetime | None,
        workspace_id: str | None = None,
    ) -> list[str]:
        """List calls by the time at which they started.

        Args:
            start: From this moment; None is from the first call.
            end: To before this moment; None is to the last call.
            workspace_id: Only calls of this workspace.

        Returns:
            Call IDs in order of their start.
        """
        return self._by_start.get(workspace_id, Timeline()).between(start, end)

    def add(
        self,
        record: Mapping[str, object],
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Add a call. `World(calls=0)` is a company without any.

        Args:
            record: The call as the API is to show it: `id` and `started`, and
                whatever else.
            details: What is known beyond that, by the names of `details()`. What is
                not there, the call does not have.
        """
        call_id = str(record["id"])
        started = scheduled = str(record["started"])
        if record.get("direction") == "Conference":
            scheduled = str(record.get("scheduled") or started)
        self._added[call_id] = dict(record), dict(details or {})
        self._index(
            call_id,
            str(record.get("workspaceId")),
            microseconds(datetime.fromisoformat(started)),
            microseconds(datetime.fromisoformat(scheduled)),
        )

    def _index(self, call_id: str, workspace: str, started: int, listed: int) -> None:
        for key in (None, workspace):
            self._by_start[key].insert(started, call_id)
            self._by_listing[key].insert(listed, call_id)

    def _facts(self, call_id: str) -> Call:
        record = self.call(call_id)
        if record is None:
            raise KeyError(call_id)
        customer = made_calls.customer_of(self._dice(self._numbers[call_id]))
        return Call(self._seed, call_id, record, customer, self.users, self._sentences)

    def _dice(self, number: int) -> bytes:
        """Throw 64 dice of 256 sides for a call, the same ones each time."""
        return hashlib.blake2b(b"%d/%d" % (self._seed, number)).digest()

    def _unused_id(self, dice: bytes) -> str:
        lowest, end = ID_RANGES[dice[2] % len(ID_RANGES)]
        number = lowest + int.from_bytes(dice[32:40], "big") % (end - lowest)
        while str(number) in self._numbers:
            number = lowest + (number + 1 - lowest) % (end - lowest)
        return str(number)

    def _moments(self, number: int, dice: bytes) -> made_calls.Moments:
        """Tell when a call was.

        The first and the last half hour stay free, so that all its times are in range.
        """
        within_slot = int.from_bytes(dice[40:44], "big")
        position = ((number << 32) + within_slot) * (self._span - _HOUR)
        about = self._start + _HOUR // 2 + position // (self._calls << 32)
        return made_calls.moments(dice, about)
