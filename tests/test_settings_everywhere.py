"""The settings' schema, meltano.yml, .env.example and the README say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_gong.sandbox import World
from tap_gong.settings import PROPERTIES, parse_call_ids
from tap_gong.tap import TapGong

ROOT = Path(__file__).parent.parent
MELTANO = yaml.safe_load((ROOT / "meltano.yml").read_text())
EXTRACTOR: dict[str, Any] = MELTANO["plugins"]["extractors"][0]
README = (ROOT / "README.md").read_text()

KINDS = {
    "string": "string",
    "number": "string",  # Meltano 4.4 cannot hand on decimals from the environment
    "integer": "integer",
    "array": "string",  # a comma-separated string is no array to Meltano
}


def test_meltano_has_the_same_settings_in_order() -> None:
    assert [setting["name"] for setting in EXTRACTOR["settings"]] == list(PROPERTIES)


@pytest.mark.parametrize("setting", EXTRACTOR["settings"], ids=lambda s: s["name"])
def test_meltano_describes_a_setting_alike(setting: dict[str, Any]) -> None:
    schema = PROPERTIES[setting["name"]]
    secret = bool(schema.get("secret"))
    assert setting["label"] == schema["title"]
    assert setting["description"] == schema["description"]
    assert setting.get("sensitive", False) is secret
    kind = "password" if secret else KINDS[schema["type"][0]]
    if schema.get("format") == "date-time":
        kind = "date_iso8601"
    if choices := schema.get("enum"):
        kind = "options"
        offered = [option["value"] for option in setting["options"]]
        assert offered == [choice for choice in choices if choice is not None]
    assert setting["kind"] == kind


def test_meltano_claims_the_capabilities_that_the_tap_has() -> None:
    capabilities = {capability.value for capability in TapGong.capabilities}
    assert set(EXTRACTOR["capabilities"]) == capabilities


@pytest.mark.parametrize(
    "plugin", [p for kind in MELTANO["plugins"].values() for p in kind]
)
def test_meltano_needs_no_hub(plugin: dict[str, Any]) -> None:
    assert {"namespace", "pip_url", "executable", "settings"} <= plugin.keys()


def test_the_environment_example_has_the_same_settings_in_order() -> None:
    names = re.findall(
        r"^#? ?(TAP_GONG_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE
    )
    assert names == [f"TAP_GONG_{name.upper()}" for name in PROPERTIES]


def test_the_readme_has_a_row_for_each_setting_in_order() -> None:
    table = README.split("<!-- settings -->")[1]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", table, re.MULTILINE)
    assert rows == [
        (
            name,
            f"`{schema['default']}`" if "default" in schema else "",
            schema["description"],
        )
        for name, schema in PROPERTIES.items()
    ]


def test_the_sample_is_a_configuration_for_the_sandbox() -> None:
    sample = json.loads((ROOT / "sample_config.json").read_text())
    world = World()
    assert sample.keys() <= PROPERTIES.keys()
    ids = parse_call_ids(sample["call_ids"], "sample")
    assert all(world.call(id_) for id_ in ids)
    assert any(len(id_) == 20 for id_ in ids)
