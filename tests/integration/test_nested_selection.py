"""A nested property that is deselected is emitted nowhere, inside lists as well."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import entry_of, mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

    Json = dict[str, Any]
    CatalogOf = Callable[..., Json]


def by_breadcrumb(entry: Json) -> None:
    """Deselect the e-mail as the catalog of --discover names it."""
    path = ("properties", "parties", "properties", "emailAddress")
    assert [*path] in [item["breadcrumb"] for item in entry["metadata"]]
    mark(entry, *path, selected=False)


def by_breadcrumb_with_items(entry: Json) -> None:
    """Deselect it with the breadcrumb that JSON schema has."""
    path = ("properties", "parties", "items", "properties", "emailAddress")
    mark(entry, *path, selected=False)


def by_schema(entry: Json) -> None:
    """Take it out of the schema."""
    del entry["schema"]["properties"]["parties"]["items"]["properties"]["emailAddress"]


WAYS = (by_breadcrumb, by_breadcrumb_with_items, by_schema)


def addresses(sandbox: Sandbox, ids: list[str]) -> set[str]:
    """List the e-mail addresses of the parties of some calls."""
    found = set()
    for id_ in ids:
        parties: Any = sandbox.world.details(id_, "parties").get("parties", ())
        found |= {p["emailAddress"] for p in parties if "emailAddress" in p}
    return found


def check_gone(run: Run, sandbox: Sandbox, ids: list[str]) -> None:
    """Check that no e-mail of a party is anywhere."""
    assert run.status == 0, run.stderr
    all_of_them = addresses(sandbox, ids)
    assert len(all_of_them) > 20
    for address in all_of_them:
        assert address not in run.stdout
        assert address not in run.stderr
    assert "emailAddress" not in run.stdout
    assert "emailAddress" not in run.stderr


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"flattening_enabled": True, "flattening_max_depth": 3},
        {"stream_maps": {"calls_extensive": {"everything": "str(record)"}}},
        {
            "stream_maps": {"calls_extensive": {"__alias__": "x", "p": "str(parties)"}},
            "flattening_enabled": True,
            "flattening_max_depth": 9,
        },
    ],
    ids=["plain", "flat", "mapped", "mapped and flat"],
)
def test_a_deselected_email_of_the_parties_appears_nowhere(
    tap: TapRunner,
    sandbox: Sandbox,
    catalog_of: CatalogOf,
    way: Callable[[Json], None],
    settings: Json,
) -> None:
    os.environ["TAP_GONG_LOGLEVEL"] = "DEBUG"
    catalog = catalog_of("calls_extensive")
    way(entry_of(catalog, "calls_extensive"))
    ids = list(sandbox.world.ids[:40])
    whole = tap.config | {"call_ids": ids} | settings
    run = tap(config=whole, catalog=catalog)
    check_gone(run, sandbox, ids)
    assert len(run.records) == 40
    assert '"affiliation"' in run.stdout.replace("\\", "").replace("'", '"')


@pytest.mark.parametrize("by", ["single", "batch", "date"])
def test_a_deselected_column_of_the_parties_appears_nowhere(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    by: str,
) -> None:
    sandbox = make_sandbox(calls=60)
    catalog = catalog_of("call_parties", "call_transcript_sentences")
    mark(
        entry_of(catalog, "call_parties"), "properties", "emailAddress", selected=False
    )
    del entry_of(catalog, "call_transcript_sentences")["schema"]["properties"][
        "speakerEmailAddress"
    ]
    ids = list(sandbox.world.ids)
    ways: dict[str, Json] = {
        "single": {"call_ids": ids},
        "batch": {"call_ids": ids, "call_lookup": "batch"},
        "date": {"start_date": "2024-01-01"},
    }
    run = run_tap(sandbox)(catalog=catalog, **ways[by])
    check_gone(run, sandbox, ids)
    assert "speakerEmailAddress" not in run.stdout
    assert run.records_of("call_transcript_sentences")[0]["text"]


@pytest.mark.parametrize("stream", ["call_parties", "calls_extensive"])
def test_a_property_two_lists_deep(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf, stream: str
) -> None:
    catalog = catalog_of(stream)
    outer = ("properties", "parties") if stream == "calls_extensive" else ()
    path = (*outer, "properties", "context", "properties", "objects")
    mark(
        entry_of(catalog, stream),
        *path,
        *("properties", "fields", "properties", "value"),
        selected=False,
    )
    mark(entry_of(catalog, stream), *path, *("properties", "objectId"), selected=False)
    run = tap(catalog=catalog, call_ids=list(sandbox.world.ids[:40]))
    assert run.status == 0, run.stderr
    seen = 0
    for record in run.records:
        for party in record["parties"] or () if outer else [record]:
            for entry in party["context"] or ():
                for linked in entry["objects"]:
                    assert linked.keys() <= {"objectType", "fields", "timing"}
                    for field in linked.get("fields", ()):
                        assert field.keys() == {"name"}
                        seen += 1
    assert seen > 20


def test_the_rest_is_as_before(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    ids = list(sandbox.world.ids[:40])
    whole = tap(catalog=catalog_of("calls_extensive"), call_ids=ids)
    catalog = catalog_of("calls_extensive")
    by_breadcrumb(entry_of(catalog, "calls_extensive"))
    less = tap(catalog=catalog, call_ids=ids)
    wanted = {record["id"]: record for record in whole.records}
    for record in wanted.values():
        for party in record["parties"] or ():
            party.pop("emailAddress", None)
    assert {record["id"]: record for record in less.records} == wanted
    schema = json.loads(json.dumps(whole.schema_of("calls_extensive")))
    del schema["properties"]["parties"]["items"]["properties"]["emailAddress"]
    assert less.schema_of("calls_extensive") == schema


def test_an_object_without_a_property_left_goes_too(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    catalog = catalog_of("call_transcripts")
    for name in ("start", "end", "text"):
        mark(
            entry_of(catalog, "call_transcripts"),
            *("properties", "transcript", "properties", "sentences"),
            *("properties", name),
            selected=False,
        )
    run = tap(catalog=catalog, call_ids=list(sandbox.world.ids[:9]))
    assert run.status == 0, run.stderr
    for record in run.records:
        for turn in record["transcript"]:
            assert turn.keys() == {"speakerId", "topic"}
    assert '"sentences":' not in run.stdout


def test_properties_of_an_object_of_users(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    catalog = catalog_of("users")
    entry = entry_of(catalog, "users")
    mark(entry, "properties", "meetingConsentPageUrl", selected=False)
    mark(
        entry, "properties", "settings", "properties", "emailsImported", selected=False
    )
    mark(
        entry,
        *("properties", "spokenLanguages", "properties", "language"),
        selected=False,
    )
    run = tap(catalog=catalog)
    assert run.status == 0, run.stderr
    assert len(run.records) == len(sandbox.world.users)
    for record in run.records:
        assert "emailsImported" not in record["settings"]
        assert "gongConnectEnabled" in record["settings"]
        assert record["spokenLanguages"] == [{"primary": True}]
    assert not re.search('tkn=|"meetingConsentPageUrl":', run.stdout + run.stderr)
