"""A stream that Gong refuses is given up by name; the others finish."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tap_gong.sandbox.answers import Answer, error
from tap_gong.sandbox.routes.scopes import (
    BASIC,
    EXTENSIVE,
    MEDIA,
    SCOPES,
    TRANSCRIPT,
    USER_ACCESS,
    USERS,
    WORKSPACES,
)
from tests.call_tables import KEYS, TABLES, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

    Json = dict[str, Any]
    CatalogOf = Callable[..., Json]

START, END = "2024-10-30", "2026-11-15T00:00:00Z"
CALLS = 150

FROM_EXTENSIVE = (
    *("calls_extensive", "call_parties", "call_crm_objects", "call_trackers"),
    *("call_topics", "call_speakers", "call_interaction_stats", "call_comments"),
    *("call_media", "call_transcript_sentences"),
)
"""The streams that need `/v2/calls/extensive`."""

GIVEN_UP = {
    MEDIA: ("call_media",),
    TRANSCRIPT: ("call_transcripts", "call_transcript_sentences"),
    USER_ACCESS: ("call_user_access",),
    EXTENSIVE: FROM_EXTENSIVE,
    USERS: ("users",),
    WORKSPACES: ("workspaces",),
}
"""The streams that a key without a scope cannot have."""


def without(*scopes: str) -> tuple[str, ...]:
    """List all scopes but some."""
    return tuple(scope for scope in SCOPES if scope not in scopes)


def run_by(way: str, tap: TapRunner, catalog: Json, ids: list[str]) -> Run:
    """Run for all calls."""
    if way == "date":
        return tap(catalog=catalog, start_date=START, end_date=END)
    return tap(catalog=catalog, call_ids=ids, call_lookup=way)


def check_the_others(run: Run, sandbox: Sandbox, lost: Collection[str]) -> None:
    """Check that all records are there, but for those of some streams."""
    wanted: dict[str, list[Json]] = tables(sandbox.world, sandbox.world.ids)
    for stream, key in KEYS.items():
        found = [
            tuple(record[column] for column in key) for record in run.records_of(stream)
        ]
        assert len(found) == len(set(found)), stream
        if stream in lost:
            assert not found, stream
        elif stream in wanted:
            keys = {tuple(row[column] for column in key) for row in wanted[stream]}
            assert set(found) == keys, stream
        else:
            assert found, stream


def check_told(run: Run, streams: Collection[str], *words: str) -> None:
    """Check that one of the last lines is about just these streams and says why."""
    (line,) = (
        line for line in run.errors if all(f"'!{name}.*'" in line for name in streams)
    )
    for word in words:
        assert word in line
    assert line.count("'!") == len(streams)
    assert "deselect" in line
    assert "given up" in line
    last = run.stderr.splitlines()[-len(run.errors) :]
    assert last == run.errors


@pytest.mark.parametrize("scope", GIVEN_UP)
@pytest.mark.parametrize("way", ["single", "batch", "date"])
def test_a_missing_scope(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    way: str,
    scope: str,
) -> None:
    if (way, scope) == ("batch", EXTENSIVE):
        pytest.skip("then calls need the scope, too")
    sandbox = make_sandbox(scopes=without(scope), calls=CALLS)
    lost = GIVEN_UP[scope]
    run = run_by(way, run_tap(sandbox), catalog_of(*KEYS), list(sandbox.world.ids))
    assert run.status == 1
    check_the_others(run, sandbox, lost)
    assert len(run.errors) == 1
    check_told(run, lost, f"'{scope}'", "Ask a Gong administrator")
    assert "call_lookup" not in run.errors[0]  # it would not help
    assert "Traceback" not in run.stderr
    if way == "date":
        bookmarks = run.state["bookmarks"]
        for stream in TABLES:
            value = bookmarks.get(stream, {}).get("replication_key_value")
            assert value == (None if stream in lost else END), stream


def test_a_batch_without_the_scope_of_extensive_calls(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(scopes=without(EXTENSIVE), calls=CALLS)
    ids = list(sandbox.world.ids)
    run = run_by("batch", run_tap(sandbox), catalog_of(*KEYS), ids)
    assert run.status == 1
    check_the_others(run, sandbox, TABLES)
    assert f"'{EXTENSIVE}'" in run.stderr


@pytest.mark.parametrize("two", [(MEDIA, TRANSCRIPT), (EXTENSIVE, USERS)])
def test_two_missing_scopes(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    two: tuple[str, str],
) -> None:
    sandbox = make_sandbox(scopes=without(*two), calls=CALLS)
    run = run_by("date", run_tap(sandbox), catalog_of(*KEYS), [])
    assert run.status == 1
    check_the_others(run, sandbox, GIVEN_UP[two[0]] + GIVEN_UP[two[1]])
    assert len(run.errors) == 2
    for scope in two:
        check_told(run, GIVEN_UP[scope], f"'{scope}'")


def test_a_scope_that_is_missing_costs_few_requests(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(scopes=without(MEDIA, TRANSCRIPT))
    catalog = catalog_of("calls", "call_media", "call_topics", "call_transcripts")
    run = run_tap(sandbox)(
        catalog=catalog, call_ids=list(sandbox.world.ids), max_concurrency=1
    )
    assert len(run.records_of("calls")) == 1_200
    refused = [found for found in sandbox.requests if found.status == 401]
    assert len(refused) == 2


def test_a_stream_alone_without_its_scope(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(scopes=without(MEDIA), calls=CALLS)
    run = run_by("date", run_tap(sandbox), catalog_of("call_media"), [])
    assert run.status == 1
    assert not run.records
    assert len(sandbox.requests) == 1
    (error,) = run.errors
    assert "call_media was given up" in error
    assert f"'{MEDIA}'" in error
    assert "deselect" not in error


def test_a_scope_that_comes_back_brings_the_history(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    catalog = catalog_of("calls", "call_topics", "call_transcripts")
    poor = make_sandbox(scopes=without(TRANSCRIPT), calls=CALLS)
    rich = make_sandbox(calls=CALLS)
    first = run_by("date", run_tap(poor), catalog, [])
    second = run_tap(rich)(
        catalog=catalog,
        state=first.state,
        start_date=START,
        end_date=END,
        lookback_days=0,
    )
    assert second.status == 0
    assert {found["stream"] for found in second.of_type("RECORD")} == {
        "call_transcripts"
    }
    wanted = tables(rich.world, rich.world.ids)["call_transcripts"]
    assert len(second.records) == len(wanted)


PATHS = {
    "/v2/calls/extensive": FROM_EXTENSIVE,
    "/v2/calls/transcript": ("call_transcripts", "call_transcript_sentences"),
    "/v2/calls/users-access": ("call_user_access",),
    "/v2/users": ("users",),
    "/v2/workspaces": ("workspaces",),
}
ANSWERS = {
    "403": (error(403, "Forbidden for this key"), "Forbidden for this key"),
    "404": (error(404, "User not found"), "User not found"),
    "405": (error(405, "Not so"), "Not so"),
    "500": (error(500, "Internal server error occurred"), "try 9 of 9"),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("way", ["single", "date"])
@pytest.mark.usefixtures("waits")
def test_an_endpoint_that_refuses_for_ever(  # noqa: PLR0913, PLR0917
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    way: str,
    path: str,
    answer: str,
) -> None:
    sandbox = make_sandbox(calls=CALLS)
    fault, words = ANSWERS[answer]
    sandbox.faults_at[path] = [fault] * 1_000
    run = run_by(way, run_tap(sandbox), catalog_of(*KEYS), list(sandbox.world.ids))
    assert run.status == 1
    check_the_others(run, sandbox, PATHS[path])
    assert len(run.errors) == 1
    check_told(run, PATHS[path], words, path)


@pytest.mark.parametrize("answer", ["403", "500"])
@pytest.mark.parametrize("path", ["/v2/calls/extensive", "/v2/calls/transcript"])
@pytest.mark.parametrize("way", ["single", "date"])
@pytest.mark.usefixtures("waits")
def test_a_refusal_in_the_middle_loses_nothing(  # noqa: PLR0913, PLR0917
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    way: str,
    path: str,
    answer: str,
) -> None:
    streams = ("calls", "call_parties", "call_topics", "call_transcripts")
    poor, rich = make_sandbox(), make_sandbox()
    poor.faults_at[path] = [*[None] * 5, *[ANSWERS[answer][0]] * 1_000]
    settings: Json = (
        {"start_date": START, "end_date": END, "lookback_days": 0}
        if way == "date"
        else {"call_ids": list(poor.world.ids)}
    )
    catalog = catalog_of(*streams)
    first = run_tap(poor)(catalog=catalog, **settings)
    assert first.status == 1
    assert "given up" in first.errors[0]
    second = run_tap(rich)(catalog=catalog, state=first.state, **settings)
    assert second.status == 0
    wanted = tables(rich.world, rich.world.ids)
    for stream in streams:
        key = KEYS[stream]
        records = first.records_of(stream) + second.records_of(stream)
        found = {tuple(record[column] for column in key) for record in records}
        assert found == {tuple(row[column] for column in key) for row in wanted[stream]}


@pytest.mark.usefixtures("waits")
def test_an_answer_of_the_wrong_shape_is_no_bug(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(calls=0)
    sandbox.world.add(
        {"id": "7", "started": "2026-01-01T00:00:00Z"},
        {
            "transcript": [{"speakerId": "1", "sentences": [{"start": "soon"}]}],
            "access": [{"userId": None}],
        },
    )
    run = run_by("single", run_tap(sandbox), catalog_of(*TABLES), ["7"])
    assert run.status == 1
    assert run.records_of("calls")[0]["id"] == "7"
    assert "bug" not in run.stderr
    assert len(run.errors) == 2
    check_told(
        run, ("call_transcripts", "call_transcript_sentences"), "'start'", "9 of 9"
    )
    check_told(run, ("call_user_access",), "'userId'", "9 of 9")
    assert "soon" not in run.stderr


@pytest.mark.usefixtures("waits")
def test_a_fault_that_goes_away_gives_nothing_up(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(calls=CALLS)
    for path in PATHS:
        sandbox.faults_at[path] = ["status-500", "truncated", "wrong-shape", "html-200"]
    run = run_by("date", run_tap(sandbox), catalog_of(*KEYS), [])
    assert run.status == 0, run.stderr
    check_the_others(run, sandbox, ())


@pytest.mark.usefixtures("nothing_is_left_in_flight")
def test_a_wrong_key_costs_at_most_5_requests(
    run_tap: Callable[[Sandbox], TapRunner], sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    run = run_tap(sandbox)(
        catalog=catalog_of(*KEYS), start_date=START, access_key_secret="wrong"
    )
    assert run.status == 1
    assert len(sandbox.requests) <= 5
    assert not run.records
    assert len(run.errors) == 1
    assert "does not know this API key" in run.errors[0]
    assert "given up" not in run.stderr


@pytest.mark.usefixtures("nothing_is_left_in_flight")
def test_a_quota_ends_the_run_for_all_streams(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(requests_per_day=1)
    run = run_tap(sandbox)(
        catalog=catalog_of(*KEYS), start_date=START, max_concurrency=1
    )
    assert run.status == 1
    assert len(run.errors) == 1
    assert "quota is spent" in run.errors[0]
    assert "given up" not in run.stderr
    assert {found["stream"] for found in run.of_type("RECORD")} == {"workspaces"}
    assert len(sandbox.requests) <= 2


@pytest.mark.usefixtures("nothing_is_left_in_flight")
def test_an_answer_that_is_not_gongs_ends_the_run(
    run_tap: Callable[[Sandbox], TapRunner], sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    run = run_tap(sandbox)(
        catalog=catalog_of(*KEYS), start_date=START, api_url=f"{sandbox.url}/elsewhere"
    )
    assert run.status == 1
    assert len(run.errors) == 1
    assert "api_url" in run.errors[0]
    assert len(sandbox.requests) <= 5


@pytest.mark.usefixtures("nothing_is_left_in_flight")
def test_a_certificate_that_does_not_verify_ends_the_run(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    sandbox = make_sandbox(tls=context)
    run = run_tap(sandbox)(catalog=catalog_of(*KEYS), start_date=START)
    assert run.status == 1
    assert len(run.errors) == 1
    assert "does not verify" in run.errors[0]
    assert not run.records
    assert not sandbox.requests


@pytest.mark.parametrize("way", ["single", "date"])
def test_access_is_asked_again_without_the_call_that_gong_does_not_know(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    sandbox = make_sandbox(calls=100)
    world = sandbox.world
    gone = world.ids[37]
    has_left: list[str] = []
    known = type(world).call

    def call(_: object, call_id: str) -> Json | None:
        # It is there for the list, and was deleted when access is asked for.
        asks_for_access = sandbox.requests[-1].path == "/v2/calls/users-access"
        if call_id == gone and asks_for_access:
            has_left.append(call_id)
            return None
        return known(world, call_id)

    monkeypatch.setattr(type(world), "call", call)
    catalog = catalog_of("calls", "call_user_access")
    run = run_by(way, run_tap(sandbox), catalog, list(world.ids))
    monkeypatch.undo()
    assert has_left
    assert run.status == 0, run.stderr
    assert len(run.records_of("calls")) == 100
    wanted = [
        record
        for record in tables(world, world.ids)["call_user_access"]
        if record["callId"] != gone
    ]
    found = run.records_of("call_user_access")
    assert sorted(map(str, found)) == sorted(map(str, wanted))


def test_calls_to_which_nobody_has_access_are_asked_for_once(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(calls=100)
    path = "/v2/calls/users-access"
    sandbox.faults_at[path] = [Answer(200, {"callAccessList": []})]
    catalog = catalog_of("calls", "call_user_access")
    run = run_by("date", run_tap(sandbox), catalog, [])
    assert run.status == 0, run.stderr
    assert not run.records_of("call_user_access")
    assert [request.path for request in sandbox.requests].count(path) == 1


def test_the_scope_of_calls_ends_them_and_no_other_stream(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(scopes=without(BASIC), calls=CALLS)
    run = run_by("date", run_tap(sandbox), catalog_of("users", "calls"), [])
    assert run.status == 1
    assert len(run.records_of("users")) == 25
    assert not run.records_of("calls")
    check_told(run, ["calls"], f"'{BASIC}'")
