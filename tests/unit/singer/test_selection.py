"""Which properties go out, the nested ones too."""

from __future__ import annotations

import json
from copy import deepcopy
from fnmatch import fnmatch
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.singerlib.catalog import MetadataMapping

from tap_gong import schemas
from tap_gong.errors import SettingsError
from tap_gong.singer.conform import conformer
from tap_gong.singer.selection import common, drop_deselected, nested_metadata
from tests.unit.conftest import brief

EXTENSIVE: dict[str, Any] = json.loads(
    files(schemas).joinpath("calls_extensive.json").read_text()
)
EMAIL = ("parties", "emailAddress")

Path = tuple[str, ...]


def paths(schema: dict[str, Any], start: Path = ()) -> set[Path]:
    """All properties of a schema, by the names on the way to them."""
    while "items" in schema:
        schema = schema["items"]
    found: set[Path] = set()
    for name, inner in schema.get("properties", {}).items():
        found |= {(*start, name)} | paths(inner, (*start, name))
    return found


def leaves(schema: dict[str, Any]) -> set[Path]:
    """Those that have no properties themselves."""
    found = paths(schema)
    return found - {path[:-1] for path in found}


def short(path: Path) -> list[str]:
    """The breadcrumb of a property, without "items"."""
    return [crumb for name in path for crumb in ("properties", name)]


def full(path: Path, schema: dict[str, Any] = EXTENSIVE) -> list[str]:
    """The breadcrumb of a property, as the keys stand in the schema."""
    breadcrumb: list[str] = []
    for name in path:
        while "items" in schema:
            schema = schema["items"]
            breadcrumb.append("items")
        schema = schema["properties"][name]
        breadcrumb += ["properties", name]
    return breadcrumb


def entry(*marks: tuple[list[str], dict[str, Any]]) -> dict[str, Any]:
    """A stream in a catalog, with these metadata beside those of the record."""
    metadata: list[tuple[list[str], dict[str, Any]]] = [([], {"selected": True})]
    return {
        "tap_stream_id": "calls_extensive",
        "schema": deepcopy(EXTENSIVE),
        "metadata": [
            {"breadcrumb": breadcrumb, "metadata": mark}
            for breadcrumb, mark in [*metadata, *marks]
        ],
    }


def discovered() -> dict[str, Any]:
    """A stream as --discover tells it, with the metadata inside lists."""
    metadata = MetadataMapping.get_standard_metadata(
        schema=EXTENSIVE, key_properties=["id"]
    )
    metadata.update(nested_metadata(EXTENSIVE))
    return entry() | {"metadata": metadata.to_list()}


def select(stream: dict[str, Any], *patterns: str) -> None:
    """Mark what Meltano marks for these patterns of `select`."""
    rules = [("properties.*", False), ("", False)]
    for pattern in sorted(patterns, key=lambda pattern: pattern[0] == "!"):
        names = pattern.removeprefix("!").split(".")
        is_selected = not pattern.startswith("!")
        lengths = range(len(names) + 1) if is_selected else [len(names)]
        rules += [(".".join(short(tuple(names[:n]))), is_selected) for n in lengths]
    for item in stream["metadata"]:
        for rule, is_selected in rules:
            if fnmatch(".".join(item["breadcrumb"]), rule):
                item["metadata"]["selected"] = is_selected


# What the schema and the catalog's schema both have


@pytest.mark.parametrize(
    "bare",
    [{}, {"type": "array"}, {"type": ["array", "null"], "items": {"type": "object"}}],
    ids=brief,
)
def test_where_the_catalog_does_not_say_everything_is_kept(
    bare: dict[str, Any],
) -> None:
    promised = {"properties": EXTENSIVE["properties"] | {"parties": bare}}
    assert common(EXTENSIVE, promised) == EXTENSIVE


def test_what_the_catalog_does_not_have_is_taken_away() -> None:
    promised = deepcopy(EXTENSIVE)
    del promised["properties"]["title"]
    del promised["properties"]["parties"]["items"]["properties"]["emailAddress"]
    del promised["properties"]["content"]["properties"]["topics"]
    promised["properties"]["parties"]["items"]["properties"]["shoeSize"] = {}
    before = deepcopy(EXTENSIVE)
    reduced = common(EXTENSIVE, promised)
    gone = {path for path in paths(EXTENSIVE) if path[:2] == ("content", "topics")}
    assert paths(EXTENSIVE) - paths(reduced) == gone | {("title",), EMAIL}
    assert paths(reduced) < paths(EXTENSIVE)
    assert before == EXTENSIVE


def test_an_object_without_properties_has_none() -> None:
    reduced = common(EXTENSIVE, {"properties": {"content": {"properties": {}}}})
    assert paths(reduced) == {("content",)}
    assert conformer(EXTENSIVE, reduced)({"id": 1, "content": {"brief": "x"}}) == {
        "content": {}
    }


def test_our_own_types_count() -> None:
    promised = {"properties": {"id": {"type": "integer"}}}
    assert common(EXTENSIVE, promised)["properties"] == {
        "id": EXTENSIVE["properties"]["id"]
    }


# What the metadata deselects


@pytest.mark.parametrize("breadcrumb", [short(EMAIL), full(EMAIL)], ids=brief)
@pytest.mark.parametrize(
    "marks",
    [
        {"selected": False},
        {"inclusion": "available", "selected": False},
        {"inclusion": "unsupported", "selected": True},
    ],
    ids=brief,
)
def test_a_deselected_property_inside_a_list_goes(
    breadcrumb: list[str], marks: dict[str, Any]
) -> None:
    stream = entry((breadcrumb, marks))
    drop_deselected(stream)
    assert paths(EXTENSIVE) - paths(stream["schema"]) == {EMAIL}
    assert stream["metadata"] == [{"breadcrumb": [], "metadata": {"selected": True}}]
    selected = common(EXTENSIVE, stream["schema"])
    call = {"id": "1", "parties": [{"id": "2", "emailAddress": "x"}, {"name": None}]}
    unknown: set[str] = set()
    assert conformer(EXTENSIVE, selected, unknown)(call) == {
        "id": "1",
        "parties": [{"id": "2"}, {"name": None}],
    }
    assert not unknown


@pytest.mark.parametrize("spell", [short, full])
@given(data=st.data())
def test_nothing_that_is_deselected_is_left(spell: Any, data: st.DataObject) -> None:  # noqa: ANN401
    nested = sorted(path for path in paths(EXTENSIVE) if len(path) > 1)
    gone = data.draw(st.sets(st.sampled_from(nested)))
    stream = entry(*((spell(path), {"selected": False}) for path in gone))
    drop_deselected(stream)
    taken = {
        path
        for path in leaves(EXTENSIVE)
        if any(path[:length] in gone for length in range(len(path) + 1))
    }
    left = leaves(EXTENSIVE) - taken
    assert paths(stream["schema"]) == {
        path[:length] for path in left for length in range(1, len(path) + 1)
    }
    # What the SDK then makes of the metadata.
    mask = MetadataMapping.from_iterable(stream["metadata"]).resolve_selection()
    assert all(mask[tuple(short(path))] for path in paths(stream["schema"]))


def test_a_property_may_be_called_items() -> None:
    text = ("content", "outline", "items", "text")
    assert full(text)[4:] == ["items", "properties", "items", "items", *short(text)[6:]]
    for breadcrumb in (short(text), full(text)):
        stream = entry((breadcrumb, {"selected": False}))
        drop_deselected(stream)
        assert paths(EXTENSIVE) - paths(stream["schema"]) == {text}


def test_a_required_property_is_no_longer_required() -> None:
    stream = entry((short(EMAIL), {"selected": False}))
    party = stream["schema"]["properties"]["parties"]["items"]
    party["required"] = ["id", "emailAddress"]
    drop_deselected(stream)
    assert party["required"] == ["id"]


def test_properties_of_the_record_are_left_to_the_sdk() -> None:
    stream = entry((["properties", "title"], {"selected": False}))
    before = deepcopy(stream)
    drop_deselected(stream)
    assert stream == before


def test_a_stream_without_metadata() -> None:
    stream = entry()
    del stream["metadata"]
    before = deepcopy(stream)
    drop_deselected(stream)
    assert stream == before


def test_metadata_of_what_is_gone_goes_too() -> None:
    outcome = ("content", "callOutcome")
    stream = entry(
        (short(("content",)), {}),
        (short(outcome), {"selected": False}),
        (short((*outcome, "name")), {"selected": True}),
        (short(("content", "brief")), {"selected": True}),
        (short(("content", "topics", "name")), {"selected": True}),
        (short(("nobody", "knows")), {"selected": False}),
    )
    drop_deselected(stream)
    assert [item["breadcrumb"] for item in stream["metadata"]] == [
        [],
        short(("content",)),
        short(("content", "brief")),
    ]


QUESTIONS = ("interaction", "questions")
COUNTS = [(*QUESTIONS, "companyCount"), (*QUESTIONS, "nonCompanyCount")]


def test_an_object_without_any_property_left_goes_too() -> None:
    deselected = [(short(path), {"selected": False}) for path in COUNTS]
    stream = entry((short(QUESTIONS), {"inclusion": "available"}), *deselected)
    drop_deselected(stream)
    assert paths(EXTENSIVE) - paths(stream["schema"]) == {QUESTIONS, *COUNTS}
    assert len(stream["metadata"]) == 1


def test_an_object_that_is_selected_without_any_property_is_refused() -> None:
    deselected = [(short(path), {"selected": False}) for path in COUNTS]
    stream = entry((short(QUESTIONS), {"selected": True}), *deselected)
    with pytest.raises(SettingsError) as caught:
        drop_deselected(deepcopy(stream))
    assert str(caught.value) == (
        "catalog: stream 'calls_extensive' selects 'interaction.questions' but none "
        "of its properties. Select them too (in Meltano: "
        "calls_extensive.interaction.questions.*), or deselect 'interaction.questions'."
    )
    stream["metadata"][0]["metadata"]["selected"] = False  # nobody reads it
    drop_deselected(stream)


@pytest.mark.parametrize("parties", [{}, {"type": "array", "items": {}}], ids=brief)
def test_what_the_schema_does_not_list_cannot_be_deselected(
    parties: dict[str, Any],
) -> None:
    stream = entry((short(EMAIL), {"selected": False}))
    stream["schema"]["properties"]["parties"] = parties
    with pytest.raises(SettingsError) as caught:
        drop_deselected(stream)
    assert str(caught.value) == (
        "catalog: stream 'calls_extensive' deselects 'parties.emailAddress', which its "
        "schema does not list. A new catalog comes with --discover."
    )
    without = {"breadcrumb": short(("parties",)), "metadata": {"selected": False}}
    stream["metadata"].append(without)
    drop_deselected(stream)


# What a user sees, and Meltano marks

NOT_CONTENT = ("context", "parties", "interaction", "collaboration")


def test_every_property_has_metadata_once() -> None:
    stream = discovered()
    breadcrumbs = [tuple(item["breadcrumb"]) for item in stream["metadata"]]
    wanted = {tuple(short(path)) for path in paths(EXTENSIVE)}
    assert sorted(breadcrumbs) == sorted(wanted | {()})
    assert nested_metadata(EXTENSIVE).keys() == {
        tuple(short(path)) for path in paths(EXTENSIVE) if full(path) != short(path)
    }


@pytest.mark.parametrize(
    ("patterns", "gone"),
    [
        (["*"], ()),
        (["*", "!parties.emailAddress"], ("parties.emailAddress",)),
        (["*", "!*.emailAddress"], ("parties.emailAddress",)),
        (["*", "!parties.context"], ("parties.context*",)),
        (["id", "content.*"], (*NOT_CONTENT, *(f"{name}.*" for name in NOT_CONTENT))),
    ],
    ids=brief,
)
def test_meltano_selects_nested_properties(
    patterns: list[str], gone: tuple[str, ...]
) -> None:
    stream = discovered()
    select(stream, *patterns)
    drop_deselected(stream)
    left = {".".join(path) for path in paths(stream["schema"])}
    for name in map(".".join, paths(EXTENSIVE)):
        is_gone = any(fnmatch(name, pattern) for pattern in gone)
        assert (name not in left) == is_gone, name


def test_meltano_selects_a_list_without_its_properties() -> None:
    stream = discovered()
    select(stream, "id", "parties")
    with pytest.raises(
        SettingsError, match=r"in Meltano: calls_extensive\.parties\.\*"
    ):
        drop_deselected(stream)
