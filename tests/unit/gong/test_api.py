"""One page of an endpoint, from a session of the tests' own."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
import requests

from tap_gong.errors import (
    MissingScopeError,
    RunFailedError,
    ShapeError,
    StreamFailedError,
)
from tap_gong.gong.api import Api
from tap_gong.gong.endpoint import Endpoint
from tap_gong.gong.tries import TRIES

if TYPE_CHECKING:
    from tap_gong.gong.pages import Page

LOGGER = logging.getLogger("tests.api")
REFERENCE = "4al018gzaztcr8nbukw"
USERS = Endpoint(
    "GET",
    "/v2/users",
    records="users",
    nothing="no users found",
    instead="Deselect it.",
)
POSTED = Endpoint("POST", "/v2/calls/extensive", records="calls", body={"a": 1})
HOURS = timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("waits")


def answer(
    body: object, status: int = 200, date: datetime | None = None
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps(body).encode()
    response.request = requests.Request("GET", "https://api.gong.io/v2/users").prepare()
    if date:
        response.headers["Date"] = format_datetime(date, usegmt=True)
    return response


def users(*ids: object, **envelope: object) -> dict[str, Any]:
    rows = [{"id": id_} for id_ in ids]
    return {"requestId": REFERENCE, "users": rows, "records": envelope}


def refusal(sentence: str) -> dict[str, Any]:
    return {"requestId": REFERENCE, "errors": [sentence]}


class Gong:
    """A session that gives these answers, one for each request."""

    def __init__(self, *answers: requests.Response) -> None:
        self.session = Mock(ask=Mock(side_effect=answers), url="https://api.gong.io")
        self.api = Api(self.session, LOGGER)

    def page(
        self,
        endpoint: Endpoint = USERS,
        inputs: dict[str, Any] | None = None,
        cursor: str | None = None,
    ) -> Page[Any]:
        return self.api.page(endpoint, inputs or {}, cursor, by_id)

    @property
    def asked(self) -> list[requests.PreparedRequest]:
        return [call.args[0].prepare() for call in self.session.ask.call_args_list]


def by_id(rows: list[Any]) -> dict[Any, Any]:
    if any(not isinstance(row.get("id"), str) for row in rows):
        msg = "'id' is not text"
        raise ShapeError(msg)
    return {row["id"]: row for row in rows}


def test_a_page() -> None:
    response = answer(users("1", "2", cursor="c", totalRecords=250))
    page = Gong(response).page()
    assert page.records == {"1": {"id": "1"}, "2": {"id": "2"}}
    assert (page.request_id, page.cursor, page.total) == (REFERENCE, "c", 250)
    assert page.size == len(response.content)
    assert page.absent == {}


def test_what_is_asked() -> None:
    gong = Gong(answer(users()), answer({"calls": []}))
    gong.page(inputs={"x": "1"}, cursor="c")
    gong.page(POSTED, {"callIds": ("1",)}, "d")
    got, posted = gong.asked
    assert got.url == "https://api.gong.io/v2/users?x=1&cursor=c"
    assert posted.url == "https://api.gong.io/v2/calls/extensive"
    body = json.loads(posted.body or b"")
    assert body == {"filter": {"callIds": ["1"]}, "a": 1, "cursor": "d"}


def test_large_answers_are_read_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Python's objects several of them would take too much memory at once."""
    monkeypatch.setattr("tap_gong.gong.api.LARGE_ANSWER", len(answer(users()).content))
    gong = Gong(
        answer(users()), answer(users("1")), answer(users(5)), answer(users("2"))
    )
    readers = []

    def rows(items: list[Any]) -> dict[Any, Any]:
        readers.append(threading.get_ident())
        return by_id(items)

    pages = [gong.api.page(USERS, {}, None, rows) for _ in range(3)]
    assert [[*page.records] for page in pages] == [[], ["1"], ["2"]]
    here, *elsewhere = readers
    assert here == threading.get_ident()
    assert len(elsewhere) == 3
    assert len({*elsewhere} - {here}) == 1


@pytest.mark.parametrize("status", [400, 404])
def test_nothing_is_a_page_without_records(status: int) -> None:
    page = Gong(answer(refusal("No users found at all"), status)).page()
    assert page.request_id == REFERENCE
    assert (page.records, page.cursor, page.total, page.size) == ({}, None, None, 0)


def test_another_404_ends_the_stream_at_once() -> None:
    gong = Gong(answer(refusal("Workspace 5 was not found"), 404))
    with pytest.raises(
        StreamFailedError, match=r"saying: Workspace 5 was not found\.$"
    ):
        gong.page()


def test_a_missing_scope_is_told_with_what_the_endpoint_advises() -> None:
    sentence = "You don't have permission to use 'api:users:read'"
    gong = Gong(answer(refusal(sentence), 401))
    with pytest.raises(MissingScopeError, match=r" Deselect it\.$") as caught:
        gong.page()
    assert caught.value.scope == "api:users:read"
    gong.session.paced.pace.close.assert_not_called()


def test_a_wrong_key_ends_the_run_for_all_threads() -> None:
    gong = Gong(answer(refusal("Invalid key"), 401))
    with pytest.raises(RunFailedError) as caught:
        gong.page()
    gong.session.paced.pace.close.assert_called_once_with(caught.value)


NO_PAGES = [
    {"users": None},
    {"users": [{"id": 5}]},
    {"users": [], "records": ["a"]},
    {"users": [], "records": {"cursor": 5}},
]


@pytest.mark.parametrize("body", NO_PAGES, ids=range(len(NO_PAGES)))
def test_another_shape_is_asked_for_again(
    body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    gong = Gong(answer(body), answer(users("1")))
    assert gong.page().records.keys() == {"1"}
    first, second = gong.asked
    assert first.url == second.url
    assert "answered in another shape than documented: " in caplog.text


def test_another_shape_each_time_ends_the_stream() -> None:
    gong = Gong(*[answer(users(5))] * TRIES)
    with pytest.raises(
        StreamFailedError, match=rf"'id' is not text\. That was try {TRIES} of {TRIES}"
    ):
        gong.page()


def test_what_is_no_shape_of_gongs_is_a_bug_of_ours() -> None:
    gong = Gong(answer(users("1")))
    with pytest.raises(KeyError):
        gong.api.page(USERS, {}, None, lambda rows: {rows[0]["name"]: 1})
    assert len(gong.asked) == 1


# When an answer was sent


def test_a_clock_that_is_ahead_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    date = datetime.now(UTC).replace(microsecond=0) - 2 * HOURS
    gong = Gong(*[answer(users(), date=date)] * 3)
    assert [gong.page().sent_at for _ in range(3)] == [date] * 3
    (line,) = caplog.messages
    assert line.startswith("This machine's clock is 7")
    assert line.endswith("the bookmark follows Gong's.")


@pytest.mark.parametrize("ahead", [None, 2 * HOURS], ids=str)
def test_without_a_date_or_with_a_later_one_our_clock_counts(
    ahead: timedelta | None, caplog: pytest.LogCaptureFixture
) -> None:
    before = datetime.now(UTC)
    gong = Gong(answer(users(), date=before + ahead if ahead else None))
    assert before <= gong.page().sent_at <= datetime.now(UTC)
    assert caplog.messages == []


def test_nothing_has_a_moment_too() -> None:
    date = datetime.now(UTC).replace(microsecond=0) - 2 * HOURS
    gong = Gong(answer(refusal("No users found"), 404, date))
    assert gong.page().sent_at == date
