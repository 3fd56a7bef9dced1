"""The basic data of a call: its 20 fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta, timezone
from typing import TYPE_CHECKING, TypeVar

from tap_gong.sandbox.world.people import WORKSPACE_IDS
from tap_gong.sandbox.world.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_gong.sandbox.world.people import Record

_T = TypeVar("_T")

CUSTOMERS = (
    "Quillmark",
    "Bramble & Oat",
    "Tessellate Labs",
    "O'Dunn Freight",
    "Fjordlys AS",
    "Almacén Ñandú",
    "Papier\\Stein",
    "Nine Lanterns 🏮",
)

_QUARTER = 15 * 60 * 1_000_000
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
_TITLES = (
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


@dataclass(frozen=True, slots=True)
class Moments:
    """When a call was.

    Attributes:
        started: When it started, in microseconds since 1970.
        scheduled: For when it was scheduled.
        listed: The time by which lists by date find it.
    """

    started: int
    scheduled: int
    listed: int


def moments(dice: bytes, about: int) -> Moments:
    """Tell when a call was.

    Args:
        dice: The dice of the call.
        about: When it started, in microseconds since 1970, before it is cut to the
            precision of the call.

    Returns:
        Its times.
    """
    started = about - about % _pick(_PRECISIONS, dice[3])[1]
    scheduled = (started + _QUARTER // 2) // _QUARTER * _QUARTER
    conference = _pick(_CHANNELS, dice[0])[1] == "Conference"
    return Moments(started, scheduled, scheduled if conference else started)


def workspace_of(dice: bytes) -> str:
    """Tell the workspace of a call.

    Args:
        dice: The dice of the call.

    Returns:
        The ID of the workspace.
    """
    return _pick(WORKSPACE_IDS, dice[1])


def customer_of(dice: bytes) -> str:
    """Tell with whom a call was.

    Args:
        dice: The dice of the call.

    Returns:
        The customer's name.
    """
    return _pick(CUSTOMERS, dice[6])


def basic_data(
    call_id: str, dice: bytes, times: Moments, user_ids: Sequence[str]
) -> Record:
    """Make the record of a call.

    Args:
        call_id: Its ID.
        dice: The dice of the call.
        times: When it was.
        user_ids: The users, of whom one hosted it.

    Returns:
        A record with 20 fields, or fewer.
    """
    system, direction, media = _pick(_CHANNELS, dice[0])
    zone = _pick(_ZONES, dice[4])
    conference = direction == "Conference"
    token = dice[44:52].hex()
    record: Record = {
        "id": call_id,
        "url": f"https://app.gong.io/call?id={call_id}",
        "title": f"{_pick(_TITLES, dice[5])}: {customer_of(dice)}",
        "scheduled": timestamp(times.scheduled, zone, "seconds"),
        "started": timestamp(times.started, zone, _pick(_PRECISIONS, dice[3])[0]),
        "duration": dice[7] * 14 + dice[8],
        "primaryUserId": _pick(user_ids, dice[9]),
        "direction": direction,
        "system": system,
        "scope": _pick(_SCOPES, dice[10]),
        "media": media,
        "language": _pick(_LANGUAGES, dice[11]),
        "workspaceId": workspace_of(dice),
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


def _pick(choices: Sequence[_T], roll: int) -> _T:
    return choices[roll % len(choices)]
