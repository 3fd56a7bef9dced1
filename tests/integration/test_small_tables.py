"""Small tables beside the calls: they come first, and need no setting of the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.call_tables import KEYS, TABLES, utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_gong.sandbox import Sandbox
    from tests.conftest import TapRunner

    Json = dict[str, Any]
    CatalogOf = Callable[..., Json]

USER_COLUMNS = (
    *("id", "emailAddress", "created", "active", "emailAliases"),
    *("trustedEmailAddress", "firstName", "lastName", "title", "phoneNumber"),
    *("extension", "personalMeetingUrls", "settings", "managerId"),
    *("meetingConsentPageUrl", "conferencingProviders", "spokenLanguages"),
)


def test_users_and_workspaces_field_by_field(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    run = tap(catalog=catalog_of("users", "workspaces"))
    assert run.status == 0, run.stderr
    wanted = [
        dict.fromkeys(USER_COLUMNS) | user | {"created": utc(str(user["created"]))}
        for user in sandbox.world.users
    ]
    found = sorted(run.records_of("users"), key=lambda user: str(user["id"]))
    assert found == sorted(wanted, key=lambda user: str(user["id"]))
    workspaces = {found["id"]: found for found in sandbox.world.workspaces}
    assert {r["id"]: r for r in run.records_of("workspaces")} == workspaces
    assert len(sandbox.requests) == 2


def test_many_users_take_several_pages(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(users=250)
    run = run_tap(sandbox)(catalog=catalog_of("users"))
    ids = [record["id"] for record in run.records]
    assert sorted(ids) == sorted(str(user["id"]) for user in sandbox.world.users)
    assert len(sandbox.requests) == 3


def test_small_tables_come_before_the_calls(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    run = tap(catalog=catalog_of(*KEYS), call_ids=list(sandbox.world.ids[:120]))
    assert run.status == 0
    order = list(dict.fromkeys(m["stream"] for m in run.of_type("RECORD")))
    small = {*KEYS} - {*TABLES}
    assert {*order[: len(small)]} == small
    assert {*order[len(small) :]} == {*TABLES}
    streams = [message["stream"] for message in run.of_type("RECORD")]
    first_of_calls = min(streams.index(name) for name in TABLES)
    assert small.isdisjoint(streams[first_of_calls:])


def test_a_backfill_that_spends_the_quota_does_not_starve_them(
    run_tap: Callable[[Sandbox], TapRunner],
    make_sandbox: Callable[..., Sandbox],
    catalog_of: CatalogOf,
) -> None:
    sandbox = make_sandbox(requests_per_day=12)
    run = run_tap(sandbox)(catalog=catalog_of(*KEYS), start_date="2024-10-30")
    assert run.status == 1
    assert "quota is spent" in run.errors[0]
    assert len(run.records_of("users")) == 25
    assert len(run.records_of("workspaces")) == 3


def test_streams_that_are_read_whole_have_no_bookmark(
    tap: TapRunner, catalog_of: CatalogOf
) -> None:
    first = tap(catalog=catalog_of("users", "workspaces"))
    assert not any(first.state.get("bookmarks", {}).values())
    second = tap(catalog=catalog_of("users", "workspaces"), state=first.state)
    assert second.records == first.records


def test_the_log_names_the_stream(
    tap: TapRunner,
    sandbox: Sandbox,
    catalog_of: CatalogOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tap_gong.run.progress.SECONDS_BETWEEN_LINES", 0)
    ids = list(sandbox.world.ids[:9])
    run = tap(catalog=catalog_of("users", "workspaces", "calls"), call_ids=ids)
    for stream, count in (("users", 25), ("workspaces", 3), ("calls", 9)):
        assert f"| {stream}: {count} records." in run.stderr
        assert f"| {stream}: {count} of " in run.stderr


@pytest.mark.parametrize("parts", [("calls",), ("call_parties", "call_topics")])
def test_calls_without_a_setting_are_refused_by_name_before_any_request(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf, parts: tuple[str, ...]
) -> None:
    run = tap(catalog=catalog_of("users", *parts))
    assert run.status == 1
    assert len(run.errors) == 1
    for name in (*parts, "start_date", "call_ids"):
        assert name in run.errors[0]
    assert not sandbox.requests
    assert not run.stdout


def test_small_tables_alone_need_no_setting_of_the_calls(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    assert tap(catalog=catalog_of("workspaces")).status == 0
    assert [found.path for found in sandbox.requests] == ["/v2/workspaces"]


def test_without_a_catalog_only_calls_are_read(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    run = tap(call_ids=list(sandbox.world.ids[:3]))
    assert {message["stream"] for message in run.of_type("SCHEMA")} == {"calls"}
    assert {message["stream"] for message in run.of_type("RECORD")} == {"calls"}
    assert len(sandbox.requests) == 3


def test_nothing_selected_is_no_request(
    tap: TapRunner, sandbox: Sandbox, catalog_of: CatalogOf
) -> None:
    run = tap(catalog=catalog_of())
    assert run.status == 0
    assert not sandbox.requests
    assert not run.records
