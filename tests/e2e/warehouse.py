"""What a warehouse must say of a company whose tables have all been loaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.call_tables import KEYS, tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tap_gong.sandbox.world import World

    Ask = Callable[[str], list[dict[str, Any]]]

START = "2024-01-01"
"""Before the first call of a sandbox's company."""

_RECORDS = re.compile(r" calls: (\d+) records")
"""Of all tables about calls."""

DEAL = "Opportunity"

SPOKEN = f"""
select sentence."text", party."name", deal."objectId"
from {{schema}}.call_transcript_sentences as sentence
join {{schema}}.call_parties as party
  on party."callId" = sentence."callId" and party."speakerId" = sentence."speakerId"
join {{schema}}.call_crm_objects as deal
  on deal."callId" = sentence."callId"
  and deal."objectType" = '{DEAL}' and deal."timing" = 'Now'
"""  # noqa: S608 - nothing of it comes from outside
"""What was said, by whom, about which deal."""


def company(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Make a company whose last call was yesterday."""
    return make_sandbox(calls=300, last_day="yesterday")


def check_look_back(first: str, second: str) -> None:
    """Check that a second run read some calls again, and not all.

    Args:
        first: The log of the first run.
        second: The log of the second run.
    """
    before, after = (
        int(found) for log in (first, second) for found in _RECORDS.findall(log)
    )
    assert 0 < after < before // 2


def check(ask: Ask, schema: str, world: World) -> None:
    """Check what was loaded.

    Args:
        ask: Asks the database.
        schema: Where the tables are.
        world: The company.
    """
    wanted = tables(world, world.ids)
    counts = {name: len(records) for name, records in wanted.items()}
    counts |= {"users": len(world.users), "workspaces": len(world.workspaces)}
    assert counts.keys() == KEYS.keys()
    for name, key in KEYS.items():
        columns = ", ".join(f'"{column}"' for column in key)
        sql = f"select {columns} from {schema}.{name}"  # noqa: S608
        found = [tuple(row.values()) for row in ask(sql)]
        assert len(found) == len(set(found)) == counts[name], name

    names = {
        (party["callId"], party["speakerId"]): party["name"]
        for party in wanted["call_parties"]
        if party["speakerId"]
    }
    deals: dict[str, list[str]] = {}
    for linked in wanted["call_crm_objects"]:
        if (linked["objectType"], linked["timing"]) == (DEAL, "Now"):
            deals.setdefault(linked["callId"], []).append(linked["objectId"])
    spoken = [
        (sentence["text"], names[sentence["callId"], sentence["speakerId"]], deal)
        for sentence in wanted["call_transcript_sentences"]
        if sentence["speakerId"]
        for deal in deals.get(sentence["callId"], ())
    ]
    assert len(spoken) > 100
    rows = [tuple(row.values()) for row in ask(SPOKEN.format(schema=schema))]
    assert sorted(map(str, rows)) == sorted(map(str, spoken))
