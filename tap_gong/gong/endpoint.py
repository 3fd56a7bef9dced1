"""How one endpoint of Gong's API is asked, and where its answer has the records."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from tap_gong.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """One endpoint of Gong's API.

    A GET takes its inputs and the cursor in the query; a POST takes its inputs under
    `filter` in the body, and the cursor beside it.
    """

    method: str
    path: str
    """With `{name}` where an input goes into the path."""
    records: str
    """The property of the answer that holds the records, or the only one."""
    many: bool = True
    """Whether it holds a list of them."""
    nothing: str = "(?!)"
    """A regular expression. A 404 or 400 whose sentence matches means that there is
    nothing. Any other is an error; by default all are."""
    instead: str = ""
    """What to do with a key that lacks this endpoint's scope."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """What the body of a POST has beside `filter` and the cursor."""

    def request(
        self, base_url: str, inputs: Mapping[str, Any], cursor: str | None
    ) -> requests.Request:
        """Make the request for some inputs.

        Args:
            base_url: The API's address without a slash at its end.
            inputs: Gong's names and values.
            cursor: Where the previous page said that the next one begins, or None.

        Returns:
            The request, without credentials.
        """
        in_path = set(_PLACEHOLDER.findall(self.path))
        url = base_url + self.path.format_map(inputs)
        rest = {name: value for name, value in inputs.items() if name not in in_path}
        at = {} if cursor is None else {"cursor": cursor}
        if self.method == "GET":
            return requests.Request("GET", url, params=rest | at)
        body = {"filter": rest, **self.body, **at}
        return requests.Request(self.method, url, json=body)

    def rows(self, body: Mapping[str, Any]) -> list[Any]:
        """Find the records in an answer.

        Raises:
            ShapeError: If they are not where they belong.
        """
        found = body.get(self.records)
        if isinstance(found, list) is not self.many:
            msg = f"{self.records!r} is {type(found).__name__}"
            raise ShapeError(msg)
        return found if isinstance(found, list) else [found]


def next_cursor(body: Mapping[str, Any]) -> str | None:
    """Find the cursor of the next page; None after the last one."""
    cursor = _envelope(body).get("cursor")
    if not isinstance(cursor, str | None):
        msg = "'cursor' is not text"
        raise ShapeError(msg)
    return cursor or None


def total_records(body: Mapping[str, Any]) -> int | None:
    """Find how many records all pages together have; None if the answer does not say.

    A 0 beside records says nothing.
    """
    match _envelope(body).get("totalRecords"):
        case bool():
            return None
        case int(total) if total > 0:
            return total
        case str(text) if text.isascii() and text.isdigit():
            return int(text[:20]) or None
    return None


def _envelope(body: Mapping[str, Any]) -> Mapping[str, Any]:
    envelope = body.get("records") or {}
    if not isinstance(envelope, dict):
        msg = "'records' is no object"
        raise ShapeError(msg)
    return envelope
