"""The made-up company and its calls."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_T = TypeVar("_T")

Record = dict[str, object]
"""A call as Gong's API shows it: 20 fields, or fewer."""

WORKSPACE_IDS = ("623457276584334", "7104216083295518234", "2905127846630915871")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = 3_600_000_000
_QUARTER = _HOUR // 4

_MOST_KEPT = 50_000
"""Records to keep once they are made, some 100 MB, so that a second run is served
faster than any client can take them."""

_CHANNELS = (
    ("Zoom", "Conference", "Video"),
    ("Google Meet", "Conference", "Video"),
    ("Microsoft Teams", "Conference", "Video"),
    ("Aircall", "Inbound", "Audio"),
    ("Outreach", "Outbound", "Audio"),
    ("Upload API", "Unknown", "Audio"),
)
_ZONES = (
    UTC,
    timezone(timedelta(hours=-8)),
    timezone(timedelta(hours=-7)),
    timezone(timedelta(hours=2)),
    timezone(timedelta(hours=5, minutes=30)),
)
_PRECISIONS = (("seconds", 1_000_000), ("milliseconds", 1_000), ("microseconds", 1))
_ID_RANGES = (
    *[(10**18, 10**19)] * 12,
    *[(10**17, 10**18)] * 2,
    *[(10**19, 2**64)] * 2,
)
_TOPICS = (
    "Discovery call",
    "Product demo",
    "Quarterly review",
    'Workshop "From lead to cash"',
    "Kick-off 🚀",
    "Renewal\nand next steps",
    "Verhandlung über Preise & Größen",
    "四半期レビュー",
    "Первый звонок",
    "مكالمة متابعة",
)
_CUSTOMERS = (
    "Quillmark",
    "Bramble & Oat",
    "Tessellate Labs",
    "O'Dunn Freight",
    "Fjordlys AS",
    "Almacén Ñandú",
    "Papier\\Stein",
    "Nine Lanterns 🏮",
)
_USER_IDS = tuple(str(4_203_918_557_016_000_000 + 7_919 * n) for n in range(25))
_PURPOSES = ("Discovery", "Demo", "Negotiation", "Onboarding")
_DISPOSITIONS = ("Connected", "Got the gatekeeper", "Left a voicemail")
_LANGUAGES = ("eng", "eng", "eng", "ger", "fre", "spa", "jpn", "und", "zxx")
_SCOPES = ("External", "External", "Internal", "Unknown")

_GAPS = {
    "title": 4,
    "scheduled": 48,
    "primaryUserId": 4,
    "system": 4,
    "scope": 4,
    "language": 4,
    "sdrDisposition": 80,
    "clientUniqueId": 60,
    "customData": 80,
    "purpose": 60,
    "meetingUrl": 40,
    "calendarEventId": 40,
}
"""Of 256 calls, how many lack a field; as many again have null there."""


class World:
    """The calls of a made-up company: same arguments, same calls.

    Only IDs and times are kept; each record is made when it is asked for. So a
    company may have hundreds of thousands of calls.

    Attributes:
        ids: All call IDs, oldest start first.
    """

    def __init__(
        self,
        seed: int = 1,
        calls: int = 1_200,
        first_day: date = date(2024, 11, 1),
        days: int = 730,
    ) -> None:
        """Make up a company.

        Args:
            seed: Another seed, another company.
            calls: How many calls it had.
            first_day: The day of its first call, in UTC.
            days: How many days its calls are spread over, evenly.
        """
        self._seed = seed
        self._calls = calls
        self._start = _microseconds(datetime.combine(first_day, time(), tzinfo=UTC))
        self._span = days * 24 * _HOUR
        self._numbers: dict[str, int] = {}
        self._added: dict[str, Record] = {}
        self._made: dict[str, Record] = {}
        self._by_start: defaultdict[str | None, _Timeline] = defaultdict(_Timeline)
        self._by_listing: defaultdict[str | None, _Timeline] = defaultdict(_Timeline)
        for number in range(calls):
            dice = self._dice(number)
            call_id = self._unused_id(dice)
            self._numbers[call_id] = number
            started, scheduled = self._moments(number, dice)
            conference = _pick(_CHANNELS, dice[0])[1] == "Conference"
            self._index(
                call_id,
                _pick(WORKSPACE_IDS, dice[1]),
                started,
                scheduled if conference else started,
            )

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
            return dict(self._added[call_id])
        number = self._numbers.get(call_id)
        if number is None:
            return None
        if call_id not in self._made:
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            self._made[call_id] = self._record(call_id, number)
        return dict(self._made[call_id])

    def listing(
        self,
        start: datetime | None,
        end: datetime | None,
        workspace_id: str | None = None,
    ) -> list[str]:
        """List calls the way `GET /v2/calls` does.

        Its dates mean the scheduled time of a web conference, and the start of any
        other call.

        Args:
            start: From this moment; None is from the first call.
            end: To before this moment; None is to the last call.
            workspace_id: Only calls of this workspace.

        Returns:
            Call IDs in order of that time.
        """
        return self._by_listing.get(workspace_id, _Timeline()).between(start, end)

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
        return self._by_start.get(workspace_id, _Timeline()).between(start, end)

    def add(self, record: Mapping[str, object]) -> None:
        """Add a call. `World(calls=0)` is a company without any.

        Args:
            record: The call as the API is to show it: `id` and `started`, and
                whatever else.
        """
        call_id = str(record["id"])
        started = scheduled = str(record["started"])
        if record.get("direction") == "Conference":
            scheduled = str(record.get("scheduled") or started)
        self._added[call_id] = dict(record)
        self._index(
            call_id,
            str(record.get("workspaceId")),
            _microseconds(datetime.fromisoformat(started)),
            _microseconds(datetime.fromisoformat(scheduled)),
        )

    def _index(self, call_id: str, workspace: str, started: int, listed: int) -> None:
        for key in (None, workspace):
            self._by_start[key].insert(started, call_id)
            self._by_listing[key].insert(listed, call_id)

    def _dice(self, number: int) -> bytes:
        """Throw 64 dice of 256 sides for a call, the same ones each time."""
        return hashlib.blake2b(b"%d/%d" % (self._seed, number)).digest()

    def _unused_id(self, dice: bytes) -> str:
        lowest, end = _pick(_ID_RANGES, dice[2])
        number = lowest + int.from_bytes(dice[32:40], "big") % (end - lowest)
        while str(number) in self._numbers:
            number = lowest + (number + 1 - lowest) % (end - lowest)
        return str(number)

    def _moments(self, number: int, dice: bytes) -> tuple[int, int]:
        """Tell when a call started and for when it was scheduled.

        The first and the last half hour stay free, so that both times are in range.
        """
        within_slot = int.from_bytes(dice[40:44], "big")
        position = ((number << 32) + within_slot) * (self._span - _HOUR)
        started = self._start + _HOUR // 2 + position // (self._calls << 32)
        started -= started % _pick(_PRECISIONS, dice[3])[1]
        scheduled = (started + _QUARTER // 2) // _QUARTER * _QUARTER
        return started, scheduled

    def _record(self, call_id: str, number: int) -> Record:
        dice = self._dice(number)
        system, direction, media = _pick(_CHANNELS, dice[0])
        started, scheduled = self._moments(number, dice)
        zone = _pick(_ZONES, dice[4])
        conference = direction == "Conference"
        token = dice[44:52].hex()
        record: Record = {
            "id": call_id,
            "url": f"https://app.gong.io/call?id={call_id}",
            "title": f"{_pick(_TOPICS, dice[5])}: {_pick(_CUSTOMERS, dice[6])}",
            "scheduled": _text(scheduled, zone, "seconds"),
            "started": _text(started, zone, _pick(_PRECISIONS, dice[3])[0]),
            "duration": dice[7] * 14 + dice[8],
            "primaryUserId": _pick(_USER_IDS, dice[9]),
            "direction": direction,
            "system": system,
            "scope": _pick(_SCOPES, dice[10]),
            "media": media,
            "language": _pick(_LANGUAGES, dice[11]),
            "workspaceId": _pick(WORKSPACE_IDS, dice[1]),
            "sdrDisposition": None if conference else _pick(_DISPOSITIONS, dice[12]),
            "clientUniqueId": token.upper(),
            "customData": f'{{"ticket": {dice[13]}, "note": "{token[:4]}"}}',
            "purpose": _pick(_PURPOSES, dice[14]),
            "meetingUrl": f"https://meet.example/j/{token}" if conference else None,
            "isPrivate": dice[15] < 12,  # noqa: PLR2004 - about one in twenty
            "calendarEventId": f"{token}@calendar.example" if conference else None,
        }
        for (field, chance), roll in zip(_GAPS.items(), dice[16:32], strict=False):
            if field == "scheduled" and conference:
                continue
            if roll < chance:
                del record[field]
            elif roll < 2 * chance:
                record[field] = None
        return record


class _Timeline:
    """Call IDs in order of one of their times."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._moments = array("q")

    def insert(self, moment: int, call_id: str) -> None:
        place = bisect_right(self._moments, moment)
        self._moments.insert(place, moment)
        self.ids.insert(place, call_id)

    def between(self, start: datetime | None, end: datetime | None) -> list[str]:
        first = bisect_left(self._moments, _microseconds(start)) if start else 0
        last = bisect_left(self._moments, _microseconds(end)) if end else None
        return self.ids[first:last]


def _pick(choices: Sequence[_T], roll: int) -> _T:
    return choices[roll % len(choices)]


def _microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (moment - _EPOCH) // _MICROSECOND


def _text(microseconds: int, zone: timezone, precision: str) -> str:
    moment = (_EPOCH + microseconds * _MICROSECOND).astimezone(zone)
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
