"""Pages of records, and the cursors between them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tap_gong.sandbox.answers import Refusal, error
from tap_gong.sandbox.cursors import Place, read_cursor, write_cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_gong.sandbox.routes.endpoint import Data


def page(  # noqa: PLR0913, PLR0917 - the first four say which page, the others how
    data: Data,
    ids: Sequence[str],
    inputs: Mapping[str, object],
    cursor: str | None,
    key: str,
    present: Callable[[str], object],
) -> dict[str, object]:
    """Answer with the page that the cursor asks for, or with the first one.

    Args:
        data: What the endpoints answer from.
        ids: IDs of all records.
        inputs: The inputs of the request, without the cursor.
        cursor: The cursor, if one was sent.
        key: Under which name the records stand in the answer.
        present: Makes a record from its ID.

    Returns:
        The body of the answer.

    Raises:
        Refusal: There is no record, or the cursor is not good.
    """
    if cursor is None:
        place = Place(0, time.monotonic() + data.cursor_lifetime)
    else:
        place = read_cursor(cursor, inputs)
    shown = list(ids[place.offset : place.offset + data.page_size])
    if not shown:
        message = "No calls found corresponding to the provided filters"
        raise Refusal(error(404, message))
    if data.shuffle:
        shown.sort(key=lambda id_: id_[::-1])
    records: dict[str, object] = {
        "totalRecords": len(ids),
        "currentPageSize": len(shown),
        "currentPageNumber": place.offset // data.page_size,
    }
    if len(ids) > (following := place.offset + len(shown)):
        records["cursor"] = write_cursor(inputs, Place(following, place.expires))
    return {"records": records, key: [present(id_) for id_ in shown]}
