"""Find rows in what Gong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_gong.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping


def as_object(item: object) -> Mapping[str, Any]:
    """Check that a row of an answer is an object.

    Raises:
        ShapeError: If it is not.
    """
    if not isinstance(item, dict):
        msg = f"a {type(item).__name__} stands for an object"
        raise ShapeError(msg)
    return item


def list_at(item: object, *path: str) -> list[Any]:
    """Find a list in an object; empty where Gong leaves it out.

    Args:
        item: The object.
        path: The names of the properties that lead to it.

    Raises:
        ShapeError: If something else stands there.
    """
    for name in path:
        item = as_object({} if item is None else item).get(name)
    if item is None:
        return []
    if not isinstance(item, list):
        msg = f"{path[-1]!r} is {type(item).__name__}"
        raise ShapeError(msg)
    return item
