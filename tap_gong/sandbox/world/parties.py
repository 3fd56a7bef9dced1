"""Who took part in a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_gong.sandbox.world.crm import domain_of, party_context
from tap_gong.sandbox.world.people import person_name

if TYPE_CHECKING:
    from tap_gong.sandbox.world.call import Call
    from tap_gong.sandbox.world.dice import Dice
    from tap_gong.sandbox.world.people import Record

_FEWEST, _MOST = 2, 8
_TITLES = (
    "VP Operations",
    "Buyer",
    "CTO 🛠",
    "Procurement & Legal",
    "Geschäftsführerin",
)


def make_parties(call: Call) -> list[Record] | None:
    """Make up the parties of a call.

    Args:
        call: The call.

    Returns:
        The parties, those of the company first; None where Gong knows of none, as of
        some calls that were uploaded.
    """
    dice = call.dice("parties")
    if call.record.get("system") == "Upload API" and dice.chance(40):
        return None
    count = _FEWEST + dice.roll(_MOST - _FEWEST + 1)
    company = 1 + dice.roll(min(3, count - 1))
    phone = call.record.get("direction") in ("Inbound", "Outbound")
    parties = [_colleague(call, dice, user) for user in _team(call, dice, company)]
    while len(parties) < count:
        parties.append(_caller(dice) if phone else _guest(call, dice))
    parties[0]["speakerId"] = dice.identifier()
    if len(parties) < _MOST and dice.chance(15):
        parties.append(_again(dice, parties[-1]))
    return parties


def _team(call: Call, dice: Dice, count: int) -> list[Record]:
    """Choose colleagues, the host first."""
    users = list(call.users)
    host_id = call.record.get("primaryUserId")
    first = next((n for n, user in enumerate(users) if user["id"] == host_id), None)
    team = [users.pop(dice.roll(len(users)) if first is None else first)]
    while users and len(team) < count:
        team.append(users.pop(dice.roll(len(users))))
    return team


def _colleague(call: Call, dice: Dice, user: Record) -> Record:
    party = _party(dice, "Internal", 65)
    party["userId"] = user["id"]
    party["emailAddress"] = user["emailAddress"]
    if dice.chance(85):
        party["name"] = f"{user['firstName']} {user['lastName']}"
    if user["title"] is not None:
        party["title"] = user["title"]
    party["context"] = party_context(call, dice, ("User",))
    return party


def _guest(call: Call, dice: Dice) -> Record:
    affiliation = "Unknown" if dice.chance(20) else "External"
    party = _party(dice, affiliation, 55)
    first, last = person_name(dice)
    if affiliation == "External" or dice.chance(50):
        address = f"p{str(party['id'])[-5:]}@{domain_of(call.customer)}"
        party["emailAddress"] = address
    if dice.chance(70):
        party["name"] = f"{first} {last}"
    if dice.chance(40):
        party["title"] = dice.pick(_TITLES)
    party["context"] = party_context(call, dice, ("Contact", "Contact", "Lead"))
    return party


def _caller(dice: Dice) -> Record:
    """Somebody of whom only the telephone is known."""
    party = _party(dice, "Unknown", 80)
    party["phoneNumber"] = f"+49 30 555 {dice.roll(9000) + 1000}"
    party["context"] = []
    return party


def _again(dice: Dice, party: Record) -> Record:
    """The same person once more: invited as the one, there as the other."""
    party |= {"methods": ["Invitee"], "speakerId": None}
    same = ("affiliation", "emailAddress", "name", "userId")
    attendee: Record = {name: party[name] for name in same if name in party}
    return {
        "id": dice.identifier(),
        **attendee,
        "speakerId": dice.identifier(),
        "methods": ["Attendee"],
        "context": [],
    }


def _party(dice: Dice, affiliation: str, speaks: int) -> Record:
    return {
        "id": dice.identifier(),
        "affiliation": affiliation,
        "speakerId": dice.identifier() if dice.chance(speaks) else None,
        "methods": dice.pick((["Invitee", "Attendee"], ["Invitee"], ["Attendee"])),
    }
