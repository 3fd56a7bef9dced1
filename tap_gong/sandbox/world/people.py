"""The company's users and workspaces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from tap_gong.sandbox.world.dice import Dice
from tap_gong.sandbox.world.times import microseconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

Record = dict[str, object]
"""A JSON object as Gong's API shows it."""

WORKSPACE_IDS = ("623457276584334", "7104216083295518234", "2905127846630915871")

_DOMAIN = "tallow-pike.example"
_ZONE = timezone(timedelta(hours=-7))
_MILLISECONDS_OF_YEARS = 900 * 24 * 3_600_000

_FIRST_NAMES = (
    *("Maren", "Obadele", "Сергей", "Yuki", "Siobhán", "ليلى", "Tomás", "Ingrid"),
    *("Wei", "Priya", "Jean-Luc", "Zoë"),
)
_LAST_NAMES = (
    *("Falkenrath", "Okonkwo-Bell", "Орлов", "Tanabe", "O'Shaughnessy", "حداد"),
    *("Quintanilla", "Þórsdóttir", "Zhang", "Raghunathan", "d'Aubigny"),
)
_JOBS = ("Account Executive", "Sales Engineer", 'Head of "Growth"', "SDR")
_LANGUAGES = ("en-US", "de-DE", "ja-JP", "es-MX")
_SETTINGS = (
    "webConferencesRecorded",
    "preventWebConferenceRecording",
    "telephonyCallsImported",
    "emailsImported",
    "preventEmailImport",
    "nonRecordedMeetingsImported",
    "gongConnectEnabled",
)


def user_ids(count: int) -> Sequence[str]:
    """List the IDs of the users.

    Args:
        count: How many users there are.

    Returns:
        Their IDs, lowest first.
    """
    return [str(4_203_918_557_016_000_000 + 7_919 * n) for n in range(count)]


def users(seed: int, ids: Sequence[str], first_day: date) -> list[Record]:
    """Make up the users. The last of them is an integration.

    Args:
        seed: The seed of the company.
        ids: The IDs of the users.
        first_day: A day before which all of them were created.

    Returns:
        Their records, in the order of the IDs.
    """
    midnight = microseconds(datetime.combine(first_day, datetime.min.time(), UTC))
    made = [_person(Dice(seed, "user", id_), id_, ids[0], midnight) for id_ in ids]
    if len(made) > 1:
        made[-1] |= {
            "emailAddress": f"api@{_DOMAIN}",
            "firstName": "CRM",
            "lastName": "Integration",
            "active": True,
            "title": None,
            "managerId": None,
        }
    return made


def avatars(seed: int, first_day: date) -> list[Record]:
    """Make up the users that stand for Gong's own staff.

    Args:
        seed: The seed of the company.
        first_day: A day before which all of them were created.

    Returns:
        Their records.
    """
    ids = [str(9_113_205_648_771_000_000 + n) for n in range(2)]
    return users(seed, ids, first_day)


def workspaces() -> list[Record]:
    """Make up the workspaces.

    Returns:
        Their records.
    """
    names = ("Sales", "Customer Success 🌱", 'Research "Nord"')
    descriptions = ("New business", "", "Interviews\nand studies")
    return [
        {"id": id_, "name": name, "description": description}
        for id_, name, description in zip(
            WORKSPACE_IDS, names, descriptions, strict=True
        )
    ]


def person_name(dice: Dice) -> tuple[str, str]:
    """Make up the name of a person.

    Args:
        dice: The dice of the person.

    Returns:
        First and last name.
    """
    return dice.pick(_FIRST_NAMES), dice.pick(_LAST_NAMES)


def _person(dice: Dice, id_: str, top_manager: str, midnight: int) -> Record:
    first, last = person_name(dice)
    name = f"u{id_[-6:]}"
    created = midnight - dice.roll(_MILLISECONDS_OF_YEARS) * 1_000
    consent = f"https://join.gong.example/tallow-pike/{name}?tkn={dice.identifier()}"
    return {
        "id": id_,
        "emailAddress": f"{name}@{_DOMAIN}",
        "created": timestamp(created, _ZONE, "milliseconds"),
        "active": not dice.chance(15),
        "emailAliases": [f"{name}.alias@{_DOMAIN}"] if dice.chance(20) else [],
        "trustedEmailAddress": None,
        "firstName": first,
        "lastName": last,
        "title": dice.pick(_JOBS) if dice.chance(70) else None,
        "phoneNumber": f"+1 555 01{dice.roll(90) + 10}" if dice.chance(30) else None,
        "extension": None,
        "personalMeetingUrls": [f"https://meet.example/my/{name}"]
        if dice.chance(40)
        else [],
        "settings": {setting: dice.chance(60) for setting in _SETTINGS},
        "managerId": top_manager if id_ != top_manager and dice.chance(80) else None,
        "meetingConsentPageUrl": consent if dice.chance(60) else None,
        "conferencingProviders": [{"provider": "zoom", "isDefault": True}]
        if dice.chance(30)
        else None,
        "spokenLanguages": [{"language": dice.pick(_LANGUAGES), "primary": True}],
    }
