"""Which properties go out, the nested ones too.

The SDK selects properties of the record and of objects in it, not those of objects in
a list, and it goes on emitting what a catalog's schema no longer has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import Metadata, MetadataMapping

from tap_gong.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Path = tuple[str, ...]
    """The names of the properties on the way from the record to a property in it."""


def common(schema: Mapping[str, Any], promised: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce a schema to what another one has too, inside objects and lists as well.

    Args:
        schema: The schema of an object, a list or another value.
        promised: The catalog's schema of the same. Where it does not say which
            properties an object has, it has them all.

    Returns:
        A copy with the properties that both have.
    """
    reduced = dict(schema)
    if "items" in schema and "items" in promised:
        reduced["items"] = common(schema["items"], promised["items"])
    if "properties" in schema and "properties" in promised:
        theirs = promised["properties"]
        reduced["properties"] = {
            name: common(inner, theirs[name])
            for name, inner in schema["properties"].items()
            if name in theirs
        }
    return reduced


def drop_deselected(entry: dict[str, Any]) -> None:
    """Take the nested properties that are deselected out of a catalog's stream.

    An object that has no property left is taken out too. Of the metadata, only what the
    SDK can use stays: that of the properties that are left, outside lists.

    Args:
        entry: The stream in a catalog file, which is changed. In the breadcrumb of a
            property inside a list, "items" may stand or be left out.

    Raises:
        SettingsError: If an object is selected and none of its properties is, or if a
            property is deselected that the schema does not show.
    """
    stream, schema = entry["tap_stream_id"], entry["schema"]
    metadata = [(_path(item["breadcrumb"]), item) for item in entry.get("metadata", ())]
    deselected = {path for path, item in metadata if _is_deselected(item["metadata"])}

    def is_left(path: Path) -> bool:
        """Tell whether nothing that the property is in is deselected."""
        return deselected.isdisjoint(path[:length] for length in range(len(path)))

    nested = {path for path in deselected if path[1:]}
    for path in sorted(nested):
        if is_left(path) and _is_hidden(schema, path):
            msg = (
                f"catalog: stream {stream!r} deselects {'.'.join(path)!r}, which its "
                f"schema does not list. A new catalog comes with --discover."
            )
            raise SettingsError(msg)
    emptied = set(_prune(schema, nested))
    for path, item in metadata:
        if path in emptied and item["metadata"].get("selected") and is_left(path):
            name = ".".join(path)
            msg = (
                f"catalog: stream {stream!r} selects {name!r} but none of its "
                f"properties. Select them too (in Meltano: {stream}.{name}.*), or "
                f"deselect {name!r}."
            )
            raise SettingsError(msg)
    if "metadata" in entry:
        entry["metadata"] = [
            item for path, item in metadata if _is_outside_lists(schema, path)
        ]


def nested_metadata(schema: Mapping[str, Any]) -> MetadataMapping:
    """Make the metadata that the SDK leaves out: of the properties inside lists.

    Args:
        schema: The schema of a stream.

    Returns:
        Metadata that says that they can be deselected. "items" is left out of the
        breadcrumbs, so that Meltano's `select` reaches them by their names.
    """
    available = Metadata.InclusionType.AVAILABLE
    return MetadataMapping(
        (breadcrumb, Metadata(inclusion=available))
        for breadcrumb in _breadcrumbs(schema)
    )


def _breadcrumbs(
    schema: Mapping[str, Any], start: Path = (), *, in_list: bool = False
) -> Iterator[Path]:
    """Tell the breadcrumbs of the properties inside lists."""
    while "items" in schema:
        schema, in_list = schema["items"], True
    for name, inner in schema.get("properties", {}).items():
        breadcrumb = (*start, "properties", name)
        if in_list:
            yield breadcrumb
        yield from _breadcrumbs(inner, breadcrumb, in_list=in_list)


def _path(breadcrumb: Sequence[str]) -> Path:
    """Tell which property a breadcrumb means; a property may be called "items" too."""
    rest = iter(breadcrumb)
    return tuple(next(rest, "") for keyword in rest if keyword != "items")


def _is_deselected(marks: Mapping[str, Any]) -> bool:
    return marks.get("selected") is False or marks.get("inclusion") == "unsupported"


def _object(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the objects in a list, or in lists in it; of others their own."""
    while "items" in schema:
        schema = schema["items"]
    return schema


def _is_hidden(schema: Mapping[str, Any], path: Path) -> bool:
    """Tell whether a property is in an object whose properties are not listed."""
    for name in path:
        properties = _object(schema).get("properties")
        if properties is None:
            return True
        if name not in properties:
            return False
        schema = properties[name]
    return False


def _is_outside_lists(schema: Mapping[str, Any], path: Path) -> bool:
    """Tell whether the schema has a property, and not inside a list."""
    for name in path:
        properties = schema.get("properties", {})
        if name not in properties:
            return False
        schema = properties[name]
    return True


def _prune(
    schema: Mapping[str, Any], deselected: set[Path], start: Path = ()
) -> Iterator[Path]:
    """Take deselected properties away, and tell which objects have none left."""
    inside = _object(schema)
    properties = inside.get("properties", {})
    for name, inner in list(properties.items()):
        path = (*start, name)
        is_gone = path in deselected
        if not is_gone and _object(inner).get("properties"):
            yield from _prune(inner, deselected, path)
            if not _object(inner)["properties"]:
                yield path
                is_gone = True
        if is_gone:
            del properties[name]
            if name in (inside.get("required") or ()):
                inside["required"].remove(name)
