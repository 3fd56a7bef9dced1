"""Calls in the shapes that live answers of Gong have, field by field.

Names and texts are made up. What is absent, null, empty, doubled or oddly precise here
was seen so in answers of Gong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_gong.sandbox.answers import Answer
from tests.call_tables import KEYS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

Json = dict[str, Any]

WAYS = ("single", "batch", "date")

FULL, UPLOADED, IMPORTED = "7782342274025937895", "4311", "18446744073709551615"

CALL: Json = {
    "id": FULL,
    "url": "https://us-1.app.gong.io/call?id=7782342274025937895",
    "title": "Weekly",
    "scheduled": "2026-05-04T10:00:00-07:00",
    "started": "2026-05-04T09:58:44.72-07:00",
    "duration": 1_801,
    "primaryUserId": "234599484848423",
    "direction": "Conference",
    "system": "Gong Mobile App",
    "scope": "Unknown",
    "media": "Audio",
    "language": "eng",
    "workspaceId": "623457276584334",
    "sdrDisposition": None,
    "clientUniqueId": None,
    "customData": None,
    "purpose": None,
    "meetingUrl": "https://meet.example/1",
    "isPrivate": False,
    "calendarEventId": None,
}

CRM_FIELDS: list[Json] = [
    {"name": "Name", "value": "Nine Lanterns"},
    {"name": "Amount__c", "value": 12_500.5},
    {"name": "Whole__c", "value": 3.0},
    {"name": "IsWon", "value": False},
    {"name": "Regions__c", "value": ["EMEA", {"of": None}]},
    {"name": "NextStep", "value": None},
    {"name": "Text number", "value": "007"},
    {"name": "Ünïcode", "value": "Größe 🏮"},
]
CRM_TEXTS: list[Json] = [
    {"name": "Name", "value": '"Nine Lanterns"'},
    {"name": "Amount__c", "value": "12500.5"},
    {"name": "Whole__c", "value": "3.0"},
    {"name": "IsWon", "value": "false"},
    {"name": "Regions__c", "value": '["EMEA",{"of":null}]'},
    {"name": "NextStep", "value": None},
    {"name": "Text number", "value": '"007"'},
    {"name": "Ünïcode", "value": '"Größe 🏮"'},
]

BLOCKS: Json = {
    "context": [
        {
            "system": "Salesforce",
            "objects": [
                # An account comes without timing, a deal with.
                {"objectType": "Account", "objectId": "001A", "fields": CRM_FIELDS},
                {"objectType": "Account", "objectId": "001B", "fields": []},
                {
                    "objectType": "Opportunity",
                    "objectId": "006A",
                    "fields": [{"name": "StageName", "value": "Won"}],
                    "timing": "Now",
                },
                {
                    "objectType": "Opportunity",
                    "objectId": "006A",
                    "fields": [{"name": "StageName", "value": "Open"}],
                    "timing": "TimeOfCall",
                },
            ],
        },
        {"system": "HubSpot", "objects": []},
    ],
    "parties": [
        {
            "id": "1",
            "emailAddress": "host@tallow-pike.example",
            "name": "Maren Falkenrath",
            "title": "AE",
            "userId": "234599484848423",
            "speakerId": "6432345678555530067",
            "context": [
                {
                    "system": "Salesforce",
                    # A user of the CRM comes without fields.
                    "objects": [{"objectType": "User", "objectId": "005A"}],
                }
            ],
            "affiliation": "Internal",
            "methods": ["Invitee", "Attendee"],
        },
        # Even a colleague may come without a name.
        {
            "id": "2",
            "emailAddress": "second@tallow-pike.example",
            "userId": "11",
            "speakerId": None,
            "context": [],
            "affiliation": "Internal",
            "methods": ["Invitee"],
        },
        # One person twice: as invited, and as there.
        {
            "id": "3",
            "emailAddress": "guest@lanterns.example",
            "name": "Wei Zhang",
            "speakerId": None,
            "context": [],
            "affiliation": "External",
            "methods": ["Invitee"],
        },
        {
            "id": "4",
            "emailAddress": "guest@lanterns.example",
            "name": "Wei Zhang",
            "speakerId": "9",
            "context": [],
            "affiliation": "External",
            "methods": ["Attendee"],
        },
        # Somebody on the phone.
        {
            "id": "5",
            "phoneNumber": "+1 555 0100",
            "speakerId": "10",
            "context": [],
            "affiliation": "Unknown",
            "methods": ["Attendee"],
        },
    ],
    "content": {
        "topics": [
            {"name": "Call Setup", "duration": 0},
            {"name": "Small Talk", "duration": 61},
        ],
        "trackers": [
            {
                "id": "56825452554556",
                "name": "Competitors",
                "count": 0,
                "type": "KEYWORD",
                "occurrences": [],
                "phrases": [],
            },
            {
                "id": "56825452554557",
                "name": "Pricing",
                "count": 1,
                "type": "KEYWORD",
                "occurrences": [
                    {"startTime": 32.560001373291016, "speakerId": "9"},
                ],
                "phrases": [
                    {
                        "count": 1,
                        "occurrences": [
                            {"startTime": 32.560001373291016, "speakerId": None}
                        ],
                        "phrase": "list price",
                    }
                ],
            },
        ],
        "brief": "Short.",
        "outline": [
            {
                "section": "Intro",
                "startTime": 0.12999999523162842,
                "duration": 61.0,
                "items": [{"text": "Hello.", "startTime": 0.12999999523162842}],
            }
        ],
        "highlights": [
            {
                "title": "Next steps",
                "items": [{"text": "Write.", "startTimes": [1_790.5, 1_795.0]}],
            }
        ],
        "keyPoints": [{"text": "They buy."}],
    },
    "interaction": {
        # Of the company only, with the IDs of parties.
        "speakers": [
            {"id": "1", "userId": "234599484848423", "talkTime": 733.280029296875},
            {"id": "2", "userId": "11", "talkTime": 0.0},
        ],
        "interactionStats": [{"name": "Talk Ratio", "value": 0.4321}],
        "questions": {"companyCount": 0, "nonCompanyCount": 2},
    },
    "collaboration": {
        "publicComments": [
            {
                "id": "6843152929075440037",
                "audioStartTime": 476.0,
                "audioEndTime": 506,
                "commenterUserId": "234599484848423",
                "comment": "new comment",
                "posted": "2026-05-04T12:00:00.5-07:00",
                "duringCall": False,
            }
        ]
    },
    "media": {"audioUrl": "https://media.example/a.mp3?Signature=x%2F"},
    "transcript": [
        {
            "speakerId": "6432345678555530067",
            "topic": None,
            "sentences": [
                {"start": 460, "end": 1_020, "text": "Hi."},
                {"start": 1_020, "end": 1_500, "text": ""},
            ],
        },
        # Neighbours may be of one speaker, and a speaker may be unknown.
        {
            "speakerId": "6432345678555530067",
            "topic": "Small Talk",
            "sentences": [{"start": 1_600, "end": 1_700, "text": "Größe 🏮"}],
        },
        {"speakerId": "9", "topic": None, "sentences": []},
        {
            "speakerId": None,
            "topic": None,
            "sentences": [{"start": 1_800, "end": 1_900, "text": "Who?"}],
        },
        {
            "speakerId": "10",
            "topic": None,
            "sentences": [{"start": 2_000, "end": 2_100, "text": "Me."}],
        },
        {
            "speakerId": "404",
            "topic": None,
            "sentences": [{"start": 2_200, "end": 2_300, "text": "No party."}],
        },
    ],
    "access": [{"userId": "234599484848423"}, {"userId": "11"}],
}

STARTED = "2026-05-04T16:58:44.720000Z"
OWN = {"callId": FULL, "started": STARTED}


@pytest.fixture
def company(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    sandbox = make_sandbox(calls=0)
    sandbox.world.add(CALL, BLOCKS)
    # An uploaded call: no time was scheduled, and nothing has been computed.
    sandbox.world.add(
        {
            **CALL,
            "id": UPLOADED,
            "scheduled": None,
            "started": "2026-05-05T08:00:00-07:00",
            "direction": "Unknown",
            "system": "Generic",
        }
    )
    # An imported one with the fewest fields, parties empty and no CRM.
    sandbox.world.add(
        {"id": IMPORTED, "started": "2025-12-31T23:30:00.000001-08:00"},
        {"parties": [], "context": [], "content": {"topics": []}, "interaction": {}},
    )
    return sandbox


@pytest.fixture(params=WAYS)
def run(
    request: pytest.FixtureRequest,
    run_tap: Callable[[Sandbox], TapRunner],
    company: Sandbox,
    catalog_of: Callable[..., Json],
) -> Run:
    tap, catalog = run_tap(company), catalog_of(*TABLES)
    if request.param == "date":
        found = tap(catalog=catalog, start_date="2025-12-01", end_date="2026-06-01")
    else:
        ids = [FULL, UPLOADED, IMPORTED]
        found = tap(catalog=catalog, call_ids=ids, call_lookup=request.param)
    assert found.status == 0, found.stderr
    assert "does not know" not in found.stderr
    return found


def rows(run: Run, stream: str, call_id: str = FULL) -> list[Json]:
    """Find the records of a call, by key."""
    name = "callId" if "callId" in KEYS[stream] else "id"
    found = [r for r in run.records_of(stream) if r[name] == call_id]
    return sorted(
        found, key=lambda r: [str(r[column]).zfill(30) for column in KEYS[stream]]
    )


def test_calls(run: Run) -> None:
    basic = CALL | {"scheduled": "2026-05-04T17:00:00.000000Z", "started": STARTED}
    assert rows(run, "calls") == [basic]
    (uploaded,) = rows(run, "calls", UPLOADED)
    assert uploaded["scheduled"] is None
    assert uploaded["started"] == "2026-05-05T15:00:00.000000Z"
    assert rows(run, "calls", IMPORTED) == [
        dict.fromkeys(CALL) | {"id": IMPORTED, "started": "2026-01-01T07:30:00.000001Z"}
    ]


def test_a_call_of_which_nothing_is_known_is_in_calls_only(run: Run) -> None:
    for stream in TABLES:
        for id_ in (UPLOADED, IMPORTED):
            is_there = stream in {"calls", "calls_extensive"}
            assert len(rows(run, stream, id_)) == is_there, stream
    (uploaded,) = rows(run, "calls_extensive", UPLOADED)
    blocks = ("context", "parties", "content", "interaction", "collaboration")
    assert [uploaded[block] for block in blocks] == [None] * 5


def test_parties(run: Run) -> None:
    none = {**OWN, **dict.fromkeys(("name", "title", "userId", "phoneNumber"))}
    wanted = [none | {"emailAddress": None} | party for party in BLOCKS["parties"]]
    assert rows(run, "call_parties") == wanted


def test_crm_objects(run: Run) -> None:
    def linked(kind: str, id_: str, timing: str, fields: list[Json]) -> Json:
        return {
            **OWN,
            "system": "Salesforce",
            "objectType": kind,
            "objectId": id_,
            "timing": timing,
            "fields": fields,
        }

    assert rows(run, "call_crm_objects") == [
        linked("Account", "001A", "Now", CRM_TEXTS),
        linked("Account", "001B", "Now", []),
        linked("Opportunity", "006A", "Now", [{"name": "StageName", "value": '"Won"'}]),
        linked(
            *("Opportunity", "006A", "TimeOfCall"),
            [{"name": "StageName", "value": '"Open"'}],
        ),
    ]


def test_trackers_topics_speakers_stats_and_media(run: Run) -> None:
    content, interaction = BLOCKS["content"], BLOCKS["interaction"]
    for stream, wanted in (
        ("call_trackers", content["trackers"]),
        ("call_topics", content["topics"]),
        ("call_speakers", interaction["speakers"]),
        ("call_interaction_stats", interaction["interactionStats"]),
        ("call_media", [{"videoUrl": None} | BLOCKS["media"]]),
        ("call_user_access", BLOCKS["access"]),
    ):
        found = rows(run, stream)
        key = KEYS[stream][-1]
        assert sorted(found, key=lambda r: str(r[key])) == sorted(
            ({**OWN, **row} for row in wanted), key=lambda r: str(r[key])
        )


def test_comments(run: Run) -> None:
    (comment,) = BLOCKS["collaboration"]["publicComments"]
    assert rows(run, "call_comments") == [
        {
            **OWN,
            **comment,
            "inReplyTo": None,
            "posted": "2026-05-04T19:00:00.500000Z",
        }
    ]


def test_transcripts(run: Run) -> None:
    assert rows(run, "call_transcripts") == [
        {
            **OWN,
            "workspaceId": CALL["workspaceId"],
            "isPrivate": False,
            "transcript": BLOCKS["transcript"],
        }
    ]


def test_sentences(run: Run) -> None:
    host = ("Maren Falkenrath", "host@tallow-pike.example", "234599484848423")
    nobody = (None, None, None, None)
    table = [
        (0, 0, "6432345678555530067", None, "Hi.", *host, "Internal"),
        (1, 0, "6432345678555530067", None, "", *host, "Internal"),
        (2, 1, "6432345678555530067", "Small Talk", "Größe 🏮", *host, "Internal"),
        (3, 3, None, None, "Who?", *nobody),
        (4, 4, "10", None, "Me.", None, None, None, "Unknown"),
        (5, 5, "404", None, "No party.", *nobody),
    ]
    columns = (
        *("index", "turn", "speakerId", "topic", "text", "speakerName"),
        *("speakerEmailAddress", "speakerUserId", "speakerAffiliation"),
    )
    found = rows(run, "call_transcript_sentences")
    assert [tuple(row[column] for column in columns) for row in found] == table
    assert [row["start"] for row in found] == [460, 1_020, 1_600, 1_800, 2_000, 2_200]
    assert [row["end"] for row in found] == [1_020, 1_500, 1_700, 1_900, 2_100, 2_300]
    assert {row["started"] for row in found} == {STARTED}


def test_the_whole_of_a_call_nested(run: Run) -> None:
    (whole,) = rows(run, "calls_extensive")
    (call,) = rows(run, "calls")
    assert {name: whole[name] for name in call} == call
    assert whole["parties"] == BLOCKS["parties"]
    assert whole["content"] == BLOCKS["content"]
    assert whole["interaction"] == BLOCKS["interaction"]
    assert whole["collaboration"] == {
        "publicComments": [
            BLOCKS["collaboration"]["publicComments"][0]
            | {"posted": "2026-05-04T19:00:00.500000Z"}
        ]
    }
    salesforce, hubspot = whole["context"]
    assert hubspot == {"system": "HubSpot", "objects": []}
    assert salesforce["objects"][0] == {
        "objectType": "Account",
        "objectId": "001A",
        "fields": CRM_TEXTS,
    }


def test_numbers_keep_their_digits(run: Run) -> None:
    for digits in ("0.12999999523162842", "32.560001373291016", "733.280029296875"):
        assert digits in run.stdout


def test_identifiers_that_come_as_numbers_go_out_as_text(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: Callable[..., Json],
) -> None:
    sandbox = make_sandbox(calls=0)
    sandbox.world.add(
        {"id": "1", "started": "2026-01-01T00:00:00Z", "primaryUserId": 2**63},
        {
            "parties": [{"id": 9_007_199_254_740_993, "speakerId": 7, "name": "A"}],
            "transcript": [
                {
                    "speakerId": 7,
                    "sentences": [{"start": 1.0, "end": 2, "text": "x"}],
                }
            ],
            "access": [{"userId": 12}],
        },
    )
    run = run_tap(sandbox)(catalog=catalog_of(*TABLES), call_ids=["1"])
    assert run.status == 0, run.stderr
    assert rows(run, "calls", "1")[0]["primaryUserId"] == "9223372036854775808"
    (party,) = rows(run, "call_parties", "1")
    assert (party["id"], party["speakerId"]) == ("9007199254740993", "7")
    (sentence,) = rows(run, "call_transcript_sentences", "1")
    assert (sentence["speakerId"], sentence["speakerName"]) == ("7", "A")
    assert sentence["start"] == 1
    assert rows(run, "call_user_access", "1")[0]["userId"] == "12"


def test_a_key_that_comes_twice_goes_out_once(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: Callable[..., Json],
) -> None:
    sandbox = make_sandbox(calls=0)
    party = {"id": "1", "speakerId": None, "affiliation": "External"}
    account = {"objectType": "Account", "objectId": "1", "fields": []}
    sandbox.world.add(
        {"id": "1", "started": "2026-01-01T00:00:00Z"},
        {
            "parties": [party, party],
            "context": [
                {"system": "Salesforce", "objects": [account, account]},
                {"system": "Salesforce", "objects": [account | {"timing": "Now"}]},
            ],
            "access": [{"userId": "12"}, {"userId": "12"}],
        },
    )
    run = run_tap(sandbox)(catalog=catalog_of(*TABLES), call_ids=["1"])
    assert run.status == 0, run.stderr
    for stream in ("call_parties", "call_crm_objects", "call_user_access"):
        assert len(rows(run, stream, "1")) == 1


UNKNOWN: Json = {
    "parties": [
        {"id": "1", "shoeSize": "SECRET-1", "context": []},
        {"id": "2", "shoeSize": "SECRET-2", "context": []},
    ],
    "content": {
        "topics": [{"name": "A", "duration": 1, "mood": "SECRET-3"}],
    },
    "transcript": [
        {
            "speakerId": "1",
            "sentences": [{"start": 1, "end": 2, "text": "x", "pitch": "SECRET-5"}],
        }
    ],
    "access": [{"userId": "1", "until": "SECRET-6"}],
}


@pytest.mark.parametrize("way", WAYS)
def test_unknown_fields_are_named_once_and_not_emitted(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: Callable[..., Json],
    way: str,
) -> None:
    sandbox = make_sandbox(calls=0)
    for id_ in ("1", "2"):
        call = {"id": id_, "started": "2026-01-01T00:00:00Z", "hatSize": "SECRET-7"}
        sandbox.world.add(call, UNKNOWN)
    catalog = catalog_of(
        *("calls", "call_parties", "call_topics", "calls_extensive"),
        *("call_transcripts", "call_user_access"),
    )
    settings: Json = (
        {"start_date": "2025-12-01"}
        if way == "date"
        else {"call_ids": ["1", "2"], "call_lookup": way}
    )
    run = run_tap(sandbox)(catalog=catalog, **settings)
    assert run.status == 0, run.stderr
    assert "SECRET" not in run.stdout + run.stderr
    for name in ("shoeSize", "mood", "pitch", "until", "hatSize"):
        assert f'"{name}":' not in run.stdout
    told = {
        line.split("|")[2].strip(): line.partition("not emitted: ")[2].rstrip(".")
        for line in run.stderr.splitlines()
        if "does not know" in line
    }
    assert told == {
        "tap-gong.calls": "hatSize",
        "tap-gong.calls_extensive": (
            "content.topics[].mood, hatSize, parties[].shoeSize"
        ),
        "tap-gong.call_parties": "shoeSize",
        "tap-gong.call_topics": "mood",
        "tap-gong.call_transcripts": "transcript[].sentences[].pitch",
        "tap-gong.call_user_access": "until",
    }
    assert run.stderr.count("does not know") == len(told)


def test_an_unknown_block_of_a_call_is_named_though_only_parts_are_read(
    tap: TapRunner, sandbox: Sandbox, catalog_of: Callable[..., Json]
) -> None:
    call = {
        "metaData": {"id": "1", "started": "2026-01-01T00:00:00Z", "hatSize": 1},
        "content": {"topics": [{"name": "A", "duration": 1}]},
        "emotions": {"joy": "SECRET"},
    }
    sandbox.script(Answer(200, {"calls": [call]}))
    run = tap(catalog=catalog_of("call_topics"), call_ids=["1"])
    assert run.status == 0, run.stderr
    assert len(run.records) == 1
    assert "not emitted: emotions, hatSize." in run.stderr
    assert "SECRET" not in run.stdout + run.stderr
