"""The endpoints: what they accept and what they return."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from tap_gong.sandbox.answers import Refusal, error
from tap_gong.sandbox.cursors import Place, read_cursor, write_cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tap_gong.sandbox.world import Record, World

SCOPES = ("api:calls:read:basic", "api:calls:read:extensive")

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_ID = re.compile(r"\d{1,20}", re.ASCII)
_MAX_CALL_IDS = 100


@dataclass(frozen=True, slots=True)
class Data:
    """What the endpoints answer from, and how.

    Attributes:
        world: The company.
        hidden: IDs of calls that no list by date shows yet.
        page_size: Records a page.
        shuffle: Mix the order of records inside a page.
        cursor_lifetime: Seconds from the first page until the cursors expire.
    """

    world: World
    hidden: Collection[str]
    page_size: int
    shuffle: bool
    cursor_lifetime: float


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a client sent.

    Attributes:
        call_id: The call in the path; empty where the path has none.
        query: Query parameters by name.
        body: The body, parsed from JSON; None where there is none.
    """

    call_id: str
    query: Mapping[str, str]
    body: object


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    Attributes:
        method: Its HTTP method.
        path: Its path; the group `call_id`, if any, goes to `Inputs`.
        scope: The scope that a key needs for it.
        answer: Makes the body of the answer, without its `requestId`.
    """

    method: str
    path: re.Pattern[str]
    scope: str
    answer: Callable[[Data, Inputs], dict[str, object]]


def get_call(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `GET /v2/calls/{id}`."""
    _only(inputs.query, ())
    if not _ID.fullmatch(inputs.call_id):
        _refuse("id: must be a number of up to 20 digits")
    call = data.world.call(inputs.call_id)
    if call is None:
        raise Refusal(error(404, f"Call ID {inputs.call_id} was not found"))
    return {"call": call}


def list_calls(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `GET /v2/calls`."""
    query = dict(inputs.query)
    cursor = query.pop("cursor", None)
    _only(query, ("fromDateTime", "toDateTime", "workspaceId"))
    start, end = _period(query)
    ids = data.world.listing(start, end, query.get("workspaceId"))
    return _page(data, _visible(data, ids), query, cursor, lambda call: call)


def list_extensive(data: Data, inputs: Inputs) -> dict[str, object]:
    """Answer `POST /v2/calls/extensive`, with `metaData` whatever is selected."""
    _only(inputs.query, ())
    body = _object(inputs.body, "request body")
    cursor = _text(body.pop("cursor", None), "cursor")
    _only(body, ("filter", "contentSelector"))
    selector = _object(body.get("contentSelector") or {}, "contentSelector")
    _only(selector, ("context", "contextTiming", "exposedFields"), "contentSelector.")
    ids = _filtered(data, _object(body.get("filter"), "filter"))
    return _page(data, ids, body, cursor, lambda call: {"metaData": call})


ROUTES = (
    Route("GET", re.compile("/v2/calls"), SCOPES[0], list_calls),
    Route("POST", re.compile("/v2/calls/extensive"), SCOPES[1], list_extensive),
    Route("GET", re.compile("/v2/calls/(?P<call_id>[^/]+)"), SCOPES[0], get_call),
)


def _filtered(data: Data, chosen: dict[str, object]) -> Sequence[str]:
    """Find the calls that meet all conditions of a filter."""
    conditions = ("fromDateTime", "toDateTime", "workspaceId")
    _only(chosen, (*conditions, "callIds", "primaryUserIds"), "filter.")
    where = {name: _text(chosen.get(name), f"filter.{name}") for name in conditions}
    start, end = _period(where, "filter.")
    call_ids = _ids(chosen.get("callIds"), "filter.callIds")
    user_ids = _ids(chosen.get("primaryUserIds"), "filter.primaryUserIds")

    world = data.world
    found: Sequence[str]
    if call_ids is None:
        found = _visible(data, world.started(start, end, where["workspaceId"]))
    else:
        if len(call_ids) > _MAX_CALL_IDS:
            _refuse(f"filter.callIds: size must be between 1 and {_MAX_CALL_IDS}")
        found = [call_id for call_id in call_ids if world.call(call_id)]
        if any(where.values()):
            met = set(world.started(start, end, where["workspaceId"]))
            found = [call_id for call_id in found if call_id in met]
    if user_ids is not None:
        found = [
            call_id
            for call_id in found
            if (world.call(call_id) or {}).get("primaryUserId") in user_ids
        ]
    return found


def _visible(data: Data, ids: Sequence[str]) -> Sequence[str]:
    if not data.hidden:
        return ids
    return [call_id for call_id in ids if call_id not in data.hidden]


def _page(
    data: Data,
    ids: Sequence[str],
    inputs: Mapping[str, object],
    cursor: str | None,
    present: Callable[[Record], Record],
) -> dict[str, object]:
    """Answer with the page that the cursor asks for, or with the first one."""
    if cursor is None:
        place = Place(0, time.monotonic() + data.cursor_lifetime)
    else:
        place = read_cursor(cursor, inputs)
    shown = list(ids[place.offset : place.offset + data.page_size])
    if not shown:
        message = "No calls found corresponding to the provided filters"
        raise Refusal(error(404, message))
    if data.shuffle:
        shown.sort(key=lambda call_id: call_id[::-1])
    records: dict[str, object] = {
        "totalRecords": len(ids),
        "currentPageSize": len(shown),
        "currentPageNumber": place.offset // data.page_size,
    }
    if len(ids) > (following := place.offset + len(shown)):
        records["cursor"] = write_cursor(inputs, Place(following, place.expires))
    calls = [present(call) for call_id in shown if (call := data.world.call(call_id))]
    return {"records": records, "calls": calls}


def _refuse(message: str) -> NoReturn:
    raise Refusal(error(400, message))


def _only(given: Mapping[str, object], known: Sequence[str], prefix: str = "") -> None:
    for name in given:
        if name not in known:
            _refuse(f"{prefix}{name}: is not known here")


def _object(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        _refuse(f"{name}: must be a JSON object")
    return dict(value)


def _text(value: object, name: str) -> str | None:
    if not isinstance(value, str | None):
        _refuse(f"{name}: must be a string")
    return value


def _ids(value: object, name: str) -> list[str] | None:
    """Check a list of IDs, and leave repeats out."""
    if value is None:
        return None
    if not isinstance(value, list):
        _refuse(f"{name}: must be an array")
    if not value:
        _refuse(f"{name}: must not be empty but can be null or can be omitted")
    if not all(isinstance(item, str) and _ID.fullmatch(item) for item in value):
        _refuse(f"{name}: must be strings of up to 20 digits")
    return list(dict.fromkeys(value))


def _period(
    where: Mapping[str, str | None], prefix: str = ""
) -> tuple[datetime | None, datetime | None]:
    start = _moment(where.get("fromDateTime"), f"{prefix}fromDateTime")
    end = _moment(where.get("toDateTime"), f"{prefix}toDateTime")
    if start and end and start >= end:
        _refuse(f"{prefix}fromDateTime: must be before toDateTime")
    return start, end


def _moment(value: str | None, name: str) -> datetime | None:
    if value is None:
        return None
    with suppress(ValueError):
        if _MOMENT.fullmatch(value):
            return datetime.fromisoformat(value)
    _refuse(f"{name}: must be a date and time in ISO-8601 format with an offset")
