"""The SDK's standard suite, and the checks that it only seems to make."""

from __future__ import annotations

import atexit
from collections import Counter
from typing import TYPE_CHECKING, Any

from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_gong.sandbox import Options, Sandbox
from tap_gong.singer.selection import drop_deselected
from tap_gong.tap import TapGong

if TYPE_CHECKING:
    from tests.conftest import TapRunner

# The suite builds the tap when this module is imported.
SANDBOX = Sandbox(Options(requests_per_second=0, last_day="2026-10-31")).start()
atexit.register(SANDBOX.close)

CONFIG = {
    "access_key": SANDBOX.access_key,
    "access_key_secret": SANDBOX.access_key_secret,
    "api_url": SANDBOX.url,
    "call_ids": list(SANDBOX.world.ids[:200]),
    "requests_per_second": 500,
}


def everything_selected() -> dict[str, Any]:
    catalog = TapGong(config=CONFIG).catalog_dict
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = True
        drop_deselected(stream)
    return catalog


TestTapGong = get_tap_test_class(
    TapGong,
    config=CONFIG,
    catalog=everything_selected(),
    suite_config=SuiteConfig(max_records_limit=200),
)


def test_primary_keys_are_unique(tap: TapRunner, sandbox: Sandbox) -> None:
    run = tap(call_ids=list(sandbox.world.ids[:50]) * 2)
    (schema,) = run.of_type("SCHEMA")
    keys = Counter(
        tuple(record[name] for name in schema["key_properties"])
        for record in run.records
    )
    assert len(keys) == 50
    assert set(keys.values()) == {1}


def test_the_final_state_has_no_progress_markers(
    tap: TapRunner, sandbox: Sandbox
) -> None:
    run = tap(call_ids=list(sandbox.world.ids[:50]))
    assert run.messages[-1]["type"] == "STATE"
    assert run.state == {"bookmarks": {"calls": {}}}
