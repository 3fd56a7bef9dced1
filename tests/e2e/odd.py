"""Calls whose values a target may get wrong, and how to tell whether it did."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from tap_gong.tap import TapGong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_gong.sandbox import Sandbox

Json = dict[str, Any]

TEXTS = (
    "",
    " a space before and after ",
    "🚀 👩‍👩‍👧 四半期 Größe مكالمة e\u0301",
    "'single' \"double\" `back` $$dollar$$",
    "comma, semicolon; pipe | percent % :colon %s {}",
    "back\\slash, \\n, \\N, \\.",
    "two\nlines, three\r\nlines\r",
    "a\ttab",
    "a\0nul",
    "NULL",
    "null",
    "a line separator\u2028and a byte order mark\ufeff",
    "long " * 20_000,
)
NUMBERS = (0, -1, 2**63 - 1, -(2**63))
OFFSETS = range(-12 * 60, 14 * 60 + 1, 15)
"""Every UTC offset there is, in minutes."""

MOMENTS = (
    "1969-07-20T20:17:40Z",
    "2024-02-29T23:59:59.999999-00:01",
    "2024-10-27T02:30:00.5+01:00",
    "2038-01-19T03:14:08.000001Z",
)

FIELDS: dict[str, Json] = (
    TapGong(config={}, validate_config=False, setup_mapper=False)
    .streams["calls"]
    .schema["properties"]
)
"""The properties of a call, by name."""


def calls() -> list[Json]:
    """Make the calls: each value in every field that may have it."""
    offsets = (dt.timezone(dt.timedelta(minutes=minutes)) for minutes in OFFSETS)
    moments = [
        *MOMENTS,
        *(dt.datetime(2025, 1, 1, 0, 30, tzinfo=zone).isoformat() for zone in offsets),
    ]
    made: list[Json] = [
        *(dict.fromkeys(_names(None), text) for text in TEXTS),
        *({"duration": number} for number in NUMBERS),
        *({"isPrivate": value} for value in (True, False)),
        *({"started": moment, "scheduled": moment} for moment in moments),
        dict.fromkeys(FIELDS.keys() - {"id", "started"}),
        {},
    ]
    ids = ["1", *(str(2**64 - n) for n in range(1, len(made)))]
    return [
        {"started": "2025-01-01T00:00:00Z"} | call | {"id": id_}
        for id_, call in zip(ids, made, strict=False)
    ]


def add_to(sandbox: Sandbox) -> list[Json]:
    """Add the calls to a sandbox's company."""
    made = calls()
    for call in made:
        sandbox.world.add(call)
    return made


def check(
    rows: Iterable[Json], made: list[Json], stored: Callable[[str], str | None]
) -> None:
    """Compare a table with the calls that are to be in it.

    Args:
        rows: All rows of the table.
        made: The calls.
        stored: What the target makes of a text.
    """
    found = sorted(({k.lower(): v for k, v in row.items()} for row in rows), key=_id)
    assert [row["id"] for row in found] == sorted(call["id"] for call in made)
    for row, call in zip(found, sorted(made, key=_id), strict=True):
        for name in FIELDS:
            value, wanted = row[name.lower()], call.get(name)
            if name in _names("date-time"):
                value, wanted = utc(value), utc(wanted)
            elif isinstance(wanted, str):
                wanted = stored(wanted)
            assert value == wanted, (name, call["id"])


def utc(timestamp: str | None) -> dt.datetime | None:
    """An instant, however it is written; without an offset it is UTC."""
    if timestamp is None:
        return None
    moment = dt.datetime.fromisoformat(timestamp)
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _names(text_format: str | None) -> list[str]:
    """The optional fields of text in this format."""
    return [
        name
        for name, schema in FIELDS.items()
        if schema["type"] == ["string", "null"] and schema.get("format") == text_format
    ]


def _id(row: Json) -> str:
    return str(row["id"])
