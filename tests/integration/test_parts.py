"""The tables about calls: all from one pass, the same by each way of finding calls."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.call_tables import KEYS, TABLES, tables
from tests.conftest import entry_of, mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from syrupy.assertion import SnapshotAssertion

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

    Json = dict[str, Any]
    CatalogOf = Callable[..., Json]

NINE = (
    *("calls", "call_parties", "call_crm_objects", "call_trackers", "call_topics"),
    *("call_speakers", "call_interaction_stats", "call_comments"),
    "call_transcript_sentences",
)
WAYS = ("single", "batch", "date")


def asked(sandbox: Sandbox) -> Counter[str]:
    """Count the requests by method and path."""
    return Counter(f"{found.method} {found.path}" for found in sandbox.requests)


def selectors(sandbox: Sandbox) -> list[Json]:
    """List what the requests asked `/v2/calls/extensive` for, each once."""
    found: list[Json] = []
    for request in sandbox.requests:
        if request.path == "/v2/calls/extensive":
            selector = request.body.get("contentSelector", {})
            if selector not in found:
                found.append(selector)
    return found


def run_by(way: str, tap: TapRunner, catalog: Json, ids: list[str]) -> Run:
    """Run for some calls, by ID or by dates that hold no others."""
    if way == "date":
        return tap(catalog=catalog, start_date="2024-01-01", end_date="2027-01-01")
    return tap(catalog=catalog, call_ids=ids, call_lookup=way)


def by_key(stream: str, records: list[Json]) -> dict[tuple[Any, ...], Json]:
    """Index records; each key must be there once."""
    found = {tuple(r[column] for column in KEYS[stream]): r for r in records}
    assert len(found) == len(records), stream
    return found


@pytest.mark.parametrize("way", WAYS)
def test_every_table_field_by_field(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    way: str,
) -> None:
    sandbox = make_sandbox(calls=150)
    ids = list(sandbox.world.ids)
    run = run_by(way, run_tap(sandbox), catalog_of(*TABLES), ids)
    assert run.status == 0, run.stderr
    for stream, wanted in tables(sandbox.world, ids).items():
        assert len(wanted) > 20, stream
        assert by_key(stream, run.records_of(stream)) == by_key(stream, wanted)


@pytest.fixture
def run_of_all(tap: TapRunner, catalog_of: CatalogOf, sandbox: Sandbox) -> Run:
    run = tap(catalog=catalog_of(*KEYS), call_ids=list(sandbox.world.ids[:120]))
    assert run.status == 0, run.stderr
    return run


def test_every_record_is_valid_whole_and_has_its_key_once(run_of_all: Run) -> None:
    for stream, key in KEYS.items():
        schema = run_of_all.schema_of(stream)
        validator = jsonschema.Draft7Validator(
            schema | {"additionalProperties": False},
            format_checker=jsonschema.FormatChecker(),
        )
        records = run_of_all.records_of(stream)
        assert records, stream
        for record in records:
            validator.validate(record)
            assert record.keys() == schema["properties"].keys()
            assert None not in [record[column] for column in key]
        by_key(stream, records)


def test_each_stream_has_one_schema_with_its_key_before_its_records(
    run_of_all: Run,
) -> None:
    schemas = {found["stream"]: found for found in run_of_all.of_type("SCHEMA")}
    assert len(run_of_all.of_type("SCHEMA")) == len(schemas) == len(KEYS)
    begun: set[str] = set()
    for message in run_of_all.messages:
        if message["type"] == "SCHEMA":
            begun.add(message["stream"])
        assert message["type"] != "RECORD" or message["stream"] in begun
    for stream, key in KEYS.items():
        assert tuple(schemas[stream]["key_properties"]) == key


def test_every_property_has_a_description(run_of_all: Run) -> None:
    def undescribed(schema: Json, path: str) -> list[str]:
        while "items" in schema:
            schema = schema["items"]
        found = []
        for name, inner in schema.get("properties", {}).items():
            if not inner.get("description"):
                found.append(f"{path}.{name}")
            found += undescribed(inner, f"{path}.{name}")
        return found

    for stream in KEYS:
        assert not undescribed(run_of_all.schema_of(stream), stream)


def test_all_tables_are_about_the_same_calls(run_of_all: Run) -> None:
    calls = {call["id"]: call for call in run_of_all.records_of("calls")}
    assert len(calls) == 120
    for stream in TABLES:
        name = "callId" if "callId" in KEYS[stream] else "id"
        for record in run_of_all.records_of(stream):
            assert record["started"] == calls[record[name]]["started"]
    speakers = {
        (party["callId"], party["speakerId"]): party
        for party in run_of_all.records_of("call_parties")
        if party["speakerId"]
    }
    named = 0
    for sentence in run_of_all.records_of("call_transcript_sentences"):
        if sentence["speakerId"]:
            party = speakers[sentence["callId"], sentence["speakerId"]]
            assert sentence["speakerName"] == party["name"]
            assert sentence["speakerEmailAddress"] == party["emailAddress"]
            assert sentence["speakerUserId"] == party["userId"]
            assert sentence["speakerAffiliation"] == party["affiliation"]
            named += bool(sentence["speakerName"])
    assert named > 100


def test_sentences_are_numbered_through_the_whole_call(run_of_all: Run) -> None:
    numbers: dict[str, list[tuple[int, int]]] = {}
    for sentence in run_of_all.records_of("call_transcript_sentences"):
        place = sentence["index"], sentence["turn"]
        numbers.setdefault(sentence["callId"], []).append(place)
    transcripts = {
        record["callId"]: record["transcript"]
        for record in run_of_all.records_of("call_transcripts")
    }
    assert numbers.keys() == transcripts.keys()
    for id_, transcript in transcripts.items():
        turns = [n for n, turn in enumerate(transcript) for _ in turn["sentences"]]
        assert numbers[id_] == list(enumerate(turns))


def test_records_of_each_stream(run_of_all: Run, snapshot: SnapshotAssertion) -> None:
    for stream in KEYS:
        records = run_of_all.records_of(stream)
        assert records[:2] == snapshot(name=stream)


def test_nine_tables_of_1000_calls_take_25_requests(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(calls=1_000)
    run = run_tap(sandbox)(catalog=catalog_of(*NINE), start_date="2024-01-01")
    assert run.status == 0, run.stderr
    assert len(run.records_of("calls")) == 1_000
    assert len(sandbox.requests) <= 25
    wanted = tables(sandbox.world, sandbox.world.ids)
    for stream in NINE:
        found = by_key(stream, run.records_of(stream))
        assert found == by_key(stream, wanted[stream])


@pytest.mark.parametrize("way", ["single", "batch"])
def test_nine_tables_of_150_ids_take_5_requests(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf, way: str
) -> None:
    ids = list(sandbox.world.ids[:150])
    run = tap(catalog=catalog_of(*NINE), call_ids=ids, call_lookup=way)
    assert len(run.records_of("calls")) == 150
    assert len(sandbox.requests) <= 5


SELECTORS: dict[str, Json] = {
    "call_parties": {
        "context": "Extended",
        "contextTiming": ["Now", "TimeOfCall"],
        "exposedFields": {"parties": True},
    },
    "call_crm_objects": {
        "context": "Extended",
        "contextTiming": ["Now", "TimeOfCall"],
    },
    "call_trackers": {
        "exposedFields": {"content": {"trackers": True, "trackerOccurrences": True}}
    },
    "call_topics": {"exposedFields": {"content": {"topics": True}}},
    "call_speakers": {"exposedFields": {"interaction": {"speakers": True}}},
    "call_interaction_stats": {
        "exposedFields": {"interaction": {"personInteractionStats": True}}
    },
    "call_comments": {"exposedFields": {"collaboration": {"publicComments": True}}},
    "call_media": {"exposedFields": {"media": True}},
    "call_transcript_sentences": {"exposedFields": {"parties": True}},
}
"""What Gong is asked for, for each stream alone."""


@pytest.mark.parametrize("stream", SELECTORS)
@pytest.mark.parametrize("way", WAYS)
def test_a_stream_asks_for_what_it_needs(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf, way: str, stream: str
) -> None:
    run = run_by(way, tap, catalog_of(stream), list(sandbox.world.ids[:3]))
    assert {found["stream"] for found in run.of_type("RECORD")} == {stream}
    assert selectors(sandbox) == [SELECTORS[stream]]


def test_several_streams_ask_for_the_union(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    streams = ("call_topics", "call_trackers", "call_speakers", "call_media")
    tap(catalog=catalog_of("calls", *streams), call_ids=[sandbox.world.ids[0]])
    assert len(sandbox.requests) == 1
    assert selectors(sandbox) == [
        {
            "exposedFields": {
                "content": {
                    "topics": True,
                    "trackers": True,
                    "trackerOccurrences": True,
                },
                "interaction": {"speakers": True},
                "media": True,
            }
        }
    ]


@pytest.mark.parametrize(
    ("stream", "columns", "needed"),
    [
        ("call_parties", ("context",), {"exposedFields": {"parties": True}}),
        (
            "call_trackers",
            ("occurrences", "phrases"),
            {"exposedFields": {"content": {"trackers": True}}},
        ),
        (
            "calls_extensive",
            ("context", "parties", "content", "interaction"),
            {"exposedFields": {"collaboration": {"publicComments": True}}},
        ),
    ],
)
def test_a_deselected_column_is_not_asked_for(  # noqa: PLR0913, PLR0917
    tap: TapRunner,
    sandbox: Sandbox,
    catalog_of: CatalogOf,
    stream: str,
    columns: tuple[str, ...],
    needed: Json,
) -> None:
    catalog = catalog_of(stream)
    for column in columns:
        mark(entry_of(catalog, stream), "properties", column, selected=False)
    run = tap(catalog=catalog, call_ids=list(sandbox.world.ids[:9]))
    assert run.records
    assert not {*columns} & run.records[0].keys()
    assert selectors(sandbox) == [needed]


NAMES = ("speakerName", "speakerEmailAddress", "speakerUserId", "speakerAffiliation")


@pytest.mark.parametrize("way", WAYS)
def test_calls_with_transcripts_and_access_need_no_extensive_call(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    way: str,
) -> None:
    sandbox = make_sandbox(calls=20)
    streams = ("calls", "call_transcripts", "call_transcript_sentences")
    catalog = catalog_of(*streams, "call_user_access")
    for name in NAMES:
        entry = entry_of(catalog, "call_transcript_sentences")
        mark(entry, "properties", name, selected=False)
    run = run_by(way, run_tap(sandbox), catalog, list(sandbox.world.ids))
    assert run.status == 0
    assert len(run.records_of("calls")) == 20
    wanted = tables(sandbox.world, sandbox.world.ids)
    assert len(run.records_of("call_transcripts")) == len(wanted["call_transcripts"])
    found = run.records_of("call_transcript_sentences")
    assert [{*record} & {*NAMES} for record in found] == [set()] * len(found)
    assert found[-1]["text"]
    assert len(run.records_of("call_user_access")) == len(wanted["call_user_access"])
    assert (
        asked(sandbox)
        == {
            "single": {f"GET /v2/calls/{id_}": 1 for id_ in sandbox.world.ids}
            | {"POST /v2/calls/transcript": 2, "POST /v2/calls/users-access": 2},
            "batch": {
                "POST /v2/calls/extensive": 1,
                "POST /v2/calls/transcript": 1,
                "POST /v2/calls/users-access": 1,
            },
            "date": {
                "GET /v2/calls": 1,
                "POST /v2/calls/transcript": 1,
                "POST /v2/calls/users-access": 1,
            },
        }[way]
    )


def test_calls_alone_are_asked_for_as_before(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    tap(catalog=catalog_of("calls"), start_date="2026-01-01")
    tap(catalog=catalog_of("calls"), call_ids=list(sandbox.world.ids[:2]))
    assert {request.method for request in sandbox.requests} == {"GET"}
    assert not any("users" in request.path for request in sandbox.requests)


def test_no_transcripts_for_a_page_that_only_counts(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    run = tap(
        catalog=catalog_of("calls", "call_transcripts"),
        start_date="2024-01-01",
        end_date="2027-01-01",
    )
    assert len(run.records_of("calls")) == 1_200
    pages = [r for r in sandbox.requests if r.path == "/v2/calls"]
    transcripts = [r for r in sandbox.requests if r.path == "/v2/calls/transcript"]
    assert len(transcripts) == len(pages) - 1  # the first page was cut
    ids = Counter(i for r in transcripts for i in r.body["filter"]["callIds"])
    assert ids == Counter(sandbox.world.ids)


def test_a_call_that_gong_does_not_know_is_in_no_table(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    unknown = "99999999999999999999"
    known = list(sandbox.world.ids[:2])
    run = tap(catalog=catalog_of(*TABLES), call_ids=[known[0], unknown, known[1]])
    assert run.status == 0
    assert run.stdout.count(unknown) == 0
    assert "does not know 1 of the IDs" in run.stderr
    assert len(run.records_of("calls")) == 2


def test_no_transcript_at_all_is_no_error(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(sentences=0)
    ids = list(sandbox.world.ids[:5])
    run = run_tap(sandbox)(catalog=catalog_of(*TABLES), call_ids=ids)
    assert run.status == 0
    assert len(run.records_of("calls")) == 5
    assert not run.records_of("call_transcripts")


def test_small_columns_of_a_call_are_not_missed_where_calls_leaves_them_out(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    catalog = catalog_of("calls", "call_topics", "call_transcripts")
    entry = entry_of(catalog, "calls")
    for name in ("started", "workspaceId", "isPrivate"):
        del entry["schema"]["properties"][name]
    ids = list(sandbox.world.ids[:9])
    run = tap(catalog=catalog, call_ids=ids)
    assert run.status == 0, run.stderr
    assert "started" not in run.records_of("calls")[0]
    for stream in ("call_topics", "call_transcripts"):
        wanted = tables(sandbox.world, ids)[stream]
        assert by_key(stream, run.records_of(stream)) == by_key(stream, wanted)


def test_a_catalog_with_one_part_alone(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    catalog = catalog_of("call_parties")
    catalog["streams"] = [entry_of(catalog, "call_parties")]
    ids = list(sandbox.world.ids[:9])
    run = tap(catalog=catalog, call_ids=ids)
    assert run.status == 0, run.stderr
    wanted = tables(sandbox.world, ids)["call_parties"]
    assert by_key("call_parties", run.records) == by_key("call_parties", wanted)
