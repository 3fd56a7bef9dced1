"""What the CRM systems know: accounts and deals of a call, people of its parties."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_gong.sandbox.world.dice import Dice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_gong.sandbox.world.call import Call
    from tap_gong.sandbox.world.people import Record

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz0123456789"
_STAGES = ("Prospecting", "Proposal", "Negotiation / Review", "Closed Won ✅")
_SYSTEMS = (("Salesforce",), ("Salesforce",), ("HubSpot",), ("Salesforce", "HubSpot"))
_MOST_DEALS = 3


def call_context(call: Call) -> list[Record] | None:
    """Make up what a call is linked to: accounts and deals of its customer.

    Args:
        call: The call.

    Returns:
        An entry for each CRM system, with all fields at both timings; None where
        the call is linked to nothing.
    """
    dice = call.dice("context")
    if not dice.chance(65):
        return None
    return [
        {"system": system, "objects": _objects(call, dice, system)}
        for system in dice.pick(_SYSTEMS)
    ]


def party_context(call: Call, dice: Dice, kinds: Sequence[str]) -> list[Record]:
    """Make up what a party is linked to.

    Args:
        call: The call.
        dice: The dice of the parties.
        kinds: The types of CRM objects to choose from.

    Returns:
        An entry for each CRM system, often none.
    """
    if not dice.chance(45):
        return []
    kind = dice.pick(kinds)
    linked: Record = {
        "objectType": kind,
        "objectId": _object_id(dice, "Salesforce", kind),
    }
    if kind != "User":
        linked["fields"] = [
            {"name": "Title", "value": dice.pick(("Director", "Einkäufer", None))},
            {"name": "Score__c", "value": float(dice.roll(1000)) / 10},
            {"name": "AccountName", "value": call.customer},
        ]
    return [{"system": "Salesforce", "objects": [linked]}]


def domain_of(customer: str) -> str:
    """Make the domain of a customer's e-mail.

    Args:
        customer: The customer's name.

    Returns:
        The domain.
    """
    return re.sub(r"[^a-z]+", "-", customer.lower()).strip("-") + ".example"


def _objects(call: Call, dice: Dice, system: str) -> list[Record]:
    account = Dice(call.seed, "account", system, call.customer)
    objects: list[Record] = [
        {
            "objectType": "Account",
            "objectId": _object_id(account, system, "Account"),
            "fields": [
                {"name": "Name", "value": call.customer},
                {"name": "Website", "value": f"https://{domain_of(call.customer)}"},
                {"name": "Industry", "value": account.pick(("Retail", "IT", None))},
                {"name": "NumberOfEmployees", "value": float(account.roll(9_000))},
                {"name": "Is_Partner__c", "value": account.chance(50)},
                {"name": "Regions__c", "value": ["EMEA", "Östafrika"]},
            ],
        }
    ]
    first = dice.roll(_MOST_DEALS)
    for number in range(first, first + dice.roll(3)):
        objects += _deal(call, dice, system, number % _MOST_DEALS)
    return objects


def _deal(call: Call, dice: Dice, system: str, number: int) -> list[Record]:
    """A deal of the customer as it is now, and as it was at the time of the call."""
    deal = Dice(call.seed, "deal", system, call.customer, number)
    object_id = _object_id(deal, system, "Opportunity")
    now, before = deal.roll(100_000), dice.roll(100_000)
    stage, former = deal.pick(_STAGES), dice.pick(_STAGES)
    return [
        {
            "objectType": "Opportunity",
            "objectId": object_id,
            "timing": timing,
            "fields": [
                {"name": "Name", "value": f"{call.customer} - renewal {number + 1}"},
                {"name": "StageName", "value": at},
                {"name": "Amount", "value": amount / 12},
                {"name": "Probability", "value": float(amount % 101)},
                {"name": "Is_Open__c", "value": amount % 2 == 0},
                {"name": "Products__c", "value": ["Core", 'Add-on "Plus"']},
                {"name": "NextStep", "value": None},
            ],
        }
        for timing, amount, at in (("Now", now, stage), ("TimeOfCall", before, former))
    ]


def _object_id(dice: Dice, system: str, kind: str) -> str:
    if system == "HubSpot":
        return str(10**10 + dice.roll(9 * 10**10))
    prefix = {"Account": "001", "Opportunity": "006", "User": "005", "Lead": "00Q"}
    rest = "".join(dice.pick(_LETTERS) for _ in range(15))
    return prefix.get(kind, "003") + rest
