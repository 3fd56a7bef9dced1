"""CONTRIBUTING.md: a stream is added to a copy of the tap, as the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scripts.make_schemas import STREAMS, Stream, columns_of, object_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()

BLOCKS: dict[str, str] = dict(
    re.findall(
        r"^\*\*`([^`]+)`\*\*[^\n]*\n\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
    )
)
"""What the page shows of the files to write or to change, by their paths."""

SHOWN = re.findall(
    r"stands in `([^`]+)`:\n\n```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
)
"""Code that is there already, each with its path."""

STREAM = "library_folders"

CHANGES = {
    "tap_gong/streams/__init__.py": [
        ("import call_parts, calls, ", "import call_parts, calls, library, "),
        ("    calls.CallsStream,\n", "{}    calls.CallsStream,\n"),
    ],
    "tap_gong/sandbox/routes/scopes.py": [
        ("SCOPES = (", "{}\nSCOPES = (LIBRARY, "),
    ],
    "tap_gong/sandbox/routes/__init__.py": [
        (
            "from tap_gong.sandbox.routes.people",
            (
                "from tap_gong.sandbox.routes.library import list_folders\n"
                "from tap_gong.sandbox.routes.people"
            ),
        ),
        ('        ("GET", "/v2/users"', '{}        ("GET", "/v2/users"'),
    ],
}
"""Where the page's lines go in files that are there: old text, new text with them."""

LIBRARY_FOLDER = {
    "id": "string",
    "name": "string",
    "parentFolderId": "string",
    "createdBy": "string",
    "updated": "date-time",
}
"""The types of the component in Gong's document."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tap, with the changes that the page shows."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tap_gong", folder / "tap_gong", ignore=ignored)
    for path, text in BLOCKS.items():
        file = folder / path
        if path in CHANGES:
            content = file.read_text()
            for old, new in CHANGES[path]:
                assert content.count(old) == 1, old
                content = content.replace(old, new.format(text))
            file.write_text(content)
        elif path.startswith("tap_gong/"):
            assert not file.exists()
            file.write_text(text)
    return folder


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the copy's code, and look at nothing of this folder's."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )


def sync(copy: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the new stream alone against the copy's sandbox."""
    discovered = run(copy, "tap_gong", "--discover")
    assert discovered.returncode == 0, discovered.stderr
    catalog: Json = json.loads(discovered.stdout)
    for stream in catalog["streams"]:
        for item in stream["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = stream["tap_stream_id"] == STREAM
    (copy / "catalog.json").write_text(json.dumps(catalog))
    return run(
        copy,
        *("tap_gong.sandbox", "run", "--calls", "3", *options, "--"),
        *(sys.executable, "-m", "tap_gong"),
        *("--config", "ENV", "--catalog", "catalog.json"),
    )


def messages(done: subprocess.CompletedProcess[str], kind: str) -> Iterator[Json]:
    for line in done.stdout.splitlines():
        message: Json = json.loads(line)
        if message["type"] == kind:
            yield message


def test_the_stream_is_read(copy: Path) -> None:
    done = sync(copy)
    assert done.returncode == 0, done.stderr
    (schema,) = messages(done, "SCHEMA")
    assert (schema["stream"], schema["key_properties"]) == (STREAM, ["id"])
    records = [message["record"] for message in messages(done, "RECORD")]
    by_workspace: dict[str, list[str]] = {}
    for record in records:
        assert record.keys() == schema["schema"]["properties"].keys()
        assert record["id"].startswith(record["workspaceId"])
        assert record["updated"] == "2026-03-14T13:30:00.000000Z"
        by_workspace.setdefault(record["workspaceId"], []).append(record["name"])
    assert [*by_workspace.values()] == [["Onboarding", "Best calls"]] * 2
    # The workspaces, and the folders of each; the 404 of the last one is no error.
    assert "4 requests of which 0 retries" in done.stderr


def test_a_missing_scope_gives_the_stream_up(copy: Path) -> None:
    done = sync(copy, "--scopes", "api:workspaces:read")
    assert done.returncode == 1
    assert "library_folders was given up" in done.stderr
    assert "'api:library:read'" in done.stderr


def test_the_class_has_about_ten_lines() -> None:
    _, _, body = BLOCKS["tap_gong/streams/library.py"].partition('.\n    """\n\n')
    assert len(body.splitlines()) <= 11


def test_the_schema_is_what_the_script_makes() -> None:
    text = BLOCKS[f"tap_gong/schemas/{STREAM}.json"]
    schema: Json = json.loads(text)
    assert written(schema) == text
    line = BLOCKS["scripts/make_schemas.py"].strip().removesuffix(",")
    name, _, made = line.partition(": ")
    assert name == f'"{STREAM}"'
    stream: Stream = eval(made, {"Stream": Stream})  # noqa: S307
    facts = {"LibraryFolder": LIBRARY_FOLDER}
    properties = object_of(columns_of(stream, facts), {}, facts, stream.key)
    described = {
        name: inner | {"description": schema["properties"][name]["description"]}
        for name, inner in properties.items()
    }
    assert schema["properties"] == described
    assert schema["required"] == [*stream.key]


def test_an_added_column_is_described_as_elsewhere() -> None:
    schema: Json = json.loads(BLOCKS[f"tap_gong/schemas/{STREAM}.json"])
    path = ROOT / "tap_gong" / "schemas" / "call_transcripts.json"
    assert "workspaceId" in STREAMS["call_transcripts"].columns
    elsewhere: Json = json.loads(path.read_text())["properties"]
    assert schema["properties"]["workspaceId"] == elsewhere["workspaceId"]


@pytest.mark.parametrize(("path", "code"), SHOWN)
def test_what_is_shown_of_the_code_stands_there(path: str, code: str) -> None:
    assert f"\n\n{code}\n" in f"{(ROOT / path).read_text()}\n"


def test_nothing_on_the_page_is_left_out() -> None:
    assert len(SHOWN) == 2
    assert len(BLOCKS) == 7
    assert CHANGES.keys() < BLOCKS.keys()


def test_the_paths_on_the_page_are_there() -> None:
    for path in re.findall(r"`((?:tests|scripts|tap_gong|\.ci)/[\w./]*)`", PAGE):
        assert path in BLOCKS or (ROOT / path).exists(), path
