"""private_calls: exclude lets nothing of a private call out."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.call_tables import KEYS, TABLES, tables
from tests.conftest import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import Run, TapRunner

    Json = dict[str, Any]
    CatalogOf = Callable[..., Json]

START, END = "2024-10-30", "2026-11-15T00:00:00Z"
WAYS = ("single", "batch", "date")


@pytest.fixture
def small(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return make_sandbox(calls=150)


def is_private(sandbox: Sandbox, id_: str) -> bool:
    """Look up whether a call is private."""
    return (sandbox.world.call(id_) or {})["isPrivate"] is True


def private_ids(sandbox: Sandbox) -> list[str]:
    """List the private calls."""
    return [id_ for id_ in sandbox.world.ids if is_private(sandbox, id_)]


def run_by(
    way: str, tap: TapRunner, catalog: Json, ids: list[str], **settings: object
) -> Run:
    """Run for all calls."""
    if way == "date":
        return tap(
            config=tap.config | {"start_date": START, "end_date": END} | settings,
            catalog=catalog,
        )
    ways = {"call_ids": ids, "call_lookup": way}
    return tap(config=tap.config | ways | settings, catalog=catalog)


def secrets(sandbox: Sandbox, id_: str) -> set[str]:
    """List texts that only this call has: in its IDs, links and parties."""
    call = sandbox.world.call(id_) or {}
    blocks: Json = sandbox.world.details(id_, "parties", "media")
    texts = {id_, str(call["clientUniqueId"])} if call.get("clientUniqueId") else {id_}
    for party in blocks.get("parties", ()):
        texts |= {party["id"], party["speakerId"] or id_}
    return texts


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [TABLES, ("calls", "call_transcripts")])
def test_nothing_of_a_private_call_leaves(
    run_tap: Callable[[Sandbox], TapRunner],
    small: Sandbox,
    catalog_of: CatalogOf,
    way: str,
    streams: tuple[str, ...],
) -> None:
    os.environ["TAP_GONG_LOGLEVEL"] = "DEBUG"
    ids = list(small.world.ids)
    run = run_by(
        way,
        run_tap(small),
        catalog_of(*streams),
        ids,
        private_calls="exclude",
    )
    assert run.status == 0, run.stderr
    private = private_ids(small)
    assert len(private) > 3
    wanted = tables(small.world, [id_ for id_ in ids if id_ not in private])
    for stream in streams:
        key = KEYS[stream]
        found = {tuple(r[c] for c in key) for r in run.records_of(stream)}
        assert found == {tuple(r[c] for c in key) for r in wanted[stream]}
    for id_ in private:
        for text in secrets(small, id_):
            assert text not in run.stdout
            assert text not in run.stderr


@pytest.mark.parametrize("way", WAYS)
def test_no_transcript_or_access_of_a_private_call_is_asked_for(
    run_tap: Callable[[Sandbox], TapRunner],
    small: Sandbox,
    catalog_of: CatalogOf,
    way: str,
) -> None:
    ids = list(small.world.ids)
    catalog = catalog_of("calls", "call_transcripts", "call_user_access")
    run = run_by(way, run_tap(small), catalog, ids, private_calls="exclude")
    assert run.status == 0
    paths = ("/v2/calls/transcript", "/v2/calls/users-access")
    asked = {
        id_
        for found in small.requests
        if found.path in paths
        for id_ in found.body["filter"]["callIds"]
    }
    assert asked == {*ids} - {*private_ids(small)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("has_calls", [True, False])
def test_a_catalog_without_the_column_changes_nothing(
    run_tap: Callable[[Sandbox], TapRunner],
    small: Sandbox,
    catalog_of: CatalogOf,
    way: str,
    has_calls: bool,  # noqa: FBT001
) -> None:
    catalog = catalog_of("calls", "call_parties")
    if has_calls:
        del entry_of(catalog, "calls")["schema"]["properties"]["isPrivate"]
    else:
        catalog["streams"] = [entry_of(catalog, "call_parties")]
    ids = list(small.world.ids)
    run = run_by(way, run_tap(small), catalog, ids, private_calls="exclude")
    assert run.status == 0, run.stderr
    assert run.records_of("call_parties")
    for id_ in private_ids(small):
        assert id_ not in run.stdout


@pytest.mark.parametrize("way", WAYS)
def test_they_are_included_by_default(
    run_tap: Callable[[Sandbox], TapRunner],
    small: Sandbox,
    catalog_of: CatalogOf,
    way: str,
) -> None:
    run = run_by(way, run_tap(small), catalog_of("calls"), list(small.world.ids))
    assert {*private_ids(small)} <= {*run.ids}


def test_a_private_call_counts_as_read(
    run_tap: Callable[[Sandbox], TapRunner], small: Sandbox, catalog_of: CatalogOf
) -> None:
    private = private_ids(small)
    run = run_by(
        "date", run_tap(small), catalog_of("calls"), [], private_calls="exclude"
    )
    assert run.bookmark["replication_key_value"] == END
    assert "promised" not in run.stderr
    left = len(small.world.ids) - len(private)
    assert f"Done: {left} records, 0 absent" in run.stderr


def test_a_private_call_leaves_the_queue(
    run_tap: Callable[[Sandbox], TapRunner], small: Sandbox, catalog_of: CatalogOf
) -> None:
    private = private_ids(small)
    run = run_tap(small)(
        catalog=catalog_of("calls"),
        state={"bookmarks": {"calls": {"call_ids": [small.world.ids[0], *private]}}},
        private_calls="exclude",
    )
    assert run.status == 0
    assert run.state["bookmarks"]["calls"] == {"call_ids": []}
    assert "does not know" not in run.stderr


def test_a_stop_in_the_middle_of_a_period_keeps_no_private_id(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(requests_per_day=4)
    run = run_by(
        "date",
        run_tap(sandbox),
        catalog_of("calls"),
        [],
        private_calls="exclude",
        max_concurrency=1,
    )
    assert run.status == 1
    assert "quota is spent" in run.errors[0]
    kept = run.bookmark["pass_emitted"]
    assert kept
    state = json.dumps(run.state)
    for id_ in private_ids(sandbox):
        assert id_ not in state
        assert id_ not in run.stdout
