"""Facts of Gong's document of the API: names and types of fields."""

from __future__ import annotations

from typing import Any

ALL: dict[str, Any] = {
    "context": "Extended",
    "contextTiming": ["Now", "TimeOfCall"],
    "exposedFields": {
        "parties": True,
        "content": {
            "structure": True,
            "topics": True,
            "trackers": True,
            "trackerOccurrences": True,
            "pointsOfInterest": True,
            "brief": True,
            "outline": True,
            "highlights": True,
            "callOutcome": True,
            "keyPoints": True,
        },
        "interaction": {
            "speakers": True,
            "video": True,
            "personInteractionStats": True,
            "questions": True,
        },
        "collaboration": {"publicComments": True},
        "media": True,
    },
}
"""The contentSelector with everything that the document knows."""

TEXT = (str,)
TEXT_OR_NULL = (str, type(None))
WHOLE = (int,)
NUMBER = (int, float)
BOOLEAN = (bool,)
ANY = (str, int, float, bool, list, dict, type(None))

_OCCURRENCES = [{"startTime": NUMBER, "speakerId": TEXT_OR_NULL}]
_FIELDS = [{"name": TEXT, "value": ANY}]


def _context(*kinds: str) -> object:
    linked = {
        "objectType": kinds,
        "objectId": TEXT,
        "fields": _FIELDS,
        "timing": ("Now", "TimeOfCall"),
    }
    systems = ("Salesforce", "HubSpot", "MicrosoftDynamic", "Generic")
    return [{"system": systems, "objects": [linked]}]


CALL: dict[str, Any] = {
    "metaData": ANY,
    "context": _context("Opportunity", "Account"),
    "parties": [
        {
            "id": TEXT,
            "emailAddress": TEXT,
            "name": TEXT,
            "title": TEXT,
            "userId": TEXT,
            "speakerId": TEXT_OR_NULL,
            "context": _context("Contact", "User", "Lead"),
            "affiliation": ("Internal", "External", "Unknown"),
            "phoneNumber": TEXT,
            "methods": [("Invitee", "Attendee")],
        }
    ],
    "content": {
        "structure": [{"name": TEXT, "duration": WHOLE}],
        "trackers": [
            {
                "id": TEXT,
                "name": TEXT,
                "count": WHOLE,
                "type": ("KEYWORD", "SMART"),
                "occurrences": _OCCURRENCES,
                "phrases": [
                    {"count": WHOLE, "occurrences": _OCCURRENCES, "phrase": TEXT}
                ],
            }
        ],
        "topics": [{"name": TEXT, "duration": WHOLE}],
        "brief": TEXT,
        "outline": [
            {
                "section": TEXT,
                "startTime": NUMBER,
                "duration": NUMBER,
                "items": [{"text": TEXT, "startTime": NUMBER}],
            }
        ],
        "highlights": [
            {"title": TEXT, "items": [{"text": TEXT, "startTimes": [NUMBER]}]}
        ],
        "callOutcome": {"id": TEXT, "category": TEXT, "name": TEXT},
        "keyPoints": [{"text": TEXT}],
    },
    "interaction": {
        "speakers": [{"id": TEXT, "userId": TEXT, "talkTime": NUMBER}],
        "interactionStats": [{"name": TEXT, "value": NUMBER}],
        "video": [
            {
                "name": (
                    "Browser",
                    "Presentation",
                    "WebcamPrimaryUser",
                    "WebcamNonCompany",
                    "Webcam",
                ),
                "duration": NUMBER,
            }
        ],
        "questions": {"companyCount": WHOLE, "nonCompanyCount": WHOLE},
    },
    "collaboration": {
        "publicComments": [
            {
                "id": TEXT,
                "audioStartTime": NUMBER,
                "audioEndTime": NUMBER,
                "commenterUserId": TEXT,
                "comment": TEXT,
                "posted": TEXT,
                "inReplyTo": TEXT,
                "duringCall": BOOLEAN,
            }
        ]
    },
    "media": {"audioUrl": TEXT, "videoUrl": TEXT},
}

TRANSCRIPT: dict[str, Any] = {
    "callId": TEXT,
    "transcript": [
        {
            "speakerId": TEXT_OR_NULL,
            "topic": TEXT_OR_NULL,
            "sentences": [{"start": WHOLE, "end": WHOLE, "text": TEXT}],
        }
    ],
}

ACCESS: dict[str, Any] = {"callId": TEXT, "users": [{"userId": TEXT}]}

USER: dict[str, Any] = {
    "id": TEXT,
    "emailAddress": TEXT,
    "created": TEXT,
    "active": BOOLEAN,
    "emailAliases": [TEXT],
    "trustedEmailAddress": TEXT_OR_NULL,
    "firstName": TEXT,
    "lastName": TEXT,
    "title": TEXT_OR_NULL,
    "phoneNumber": TEXT_OR_NULL,
    "extension": TEXT_OR_NULL,
    "personalMeetingUrls": [TEXT],
    "settings": {
        "webConferencesRecorded": BOOLEAN,
        "preventWebConferenceRecording": BOOLEAN,
        "telephonyCallsImported": BOOLEAN,
        "emailsImported": BOOLEAN,
        "preventEmailImport": BOOLEAN,
        "nonRecordedMeetingsImported": BOOLEAN,
        "gongConnectEnabled": BOOLEAN,
    },
    "managerId": TEXT_OR_NULL,
    "meetingConsentPageUrl": TEXT_OR_NULL,
    "conferencingProviders": [{"provider": TEXT, "isDefault": BOOLEAN}],
    "spokenLanguages": [{"language": TEXT, "primary": BOOLEAN}],
}

WORKSPACE: dict[str, Any] = {"id": TEXT, "name": TEXT, "description": TEXT}


def held_to(value: object, shape: object, place: str, seen: set[str]) -> None:
    """Hold a part of an answer to the document.

    Args:
        value: The part.
        shape: What the document says of it: an object or a list of a shape, the types
            that a value may have, or the values of an enumeration.
        place: Where the part stands.
        seen: Takes the place of each field that is there.
    """
    seen.add(place)
    if isinstance(shape, dict):
        assert isinstance(value, dict), place
        for name, part in value.items():
            assert name in shape, f"{place}.{name}"
            held_to(part, shape[name], f"{place}.{name}", seen)
    elif isinstance(shape, list):
        assert isinstance(value, list), place
        for part in value:
            held_to(part, shape[0], f"{place}[]", seen)
    else:
        assert isinstance(shape, tuple), place
        assert value in shape or type(value) in shape, f"{place}: {value!r}"


def places(shape: object, place: str) -> set[str]:
    """List the places of all fields that the document knows.

    Args:
        shape: A shape, as `held_to` takes it.
        place: Where it stands.

    Returns:
        The places.
    """
    if isinstance(shape, dict):
        parts = [places(part, f"{place}.{name}") for name, part in shape.items()]
        return {place}.union(*parts)
    if isinstance(shape, list):
        return {place} | places(shape[0], f"{place}[]")
    return {place}
